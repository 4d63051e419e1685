#include "rp_http_turn.h"

#include <string.h>

#define STEP apr_time_from_msec(20)

static apr_status_t refuse_paused(rp_env_t *env, const char *origin, apr_interval_time_t pause)
{
    return rp_fail(env, RP_E_PROVIDER_PAUSED,
                   "%s: the last calls got no answer; none is made for %" APR_TIME_T_FMT " ms",
                   origin, apr_time_as_msec(pause));
}

static apr_status_t refuse_busy(rp_env_t *env, const rp_http_turn_t *turn)
{
    return rp_fail(
        env, RP_E_PROVIDER_BUSY,
        "%s: as many calls are under way already as may be (%d to one origin, %d in all)",
        turn->origin, turn->gate->seats->calls_per_origin, turn->gate->seats->calls);
}

/* A seat for the call. waiting: the seat to wait in; the caller leaves it. */
static apr_status_t find_room(rp_http_turn_t *turn, rp_seat_t *waiting, rp_env_t *env,
                              apr_interval_time_t time_limit)
{
    const rp_http_gate_t *gate = turn->gate;
    apr_interval_time_t longest = apr_time_from_sec(RP_ROOM_SECONDS);

    for (apr_interval_time_t waited = 0; waited <= longest; waited += STEP) {
        apr_interval_time_t pause = rp_http_breaker_pause(gate->breaker, turn->origin, rp_now(env));

        if (pause > 0) {
            return refuse_paused(env, turn->origin, pause);
        }
        if (rp_seats_call(&turn->seat, gate->seats, turn->origin, rp_now(env), time_limit) ==
            APR_SUCCESS) {
            return APR_SUCCESS;
        }
        if (!waiting->where &&
            rp_seats_wait(waiting, gate->seats, rp_now(env), longest) != APR_SUCCESS) {
            return refuse_busy(env, turn);
        }
        env->ops->sleep(env->ctx, STEP);
    }
    return refuse_busy(env, turn);
}

apr_status_t rp_http_turn_take(rp_http_turn_t *turn, rp_env_t *env, const rp_http_gate_t *gate,
                               const char *origin, apr_interval_time_t time_limit)
{
    rp_seat_t waiting = {0};
    apr_status_t rv;

    memset(turn, 0, sizeof(*turn));
    turn->gate = gate;
    turn->origin = origin;
    rv = find_room(turn, &waiting, env, time_limit);
    rp_seats_leave(&waiting);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    turn->kind = rp_http_breaker_admit(gate->breaker, origin, rp_now(env), time_limit);
    if (turn->kind == RP_CALL_REFUSED) {
        /* Somebody else tries. */
        rp_seats_leave(&turn->seat);
        return refuse_paused(env, origin,
                             rp_http_breaker_pause(gate->breaker, origin, rp_now(env)));
    }
    return APR_SUCCESS;
}

void rp_http_turn_give(rp_http_turn_t *turn, rp_env_t *env, rp_http_call_end_t end)
{
    rp_seats_leave(&turn->seat);
    rp_http_breaker_tell(turn->gate->breaker, turn->origin, rp_now(env), turn->kind, end);
}
