#include "store_contract.h"

#include <string.h>

#include "../../src/base/rp_limits.h"
#include "store_contract_internal.h"

static int setup(void **state)
{
    const store_contract_t *kind = *state;
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_palloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    fixture->kind = kind;
    test->env.store = kind->make(test);
    assert_non_null(test->env.store);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static rp_store_key_t named(const char *text)
{
    rp_store_key_t key = {RP_KIND_SESSION, text, strlen(text)};

    return key;
}

static void set_text(rp_env_t *env, const char *name, const char *value)
{
    rp_store_key_t key = named(name);

    assert_int_equal(rp_store_set(env, &key, value, strlen(value), MINUTE), APR_SUCCESS);
}

static apr_uint64_t expect_text(rp_env_t *env, const char *name, const char *expected)
{
    rp_store_key_t key = named(name);
    rp_store_value_t value;

    assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
    assert_int_equal(value.len, strlen(expected));
    assert_memory_equal(value.data, expected, value.len);
    assert_true(value.version != 0);
    return value.version;
}

static void expect_nothing(rp_env_t *env, const rp_store_key_t *key)
{
    rp_store_value_t value;

    memset(&value, 0x55, sizeof(value));
    assert_int_equal(rp_store_get(&value, env, key), APR_NOTFOUND);
    assert_null(value.data);
    assert_int_equal(value.len, 0);
    assert_int_equal(env->error.id, RP_E_NONE);
}

static void says_that_there_is_none(void **state)
{
    fixture_t *fixture = *state;
    rp_store_key_t key = named("a");

    expect_nothing(fixture->env, &key);
    assert_int_equal(rp_store_delete(fixture->env, &key), APR_NOTFOUND);
    assert_int_equal(rp_store_cas(fixture->env, &key, 1, "x", 1, MINUTE), APR_NOTFOUND);
    expect_nothing(fixture->env, &key);
}

static void gives_back_a_copy_of_what_was_set(void **state)
{
    fixture_t *fixture = *state;
    rp_store_key_t key = named("a");
    char given[] = "value";
    rp_store_value_t value;

    assert_int_equal(rp_store_set(fixture->env, &key, given, 5, MINUTE), APR_SUCCESS);
    memset(given, 'x', 5);
    assert_int_equal(rp_store_get(&value, fixture->env, &key), APR_SUCCESS);
    memset(value.data, 'y', value.len);
    expect_text(fixture->env, "a", "value");
}

static void set_replaces_and_changes_the_version(void **state)
{
    fixture_t *fixture = *state;
    apr_uint64_t first;

    set_text(fixture->env, "a", "one");
    set_text(fixture->env, "b", "other");
    first = expect_text(fixture->env, "a", "one");
    assert_true(expect_text(fixture->env, "a", "one") == first);
    set_text(fixture->env, "a", "two");
    assert_true(expect_text(fixture->env, "a", "two") != first);
    set_text(fixture->env, "a", "two");
    expect_text(fixture->env, "b", "other");
}

static void tells_who_has_read_a_version_of_later_ones_only(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = named("a");
    rp_store_value_t value;
    apr_uint64_t version;

    set_text(env, "a", "one");
    version = expect_text(env, "a", "one");
    assert_int_equal(rp_store_get_newer(&value, env, &key, version), APR_SUCCESS);
    assert_true(value.version == version);
    assert_true(!value.data || (value.len == 3 && memcmp(value.data, "one", 3) == 0));
    set_text(env, "a", "one");
    assert_int_equal(rp_store_get_newer(&value, env, &key, version), APR_SUCCESS);
    assert_true(value.version != version);
    assert_int_equal(value.len, 3);
    assert_memory_equal(value.data, "one", 3);
    version = value.version;
    assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
    assert_int_equal(rp_store_get_newer(&value, env, &key, version), APR_NOTFOUND);
    set_text(env, "a", "one");
    assert_int_equal(rp_store_get_newer(&value, env, &key, version), APR_SUCCESS);
    assert_non_null(value.data);
    version = value.version;
    fixture->test->now += MINUTE;
    assert_int_equal(rp_store_get_newer(&value, env, &key, version), APR_NOTFOUND);
    assert_null(value.data);
}

static void add_writes_only_when_there_is_none(void **state)
{
    fixture_t *fixture = *state;
    rp_store_key_t key = named("a");

    assert_int_equal(rp_store_add(fixture->env, &key, "one", 3, MINUTE), APR_SUCCESS);
    assert_int_equal(rp_store_add(fixture->env, &key, "two", 3, MINUTE), RP_CONFLICT);
    assert_int_equal(fixture->env->error.id, RP_E_NONE);
    expect_text(fixture->env, "a", "one");
    assert_int_equal(rp_store_delete(fixture->env, &key), APR_SUCCESS);
    assert_int_equal(rp_store_add(fixture->env, &key, "three", 5, MINUTE), APR_SUCCESS);
    expect_text(fixture->env, "a", "three");
}

static void cas_writes_only_over_the_version_it_names(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = named("a");
    apr_uint64_t first;
    apr_uint64_t second;

    set_text(env, "a", "one");
    first = expect_text(env, "a", "one");
    assert_int_equal(rp_store_cas(env, &key, first + 1, "x", 1, MINUTE), RP_CONFLICT);
    assert_int_equal(rp_store_cas(env, &key, 0, "x", 1, MINUTE), RP_CONFLICT);
    assert_int_equal(rp_store_cas(env, &key, first, "two", 3, MINUTE), APR_SUCCESS);
    second = expect_text(env, "a", "two");
    assert_true(second != first);
    assert_int_equal(rp_store_cas(env, &key, first, "x", 1, MINUTE), RP_CONFLICT);
    assert_int_equal(rp_store_cas(env, &key, second, "3", 1, MINUTE), APR_SUCCESS);
    expect_text(env, "a", "3");
    assert_int_equal(env->error.id, RP_E_NONE);
}

static void delete_ends_an_entry_for_a_late_writer_too(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = named("a");
    apr_uint64_t version;

    set_text(env, "a", "one");
    set_text(env, "b", "other");
    version = expect_text(env, "a", "one");
    assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
    expect_nothing(env, &key);
    assert_int_equal(rp_store_delete(env, &key), APR_NOTFOUND);
    assert_int_equal(rp_store_cas(env, &key, version, "x", 1, MINUTE), APR_NOTFOUND);
    set_text(env, "a", "one");
    assert_int_equal(rp_store_cas(env, &key, version, "x", 1, MINUTE), RP_CONFLICT);
    expect_text(env, "b", "other");
}

static void an_entry_is_gone_when_its_time_has_come(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = named("a");
    apr_uint64_t version;

    set_text(env, "a", "one");
    version = expect_text(env, "a", "one");
    fixture->test->now += MINUTE - 1;
    expect_text(env, "a", "one");
    assert_int_equal(rp_store_add(env, &key, "x", 1, MINUTE), RP_CONFLICT);
    fixture->test->now += 1;
    assert_int_equal(rp_store_cas(env, &key, version, "x", 1, MINUTE), APR_NOTFOUND);
    expect_nothing(env, &key);
    assert_int_equal(rp_store_add(env, &key, "two", 3, 1), APR_SUCCESS);
    fixture->test->now += 1;
    assert_int_equal(rp_store_delete(env, &key), APR_NOTFOUND);
    assert_int_equal(rp_store_set(env, &key, "ever", 4, APR_INT64_MAX), APR_SUCCESS);
    fixture->test->now += apr_time_from_sec(86400) * 36500;
    expect_text(env, "a", "ever");
}

static void a_write_sets_the_time_anew(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = named("a");
    apr_uint64_t version;

    set_text(env, "a", "one");
    fixture->test->now += MINUTE / 2;
    set_text(env, "a", "two");
    fixture->test->now += MINUTE / 2;
    version = expect_text(env, "a", "two");
    assert_int_equal(rp_store_cas(env, &key, version, "three", 5, 10), APR_SUCCESS);
    expect_text(env, "a", "three");
    fixture->test->now += 10;
    expect_nothing(env, &key);
}

static void fill_pattern(unsigned char *data, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++) {
        data[i] = (unsigned char)((i * 131 + len + (i >> 8)) & 0xff);
    }
}

static apr_size_t largest_of(const fixture_t *fixture)
{
    return fixture->kind->largest ? fixture->kind->largest : RP_MAX_STORE_VALUE;
}

static void keeps_values_of_every_size(void **state)
{
    static const apr_size_t sizes[] = {0,    1,    2,     7,     8,     15,     16,      17,
                                       31,   33,   63,    64,    65,    255,    600,     1000,
                                       4096, 5120, 65535, 65536, 65537, 262144, 1048575, 1048576};
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    unsigned char *data = apr_palloc(env->pool, RP_MAX_STORE_VALUE);
    apr_size_t count = sizeof(sizes) / sizeof(sizes[0]);
    rp_store_value_t value;

    while (sizes[count - 1] > largest_of(fixture)) {
        count--;
    }
    for (apr_size_t i = 0; i < count; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, &sizes[i], sizeof(sizes[i])};

        fill_pattern(data, sizes[i]);
        assert_int_equal(rp_store_set(env, &key, data, sizes[i], MINUTE), APR_SUCCESS);
    }
    for (apr_size_t i = 0; i < count; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, &sizes[i], sizeof(sizes[i])};

        fill_pattern(data, sizes[i]);
        assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
        assert_int_equal(value.len, sizes[i]);
        assert_memory_equal(value.data, data, sizes[i]);
    }
}

static void refuses_a_value_that_is_too_large_and_keeps_the_old_one(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    unsigned char *data = apr_pcalloc(env->pool, RP_MAX_STORE_VALUE + 1);
    rp_store_key_t key = named("a");

    set_text(env, "a", "one");
    assert_int_equal(rp_store_set(env, &key, data, largest_of(fixture), MINUTE), APR_SUCCESS);
    set_text(env, "a", "one");
    for (apr_size_t len = largest_of(fixture) + 1; len <= RP_MAX_STORE_VALUE + 1; len += len) {
        apr_uint64_t version = expect_text(env, "a", "one");

        assert_int_equal(rp_store_set(env, &key, data, len, MINUTE), RP_FAILED);
        test_env_expect_error(fixture->test, RP_E_STORE_TOO_LARGE);
        assert_int_equal(rp_store_cas(env, &key, version, data, len, MINUTE), RP_FAILED);
        test_env_expect_error(fixture->test, RP_E_STORE_TOO_LARGE);
    }
    expect_text(env, "a", "one");
}

static void refuses_what_no_caller_may_ask_for(void **state)
{
    static const unsigned char bytes[RP_MAX_STORE_KEY + 1];
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t empty = {RP_KIND_SESSION, bytes, 0};
    rp_store_key_t longer = {RP_KIND_SESSION, bytes, sizeof(bytes)};
    rp_store_key_t key = named("a");
    rp_store_value_t value;

    assert_int_equal(rp_store_get(&value, env, &empty), RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_INTERNAL);
    assert_int_equal(rp_store_set(env, &longer, "x", 1, MINUTE), RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_INTERNAL);
    assert_int_equal(rp_store_add(env, &key, "x", 1, 0), RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_INTERNAL);
    expect_nothing(env, &key);
}

/* Key number n of 1024: each byte alone, before a zero, among zeros, and among letters. */
static rp_store_key_t odd_key(unsigned char *bytes, int n)
{
    static const struct {
        apr_size_t at;
        apr_size_t len;
        const char *text;
    } forms[] = {{0, 1, "-"}, {0, 2, "-\0"}, {1, 3, "\0-\0"}, {1, 3, "a-b"}};
    rp_store_key_t key = {RP_KIND_SESSION, bytes, forms[n / 256].len};

    memcpy(bytes, forms[n / 256].text, key.len);
    bytes[forms[n / 256].at] = (unsigned char)(n % 256);
    return key;
}

static void keys_may_hold_any_bytes(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    unsigned char bytes[3];
    rp_store_value_t value;

    for (int i = 0; i < 4 * 256; i++) {
        rp_store_key_t key = odd_key(bytes, i);

        assert_int_equal(rp_store_add(env, &key, &i, sizeof(i), MINUTE), APR_SUCCESS);
    }
    for (int i = 0; i < 4 * 256; i++) {
        rp_store_key_t key = odd_key(bytes, i);

        assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
        assert_int_equal(value.len, sizeof(i));
        assert_memory_equal(value.data, &i, sizeof(i));
    }
}

static void keys_of_other_lengths_do_not_meet(void **state)
{
    static const unsigned char zeros[RP_MAX_STORE_KEY];
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_value_t value;

    for (apr_size_t len = 1; len <= RP_MAX_STORE_KEY; len++) {
        rp_store_key_t key = {RP_KIND_SESSION, zeros, len};

        assert_int_equal(rp_store_add(env, &key, &len, sizeof(len), MINUTE), APR_SUCCESS);
    }
    for (apr_size_t len = 1; len <= RP_MAX_STORE_KEY; len++) {
        rp_store_key_t key = {RP_KIND_SESSION, zeros, len};

        assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
        assert_memory_equal(value.data, &len, sizeof(len));
    }
}

static void kinds_do_not_meet(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_value_t value;

    for (int kind = RP_KIND_SESSION; kind <= RP_KIND_TOKEN; kind++) {
        rp_store_key_t key = {(rp_store_kind_t)kind, "same", 4};

        assert_int_equal(rp_store_add(env, &key, &kind, sizeof(kind), MINUTE), APR_SUCCESS);
    }
    for (int kind = RP_KIND_SESSION; kind <= RP_KIND_TOKEN; kind++) {
        rp_store_key_t key = {(rp_store_kind_t)kind, "same", 4};

        assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
        assert_memory_equal(value.data, &kind, sizeof(kind));
        assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
        expect_nothing(env, &key);
    }
}

static void a_full_store_goes_on_taking_writes(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    unsigned char data[9000];
    rp_store_value_t value;
    apr_status_t rv;
    int found = 0;

    env->store = fixture->kind->make_small(fixture->test);
    for (int i = 0; i < 3000; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, &i, sizeof(i)};
        apr_size_t len = sizeof(data) / 9 * (apr_size_t)(i % 9 + 1);

        fill_pattern(data, len);
        assert_int_equal(rp_store_set(env, &key, data, len, MINUTE), APR_SUCCESS);
        assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
    }
    for (int i = 0; i < 3000; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, &i, sizeof(i)};
        apr_size_t len = sizeof(data) / 9 * (apr_size_t)(i % 9 + 1);

        rv = rp_store_get(&value, env, &key);
        assert_true(rv == APR_SUCCESS || rv == APR_NOTFOUND);
        if (rv == APR_SUCCESS) {
            fill_pattern(data, len);
            assert_int_equal(value.len, len);
            assert_memory_equal(value.data, data, len);
            found++;
        }
    }
    assert_in_range(found, 50, 2000);
}

static void expect_failure(fixture_t *fixture, apr_status_t rv)
{
    assert_int_equal(rv, RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_STORE);
}

/* Absent would be an anonymous request; the difference is what the callers live on. */
static void a_store_that_fails_says_so_whatever_is_asked(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = named("a");
    rp_store_key_t other = named("other");
    rp_store_value_t value;
    apr_uint64_t version;

    set_text(env, "a", "one");
    version = expect_text(env, "a", "one");
    fixture->kind->spoil(fixture->test);
    for (int i = 0; i < 3; i++) {
        expect_failure(fixture, rp_store_get(&value, env, &key));
        assert_null(value.data);
        expect_failure(fixture, rp_store_get(&value, env, &other));
        expect_failure(fixture, rp_store_set(env, &key, "two", 3, MINUTE));
        expect_failure(fixture, rp_store_add(env, &other, "two", 3, MINUTE));
        expect_failure(fixture, rp_store_cas(env, &key, version, "two", 3, MINUTE));
        expect_failure(fixture, rp_store_delete(env, &key));
        expect_failure(fixture, rp_store_delete(env, &other));
    }
    fixture->kind->repair(fixture->test);
    assert_int_not_equal(rp_store_get(&value, env, &key), RP_FAILED);
    set_text(env, "a", "three");
    expect_text(env, "a", "three");
    assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
}

int run_store_contract(const store_contract_t *kind)
{
    store_contract_t copy = *kind;

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, &copy)
    const struct CMUnitTest tests[] = {
        TEST(says_that_there_is_none),
        TEST(gives_back_a_copy_of_what_was_set),
        TEST(set_replaces_and_changes_the_version),
        TEST(tells_who_has_read_a_version_of_later_ones_only),
        TEST(add_writes_only_when_there_is_none),
        TEST(cas_writes_only_over_the_version_it_names),
        TEST(delete_ends_an_entry_for_a_late_writer_too),
        TEST(an_entry_is_gone_when_its_time_has_come),
        TEST(a_write_sets_the_time_anew),
        TEST(keeps_values_of_every_size),
        TEST(refuses_a_value_that_is_too_large_and_keeps_the_old_one),
        TEST(refuses_what_no_caller_may_ask_for),
        TEST(keys_may_hold_any_bytes),
        TEST(keys_of_other_lengths_do_not_meet),
        TEST(kinds_do_not_meet),
    };
    const struct CMUnitTest process_tests[] = {
        TEST(no_update_is_lost_between_processes),
        TEST(one_process_alone_gets_each_lease),
        TEST(one_process_alone_deletes_each_entry),
    };
    const struct CMUnitTest full_tests[] = {
        TEST(a_full_store_goes_on_taking_writes),
    };
    const struct CMUnitTest failing_tests[] = {
        TEST(a_store_that_fails_says_so_whatever_is_asked),
    };
#undef TEST
    int failed = cmocka_run_group_tests_name(kind->name, tests, NULL, NULL);

    if (kind->shared) {
        failed += cmocka_run_group_tests_name(kind->name, process_tests, NULL, NULL);
    }
    if (kind->make_small) {
        failed += cmocka_run_group_tests_name(kind->name, full_tests, NULL, NULL);
    }
    if (kind->spoil) {
        failed += cmocka_run_group_tests_name(kind->name, failing_tests, NULL, NULL);
    }
    return failed;
}
