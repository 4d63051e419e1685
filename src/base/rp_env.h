/* The environment: everything with a side effect, handed down as one argument.
 *
 * Key idea: no function of the core reads a clock, draws a random number, opens a socket or keeps
 * state by itself; it asks the environment. A test builds one with a fixed clock, scripted HTTP
 * and a store in memory, and a whole login runs without a socket. The module builds one for each
 * request.
 *
 *     rp_env_t *env = ...;
 *     if (rp_now(env) >= expires) {
 *         return rp_fail(env, RP_E_STATE_EXPIRED, "issued %" APR_TIME_T_FMT, issued);
 *     }
 *
 * An environment belongs to one thread and one request (or job); it is never shared. */
#ifndef RP_ENV_H
#define RP_ENV_H

#include <apr_pools.h>
#include <apr_time.h>

#include "rp_error.h"

typedef struct rp_env_t rp_env_t;

/* Work that is done after, and apart from, the request that asked for it. Runs once, on another
 * thread of this process, with an environment and a pool of its own. */
typedef void rp_job_fn(rp_env_t *env, const void *data);

/* The operations behind an environment; one constant table per kind (module, test). */
typedef struct {
    /* Wall clock, microseconds since 1970. */
    apr_time_t (*now)(void *ctx);
    /* Fills out with len bytes of a cryptographically secure generator. */
    apr_status_t (*random)(void *ctx, unsigned char *out, apr_size_t len);
    /* Takes one line for the log at level debug. Never called with a secret in it. */
    void (*debug)(void *ctx, const char *line);
    /* Queues fn with a copy of the len bytes at data. APR_EAGAIN when there is no room: the
     * caller then does without, or does the work itself. */
    apr_status_t (*defer)(void *ctx, rp_job_fn *fn, const void *data, apr_size_t len);
    /* Pauses this thread; microseconds. */
    void (*sleep)(void *ctx, apr_interval_time_t duration);
} rp_env_ops_t;

struct rp_env_t {
    const rp_env_ops_t *ops;
    void *ctx;                          /* handed to every operation */
    apr_pool_t *pool;                   /* lives as long as the request or job */
    struct rp_http_t *http;             /* io/rp_http.h */
    struct rp_store_t *store;           /* io/rp_store.h */
    struct rp_store_t *local;           /* of this machine alone; NULL: store */
    const struct rp_keyring_t *keyring; /* jose/rp_seal.h */
    struct rp_session_cache_t *opened;  /* session/rp_session_cache.h; NULL: none is kept */
    struct rp_token_cache_t *tokens;    /* session/rp_token_cache.h; NULL: none is kept */
    struct rp_session_cache_t *bearers; /* session/rp_verified.h; NULL: none is kept */
    struct rp_asked_t *asked;           /* session/rp_asked.h; NULL: everybody may ask */
    struct rp_seats_t *seats;           /* io/rp_seats.h; NULL: waiting is not limited */
    apr_interval_time_t spent;          /* waiting for providers; rp_http_perform, rp_wait_step */
    const char *state_dir;              /* for last good copies; NULL: none are kept */
    rp_error_t error;                   /* first cause of a failure, see rp_error.h */
};

apr_time_t rp_now(const rp_env_t *env);

/* Fails with RP_E_RANDOM when the generator does. */
apr_status_t rp_random(rp_env_t *env, unsigned char *out, apr_size_t len);

/* One debug line; the format must not be given tokens, codes, secrets or cookies. Costs a
 * comparison when debug is off. */
void rp_debug(rp_env_t *env, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Records the first cause of a failure and returns RP_FAILED, so that a caller can write
 * `return rp_fail(...)`. A later cause leaves the first in place. The detail is for the
 * administrator's log only: lengths, hashes and names, never a secret. */
apr_status_t rp_fail(rp_env_t *env, rp_error_id_t id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Forgets a recorded cause: for a caller that has another way to go on. */
void rp_forgive(rp_env_t *env);

#endif
