/* The curl handles of a process.
 *
 * Key idea: the handle that was returned last is taken first, so that a quiet server keeps few
 * connections and they stay warm. A handle is one thread's between take and give. How many there
 * are at a time is decided before (rp_http_turn.h). */
#ifndef RP_HTTP_HANDLES_H
#define RP_HTTP_HANDLES_H

#include <apr_pools.h>
#include <curl/curl.h>

#include "../base/rp_env.h"

typedef struct rp_http_handles_t rp_http_handles_t;

/* The handles end with pool. */
apr_status_t rp_http_handles_make(rp_http_handles_t **handles, apr_pool_t *pool);

/* A handle that is blank but for its connections. RP_FAILED with RP_E_INTERNAL. */
apr_status_t rp_http_handles_take(CURL **curl, rp_env_t *env, rp_http_handles_t *handles);

/* Takes the handle back and forgets every option that was set. */
void rp_http_handles_give(rp_http_handles_t *handles, CURL *curl);

#endif
