/* A file of the configuration that a running process reads again when it changes: the client's
 * secret, its keys.
 *
 * Key idea: what was read when httpd started is the first value. Whoever asks, at most once in
 * RP_FOLLOW_SECONDS, looks at the file's times, size and number; when they differ, the file is read
 * and judged as at the start. What is good becomes the value, a generation with a pool of its own
 * (rp_provider_cache.h), so that a request keeps what it took while others have the next one. What
 * is not good is refused: the value stays, and one line in the log says so, of all processes and
 * for as long as the file stays as it is (RP_E_SECRET_CHANGED).
 *
 * A process that nobody asked keeps the first value: what it has is as old as its last look.
 *
 * A process that may not read the file at all follows nothing, silently: where root starts httpd
 * and keeps the file for itself, the next start or graceful restart reads it.
 *
 *     rp_followed_t *followed;
 *     rv = rp_followed_make(&followed, &subject, pool);                in each process
 *     secret = rp_followed_value(env, followed);                       in each request         */
#ifndef RP_FOLLOWED_H
#define RP_FOLLOWED_H

#include "../base/rp_env.h"

typedef struct rp_followed_t rp_followed_t;

/* Reads the file. *value in pool; or a status and *why, words for the administrator, in pool. */
typedef apr_status_t rp_followed_read_fn(const void **value, const void *ctx, apr_pool_t *pool,
                                         const char **why);

typedef struct {
    const char *directive; /* for the log: "OAuthClientSecret" */
    const char *path;
    rp_followed_read_fn *read;
    const void *ctx;   /* handed to read; outlives the process's requests */
    const void *first; /* the value read when httpd started, likewise */
} rp_followed_subject_t;

/* In pool, which ends when no request is left. The subject is copied. */
apr_status_t rp_followed_make(rp_followed_t **followed, const rp_followed_subject_t *subject,
                              apr_pool_t *pool);

/* The value as it is now, valid as long as env->pool. Never fails, and never waits for another
 * thread that is reading. */
const void *rp_followed_value(rp_env_t *env, rp_followed_t *followed);

#endif
