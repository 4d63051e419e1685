/* Redis over TLS, where hiredis has it: rows of the contract suite and of trust. */
#include "io_groups.h"
#include "redis_server.h"
#include "store_contract.h"

#include <apr_strings.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const rp_store_key_t key = {RP_KIND_SESSION, "a", 1};

/* A server with a certificate that signs itself, for the names given, in files of its directory. */
typedef struct {
    redis_server_t *redis;
    int port;
    const char *cert;
    const char *key;
} tls_server_t;

static apr_status_t remove_files(void *data)
{
    tls_server_t *server = data;

    unlink(server->cert);
    unlink(server->key);
    return APR_SUCCESS;
}

static tls_server_t *start(test_env_t *test, const char *names)
{
    apr_pool_t *pool = test->env.pool;
    tls_server_t *server = apr_pcalloc(pool, sizeof(*server));
    const char **options = apr_pcalloc(pool, 16 * sizeof(*options));
    char *base = apr_pstrdup(pool, "/tmp/rp-redis-tls-XXXXXX");
    int fd = mkstemp(base);

    assert_true(fd >= 0);
    close(fd);
    unlink(base);
    /* hiredis writes with OpenSSL, which knows no MSG_NOSIGNAL; httpd ignores the signal too. */
    signal(SIGPIPE, SIG_IGN);
    server->cert = apr_pstrcat(pool, base, ".cert", NULL);
    server->key = apr_pstrcat(pool, base, ".key", NULL);
    apr_pool_cleanup_register(pool, server, remove_files, apr_pool_cleanup_null);
    assert_int_equal(system(apr_psprintf(pool,
                                         "openssl req -x509 -newkey ec -pkeyopt "
                                         "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test "
                                         "-addext subjectAltName=%s -out %s -keyout %s "
                                         "2> /dev/null",
                                         names, server->cert, server->key)),
                     0);
    server->port = redis_test_port();
    options[0] = "--tls-port";
    options[1] = apr_itoa(pool, server->port);
    options[2] = "--tls-cert-file";
    options[3] = server->cert;
    options[4] = "--tls-key-file";
    options[5] = server->key;
    options[6] = "--tls-ca-cert-file";
    options[7] = server->cert;
    options[8] = "--tls-auth-clients";
    options[9] = "no";
    server->redis = redis_server_start(options, pool);
    return server;
}

static rp_store_t *make(test_env_t *test)
{
    tls_server_t *server = start(test, "IP:127.0.0.1");

    return redis_store_open(test, "rediss://127.0.0.1:%d/1?ca=%s", server->port, server->cert);
}

static apr_status_t get(rp_env_t *env)
{
    rp_store_value_t value;

    return rp_store_get(&value, env, &key);
}

static void expect_words(rp_env_t *env, const char *words)
{
    assert_int_equal(get(env), RP_FAILED);
    assert_int_equal(env->error.id, RP_E_STORE);
    if (!strstr(env->error.detail, words)) {
        fail_msg("%s, but wanted: %s", env->error.detail, words);
    }
    rp_forgive(env);
}

static void speaks_only_with_whom_it_trusts(void **state)
{
    test_env_t *test = test_env_make();
    tls_server_t *server = start(test, "DNS:localhost");
    rp_env_t *env = &test->env;

    (void)state;
    env->store = redis_store_open(test, "rediss://localhost:%d?ca=%s", server->port, server->cert);
    assert_int_equal(get(env), APR_NOTFOUND);
    env->store = redis_store_open(test, "rediss://localhost:%d", server->port);
    expect_words(env, "its certificate was refused");
    env->store = redis_store_open(test, "rediss://127.0.0.1:%d?ca=%s", server->port, server->cert);
    expect_words(env, "its certificate was refused");
    env->store =
        redis_store_open(test, "rediss://localhost:%d?ca=%s", server->redis->port, server->cert);
    assert_int_equal(get(env), RP_FAILED);
    rp_forgive(env);
    env->store = redis_store_open(test, "redis://localhost:%d", server->port);
    assert_int_equal(get(env), RP_FAILED);
    test_env_destroy(test);
}

static void a_hanging_handshake_has_a_time_limit(void **state)
{
    test_env_t *test = test_env_make();
    tls_server_t *server = start(test, "DNS:localhost");
    int began = redis_test_ms();

    (void)state;
    test->env.store =
        redis_store_open(test, "rediss://localhost:%d?ca=%s", server->port, server->cert);
    redis_server_signal(server->redis, SIGSTOP);
    expect_words(&test->env, "no answer in time");
    assert_in_range(redis_test_ms() - began, 500, 2500);
    redis_server_signal(server->redis, SIGCONT);
    test_env_destroy(test);
}

static void a_file_that_holds_no_authorities_stops_the_start(void **state)
{
    test_env_t *test = test_env_make();
    rp_redis_address_t *address;
    rp_store_t *store;

    (void)state;
    assert_null(
        rp_store_redis_parse(&address, "rediss://localhost?ca=/etc/passwd", test->env.pool));
    assert_int_equal(rp_store_redis_open(&store, &test->env, address, test->env.pool), RP_FAILED);
    assert_non_null(strstr(test->env.error.detail, "/etc/passwd"));
    test_env_destroy(test);
}

int run_io_store_redis_tls_tests(void)
{
    static const store_contract_t kind = {
        "io: store in Redis over TLS", make, NULL, 1, NULL, 0, NULL, NULL};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_only_with_whom_it_trusts),
        cmocka_unit_test(a_hanging_handshake_has_a_time_limit),
        cmocka_unit_test(a_file_that_holds_no_authorities_stops_the_start),
    };

    return run_store_contract(&kind) +
           cmocka_run_group_tests_name("io: Redis over TLS", tests, NULL, NULL);
}
