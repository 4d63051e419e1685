/* What the shared-memory store promises beyond the contract of all stores: who goes when it is
 * full, what an entry costs, and that cost does not grow with the number of entries. */
#include <string.h>

#include "io_groups.h"
#include "store_audit.h"

#define MIB ((apr_size_t)1024 * 1024)
#define HOUR apr_time_from_sec(3600)

static unsigned char filler[300 * 1024];

typedef struct {
    test_env_t *test;
    rp_env_t *env;
} fixture_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_palloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static void open_anonymous(fixture_t *fixture, apr_size_t size)
{
    fixture->env->store = store_open(fixture->test, NULL, size, NULL, fixture->env->pool);
}

/* Keys as sessions have them: 32 bytes. */
static apr_status_t put(rp_env_t *env, rp_store_kind_t kind, int number, apr_size_t len)
{
    unsigned char name[32] = {0};
    rp_store_key_t key = {kind, name, sizeof(name)};

    memcpy(name, &number, sizeof(number));
    return rp_store_set(env, &key, filler, len, HOUR);
}

static int is_there(rp_env_t *env, rp_store_kind_t kind, int number)
{
    unsigned char name[32] = {0};
    rp_store_key_t key = {kind, name, sizeof(name)};
    rp_store_value_t value;
    apr_pool_t *pool = env->pool;
    apr_status_t rv;

    apr_pool_create(&env->pool, pool);
    memcpy(name, &number, sizeof(number));
    rv = rp_store_get(&value, env, &key);
    apr_pool_destroy(env->pool);
    env->pool = pool;
    assert_true(rv == APR_SUCCESS || rv == APR_NOTFOUND);
    return rv == APR_SUCCESS;
}

static rp_store_shm_stats_t stats_of(const rp_env_t *env)
{
    rp_store_shm_stats_t stats;

    rp_store_shm_stats(&stats, env->store);
    return stats;
}

static void the_smallest_arena_holds_values_of_64_kib(void **state)
{
    fixture_t *fixture = *state;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(put(fixture->env, RP_KIND_SESSION, i, 65536), APR_SUCCESS);
        assert_true(is_there(fixture->env, RP_KIND_SESSION, i));
    }
    assert_int_equal(put(fixture->env, RP_KIND_LOGIN, 1, 16384), APR_SUCCESS);
    store_audit(fixture->env->store, NULL);
}

static void refuses_a_value_that_would_crowd_out_the_rest(void **state)
{
    fixture_t *fixture = *state;

    open_anonymous(fixture, MIB);
    assert_int_equal(put(fixture->env, RP_KIND_SESSION, 1, 1000), APR_SUCCESS);
    assert_int_equal(put(fixture->env, RP_KIND_SESSION, 1, sizeof(filler)), RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_STORE_TOO_LARGE);
    assert_true(is_there(fixture->env, RP_KIND_SESSION, 1));
    assert_int_equal(stats_of(fixture->env).evicted, 0);
    store_audit(fixture->env->store, NULL);
}

static void refuses_an_arena_below_one_mib(void **state)
{
    fixture_t *fixture = *state;
    rp_store_shm_config_t config = {NULL, MIB - 1, (apr_uid_t)-1};
    rp_store_shm_attached_t attached;
    rp_store_t *store;

    assert_int_equal(
        rp_store_shm_open(&store, &attached, fixture->env, &config, fixture->env->pool), RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_STORE);
    assert_null(store);
}

static void what_is_not_used_goes_first_and_what_is_used_stays(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 400; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 1000), APR_SUCCESS);
    }
    assert_int_equal(stats_of(env).evicted, 0);
    for (int i = 400; i < 6000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 1000), APR_SUCCESS);
        for (int used = 0; i % 50 == 0 && used < 400; used += 2) {
            assert_true(is_there(env, RP_KIND_SESSION, used));
        }
    }
    for (int i = 1; i < 400; i += 2) {
        assert_false(is_there(env, RP_KIND_SESSION, i));
    }
    assert_true(stats_of(env).evicted > 4000);
    store_audit(env->store, NULL);
}

static void entries_that_nobody_used_go_in_the_order_they_came(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    unsigned char name[32] = {0};
    rp_store_key_t key = {RP_KIND_SESSION, name, sizeof(name)};
    const rp_shm_t *shm;
    apr_size_t shard;
    int survivors[4] = {0};

    open_anonymous(fixture, MIB);
    shm = (const rp_shm_t *)env->store;
    assert_int_equal(shm->parts[RP_SHM_GENERAL].count, 4);
    for (int i = 0; i < 1200; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 1000), APR_SUCCESS);
    }
    assert_true(stats_of(env).evicted > 300);
    for (int i = 0; i < 1200; i++) {
        memcpy(name, &i, sizeof(i));
        shard = (apr_size_t)(store_shard(env->store, &key) - shm->shards);
        if (is_there(env, RP_KIND_SESSION, i)) {
            survivors[shard]++;
        } else {
            /* None that came before it in its shard may have survived it. */
            assert_int_equal(survivors[shard], 0);
        }
    }
    for (shard = 0; shard < 4; shard++) {
        assert_true(survivors[shard] > 100);
    }
}

static void a_flood_of_logins_pushes_out_logins_only(void **state)
{
    static const rp_store_kind_t kept[] = {RP_KIND_SESSION, RP_KIND_LEASE, RP_KIND_METADATA,
                                           RP_KIND_INDEX};
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(put(env, kept[i % 4], i, 2500), APR_SUCCESS);
    }
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(put(env, RP_KIND_LOGIN, i, (apr_size_t)(i % 7) * 300), APR_SUCCESS);
    }
    assert_true(stats_of(env).evicted > 15000);
    assert_true(is_there(env, RP_KIND_LOGIN, 19999));
    for (int i = 0; i < 200; i++) {
        assert_true(is_there(env, kept[i % 4], i));
    }
    store_audit(env->store, NULL);
}

static void many_sessions_do_not_push_out_logins(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(put(env, RP_KIND_LOGIN, i, 500), APR_SUCCESS);
    }
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 3000), APR_SUCCESS);
    }
    for (int i = 0; i < 100; i++) {
        assert_true(is_there(env, RP_KIND_LOGIN, i));
    }
}

static void nothing_pushes_out_that_a_session_has_ended(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(put(env, RP_KIND_ENDED, i, 1), APR_SUCCESS);
    }
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 3000), APR_SUCCESS);
        assert_int_equal(put(env, RP_KIND_LOGIN, i, 3000), APR_SUCCESS);
    }
    for (int i = 0; i < 300; i++) {
        assert_true(is_there(env, RP_KIND_ENDED, i));
    }
    store_audit(env->store, NULL);
}

static void a_write_is_never_refused_whatever_the_sizes(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    uint32_t random = 1;

    open_anonymous(fixture, 2 * MIB);
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525U + 1013904223U;
        assert_int_equal(put(env, RP_KIND_SESSION, (int)(random >> 22),
                             (random >> 4 & 15U) ? random >> 8 & 4095U : random >> 8 & 131071U),
                         APR_SUCCESS);
        is_there(env, RP_KIND_SESSION, (int)(random >> 12 & 1023U));
    }
    assert_true(stats_of(env).evicted > 0);
    assert_int_equal(stats_of(env).recovered, 0);
    store_audit(env->store, NULL);
}

static void the_expired_are_swept_by_writing_alone(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, 4 * MIB);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 500), APR_SUCCESS);
    }
    fixture->test->now += HOUR;
    for (int i = 1000; i < 2500; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 500), APR_SUCCESS);
    }
    assert_int_equal(stats_of(env).entries, 1500);
    store_audit(env->store, NULL);
}

static void the_expired_make_room_before_the_living(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 700; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 1000), APR_SUCCESS);
    }
    assert_int_equal(stats_of(env).evicted, 0);
    fixture->test->now += HOUR;
    for (int i = 700; i < 1400; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 1000), APR_SUCCESS);
    }
    assert_int_equal(stats_of(env).evicted, 0);
    assert_true(is_there(env, RP_KIND_SESSION, 700));
}

/* Bytes that an entry of len bytes costs in a full arena, with everything that is not an entry
 * (buckets, heads, what lies idle between entries) shared out among them. */
static void expect_cost(fixture_t *fixture, apr_size_t len, uint64_t most)
{
    rp_env_t *env = fixture->env;
    const rp_shm_t *shm;
    uint64_t entries;

    open_anonymous(fixture, 16 * MIB);
    shm = (const rp_shm_t *)env->store;
    for (int i = 0; (apr_size_t)i < 40 * MIB / len; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, len), APR_SUCCESS);
    }
    entries = stats_of(env).entries;
    assert_true(stats_of(env).bytes_used / entries <= most);
    assert_true(shm->parts[RP_SHM_GENERAL].bytes * shm->parts[RP_SHM_GENERAL].count / entries <=
                most);
}

static void an_entry_of_5_kb_costs_at_most_1_2_times_its_size(void **state)
{
    expect_cost(*state, 5000, 6000);
}

static void an_entry_of_600_bytes_costs_at_most_1_2_times_its_size(void **state)
{
    expect_cost(*state, 600, 720);
}

/* The file as a whole, with what is set aside for logins. */
static void a_session_of_5_kb_takes_6_kb_of_the_file(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, 64 * MIB);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 5120), APR_SUCCESS);
    }
    assert_true(64 * MIB / stats_of(env).entries <= 6144);
}

static void rewriting_does_not_use_room_up(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_anonymous(fixture, MIB);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 100; i++) {
            assert_int_equal(put(env, RP_KIND_SESSION, i, (apr_size_t)(round * 37 % 5000)),
                             APR_SUCCESS);
        }
    }
    assert_int_equal(stats_of(env).evicted, 0);
    assert_int_equal(stats_of(env).entries, 100);
    for (int i = 0; i < 100; i++) {
        unsigned char name[32] = {0};
        rp_store_key_t key = {RP_KIND_SESSION, name, sizeof(name)};

        memcpy(name, &i, sizeof(i));
        assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
    }
    assert_int_equal(stats_of(env).bytes_used, 0);
    store_audit(env->store, NULL);
}

static void finding_takes_as_many_steps_among_100000_as_among_1000(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    store_chains_t few;
    store_chains_t many;

    open_anonymous(fixture, 128 * MIB);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 600), APR_SUCCESS);
    }
    store_audit(env->store, &few);
    for (int i = 1000; i < 100000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 600), APR_SUCCESS);
    }
    store_audit(env->store, &many);
    assert_int_equal(many.records, 100000);
    assert_true(few.steps < few.records * 3 / 2);
    assert_true(many.steps < many.records * 3 / 2);
    assert_true(many.longest <= 12);
}

/* Records that the hand may evict without sparing them first. */
static int untouched(const rp_shm_shard_t *shard)
{
    const rp_shm_block_t *block;
    int found = 0;

    for (uint32_t at = 1; at < shard->limit; at += block->size) {
        block = rp_shm_at(shard, at);
        found += block->state == RP_SHM_LIVE && !block->touched;
    }
    return found;
}

/* One write that finds everything in use may not clear the marks of a whole shard. */
static void a_write_into_a_store_in_full_use_passes_over_few(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_key_t key = {RP_KIND_SESSION, "one more", 8};

    open_anonymous(fixture, 16 * MIB);
    for (int i = 0; i < 200000; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 64), APR_SUCCESS);
    }
    for (int i = 0; i < 200000; i++) {
        is_there(env, RP_KIND_SESSION, i);
    }
    assert_true(stats_of(env).evicted > 0);
    assert_int_equal(untouched(store_shard(env->store, &key)), 0);
    assert_int_equal(rp_store_set(env, &key, filler, 2000, HOUR), APR_SUCCESS);
    assert_in_range(untouched(store_shard(env->store, &key)), 1, 80);
    store_audit(env->store, NULL);
}

static void a_number_that_cannot_be_right_is_met_with_a_rebuild(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    const rp_shm_t *shm;

    open_anonymous(fixture, MIB);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(put(env, RP_KIND_SESSION, i, 1000), APR_SUCCESS);
    }
    shm = (const rp_shm_t *)env->store;
    for (uint32_t i = 0; i < shm->parts[RP_SHM_GENERAL].count; i++) {
        memset(shm->shards[i].buckets, 0x7f, shm->shards[i].bucket_count * sizeof(uint32_t));
    }
    for (int i = 0; i < 200; i++) {
        assert_true(is_there(env, RP_KIND_SESSION, i));
    }
    assert_int_equal(stats_of(env).recovered, shm->parts[RP_SHM_GENERAL].count);
    store_audit(env->store, NULL);
}

static void what_was_pushed_out_is_counted_by_what_it_was(void **state)
{
    static const rp_store_kind_t kinds[] = {RP_KIND_SESSION, RP_KIND_LOGIN, RP_KIND_ENDED};
    fixture_t *fixture = *state;
    rp_store_shm_evicted_t evicted;

    for (apr_size_t k = 0; k < 3; k++) {
        open_anonymous(fixture, MIB);
        assert_int_equal(put(fixture->env, kinds[k], 1, 1000), APR_SUCCESS);
        rp_store_shm_evicted(&evicted, fixture->env->store);
        assert_int_equal(evicted.sessions + evicted.logins + evicted.ended, 0);
        for (int i = 2; i < 2000; i++) {
            assert_int_equal(put(fixture->env, kinds[k], i, 1000), APR_SUCCESS);
        }
        rp_store_shm_evicted(&evicted, fixture->env->store);
        assert_true(kinds[k] == RP_KIND_SESSION ? evicted.sessions > 900 : evicted.sessions == 0);
        assert_true(kinds[k] == RP_KIND_LOGIN ? evicted.logins > 900 : evicted.logins == 0);
        assert_true(kinds[k] == RP_KIND_ENDED ? evicted.ended > 900 : evicted.ended == 0);
        assert_int_equal(evicted.sessions + evicted.logins + evicted.ended,
                         stats_of(fixture->env).evicted);
    }
}

int run_io_store_shm_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_smallest_arena_holds_values_of_64_kib),
        TEST(refuses_a_value_that_would_crowd_out_the_rest),
        TEST(refuses_an_arena_below_one_mib),
        TEST(what_was_pushed_out_is_counted_by_what_it_was),
        TEST(what_is_not_used_goes_first_and_what_is_used_stays),
        TEST(entries_that_nobody_used_go_in_the_order_they_came),
        TEST(a_flood_of_logins_pushes_out_logins_only),
        TEST(many_sessions_do_not_push_out_logins),
        TEST(nothing_pushes_out_that_a_session_has_ended),
        TEST(a_write_is_never_refused_whatever_the_sizes),
        TEST(the_expired_are_swept_by_writing_alone),
        TEST(the_expired_make_room_before_the_living),
        TEST(an_entry_of_5_kb_costs_at_most_1_2_times_its_size),
        TEST(an_entry_of_600_bytes_costs_at_most_1_2_times_its_size),
        TEST(a_session_of_5_kb_takes_6_kb_of_the_file),
        TEST(rewriting_does_not_use_room_up),
        TEST(finding_takes_as_many_steps_among_100000_as_among_1000),
        TEST(a_write_into_a_store_in_full_use_passes_over_few),
        TEST(a_number_that_cannot_be_right_is_met_with_a_rebuild),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: shared memory", tests, NULL, NULL);
}
