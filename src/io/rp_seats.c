/* A seat: who is there, hashed (32 bits, never 0) | until when (32 bits, seconds since 1970). 0 is
 * a free one. */
#include "rp_seats.h"

#include <string.h>

/* No call takes longer: a time further ahead was left by a clock that was set back. */
#define LONGEST 3700

apr_uint32_t rp_seats_hash(const char *origin)
{
    apr_uint32_t hash = 2166136261U;

    /* FNV-1a. Origins come from the configuration and from providers that it trusts. */
    for (; *origin; origin++) {
        hash = (hash ^ (unsigned char)*origin) * 16777619U;
    }
    return hash ? hash : 1;
}

static int share(int threads, int part, int least, int most)
{
    int own = threads / part;

    if (own < least) {
        return least;
    }
    return own < most ? own : most;
}

void rp_seats_init(rp_seats_t *seats, int threads)
{
    memset(seats, 0, sizeof(*seats));
    seats->calls_per_origin = share(threads, 4, 2, RP_MAX_CALLS_PER_ORIGIN);
    seats->calls = share(threads, 2, 2, 2 * RP_MAX_CALLS_PER_ORIGIN);
    seats->waits = share(threads, 4, 1, RP_MAX_CALLS_PER_ORIGIN);
}

static int is_free(apr_uint64_t mark, apr_uint32_t now)
{
    apr_uint32_t until = (apr_uint32_t)mark;

    return mark == 0 || until <= now || until - now > LONGEST;
}

static int count(_Atomic apr_uint64_t *row, int len, apr_uint32_t who, apr_uint32_t now)
{
    int found = 0;

    for (int i = 0; i < len; i++) {
        apr_uint64_t mark = atomic_load(&row[i]);

        found += (apr_uint32_t)(mark >> 32) == who && !is_free(mark, now);
    }
    return found;
}

static apr_status_t take(rp_seat_t *seat, _Atomic apr_uint64_t *row, int len, apr_uint32_t now)
{
    for (int i = 0; i < len; i++) {
        apr_uint64_t mark = atomic_load(&row[i]);

        if (is_free(mark, now) && atomic_compare_exchange_strong(&row[i], &mark, seat->mark)) {
            seat->where = &row[i];
            return APR_SUCCESS;
        }
    }
    return APR_EAGAIN;
}

static void prepare(rp_seat_t *seat, apr_uint32_t who, apr_time_t now, apr_interval_time_t at_most)
{
    /* Rounded up, and a second for what happens after the call. */
    apr_uint32_t until = (apr_uint32_t)apr_time_sec(now + at_most) + 2;

    seat->where = NULL;
    seat->mark = (apr_uint64_t)who << 32 | until;
}

apr_status_t rp_seats_call(rp_seat_t *seat, rp_seats_t *seats, const char *origin, apr_time_t now,
                           apr_interval_time_t at_most)
{
    apr_uint32_t seconds = (apr_uint32_t)apr_time_sec(now);
    apr_uint32_t who = rp_seats_hash(origin);

    prepare(seat, who, now, at_most);
    if (take(seat, seats->call_seats, seats->calls, seconds) != APR_SUCCESS) {
        return APR_EAGAIN;
    }
    /* Counted afterwards: two that take a seat at the same time see each other. */
    if (count(seats->call_seats, seats->calls, who, seconds) > seats->calls_per_origin) {
        rp_seats_leave(seat);
        return APR_EAGAIN;
    }
    return APR_SUCCESS;
}

apr_status_t rp_seats_wait(rp_seat_t *seat, rp_seats_t *seats, apr_time_t now,
                           apr_interval_time_t at_most)
{
    prepare(seat, 1, now, at_most);
    return take(seat, seats->wait_seats, seats->waits, (apr_uint32_t)apr_time_sec(now));
}

void rp_seats_leave(rp_seat_t *seat)
{
    apr_uint64_t mark = seat->mark;

    /* Unless it had lapsed, and is somebody else's by now. */
    if (seat->where) {
        atomic_compare_exchange_strong(seat->where, &mark, 0);
    }
    seat->where = NULL;
}
