#include "rp_wait.h"

/* Longer than anybody waits; a seat of a killed process lapses then. */
#define LONGEST apr_time_from_sec(60)

static int needs_seat(const rp_wait_t *wait, const rp_env_t *env)
{
    return env->seats && !wait->seat.where &&
           (wait->waited >= apr_time_from_sec(RP_WAIT_FREE_SECONDS) ||
            rp_now(env) < atomic_load(&env->seats->wary));
}

apr_status_t rp_wait_step(rp_wait_t *wait, rp_env_t *env)
{
    if (needs_seat(wait, env) &&
        rp_seats_wait(&wait->seat, env->seats, rp_now(env), LONGEST) != APR_SUCCESS) {
        return rp_fail(env, RP_E_PROVIDER_BUSY, "%d requests wait for a provider already",
                       env->seats->waits);
    }
    env->ops->sleep(env->ctx, RP_WAIT_STEP);
    wait->waited += RP_WAIT_STEP;
    env->spent += RP_WAIT_STEP;
    return APR_SUCCESS;
}

void rp_wait_end(rp_wait_t *wait, rp_env_t *env, int came)
{
    rp_seats_leave(&wait->seat);
    if (env->seats && wait->waited > 0) {
        atomic_store(&env->seats->wary,
                     came ? 0 : rp_now(env) + apr_time_from_sec(RP_WAIT_WARY_SECONDS));
    }
    wait->waited = 0;
}
