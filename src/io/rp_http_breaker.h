/* Whether an origin is worth a call.
 *
 * Key idea: after a few calls in a row that got no answer, further ones fail at once, for a pause
 * that grows (1, 2, 4 ... 30 seconds). When it is over one caller tries, and the others go on
 * failing until it has told how that went: an answer of any kind ends the pauses.
 *
 * An origin is known here only while calls to it fail, as one number in a table of fixed size that
 * is changed by compare-and-set alone. So it can stand in shared memory: no process can be killed
 * with a lock held, a caller that never tells costs no more than the time of its call, and what one
 * process has learnt the others need not. All zero is the empty table. When the table is full,
 * other origins are called as if there were no breaker.
 *
 *     call = rp_http_breaker_admit(breaker, origin, rp_now(env), time_limit);
 *     if (call != RP_CALL_REFUSED) {
 *         ... ask ...
 *         rp_http_breaker_tell(breaker, origin, rp_now(env), call, RP_CALL_UNANSWERED);
 *     }                                                                                         */
#ifndef RP_HTTP_BREAKER_H
#define RP_HTTP_BREAKER_H

#include <apr_time.h>
#include <stdatomic.h>

#include "../base/rp_limits.h"

typedef struct {
    _Atomic apr_uint64_t entries[RP_BREAKER_ORIGINS];
} rp_http_breaker_t;

typedef enum {
    RP_CALL_REFUSED,
    RP_CALL_ADMITTED,
    RP_CALL_TRIAL /* the one call after a pause */
} rp_http_call_kind_t;

typedef enum {
    RP_CALL_ANSWERED,   /* somebody is there */
    RP_CALL_UNANSWERED, /* out of time, or no connection */
    RP_CALL_UNKNOWN     /* the call says nothing about the origin */
} rp_http_call_end_t;

/* How much longer calls to origin fail; 0: one can be made, or tried. Changes nothing. */
apr_interval_time_t rp_http_breaker_pause(const rp_http_breaker_t *breaker, const char *origin,
                                          apr_time_t now);

/* at_most: how long the call may take. */
rp_http_call_kind_t rp_http_breaker_admit(rp_http_breaker_t *breaker, const char *origin,
                                          apr_time_t now, apr_interval_time_t at_most);

/* How a call that was admitted ended. Calls that began before a pause cannot lengthen it. */
void rp_http_breaker_tell(rp_http_breaker_t *breaker, const char *origin, apr_time_t now,
                          rp_http_call_kind_t call, rp_http_call_end_t end);

#endif
