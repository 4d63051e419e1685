/* How many threads providers can keep busy.
 *
 * Key idea: a thread that waits for a provider takes one of few seats first, and goes without when
 * there is none, so that most threads are always there for requests that need no provider. There
 * are seats for calls, for one origin fewer than for all, and fewer still for threads that wait
 * for a call of somebody else's to end.
 *
 * A seat is one number: who is there and until when at most. A holder that was killed lets it
 * lapse, so that seats can stand in memory that processes share: those of prefork, which have a
 * thread each, share theirs; elsewhere each process has its own.
 *
 *     rp_seats_init(seats, threads);
 *     if (rp_seats_call(&seat, seats, origin, rp_now(env), time_limit) == APR_SUCCESS) {
 *         ...
 *         rp_seats_leave(&seat);
 *     }                                                                                         */
#ifndef RP_SEATS_H
#define RP_SEATS_H

#include <apr_errno.h>
#include <apr_time.h>
#include <stdatomic.h>

#include "../base/rp_limits.h"

typedef struct rp_seats_t {
    int calls_per_origin;
    int calls; /* to all origins together */
    int waits;
    _Atomic apr_int64_t wary; /* until when nobody waits without a seat (rp_wait.h) */
    _Atomic apr_uint64_t call_seats[2 * RP_MAX_CALLS_PER_ORIGIN];
    _Atomic apr_uint64_t wait_seats[RP_MAX_CALLS_PER_ORIGIN];
} rp_seats_t;

/* A seat taken; {0} is none. */
typedef struct {
    _Atomic apr_uint64_t *where;
    apr_uint64_t mark;
} rp_seat_t;

/* Shares out the threads of a process, or of all processes: a quarter can be in calls to one
 * origin, half in calls, another quarter can wait. Nobody has a seat afterwards. */
void rp_seats_init(rp_seats_t *seats, int threads);

/* A seat for a call to origin that ends within at_most. APR_EAGAIN: there is none. */
apr_status_t rp_seats_call(rp_seat_t *seat, rp_seats_t *seats, const char *origin, apr_time_t now,
                           apr_interval_time_t at_most);

/* A seat to wait, likewise. */
apr_status_t rp_seats_wait(rp_seat_t *seat, rp_seats_t *seats, apr_time_t now,
                           apr_interval_time_t at_most);

/* Gives a seat back; seat is none afterwards, and may have been. */
void rp_seats_leave(rp_seat_t *seat);

/* A hash of an origin, for this process and those forked from the same parent. */
apr_uint32_t rp_seats_hash(const char *origin);

#endif
