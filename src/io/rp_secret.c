#include "rp_secret.h"

#include <apr_env.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/rp_limits.h"
#include "../jose/rp_crypto.h"
#include "rp_secret_exec.h"

/* Room for the largest secret, its newline, and one byte that shows that there is more. */
#define ROOM (RP_MAX_SECRET + 3)
/* Likewise for a file that is taken as it is. */
#define FILE_ROOM (RP_MAX_KEY_FILE + 2)

/* Where a secret file stands decides what its mode means. */
typedef struct {
    const char *path;
    apr_uid_t user;   /* whose file it may be, beside root's and our own */
    mode_t forbidden; /* permission bits that must not be set */
    apr_size_t room;  /* most bytes that are read */
} place_t;

/* What follows the prefix of a source, and place_t.user. */
typedef struct {
    const char *text;
    apr_uid_t user;
} rest_t;

typedef apr_status_t read_fn(rp_secret_t *secret, const rest_t *rest, apr_pool_t *pool,
                             const char **why);

static apr_status_t wipe(void *data)
{
    rp_wipe(data, ROOM);
    return APR_SUCCESS;
}

static apr_status_t wipe_file(void *data)
{
    rp_wipe(data, FILE_ROOM);
    return APR_SUCCESS;
}

/* Whatever is read goes straight to where it stays, so that nothing else has to be wiped. */
static void make_room(rp_secret_t *secret, apr_size_t room, apr_pool_t *pool)
{
    secret->data = apr_pcalloc(pool, room);
    secret->len = 0;
    secret->literal = 0;
    apr_pool_cleanup_register(pool, secret->data, room == ROOM ? wipe : wipe_file,
                              apr_pool_cleanup_null);
}

static apr_status_t check_file(int fd, const place_t *place, apr_pool_t *pool, const char **why)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        apr_status_t rv = errno;

        *why = apr_psprintf(pool, "%s cannot be examined: %pm", place->path, &rv);
        return rv;
    }
    if (!S_ISREG(st.st_mode)) {
        *why = apr_psprintf(pool, "%s is not a regular file", place->path);
        return APR_EINVAL;
    }
    if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != place->user) {
        *why = apr_psprintf(pool,
                            "%s belongs to user id %lu; it has to belong to root or to the user "
                            "that httpd is started by or runs as",
                            place->path, (unsigned long)st.st_uid);
        return APR_EINVAL;
    }
    if (st.st_mode & place->forbidden) {
        *why = apr_psprintf(pool, "%s is accessible to other users (mode %04o): chmod 600 %s",
                            place->path, (unsigned)(st.st_mode & 07777), place->path);
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

static apr_status_t read_bytes(rp_secret_t *secret, int fd, const place_t *place, apr_pool_t *pool,
                               const char **why)
{
    while (secret->len < place->room) {
        ssize_t n = read(fd, secret->data + secret->len, place->room - secret->len);

        if (n == 0) {
            break;
        }
        if (n > 0) {
            secret->len += (apr_size_t)n;
        } else if (errno != EINTR) {
            apr_status_t rv = errno;

            *why = apr_psprintf(pool, "%s cannot be read: %pm", place->path, &rv);
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t read_place(rp_secret_t *secret, const place_t *place, apr_pool_t *pool,
                               const char **why)
{
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = open(place->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    apr_status_t rv;

    if (fd < 0) {
        rv = errno;
        *why = apr_psprintf(pool, "%s cannot be opened: %pm", place->path, &rv);
        return rv;
    }
    rv = check_file(fd, place, pool, why);
    if (rv == APR_SUCCESS) {
        rv = read_bytes(secret, fd, place, pool, why);
    }
    close(fd);
    return rv;
}

static apr_status_t read_file(rp_secret_t *secret, const rest_t *rest, apr_pool_t *pool,
                              const char **why)
{
    place_t place = {rest->text, rest->user, 077, ROOM};

    if (*rest->text != '/') {
        *why = apr_psprintf(pool, "file:%s is not an absolute path", rest->text);
        return APR_EINVAL;
    }
    return read_place(secret, &place, pool, why);
}

static int is_variable_name(const char *name)
{
    if (!apr_isalpha(*name) && *name != '_') {
        return 0;
    }
    for (; *name; name++) {
        if (!apr_isalnum(*name) && *name != '_') {
            return 0;
        }
    }
    return 1;
}

static apr_status_t read_env(rp_secret_t *secret, const rest_t *rest, apr_pool_t *pool,
                             const char **why)
{
    const char *name = rest->text;
    char *value;
    apr_size_t len;

    if (!is_variable_name(name)) {
        *why = "env: has to be followed by the name of an environment variable";
        return APR_EINVAL;
    }
    if (apr_env_get(&value, name, pool) != APR_SUCCESS) {
        *why = apr_psprintf(pool, "the environment variable %s is not set for httpd", name);
        return APR_EINVAL;
    }
    len = strlen(value);
    secret->len = len < ROOM ? len : ROOM;
    memcpy(secret->data, value, secret->len);
    return APR_SUCCESS;
}

static apr_status_t read_exec(rp_secret_t *secret, const rest_t *rest, apr_pool_t *pool,
                              const char **why)
{
    return rp_secret_exec(secret->data, &secret->len, ROOM, rest->text, pool, why);
}

/* NULL: no name of a credential, or no directory for them. */
static const char *credential_path(const char *name, apr_pool_t *pool, const char **why)
{
    char *dir;

    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        *why = "credential: has to be followed by the name of a credential, without a slash";
        return NULL;
    }
    if (apr_env_get(&dir, "CREDENTIALS_DIRECTORY", pool) != APR_SUCCESS || *dir != '/') {
        *why = apr_psprintf(pool,
                            "httpd has no credentials directory; it has to be a systemd service "
                            "with LoadCredential=%s:PATH or the like",
                            name);
        return NULL;
    }
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static apr_status_t read_credential(rp_secret_t *secret, const rest_t *rest, apr_pool_t *pool,
                                    const char **why)
{
    /* systemd grants access by an ACL, whose mask shows as the group's bits; the directory is the
     * service's own. */
    place_t place = {NULL, rest->user, 037, ROOM};

    place.path = credential_path(rest->text, pool, why);
    return place.path ? read_place(secret, &place, pool, why) : APR_EINVAL;
}

static apr_status_t read_literal(rp_secret_t *secret, const rest_t *rest, apr_pool_t *pool,
                                 const char **why)
{
    apr_size_t len = strlen(rest->text);

    (void)pool;
    (void)why;
    secret->literal = 1;
    secret->len = len < ROOM ? len : ROOM;
    memcpy(secret->data, rest->text, secret->len);
    return APR_SUCCESS;
}

/* The last row fits everything. */
static const struct {
    const char *prefix;
    read_fn *read;
} sources[] = {
    {"file:", read_file}, {"env:", read_env},
    {"exec:", read_exec}, {"credential:", read_credential},
    {"", read_literal},
};

static void drop_newline(rp_secret_t *secret)
{
    if (secret->len && secret->data[secret->len - 1] == '\n') {
        secret->len--;
        if (secret->len && secret->data[secret->len - 1] == '\r') {
            secret->len--;
        }
    }
}

/* What a message calls the secret: never the literal, nor a program's arguments. */
static const char *name_of(const rp_secret_t *secret, const char *source)
{
    if (secret->literal) {
        return "the secret";
    }
    return strncmp(source, "exec:", 5) == 0 ? "what the exec: program prints" : source;
}

static apr_status_t check_length(const rp_secret_t *secret, const char *source, apr_pool_t *pool,
                                 const char **why)
{
    if (!secret->len) {
        *why = apr_psprintf(pool, "%s is empty", name_of(secret, source));
        return APR_EINVAL;
    }
    if (secret->len > RP_MAX_SECRET) {
        *why = apr_psprintf(pool, "%s is longer than %d bytes", name_of(secret, source),
                            RP_MAX_SECRET);
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* A secret that was refused leaves nothing behind. */
static void forget(rp_secret_t *secret, apr_size_t room)
{
    rp_wipe(secret->data, room);
    secret->data = NULL;
    secret->len = 0;
}

static int row_of(const char *source)
{
    int i = 0;

    while (strncmp(source, sources[i].prefix, strlen(sources[i].prefix)) != 0) {
        i++;
    }
    return i;
}

apr_status_t rp_secret_read(rp_secret_t *secret, const char *source, apr_uid_t user,
                            apr_pool_t *pool, const char **why)
{
    int row = row_of(source);
    rest_t rest = {source + strlen(sources[row].prefix), user};
    apr_status_t rv;

    *why = NULL;
    make_room(secret, ROOM, pool);
    rv = sources[row].read(secret, &rest, pool, why);
    if (rv == APR_SUCCESS) {
        if (!secret->literal) {
            drop_newline(secret);
        }
        rv = check_length(secret, source, pool, why);
    }
    if (rv != APR_SUCCESS) {
        forget(secret, ROOM);
        return rv;
    }
    rp_wipe(secret->data + secret->len, ROOM - secret->len);
    return APR_SUCCESS;
}

const char *rp_secret_path(const char *source, apr_pool_t *pool)
{
    int row = row_of(source);
    const char *rest = source + strlen(sources[row].prefix);
    const char *why;

    if (sources[row].read == read_file) {
        return rest;
    }
    return sources[row].read == read_credential ? credential_path(rest, pool, &why) : NULL;
}

apr_status_t rp_secret_read_file(rp_secret_t *secret, const char *path, apr_uid_t user,
                                 apr_pool_t *pool, const char **why)
{
    place_t place = {path, user, 077, FILE_ROOM};
    apr_status_t rv;

    *why = NULL;
    make_room(secret, FILE_ROOM, pool);
    rv = read_place(secret, &place, pool, why);
    if (rv == APR_SUCCESS && (secret->len == 0 || secret->len > RP_MAX_KEY_FILE)) {
        *why = secret->len ? apr_psprintf(pool, "%s is longer than %d bytes", path, RP_MAX_KEY_FILE)
                           : apr_psprintf(pool, "%s is empty", path);
        rv = APR_EINVAL;
    }
    if (rv != APR_SUCCESS) {
        forget(secret, FILE_ROOM);
    }
    return rv;
}
