/* What a request is, what a reply becomes, and the table of endpoints: rp_request, rp_reply,
 * rp_endpoint, rp_site. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/flow/rp_endpoint.h"

#define HEADERS_MAX 8

static const char *find_header(void *ctx, const char *name)
{
    const char *const *pairs = ctx;

    for (int i = 0; i + 1 < HEADERS_MAX && pairs[i]; i += 2) {
        if (strcasecmp(pairs[i], name) == 0) {
            return pairs[i + 1];
        }
    }
    return NULL;
}

/* clang-format off */
static const struct {
    const char *name;
    const char *method;
    const char *headers[HEADERS_MAX];
    int navigation;
} navigations[] = {
    {"a modern browser", "GET", {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 1},
    {"a frame", "GET", {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 1},
    {"an object", "GET", {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, 0},
    {"HEAD", "HEAD", {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 1},
    {"no destination", "GET", {"Sec-Fetch-Mode", "navigate"}, 1},
    {"fetch()", "GET", {"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "text/html"}, 0},
    {"an image", "GET", {"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 0},
    {"an old browser", "GET", {"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}, 1},
    {"text/html in the middle", "GET", {"Accept", "application/xml , text/html;q=0.9"}, 1},
    {"text/html refused", "GET", {"Accept", "*/*, text/html;q=0"}, 0},
    {"another type that begins alike", "GET", {"Accept", "text/html5"}, 0},
    {"anything", "GET", {"Accept", "*/*"}, 0},
    {"curl", "GET", {NULL}, 0},
    {"a script of long ago", "GET", {"Accept", "text/html", "X-Requested-With", "XMLHttpRequest"}, 0},
    {"a WebSocket", "GET", {"Upgrade", "websocket", "Sec-Fetch-Mode", "navigate"}, 0},
    {"a form", "POST", {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 0},
    {"a preflight", "OPTIONS", {"Accept", "text/html"}, 0},
};

static const struct {
    const char *name;
    const char *headers[HEADERS_MAX];
    rp_request_site_t from;
    int same_origin;
} sources[] = {
    {"nothing", {NULL}, RP_SITE_UNKNOWN, 0},
    {"same-origin", {"Sec-Fetch-Site", "same-origin"}, RP_SITE_SAME, 1},
    {"same-site", {"Sec-Fetch-Site", "same-site"}, RP_SITE_SAME, 0},
    {"none", {"Sec-Fetch-Site", "none"}, RP_SITE_DIRECT, 0},
    {"cross-site", {"Sec-Fetch-Site", "cross-site", "Origin", FLOW_BASE}, RP_SITE_CROSS, 0},
    {"a word of tomorrow", {"Sec-Fetch-Site", "moon"}, RP_SITE_UNKNOWN, 0},
    {"own Origin", {"Origin", FLOW_BASE}, RP_SITE_SAME, 1},
    {"own Origin in other scheme", {"Origin", "http://www.example"}, RP_SITE_CROSS, 0},
    {"an Origin that begins alike", {"Origin", FLOW_BASE ".evil"}, RP_SITE_CROSS, 0},
    {"opaque Origin", {"Origin", "null", "Referer", FLOW_BASE "/"}, RP_SITE_UNKNOWN, 0},
    {"own Referer", {"Referer", FLOW_BASE "/app?x"}, RP_SITE_SAME, 0},
    {"Referer that begins alike", {"Referer", FLOW_BASE ":8443/app"}, RP_SITE_CROSS, 0},
    {"foreign Referer", {"Referer", "https://evil.example/"}, RP_SITE_CROSS, 0},
};

static const struct {
    const char *type;
    apr_size_t body_len;
    int form;
} forms[] = {
    {"application/x-www-form-urlencoded", 3, 1},
    {"APPLICATION/X-WWW-FORM-URLENCODED;charset=UTF-8", 3, 1},
    {"application/x-www-form-urlencoded2", 3, 0},
    {"multipart/form-data; boundary=x", 3, 0},
    {"text/plain", 0, 0},
    {NULL, 3, 0},
    {NULL, 0, 1},
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void tells_a_navigation_from_a_program(void **state)
{
    (void)state;
    for (apr_size_t i = 0; i < COUNT(navigations); i++) {
        const char *headers[HEADERS_MAX];
        rp_request_t request = {
            .method = navigations[i].method, .header = find_header, .header_ctx = headers};

        memcpy(headers, navigations[i].headers, sizeof(headers));
        if (rp_request_is_navigation(&request) != navigations[i].navigation) {
            fail_msg("row: %s", navigations[i].name);
        }
    }
}

static void tells_where_a_request_comes_from(void **state)
{
    const rp_site_t site = {.base_url = FLOW_BASE};

    (void)state;
    for (apr_size_t i = 0; i < COUNT(sources); i++) {
        const char *headers[HEADERS_MAX];
        rp_request_t request = {.site = &site, .header = find_header, .header_ctx = headers};

        memcpy(headers, sources[i].headers, sizeof(headers));
        if (rp_request_from(&request) != sources[i].from ||
            rp_request_is_same_origin(&request) != sources[i].same_origin) {
            fail_msg("row: %s", sources[i].name);
        }
    }
}

static void knows_a_form_by_its_content_type(void **state)
{
    (void)state;
    for (apr_size_t i = 0; i < COUNT(forms); i++) {
        const char *headers[HEADERS_MAX] = {forms[i].type ? "Content-Type" : NULL, forms[i].type};
        rp_request_t request = {
            .body_len = forms[i].body_len, .header = find_header, .header_ctx = headers};

        if (rp_request_is_form(&request) != forms[i].form) {
            fail_msg("row: %s", forms[i].type ? forms[i].type : "none");
        }
    }
}

static void fails_to_a_browser_with_a_page_and_to_a_program_with_json(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/oauth/nothing");

    flow_expect_error(&reply, RP_E_ENDPOINT_UNKNOWN);
    assert_int_equal(reply.outcome, RP_PAGE);
    assert_non_null(reply.csp);
    assert_non_null(strstr(reply.body, reply.reference));

    apr_table_clear(flow->headers);
    apr_table_set(flow->headers, "Accept", "application/json");
    reply = flow_open(flow, "/oauth/nothing");
    flow_expect_error(&reply, RP_E_ENDPOINT_UNKNOWN);
    assert_int_equal(reply.outcome, RP_JSON);
    assert_string_equal(reply.content_type, "application/json");
    assert_null(reply.csp);
    assert_non_null(strstr(reply.body, "\"error\":\"OA-1802\""));
    assert_non_null(strstr(reply.body, reply.reference));
}

static void gives_each_failure_a_reference_of_its_own(void **state)
{
    flow_t *flow = *state;
    rp_reply_t first = flow_open(flow, "/oauth/nothing");
    rp_reply_t second = flow_open(flow, "/oauth/nothing");

    assert_string_not_equal(first.reference, second.reference);
}

static void asks_to_come_back_later_when_it_is_unavailable(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    test_http_reset(flow->http);
    test_http_answer_error(flow->http, NULL, RP_E_PROVIDER_TIMEOUT);
    test_http_repeat(flow->http);
    reply = flow_open(flow, "/app");
    flow_expect_error(&reply, RP_E_PROVIDER_TIMEOUT);
    assert_int_equal(reply.retry_after, 30);
    assert_string_equal(reply.retry, "/app");
}

static void refuses_other_methods_and_says_which_there_are(void **state)
{
    flow_t *flow = *state;
    apr_size_t count;
    const rp_endpoint_row_t *rows = rp_endpoint_rows(&count);

    assert_int_equal(count, 6);
    for (apr_size_t i = 0; i < count; i++) {
        const char *target = apr_pstrcat(flow->test->env.pool, "/oauth/", rows[i].name, NULL);
        rp_reply_t reply = flow_request(flow, "DELETE", target, NULL);

        flow_expect_error(&reply, RP_E_ENDPOINT_METHOD);
        assert_string_equal(reply.allow, rows[i].methods);
    }
}

static void finds_an_endpoint_by_its_exact_path_only(void **state)
{
    /* clang-format off */
    static const struct { const char *path; int below; const char *name; } rows[] = {
        {"/oauth/callback", 1, "callback"}, {"/oauth/callback/", 1, NULL},
        {"/oauth/Callback", 1, NULL}, {"/oauth//callback", 1, NULL}, {"/oauth/", 1, NULL},
        {"/oauth", 0, NULL}, {"/oauth2/callback", 0, NULL}, {"/app/oauth/callback", 0, NULL},
        {"/oauth/logout", 1, "logout"}, {"/oauth/callbackx", 1, NULL}, {"/", 0, NULL},
        {"/oauth/jwks.json", 1, "jwks.json"}, {"/oauth/jwks", 1, NULL},
    };
    /* clang-format on */
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        int below;
        const rp_endpoint_row_t *row = rp_endpoint_find(&below, &flow->site, rows[i].path);

        if (below != rows[i].below || (row != NULL) != (rows[i].name != NULL) ||
            (row && strcmp(row->name, rows[i].name) != 0)) {
            fail_msg("row: %s", rows[i].path);
        }
    }
}

static void refuses_a_body_that_is_no_form_or_too_long(void **state)
{
    flow_t *flow = *state;
    char *body = apr_palloc(flow->test->env.pool, 70000);
    rp_reply_t reply;

    apr_table_set(flow->headers, "Content-Type", "text/plain");
    reply = flow_request(flow, "POST", "/oauth/logout", "a=b");
    flow_expect_error(&reply, RP_E_ENDPOINT_PARAMETERS);
    apr_table_set(flow->headers, "Content-Type", "application/x-www-form-urlencoded");
    memset(body, 'a', 69999);
    body[69999] = '\0';
    reply = flow_request(flow, "POST", "/oauth/logout", body);
    flow_expect_error(&reply, RP_E_ENDPOINT_PARAMETERS);
}

static void never_returns_to_an_endpoint_of_its_own(void **state)
{
    /* clang-format off */
    static const struct { const char *url; int good; } rows[] = {
        {"/app", 1}, {"/", 1}, {"/oauth", 1}, {"/oauthx/logout", 1}, {"/x/oauth/logout", 1},
        {FLOW_BASE "/app", 1}, {"/app?to=/oauth/logout", 1},
        {"/oauth/logout", 0}, {"/oauth/callback?code=x", 0}, {"/%6fauth/logout", 0},
        {"/oauth%2Flogout", 0}, {"/oauth//logout", 0}, {"/oauth/%6cogout", 0},
        {FLOW_BASE "/oauth/login", 0}, {"https://evil.example/", 0}, {"//evil.example/", 0},
    };
    /* clang-format on */
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        rp_return_url_t *url;
        int good = rp_site_return_url(&url, env, &flow->site, rows[i].url) == APR_SUCCESS;

        if (good != rows[i].good || (url != NULL) != good) {
            fail_msg("row: %s", rows[i].url);
        }
        if (!good) {
            test_env_expect_error(flow->test, RP_E_RETURN_URL);
        }
    }
}

int run_flow_request_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_a_navigation_from_a_program),
        cmocka_unit_test(tells_where_a_request_comes_from),
        cmocka_unit_test(knows_a_form_by_its_content_type),
        cmocka_unit_test_setup_teardown(fails_to_a_browser_with_a_page_and_to_a_program_with_json,
                                        flow_setup, flow_teardown),
        cmocka_unit_test_setup_teardown(gives_each_failure_a_reference_of_its_own, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(asks_to_come_back_later_when_it_is_unavailable, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(refuses_other_methods_and_says_which_there_are, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(finds_an_endpoint_by_its_exact_path_only, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(refuses_a_body_that_is_no_form_or_too_long, flow_setup,
                                        flow_teardown),
        cmocka_unit_test_setup_teardown(never_returns_to_an_endpoint_of_its_own, flow_setup,
                                        flow_teardown),
    };

    return cmocka_run_group_tests_name("flow: request", tests, NULL, NULL);
}
