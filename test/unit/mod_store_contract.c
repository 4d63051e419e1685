/* Runs the contract of stores (store_contract.h) over httpd's real cache providers, inside a real
 * httpd: the handler "store-contract" opens stores as OAuthSessionStore does, and answers with
 * cmocka's report. Query: KIND:PORT:DIR, where PORT is free for the server that the kind needs, and
 * DIR is for files. Servers are processes of this child, started for each test anew.
 *
 *     LoadModule store_contract_module mod_store_contract.so
 *     <Location /contract>
 *         SetHandler store-contract
 *     </Location>                                                                              */
#include <httpd.h>

#include <ap_mpm.h>
#include <apr_file_io.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/rp_limits.h"
#include "../../src/httpd/rp_store_socache.h"
#include "../../src/io/rp_store_cache.h"
#include "../../src/jose/rp_crypto.h"
#include "shaky_provider.h"
#include "store_contract.h"

#define MINUTE apr_time_from_sec(60)
#define PATIENCE apr_time_from_sec(20)
#define PAUSE 20000

/* Of the run, and of the test that runs. */
static struct {
    const char *dir;  /* for files */
    const char *text; /* OAuthSessionStore's, from "socache" on */
    int port;
    int count;    /* of files made */
    pid_t server; /* 0: none */
} run;

/* The parent's, for the mutex. */
static rp_store_t *first;

/* --- stores --- */

static rp_store_t *open_store(test_env_t *test, const char *text)
{
    rp_store_choice_t choice = {.text = text};
    rp_store_t *store = NULL;

    assert_int_equal(rp_crypto_init(), APR_SUCCESS);
    run.text = text;
    assert_null(rp_store_socache_parse(&choice, text + strlen("socache"), "", test->env.pool));
    assert_int_equal(rp_store_socache_open(&store, &test->env, &choice, NULL, test->env.pool),
                     APR_SUCCESS);
    return store;
}

/* What a child of httpd does, and with connections of its own, which a child of httpd has. */
static void open_again(test_env_t *test)
{
    test->env.store = open_store(test, run.text);
    assert_int_equal(rp_store_socache_child(test->env.store, test->env.pool), APR_SUCCESS);
}

static void attach(test_env_t *test)
{
    assert_int_equal(rp_store_socache_child(test->env.store, test->env.pool), APR_SUCCESS);
}

static rp_store_t *make_shmcb(test_env_t *test)
{
    return open_store(test, "socache:shmcb:contract(536870912)");
}

static rp_store_t *make_narrow_shmcb(test_env_t *test)
{
    return open_store(test, "socache:shmcb:contract(8388608)");
}

static rp_store_t *make_small_shmcb(test_env_t *test)
{
    return open_store(test, "socache:shmcb:contract(1048576)");
}

static rp_store_t *make_shaky(test_env_t *test)
{
    return open_store(test, "socache:shaky:contract(536870912)");
}

static void spoil_shaky(test_env_t *test)
{
    (void)test;
    shaky_provider_fail(1);
}

static void repair_shaky(test_env_t *test)
{
    (void)test;
    shaky_provider_fail(0);
}

static rp_store_t *make_dbm(test_env_t *test)
{
    const char *dir = apr_pstrcat(test->env.pool, run.dir, "/dbm", NULL);

    apr_dir_make(dir, APR_FPROT_OS_DEFAULT, test->env.pool);
    run.text = apr_psprintf(test->env.pool, "socache:dbm:%s/%d", dir, ++run.count);
    return open_store(test, run.text);
}

static void rename_dbm(test_env_t *test, const char *from, const char *to)
{
    assert_int_equal(apr_file_rename(apr_pstrcat(test->env.pool, run.dir, from, NULL),
                                     apr_pstrcat(test->env.pool, run.dir, to, NULL),
                                     test->env.pool),
                     APR_SUCCESS);
}

static void spoil_dbm(test_env_t *test)
{
    rename_dbm(test, "/dbm", "/away");
}

static void repair_dbm(test_env_t *test)
{
    rename_dbm(test, "/away", "/dbm");
}

/* --- servers --- */

static void stop_server(void)
{
    if (run.server > 0) {
        kill(run.server, SIGKILL);
        waitpid(run.server, NULL, 0);
        run.server = 0;
    }
}

static int connects(apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket;
    int yes;

    apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, (apr_port_t)run.port, 0, pool);
    apr_socket_create(&socket, APR_INET, SOCK_STREAM, APR_PROTO_TCP, pool);
    yes = apr_socket_connect(socket, address) == APR_SUCCESS;
    apr_socket_close(socket);
    return yes;
}

static void start_server(const char *const *argv, apr_pool_t *pool)
{
    const apr_time_t deadline = apr_time_now() + PATIENCE;

    stop_server();
    run.server = fork();
    if (run.server == 0) {
        union {
            const char *const *given;
            char *const *taken;
        } arguments = {argv};

        execvp(argv[0], arguments.taken);
        _exit(127);
    }
    assert_true(run.server > 0);
    while (!connects(pool)) {
        assert_true(apr_time_now() < deadline && waitpid(run.server, NULL, WNOHANG) == 0);
        apr_sleep(PAUSE);
    }
}

static void start_memcached(test_env_t *test, const char *megabytes)
{
    const char *port = apr_itoa(test->env.pool, run.port);
    const char *argv[] = {"memcached", "-l",      "127.0.0.1", "-p", port, "-U",     "0",
                          "-m",        megabytes, "-t",        "1",  "-u", "nobody", NULL};

    start_server(argv, test->env.pool);
}

static void start_redis(test_env_t *test)
{
    const char *port = apr_itoa(test->env.pool, run.port);
    const char *argv[] = {"redis-server", "--bind", "127.0.0.1",  "--port",  port,
                          "--save",       "",       "--loglevel", "warning", NULL};

    start_server(argv, test->env.pool);
}

static rp_store_t *open_at_server(test_env_t *test, const char *provider)
{
    return open_store(test,
                      apr_psprintf(test->env.pool, "socache:%s:127.0.0.1:%d", provider, run.port));
}

static rp_store_t *make_memcache(test_env_t *test)
{
    start_memcached(test, "64");
    return open_at_server(test, "memcache");
}

static rp_store_t *make_small_memcache(test_env_t *test)
{
    start_memcached(test, "2");
    return open_at_server(test, "memcache");
}

static rp_store_t *make_redis(test_env_t *test)
{
    start_redis(test);
    return open_at_server(test, "redis");
}

static void spoil_server(test_env_t *test)
{
    (void)test;
    stop_server();
}

/* The clients try a server again some seconds after it failed. */
static void await_answer(test_env_t *test)
{
    const apr_time_t deadline = apr_time_now() + PATIENCE;
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    rp_store_value_t value;

    while (rp_store_get(&value, &test->env, &key) == RP_FAILED) {
        assert_true(apr_time_now() < deadline);
        rp_forgive(&test->env);
        apr_sleep(PAUSE);
    }
}

static void repair_memcache(test_env_t *test)
{
    start_memcached(test, "64");
    await_answer(test);
}

static void repair_redis(test_env_t *test)
{
    start_redis(test);
    await_answer(test);
}

/* --- the mutex --- */

static void a_process_that_dies_with_the_mutex_costs_nobody_else_anything(void **state)
{
    test_env_t *test = test_env_make();
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    rp_store_key_t other = {RP_KIND_SESSION, "b", 1};
    rp_store_value_t value;
    apr_time_t begun;
    int status;

    (void)state;
    test->env.store = make_shaky(test);
    assert_int_equal(rp_store_set(&test->env, &other, "x", 1, MINUTE), APR_SUCCESS);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();

        if (child == 0) {
            attach(test);
            shaky_provider_die();
            rp_store_set(&test->env, &key, "x", 1, MINUTE);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        begun = apr_time_now();
        assert_int_equal(rp_store_get(&value, &test->env, &other), APR_SUCCESS);
        assert_int_equal(rp_store_set(&test->env, &key, "y", 1, MINUTE), APR_SUCCESS);
        assert_int_equal(rp_store_delete(&test->env, &key), APR_SUCCESS);
        assert_true(apr_time_now() - begun < apr_time_from_sec(2));
    }
    test_env_destroy(test);
}

/* A process that is stopped while it has the mutex costs a request its answer, not the server. */
static void a_mutex_that_is_never_given_back_ends_in_a_failure(void **state)
{
    test_env_t *test = test_env_make();
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    rp_cache_t *cache;
    pid_t child;
    int ready[2];
    char byte;

    (void)state;
    test->env.store = make_shmcb(test);
    cache = rp_store_cache_of(test->env.store);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        attach(test);
        cache->ops->lock(cache);
        _exit(write(ready[1], "x", 1) == 1 ? (pause(), 0) : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(rp_store_set(&test->env, &key, "x", 1, MINUTE), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(rp_store_set(&test->env, &key, "x", 1, MINUTE), APR_SUCCESS);
    close(ready[0]);
    close(ready[1]);
    test_env_destroy(test);
}

static int run_dying_holder(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_dies_with_the_mutex_costs_nobody_else_anything),
    };

    return cmocka_run_group_tests_name("socache: the mutex", tests, NULL, NULL);
}

static int run_hanging_holder(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_that_is_never_given_back_ends_in_a_failure),
    };

    return cmocka_run_group_tests_name("socache: the mutex", tests, NULL, NULL);
}

/* --- the handler --- */

/* The largest value that the cache of the environment takes. */
static apr_size_t find_largest(rp_store_t *(*make)(test_env_t *test))
{
    test_env_t *test = test_env_make();
    unsigned char *data = apr_pcalloc(test->env.pool, RP_MAX_STORE_VALUE);
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    apr_size_t fits = 1;
    apr_size_t refused = RP_MAX_STORE_VALUE;

    test->env.store = make(test);
    while (refused - fits > 1) {
        apr_size_t len = fits + (refused - fits) / 2;

        if (rp_store_set(&test->env, &key, data, len, MINUTE) == APR_SUCCESS) {
            fits = len;
        } else {
            refused = len;
            rp_forgive(&test->env);
        }
    }
    test_env_destroy(test);
    return fits;
}

static int run_kind(const char *kind)
{
    store_contract_t rows[] = {
        {"shmcb", make_shmcb, make_small_shmcb, 1, attach, 0, NULL, NULL},
        {"narrow", make_narrow_shmcb, NULL, 1, attach, 0, NULL, NULL},
        {"shaky", make_shaky, NULL, 1, attach, 0, spoil_shaky, repair_shaky},
        {"dbm", make_dbm, NULL, 1, attach, 0, spoil_dbm, repair_dbm},
        {"memcache", make_memcache, make_small_memcache, 1, open_again, 0, spoil_server,
         repair_memcache},
        {"redis", make_redis, NULL, 1, open_again, 0, spoil_server, repair_redis},
    };

    if (strcmp(kind, "dying") == 0) {
        return run_dying_holder();
    }
    if (strcmp(kind, "hanging") == 0) {
        return run_hanging_holder();
    }
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(kind, rows[i].name) == 0) {
            rows[i].largest = strcmp(kind, "narrow") == 0 ? find_largest(rows[i].make) : 0;
            return run_store_contract(&rows[i]);
        }
    }
    return 1;
}

/* cmocka writes to the standard streams. */
static int run_recorded(const char *kind, const char *file)
{
    int saved[2] = {dup(1), dup(2)};
    int failed;

    if (!freopen(file, "w", stdout) || dup2(1, 2) != 2) {
        return 1;
    }
    failed = run_kind(kind);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    return failed;
}

static int run_contract(request_rec *r)
{
    char *rest;
    char *kind;
    char *port;
    char *file;
    char text[4096];
    apr_file_t *report;
    int failed;

    if (!r->handler || strcmp(r->handler, "store-contract") != 0 || !r->args) {
        return DECLINED;
    }
    memset(&run, 0, sizeof(run));
    kind = apr_strtok(apr_pstrdup(r->pool, r->args), ":", &rest);
    port = apr_strtok(NULL, ":", &rest);
    run.port = port ? (int)apr_atoi64(port) : 0;
    run.dir = port ? rest : "";
    file = apr_pstrcat(r->pool, run.dir, "/report", NULL);
    failed = run_recorded(kind, file);
    stop_server();
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "failed: %d\n", failed);
    if (apr_file_open(&report, file, APR_FOPEN_READ, 0, r->pool) == APR_SUCCESS) {
        while (apr_file_gets(text, sizeof(text), report) == APR_SUCCESS) {
            ap_rputs(text, r);
        }
        apr_file_close(report);
    }
    return OK;
}

/* The mutex is made in the parent, as in the module proper. */
static int open_first(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *server)
{
    rp_store_choice_t choice = {.text = "socache:shmcb"};
    rp_env_t env = {.pool = pconf};

    (void)plog;
    (void)ptemp;
    (void)server;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    return rp_store_socache_parse(&choice, ":shmcb", "", pconf) == NULL &&
                   rp_store_socache_open(&first, &env, &choice, NULL, pconf) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static void child_init(apr_pool_t *pchild, server_rec *server)
{
    (void)server;
    if (rp_store_socache_child(first, pchild) != APR_SUCCESS) {
        exit(APEXIT_CHILDSICK);
    }
}

static void register_hooks(apr_pool_t *pool)
{
    shaky_provider_register(pool);
    ap_hook_pre_config(rp_store_socache_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(open_first, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(run_contract, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA __attribute__((visibility("default"))) store_contract_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE};
