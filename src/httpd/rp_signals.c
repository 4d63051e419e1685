#include "rp_signals.h"

#include <pthread.h>

typedef struct {
    rp_http_t http; /* first: what the flows see */
    rp_http_t *inner;
} guard_t;

typedef struct {
    rp_store_t store; /* first, as for all stores */
    rp_store_t *inner;
} store_guard_t;

void rp_signals_hold(sigset_t *saved)
{
    sigset_t all;

    sigfillset(&all);
    /* A fault of this thread's own cannot wait. */
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, saved);
}

void rp_signals_release(const sigset_t *saved)
{
    pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static apr_status_t perform(rp_http_t *http, rp_http_response_t **response, rp_env_t *env,
                            const rp_http_request_t *request)
{
    const guard_t *guard = (const guard_t *)http;
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = guard->inner->perform(guard->inner, response, env, request);
    rp_signals_release(&saved);
    return rv;
}

rp_http_t *rp_signals_guard_http(rp_http_t *http, apr_pool_t *pool)
{
    guard_t *guard = apr_palloc(pool, sizeof(*guard));

    guard->http.perform = perform;
    guard->inner = http;
    return &guard->http;
}

/* --- the same for each operation of a store --- */

static rp_store_t *inner(rp_store_t *store)
{
    return ((store_guard_t *)store)->inner;
}

static apr_status_t get(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                        const rp_store_key_t *key)
{
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = inner(store)->driver->get(inner(store), value, env, key);
    rp_signals_release(&saved);
    return rv;
}

static apr_status_t set(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = inner(store)->driver->set(inner(store), env, key, data, len, ttl);
    rp_signals_release(&saved);
    return rv;
}

static apr_status_t add(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = inner(store)->driver->add(inner(store), env, key, data, len, ttl);
    rp_signals_release(&saved);
    return rv;
}

/* NOLINTNEXTLINE(readability-function-size) */
static apr_status_t cas(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        apr_uint64_t version, const void *data, apr_size_t len,
                        apr_interval_time_t ttl)
{
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = inner(store)->driver->cas(inner(store), env, key, version, data, len, ttl);
    rp_signals_release(&saved);
    return rv;
}

static apr_status_t del(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key)
{
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = inner(store)->driver->del(inner(store), env, key);
    rp_signals_release(&saved);
    return rv;
}

static apr_status_t get_newer(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                              const rp_store_key_t *key, apr_uint64_t version)
{
    const rp_store_driver_t *driver = inner(store)->driver;
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
    rv = driver->get_newer ? driver->get_newer(inner(store), value, env, key, version)
                           : driver->get(inner(store), value, env, key);
    rp_signals_release(&saved);
    return rv;
}

static const rp_store_driver_t guarded = {.name = "guarded",
                                          .get = get,
                                          .set = set,
                                          .add = add,
                                          .cas = cas,
                                          .del = del,
                                          .get_newer = get_newer};

rp_store_t *rp_signals_guard_store(rp_store_t *store, apr_pool_t *pool)
{
    store_guard_t *guard = apr_palloc(pool, sizeof(*guard));

    guard->store.driver = &guarded;
    guard->inner = store;
    return &guard->store;
}
