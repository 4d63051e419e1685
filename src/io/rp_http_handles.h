/* The curl handles of a process, and who may use one.
 *
 * Key idea: the handle that was returned last is taken first, so that a quiet server keeps few
 * connections and they stay warm. A handle is one thread's between take and give.
 *
 * Nothing is allocated per origin: a call in flight is a link of a list that lives on its thread's
 * stack, and the calls to one origin are counted by walking it (there are at most as many as
 * threads). */
#ifndef RP_HTTP_HANDLES_H
#define RP_HTTP_HANDLES_H

#include <apr_pools.h>
#include <curl/curl.h>

#include "../base/rp_env.h"

typedef struct rp_http_handles_t rp_http_handles_t;

/* A call in flight; the members are this file's own. */
typedef struct rp_http_slot_t {
    const char *origin;
    CURL *curl; /* blank but for its connections */
    struct rp_http_slot_t *next;
} rp_http_slot_t;

/* The handles end with pool. */
apr_status_t rp_http_handles_make(rp_http_handles_t **handles, int max_per_origin,
                                  apr_pool_t *pool);

/* Waits at most that long, when there are too many calls to origin already. APR_SUCCESS, or
 * RP_FAILED with RP_E_PROVIDER_BUSY or RP_E_INTERNAL. origin must live until give. */
apr_status_t rp_http_handles_take(rp_http_slot_t *slot, rp_env_t *env, rp_http_handles_t *handles,
                                  const char *origin, apr_interval_time_t wait);

/* Takes the handle back and forgets every option that was set. */
void rp_http_handles_give(rp_http_handles_t *handles, rp_http_slot_t *slot);

#endif
