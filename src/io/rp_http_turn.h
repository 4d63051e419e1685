/* When a call may be made: not while the origin is paused (rp_http_breaker.h), and with a seat for
 * the thread (rp_seats.h). A few callers wait a moment for a seat; all others are refused at once.
 *
 *     rv = rp_http_turn_take(&turn, env, &gate, origin, time_limit);
 *     if (rv == APR_SUCCESS) {
 *         ... the call ...
 *         rp_http_turn_give(&turn, env, RP_CALL_ANSWERED);
 *     }                                                                                         */
#ifndef RP_HTTP_TURN_H
#define RP_HTTP_TURN_H

#include "../base/rp_env.h"
#include "rp_http_breaker.h"
#include "rp_seats.h"

/* What calls have to pass; the caller's, and possibly shared by processes. */
typedef struct {
    rp_seats_t *seats;
    rp_http_breaker_t *breaker;
} rp_http_gate_t;

typedef struct {
    const rp_http_gate_t *gate;
    const char *origin;
    rp_seat_t seat;
    rp_http_call_kind_t kind;
} rp_http_turn_t;

/* APR_SUCCESS; or RP_FAILED with RP_E_PROVIDER_PAUSED, or RP_E_PROVIDER_BUSY after RP_ROOM_SECONDS
 * at most. time_limit: how long the call may take. gate and origin must live until
 * rp_http_turn_give. */
apr_status_t rp_http_turn_take(rp_http_turn_t *turn, rp_env_t *env, const rp_http_gate_t *gate,
                               const char *origin, apr_interval_time_t time_limit);

void rp_http_turn_give(rp_http_turn_t *turn, rp_env_t *env, rp_http_call_end_t end);

#endif
