/* An entry, from the most significant bit on:
 *
 *     origin, hashed (24)  |  failures in a row (4)  |  until (36, tenths of a second since 1970)
 *
 * With few failures nothing is refused, and until says when they are forgotten. From
 * RP_BREAKER_FAILURES on calls are refused until then. An entry whose time is long over says
 * nothing any more and can be taken for another origin; so does one whose time is further ahead
 * than any pause, which a clock that was set back has left. */
#include "rp_http_breaker.h"

#include "rp_seats.h"

#define UNTIL_BITS 36
#define COUNT_BITS 4
#define TENTH (APR_USEC_PER_SEC / 10)
#define QUIET (APR_UINT64_C(10) * RP_BREAKER_QUIET_SECONDS)

/* Doubling from one second, this many failures reach the longest pause. */
#define COUNT_MAX (RP_BREAKER_FAILURES + 5)

static apr_uint64_t tag_of(const char *origin)
{
    return rp_seats_hash(origin) & 0xFFFFFF;
}

static apr_uint64_t tenths(apr_time_t time)
{
    return (apr_uint64_t)(time / TENTH);
}

static apr_uint64_t make(apr_uint64_t tag, apr_uint64_t count, apr_uint64_t until)
{
    return tag << (UNTIL_BITS + COUNT_BITS) | count << UNTIL_BITS | until;
}

static apr_uint64_t count_in(apr_uint64_t entry)
{
    return entry >> UNTIL_BITS & ((1U << COUNT_BITS) - 1);
}

static apr_uint64_t until_in(apr_uint64_t entry)
{
    return entry & ((APR_UINT64_C(1) << UNTIL_BITS) - 1);
}

static int has_lapsed(apr_uint64_t entry, apr_uint64_t now)
{
    apr_uint64_t until = until_in(entry);
    apr_uint64_t quiet = count_in(entry) < RP_BREAKER_FAILURES ? 0 : QUIET;

    return entry == 0 || now >= until + quiet || until > now + QUIET + 10;
}

/* The index of the origin's entry, whose value is *entry, or -1. */
static int find(apr_uint64_t *entry, const rp_http_breaker_t *breaker, const char *origin,
                apr_uint64_t now)
{
    apr_uint64_t tag = tag_of(origin);

    for (int i = 0; i < RP_BREAKER_ORIGINS; i++) {
        *entry = atomic_load(&breaker->entries[i]);
        if (*entry != 0 && *entry >> (UNTIL_BITS + COUNT_BITS) == tag && !has_lapsed(*entry, now)) {
            return i;
        }
    }
    *entry = 0;
    return -1;
}

static int is_pausing(apr_uint64_t entry, apr_uint64_t now)
{
    return count_in(entry) >= RP_BREAKER_FAILURES && now < until_in(entry);
}

apr_interval_time_t rp_http_breaker_pause(const rp_http_breaker_t *breaker, const char *origin,
                                          apr_time_t now)
{
    apr_uint64_t entry;

    if (find(&entry, breaker, origin, tenths(now)) < 0 || !is_pausing(entry, tenths(now))) {
        return 0;
    }
    return (apr_time_t)until_in(entry) * TENTH - now;
}

/* When others may try although this call has not told how it went. */
static apr_uint64_t end_of_trial(apr_time_t now, apr_interval_time_t at_most)
{
    apr_interval_time_t longest = apr_time_from_sec(RP_BREAKER_QUIET_SECONDS);

    return tenths(now + (at_most < longest ? at_most : longest)) + 1;
}

rp_http_call_kind_t rp_http_breaker_admit(rp_http_breaker_t *breaker, const char *origin,
                                          apr_time_t now, apr_interval_time_t at_most)
{
    apr_uint64_t entry;
    int i = find(&entry, breaker, origin, tenths(now));

    if (i < 0 || count_in(entry) < RP_BREAKER_FAILURES) {
        return RP_CALL_ADMITTED;
    }
    if (is_pausing(entry, tenths(now)) ||
        !atomic_compare_exchange_strong(
            &breaker->entries[i], &entry,
            make(tag_of(origin), count_in(entry), end_of_trial(now, at_most)))) {
        return RP_CALL_REFUSED;
    }
    return RP_CALL_TRIAL;
}

/* The entry after one more failure. */
static apr_uint64_t after_failure(const char *origin, apr_uint64_t count, apr_time_t now)
{
    apr_uint64_t pause = RP_BREAKER_QUIET_SECONDS;

    count = count < COUNT_MAX ? count + 1 : COUNT_MAX;
    if (count >= RP_BREAKER_FAILURES) {
        pause = APR_UINT64_C(1) << (count - RP_BREAKER_FAILURES);
        pause = pause < RP_BREAKER_PAUSE_MAX_SECONDS ? pause : RP_BREAKER_PAUSE_MAX_SECONDS;
    }
    return make(tag_of(origin), count, tenths(now) + 10 * pause);
}

static void begin(rp_http_breaker_t *breaker, const char *origin, apr_time_t now)
{
    for (int i = 0; i < RP_BREAKER_ORIGINS; i++) {
        apr_uint64_t entry = atomic_load(&breaker->entries[i]);

        if (has_lapsed(entry, tenths(now)) &&
            atomic_compare_exchange_strong(&breaker->entries[i], &entry,
                                           after_failure(origin, 0, now))) {
            return;
        }
    }
}

static void count_failure(rp_http_breaker_t *breaker, const char *origin, apr_time_t now,
                          rp_http_call_kind_t call)
{
    apr_uint64_t entry;
    int i = find(&entry, breaker, origin, tenths(now));

    /* Again when another thread was quicker; each time that happens somebody else got on. */
    while (i >= 0 && (call == RP_CALL_TRIAL || !is_pausing(entry, tenths(now)))) {
        if (atomic_compare_exchange_strong(&breaker->entries[i], &entry,
                                           after_failure(origin, count_in(entry), now))) {
            return;
        }
        i = find(&entry, breaker, origin, tenths(now));
    }
    if (i < 0) {
        begin(breaker, origin, now);
    }
}

void rp_http_breaker_tell(rp_http_breaker_t *breaker, const char *origin, apr_time_t now,
                          rp_http_call_kind_t call, rp_http_call_end_t end)
{
    apr_uint64_t entry;
    int i;

    if (end == RP_CALL_UNANSWERED) {
        count_failure(breaker, origin, now, call);
    } else if (end == RP_CALL_ANSWERED) {
        i = find(&entry, breaker, origin, tenths(now));
        if (i >= 0) {
            /* Whoever was quicker knows as much. */
            atomic_compare_exchange_strong(&breaker->entries[i], &entry, 0);
        }
    }
}
