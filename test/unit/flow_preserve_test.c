/* A POST that survives the login: rp_preserve, rp_fields. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_fields.h"
#include "../../src/flow/rp_page.h"
#include "../../src/flow/rp_preserve.h"
#include "test_store.h"

#define BODY "title=One+%26+two&text=line%0D%0Aline&tag=a&tag=b&empty=&%3Cb%3E=%22x%22"

static void prepare(flow_t *flow)
{
    flow->place.preserve_post = 1;
    apr_table_set(flow->headers, "Content-Type", "application/x-www-form-urlencoded");
}

/* The form is sent, the session is over, the user signs in. */
static rp_reply_t send_and_sign_in(flow_t *flow)
{
    rp_reply_t reply = flow_request(flow, "POST", "/app/save?id=7", BODY);

    flow_expect_provider(&reply);
    return flow_come_back(flow, reply.location);
}

static const char *resume_target(const rp_reply_t *reply)
{
    assert_int_equal(reply->outcome, RP_REDIRECT);
    assert_ptr_equal(strstr(reply->location, FLOW_BASE "/oauth/resume?id="), reply->location);
    return reply->location + strlen(FLOW_BASE);
}

static void shows_the_form_again_after_the_login(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    prepare(flow);
    reply = send_and_sign_in(flow);
    reply = flow_open(flow, resume_target(&reply));
    assert_int_equal(reply.outcome, RP_PAGE);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "<form method=\"post\" action=\"/app/save?id=7\">"));
    assert_non_null(strstr(reply.body, "name=\"title\" value=\"One &amp; two\""));
    assert_non_null(strstr(reply.body, "name=\"tag\" value=\"a\""));
    assert_non_null(strstr(reply.body, "name=\"tag\" value=\"b\""));
    assert_non_null(strstr(reply.body, "name=\"empty\" value=\"\""));
    assert_null(strstr(reply.body, "<b>"));
    assert_null(strstr(reply.body, "<script"));
    assert_non_null(strstr(reply.csp, "default-src 'none'"));
}

static void gives_the_form_back_once(void **state)
{
    flow_t *flow = *state;
    const char *target;
    rp_reply_t reply;

    prepare(flow);
    reply = send_and_sign_in(flow);
    target = resume_target(&reply);
    reply = flow_request(flow, "HEAD", target, NULL);
    assert_int_equal(reply.status, 200);
    reply = flow_open(flow, target);
    assert_int_equal(reply.status, 200);
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_POST_GONE);
    assert_int_equal(reply.status, 410);
}

static void gives_the_form_to_no_other_session(void **state)
{
    flow_t *flow = *state;
    const char *target;
    rp_reply_t reply;

    prepare(flow);
    reply = send_and_sign_in(flow);
    target = resume_target(&reply);
    apr_table_clear(flow->jar);
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_UNAUTHENTICATED);
    flow_sign_in(flow);
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_POST_GONE);
}

static void gives_the_form_to_no_other_browser_through_the_login_endpoint(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;
    const char *id;

    prepare(flow);
    reply = send_and_sign_in(flow);
    id = strstr(reply.location, "id=") + 3;
    /* The attacker's form is kept under an id that he knows; the victim follows his link. */
    apr_table_clear(flow->jar);
    reply = flow_open(flow, apr_pstrcat(flow->test->env.pool,
                                        "/oauth/login?return_to=/app&preserved=", id, NULL));
    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
    reply = flow_open(flow, apr_pstrcat(flow->test->env.pool, "/oauth/resume?id=", id, NULL));
    flow_expect_error(&reply, RP_E_POST_GONE);
}

static void keeps_the_form_over_the_page_of_choices(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *use = apr_array_make(flow->test->env.pool, 2, sizeof(const char *));
    const char *mark = "preserved=";
    const char *id;
    rp_reply_t reply;

    prepare(flow);
    flow_add_second(flow);
    APR_ARRAY_PUSH(use, const char *) = "";
    APR_ARRAY_PUSH(use, const char *) = "second";
    flow->place.use = use;
    reply = flow_request(flow, "POST", "/app/save", "a=b");
    assert_int_equal(reply.outcome, RP_PAGE);
    assert_non_null(flow_set_cookie(&reply, FLOW_LOGIN_COOKIE));
    id = strstr(reply.body, mark);
    assert_non_null(id);
    id = apr_pstrmemdup(flow->test->env.pool, id + strlen(mark), RP_PRESERVE_ID_CHARS);
    reply =
        flow_open(flow, apr_pstrcat(flow->test->env.pool,
                                    "/oauth/login?provider=&return_to=/app&preserved=", id, NULL));
    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    reply = flow_open(flow, resume_target(&reply));
    assert_non_null(strstr(reply.body, "action=\"/app/save\""));
}

static void keeps_no_form_that_another_site_sent(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    prepare(flow);
    apr_table_set(flow->headers, "Sec-Fetch-Site", "cross-site");
    reply = flow_request(flow, "POST", "/app/save", BODY);
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_LOGIN), 0);
    (void)reply;
}

static void applies_to_forms_of_this_origin_only(void **state)
{
    /* clang-format off */
    static const struct {
        int on; const char *method; const char *type; const char *site; const char *origin;
        int applies;
    } rows[] = {
        {1, "POST", "application/x-www-form-urlencoded", "same-origin", NULL, 1},
        {1, "POST", "application/x-www-form-urlencoded;charset=utf-8", NULL, FLOW_BASE, 1},
        {0, "POST", "application/x-www-form-urlencoded", "same-origin", NULL, 0},
        {1, "PUT", "application/x-www-form-urlencoded", "same-origin", NULL, 0},
        {1, "POST", "multipart/form-data; boundary=x", "same-origin", NULL, 0},
        {1, "POST", "application/json", "same-origin", NULL, 0},
        {1, "POST", NULL, "same-origin", NULL, 0},
        {1, "POST", "application/x-www-form-urlencoded", "same-site", NULL, 0},
        {1, "POST", "application/x-www-form-urlencoded", "cross-site", FLOW_BASE, 0},
        {1, "POST", "application/x-www-form-urlencoded", NULL, "https://evil.example", 0},
        {1, "POST", "application/x-www-form-urlencoded", NULL, "null", 0},
        {1, "POST", "application/x-www-form-urlencoded", NULL, NULL, 0},
    };
    /* clang-format on */
    flow_t *flow = *state;
    rp_request_t request = {.site = &flow->site, .place = &flow->place};

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_table_t *headers = apr_table_make(flow->test->env.pool, 4);

        if (rows[i].type) {
            apr_table_set(headers, "Content-Type", rows[i].type);
        }
        if (rows[i].site) {
            apr_table_set(headers, "Sec-Fetch-Site", rows[i].site);
        }
        if (rows[i].origin) {
            apr_table_set(headers, "Origin", rows[i].origin);
        }
        flow->place.preserve_post = rows[i].on;
        request.method = rows[i].method;
        request.header = (const char *(*)(void *, const char *))apr_table_get;
        request.header_ctx = headers;
        if (rp_preserve_applies(&request) != rows[i].applies) {
            fail_msg("row: %d", (int)i);
        }
    }
}

static void goes_to_the_login_without_a_form_that_is_not_well_formed(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    prepare(flow);
    reply = flow_request(flow, "POST", "/app/save", "a=%zz");
    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app/save");
}

static void forgets_the_form_after_a_while(void **state)
{
    flow_t *flow = *state;
    const char *target;
    rp_reply_t reply;

    prepare(flow);
    reply = send_and_sign_in(flow);
    target = resume_target(&reply);
    test_env_advance(flow->test, RP_LOGIN_SECONDS + 1);
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_POST_GONE);
}

static void refuses_a_resume_without_one_good_id(void **state)
{
    static const char *const queries[] = {"", "?id=a&id=a", "?id=%zz"};
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_sign_in(flow);
    for (apr_size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        reply =
            flow_open(flow, apr_pstrcat(flow->test->env.pool, "/oauth/resume", queries[i], NULL));
        flow_expect_error(&reply, RP_E_ENDPOINT_PARAMETERS);
    }
    reply = flow_open(flow, "/oauth/resume?id=short");
    flow_expect_error(&reply, RP_E_POST_GONE);
}

/* clang-format off */
static const struct {
    const char *body;
    int count; /* -1: refused */
    const char *name;  /* of the first */
    const char *value;
} bodies[] = {
    {"", 0, NULL, NULL},
    {"&&", 0, NULL, NULL},
    {"a", 1, "a", ""},
    {"a=b=c", 1, "a", "b=c"},
    {"=b", 1, "", "b"},
    {"a+b=%20+", 1, "a b", "  "},
    {"a=1&a=2&b=3", 3, "a", "1"},
    {"t=%0d%0A%09", 1, "t", "\r\n\t"},
    {"u=%C3%A4", 1, "u", "\xC3\xA4"},
    {"a=%", -1, NULL, NULL},
    {"a=%4", -1, NULL, NULL},
    {"a=%4g", -1, NULL, NULL},
    {"a=%00", -1, NULL, NULL},
    {"a=%ff", -1, NULL, NULL},
};
/* clang-format on */

static void reads_the_fields_of_a_form_as_they_were_sent(void **state)
{
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        apr_array_header_t *fields;
        apr_status_t rv =
            rp_fields_parse(&fields, bodies[i].body, strlen(bodies[i].body), flow->test->env.pool);

        if ((rv == APR_SUCCESS ? fields->nelts : -1) != bodies[i].count) {
            fail_msg("row: %s", bodies[i].body);
        }
        if (bodies[i].name) {
            assert_string_equal(APR_ARRAY_IDX(fields, 0, rp_page_field_t).name, bodies[i].name);
            assert_string_equal(APR_ARRAY_IDX(fields, 0, rp_page_field_t).value, bodies[i].value);
        }
    }
}

static void reads_only_so_many_fields(void **state)
{
    flow_t *flow = *state;
    char *body = apr_palloc(flow->test->env.pool, 5000);
    apr_array_header_t *fields;

    for (int i = 0; i < 2500; i++) {
        memcpy(body + 2 * i, "a&", 2);
    }
    assert_int_equal(rp_fields_parse(&fields, body, 4096, flow->test->env.pool), APR_SUCCESS);
    assert_int_equal(rp_fields_parse(&fields, body, 4098, flow->test->env.pool), APR_EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_preserve_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shows_the_form_again_after_the_login),
        TEST(gives_the_form_back_once),
        TEST(gives_the_form_to_no_other_session),
        TEST(gives_the_form_to_no_other_browser_through_the_login_endpoint),
        TEST(keeps_the_form_over_the_page_of_choices),
        TEST(keeps_no_form_that_another_site_sent),
        TEST(applies_to_forms_of_this_origin_only),
        TEST(goes_to_the_login_without_a_form_that_is_not_well_formed),
        TEST(forgets_the_form_after_a_while),
        TEST(refuses_a_resume_without_one_good_id),
        TEST(reads_the_fields_of_a_form_as_they_were_sent),
        TEST(reads_only_so_many_fields),
    };

    return cmocka_run_group_tests_name("flow: preserved POST", tests, NULL, NULL);
}
