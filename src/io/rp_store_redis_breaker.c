/* The breaker: after a failure nobody asks Redis for a moment.
 *
 * Key idea: one number, until when nobody asks. When that time has come one caller moves it on by
 * as long as an operation may take, which the others see as "not yet"; so one asks and the rest
 * fails at once. If it worked the number becomes 0, otherwise a pause from then. A caller that
 * never tells (its thread was killed) costs no more than that time.
 *
 * When nobody asked for a while after the pause, nothing is known, and everybody may ask again:
 * otherwise many requests that come at once to a process that was quiet would find Redis failed
 * long after it came back, all but one. */
#include "../base/rp_limits.h"
#include "rp_store_redis_internal.h"

int rp_redis_admitted(rp_redis_t *redis)
{
    apr_time_t pause = atomic_load(&redis->pause);
    apr_time_t now;

    if (pause == 0) {
        return 1;
    }
    now = rp_redis_clock();
    if (now - pause >= apr_time_from_msec(RP_REDIS_QUIET_MS)) {
        atomic_compare_exchange_strong(&redis->pause, &pause, 0);
        return 1;
    }
    return now >= pause &&
           atomic_compare_exchange_strong(&redis->pause, &pause,
                                          now + apr_time_from_msec(RP_REDIS_OPERATION_MS));
}

void rp_redis_worked(rp_redis_t *redis)
{
    /* Looking first keeps the cache line shared. */
    if (atomic_load(&redis->pause) != 0) {
        atomic_store(&redis->pause, 0);
    }
}

void rp_redis_failed(rp_redis_t *redis, const char *why)
{
    atomic_store(&redis->why, why);
    atomic_store(&redis->pause, rp_redis_clock() + apr_time_from_msec(RP_REDIS_PAUSE_MS));
}
