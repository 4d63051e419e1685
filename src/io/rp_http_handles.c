#include "rp_http_handles.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <string.h>

/* Handles kept for reuse; a burst may need more, which are then closed. */
#define MAX_IDLE 16

struct rp_http_handles_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *given;
    rp_http_slot_t *in_flight;
    int max_per_origin;
    int idle_count;
    CURL *idle[MAX_IDLE];
};

static apr_status_t close_all(void *data)
{
    rp_http_handles_t *handles = data;

    while (handles->idle_count > 0) {
        curl_easy_cleanup(handles->idle[--handles->idle_count]);
    }
    curl_global_cleanup();
    return APR_SUCCESS;
}

apr_status_t rp_http_handles_make(rp_http_handles_t **handles, int max_per_origin, apr_pool_t *pool)
{
    rp_http_handles_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;

    *handles = NULL;
    made->max_per_origin = max_per_origin > 0 ? max_per_origin : 1;
    rv = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&made->given, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return APR_EGENERAL;
    }
    /* Registered after the mutex, hence run before the mutex goes. */
    apr_pool_cleanup_register(pool, made, close_all, apr_pool_cleanup_null);
    *handles = made;
    return APR_SUCCESS;
}

static int count(const rp_http_handles_t *handles, const char *origin)
{
    int n = 0;

    for (const rp_http_slot_t *slot = handles->in_flight; slot; slot = slot->next) {
        n += strcmp(slot->origin, origin) == 0;
    }
    return n;
}

/* With the mutex held: waits until there is room for one more call to origin. */
static apr_status_t wait_for_room(rp_env_t *env, rp_http_handles_t *handles, const char *origin,
                                  apr_interval_time_t wait)
{
    apr_time_t deadline = rp_now(env) + wait;
    apr_status_t rv = APR_SUCCESS;

    while (count(handles, origin) >= handles->max_per_origin) {
        apr_interval_time_t left = deadline - rp_now(env);

        /* left is checked too: calls that end can wake this thread any number of times. */
        if (rv != APR_SUCCESS || left <= 0) {
            return APR_TIMEUP;
        }
        rv = apr_thread_cond_timedwait(handles->given, handles->mutex, left);
    }
    return APR_SUCCESS;
}

apr_status_t rp_http_handles_take(rp_http_slot_t *slot, rp_env_t *env, rp_http_handles_t *handles,
                                  const char *origin, apr_interval_time_t wait)
{
    apr_status_t rv;

    slot->origin = origin;
    slot->curl = NULL;
    slot->next = NULL;
    apr_thread_mutex_lock(handles->mutex);
    rv = wait_for_room(env, handles, origin, wait);
    if (rv == APR_SUCCESS) {
        if (handles->idle_count > 0) {
            slot->curl = handles->idle[--handles->idle_count];
        }
        slot->next = handles->in_flight;
        handles->in_flight = slot;
    }
    apr_thread_mutex_unlock(handles->mutex);
    if (rv != APR_SUCCESS) {
        return rp_fail(env, RP_E_PROVIDER_BUSY, "%d calls to %s are under way already",
                       handles->max_per_origin, origin);
    }
    if (!slot->curl) {
        slot->curl = curl_easy_init();
    }
    if (!slot->curl) {
        rp_http_handles_give(handles, slot);
        return rp_fail(env, RP_E_INTERNAL, "libcurl could not make a handle");
    }
    return APR_SUCCESS;
}

static void unlink_slot(rp_http_handles_t *handles, const rp_http_slot_t *slot)
{
    rp_http_slot_t **link = &handles->in_flight;

    while (*link && *link != slot) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = slot->next;
    }
}

void rp_http_handles_give(rp_http_handles_t *handles, rp_http_slot_t *slot)
{
    CURL *curl = slot->curl;

    /* No pointer into the caller's pool or stack may outlive the call. */
    if (curl) {
        curl_easy_reset(curl);
    }
    apr_thread_mutex_lock(handles->mutex);
    unlink_slot(handles, slot);
    if (curl && handles->idle_count < MAX_IDLE) {
        handles->idle[handles->idle_count++] = curl;
        curl = NULL;
    }
    apr_thread_cond_broadcast(handles->given);
    apr_thread_mutex_unlock(handles->mutex);
    slot->curl = NULL;
    /* Outside the lock: closing connections can take a while. */
    curl_easy_cleanup(curl);
}
