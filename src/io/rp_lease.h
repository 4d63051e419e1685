/* Who does something that only one of all processes shall do, and whether it failed a moment ago.
 *
 * Key idea: one entry in the store under a key of the caller's, which is there while somebody is
 * busy and for a pause after a failure. A holder that dies lets it lapse.
 *
 *     rv = rp_lease_take(env, &key, ttl);
 *     APR_SUCCESS: do it, then rp_lease_end or rp_lease_pause
 *     RP_CONFLICT: rp_lease_read says whether to wait, or why not to try                        */
#ifndef RP_LEASE_H
#define RP_LEASE_H

#include "rp_store.h"

typedef struct {
    int busy;         /* 1: somebody is at it; 0: pause after an attempt */
    rp_error_t cause; /* why that attempt failed; RP_E_NONE: it did not */
} rp_lease_t;

/* APR_SUCCESS: the caller has it, for ttl at most. RP_CONFLICT: somebody is busy, or the pause
 * lasts. RP_FAILED: the store cannot say. */
apr_status_t rp_lease_take(rp_env_t *env, const rp_store_key_t *key, apr_interval_time_t ttl);

/* What stands in the way. APR_NOTFOUND: nothing (any more). */
apr_status_t rp_lease_read(rp_lease_t *lease, rp_env_t *env, const rp_store_key_t *key);

/* Give the lease back at once, or when the pause is over; cause as the attempt left it. A store
 * that fails here lets the lease lapse, which is no failure of the caller's: env->error stays what
 * it was. */
void rp_lease_end(rp_env_t *env, const rp_store_key_t *key);
void rp_lease_pause(rp_env_t *env, const rp_store_key_t *key, apr_interval_time_t pause,
                    const rp_error_t *cause);

#endif
