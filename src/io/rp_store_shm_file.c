#include "rp_store_shm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

apr_status_t rp_shm_fail(const rp_shm_opening_t *opening, const char *what)
{
    int error = errno;

    return rp_fail(opening->env, RP_E_STORE, "shared memory %s: %s: %s",
                   opening->config->path ? opening->config->path : "(anonymous)", what,
                   strerror(error));
}

int rp_shm_file_lock(int fd, int operation)
{
    int rc;

    do {
        rc = flock(fd, operation);
    } while (rc != 0 && errno == EINTR);
    return rc;
}

/* Has the disk's blocks given to the file: a full disk is an error now, not a signal later. */
static apr_status_t allocate(const rp_shm_opening_t *opening, int fd, uint64_t size)
{
    int rc;

    do {
        rc = posix_fallocate(fd, 0, (off_t)size);
    } while (rc == EINTR);
    if (rc) {
        errno = rc;
        return rp_shm_fail(opening, "cannot be given its size");
    }
    return APR_SUCCESS;
}

apr_status_t rp_shm_file_make(int *fd, const rp_shm_opening_t *opening, const char *name)
{
    const apr_uid_t uid = opening->config->uid;
    apr_status_t rv;

    /* What an interrupted start left behind. */
    unlink(name);
    *fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return rp_shm_fail(opening, "cannot be created");
    }
    if (rp_shm_file_lock(*fd, LOCK_EX) != 0 || fchmod(*fd, 0600) != 0) {
        rv = rp_shm_fail(opening, "cannot be locked");
    } else if (geteuid() == 0 && uid != (apr_uid_t)-1 && fchown(*fd, uid, (gid_t)-1) != 0) {
        rv = rp_shm_fail(opening, "cannot be given to its user");
    } else {
        rv = allocate(opening, *fd, opening->size);
    }
    if (rv != APR_SUCCESS) {
        close(*fd);
        unlink(name);
    }
    return rv;
}

static int is_at(int fd, const char *path)
{
    struct stat mine;
    struct stat named;

    return fstat(fd, &mine) == 0 && lstat(path, &named) == 0 && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

apr_status_t rp_shm_file_publish(const rp_shm_opening_t *opening, int fd, const char *name,
                                 int replaces)
{
    const char *path = opening->config->path;

    if (replaces ? rename(name, path) != 0 : link(name, path) != 0) {
        return errno == EEXIST || errno == ENOENT ? APR_EAGAIN
                                                  : rp_shm_fail(opening, "cannot be named");
    }
    return is_at(fd, path) ? APR_SUCCESS : APR_EAGAIN;
}

/* A file that others may have written to, or that is no file, is not ours. */
static apr_status_t check_owner(const rp_shm_opening_t *opening, int fd, struct stat *info)
{
    const char *path = opening->config->path;

    if (fstat(fd, info) != 0) {
        return rp_shm_fail(opening, "cannot be examined");
    }
    if (!S_ISREG(info->st_mode)) {
        return rp_fail(opening->env, RP_E_STORE, "shared memory %s: is not a regular file", path);
    }
    if (info->st_uid != geteuid() && info->st_uid != opening->config->uid) {
        return rp_fail(opening->env, RP_E_STORE, "shared memory %s: belongs to user %lu", path,
                       (unsigned long)info->st_uid);
    }
    if ((info->st_mode & 077) != 0 && fchmod(fd, 0600) != 0) {
        return rp_shm_fail(opening, "is open to other users");
    }
    return APR_SUCCESS;
}

/* Reads what the first page says, and lengthens a file that was cut when nobody uses it: what
 * the lost part held is dropped, the rest is not. */
static apr_status_t read_size(rp_shm_found_t *found, const rp_shm_opening_t *opening,
                              const struct stat *info)
{
    rp_shm_file_t file;

    found->size = 0;
    if (pread(found->fd, &file, sizeof(file), 0) != (ssize_t)sizeof(file) ||
        memcmp(file.magic, RP_SHM_MAGIC, sizeof(file.magic)) != 0 || file.layout != RP_SHM_LAYOUT ||
        file.head_size != sizeof(rp_shm_head_t) || file.check != rp_shm_file_check(&file) ||
        file.size < RP_SHM_MIN_SIZE || file.size > APR_SIZE_MAX / 2 || file.size % RP_SHM_PAGE) {
        return APR_SUCCESS;
    }
    if ((uint64_t)info->st_size < file.size && !found->alone) {
        return APR_SUCCESS;
    }
    found->size = file.size;
    return found->alone ? allocate(opening, found->fd, file.size) : APR_SUCCESS;
}

apr_status_t rp_shm_file_find(rp_shm_found_t *found, const rp_shm_opening_t *opening)
{
    const char *path = opening->config->path;
    struct stat info;
    apr_status_t rv;

    memset(found, 0, sizeof(*found));
    found->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (found->fd < 0) {
        return errno == ENOENT ? APR_SUCCESS : rp_shm_fail(opening, "cannot be opened");
    }
    rv = check_owner(opening, found->fd, &info);
    if (rv == APR_SUCCESS) {
        found->alone = rp_shm_file_lock(found->fd, LOCK_EX | LOCK_NB) == 0;
        if (!found->alone && rp_shm_file_lock(found->fd, LOCK_SH) != 0) {
            rv = rp_shm_fail(opening, "cannot be locked");
        } else if (!is_at(found->fd, path)) {
            rv = APR_EAGAIN;
        }
    }
    if (rv == APR_SUCCESS) {
        rv = read_size(found, opening, &info);
    }
    if (rv != APR_SUCCESS) {
        close(found->fd);
        found->fd = -1;
    }
    return rv;
}
