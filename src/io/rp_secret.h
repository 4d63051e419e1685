/* Secret sources: file:PATH · env:NAME · exec:COMMAND · credential:NAME · otherwise the literal.
 *
 * Key idea: where a secret comes from is part of the configuration, the secret itself is not. A
 * file that others can read is refused, not warned about. */
#ifndef RP_SECRET_H
#define RP_SECRET_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_user.h>

typedef struct {
    unsigned char *data; /* followed by a NUL that len does not count; wiped with the pool */
    apr_size_t len;      /* 1 to RP_MAX_SECRET */
    int literal;         /* 1: stands in the configuration itself, which deserves a warning */
} rp_secret_t;

/* Reads a secret. One trailing newline is dropped. On failure returns APR_EINVAL or the system's
 * status, with *why in words for the administrator (names the path or variable, and what would be
 * right; never the secret), in pool; on success *why is NULL.
 *
 * file: an absolute path of a regular file that belongs to root, to this process's user, or to
 * user (the one that child processes will run as; (apr_uid_t)-1: nobody else), and which neither
 * its group nor others may read or write; a symbolic link is followed, and what it leads to is
 * judged. exec: an absolute path and its arguments, run without a shell; quotes and backslashes
 * group words as they do in httpd's configuration. The secret is what it prints within ten seconds,
 * and it has to exit with 0. credential: the name of a file in systemd's $CREDENTIALS_DIRECTORY. */
apr_status_t rp_secret_read(rp_secret_t *secret, const char *source, apr_uid_t user,
                            apr_pool_t *pool, const char **why);

/* The name of the file that the source is; NULL when it is no file. In pool, or part of source. */
const char *rp_secret_path(const char *source, apr_pool_t *pool);

/* The whole file at path, of at most RP_MAX_KEY_FILE bytes, under the rules of file:. */
apr_status_t rp_secret_read_file(rp_secret_t *secret, const char *path, apr_uid_t user,
                                 apr_pool_t *pool, const char **why);

#endif
