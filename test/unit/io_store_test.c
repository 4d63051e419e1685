#include "io_groups.h"
#include "store_audit.h"
#include "store_contract.h"
#include "test_store.h"

#define MIB ((apr_size_t)1024 * 1024)

static rp_store_t *make_test_store(test_env_t *test)
{
    return test_store_make(test->env.pool);
}

static void spoil_test_store(test_env_t *test)
{
    test_store_spoil(test->env.store, 1);
}

static void repair_test_store(test_env_t *test)
{
    test_store_spoil(test->env.store, 0);
}

static rp_store_t *make_anonymous(test_env_t *test)
{
    return store_open(test, NULL, 64 * MIB, NULL, test->env.pool);
}

static rp_store_t *make_small_anonymous(test_env_t *test)
{
    return store_open(test, NULL, MIB, NULL, test->env.pool);
}

static rp_store_t *make_file(test_env_t *test)
{
    return store_open(test, store_path(test->env.pool), 64 * MIB, NULL, test->env.pool);
}

static rp_store_t *make_small_file(test_env_t *test)
{
    return store_open(test, store_path(test->env.pool), MIB, NULL, test->env.pool);
}

/* The store for tests of the upper folders has a duty of its own: to fail when told to. */
static void the_test_store_fails_the_call_that_is_to_fail(void **state)
{
    test_env_t *test = test_env_make();
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    rp_store_value_t value;

    (void)state;
    test->env.store = test_store_make(test->env.pool);
    test->fail_at = 2;
    assert_int_equal(rp_store_set(&test->env, &key, "x", 1, 10), APR_SUCCESS);
    assert_int_equal(rp_store_get(&value, &test->env, &key), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    assert_int_equal(rp_store_get(&value, &test->env, &key), APR_SUCCESS);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_SESSION), 1);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_LOGIN), 0);
    test_env_destroy(test);
}

/* Who can write to a store that others share must not be able to give this server a key. */
static void what_is_believed_unsealed_stays_on_this_machine(void **state)
{
    test_env_t *test = test_env_make();
    rp_store_t *shared = test_store_make(test->env.pool);
    rp_store_t *local = test_store_make(test->env.pool);

    (void)state;
    test->env.store = shared;
    test->env.local = local;
    for (int kind = RP_KIND_SESSION; kind <= RP_KIND_TOKEN; kind++) {
        rp_store_key_t key = {(rp_store_kind_t)kind, "a", 1};
        int here = kind == RP_KIND_METADATA;

        assert_int_equal(rp_store_set(&test->env, &key, "x", 1, 10), APR_SUCCESS);
        assert_int_equal(test_store_count(local, &test->env, key.kind), here);
        assert_int_equal(test_store_count(shared, &test->env, key.kind), !here);
    }
    test_env_destroy(test);
}

int run_io_store_tests(void)
{
    static const store_contract_t kinds[] = {
        {"io: store of the tests", make_test_store, NULL, 0, NULL, 0, spoil_test_store,
         repair_test_store},
        {"io: store in anonymous memory", make_anonymous, make_small_anonymous, 1, NULL, 0, NULL,
         NULL},
        {"io: store in a file", make_file, make_small_file, 1, NULL, 0, NULL, NULL},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_store_fails_the_call_that_is_to_fail),
        cmocka_unit_test(what_is_believed_unsealed_stays_on_this_machine),
    };
    int failed = cmocka_run_group_tests_name("io: stores", tests, NULL, NULL);

    for (apr_size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        failed += run_store_contract(&kinds[i]);
    }
    failed += run_io_store_cache_tests();
    failed += run_io_store_shm_tests();
    failed += run_io_store_file_tests();
    failed += run_io_store_damage_tests();
    failed += run_io_store_redis_address_tests();
#ifdef HAVE_HIREDIS
    failed += run_io_store_redis_tests();
#endif
    return failed + run_io_store_kill_tests();
}
