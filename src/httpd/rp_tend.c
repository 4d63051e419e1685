#include "rp_tend.h"

#include <apr_optional.h>
#include <mod_watchdog.h>

#include "rp_log.h"
#include "rp_signals.h"

#define NAME "_auth_oauth_"

/* Function pointers do not fit into a const void *. */
typedef struct {
    void (*tend)(apr_pool_t *pool);
} task_t;

static apr_status_t run(int state, void *data, apr_pool_t *pool)
{
    const task_t *task = data;
    sigset_t before;

    if (state == AP_WATCHDOG_STATE_STARTING) {
        /* For good: a child of the prefork MPM ends in its signal handler, which waits for this
         * thread and so must not run on it. */
        rp_signals_hold(&before);
    }
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        task->tend(pool);
    }
    return APR_SUCCESS;
}

/* 1 when a token for a backend can be named that is not a user's. */
static int is_needed(const server_rec *server)
{
    for (; server; server = server->next) {
        if (rp_server_config(server)->backends->nelts > 0) {
            return 1;
        }
    }
    return 0;
}

void rp_tend_register(server_rec *main_server, void (*tend)(apr_pool_t *pool), apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    task_t *task = apr_palloc(pconf, sizeof(*task));
    ap_watchdog_t *watchdog;

    task->tend = tend;
    if (!is_needed(main_server)) {
        return;
    }
    if (!get || !add || get(&watchdog, NAME, 0, 0, pconf) != APR_SUCCESS ||
        add(watchdog, AP_WD_TM_INTERVAL, task, run) != APR_SUCCESS) {
        rp_log_server(
            main_server, APLOG_NOTICE, 0,
            "mod_watchdog is not loaded: a token for a backend is renewed by the requests "
            "that use it only, and one that nobody asked for in time makes the next "
            "request wait");
    }
}
