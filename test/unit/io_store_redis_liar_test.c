/* What is not believed, and what is said about it, with a server that is no Redis. */
#include "../../src/base/rp_limits.h"
#include "io_groups.h"
#include "redis_liar.h"
#include "redis_server.h"

#include <string.h>

#define SECRET "hunter2hunter2"

static const rp_store_key_t key = {RP_KIND_SESSION, "a", 1};

typedef struct {
    test_env_t *test;
    rp_env_t *env;
    redis_liar_script_t script;
    redis_liar_t *liar;
} fixture_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_pcalloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    fixture->liar = redis_liar_start(&fixture->script, test->env.pool);
    test->env.store =
        redis_store_open(test, "redis://127.0.0.1:%d", redis_liar_port(fixture->liar));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static apr_status_t get(fixture_t *fixture)
{
    rp_store_value_t value;

    return rp_store_get(&value, fixture->env, &key);
}

/* Fails the test unless the last call failed, for a reason with such words and no password. */
static void expect_words(rp_env_t *env, apr_status_t rv, const char *words)
{
    assert_int_equal(rv, RP_FAILED);
    assert_int_equal(env->error.id, RP_E_STORE);
    assert_non_null(env->error.detail);
    if (!strstr(env->error.detail, words)) {
        fail_msg("%s, but wanted: %s", env->error.detail, words);
    }
    assert_null(strstr(env->error.detail, SECRET));
    rp_forgive(env);
}

/* The breaker is another test's. */
static void reopen(fixture_t *fixture)
{
    fixture->test->env.store =
        redis_store_open(fixture->test, "redis://127.0.0.1:%d", redis_liar_port(fixture->liar));
}

#define HEAD(version, expires) "\1" version expires
#define LIVE HEAD("\0\0\0\0\0\0\0\1", "\0\x1f\xff\xff\xff\xff\xff\xff")

/* clang-format off */
static const struct {
    const char *answer;
    apr_size_t len;
    const char *words;
} wrong_to_get[] = {
    {"HTTP/1.1 400 Bad Request\r\n\r\n", 0, "not what Redis says"},
    {"\0\0\0\0\r\n",                     6, "not what Redis says"},
    {"+OK\r\n",                          0, "not what Redis says"},
    {":1\r\n",                           0, "not what Redis says"},
    {"*0\r\n",                           0, "not what Redis says"},
    {"*1\r\n$1\r\nx\r\n",                0, "not what Redis says"},
    {"$x\r\n",                           0, "not what Redis says"},
    {"$-2\r\n",                          0, "not what Redis says"},
    {"*2147483647\r\n",                  0, "not what Redis says"},
    {"*100000\r\n",                      0, "not what Redis says"},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 0, "not what Redis says"},
    {"$-1\r\n$-1\r\n",                   0, "answered twice"},
    {"$-1\r\n+",                         0, "answered twice"},
    {"$0\r\n\r\n",                       0, "another program"},
    {"$5\r\nhello\r\n",                  0, "another program"},
    {"$16\r\n\1\0\0\0\0\0\0\0\1\0\x1f\xff\xff\xff\xff\xff\r\n", 23, "another program"},
    {"$17\r\n\2\0\0\0\0\0\0\0\1\0\x1f\xff\xff\xff\xff\xff\xff\r\n", 24, "another program"},
    {"$17\r\n\1\0\0\0\0\0\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff\r\n", 24, "another program"},
};

static const struct {
    const char *answer;
    const char *words;
} refusals[] = {
    {"-READONLY You can't write against a read only replica.\r\n", "is a replica, which takes no writes"},
    {"-MASTERDOWN Link with MASTER is down\r\n", "lost its master"},
    {"-LOADING Redis is loading the dataset in memory\r\n", "still loading"},
    {"-NOAUTH Authentication required.\r\n", "wants a password"},
    {"-NOPERM this user has no permissions\r\n", "does not allow the user"},
    {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "maxmemory"},
    {"-MISCONF Redis is configured to save RDB snapshots\r\n", "cannot save its data"},
    {"-NOREPLICAS Not enough good replicas to write.\r\n", "min-replicas-to-write"},
    {"-MOVED 3999 127.0.0.1:6381\r\n", "node of a cluster"},
    {"-CLUSTERDOWN Hash slot not served\r\n", "node of a cluster"},
    {"-ASK 3999 127.0.0.1:6381\r\n", "node of a cluster"},
    {"-BUSY Redis is busy running a script.\r\n", "script that does not end"},
    {"-WRONGTYPE Operation against a key\r\n", "another program"},
    {"-ERR max number of clients reached\r\n", "maxclients"},
    {"-DENIED Redis is running in protected mode\r\n", "protected mode"},
    {"-ERR unknown command `SET`, with args beginning with: `hunter2hunter2`\r\n", "does not know a command"},
    {"-ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed\r\n", "maxmemory"},
    {"-SOMETHING hunter2hunter2\r\n", "not known here"},
    {"-\r\n", "not known here"},
};
/* clang-format on */

static void believes_no_answer_that_redis_does_not_give(void **state)
{
    fixture_t *fixture = *state;

    for (apr_size_t i = 0; i < sizeof(wrong_to_get) / sizeof(wrong_to_get[0]); i++) {
        reopen(fixture);
        fixture->script.answer = wrong_to_get[i].answer;
        fixture->script.len = wrong_to_get[i].len;
        expect_words(fixture->env, get(fixture), wrong_to_get[i].words);
    }
}

static void takes_a_value_that_is_right(void **state)
{
    fixture_t *fixture = *state;
    rp_store_value_t value;

    fixture->script.answer = "$18\r\n" LIVE "x\r\n";
    fixture->script.len = 25;
    assert_int_equal(rp_store_get(&value, fixture->env, &key), APR_SUCCESS);
    assert_int_equal(value.len, 1);
    assert_memory_equal(value.data, "x", 1);
    assert_true(value.version == 1);
}

static void takes_an_expired_value_for_none(void **state)
{
    fixture_t *fixture = *state;

    fixture->script.answer = "$17\r\n" HEAD("\0\0\0\0\0\0\0\1", "\0\0\0\0\0\0\0\1") "\r\n";
    fixture->script.len = 24;
    assert_int_equal(get(fixture), APR_NOTFOUND);
}

static void says_what_a_refusal_means(void **state)
{
    fixture_t *fixture = *state;

    for (apr_size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        reopen(fixture);
        fixture->script.answer = refusals[i].answer;
        expect_words(fixture->env, get(fixture), refusals[i].words);
        expect_words(fixture->env, rp_store_set(fixture->env, &key, "x", 1, 1), refusals[i].words);
        expect_words(fixture->env, rp_store_add(fixture->env, &key, "x", 1, 1), refusals[i].words);
        expect_words(fixture->env, rp_store_cas(fixture->env, &key, 1, "x", 1, 1),
                     refusals[i].words);
        expect_words(fixture->env, rp_store_delete(fixture->env, &key), refusals[i].words);
    }
}

/* A server that is older, or none at all, repeats what it does not understand. */
static void shows_no_password_that_a_server_repeats(void **state)
{
    fixture_t *fixture = *state;

    fixture->env->store = redis_store_open(fixture->test, "redis://bob:" SECRET "@127.0.0.1:%d",
                                           redis_liar_port(fixture->liar));
    fixture->script.answer = "-ERR unknown command 'AUTH', with args 'bob' '" SECRET "'\r\n";
    expect_words(fixture->env, get(fixture), "does not know a command");
    expect_words(fixture->env, get(fixture), "failed a moment ago");
}

static void writes_believe_only_what_they_can_be_answered(void **state)
{
    static const char *const wrong[] = {"+QUEUED\r\n", ":4\r\n", ":-1\r\n", "$1\r\n1\r\n",
                                        "*0\r\n"};
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        fixture->script.answer = wrong[i];
        expect_words(env, rp_store_set(env, &key, "x", 1, 1), "not what Redis says");
        expect_words(env, rp_store_add(env, &key, "x", 1, 1), "not what Redis says");
        expect_words(env, rp_store_cas(env, &key, 1, "x", 1, 1), "not what Redis says");
        expect_words(env, rp_store_delete(env, &key), "not what Redis says");
    }
    fixture->script.answer = ":3\r\n";
    expect_words(env, rp_store_delete(env, &key), "another program");
    fixture->script.answer = "$-1\r\n";
    expect_words(env, rp_store_set(env, &key, "x", 1, 1), "not what Redis says");
}

static void an_answer_without_end_is_cut_off(void **state)
{
    static char bytes[16000];
    fixture_t *fixture = *state;
    int began = redis_test_ms();

    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "$900000000\r\n", 12);
    fixture->script.answer = bytes;
    fixture->script.len = sizeof(bytes);
    fixture->script.repeat = 200;
    expect_words(fixture->env, get(fixture), "longer than any value");
    reopen(fixture);
    bytes[0] = '+';
    bytes[10] = bytes[11] = 'x';
    expect_words(fixture->env, get(fixture), "longer than any value");
    assert_in_range(redis_test_ms() - began, 0, 2 * RP_REDIS_OPERATION_MS);
}

static void an_answer_that_drips_has_the_time_of_any_other(void **state)
{
    fixture_t *fixture = *state;
    int began = redis_test_ms();

    fixture->script.answer = "+";
    fixture->script.repeat = 30;
    fixture->script.pause_ms = 100;
    expect_words(fixture->env, get(fixture), "no answer in time");
    assert_in_range(redis_test_ms() - began, RP_REDIS_ANSWER_MS - 10, RP_REDIS_OPERATION_MS);
}

/* Whoever answered too late must not be heard as the answer to the next question. */
static void an_answer_that_came_too_late_is_nobodys(void **state)
{
    fixture_t *fixture = *state;

    fixture->script.answer = "$18\r\n" LIVE "x\r\n";
    fixture->script.len = 25;
    fixture->script.pause_ms = RP_REDIS_ANSWER_MS + 100;
    expect_words(fixture->env, get(fixture), "no answer in time");
    fixture->script.pause_ms = 0;
    reopen(fixture);
    assert_int_equal(get(fixture), APR_SUCCESS);
    assert_int_equal(redis_liar_connections(fixture->liar), 2);
}

static void a_read_is_repeated_when_the_connection_had_just_ended(void **state)
{
    fixture_t *fixture = *state;
    int questions;

    fixture->script.answer = "$-1\r\n";
    assert_int_equal(get(fixture), APR_NOTFOUND);
    questions = redis_liar_questions(fixture->liar);
    fixture->script.answer = NULL;
    fixture->script.closes = 1;
    expect_words(fixture->env, get(fixture), "connection ended");
    assert_int_equal(redis_liar_questions(fixture->liar), questions + 2);
}

static void a_write_is_never_sent_twice_when_its_answer_was_lost(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    int questions;

    for (int i = 0; i < 4; i++) {
        reopen(fixture);
        fixture->script.answer = "$-1\r\n";
        fixture->script.closes = 0;
        assert_int_equal(get(fixture), APR_NOTFOUND);
        questions = redis_liar_questions(fixture->liar);
        fixture->script.answer = NULL;
        fixture->script.closes = 1;
        expect_words(env,
                     i == 0   ? rp_store_set(env, &key, "x", 1, 1)
                     : i == 1 ? rp_store_add(env, &key, "x", 1, 1)
                     : i == 2 ? rp_store_cas(env, &key, 1, "x", 1, 1)
                              : rp_store_delete(env, &key),
                     "connection ended");
        assert_int_equal(redis_liar_questions(fixture->liar), questions + 1);
    }
}

/* Nothing was done, and another connection may lead elsewhere: but only once. */
static void what_was_refused_for_sure_is_repeated_once(void **state)
{
    fixture_t *fixture = *state;

    fixture->script.answer = "-READONLY\r\n";
    expect_words(fixture->env, rp_store_set(fixture->env, &key, "x", 1, 1), "replica");
    assert_int_equal(redis_liar_questions(fixture->liar), 2);
    assert_int_equal(redis_liar_connections(fixture->liar), 2);
}

static void a_connection_serves_again_and_again(void **state)
{
    fixture_t *fixture = *state;

    fixture->script.answer = "$-1\r\n";
    for (int i = 0; i < 50; i++) {
        assert_int_equal(get(fixture), APR_NOTFOUND);
    }
    assert_int_equal(redis_liar_connections(fixture->liar), 1);
    assert_int_equal(redis_liar_questions(fixture->liar), 50);
}

int run_io_store_redis_liar_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(believes_no_answer_that_redis_does_not_give),
        TEST(takes_a_value_that_is_right),
        TEST(takes_an_expired_value_for_none),
        TEST(says_what_a_refusal_means),
        TEST(shows_no_password_that_a_server_repeats),
        TEST(writes_believe_only_what_they_can_be_answered),
        TEST(an_answer_without_end_is_cut_off),
        TEST(an_answer_that_drips_has_the_time_of_any_other),
        TEST(an_answer_that_came_too_late_is_nobodys),
        TEST(a_read_is_repeated_when_the_connection_had_just_ended),
        TEST(a_write_is_never_sent_twice_when_its_answer_was_lost),
        TEST(what_was_refused_for_sure_is_repeated_once),
        TEST(a_connection_serves_again_and_again),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: a server that is no Redis", tests, NULL, NULL);
}
