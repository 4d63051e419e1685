/* All tests of the store in Redis, which are built where hiredis is. */
#include "io_groups.h"
#include "redis_server.h"
#include "store_contract.h"

/* What make() started last. */
static redis_server_t *server;

static rp_store_t *make(test_env_t *test)
{
    server = redis_server_start(NULL, test->env.pool);
    return redis_store_open(test, "redis://127.0.0.1:%d/1", server->port);
}

static rp_store_t *make_small(test_env_t *test)
{
    static const char *const options[] = {"--maxmemory", "6mb", "--maxmemory-policy",
                                          "volatile-lru", NULL};

    return redis_store_open(test, "redis://127.0.0.1:%d",
                            redis_server_start(options, test->env.pool)->port);
}

static void spoil(test_env_t *test)
{
    (void)test;
    redis_server_kill(server);
}

/* Until the breaker has seen it. */
static void repair(test_env_t *test)
{
    rp_store_key_t key = {RP_KIND_SESSION, "repaired", 8};
    int began = redis_test_ms();
    rp_store_value_t value;

    redis_server_again(server);
    while (rp_store_get(&value, &test->env, &key) == RP_FAILED) {
        rp_forgive(&test->env);
        assert_true(redis_test_ms() - began < 1000);
        redis_test_rest();
    }
}

static rp_store_t *make_on_a_socket(test_env_t *test)
{
    return redis_store_open(test, "unix:%s", redis_server_start(NULL, test->env.pool)->path);
}

int run_io_store_redis_tests(void)
{
    static const store_contract_t kinds[] = {
        {"io: store in Redis", make, make_small, 1, NULL, 0, spoil, repair},
        {"io: store in Redis on a socket", make_on_a_socket, NULL, 1, NULL, 0, NULL, NULL},
    };
    int failed = 0;

    for (apr_size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        failed += run_store_contract(&kinds[i]);
    }
    failed += run_io_store_redis_life_tests();
    failed += run_io_store_redis_liar_tests();
#ifdef HAVE_HIREDIS_SSL
    failed += run_io_store_redis_tls_tests();
#endif
    return failed + run_io_store_redis_sentinel_tests();
}
