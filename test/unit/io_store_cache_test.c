/* The store in a cache: the contract over caches of several tempers, and what only a cache that
 * misbehaves brings to light. */
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/jose/rp_crypto.h"
#include "io_groups.h"
#include "store_contract.h"
#include "test_cache.h"
#include "test_store.h"

#define MINUTE apr_time_from_sec(60)
#define HEADER 53 /* bytes of an entry before the value; drawn in rp_store_cache_entry.c */
#define SMALL_PART 917
#define NETWORK_PART 16384

static const test_cache_options_t whole = {.slots = 2048, .slot_size = RP_MAX_STORE_VALUE + HEADER};
static const test_cache_options_t split = {
    .slots = 8192, .slot_size = SMALL_PART, .part = SMALL_PART, .unsafe = 1};
static const test_cache_options_t network = {
    .slots = 4096, .slot_size = NETWORK_PART, .part = NETWORK_PART, .vague = 1};
static const test_cache_options_t narrow = {.slots = 2048, .slot_size = 65536 + HEADER};
static const test_cache_options_t small = {.slots = 200, .slot_size = 9000 + HEADER};

static test_cache_t *made; /* by the test that runs */

static rp_store_t *make(test_env_t *test, const test_cache_options_t *options)
{
    assert_int_equal(rp_crypto_init(), APR_SUCCESS);
    made = test_cache_make(options, test->env.pool);
    return rp_store_cache_make(&made->base, NULL, test->env.pool);
}

static rp_store_t *make_whole(test_env_t *test)
{
    return make(test, &whole);
}

static rp_store_t *make_split(test_env_t *test)
{
    return make(test, &split);
}

static rp_store_t *make_network(test_env_t *test)
{
    return make(test, &network);
}

static rp_store_t *make_narrow(test_env_t *test)
{
    rp_store_t *store = make(test, &narrow);

    made->forgets_replaced = 1;
    return store;
}

static rp_store_t *make_small(test_env_t *test)
{
    return make(test, &small);
}

static void die(test_env_t *test)
{
    (void)test;
    made->dead = 1;
}

static void revive(test_env_t *test)
{
    (void)test;
    made->dead = 0;
}

static void lock_dies(test_env_t *test)
{
    (void)test;
    made->lock_fails = 1;
}

static void lock_revives(test_env_t *test)
{
    (void)test;
    made->lock_fails = 0;
}

/* --- one test, one environment --- */

static int setup(void **state)
{
    test_env_t *test = test_env_make();

    test->env.store = make_whole(test);
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

static const rp_store_key_t key_a = {RP_KIND_SESSION, "a", 1};
static const rp_store_key_t key_b = {RP_KIND_SESSION, "b", 1};

static void expect_absent(test_env_t *test, const rp_store_key_t *key)
{
    rp_store_value_t value;

    assert_int_equal(rp_store_get(&value, &test->env, key), APR_NOTFOUND);
    assert_null(value.data);
    assert_int_equal(test->env.error.id, RP_E_NONE);
}

static void expect_bytes(test_env_t *test, const rp_store_key_t *key, const void *data,
                         apr_size_t len)
{
    rp_store_value_t value;

    assert_int_equal(rp_store_get(&value, &test->env, key), APR_SUCCESS);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.data, data, len);
}

static void an_id_that_the_cache_cuts_short_hands_out_nobody_elses_value(void **state)
{
    test_env_t *test = *state;
    rp_store_value_t value;
    int found = 0;

    for (int i = 0; i < 300; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, &i, sizeof(i)};

        made->id_bytes = 0;
        assert_int_equal(rp_store_set(&test->env, &key, &i, sizeof(i), MINUTE), APR_SUCCESS);
    }
    made->id_bytes = 1;
    for (int i = 0; i < 300; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, &i, sizeof(i)};

        if (rp_store_get(&value, &test->env, &key) == APR_SUCCESS) {
            assert_memory_equal(value.data, &i, sizeof(i));
            found++;
        }
    }
    assert_in_range(found, 1, 256);
}

static void an_answer_that_is_cut_short_is_no_answer(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t len = 0; len <= 100; len += 50) {
        assert_int_equal(rp_store_set(&test->env, &key_a, made, len, MINUTE), APR_SUCCESS);
        for (made->cuts = 1; made->cuts <= HEADER + len; made->cuts++) {
            expect_absent(test, &key_a);
        }
        made->cuts = 0;
        expect_bytes(test, &key_a, made, len);
    }
}

static void an_entry_that_was_tampered_with_is_absent_or_says_what_it_said(void **state)
{
    test_env_t *test = *state;
    rp_store_value_t value;
    apr_size_t *len;
    unsigned char *entry;

    assert_int_equal(rp_store_set(&test->env, &key_a, "value", 5, MINUTE), APR_SUCCESS);
    entry = test_cache_entry(made, 0, &len);
    assert_int_equal(*len, HEADER + 5);
    for (apr_size_t i = 0; i < HEADER * 8; i++) {
        /* Version and time are not secured: who writes to the cache may change them. */
        int guarded = i / 8 < 33 || i / 8 >= 49;

        entry[i / 8] ^= (unsigned char)(1U << i % 8);
        if (guarded) {
            expect_absent(test, &key_a);
        } else if (rp_store_get(&value, &test->env, &key_a) == APR_SUCCESS) {
            assert_memory_equal(value.data, "value", 5);
        }
        entry[i / 8] ^= (unsigned char)(1U << i % 8);
    }
    for (apr_size_t i = 33; i < 41; i++) {
        entry[i] = 0;
    }
    expect_absent(test, &key_a);
    assert_int_equal(rp_store_add(&test->env, &key_a, "new", 3, MINUTE), APR_SUCCESS);
    expect_bytes(test, &key_a, "new", 3);
}

static void reading_takes_the_lock_only_where_it_has_to(void **state)
{
    test_env_t *test = *state;

    assert_int_equal(rp_store_set(&test->env, &key_a, "x", 1, MINUTE), APR_SUCCESS);
    assert_int_equal(made->locks, 1);
    expect_bytes(test, &key_a, "x", 1);
    expect_absent(test, &key_b);
    assert_int_equal(made->locks, 1);
    made->base.unsafe = 1;
    expect_bytes(test, &key_a, "x", 1);
    assert_int_equal(made->locks, 2);
}

static void without_the_lock_nothing_is_written(void **state)
{
    test_env_t *test = *state;
    rp_store_value_t value;

    assert_int_equal(rp_store_set(&test->env, &key_a, "x", 1, MINUTE), APR_SUCCESS);
    assert_int_equal(rp_store_get(&value, &test->env, &key_a), APR_SUCCESS);
    made->lock_fails = 1;
    assert_int_equal(rp_store_set(&test->env, &key_a, "y", 1, MINUTE), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    assert_int_equal(rp_store_add(&test->env, &key_b, "y", 1, MINUTE), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    assert_int_equal(rp_store_cas(&test->env, &key_a, value.version, "y", 1, MINUTE), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    assert_int_equal(rp_store_delete(&test->env, &key_a), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    expect_bytes(test, &key_a, "x", 1);
    expect_absent(test, &key_b);
}

static void what_must_not_push_out_or_be_pushed_out_stays_apart(void **state)
{
    test_env_t *test = *state;
    rp_store_t *apart = test_store_make(test->env.pool);
    rp_store_value_t value;

    test->env.store = rp_store_cache_make(&made->base, apart, test->env.pool);
    for (int kind = RP_KIND_SESSION; kind <= RP_KIND_TOKEN; kind++) {
        rp_store_key_t key = {(rp_store_kind_t)kind, "a", 1};
        int there = kind == RP_KIND_LOGIN || kind == RP_KIND_ENDED;
        int before = test_cache_count(made);

        assert_int_equal(rp_store_add(&test->env, &key, "x", 1, MINUTE), APR_SUCCESS);
        assert_int_equal(test_store_count(apart, &test->env, key.kind), there);
        assert_int_equal(test_cache_count(made), before + !there);
        assert_int_equal(rp_store_set(&test->env, &key, "y", 1, MINUTE), APR_SUCCESS);
        assert_int_equal(rp_store_get(&value, &test->env, &key), APR_SUCCESS);
        assert_int_equal(rp_store_cas(&test->env, &key, value.version, "z", 1, MINUTE),
                         APR_SUCCESS);
        expect_bytes(test, &key, "z", 1);
        assert_int_equal(rp_store_delete(&test->env, &key), APR_SUCCESS);
        expect_absent(test, &key);
    }
}

static void the_parts_of_a_value_go_when_it_goes(void **state)
{
    test_env_t *test = *state;
    unsigned char data[5000];

    memset(data, 'd', sizeof(data));
    test->env.store = make_split(test);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rp_store_set(&test->env, &key_a, data, sizeof(data), MINUTE), APR_SUCCESS);
        assert_int_equal(test_cache_count(made), 6); /* of 864 bytes each */
        expect_bytes(test, &key_a, data, sizeof(data));
    }
    assert_int_equal(rp_store_set(&test->env, &key_a, data, 864, MINUTE), APR_SUCCESS);
    assert_int_equal(test_cache_count(made), 1);
    assert_int_equal(rp_store_set(&test->env, &key_a, data, 865, MINUTE), APR_SUCCESS);
    assert_int_equal(test_cache_count(made), 2);
    assert_int_equal(rp_store_delete(&test->env, &key_a), APR_SUCCESS);
    assert_int_equal(test_cache_count(made), 0);
}

static void a_value_that_lost_a_part_is_absent(void **state)
{
    test_env_t *test = *state;
    unsigned char data[5000];

    memset(data, 'd', sizeof(data));
    for (int lost = 0; lost < 6; lost++) {
        test->env.store = make_split(test);
        assert_int_equal(rp_store_set(&test->env, &key_a, data, sizeof(data), MINUTE), APR_SUCCESS);
        test_cache_forget(made, lost);
        expect_absent(test, &key_a);
        assert_int_equal(rp_store_set(&test->env, &key_a, "new", 3, MINUTE), APR_SUCCESS);
        expect_bytes(test, &key_a, "new", 3);
    }
}

static void replace_a(void *data)
{
    test_env_t *test = data;
    unsigned char bytes[40000];

    memset(bytes, 'n', sizeof(bytes));
    assert_int_equal(rp_store_set(&test->env, &key_a, bytes, sizeof(bytes), MINUTE), APR_SUCCESS);
}

static void a_value_that_is_replaced_while_it_is_read_is_read_again(void **state)
{
    test_env_t *test = *state;
    unsigned char data[40000];

    memset(data, 'o', sizeof(data));
    test->env.store = make_network(test);
    assert_int_equal(rp_store_set(&test->env, &key_a, data, sizeof(data), MINUTE), APR_SUCCESS);
    expect_bytes(test, &key_a, data, sizeof(data));
    made->meanwhile = replace_a;
    made->meanwhile_data = test;
    memset(data, 'n', sizeof(data));
    expect_bytes(test, &key_a, data, sizeof(data));
    assert_null(made->meanwhile);
}

static void the_cache_is_told_times_that_it_understands(void **state)
{
    test_env_t *test = *state;

    assert_int_equal(rp_store_set(&test->env, &key_a, "x", 1, 1), APR_SUCCESS);
    assert_true(made->shortest >= apr_time_from_sec(2));
    assert_int_equal(rp_store_set(&test->env, &key_a, "x", 1, APR_INT64_MAX), APR_SUCCESS);
    assert_int_equal(rp_store_set(&test->env, &key_a, "x", 1, apr_time_from_sec(30 * 86400)),
                     APR_SUCCESS);
    /* memcached takes more than 30 days for a date, which is long ago. */
    assert_true(made->longest < apr_time_from_sec(30 * 86400));
    assert_true(made->longest > apr_time_from_sec(28 * 86400));
}

static void fails_when_no_version_can_be_drawn(void **state)
{
    test_env_t *test = *state;

    test->fail_at = 1;
    assert_int_equal(rp_store_add(&test->env, &key_a, "x", 1, MINUTE), RP_FAILED);
    test_env_expect_error(test, RP_E_RANDOM);
    expect_absent(test, &key_a);
}

int run_io_store_cache_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_id_that_the_cache_cuts_short_hands_out_nobody_elses_value),
        TEST(an_answer_that_is_cut_short_is_no_answer),
        TEST(an_entry_that_was_tampered_with_is_absent_or_says_what_it_said),
        TEST(reading_takes_the_lock_only_where_it_has_to),
        TEST(without_the_lock_nothing_is_written),
        TEST(what_must_not_push_out_or_be_pushed_out_stays_apart),
        TEST(the_parts_of_a_value_go_when_it_goes),
        TEST(a_value_that_lost_a_part_is_absent),
        TEST(a_value_that_is_replaced_while_it_is_read_is_read_again),
        TEST(the_cache_is_told_times_that_it_understands),
        TEST(fails_when_no_version_can_be_drawn),
    };
#undef TEST
    static const store_contract_t kinds[] = {
        {"io: store in a cache", make_whole, make_small, 1, NULL, 0, die, revive},
        {"io: store in a cache of small entries", make_split, NULL, 1, NULL, 0, lock_dies,
         lock_revives},
        {"io: store in a cache that is vague", make_network, NULL, 1, NULL, 0, die, revive},
        {"io: store in a cache that is narrow", make_narrow, NULL, 1, NULL, 65536, NULL, NULL},
    };
    int failed = cmocka_run_group_tests_name("io: what caches do", tests, NULL, NULL);

    for (apr_size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        failed += run_store_contract(&kinds[i]);
    }
    return failed;
}
