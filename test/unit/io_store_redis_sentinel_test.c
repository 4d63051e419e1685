/* A master, a replica and a sentinel, all real. */
#include "io_groups.h"
#include "redis_server.h"

#include <apr_strings.h>
#include <string.h>

#define MINUTE apr_time_from_sec(60)
/* The sentinel takes 400 ms to notice, and some seconds to agree with itself and to reconfigure. */
#define FAILOVER_MS 20000

static const rp_store_key_t key = {RP_KIND_SESSION, "a", 1};

typedef struct {
    test_env_t *test;
    rp_env_t *env;
    redis_server_t *master;
    redis_server_t *replica;
    redis_server_t *sentinel;
} fixture_t;

/* Asks until the answer holds a word; for what no connection can tell. */
static void await_words(const redis_server_t *server, const char *command, const char *words)
{
    int until = redis_test_ms() + FAILOVER_MS;
    const char *answer;

    do {
        redis_test_rest();
        answer = redis_server_do(server, command);
        if (redis_test_ms() > until) {
            fail_msg("%s says %s, and not %s", command, answer, words);
        }
    } while (!strstr(answer, words));
}

static int setup(void **state)
{
    static const char *const quick[] = {"--repl-diskless-sync-delay", "0", NULL};
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_pcalloc(test->env.pool, sizeof(*fixture));
    apr_pool_t *pool = test->env.pool;

    fixture->test = test;
    fixture->env = &test->env;
    fixture->master = redis_server_start(quick, pool);
    fixture->replica = redis_server_start(quick, pool);
    redis_server_do(fixture->replica, "REPLICAOF 127.0.0.1 %d", fixture->master->port);
    await_words(fixture->replica, "INFO replication", "master_link_status:up");
    fixture->sentinel = redis_server_start_sentinel(fixture->master, pool);
    /* The first of them is not there. */
    test->env.store = redis_store_open(test, "redis+sentinel://127.0.0.1:1,127.0.0.1:%d/main/2",
                                       fixture->sentinel->port);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static apr_status_t get(rp_env_t *env)
{
    rp_store_value_t value;

    return rp_store_get(&value, env, &key);
}

/* Writes until it works: as long as a failover takes. */
static void set_at_last(rp_env_t *env)
{
    int until = redis_test_ms() + FAILOVER_MS;

    while (rp_store_set(env, &key, "x", 1, MINUTE) != APR_SUCCESS) {
        if (redis_test_ms() > until) {
            fail_msg("no failover: %s", env->error.detail);
        }
        test_env_expect_error((test_env_t *)env->ctx, RP_E_STORE);
        redis_test_rest();
    }
}

static void asks_the_sentinels_where_the_master_is(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(rp_store_set(fixture->env, &key, "x", 1, MINUTE), APR_SUCCESS);
    assert_int_equal(get(fixture->env), APR_SUCCESS);
    assert_non_null(strstr(redis_server_do(fixture->master, "INFO keyspace"), "db2:keys=1"));
}

static void follows_a_failover_by_itself(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    assert_int_equal(rp_store_set(env, &key, "x", 1, MINUTE), APR_SUCCESS);
    assert_string_equal(redis_server_do(fixture->master, "WAIT 1 5000"), "1");
    await_words(fixture->sentinel, "INFO sentinel", "slaves=1");
    redis_server_kill(fixture->master);
    set_at_last(env);
    assert_int_equal(get(env), APR_SUCCESS);
    assert_string_equal(redis_server_do(fixture->replica, "ROLE"), "master");
    /* The old master comes back, and takes itself for one until the sentinel tells it. */
    redis_server_again(fixture->master);
    env->store = redis_store_open(fixture->test, "redis+sentinel://127.0.0.1:%d/main/2",
                                  fixture->sentinel->port);
    assert_int_equal(get(env), APR_SUCCESS);
    assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
}

/* A master that was made a replica keeps its connections for a moment; a write there is refused,
 * and goes to the new master in the same operation. */
static void a_write_refused_by_the_old_master_goes_to_the_new_one(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    await_words(fixture->sentinel, "INFO sentinel", "slaves=1");
    assert_int_equal(rp_store_set(env, &key, "x", 1, MINUTE), APR_SUCCESS);
    await_words(fixture->sentinel, "SENTINEL FAILOVER main", "OK");
    await_words(fixture->master, "INFO replication", "role:slave");
    await_words(fixture->replica, "INFO replication", "role:master");
    await_words(fixture->sentinel, "INFO sentinel",
                apr_psprintf(env->pool, "127.0.0.1:%d", fixture->replica->port));
    assert_int_equal(rp_store_set(env, &key, "y", 1, MINUTE), APR_SUCCESS);
}

static void believes_no_master_that_is_none(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    redis_server_do(fixture->master, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(get(env), RP_FAILED);
    assert_non_null(strstr(env->error.detail, "master of main"));
    assert_non_null(strstr(env->error.detail, "it is none (yet)"));
    test_env_expect_error(fixture->test, RP_E_STORE);
}

static void says_that_a_sentinel_does_not_know_the_master(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    env->store = redis_store_open(fixture->test, "redis+sentinel://127.0.0.1:%d/other",
                                  fixture->sentinel->port);
    assert_int_equal(get(env), RP_FAILED);
    assert_non_null(strstr(env->error.detail, "does not know that master"));
    test_env_expect_error(fixture->test, RP_E_STORE);
}

static void a_server_that_is_no_sentinel_is_not_taken_for_one(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    env->store = redis_store_open(fixture->test, "redis+sentinel://127.0.0.1:%d/main",
                                  fixture->master->port);
    assert_int_equal(get(env), RP_FAILED);
    assert_non_null(strstr(env->error.detail, "does not know a command"));
    test_env_expect_error(fixture->test, RP_E_STORE);
}

static void signs_in_at_sentinels_with_their_own_password(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    redis_server_do(fixture->sentinel, "CONFIG SET requirepass hunter2");
    redis_server_do(fixture->sentinel, "ACL SETUSER default on >hunter2 +@all");
    assert_int_equal(get(env), RP_FAILED);
    test_env_expect_error(fixture->test, RP_E_STORE);
    env->store = redis_store_open(fixture->test,
                                  "redis+sentinel://127.0.0.1:%d/main?sentinel_password=hunter2",
                                  fixture->sentinel->port);
    assert_int_equal(get(env), APR_NOTFOUND);
}

int run_io_store_redis_sentinel_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(asks_the_sentinels_where_the_master_is),
        TEST(follows_a_failover_by_itself),
        TEST(a_write_refused_by_the_old_master_goes_to_the_new_one),
        TEST(believes_no_master_that_is_none),
        TEST(says_that_a_sentinel_does_not_know_the_master),
        TEST(a_server_that_is_no_sentinel_is_not_taken_for_one),
        TEST(signs_in_at_sentinels_with_their_own_password),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: sentinels of Redis", tests, NULL, NULL);
}
