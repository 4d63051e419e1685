/* Who may call, and who may wait: seats, turns, and waiting for others. */
#include "../../src/io/rp_http_turn.h"

#include <apr_strings.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/io/rp_wait.h"
#include "io_http_test.h"

#define OP "https://op.example"
#define OTHER "https://other.example"
#define LIMIT apr_time_from_sec(5)
#define THREADS 8

typedef struct {
    test_env_t *test;
    rp_env_t *env;
    rp_seats_t seats;
    rp_http_breaker_t breaker;
    rp_http_gate_t gate;
} gate_test_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    gate_test_t *made = apr_pcalloc(test->env.pool, sizeof(*made));

    made->test = test;
    made->env = &test->env;
    made->gate.seats = &made->seats;
    made->gate.breaker = &made->breaker;
    test->env.seats = &made->seats;
    /* 6 calls to one origin, 12 in all, 6 may wait. */
    rp_seats_init(&made->seats, 25);
    *state = made;
    return 0;
}

static int teardown(void **state)
{
    gate_test_t *gate = *state;

    test_env_destroy(gate->test);
    return 0;
}

/* Takes count turns and keeps them. */
static rp_http_turn_t *occupy(gate_test_t *gate, const char *origin, int count)
{
    rp_http_turn_t *turns = apr_pcalloc(gate->env->pool, (size_t)count * sizeof(*turns));

    for (int i = 0; i < count; i++) {
        assert_int_equal(rp_http_turn_take(&turns[i], gate->env, &gate->gate, origin, LIMIT),
                         APR_SUCCESS);
    }
    return turns;
}

static void refused(gate_test_t *gate, const char *origin, rp_error_id_t id)
{
    rp_http_turn_t turn;

    assert_int_equal(rp_http_turn_take(&turn, gate->env, &gate->gate, origin, LIMIT), RP_FAILED);
    test_env_expect_error(gate->test, id);
}

static void most_threads_are_left_to_others(void **state)
{
    static const struct {
        int threads;
        int per_origin;
        int calls;
        int waits;
    } rows[] = {
        {1, 2, 2, 1},     {4, 2, 2, 1},      {8, 2, 4, 2},       {16, 4, 8, 4},      {25, 6, 12, 6},
        {64, 16, 32, 16}, {150, 37, 75, 37}, {256, 64, 128, 64}, {400, 64, 128, 64},
    };
    rp_seats_t seats;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rp_seats_init(&seats, rows[i].threads);
        assert_int_equal(seats.calls_per_origin, rows[i].per_origin);
        assert_int_equal(seats.calls, rows[i].calls);
        assert_int_equal(seats.waits, rows[i].waits);
        if (rows[i].threads >= 4) {
            assert_true(seats.calls + seats.waits < rows[i].threads);
        }
    }
}

static void a_quarter_calls_one_origin_and_half_calls_any(void **state)
{
    gate_test_t *gate = *state;
    rp_http_turn_t *turns = occupy(gate, OP, 6);

    refused(gate, OP, RP_E_PROVIDER_BUSY);
    occupy(gate, OTHER, 6);
    refused(gate, "https://third.example", RP_E_PROVIDER_BUSY);
    rp_http_turn_give(&turns[3], gate->env, RP_CALL_ANSWERED);
    refused(gate, OTHER, RP_E_PROVIDER_BUSY);
    occupy(gate, OP, 1);
}

static void a_call_without_room_waits_a_second_at_most(void **state)
{
    gate_test_t *gate = *state;
    apr_time_t start = gate->test->now;

    occupy(gate, OP, 6);
    refused(gate, OP, RP_E_PROVIDER_BUSY);
    assert_in_range(gate->test->now - start, apr_time_from_sec(1), apr_time_from_msec(1100));
}

static void is_refused_at_once_when_too_many_wait(void **state)
{
    gate_test_t *gate = *state;
    rp_seat_t seats[6];
    apr_time_t start = gate->test->now;

    occupy(gate, OP, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(rp_seats_wait(&seats[i], &gate->seats, start, LIMIT), APR_SUCCESS);
    }
    refused(gate, OP, RP_E_PROVIDER_BUSY);
    assert_int_equal(gate->test->now, start);
    /* Who need not wait is not concerned. */
    occupy(gate, OTHER, 1);
    rp_seats_leave(&seats[0]);
    refused(gate, OP, RP_E_PROVIDER_BUSY);
    assert_true(gate->test->now > start);
    assert_int_equal(rp_seats_wait(&seats[0], &gate->seats, start, LIMIT), APR_SUCCESS);
}

static void the_seat_of_a_killed_holder_lapses(void **state)
{
    gate_test_t *gate = *state;
    rp_http_turn_t *old = occupy(gate, OP, 6);

    test_env_advance(gate->test, 7);
    occupy(gate, OP, 6);
    /* It was not killed after all; the seat is somebody else's. */
    rp_http_turn_give(&old[0], gate->env, RP_CALL_ANSWERED);
    refused(gate, OP, RP_E_PROVIDER_BUSY);
}

static void a_clock_that_is_set_back_frees_the_seats(void **state)
{
    gate_test_t *gate = *state;

    occupy(gate, OP, 6);
    test_env_advance(gate->test, -7200);
    occupy(gate, OP, 6);
}

static void who_waits_for_room_learns_of_the_pause(void **state)
{
    gate_test_t *gate = *state;
    rp_http_turn_t *turns = occupy(gate, OP, 6);
    apr_time_t start;

    for (int i = 0; i < RP_BREAKER_FAILURES; i++) {
        rp_http_turn_give(&turns[i], gate->env, RP_CALL_UNANSWERED);
    }
    start = gate->test->now;
    refused(gate, OP, RP_E_PROVIDER_PAUSED);
    assert_int_equal(gate->test->now, start);
    test_env_advance(gate->test, 1);
    turns = occupy(gate, OP, 1);
    refused(gate, OP, RP_E_PROVIDER_PAUSED);
    rp_http_turn_give(turns, gate->env, RP_CALL_ANSWERED);
    occupy(gate, OP, 3);
}

/* --- several threads, several processes --- */

typedef struct {
    gate_test_t *gate;
    test_env_t *test;
    _Atomic int *inside;
    _Atomic int *most;
    int taken;
    pthread_t thread;
} caller_t;

static void *take_turns(void *data)
{
    caller_t *caller = data;
    rp_http_turn_t turn;

    for (int i = 0; i < 500; i++) {
        int inside;

        if (rp_http_turn_take(&turn, &caller->test->env, &caller->gate->gate, OP, LIMIT) !=
            APR_SUCCESS) {
            rp_forgive(&caller->test->env);
            continue;
        }
        inside = atomic_fetch_add(caller->inside, 1) + 1;
        if (inside > atomic_load(caller->most)) {
            atomic_store(caller->most, inside);
        }
        caller->taken++;
        atomic_fetch_sub(caller->inside, 1);
        rp_http_turn_give(&turn, &caller->test->env, RP_CALL_ANSWERED);
    }
    return NULL;
}

static void many_threads_are_never_more_than_may_be(void **state)
{
    gate_test_t *gate = *state;
    caller_t callers[THREADS];
    _Atomic int inside = 0;
    _Atomic int most = 0;

    gate->seats.calls_per_origin = 2;
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (caller_t){gate, test_env_make(), &inside, &most, 0, 0};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, take_turns, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_true(callers[i].taken > 0);
        test_env_destroy(callers[i].test);
    }
    assert_in_range(atomic_load(&most), 1, 2);
    occupy(gate, OP, 2);
}

static void processes_share_seats_in_shared_memory(void **state)
{
    gate_test_t *gate = *state;
    rp_seats_t *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    rp_seat_t seat;
    int status = -1;
    pid_t child;

    assert_true(shared != MAP_FAILED);
    rp_seats_init(shared, 6);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* Goes without leaving the seats. */
        _exit(rp_seats_call(&seat, shared, OP, gate->test->now, LIMIT) != APR_SUCCESS ||
              rp_seats_call(&seat, shared, OP, gate->test->now, LIMIT) != APR_SUCCESS);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(rp_seats_call(&seat, shared, OP, gate->test->now, LIMIT), APR_EAGAIN);
    assert_int_equal(
        rp_seats_call(&seat, shared, OP, gate->test->now + apr_time_from_sec(7), LIMIT),
        APR_SUCCESS);
    munmap(shared, sizeof(*shared));
}

/* --- waiting for what others bring --- */

/* Steps until it is refused, or for so many seconds; the seconds. */
static int wait_seconds(gate_test_t *gate, rp_wait_t *wait, int seconds)
{
    while (wait->waited < apr_time_from_sec(seconds)) {
        if (rp_wait_step(wait, gate->env) != APR_SUCCESS) {
            test_env_expect_error(gate->test, RP_E_PROVIDER_BUSY);
            break;
        }
    }
    return (int)apr_time_sec(wait->waited);
}

static void a_second_of_waiting_is_everybody_s(void **state)
{
    gate_test_t *gate = *state;
    rp_wait_t waits[100] = {{{0}, 0}};

    for (int i = 0; i < 100; i++) {
        assert_int_equal(wait_seconds(gate, &waits[i], 1), 1);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(wait_seconds(gate, &waits[i], 2), i < 6 ? 2 : 1);
    }
    for (int i = 0; i < 100; i++) {
        rp_wait_end(&waits[i], gate->env, 1);
    }
    assert_int_equal(wait_seconds(gate, &waits[99], 3), 3);
}

static void after_waiting_in_vain_few_begin_to_wait(void **state)
{
    gate_test_t *gate = *state;
    rp_wait_t waits[10] = {{{0}, 0}};

    wait_seconds(gate, &waits[0], 1);
    rp_wait_end(&waits[0], gate->env, 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wait_seconds(gate, &waits[i], 1), i < 6 ? 1 : 0);
    }
    for (int i = 1; i < 10; i++) {
        rp_wait_end(&waits[i], gate->env, i < 9);
    }
    assert_int_equal(wait_seconds(gate, &waits[9], 1), 1);
}

static void waiting_in_vain_is_forgotten_after_a_while(void **state)
{
    gate_test_t *gate = *state;
    rp_wait_t waits[10] = {{{0}, 0}};

    wait_seconds(gate, &waits[0], 1);
    rp_wait_end(&waits[0], gate->env, 0);
    test_env_advance(gate->test, RP_WAIT_WARY_SECONDS);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wait_seconds(gate, &waits[i], 1), 1);
    }
}

/* --- all calls of a request --- */

static apr_status_t take_time(rp_http_t *http, rp_http_response_t **response, rp_env_t *env,
                              const rp_http_request_t *request)
{
    static rp_http_response_t answer;

    (void)http;
    ((test_env_t *)env->ctx)->now +=
        request->time_limit < apr_time_from_sec(4) ? request->time_limit : apr_time_from_sec(4);
    *response = &answer;
    return APR_SUCCESS;
}

static void the_calls_of_one_request_have_a_limit_together(void **state)
{
    static const rp_http_policy_t policy = {.tls_min = 12,
                                            .connect_timeout = apr_time_from_sec(2),
                                            .total_timeout = apr_time_from_sec(5)};
    const rp_http_request_t request = {
        .method = "GET", .url = OP "/", .policy = &policy, .max_body = 10};
    gate_test_t *gate = *state;
    rp_http_t http = {take_time};
    apr_time_t start = gate->test->now;
    rp_http_response_t *response;

    gate->env->http = &http;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rp_http_perform(&response, gate->env, &request), APR_SUCCESS);
    }
    assert_int_equal(gate->test->now - start, apr_time_from_sec(10));
    assert_int_equal(rp_http_perform(&response, gate->env, &request), RP_FAILED);
    test_env_expect_error(gate->test, RP_E_PROVIDER_TIMEOUT);
    assert_int_equal(gate->test->now - start, apr_time_from_sec(10));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int run_io_http_turn_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(most_threads_are_left_to_others),
        TEST(a_quarter_calls_one_origin_and_half_calls_any),
        TEST(a_call_without_room_waits_a_second_at_most),
        TEST(is_refused_at_once_when_too_many_wait),
        TEST(the_seat_of_a_killed_holder_lapses),
        TEST(a_clock_that_is_set_back_frees_the_seats),
        TEST(who_waits_for_room_learns_of_the_pause),
        TEST(many_threads_are_never_more_than_may_be),
        TEST(processes_share_seats_in_shared_memory),
        TEST(a_second_of_waiting_is_everybody_s),
        TEST(after_waiting_in_vain_few_begin_to_wait),
        TEST(waiting_in_vain_is_forgotten_after_a_while),
        TEST(the_calls_of_one_request_have_a_limit_together),
    };

    return cmocka_run_group_tests_name("io: turns and waiting", tests, NULL, NULL);
}
