/* Starting a login: rp_login. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"

static const char *text_of(flow_t *flow, const char *begin, apr_size_t len)
{
    char *text = apr_palloc(flow->test->env.pool, len + 1);

    memset(text, 'x', len);
    memcpy(text, begin, strlen(begin));
    text[len] = '\0';
    return text;
}

static void sends_the_browser_to_the_provider(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app?a=1&b=2");

    flow_expect_provider(&reply);
    assert_string_equal(flow_parameter(flow, reply.location, "response_type"), "code");
    assert_string_equal(flow_parameter(flow, reply.location, "client_id"), "client");
    assert_string_equal(flow_parameter(flow, reply.location, "scope"), "openid profile email");
    assert_int_equal(strlen(flow_parameter(flow, reply.location, "nonce")), 43);
    assert_true(strlen(flow_parameter(flow, reply.location, "state")) < 1200);
    assert_null(flow_parameter(flow, reply.location, "response_mode"));
}

static void binds_the_login_to_the_browser_with_one_cookie(void **state)
{
    flow_t *flow = *state;
    rp_reply_t first = flow_open(flow, "/app");
    rp_reply_t second = flow_open(flow, "/other");
    const char *cookie = flow_set_cookie(&first, FLOW_LOGIN_COOKIE);

    assert_non_null(cookie);
    assert_int_equal(strcspn(cookie + strlen(FLOW_LOGIN_COOKIE "="), ";"), 43);
    assert_non_null(strstr(cookie, "; HttpOnly"));
    assert_non_null(strstr(cookie, "; Secure"));
    assert_non_null(strstr(cookie, "; SameSite=Lax"));
    assert_non_null(strstr(cookie, "; Path=/"));
    assert_non_null(strstr(cookie, "; Max-Age=600"));
    assert_null(strstr(cookie, "Domain"));
    assert_string_equal(flow_set_cookie(&second, FLOW_LOGIN_COOKIE), cookie);
    assert_int_equal(second.set_cookies->nelts, 1);
}

static void makes_a_new_cookie_for_one_that_cannot_be_its_own(void **state)
{
    static const char *const values[] = {"", "short", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
                                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const char *sent = values[i];
        rp_reply_t reply;

        apr_table_set(flow->jar, FLOW_LOGIN_COOKIE, sent);
        reply = flow_open(flow, "/app");
        flow_expect_provider(&reply);
        assert_string_not_equal(apr_table_get(flow->jar, FLOW_LOGIN_COOKIE), sent);
    }
}

static void lets_the_cookie_come_back_with_a_form_where_the_provider_posts_one(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->provider.response_mode = RP_RESPONSE_FORM_POST;
    reply = flow_open(flow, "/app");
    assert_string_equal(flow_parameter(flow, reply.location, "response_mode"), "form_post");
    assert_non_null(strstr(flow_set_cookie(&reply, FLOW_LOGIN_COOKIE), "; SameSite=None"));
    assert_non_null(strstr(flow_set_cookie(&reply, FLOW_LOGIN_COOKIE), "; Secure"));
}

static void never_sets_samesite_none_over_plain_http(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->provider.response_mode = RP_RESPONSE_FORM_POST;
    flow->site.secure = 0;
    flow->site.base_url = "http://localhost";
    flow->site.login_cookie_name = "oauth-login";
    reply = flow_open(flow, "/app");
    assert_non_null(strstr(flow_set_cookie(&reply, "oauth-login"), "; SameSite=Lax"));
    assert_null(strstr(flow_set_cookie(&reply, "oauth-login"), "Secure"));
}

static void asks_for_the_places_scope(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *scope = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    rp_reply_t reply;

    APR_ARRAY_PUSH(scope, const char *) = "openid";
    APR_ARRAY_PUSH(scope, const char *) = "orders:read";
    flow->place.scope = scope;
    reply = flow_open(flow, "/app");
    assert_string_equal(flow_parameter(flow, reply.location, "scope"), "openid orders:read");
}

static void refuses_an_address_that_is_too_long_or_odd_to_return_to(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, text_of(flow, "/", RP_MAX_RETURN_URL + 1));

    flow_expect_error(&reply, RP_E_RETURN_URL_TOO_LONG);
    reply = flow_open(flow, "//evil.example/");
    flow_expect_error(&reply, RP_E_RETURN_URL);
    reply = flow_open(flow, "/app/%2e%2e/%2e%2e/x");
    flow_expect_error(&reply, RP_E_RETURN_URL);
}

static void takes_an_address_with_characters_that_no_url_has(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app?q=\"\xC3\xA9 <");

    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app?q=%22%C3%A9%20%3C");
}

static void says_when_no_provider_is_set_up_for_the_place(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *use = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    rp_reply_t reply;

    APR_ARRAY_PUSH(use, const char *) = "gone";
    flow->place.use = use;
    reply = flow_open(flow, "/app");
    flow_expect_error(&reply, RP_E_PROVIDER_NONE);
}

static void use_both(flow_t *flow)
{
    apr_array_header_t *use = apr_array_make(flow->test->env.pool, 2, sizeof(const char *));

    flow_add_second(flow);
    APR_ARRAY_PUSH(use, const char *) = "";
    APR_ARRAY_PUSH(use, const char *) = "second";
    flow->place.use = use;
}

static void lets_the_user_choose_among_several_providers(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    use_both(flow);
    reply = flow_open(flow, "/app?x=1&y=2");
    assert_int_equal(reply.outcome, RP_PAGE);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "href=\"/oauth/login?provider=&amp;return_to="
                                       "%2Fapp%3Fx%3D1%26y%3D2\""));
    assert_non_null(strstr(reply.body, "href=\"/oauth/login?provider=second&amp;return_to="));
    assert_int_equal(test_http_calls(flow->http), 0);

    reply = flow_open(flow, "/oauth/login?provider=second&return_to=%2Fapp%3Fx%3D1");
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_ptr_equal(strstr(reply.location, "https://second.example/authorize?"), reply.location);
}

/* clang-format off */
static const struct {
    const char *query;
    rp_error_id_t error; /* RP_E_NONE: a login */
} queries[] = {
    {"", RP_E_NONE},
    {"return_to=/app", RP_E_NONE},
    {"return_to=%2Fapp%3Fx%3D1&provider=", RP_E_NONE},
    {"unknown=1&unknown=2", RP_E_NONE},
    {"return_to=" FLOW_BASE "/x", RP_E_NONE},
    {"return_to=/a&return_to=/a", RP_E_ENDPOINT_PARAMETERS},
    {"provider=&provider=", RP_E_ENDPOINT_PARAMETERS},
    {"return_to=%zz", RP_E_ENDPOINT_PARAMETERS},
    {"return_to=/%00", RP_E_ENDPOINT_PARAMETERS},
    {"preserved=short", RP_E_ENDPOINT_PARAMETERS},
    {"provider=nobody", RP_E_PROVIDER_CHOICE},
    {"return_to=", RP_E_RETURN_URL},
    {"return_to=app", RP_E_RETURN_URL},
    {"return_to=//evil.example", RP_E_RETURN_URL},
    {"return_to=%2F%5Cevil.example", RP_E_RETURN_URL},
    {"return_to=https://evil.example/", RP_E_RETURN_URL},
    {"return_to=https://www.example@evil.example/", RP_E_RETURN_URL},
    {"return_to=javascript:alert(1)", RP_E_RETURN_URL},
    {"return_to=/oauth/logout", RP_E_RETURN_URL},
};
/* clang-format on */

static void judges_the_parameters_of_the_login_endpoint(void **state)
{
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const char *target =
            apr_pstrcat(flow->test->env.pool, "/oauth/login?", queries[i].query, NULL);
        rp_reply_t reply = flow_open(flow, target);

        if (reply.error.id != queries[i].error) {
            fail_msg("row: %s", queries[i].query);
        }
        if (queries[i].error == RP_E_NONE) {
            flow_expect_provider(&reply);
        } else {
            flow_expect_error(&reply, queries[i].error);
            assert_null(reply.set_cookies);
        }
    }
}

static void refuses_a_return_to_that_is_too_long(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply =
        flow_open(flow, text_of(flow, "/oauth/login?return_to=/", RP_MAX_RETURN_URL + 100));

    flow_expect_error(&reply, RP_E_RETURN_URL_TOO_LONG);
}

static void returns_to_an_origin_that_the_administrator_allows(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *allowed = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    rp_reply_t reply;

    APR_ARRAY_PUSH(allowed, const char *) = "https://other.example";
    flow->site.return_to = allowed;
    reply = flow_open(flow, "/oauth/login?return_to=https://other.example/x");
    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, "https://other.example/x");
}

static void offers_all_providers_where_the_virtual_host_names_none(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_add_second(flow);
    flow->providers[0] = &flow->second;
    flow->providers[1] = NULL;
    reply = flow_open(flow, "/oauth/login");
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_ptr_equal(strstr(reply.location, "https://second.example/authorize?"), reply.location);
    flow->provider.name = "first";
    flow->providers[1] = &flow->provider;
    reply = flow_open(flow, "/oauth/login");
    assert_int_equal(reply.outcome, RP_PAGE);
    flow->providers[0] = NULL;
    reply = flow_open(flow, "/oauth/login");
    flow_expect_error(&reply, RP_E_PROVIDER_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_login_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sends_the_browser_to_the_provider),
        TEST(binds_the_login_to_the_browser_with_one_cookie),
        TEST(makes_a_new_cookie_for_one_that_cannot_be_its_own),
        TEST(lets_the_cookie_come_back_with_a_form_where_the_provider_posts_one),
        TEST(never_sets_samesite_none_over_plain_http),
        TEST(asks_for_the_places_scope),
        TEST(refuses_an_address_that_is_too_long_or_odd_to_return_to),
        TEST(takes_an_address_with_characters_that_no_url_has),
        TEST(says_when_no_provider_is_set_up_for_the_place),
        TEST(lets_the_user_choose_among_several_providers),
        TEST(judges_the_parameters_of_the_login_endpoint),
        TEST(refuses_a_return_to_that_is_too_long),
        TEST(returns_to_an_origin_that_the_administrator_allows),
        TEST(offers_all_providers_where_the_virtual_host_names_none),
    };

    return cmocka_run_group_tests_name("flow: login", tests, NULL, NULL);
}
