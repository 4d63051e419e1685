#include "rp_signals.h"

#include <pthread.h>

typedef struct {
    rp_http_t http; /* first: what the flows see */
    rp_http_t *inner;
} guard_t;

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
