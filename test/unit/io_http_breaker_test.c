#include "../../src/io/rp_http_breaker.h"

#include <apr_strings.h>
#include <pthread.h>
#include <string.h>

#include "io_http_test.h"

#define OP "https://op.example"
#define LIMIT apr_time_from_sec(5)
#define THREADS 8

typedef struct {
    rp_http_breaker_t breaker;
    apr_time_t now;
} breaker_test_t;

static int setup(void **state)
{
    static breaker_test_t made;

    memset(&made, 0, sizeof(made));
    made.now = apr_time_from_sec(APR_TIME_C(1767225600));
    *state = &made;
    return 0;
}

static rp_http_call_kind_t admit(breaker_test_t *test, const char *origin)
{
    return rp_http_breaker_admit(&test->breaker, origin, test->now, LIMIT);
}

static void fail_calls(breaker_test_t *test, const char *origin, int count)
{
    for (int i = 0; i < count; i++) {
        rp_http_breaker_tell(&test->breaker, origin, test->now, RP_CALL_ADMITTED,
                             RP_CALL_UNANSWERED);
    }
}

static void tell(breaker_test_t *test, rp_http_call_kind_t call, rp_http_call_end_t end)
{
    rp_http_breaker_tell(&test->breaker, OP, test->now, call, end);
}

static apr_interval_time_t pause_of(const breaker_test_t *test, const char *origin)
{
    return rp_http_breaker_pause(&test->breaker, origin, test->now);
}

static void refuses_after_some_failures_in_a_row(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES - 1);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
    assert_int_equal(pause_of(test, OP), 0);
    fail_calls(test, OP, 1);
    assert_int_equal(admit(test, OP), RP_CALL_REFUSED);
    assert_in_range(pause_of(test, OP), 1, APR_USEC_PER_SEC);
}

static void an_answer_in_between_starts_the_count_anew(void **state)
{
    breaker_test_t *test = *state;

    for (int i = 0; i < 5; i++) {
        fail_calls(test, OP, RP_BREAKER_FAILURES - 1);
        tell(test, RP_CALL_ADMITTED, RP_CALL_ANSWERED);
    }
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
}

static void a_call_that_says_nothing_counts_for_nothing(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES - 1);
    tell(test, RP_CALL_ADMITTED, RP_CALL_UNKNOWN);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
    fail_calls(test, OP, 1);
    assert_int_equal(admit(test, OP), RP_CALL_REFUSED);
}

static void a_failure_is_forgotten_after_a_while(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES - 1);
    test->now += apr_time_from_sec(RP_BREAKER_QUIET_SECONDS);
    fail_calls(test, OP, RP_BREAKER_FAILURES - 1);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
}

static void other_origins_are_not_concerned(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES);
    assert_int_equal(admit(test, "https://op.example:8443"), RP_CALL_ADMITTED);
    assert_int_equal(admit(test, OP), RP_CALL_REFUSED);
}

static void one_call_tries_after_the_pause(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES);
    test->now += apr_time_from_sec(1);
    assert_int_equal(pause_of(test, OP), 0);
    assert_int_equal(admit(test, OP), RP_CALL_TRIAL);
    assert_int_equal(admit(test, OP), RP_CALL_REFUSED);
    assert_true(pause_of(test, OP) > 0);
    tell(test, RP_CALL_TRIAL, RP_CALL_ANSWERED);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
    fail_calls(test, OP, RP_BREAKER_FAILURES - 1);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
}

static void the_pauses_grow_up_to_the_longest(void **state)
{
    static const int seconds[] = {1, 2, 4, 8, 16, 30, 30, 30};
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        assert_int_equal(pause_of(test, OP), apr_time_from_sec(seconds[i]));
        test->now += apr_time_from_sec(seconds[i]) - 1;
        assert_int_equal(admit(test, OP), RP_CALL_REFUSED);
        test->now += 1;
        assert_int_equal(admit(test, OP), RP_CALL_TRIAL);
        test->now += LIMIT - LIMIT % apr_time_from_sec(1);
        tell(test, RP_CALL_TRIAL, RP_CALL_UNANSWERED);
    }
}

static void calls_that_began_before_do_not_lengthen_the_pause(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES + 20);
    assert_int_equal(pause_of(test, OP), apr_time_from_sec(1));
    test->now += apr_time_from_sec(1);
    assert_int_equal(admit(test, OP), RP_CALL_TRIAL);
    fail_calls(test, OP, 20);
    tell(test, RP_CALL_TRIAL, RP_CALL_UNANSWERED);
    assert_int_equal(pause_of(test, OP), apr_time_from_sec(2));
}

static void who_tries_and_never_tells_costs_the_time_of_a_call(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES);
    test->now += apr_time_from_sec(1);
    assert_int_equal(admit(test, OP), RP_CALL_TRIAL);
    test->now += LIMIT;
    assert_int_equal(admit(test, OP), RP_CALL_REFUSED);
    test->now += apr_time_from_sec(1);
    assert_int_equal(admit(test, OP), RP_CALL_TRIAL);
}

static void after_a_quiet_time_everybody_may_call(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES);
    test->now += apr_time_from_sec(1 + RP_BREAKER_QUIET_SECONDS);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
}

static void a_clock_that_is_set_back_pauses_nobody_for_long(void **state)
{
    breaker_test_t *test = *state;

    fail_calls(test, OP, RP_BREAKER_FAILURES);
    test->now -= apr_time_from_sec(3600);
    assert_int_equal(pause_of(test, OP), 0);
    assert_int_equal(admit(test, OP), RP_CALL_ADMITTED);
}

static void more_origins_than_it_can_hold_are_called_without_it(void **state)
{
    breaker_test_t *test = *state;
    char origin[40];

    for (int i = 0; i < RP_BREAKER_ORIGINS + 2; i++) {
        apr_snprintf(origin, sizeof(origin), "https://op%d.example", i);
        fail_calls(test, origin, RP_BREAKER_FAILURES);
        assert_int_equal(admit(test, origin),
                         i < RP_BREAKER_ORIGINS ? RP_CALL_REFUSED : RP_CALL_ADMITTED);
    }
    test->now += apr_time_from_sec(1 + RP_BREAKER_QUIET_SECONDS);
    fail_calls(test, origin, RP_BREAKER_FAILURES);
    assert_int_equal(admit(test, origin), RP_CALL_REFUSED);
}

/* --- several threads --- */

typedef struct {
    breaker_test_t *test;
    int trials;
    pthread_t thread;
} caller_t;

static void *ask_often(void *data)
{
    caller_t *caller = data;

    for (int i = 0; i < 1000; i++) {
        caller->trials += admit(caller->test, OP) == RP_CALL_TRIAL;
    }
    return NULL;
}

static void *fail_often(void *data)
{
    caller_t *caller = data;

    fail_calls(caller->test, OP, 1000);
    return NULL;
}

static void run_threads(caller_t *callers, breaker_test_t *test, void *(*fn)(void *))
{
    for (int i = 0; i < THREADS; i++) {
        callers[i].test = test;
        callers[i].trials = 0;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, fn, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
    }
}

static void of_many_threads_one_tries(void **state)
{
    breaker_test_t *test = *state;
    caller_t callers[THREADS];
    int trials = 0;

    run_threads(callers, test, fail_often);
    assert_int_equal(pause_of(test, OP), apr_time_from_sec(1));
    test->now += apr_time_from_sec(1);
    run_threads(callers, test, ask_often);
    for (int i = 0; i < THREADS; i++) {
        trials += callers[i].trials;
    }
    assert_int_equal(trials, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int run_io_http_breaker_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses_after_some_failures_in_a_row),
        TEST(an_answer_in_between_starts_the_count_anew),
        TEST(a_call_that_says_nothing_counts_for_nothing),
        TEST(a_failure_is_forgotten_after_a_while),
        TEST(other_origins_are_not_concerned),
        TEST(one_call_tries_after_the_pause),
        TEST(the_pauses_grow_up_to_the_longest),
        TEST(calls_that_began_before_do_not_lengthen_the_pause),
        TEST(who_tries_and_never_tells_costs_the_time_of_a_call),
        TEST(after_a_quiet_time_everybody_may_call),
        TEST(a_clock_that_is_set_back_pauses_nobody_for_long),
        TEST(more_origins_than_it_can_hold_are_called_without_it),
        TEST(of_many_threads_one_tries),
    };

    return cmocka_run_group_tests_name("io: the breaker of calls", tests, NULL, NULL);
}
