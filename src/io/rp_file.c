#include "rp_file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads up to len bytes; fewer only at the end of the file. */
static apr_status_t read_all(apr_size_t *got, int fd, char *data, apr_size_t len)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = read(fd, data + *got, len - *got);

        if (n == 0) {
            return APR_SUCCESS;
        }
        if (n > 0) {
            *got += (apr_size_t)n;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t read_open_file(char **data, apr_size_t *len, int fd, apr_size_t max,
                                   apr_pool_t *pool)
{
    struct stat st;
    apr_status_t rv;
    apr_size_t size;
    char *buffer;

    if (fstat(fd, &st) != 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return APR_EINVAL;
    }
    size = (apr_size_t)st.st_size;
    if (size > max) {
        return APR_ENOSPC;
    }
    /* Our files are replaced, never written to: what fstat says holds for as long as it is open. */
    buffer = apr_palloc(pool, size + 1);
    rv = read_all(len, fd, buffer, size);
    if (rv != APR_SUCCESS) {
        *len = 0;
        return rv;
    }
    buffer[*len] = '\0';
    *data = buffer;
    return APR_SUCCESS;
}

apr_status_t rp_file_read(char **data, apr_size_t *len, const char *path, apr_size_t max,
                          apr_pool_t *pool)
{
    apr_status_t rv;
    int fd;

    *data = NULL;
    *len = 0;
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? APR_NOTFOUND : errno;
    }
    rv = read_open_file(data, len, fd, max, pool);
    close(fd);
    return rv;
}

static apr_status_t write_all(int fd, const char *data, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n >= 0) {
            data += n;
            len -= (apr_size_t)n;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static const char *parent_of(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return ".";
    }
    return slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
}

/* Fills the temporary file; everything but its name is final then. */
static apr_status_t write_file(int fd, int dir, const void *data, apr_size_t len)
{
    struct stat st;
    apr_status_t rv;

    if (fchmod(fd, 0600) != 0) {
        return errno;
    }
    if (geteuid() == 0) {
        if (fstat(dir, &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0) {
            return errno;
        }
    }
    rv = write_all(fd, data, len);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return fsync(fd) == 0 ? APR_SUCCESS : errno;
}

static apr_status_t replace_in(int dir, const char *path, const void *data, apr_size_t len,
                               apr_pool_t *pool)
{
    char *temporary = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    int fd = mkostemp(temporary, O_CLOEXEC);
    apr_status_t rv;

    if (fd < 0) {
        return errno;
    }
    rv = write_file(fd, dir, data, len);
    if (close(fd) != 0 && rv == APR_SUCCESS) {
        rv = errno;
    }
    if (rv == APR_SUCCESS && rename(temporary, path) != 0) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {
        unlink(temporary);
        return rv;
    }
    /* The new name has to survive a power cut as the content does; EINVAL: this file system has no
     * such operation for directories. */
    return fsync(dir) == 0 || errno == EINVAL ? APR_SUCCESS : errno;
}

apr_status_t rp_file_replace(const char *path, const void *data, apr_size_t len, apr_pool_t *pool)
{
    int dir = open(parent_of(path, pool), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    apr_status_t rv;

    if (dir < 0) {
        return errno;
    }
    rv = replace_in(dir, path, data, len, pool);
    close(dir);
    return rv;
}

/* Makes one directory. *made tells whether it was missing. */
static apr_status_t make_one(int *made, const char *dir)
{
    *made = mkdir(dir, 0700) == 0;
    return *made || errno == EEXIST ? APR_SUCCESS : errno;
}

/* Through the open directory, so that what is checked is what is changed. */
static apr_status_t own_dir(int fd, int made, apr_uid_t uid, apr_gid_t gid)
{
    int root = geteuid() == 0;
    apr_uid_t owner = root && uid != (apr_uid_t)-1 ? uid : geteuid();
    struct stat st;

    if (made) {
        if (fchmod(fd, 0700) != 0 || (root && fchown(fd, owner, gid) != 0)) {
            return errno;
        }
        return APR_SUCCESS;
    }
    if (fstat(fd, &st) != 0) {
        return errno;
    }
    return st.st_uid != owner || (st.st_mode & 022) ? APR_EACCES : APR_SUCCESS;
}

static apr_status_t open_and_own(const char *dir, int made, apr_uid_t uid, apr_gid_t gid)
{
    int fd = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    apr_status_t rv;
    struct stat st;

    if (fd < 0) {
        /* A symbolic link may show up as ELOOP or as ENOTDIR. */
        rv = errno;
        return lstat(dir, &st) == 0 && S_ISLNK(st.st_mode) ? APR_EACCES : rv;
    }
    rv = own_dir(fd, made, uid, gid);
    close(fd);
    return rv;
}

/* Missing parents from the top downwards; those that exist are the administrator's affair. */
static apr_status_t make_parents(char *path, apr_uid_t uid, apr_gid_t gid)
{
    apr_status_t rv = APR_SUCCESS;

    for (char *slash = strchr(path + 1, '/'); slash && rv == APR_SUCCESS;
         slash = strchr(slash + 1, '/')) {
        int made;

        *slash = '\0';
        rv = make_one(&made, path);
        if (rv == APR_SUCCESS && made) {
            rv = open_and_own(path, 1, uid, gid);
        }
        *slash = '/';
    }
    return rv;
}

apr_status_t rp_file_make_dir(const char *dir, apr_uid_t uid, apr_gid_t gid, apr_pool_t *pool)
{
    char *path = apr_pstrdup(pool, dir);
    apr_size_t len = strlen(path);
    apr_status_t rv;
    int made;

    /* With a slash at its end a symbolic link would be followed. */
    while (len > 1 && path[len - 1] == '/') {
        path[--len] = '\0';
    }
    if (!len) {
        return APR_EINVAL;
    }
    rv = make_parents(path, uid, gid);
    if (rv == APR_SUCCESS) {
        rv = make_one(&made, path);
    }
    return rv == APR_SUCCESS ? open_and_own(path, made, uid, gid) : rv;
}
