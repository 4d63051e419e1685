/* Signing out: rp_logout, rp_logout_state, rp_revoke. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"

static void come_from(flow_t *flow, const char *site)
{
    if (site) {
        apr_table_set(flow->headers, "Sec-Fetch-Site", site);
    } else {
        apr_table_unset(flow->headers, "Sec-Fetch-Site");
    }
}

static rp_reply_t post(flow_t *flow, const char *body)
{
    apr_table_set(flow->headers, "Content-Type", "application/x-www-form-urlencoded");
    return flow_request(flow, "POST", "/oauth/logout", body);
}

static void expect_page(const rp_reply_t *reply, const char *title)
{
    assert_int_equal(reply->outcome, RP_PAGE);
    assert_int_equal(reply->status, 200);
    assert_non_null(strstr(reply->body, title));
}

#define SIGNED_OUT "<h1>You are signed out</h1>"
#define CONFIRM "<h1>Sign out?</h1>"

static void ends_the_session_and_takes_its_cookie_away(void **state)
{
    flow_t *flow = *state;
    const char *cookie;
    rp_reply_t reply;

    flow_sign_in(flow);
    cookie = apr_table_get(flow->jar, FLOW_SESSION_COOKIE);
    reply = post(flow, NULL);
    expect_page(&reply, SIGNED_OUT);
    assert_int_equal(reply.error.id, RP_E_NONE);
    assert_string_equal(flow_set_cookie(&reply, FLOW_SESSION_COOKIE),
                        FLOW_SESSION_COOKIE "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
    /* A copy of the cookie is worth nothing any more. */
    apr_table_set(flow->jar, FLOW_SESSION_COOKIE, cookie);
    assert_false(flow_is_signed_in(flow));
}

/* clang-format off */
static const struct {
    const char *method;
    const char *site;
    const char *origin;
    int ends;             /* whether the session is over */
    rp_error_id_t error;
    const char *page;
} sources[] = {
    {"GET", "same-origin", NULL, 1, RP_E_NONE, SIGNED_OUT},
    {"GET", "same-site", NULL, 1, RP_E_NONE, SIGNED_OUT},
    {"GET", "none", NULL, 1, RP_E_NONE, SIGNED_OUT},
    {"GET", "cross-site", NULL, 0, RP_E_NONE, CONFIRM},
    {"GET", NULL, NULL, 0, RP_E_NONE, CONFIRM},
    {"HEAD", "same-origin", NULL, 0, RP_E_NONE, CONFIRM},
    {"POST", "same-origin", NULL, 1, RP_E_NONE, SIGNED_OUT},
    {"POST", "cross-site", NULL, 0, RP_E_LOGOUT_CROSS_SITE, NULL},
    {"POST", NULL, FLOW_BASE, 1, RP_E_NONE, SIGNED_OUT},
    {"POST", NULL, "https://evil.example", 0, RP_E_LOGOUT_CROSS_SITE, NULL},
    {"POST", NULL, NULL, 1, RP_E_NONE, SIGNED_OUT},
};
/* clang-format on */

static void asks_first_when_another_site_may_have_sent_the_browser(void **state)
{
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        rp_reply_t reply;

        apr_table_clear(flow->jar);
        apr_table_unset(flow->headers, "Origin");
        flow_sign_in(flow);
        come_from(flow, sources[i].site);
        if (sources[i].origin) {
            apr_table_set(flow->headers, "Origin", sources[i].origin);
        }
        reply = flow_request(flow, sources[i].method, "/oauth/logout", NULL);
        if (reply.error.id != sources[i].error || flow_is_signed_in(flow) == sources[i].ends) {
            fail_msg("row: %d", (int)i);
        }
        if (sources[i].page) {
            expect_page(&reply, sources[i].page);
        }
    }
}

static void does_not_sign_out_by_a_prefetch(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_sign_in(flow);
    apr_table_set(flow->headers, "Sec-Purpose", "prefetch;prerender");
    reply = flow_open(flow, "/oauth/logout");
    expect_page(&reply, CONFIRM);
    assert_true(flow_is_signed_in(flow));
}

static const char *token_of(flow_t *flow, const rp_reply_t *reply)
{
    const char *mark = "name=\"token\" value=\"";
    const char *token = strstr(reply->body, mark);

    assert_non_null(token);
    token += strlen(mark);
    return apr_pstrmemdup(flow->test->env.pool, token, strcspn(token, "\""));
}

static void believes_the_form_of_its_own_page_whatever_the_origin(void **state)
{
    flow_t *flow = *state;
    const char *token;
    rp_reply_t reply;

    flow_sign_in(flow);
    come_from(flow, "cross-site");
    reply = flow_open(flow, "/oauth/logout?return_to=/bye");
    expect_page(&reply, CONFIRM);
    assert_non_null(strstr(reply.body, "name=\"return_to\" value=\"/bye\""));
    assert_non_null(strstr(reply.csp, "form-action 'self' " FLOW_BASE ";"));
    token = token_of(flow, &reply);
    reply = post(flow, apr_pstrcat(flow->test->env.pool, "return_to=/bye&token=", token, NULL));
    flow_expect_redirect(&reply, FLOW_BASE "/bye");
    assert_false(flow_is_signed_in(flow));

    /* Not the next session's, and not for ever. */
    flow_sign_in(flow);
    reply = post(flow, apr_pstrcat(flow->test->env.pool, "token=", token, NULL));
    flow_expect_error(&reply, RP_E_LOGOUT_CROSS_SITE);
    reply = flow_open(flow, "/oauth/logout");
    token = token_of(flow, &reply);
    test_env_advance(flow->test, 3601);
    flow->own_place.limits.idle = flow->place.limits.idle = 0;
    reply = post(flow, apr_pstrcat(flow->test->env.pool, "token=", token, NULL));
    flow_expect_error(&reply, RP_E_LOGOUT_CROSS_SITE);
}

static void goes_on_to_the_logout_of_the_provider(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;
    const char *back;

    flow_offer_logout(flow);
    flow_sign_in(flow);
    reply = post(flow, "return_to=/bye");
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_int_equal(reply.status, 303);
    assert_ptr_equal(strstr(reply.location, FLOW_ISSUER "/end?"), reply.location);
    assert_string_equal(flow_parameter(flow, reply.location, "client_id"), "client");
    assert_string_equal(flow_parameter(flow, reply.location, "post_logout_redirect_uri"),
                        FLOW_BASE "/oauth/logout");
    assert_true(strlen(flow_parameter(flow, reply.location, "id_token_hint")) > 100);
    assert_false(flow_is_signed_in(flow));

    back = apr_pstrcat(flow->test->env.pool,
                       "/oauth/logout?state=", flow_parameter(flow, reply.location, "state"), NULL);
    come_from(flow, "cross-site");
    reply = flow_open(flow, back);
    flow_expect_redirect(&reply, FLOW_BASE "/bye");
    assert_null(reply.set_cookies);
    test_env_advance(flow->test, 3601);
    reply = flow_open(flow, back);
    expect_page(&reply, SIGNED_OUT);
}

static void leaves_the_hint_out_when_the_url_would_be_too_long(void **state)
{
    flow_t *flow = *state;
    char *long_claim = apr_palloc(flow->test->env.pool, 9001);
    rp_reply_t reply;

    memset(long_claim, 'x', 9000);
    long_claim[9000] = '\0';
    flow->claims = apr_pstrcat(flow->test->env.pool, ",\"much\":\"", long_claim, "\"", NULL);
    flow_offer_logout(flow);
    flow_sign_in(flow);
    reply = post(flow, NULL);
    assert_true(strlen(reply.location) < 7000);
    assert_null(flow_parameter(flow, reply.location, "id_token_hint"));
    assert_string_equal(flow_parameter(flow, reply.location, "logout_hint"), "alice");
    assert_string_equal(flow_parameter(flow, reply.location, "client_id"), "client");
}

static void lands_safely_with_a_state_that_is_not_its_own(void **state)
{
    /* clang-format off */
    static const char *const targets[] = {
        "/oauth/logout", "/oauth/logout?state=", "/oauth/logout?state=other",
        "/oauth/logout?state=https://evil.example/",
    };
    /* clang-format on */
    flow_t *flow = *state;

    come_from(flow, "cross-site");
    for (apr_size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        rp_reply_t reply = flow_open(flow, targets[i]);

        expect_page(&reply, SIGNED_OUT);
        assert_int_equal(reply.error.id, RP_E_NONE);
    }
    flow->site.logout_return = "/goodbye";
    come_from(flow, "same-origin");
    for (apr_size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        rp_reply_t reply = flow_open(flow, targets[i]);

        flow_expect_redirect(&reply, FLOW_BASE "/goodbye");
    }
}

static void is_no_open_redirector(void **state)
{
    /* clang-format off */
    static const struct { const char *query; rp_error_id_t id; } rows[] = {
        {"return_to=https://evil.example/", RP_E_RETURN_URL},
        {"return_to=//evil.example/", RP_E_RETURN_URL},
        {"return_to=/oauth/logout", RP_E_RETURN_URL},
        {"return_to=/a&return_to=/b", RP_E_ENDPOINT_PARAMETERS},
        {"state=a&state=b", RP_E_ENDPOINT_PARAMETERS},
        {"token=a&token=b", RP_E_ENDPOINT_PARAMETERS},
        {"return_to=%zz", RP_E_ENDPOINT_PARAMETERS},
    };
    /* clang-format on */
    flow_t *flow = *state;
    char *text = apr_palloc(flow->test->env.pool, 601);
    rp_reply_t reply;

    flow_sign_in(flow);
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reply = post(flow, rows[i].query);
        flow_expect_error(&reply, rows[i].id);
        assert_true(flow_is_signed_in(flow));
    }
    memset(text, 'x', 600);
    text[600] = '\0';
    reply = post(flow, apr_pstrcat(flow->test->env.pool, "return_to=/", text, NULL));
    flow_expect_error(&reply, RP_E_RETURN_URL_TOO_LONG);
}

static void returns_where_the_administrator_says(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->site.logout_return = "https://www.example.org/bye";
    flow_sign_in(flow);
    reply = post(flow, NULL);
    flow_expect_redirect(&reply, "https://www.example.org/bye");
}

static void revokes_the_tokens_off_the_request(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->tokens = ",\"refresh_token\":\"refresh\"";
    flow_offer_logout(flow);
    test_http_answer(flow->http, FLOW_ISSUER "/revoke", 200, "", "");
    test_http_answer(flow->http, FLOW_ISSUER "/revoke", 200, "", "");
    flow_sign_in(flow);
    reply = post(flow, NULL);
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/revoke"), 0);
    test_env_run_jobs(flow->test);
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/revoke"), 2);
    test_http_expect_all_used(flow->http);
}

/* Leaves no room for deferred work. */
static void fill_queue(flow_t *flow)
{
    flow->test->job_count = TEST_JOBS_MAX;
}

static void signs_out_though_revocation_fails_and_logs_that(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_offer_logout(flow);
    test_http_answer(flow->http, FLOW_ISSUER "/revoke", 500, "text/html", "");
    flow_sign_in(flow);
    fill_queue(flow);
    reply = post(flow, NULL);
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_ptr_equal(strstr(reply.location, FLOW_ISSUER "/end?"), reply.location);
    assert_int_equal(reply.error.id, RP_E_REVOCATION);
    assert_non_null(reply.reference);
    assert_false(flow_is_signed_in(flow));
}

static void revokes_nothing_where_that_is_switched_off(void **state)
{
    flow_t *flow = *state;

    flow->site.logout_revoke = 0;
    flow_offer_logout(flow);
    flow_sign_in(flow);
    post(flow, NULL);
    assert_int_equal(flow->test->job_count, 0);
}

static void signs_out_while_the_provider_is_down(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_sign_in(flow);
    /* All that is known of the provider has aged away. */
    flow->own_place.limits.idle = flow->place.limits.idle = 0;
    flow->site.realm.longest = flow->own_place.limits.max = flow->place.limits.max =
        apr_time_from_sec(2 * RP_METADATA_KEEP_SECONDS);
    apr_table_clear(flow->jar);
    flow_sign_in(flow);
    test_env_advance(flow->test, RP_METADATA_KEEP_SECONDS + RP_METADATA_MAX_SECONDS);
    test_http_reset(flow->http);
    test_http_answer_error(flow->http, NULL, RP_E_PROVIDER_UNREACHABLE);
    test_http_repeat(flow->http);
    reply = post(flow, NULL);
    expect_page(&reply, SIGNED_OUT);
    assert_int_equal(reply.error.id, RP_E_PROVIDER_UNREACHABLE);
    assert_non_null(reply.reference);
    assert_false(flow_is_signed_in(flow));
}

static void ends_a_session_that_was_idle_too_long_for_the_endpoints(void **state)
{
    flow_t *flow = *state;
    const char *cookie;

    flow->place.limits.idle = 0;
    flow_sign_in(flow);
    cookie = apr_table_get(flow->jar, FLOW_SESSION_COOKIE);
    test_env_advance(flow->test, 3600);
    post(flow, NULL);
    apr_table_set(flow->jar, FLOW_SESSION_COOKIE, cookie);
    assert_false(flow_is_signed_in(flow));
}

static void asks_where_a_strict_cookie_may_have_stayed_behind(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->site.cookie_samesite = RP_SAMESITE_STRICT;
    come_from(flow, "cross-site");
    reply = flow_open(flow, "/oauth/logout");
    expect_page(&reply, CONFIRM);
    reply = flow_open(flow, "/oauth/logout?state=other");
    expect_page(&reply, SIGNED_OUT);
}

static void does_not_say_signed_out_when_the_store_is_down(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_sign_in(flow);
    flow->test->env.store = NULL;
    reply = post(flow, NULL);
    flow_expect_error(&reply, RP_E_STORE);
    assert_non_null(flow_set_cookie(&reply, FLOW_SESSION_COOKIE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_logout_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ends_the_session_and_takes_its_cookie_away),
        TEST(asks_first_when_another_site_may_have_sent_the_browser),
        TEST(does_not_sign_out_by_a_prefetch),
        TEST(believes_the_form_of_its_own_page_whatever_the_origin),
        TEST(goes_on_to_the_logout_of_the_provider),
        TEST(leaves_the_hint_out_when_the_url_would_be_too_long),
        TEST(lands_safely_with_a_state_that_is_not_its_own),
        TEST(is_no_open_redirector),
        TEST(returns_where_the_administrator_says),
        TEST(revokes_the_tokens_off_the_request),
        TEST(signs_out_though_revocation_fails_and_logs_that),
        TEST(revokes_nothing_where_that_is_switched_off),
        TEST(signs_out_while_the_provider_is_down),
        TEST(ends_a_session_that_was_idle_too_long_for_the_endpoints),
        TEST(asks_where_a_strict_cookie_may_have_stayed_behind),
        TEST(does_not_say_signed_out_when_the_store_is_down),
    };

    return cmocka_run_group_tests_name("flow: logout", tests, NULL, NULL);
}
