#include "io_http_test.h"

#include <apr_strings.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/io/rp_http_curl.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define THREADS 8
#define CALLS 25

/* One thread's share: an environment of its own, the client's HTTP. */
typedef struct {
    http_client_t *client;
    test_env_t *test;
    const char *url;
    int calls;
    int answered;
    rp_error_id_t error;
    pthread_t thread;
} caller_t;

static void *call_main(void *data)
{
    caller_t *caller = data;
    rp_http_request_t request = caller->client->request;
    rp_http_response_t *response;

    request.url = caller->url;
    for (int i = 0; i < caller->calls; i++) {
        if (rp_http_perform(&response, &caller->test->env, &request) == APR_SUCCESS) {
            caller->answered++;
        } else {
            caller->error = caller->test->env.error.id;
        }
    }
    return NULL;
}

static void start(caller_t *caller, http_client_t *client, int port, int calls)
{
    caller->client = client;
    caller->test = test_env_make();
    caller->test->real_time = 1;
    caller->test->env.http = client->test->env.http;
    caller->url = apr_psprintf(caller->test->env.pool, "http://127.0.0.1:%d/", port);
    caller->calls = calls;
    caller->answered = 0;
    caller->error = RP_E_NONE;
    assert_int_equal(pthread_create(&caller->thread, NULL, call_main, caller), 0);
}

static void join(caller_t *caller)
{
    pthread_join(caller->thread, NULL);
    test_env_destroy(caller->test);
}

/* Until the server has read that many requests. */
static void await_requests(test_server_t *server, int count)
{
    for (int i = 0; i < 1000 && test_server_requests(server) < count; i++) {
        apr_sleep(apr_time_from_msec(5));
    }
    assert_int_equal(test_server_requests(server), count);
}

static void keeps_a_connection_for_the_next_call(void **state)
{
    static const test_server_script_t script = {.kind = TEST_SERVER_KEEP, .answer = OK};
    http_client_t *client = http_client_make(4);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                         APR_SUCCESS);
    }
    assert_int_equal(test_server_requests(server), 10);
    assert_int_equal(test_server_connections(server), 1);
    http_client_destroy(client);
    test_server_stop(server);
}

static void serves_many_threads_with_no_more_connections_than_allowed(void **state)
{
    static const test_server_script_t script = {.kind = TEST_SERVER_KEEP, .answer = OK};
    http_client_t *client = http_client_make(3);
    test_server_t *server = test_server_start(&script);
    caller_t callers[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        start(&callers[i], client, test_server_port(server), CALLS);
    }
    for (int i = 0; i < THREADS; i++) {
        join(&callers[i]);
        assert_int_equal(callers[i].error, RP_E_NONE);
        assert_int_equal(callers[i].answered, CALLS);
    }
    assert_int_equal(test_server_requests(server), THREADS * CALLS);
    assert_in_range(test_server_connections(server), 1, 3);
    http_client_destroy(client);
    test_server_stop(server);
}

static void refuses_a_call_when_too_many_hang_already(void **state)
{
    static const test_server_script_t hang = {.kind = TEST_SERVER_HANG, .answer = ""};
    static const test_server_script_t good = {.answer = OK};
    http_client_t *client = http_client_make(2);
    test_server_t *slow = test_server_start(&hang);
    test_server_t *other = test_server_start(&good);
    rp_http_response_t *response;
    caller_t callers[2];
    apr_time_t begin;

    (void)state;
    client->policy.total_timeout = apr_time_from_sec(3);
    start(&callers[0], client, test_server_port(slow), 1);
    start(&callers[1], client, test_server_port(slow), 1);
    await_requests(slow, 2);
    begin = apr_time_now();
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(slow)), RP_FAILED);
    test_env_expect_error(client->test, RP_E_PROVIDER_BUSY);
    assert_in_range(apr_time_as_msec(apr_time_now() - begin), 900, 2500);
    assert_int_equal(test_server_requests(slow), 2);

    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(other)),
                     APR_SUCCESS);
    for (int i = 0; i < 2; i++) {
        join(&callers[i]);
        assert_int_equal(callers[i].error, RP_E_PROVIDER_TIMEOUT);
    }
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(slow)), RP_FAILED);
    test_env_expect_error(client->test, RP_E_PROVIDER_TIMEOUT);
    http_client_destroy(client);
    test_server_stop(slow);
    test_server_stop(other);
}

/* The servers whose calls end without an answer, and what each call is told. */
static const struct {
    const char *name;
    test_server_script_t script;
    rp_error_id_t error;
    int counts; /* 1: as a failure of the provider */
} endings[] = {
    {"no answer", {.kind = TEST_SERVER_HANG, .answer = ""}, RP_E_PROVIDER_TIMEOUT, 1},
    {"nothing at all", {.answer = ""}, RP_E_PROVIDER_UNREACHABLE, 1},
    {"a body that drips",
     {.kind = TEST_SERVER_DRIP, .answer = "HTTP/1.1 200 OK\r\n\r\n", .more = "x"},
     RP_E_PROVIDER_TIMEOUT,
     1},
    {"an error status", {.answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"}, RP_E_NONE, 0},
    {"another protocol", {.answer = "SSH-2.0-x\r\n"}, RP_E_PROVIDER_UNREACHABLE, 0},
    {"a body cut off",
     {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0},
};

static void a_provider_that_gives_no_answers_is_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        http_client_t *client = http_client_make(1);
        test_server_t *server = test_server_start(&endings[i].script);
        rp_http_response_t *response;

        client->policy.total_timeout = apr_time_from_msec(200);
        for (int n = 0; n < RP_BREAKER_FAILURES; n++) {
            client->test->env.spent = 0;
            http_client_ask(&response, client, "http", test_server_port(server));
            test_env_expect_error(client->test, endings[i].error);
        }
        client->test->env.spent = 0;
        http_client_ask(&response, client, "http", test_server_port(server));
        if (endings[i].counts != (client->test->env.error.id == RP_E_PROVIDER_PAUSED)) {
            fail_msg("%s: %d", endings[i].name, client->test->env.error.id);
        }
        assert_int_equal(test_server_requests(server), RP_BREAKER_FAILURES + !endings[i].counts);
        rp_forgive(&client->test->env);
        http_client_destroy(client);
        test_server_stop(server);
    }
}

static void what_is_left_of_a_request_s_time_says_nothing_of_the_provider(void **state)
{
    static const test_server_script_t hang = {.kind = TEST_SERVER_HANG, .answer = ""};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&hang);
    rp_http_response_t *response;

    (void)state;
    for (int n = 0; n < RP_BREAKER_FAILURES + 2; n++) {
        client->test->env.spent = 2 * client->policy.total_timeout - apr_time_from_msec(100);
        http_client_ask(&response, client, "http", test_server_port(server));
        test_env_expect_error(client->test, RP_E_PROVIDER_TIMEOUT);
    }
    http_client_destroy(client);
    test_server_stop(server);
}

/* Names that end like this are looked up by a name server that does not answer. libcurl finds this
 * function in place of the system's, which has all other names. */
#define SLOW ".slow.example"

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **result)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    apr_size_t len = name ? strlen(name) : 0;

    if (len > strlen(SLOW) && strcmp(name + len - strlen(SLOW), SLOW) == 0) {
        apr_sleep(apr_time_from_sec(3));
        return EAI_AGAIN;
    }
    memcpy(&next, &found, sizeof(next));
    return next(name, service, hints, result);
}

static void a_name_server_that_does_not_answer_holds_no_call_longer_than_its_time(void **state)
{
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;
    apr_time_t begin = apr_time_now();

    (void)state;
    client->request.url = "https://op.slow.example/token";
    assert_int_equal(rp_http_perform(&response, &client->test->env, &client->request), RP_FAILED);
    test_env_expect_error(client->test, RP_E_PROVIDER_TIMEOUT);
    assert_in_range(apr_time_as_msec(apr_time_now() - begin), 250, 1500);
    http_client_destroy(client);
    assert_in_range(apr_time_as_msec(apr_time_now() - begin), 250, 1500);
}

static void a_call_that_waits_goes_on_when_another_ends(void **state)
{
    static const test_server_script_t script = {.answer = OK, .delay_ms = 200};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;
    caller_t caller;

    (void)state;
    start(&caller, client, test_server_port(server), 1);
    await_requests(server, 1);
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    join(&caller);
    assert_int_equal(caller.answered, 1);
    http_client_destroy(client);
    test_server_stop(server);
}

/* The child's exit status counts what went wrong there. */
static int call_in_child(int port)
{
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;
    int failed = http_client_ask(&response, client, "http", port) != APR_SUCCESS;

    http_client_destroy(client);
    return failed;
}

static void each_child_process_has_a_client_of_its_own(void **state)
{
    static const test_server_script_t script = {.kind = TEST_SERVER_KEEP, .answer = OK};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;
    int status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(call_in_child(test_server_port(server)));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    assert_int_equal(test_server_connections(server), 2);
    http_client_destroy(client);
    test_server_stop(server);
}

int run_io_http_load_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_a_connection_for_the_next_call),
        cmocka_unit_test(serves_many_threads_with_no_more_connections_than_allowed),
        cmocka_unit_test(refuses_a_call_when_too_many_hang_already),
        cmocka_unit_test(a_provider_that_gives_no_answers_is_left_alone),
        cmocka_unit_test(what_is_left_of_a_request_s_time_says_nothing_of_the_provider),
        cmocka_unit_test(a_name_server_that_does_not_answer_holds_no_call_longer_than_its_time),
        cmocka_unit_test(a_call_that_waits_goes_on_when_another_ends),
        cmocka_unit_test(each_child_process_has_a_client_of_its_own),
    };

    return cmocka_run_group_tests_name("io: HTTP under load", tests, NULL, NULL);
}
