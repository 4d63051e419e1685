#include "io_http_test.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/base/rp_buf.h"
#include "../../src/base/rp_limits.h"
#include "../../src/io/rp_http_curl.h"

#define JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

http_client_t *http_client_make(int calls)
{
    test_env_t *test = test_env_make();
    http_client_t *client = apr_pcalloc(test->env.pool, sizeof(*client));
    const rp_http_gate_t gate = {&client->seats, &client->breaker};

    /* httpd does so too. */
    signal(SIGPIPE, SIG_IGN);
    client->test = test;
    test->real_time = 1;
    rp_seats_init(&client->seats, 8 * calls);
    client->seats.calls_per_origin = calls;
    client->seats.waits = 8;
    client->policy.tls_min = 12;
    client->policy.connect_timeout = apr_time_from_msec(300);
    client->policy.total_timeout = apr_time_from_msec(600);
    client->request.method = "GET";
    client->request.policy = &client->policy;
    client->request.max_body = 1000;
    assert_int_equal(rp_http_curl_make(&test->env.http, &gate, test->env.pool), APR_SUCCESS);
    return client;
}

void http_client_destroy(http_client_t *client)
{
    test_env_destroy(client->test);
}

apr_status_t http_client_ask(rp_http_response_t **response, http_client_t *client,
                             const char *scheme, int port)
{
    client->request.url = apr_psprintf(client->test->env.pool,
                                       "%s://127.0.0.1:%d/path?query=secret-query", scheme, port);
    return rp_http_perform(response, &client->test->env, &client->request);
}

typedef struct {
    const char *name;
    test_server_script_t script;
    rp_error_id_t error; /* RP_E_NONE: there is an answer */
    int status;
    const char *body;
} row_t;

static const row_t rows[] = {
    {"plain", {.answer = JSON "Content-Length: 2\r\n\r\n{}"}, RP_E_NONE, 200, "{}"},
    {"to the end of the connection", {.answer = JSON "\r\n{}"}, RP_E_NONE, 200, "{}"},
    {"HTTP/1.0", {.answer = "HTTP/1.0 200 OK\r\n\r\n{}"}, RP_E_NONE, 200, "{}"},
    {"chunked",
     {.answer = JSON "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"},
     RP_E_NONE,
     200,
     "{}"},
    {"no content", {.answer = "HTTP/1.1 204 No Content\r\n\r\n"}, RP_E_NONE, 204, ""},
    {"an error status", {.answer = "HTTP/1.1 500 No\r\n\r\nx"}, RP_E_NONE, 500, "x"},
    {"the last status", {.answer = "HTTP/1.1 599 No\r\n\r\nx"}, RP_E_NONE, 599, "x"},
    {"a redirect",
     {.answer = "HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n"},
     RP_E_NONE,
     302,
     ""},
    {"an interim answer",
     {.answer = "HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n\r\n" JSON "\r\n{}"},
     RP_E_NONE,
     200,
     "{}"},
    {"a body as large as allowed", {.answer = JSON "\r\n" THOUSAND}, RP_E_NONE, 200, THOUSAND},
    {"more body than announced",
     {.answer = JSON "Content-Length: 2\r\n\r\n{}garbage"},
     RP_E_NONE,
     200,
     "{}"},

    {"a body too large", {.answer = JSON "\r\n" THOUSAND "x"}, RP_E_PROVIDER_UNREACHABLE, 0, NULL},
    {"a body announced too large",
     {.kind = TEST_SERVER_HANG, .answer = JSON "Content-Length: 1001\r\n\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a chunked body too large",
     {.answer = JSON "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" THOUSAND "x\r\n0\r\n\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"an endless body",
     {.kind = TEST_SERVER_ENDLESS, .answer = JSON "\r\n", .more = HUNDRED},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"endless header fields",
     {.kind = TEST_SERVER_ENDLESS, .answer = "HTTP/1.1 200 OK\r\n", .more = "X: " HUNDRED "\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"an endless header field",
     {.kind = TEST_SERVER_ENDLESS, .answer = "HTTP/1.1 200 OK\r\nX: ", .more = HUNDRED},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"endless interim answers",
     {.kind = TEST_SERVER_ENDLESS, .answer = "", .answer_len = 0, .more = "HTTP/1.1 103 X\r\n\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a body cut off",
     {.answer = JSON "Content-Length: 10\r\n\r\n{}"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a chunked body cut off",
     {.answer = JSON "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a chunk size that is none",
     {.answer = JSON "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a header cut off", {.answer = "HTTP/1.1 200 OK\r\nX: y"}, RP_E_PROVIDER_UNREACHABLE, 0, NULL},
    {"a negative length",
     {.answer = JSON "Content-Length: -1\r\n\r\n{}"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a length that is none",
     {.answer = JSON "Content-Length: two\r\n\r\n{}"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"HTTP/0.9", {.answer = "{\"not\":\"http\"}"}, RP_E_PROVIDER_UNREACHABLE, 0, NULL},
    {"another protocol", {.answer = "SSH-2.0-x\r\n"}, RP_E_PROVIDER_UNREACHABLE, 0, NULL},
    {"nothing at all", {.answer = ""}, RP_E_PROVIDER_UNREACHABLE, 0, NULL},
    {"a status beyond 599",
     {.answer = "HTTP/1.1 600 X\r\n\r\nx"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a compressed body",
     {.answer = JSON "Content-Encoding: gzip\r\n\r\n\037\213"},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},
    {"a NUL in the header",
     {.answer = "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\nx", .answer_len = 28},
     RP_E_PROVIDER_UNREACHABLE,
     0,
     NULL},

    {"no answer", {.kind = TEST_SERVER_HANG, .answer = ""}, RP_E_PROVIDER_TIMEOUT, 0, NULL},
    {"nothing after the header",
     {.kind = TEST_SERVER_HANG, .answer = JSON "Content-Length: 2\r\n\r\n"},
     RP_E_PROVIDER_TIMEOUT,
     0,
     NULL},
    {"a header that stops",
     {.kind = TEST_SERVER_HANG, .answer = "HTTP/1.1 200 OK\r\n"},
     RP_E_PROVIDER_TIMEOUT,
     0,
     NULL},
    {"a body that drips",
     {.kind = TEST_SERVER_DRIP, .answer = JSON "\r\n", .more = "x"},
     RP_E_PROVIDER_TIMEOUT,
     0,
     NULL},
    {"a header that drips",
     {.kind = TEST_SERVER_DRIP, .answer = "HTTP/1.1 200 OK\r\nX: ", .more = "x"},
     RP_E_PROVIDER_TIMEOUT,
     0,
     NULL},
    {"an answer that comes late",
     {.answer = JSON "\r\n{}", .delay_ms = 2000},
     RP_E_PROVIDER_TIMEOUT,
     0,
     NULL},
};

static void check_refusal(http_client_t *client, const row_t *row, int port)
{
    test_env_t *test = client->test;
    const char *where = apr_psprintf(test->env.pool, "127.0.0.1:%d", port);

    assert_non_null(strstr(test->env.error.detail, where));
    assert_null(strstr(test->env.error.detail, "secret"));
    if (test->env.error.id != row->error) {
        fail_msg("%s: %s", row->name, test->env.error.detail);
    }
    rp_forgive(&test->env);
}

static void check_row(const row_t *row)
{
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&row->script);
    rp_http_response_t *response;
    apr_time_t begin = apr_time_now();
    apr_status_t rv = http_client_ask(&response, client, "http", test_server_port(server));

    if (rv != (row->error ? RP_FAILED : APR_SUCCESS)) {
        fail_msg("%s: %d %s", row->name, rv, rv ? client->test->env.error.detail : "answered");
    }
    assert_true(apr_time_now() - begin < apr_time_from_sec(15));
    if (row->error) {
        assert_null(response);
        check_refusal(client, row, test_server_port(server));
    } else {
        assert_int_equal(response->status, row->status);
        assert_string_equal(response->body, row->body);
        assert_int_equal(response->body_len, strlen(row->body));
    }
    assert_int_equal(test_server_connections(server), 1);
    assert_int_equal(test_server_requests(server), 1);
    http_client_destroy(client);
    test_server_stop(server);
}

static void takes_good_answers_and_refuses_bad_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row(&rows[i]);
    }
}

/* An answer whose header has that many bytes, in all. */
static const char *answer_with_header(apr_size_t len, apr_pool_t *pool)
{
    static const char field[] = "X: " TEN TEN "\r\n";
    rp_buf_t text;

    rp_buf_init(&text, len, pool);
    rp_buf_puts(&text, "HTTP/1.1 200 OK\r\n");
    while (text.len + sizeof(field) + 6 < len) {
        rp_buf_puts(&text, field);
    }
    rp_buf_puts(&text, "Y:");
    while (text.len + 4 < len) {
        rp_buf_putc(&text, 'y');
    }
    rp_buf_puts(&text, "\r\n\r\n");
    assert_int_equal(rp_buf_status(&text), APR_SUCCESS);
    assert_int_equal(text.len, len);
    return rp_buf_text(&text);
}

static void takes_a_header_of_the_largest_size_and_no_larger(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        http_client_t *client = http_client_make(1);
        test_env_t *test = client->test;
        test_server_script_t script = {
            .answer = answer_with_header((size_t)(RP_MAX_HTTP_HEADER + more), test->env.pool)};
        test_server_t *server = test_server_start(&script);
        rp_http_response_t *response;

        assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                         more ? RP_FAILED : APR_SUCCESS);
        test_env_expect_error(test, more ? RP_E_PROVIDER_UNREACHABLE : RP_E_NONE);
        http_client_destroy(client);
        test_server_stop(server);
    }
}

static void hands_on_what_the_answer_says_about_itself(void **state)
{
    static const test_server_script_t script = {
        .answer = "HTTP/1.1 503 Busy\r\nContent-Type: Text/HTML; charset=utf-8\r\n"
                  "Retry-After: 7\r\nCache-Control: public\r\nCache-Control: max-age=5\r\n"
                  "Location: https://op.example/else\r\nContent-Length: 1\r\n\r\nx"};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;

    (void)state;
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    assert_string_equal(response->content_type, "text/html");
    assert_string_equal(response->location, "https://op.example/else");
    assert_int_equal(response->retry_after, 7);
    assert_int_equal(response->max_age, 5);
    http_client_destroy(client);
    test_server_stop(server);
}

static void says_so_when_the_answer_says_nothing(void **state)
{
    static const test_server_script_t script = {
        .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                  "Content-Type: text/html\r\nContent-Type: application/json\r\n\r\n"
                  "1\r\nx\r\n0\r\nLocation: /trailer\r\nRetry-After: 5\r\n\r\n"};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;

    (void)state;
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    assert_string_equal(response->content_type, "");
    assert_null(response->location);
    assert_int_equal(response->retry_after, -1);
    assert_int_equal(response->max_age, -1);
    http_client_destroy(client);
    test_server_stop(server);
}

static void sends_what_it_is_told_and_nothing_else(void **state)
{
    static const test_server_script_t script = {.answer = JSON "\r\n{}"};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    apr_table_t *headers = apr_table_make(client->test->env.pool, 2);
    rp_http_response_t *response;
    const char *expected;

    (void)state;
    apr_table_setn(headers, "Authorization", "Basic YTpi");
    apr_table_setn(headers, "X-Empty", "");
    client->request.method = "POST";
    client->request.headers = headers;
    client->request.body = "grant_type=x&code=y and more";
    client->request.body_len = 19;
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    expected = apr_psprintf(client->test->env.pool,
                            "POST /path?query=secret-query HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                            "User-Agent: mod_auth_oauth\r\nAccept: application/json\r\n"
                            "Content-Type: application/x-www-form-urlencoded\r\n"
                            "Authorization: Basic YTpi\r\nX-Empty:\r\n"
                            "Content-Length: 19\r\n\r\ngrant_type=x&code=y",
                            test_server_port(server));
    assert_string_equal(test_server_request(server), expected);
    http_client_destroy(client);
    test_server_stop(server);
}

static void neither_cookies_nor_anything_else_goes_from_one_call_to_the_next(void **state)
{
    static const test_server_script_t script = {
        .kind = TEST_SERVER_KEEP, .answer = JSON "Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}"};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    apr_table_t *headers = apr_table_make(client->test->env.pool, 1);
    rp_http_response_t *response;
    int port = test_server_port(server);

    (void)state;
    apr_table_setn(headers, "Authorization", "Bearer one");
    client->request.method = "POST";
    client->request.headers = headers;
    client->request.body = "a=b";
    client->request.body_len = 3;
    assert_int_equal(http_client_ask(&response, client, "http", port), APR_SUCCESS);
    client->request.method = "GET";
    client->request.headers = NULL;
    client->request.body = NULL;
    client->request.accept = "application/jwt";
    assert_int_equal(http_client_ask(&response, client, "http", port), APR_SUCCESS);
    assert_string_equal(test_server_request(server),
                        apr_psprintf(client->test->env.pool,
                                     "GET /path?query=secret-query HTTP/1.1\r\n"
                                     "Host: 127.0.0.1:%d\r\nUser-Agent: mod_auth_oauth\r\n"
                                     "Accept: application/jwt\r\n\r\n",
                                     port));
    http_client_destroy(client);
    test_server_stop(server);
}

static void calls_no_address_that_is_not_safe(void **state)
{
    static const char *const urls[] = {
        "http://op.example/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://user:pw@op.example/",
        "https://op.example/#part",
        "op.example/",
        "/path",
        "",
        "https://op.example/a b",
        "http://127.0.0.1.evil.example/",
        "https://",
        "HTTP:/127.0.0.1/",
        "http://localhost.evil.example/",
    };
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        client->request.url = urls[i];
        assert_int_equal(rp_http_perform(&response, &client->test->env, &client->request),
                         RP_FAILED);
        assert_null(response);
        assert_null(strstr(client->test->env.error.detail, "pw"));
        test_env_expect_error(client->test, RP_E_PROVIDER_UNREACHABLE);
    }
    http_client_destroy(client);
}

static void sends_no_header_that_could_become_two(void **state)
{
    static const struct {
        const char *name;
        const char *value;
    } bad[] = {
        {"X", "a\r\nY: b"}, {"X", "a\nb"}, {"X\r\nY", "a"}, {"X: a", "b"}, {"", "a"}, {"X", "\177"},
    };
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;

    (void)state;
    client->request.url = "http://127.0.0.1:1/";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        apr_table_t *headers = apr_table_make(client->test->env.pool, 1);

        apr_table_setn(headers, bad[i].name, bad[i].value);
        client->request.headers = headers;
        assert_int_equal(rp_http_perform(&response, &client->test->env, &client->request),
                         RP_FAILED);
        test_env_expect_error(client->test, RP_E_INTERNAL);
    }
    http_client_destroy(client);
}

static void reports_a_port_where_nobody_listens(void **state)
{
    static const test_server_script_t script = {.answer = ""};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    int port = test_server_port(server);
    rp_http_response_t *response;

    (void)state;
    test_server_stop(server);
    assert_int_equal(http_client_ask(&response, client, "http", port), RP_FAILED);
    test_env_expect_error(client->test, RP_E_PROVIDER_UNREACHABLE);
    http_client_destroy(client);
}

/* A listener whose queue is full drops further connections: they hang, as behind a firewall. */
static void gives_up_when_a_connection_does_not_come_about(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;
    apr_time_t begin;
    int fillers[4];
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, len);
    }
    client->policy.total_timeout = apr_time_from_sec(30);
    begin = apr_time_now();
    assert_int_equal(http_client_ask(&response, client, "http", ntohs(address.sin_port)),
                     RP_FAILED);
    assert_true(apr_time_now() - begin < apr_time_from_sec(15));
    test_env_expect_error(client->test, RP_E_PROVIDER_TIMEOUT);
    for (int i = 0; i < 4; i++) {
        close(fillers[i]);
    }
    close(listener);
    http_client_destroy(client);
}

static void asks_the_proxy_for_everything_but_loopback(void **state)
{
    static const test_server_script_t script = {.answer =
                                                    "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    test_env_t *test = client->test;
    rp_http_response_t *response;

    (void)state;
    client->policy.proxy =
        apr_psprintf(test->env.pool, "http://127.0.0.1:%d", test_server_port(server));
    client->request.url = "https://op.example/token?secret-query";
    assert_int_equal(rp_http_perform(&response, &test->env, &client->request), RP_FAILED);
    assert_null(strstr(test->env.error.detail, "secret"));
    test_env_expect_error(test, RP_E_PROVIDER_UNREACHABLE);
    assert_int_equal(strncmp(test_server_request(server), "CONNECT op.example:443 ", 23), 0);

    client->policy.proxy = "http://127.0.0.1:1";
    assert_int_equal(http_client_ask(&response, client, "http", test_server_port(server)),
                     APR_SUCCESS);
    assert_int_equal(response->status, 403);
    http_client_destroy(client);
    test_server_stop(server);
}

static void does_not_read_a_proxy_from_the_environment(void **state)
{
    static const test_server_script_t script = {.answer =
                                                    "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;

    (void)state;
    setenv("https_proxy",
           apr_psprintf(client->test->env.pool, "http://127.0.0.1:%d", test_server_port(server)),
           1);
    client->policy.total_timeout = apr_time_from_msec(200);
    client->request.url = "https://op.invalid/";
    assert_int_equal(rp_http_perform(&response, &client->test->env, &client->request), RP_FAILED);
    assert_int_equal(test_server_connections(server), 0);
    unsetenv("https_proxy");
    rp_forgive(&client->test->env);
    http_client_destroy(client);
    test_server_stop(server);
}

int run_io_http_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_good_answers_and_refuses_bad_ones),
        cmocka_unit_test(takes_a_header_of_the_largest_size_and_no_larger),
        cmocka_unit_test(hands_on_what_the_answer_says_about_itself),
        cmocka_unit_test(says_so_when_the_answer_says_nothing),
        cmocka_unit_test(sends_what_it_is_told_and_nothing_else),
        cmocka_unit_test(neither_cookies_nor_anything_else_goes_from_one_call_to_the_next),
        cmocka_unit_test(calls_no_address_that_is_not_safe),
        cmocka_unit_test(sends_no_header_that_could_become_two),
        cmocka_unit_test(reports_a_port_where_nobody_listens),
        cmocka_unit_test(gives_up_when_a_connection_does_not_come_about),
        cmocka_unit_test(asks_the_proxy_for_everything_but_loopback),
        cmocka_unit_test(does_not_read_a_proxy_from_the_environment),
    };
    int failed = cmocka_run_group_tests_name("io: HTTP by libcurl", tests, NULL, NULL);

    failed += run_io_http_field_tests();
    failed += run_io_http_load_tests();
    failed += run_io_http_breaker_tests();
    failed += run_io_http_turn_tests();
    return failed + run_io_http_tls_tests();
}
