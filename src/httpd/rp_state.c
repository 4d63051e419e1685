#include "rp_state.h"

#include <ap_mpm.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unixd.h>

#include "../io/rp_file.h"
#include "../io/rp_http_curl.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"
#include "../session/rp_asked.h"
#include "../session/rp_session_cache.h"
#include "../session/rp_shared_token.h"
#include "../session/rp_token_cache.h"
#include "rp_backend.h"
#include "rp_directive.h"
#include "rp_jobs.h"
#include "rp_log.h"
#include "rp_private.h"
#include "rp_quiet.h"
#include "rp_signals.h"
#include "rp_source.h"
#include "rp_state_dir.h"
#include "rp_store_watch.h"
#include "rp_stores.h"
#include "rp_tend.h"

#define KEPT_PER_PROCESS 64
#define KEPT_PER_THREAD 16

/* Of all processes, and of all generations of children that one configuration has. */
typedef struct {
    rp_http_breaker_t breaker;
    rp_seats_t seats; /* used where a process has one thread only */
} shared_t;

/* Shared by all threads and read-only after child_init. */
typedef struct {
    server_rec *main_server;
    const char *dir;
    rp_store_t *local;           /* the server's shared memory */
    rp_store_watch_t *watch;     /* over it; the parent's */
    const rp_keyring_t *keyring; /* made from the state directory's secret; NULL: not needed */
    shared_t *shared;            /* in shared memory */
    rp_seats_t *seats;           /* NULL in the parent */
    rp_http_t *http;             /* likewise */
    rp_session_cache_t *opened;  /* likewise */
    rp_session_cache_t *bearers; /* likewise */
    rp_asked_t *asked;           /* likewise */
    rp_token_cache_t *tokens;    /* likewise */
    rp_jobs_t *jobs;
} state_t;

/* The one piece of static data: NULL when no virtual host has a provider. */
static state_t *state;

static apr_status_t forget_state(void *ignored)
{
    (void)ignored;
    state = NULL;
    return APR_SUCCESS;
}

/* --- operations of the environment --- */

static apr_time_t op_now(void *ctx)
{
    (void)ctx;
    return apr_time_now();
}

static apr_status_t op_random(void *ctx, unsigned char *out, apr_size_t len)
{
    (void)ctx;
    return rp_crypto_random(out, len);
}

static apr_status_t op_defer_server(void *ctx, rp_job_fn *fn, const void *data, apr_size_t len)
{
    return state->jobs ? rp_jobs_defer(state->jobs, ctx, fn, data, len) : APR_EAGAIN;
}

static apr_status_t op_defer_request(void *ctx, rp_job_fn *fn, const void *data, apr_size_t len)
{
    const request_rec *r = ctx;

    return op_defer_server(r->server, fn, data, len);
}

static void op_sleep(void *ctx, apr_interval_time_t duration)
{
    (void)ctx;
    apr_sleep(duration);
}

static void op_debug_request(void *ctx, const char *line)
{
    request_rec *r = ctx;

    rp_log_request(r, APLOG_DEBUG, line);
}

static void op_debug_server(void *ctx, const char *line)
{
    server_rec *server = ctx;

    rp_log_server(server, APLOG_DEBUG, 0, line);
}

/* ctx is the request, or the virtual host; without debug where nobody listens, which saves the
 * formatting. */
static const rp_env_ops_t request_ops = {op_now, op_random, op_debug_request, op_defer_request,
                                         op_sleep};
static const rp_env_ops_t quiet_request_ops = {op_now, op_random, NULL, op_defer_request, op_sleep};
static const rp_env_ops_t server_ops = {op_now, op_random, op_debug_server, op_defer_server,
                                        op_sleep};
static const rp_env_ops_t quiet_server_ops = {op_now, op_random, NULL, op_defer_server, op_sleep};

void rp_state_request_env(rp_env_t *env, request_rec *r)
{
    const rp_server_config_t *config = rp_server_config(r->server);

    memset(env, 0, sizeof(*env));
    env->ops = rp_log_request_level(r, auth_oauth_module.module_index) >= APLOG_DEBUG
                   ? &request_ops
                   : &quiet_request_ops;
    env->ctx = r;
    env->pool = r->pool;
    env->http = state->http;
    env->store = config->store;
    env->local = state->local;
    env->keyring = config->keyring;
    env->opened = state->opened;
    env->bearers = state->bearers;
    env->asked = state->asked;
    env->tokens = state->tokens;
    env->seats = state->seats;
    env->state_dir = state->dir;
}

static void server_env(rp_env_t *env, void *ctx)
{
    server_rec *server = ctx;
    const rp_server_config_t *config = rp_server_config(server);

    env->ops = rp_log_server_level(server, auth_oauth_module.module_index) >= APLOG_DEBUG
                   ? &server_ops
                   : &quiet_server_ops;
    env->ctx = server;
    env->http = state->http;
    env->store = config->store;
    env->local = state->local;
    env->keyring = config->keyring;
    env->opened = state->opened;
    env->tokens = state->tokens;
    env->seats = state->seats;
    env->state_dir = state->dir;
}

/* A job's failure concerns no request that could be told; a warning, since the user's next request
 * tries again. */
static void report_job(const rp_env_t *env, void *ctx)
{
    const rp_error_row_t *row = rp_error_row(env->error.id);

    rp_log_server(ctx, row->severity == RP_SEVERITY_INFO ? APLOG_INFO : APLOG_WARNING, 0,
                  apr_psprintf(env->pool, "OA-%d %s: %s; fault: %s; %s", (int)row->id, row->name,
                               env->error.detail ? env->error.detail : "no detail",
                               rp_fault_name(row->fault), row->admin));
}

/* Every second, on a thread of its own in each child. */
static void tend(apr_pool_t *pool)
{
    rp_env_t env;

    if (!state || !state->tokens) {
        return;
    }
    memset(&env, 0, sizeof(env));
    env.pool = pool;
    server_env(&env, state->main_server);
    rp_shared_token_tend(&env);
}

/* --- the parent --- */

static int fail(server_rec *server, rp_error_id_t id, apr_status_t rv, const char *what,
                const char *detail)
{
    rp_log_server(server, APLOG_ERR | APLOG_STARTUP, rv,
                  apr_psprintf(server->process->pconf, "OA-%d: %s %s. %s", (int)id, what, detail,
                               rp_error_row(id)->admin));
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int any_active(const server_rec *main_server)
{
    for (const server_rec *server = main_server; server; server = server->next) {
        if (rp_server_config(server)->active) {
            return 1;
        }
    }
    return 0;
}

static apr_uid_t owner(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : (apr_uid_t)-1;
}

static int open_stores(apr_pool_t *pconf)
{
    server_rec *main_server = state->main_server;
    rp_env_t env;

    memset(&env, 0, sizeof(env));
    env.pool = pconf;
    server_env(&env, main_server);
    if (rp_stores_open(&state->local, &env, main_server, state->dir, owner(), pconf) !=
        APR_SUCCESS) {
        return fail(main_server, env.error.id ? env.error.id : RP_E_STORE, 0, "OAuthSessionStore",
                    env.error.detail ? env.error.detail : "cannot be used");
    }
    state->watch = rp_store_watch_make(state->local, pconf);
    return OK;
}

static const rp_keyring_t *make_ring(const apr_array_header_t *secrets, apr_pool_t *pool)
{
    rp_keyring_t *ring = NULL;

    return rp_keyring_make(&ring, secrets, pool) == APR_SUCCESS ? ring : NULL;
}

/* The ring from the secret in the state directory, for all virtual hosts without OAuthSecret. */
static int make_default_ring(apr_pool_t *pconf)
{
    apr_array_header_t *bytes = apr_array_make(pconf, 1, sizeof(rp_secret_bytes_t));
    rp_secret_bytes_t *one = apr_array_push(bytes);
    rp_secret_t secret;
    apr_status_t rv;

    if (state->keyring) {
        return OK;
    }
    rv = rp_state_dir_secret(&secret, state->dir, pconf);
    if (rv != APR_SUCCESS) {
        return fail(state->main_server, RP_E_CONFIG_STATE_DIR, rv, "the secret in", state->dir);
    }
    one->data = secret.data;
    one->len = secret.len;
    state->keyring = make_ring(bytes, pconf);
    return state->keyring ? OK
                          : fail(state->main_server, RP_E_CONFIG_SECRET, 0, state->dir,
                                 "has a secret that is too short");
}

static int make_rings(apr_pool_t *pconf)
{
    for (server_rec *server = state->main_server; server; server = server->next) {
        rp_server_config_t *config = rp_server_config(server);

        if (!config->active) {
            continue;
        }
        rp_quiet_prepare(server, pconf);
        if (config->secret_bytes) {
            config->keyring = make_ring(config->secret_bytes, pconf);
        } else if (make_default_ring(pconf) == OK) {
            config->keyring = state->keyring;
        } else {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        if (!config->keyring) {
            return fail(server, RP_E_CONFIG_SECRET, 0, "OAuthSecret", "cannot be used");
        }
    }
    return OK;
}

/* Anonymous, so that it goes with the last process that has it. */
static int share(apr_pool_t *pconf)
{
    apr_shm_t *memory;
    apr_status_t rv = apr_shm_create(&memory, sizeof(*state->shared), NULL, pconf);
    int processes = 1;

    if (rv != APR_SUCCESS) {
        return fail(state->main_server, RP_E_INTERNAL, rv, "Shared memory", "cannot be had");
    }
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes);
    state->shared = apr_shm_baseaddr_get(memory);
    memset(state->shared, 0, sizeof(*state->shared));
    rp_seats_init(&state->shared->seats, processes);
    return OK;
}

int rp_state_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                         server_rec *main_server)
{
    apr_status_t rv;

    (void)plog;
    (void)ptemp;
    state = NULL;
    /* The first of two readings at start throws everything away again. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG ||
        !any_active(main_server)) {
        return OK;
    }
    state = apr_pcalloc(pconf, sizeof(*state));
    apr_pool_cleanup_register(pconf, NULL, forget_state, apr_pool_cleanup_null);
    state->main_server = main_server;
    state->dir = rp_state_dir_name(main_server, pconf);
    if (!state->dir) {
        return fail(main_server, RP_E_CONFIG_STATE_DIR, 0, "OAuthStateDir", "has no default here");
    }
    if (rp_crypto_init() != APR_SUCCESS) {
        return fail(main_server, RP_E_CRYPTO, 0, "OpenSSL", "cannot be used");
    }
    rv = rp_file_make_dir(state->dir, owner(),
                          geteuid() == 0 ? ap_unixd_config.group_id : (apr_gid_t)-1, pconf);
    if (rv != APR_SUCCESS) {
        return fail(main_server, RP_E_CONFIG_STATE_DIR, rv, "OAuthStateDir", state->dir);
    }
    rp_tend_register(main_server, tend, pconf);
    return make_rings(pconf) == OK && share(pconf) == OK ? open_stores(pconf)
                                                         : HTTP_INTERNAL_SERVER_ERROR;
}

int rp_state_monitor(apr_pool_t *pool, server_rec *server)
{
    (void)pool;
    if (state && state->watch) {
        rp_store_watch_look(state->watch, server, apr_time_now());
    }
    return OK;
}

/* --- the child --- */

static apr_status_t make_caches(server_rec *server, apr_pool_t *pchild)
{
    rp_provider_t *const *provider = rp_server_config(server)->site.providers;

    for (; provider && *provider; provider++) {
        apr_status_t rv =
            (*provider)->cache ? APR_SUCCESS : rp_provider_cache_make(*provider, pchild);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static int threads_per_child(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads;
}

/* Opened sessions that a child keeps: enough for those whose pages are being loaded, and so few
 * that many processes of one thread each do not need much memory. */
static int kept_sessions(void)
{
    int threads = threads_per_child();

    return threads > 1 ? KEPT_PER_PROCESS + threads * KEPT_PER_THREAD : KEPT_PER_PROCESS;
}

/* A limit for each process would be none where a process has one thread. */
static rp_seats_t *make_seats(apr_pool_t *pchild)
{
    rp_seats_t *own;

    if (threads_per_child() <= 1) {
        return &state->shared->seats;
    }
    own = apr_palloc(pchild, sizeof(*own));
    rp_seats_init(own, threads_per_child());
    return own;
}

static apr_status_t make_http(apr_pool_t *pchild)
{
    rp_http_gate_t gate = {make_seats(pchild), &state->shared->breaker};
    rp_http_t *http = NULL;
    apr_status_t rv = rp_http_curl_make(&http, &gate, pchild);

    if (rv == APR_SUCCESS) {
        state->seats = gate.seats;
        state->http = rp_signals_guard_http(http, pchild);
    }
    return rv;
}

static apr_status_t init_child(apr_pool_t *pchild, server_rec *main_server)
{
    apr_status_t rv = rp_crypto_init();

    if (rv == APR_SUCCESS) {
        rv = make_http(pchild);
    }
    if (rv == APR_SUCCESS) {
        rv = rp_stores_child_init(main_server, pchild);
    }
    for (server_rec *server = main_server; rv == APR_SUCCESS && server; server = server->next) {
        rp_source_prepare(server);
        rp_private_prepare(server);
        rp_backend_prepare(server);
        rv = make_caches(server, pchild);
    }
    state->opened = rp_session_cache_make(kept_sessions(), pchild);
    state->bearers = rp_session_cache_make(kept_sessions(), pchild);
    state->asked = rp_asked_make(pchild);
    state->tokens = rp_token_cache_make(pchild);
    /* Last, so that the pool ends it first: its jobs use the others. */
    if (rv == APR_SUCCESS) {
        rv = rp_jobs_make(&state->jobs, server_env, report_job, pchild);
    }
    return rv;
}

void rp_state_child_init(apr_pool_t *pchild, server_rec *main_server)
{
    sigset_t saved;
    apr_status_t rv;

    if (!state) {
        return;
    }
    rp_signals_hold(&saved);
    rv = init_child(pchild, main_server);
    rp_signals_release(&saved);
    if (rv != APR_SUCCESS) {
        /* A child that cannot call a provider would turn every login away. */
        rp_log_server(main_server, APLOG_CRIT, rv,
                      apr_psprintf(pchild,
                                   "OA-%d: a child process cannot be set up for AuthType OAuth. %s",
                                   (int)RP_E_INTERNAL, rp_error_row(RP_E_INTERNAL)->admin));
        exit(APEXIT_CHILDSICK);
    }
}
