/* Waiting for what another thread or process is getting from a provider.
 *
 * Key idea: a second of waiting is free, so that a hundred requests that want the same thing at the
 * same time all get it from one call. Who waits longer needs a seat (rp_seats.h), and once
 * waiting has led to nothing it needs one from the start: a provider that hangs costs the threads
 * of this process a second, once, and a few of them from then on.
 *
 *     rp_wait_t wait = {0};
 *     do {
 *         rv = rp_wait_step(&wait, env);
 *         ... look; came = 1 ...
 *     } while (rv == APR_SUCCESS && !came);
 *     rp_wait_end(&wait, env, came);                                                            */
#ifndef RP_WAIT_H
#define RP_WAIT_H

#include "../base/rp_env.h"
#include "rp_seats.h"

#define RP_WAIT_STEP apr_time_from_msec(50)

typedef struct {
    rp_seat_t seat;
    apr_interval_time_t waited;
} rp_wait_t;

/* Pauses this thread for RP_WAIT_STEP. RP_FAILED at once with RP_E_PROVIDER_BUSY when too many
 * wait already. */
apr_status_t rp_wait_step(rp_wait_t *wait, rp_env_t *env);

/* In any case, also without a step. came: what was waited for is there. */
void rp_wait_end(rp_wait_t *wait, rp_env_t *env, int came);

#endif
