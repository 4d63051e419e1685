/* All tests of the store in Redis, which are built where hiredis is. */
#include "io_groups.h"
#include "redis_server.h"
#include "store_contract.h"

static rp_store_t *make(test_env_t *test)
{
    return redis_store_open(test, "redis://127.0.0.1:%d/1",
                            redis_server_start(NULL, test->env.pool)->port);
}

static rp_store_t *make_on_a_socket(test_env_t *test)
{
    return redis_store_open(test, "unix:%s", redis_server_start(NULL, test->env.pool)->path);
}

int run_io_store_redis_tests(void)
{
    static const store_contract_t kinds[] = {
        {"io: store in Redis", make, NULL, 1, NULL, 0, NULL, NULL},
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
