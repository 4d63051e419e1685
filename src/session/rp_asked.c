#include "rp_asked.h"

#include <apr_thread_mutex.h>
#include <string.h>

#include "../base/rp_limits.h"

typedef struct {
    unsigned char id[RP_SHA256];
    rp_ask_t state; /* RP_ASK: the entry is free */
    int good;       /* 1: it was good when it was asked about last */
    apr_time_t until;
} entry_t;

struct rp_asked_t {
    apr_thread_mutex_t *mutex;
    entry_t entries[RP_MAX_ASKED];
};

rp_asked_t *rp_asked_make(apr_pool_t *pool)
{
    rp_asked_t *asked = apr_pcalloc(pool, sizeof(*asked));

    return apr_thread_mutex_create(&asked->mutex, APR_THREAD_MUTEX_DEFAULT, pool) == APR_SUCCESS
               ? asked
               : NULL;
}

/* NULL when there is none. With the mutex held, as all below. */
static entry_t *find(rp_asked_t *asked, const unsigned char *id)
{
    for (int i = 0; i < RP_MAX_ASKED; i++) {
        entry_t *entry = &asked->entries[i];

        if (entry->state != RP_ASK && rp_equal(entry->id, id, sizeof(entry->id))) {
            return entry;
        }
    }
    return NULL;
}

/* Frees what has lapsed, and counts what uses up the budget. */
static int count_unknown(rp_asked_t *asked, apr_time_t now)
{
    int count = 0;

    for (int i = 0; i < RP_MAX_ASKED; i++) {
        entry_t *entry = &asked->entries[i];

        if (entry->state != RP_ASK && now >= entry->until) {
            memset(entry, 0, sizeof(*entry));
        }
        count += entry->state != RP_ASK && !entry->good;
    }
    return count;
}

/* A free entry, else the token that was good and will be forgotten first; NULL when all others are
 * being asked about. */
static entry_t *make_room(rp_asked_t *asked)
{
    entry_t *first = NULL;

    for (int i = 0; i < RP_MAX_ASKED; i++) {
        entry_t *entry = &asked->entries[i];

        if (entry->state == RP_ASK) {
            return entry;
        }
        if (entry->state == RP_ASK_GOOD && (!first || entry->until < first->until)) {
            first = entry;
        }
    }
    return first;
}

static rp_ask_t begin(rp_asked_t *asked, const unsigned char *id, apr_time_t now,
                      apr_time_t give_up)
{
    int unknown = count_unknown(asked, now);
    entry_t *entry = find(asked, id);

    if (entry && entry->state != RP_ASK_GOOD) {
        return entry->state;
    }
    if (!entry) {
        entry = unknown < RP_MAX_ASKED_UNKNOWN ? make_room(asked) : NULL;
        if (!entry) {
            return RP_ASK_FULL;
        }
        memset(entry, 0, sizeof(*entry));
        memcpy(entry->id, id, sizeof(entry->id));
    }
    entry->state = RP_ASK_BUSY;
    entry->until = give_up;
    return RP_ASK;
}

rp_ask_t rp_asked_begin(rp_asked_t *asked, const unsigned char id[RP_SHA256], apr_time_t now,
                        apr_time_t give_up)
{
    rp_ask_t result;

    if (!asked) {
        return RP_ASK;
    }
    apr_thread_mutex_lock(asked->mutex);
    result = begin(asked, id, now, give_up);
    apr_thread_mutex_unlock(asked->mutex);
    return result;
}

void rp_asked_end(rp_asked_t *asked, const unsigned char id[RP_SHA256], rp_ask_t how,
                  apr_time_t until)
{
    entry_t *entry;

    if (!asked) {
        return;
    }
    apr_thread_mutex_lock(asked->mutex);
    entry = find(asked, id);
    if (entry) {
        entry->state = how;
        entry->until = until;
        entry->good = how == RP_ASK_GOOD || (how == RP_ASK_FAILED && entry->good);
    }
    apr_thread_mutex_unlock(asked->mutex);
}
