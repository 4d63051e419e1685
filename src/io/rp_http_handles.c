#include "rp_http_handles.h"

#include <apr_thread_mutex.h>

/* Handles kept for reuse; a burst may need more, which are then closed. */
#define MAX_IDLE 16

struct rp_http_handles_t {
    apr_thread_mutex_t *mutex;
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

apr_status_t rp_http_handles_make(rp_http_handles_t **handles, apr_pool_t *pool)
{
    rp_http_handles_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    *handles = NULL;
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

apr_status_t rp_http_handles_take(CURL **curl, rp_env_t *env, rp_http_handles_t *handles)
{
    *curl = NULL;
    apr_thread_mutex_lock(handles->mutex);
    if (handles->idle_count > 0) {
        *curl = handles->idle[--handles->idle_count];
    }
    apr_thread_mutex_unlock(handles->mutex);
    if (!*curl) {
        *curl = curl_easy_init();
    }
    return *curl ? APR_SUCCESS : rp_fail(env, RP_E_INTERNAL, "libcurl could not make a handle");
}

void rp_http_handles_give(rp_http_handles_t *handles, CURL *curl)
{
    /* No pointer into the caller's pool or stack may outlive the call. */
    curl_easy_reset(curl);
    apr_thread_mutex_lock(handles->mutex);
    if (handles->idle_count < MAX_IDLE) {
        handles->idle[handles->idle_count++] = curl;
        curl = NULL;
    }
    apr_thread_mutex_unlock(handles->mutex);
    /* Outside the lock: closing connections can take a while. */
    curl_easy_cleanup(curl);
}
