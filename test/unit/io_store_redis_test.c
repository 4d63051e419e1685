/* The store in Redis, with a server that is real and has a hard life. */
#include "../../src/base/rp_limits.h"
#include "io_groups.h"
#include "redis_server.h"

#include <apr_strings.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE apr_time_from_sec(60)
#define SECRET "hunter2hunter2"
#define THREADS 8
#define ROUNDS 200

/* A server that has come back has to be noticed within this. */
#define RECOVERY_MS 1000
/* What fails at once, on a busy machine: less than anything that waits for an answer. */
#define AT_ONCE_MS 500

static const rp_store_key_t key = {RP_KIND_SESSION, "a", 1};

typedef struct {
    test_env_t *test;
    rp_env_t *env;
    redis_server_t *server;
} fixture_t;

static int start(void **state, const char *const *options)
{
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_pcalloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    fixture->server = redis_server_start(options, test->env.pool);
    test->env.store = redis_store_open(test, "redis://127.0.0.1:%d", fixture->server->port);
    *state = fixture;
    return 0;
}

static int setup(void **state)
{
    return start(state, NULL);
}

/* What was written is there again after a kill. */
static int setup_durable(void **state)
{
    static const char *const options[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

    return start(state, options);
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static apr_status_t get_in(rp_env_t *env)
{
    rp_store_value_t value;

    return rp_store_get(&value, env, &key);
}

static apr_status_t set_in(rp_env_t *env)
{
    return rp_store_set(env, &key, "x", 1, MINUTE);
}

/* Writes the entry, and returns its version. */
static apr_uint64_t put(rp_env_t *env)
{
    rp_store_value_t value;

    assert_int_equal(set_in(env), APR_SUCCESS);
    assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
    return value.version;
}

static void expect_words(rp_env_t *env, apr_status_t rv, const char *words)
{
    assert_int_equal(rv, RP_FAILED);
    assert_int_equal(env->error.id, RP_E_STORE);
    if (!strstr(env->error.detail, words)) {
        fail_msg("%s, but wanted: %s", env->error.detail, words);
    }
    assert_null(strstr(env->error.detail, SECRET));
    rp_forgive(env);
}

/* Asks without a break until Redis answers; fails the test when that takes longer than it may. */
static void expect_recovery(rp_env_t *env, int since)
{
    apr_status_t rv;

    do {
        redis_test_rest();
        rv = get_in(env);
        rp_forgive(env);
        if (redis_test_ms() - since > RECOVERY_MS) {
            fail_msg("no recovery within %d ms", RECOVERY_MS);
        }
    } while (rv == RP_FAILED);
}

/* --- signing in --- */

static void open_at(fixture_t *fixture, const char *before_at, const char *after_port)
{
    fixture->env->store = redis_store_open(fixture->test, "redis://%s127.0.0.1:%d%s", before_at,
                                           fixture->server->port, after_port);
}

static void signs_in_with_a_password_or_as_a_user(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    redis_server_do(fixture->server,
                    "ACL SETUSER bob on >" SECRET
                    " ~auth_oauth:* +get +set +del +getrange +eval +evalsha +select");
    redis_server_do(fixture->server, "ACL SETUSER tom on >" SECRET " ~other:* +@all");
    redis_server_do(fixture->server, "CONFIG SET requirepass " SECRET);
    open_at(fixture, "", "");
    expect_words(env, get_in(env), "wants a password");
    open_at(fixture, ":" SECRET "@", "");
    assert_int_equal(set_in(env), APR_SUCCESS);
    open_at(fixture, "bob:" SECRET "@", "");
    assert_int_equal(get_in(env), APR_SUCCESS);
    assert_int_equal(rp_store_add(env, &key, "x", 1, MINUTE), RP_CONFLICT);
    assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
    open_at(fixture, ":" SECRET "x@", "");
    expect_words(env, get_in(env), "does not accept");
    open_at(fixture, "bob:x" SECRET "@", "");
    expect_words(env, get_in(env), "does not accept");
    open_at(fixture, "tom:" SECRET "@", "");
    expect_words(env, get_in(env), "does not allow the user");
}

static void says_that_a_password_is_one_too_many(void **state)
{
    fixture_t *fixture = *state;

    open_at(fixture, ":" SECRET "@", "");
    expect_words(fixture->env, get_in(fixture->env), "has no password");
}

static void signs_in_over_a_socket(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    redis_server_do(fixture->server, "ACL SETUSER bob on >a%%&b ~* +@all");
    env->store = redis_store_open(fixture->test, "unix:%s?user=bob&password=a%%25%%26b&db=2",
                                  fixture->server->path);
    assert_int_equal(set_in(env), APR_SUCCESS);
    env->store =
        redis_store_open(fixture->test, "unix:%s?user=bob&password=x", fixture->server->path);
    expect_words(env, get_in(env), "does not accept");
    env->store = redis_store_open(fixture->test, "unix:%s.not", fixture->server->path);
    expect_words(env, get_in(env), "No such file");
}

static void databases_do_not_meet(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    open_at(fixture, "", "/3");
    assert_int_equal(set_in(env), APR_SUCCESS);
    open_at(fixture, "", "/4");
    assert_int_equal(get_in(env), APR_NOTFOUND);
    open_at(fixture, "", "/0");
    assert_int_equal(get_in(env), APR_NOTFOUND);
    open_at(fixture, "", "/3");
    assert_int_equal(get_in(env), APR_SUCCESS);
    open_at(fixture, "", "/99");
    expect_words(env, get_in(env), "no database of that number");
}

/* --- what is there --- */

static void keys_can_be_read_and_die_by_themselves(void **state)
{
    fixture_t *fixture = *state;
    const char *name = "auth_oauth:1:session:YQ";
    long long left;

    assert_int_equal(set_in(fixture->env), APR_SUCCESS);
    left = strtoll(redis_server_do(fixture->server, "PTTL %s", name), NULL, 10);
    assert_in_range(left, 60000, 60000 + RP_REDIS_GRACE_SECONDS * 1000);
    assert_int_equal(rp_store_set(fixture->env, &key, "x", 1, APR_INT64_MAX), APR_SUCCESS);
    left = strtoll(redis_server_do(fixture->server, "PTTL %s", name), NULL, 10);
    assert_true(left > 1000);
    assert_string_equal(redis_server_do(fixture->server, "DBSIZE"), "1");
}

static void what_others_left_under_a_key_is_no_value(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    for (int i = 0; i < 2; i++) {
        redis_server_do(fixture->server, i ? "RPUSH auth_oauth:1:session:YQ x"
                                           : "SET auth_oauth:1:session:YQ hello");
        expect_words(env, get_in(env), "another program");
        expect_words(env, rp_store_add(env, &key, "x", 1, MINUTE), "another program");
        expect_words(env, rp_store_cas(env, &key, 1, "x", 1, MINUTE), "another program");
        expect_words(env, rp_store_delete(env, &key), "another program");
        assert_int_equal(set_in(env), APR_SUCCESS);
        assert_int_equal(get_in(env), APR_SUCCESS);
        redis_server_do(fixture->server, "DEL auth_oauth:1:session:YQ");
    }
}

static void scripts_are_sent_again_when_they_are_forgotten(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(set_in(env), APR_SUCCESS);
        assert_int_equal(rp_store_add(env, &key, "x", 1, MINUTE), RP_CONFLICT);
        assert_int_equal(rp_store_cas(env, &key, 1, "x", 1, MINUTE), RP_CONFLICT);
        assert_int_equal(rp_store_delete(env, &key), APR_SUCCESS);
        assert_string_equal(redis_server_do(fixture->server, "SCRIPT FLUSH"), "OK");
    }
}

/* --- refusals --- */

static void a_full_server_refuses_writes_and_goes_on_reading(void **state)
{
    static unsigned char big[200000];
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t version = put(env);

    redis_server_do(fixture->server, "CONFIG SET maxmemory 3mb");
    for (int i = 0; rv == APR_SUCCESS && i < 100; i++) {
        rp_store_key_t other = {RP_KIND_LOGIN, &i, sizeof(i)};

        rv = rp_store_set(env, &other, big, sizeof(big), MINUTE);
    }
    expect_words(env, rv, "maxmemory");
    redis_server_do(fixture->server, "CONFIG SET maxmemory 1mb");
    expect_words(env, rp_store_cas(env, &key, version, "x", 1, MINUTE), "maxmemory");
    assert_int_equal(get_in(env), APR_SUCCESS);
    redis_server_do(fixture->server, "CONFIG SET maxmemory 0");
    assert_int_equal(set_in(env), APR_SUCCESS);
}

static void a_replica_refuses_writes_and_says_why(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    apr_uint64_t version = put(env);

    redis_server_do(fixture->server, "REPLICAOF 127.0.0.1 1");
    expect_words(env, set_in(env), "is a replica");
    expect_words(env, rp_store_add(env, &key, "x", 1, MINUTE), "is a replica");
    expect_words(env, rp_store_cas(env, &key, version, "x", 1, MINUTE), "is a replica");
    expect_words(env, rp_store_delete(env, &key), "is a replica");
    assert_int_equal(get_in(env), APR_SUCCESS);
    redis_server_do(fixture->server, "CONFIG SET replica-serve-stale-data no");
    expect_words(env, get_in(env), "lost its master");
    redis_server_do(fixture->server, "REPLICAOF NO ONE");
    assert_int_equal(get_in(env), APR_SUCCESS);
    assert_int_equal(set_in(env), APR_SUCCESS);
}

static void too_many_clients_is_an_answer_too(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_t *first = env->store;

    assert_int_equal(set_in(env), APR_SUCCESS);
    redis_server_do(fixture->server, "CONFIG SET maxclients 1");
    open_at(fixture, "", "");
    expect_words(env, get_in(env), "maxclients");
    env->store = first;
    assert_int_equal(get_in(env), APR_SUCCESS);
}

/* --- a hard life --- */

static void nothing_fails_when_idle_connections_were_closed(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    for (int i = 0; i < 5; i++) {
        assert_int_equal(set_in(env), APR_SUCCESS);
        redis_server_do(fixture->server, "CLIENT KILL TYPE normal SKIPME yes");
        assert_int_equal(rp_store_cas(env, &key, 1, "x", 1, MINUTE), RP_CONFLICT);
        redis_server_do(fixture->server, "CLIENT KILL TYPE normal SKIPME yes");
        assert_int_equal(get_in(env), APR_SUCCESS);
    }
}

static void nothing_fails_after_a_restart(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    assert_int_equal(set_in(env), APR_SUCCESS);
    redis_server_kill(fixture->server);
    redis_server_again(fixture->server);
    assert_int_equal(get_in(env), APR_SUCCESS);
    redis_server_kill(fixture->server);
    redis_server_again(fixture->server);
    assert_int_equal(rp_store_add(env, &key, "x", 1, MINUTE), RP_CONFLICT);
}

static void fails_while_redis_is_gone_and_recovers_within_a_second(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    int began;

    assert_int_equal(set_in(env), APR_SUCCESS);
    for (int i = 0; i < 2; i++) {
        redis_server_kill(fixture->server);
        began = redis_test_ms();
        expect_words(env, get_in(env), "Connection refused");
        expect_words(env, set_in(env), "failed a moment ago (no connection)");
        expect_words(env, rp_store_delete(env, &key), "127.0.0.1:");
        assert_in_range(redis_test_ms() - began, 0, AT_ONCE_MS);
        redis_server_again(fixture->server);
        expect_recovery(env, redis_test_ms());
        assert_int_equal(get_in(env), APR_SUCCESS);
    }
}

static void may_come_later_than_its_first_user(void **state)
{
    fixture_t *fixture = *state;

    redis_server_kill(fixture->server);
    open_at(fixture, "", "");
    expect_words(fixture->env, get_in(fixture->env), "Connection refused");
    redis_server_again(fixture->server);
    expect_recovery(fixture->env, redis_test_ms());
}

static void a_name_without_an_address_fails_with_that_reason(void **state)
{
    fixture_t *fixture = *state;

    fixture->env->store = redis_store_open(fixture->test, "redis://nowhere.invalid");
    expect_words(fixture->env, get_in(fixture->env), "its name has no address");
}

static void finds_redis_at_the_other_address_of_a_name(void **state)
{
    fixture_t *fixture = *state;

    /* It listens on 127.0.0.1 alone, and localhost may be ::1 first. */
    fixture->env->store =
        redis_store_open(fixture->test, "redis://localhost:%d", fixture->server->port);
    assert_int_equal(get_in(fixture->env), APR_NOTFOUND);
}

/* --- many threads --- */

typedef struct {
    pthread_t thread;
    rp_store_t *store;
    int number;
    int (*work)(rp_env_t *env, int number); /* 0: well done */
    int result;
} worker_t;

static void *work(void *data)
{
    worker_t *worker = data;
    test_env_t *test = test_env_make();

    test->env.store = worker->store;
    test->random_state = (apr_uint64_t)worker->number + 100;
    worker->result = worker->work(&test->env, worker->number);
    test_env_destroy(test);
    return NULL;
}

static void begin_threads(worker_t *workers, rp_store_t *store, int (*what)(rp_env_t *env, int n))
{
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){.store = store, .number = i, .work = what, .result = -1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
}

static void end_threads(worker_t *workers)
{
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].result, 0);
    }
}

static int add_one(rp_env_t *env)
{
    rp_store_value_t value;
    apr_status_t rv = rp_store_get(&value, env, &key);
    int counter;

    if (rv == APR_SUCCESS) {
        memcpy(&counter, value.data, sizeof(counter));
        counter++;
        rv = rp_store_cas(env, &key, value.version, &counter, sizeof(counter), MINUTE);
    }
    return (int)rv;
}

/* Counts up, and keeps entries of its own apart from the others'. */
static int count_up(rp_env_t *env, int number)
{
    rp_store_key_t mine = {RP_KIND_INDEX, &number, sizeof(number)};
    rp_store_value_t value;
    int rv;

    for (int i = 0; i < ROUNDS; i++) {
        do {
            rv = add_one(env);
        } while (rv == RP_CONFLICT);
        if (rv != APR_SUCCESS || rp_store_set(env, &mine, &i, sizeof(i), MINUTE) != APR_SUCCESS ||
            rp_store_get(&value, env, &mine) != APR_SUCCESS ||
            memcmp(value.data, &i, sizeof(i)) != 0) {
            return 1;
        }
    }
    return 0;
}

static void threads_share_connections_one_at_a_time(void **state)
{
    fixture_t *fixture = *state;
    worker_t workers[THREADS];
    rp_store_value_t value;
    int counter = 0;
    const char *made;

    assert_int_equal(rp_store_set(fixture->env, &key, &counter, sizeof(counter), MINUTE),
                     APR_SUCCESS);
    begin_threads(workers, fixture->env->store, count_up);
    end_threads(workers);
    assert_int_equal(rp_store_get(&value, fixture->env, &key), APR_SUCCESS);
    memcpy(&counter, value.data, sizeof(counter));
    assert_int_equal(counter, THREADS * ROUNDS);
    made = strstr(redis_server_do(fixture->server, "INFO stats"), "total_connections_received:");
    assert_non_null(made);
    /* Theirs, and the one that asked. */
    assert_in_range(strtol(made + 27, NULL, 10), 2, THREADS + 2);
}

/* Asks as a request would, until Redis answers; no request may take longer than one operation. */
static int ask_while_it_hangs(rp_env_t *env, int number)
{
    int began = redis_test_ms();
    apr_status_t rv;

    (void)number;
    do {
        int asked;

        redis_test_rest();
        asked = redis_test_ms();
        rv = get_in(env);
        if (redis_test_ms() - asked > RP_REDIS_OPERATION_MS) {
            return 1;
        }
        rp_forgive(env);
        if (rv == RP_FAILED && redis_test_ms() - began > 20000) {
            return 2;
        }
    } while (rv == RP_FAILED);
    return 0;
}

static void a_server_that_hangs_costs_a_second_and_then_nothing(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    worker_t workers[THREADS];
    int began;

    assert_int_equal(set_in(env), APR_SUCCESS);
    redis_server_signal(fixture->server, SIGSTOP);
    began = redis_test_ms();
    expect_words(env, get_in(env), "no answer in time");
    assert_in_range(redis_test_ms() - began, RP_REDIS_ANSWER_MS - 10, RP_REDIS_OPERATION_MS);
    began = redis_test_ms();
    for (int i = 0; i < 20; i++) {
        expect_words(env, i % 2 ? set_in(env) : get_in(env), "failed a moment ago");
    }
    assert_in_range(redis_test_ms() - began, 0, AT_ONCE_MS);
    begin_threads(workers, env->store, ask_while_it_hangs);
    /* Meanwhile one of them tries, and the others fail at once; so does this one. */
    while (redis_test_ms() - began < RP_REDIS_PAUSE_MS + 300) {
        redis_test_rest();
    }
    began = redis_test_ms();
    expect_words(env, get_in(env), "failed a moment ago");
    assert_in_range(redis_test_ms() - began, 0, AT_ONCE_MS);
    redis_server_signal(fixture->server, SIGCONT);
    began = redis_test_ms();
    end_threads(workers);
    assert_in_range(redis_test_ms() - began, 0, RECOVERY_MS);
    assert_int_equal(get_in(env), APR_SUCCESS);
}

static int ask_once(rp_env_t *env, int number)
{
    (void)number;
    return get_in(env) == APR_SUCCESS ? 0 : 1;
}

/* Not one of them finds it failed, although the last that was heard of it was a failure. */
static void all_find_it_back_after_a_second(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    worker_t workers[THREADS];
    int back;

    assert_int_equal(set_in(env), APR_SUCCESS);
    redis_server_kill(fixture->server);
    expect_words(env, get_in(env), "no connection");
    redis_server_again(fixture->server);
    back = redis_test_ms();
    while (redis_test_ms() - back < RECOVERY_MS) {
        redis_test_rest();
    }
    begin_threads(workers, env->store, ask_once);
    end_threads(workers);
}

int run_io_store_redis_life_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(signs_in_with_a_password_or_as_a_user),
        TEST(says_that_a_password_is_one_too_many),
        TEST(signs_in_over_a_socket),
        TEST(databases_do_not_meet),
        TEST(keys_can_be_read_and_die_by_themselves),
        TEST(what_others_left_under_a_key_is_no_value),
        TEST(scripts_are_sent_again_when_they_are_forgotten),
        TEST(a_full_server_refuses_writes_and_goes_on_reading),
        TEST(a_replica_refuses_writes_and_says_why),
        TEST(too_many_clients_is_an_answer_too),
        TEST(nothing_fails_when_idle_connections_were_closed),
        cmocka_unit_test_setup_teardown(nothing_fails_after_a_restart, setup_durable, teardown),
        cmocka_unit_test_setup_teardown(fails_while_redis_is_gone_and_recovers_within_a_second,
                                        setup_durable, teardown),
        cmocka_unit_test_setup_teardown(all_find_it_back_after_a_second, setup_durable, teardown),
        TEST(may_come_later_than_its_first_user),
        TEST(a_name_without_an_address_fails_with_that_reason),
        TEST(finds_redis_at_the_other_address_of_a_name),
        TEST(threads_share_connections_one_at_a_time),
        TEST(a_server_that_hangs_costs_a_second_and_then_nothing),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: a real Redis", tests, NULL, NULL);
}
