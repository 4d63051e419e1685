/* The authorization response, and what becomes of it: rp_callback, rp_grant. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_access.h"

static void open_tokens(flow_t *flow, const rp_reply_t *reply)
{
    assert_int_equal(rp_session_open_tokens(&flow->test->env, &flow->site.realm, reply->session),
                     APR_SUCCESS);
}

static const char *claim_of(const rp_reply_t *reply, const char *name)
{
    rp_claim_t claim;

    assert_non_null(reply->session);
    return rp_claim_find(&claim, &reply->session->record, name) ? claim.value : NULL;
}

static void signs_in_and_returns_to_where_the_user_was_going(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app?a=1");
    const char *session;

    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app?a=1");
    session = flow_set_cookie(&reply, FLOW_SESSION_COOKIE);
    assert_non_null(session);
    assert_int_equal(strcspn(session + strlen(FLOW_SESSION_COOKIE "="), ";"), 43);
    assert_null(strstr(session, "Max-Age"));
    assert_non_null(strstr(session, "; HttpOnly"));
    assert_non_null(strstr(session, "; Secure"));
    assert_non_null(strstr(session, "; SameSite=Lax"));
    assert_non_null(strstr(flow_set_cookie(&reply, FLOW_LOGIN_COOKIE), "Max-Age=0"));

    reply = flow_open(flow, "/app?a=1");
    assert_int_equal(reply.outcome, RP_PASS);
    assert_string_equal(reply.user, "alice");
    assert_string_equal(reply.session->record.issuer, FLOW_ISSUER);
    open_tokens(flow, &reply);
    assert_string_equal(reply.session->record.access_token, "access");
    assert_string_equal(reply.session->record.scope, "openid profile email");
    assert_int_equal(flow->codes_redeemed, 1);
}

static void brings_a_url_of_8000_characters_back(void **state)
{
    flow_t *flow = *state;
    char *url = apr_palloc(flow->test->env.pool, 8001);
    rp_reply_t reply;

    memset(url, 'u', 8000);
    url[0] = '/';
    url[8000] = '\0';
    reply = flow_open(flow, url);
    flow_expect_provider(&reply);
    assert_true(strlen(reply.location) < 2000);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, apr_pstrcat(flow->test->env.pool, FLOW_BASE, url, NULL));
}

static void keeps_what_is_about_the_user_and_drops_what_is_about_the_token(void **state)
{
    static const char *const dropped[] = {"nonce", "exp", "iat", "aud", "sid", "jti"};
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->claims = ",\"email\":\"a@example.com\",\"sid\":\"s1\",\"acr\":\"gold\",\"jti\":\"j\","
                   "\"groups\":[\"x\",\"y\"],\"auth_time\":1700000000";
    flow_sign_in(flow);
    reply = flow_open(flow, "/app");
    assert_string_equal(claim_of(&reply, "email"), "a@example.com");
    assert_string_equal(claim_of(&reply, "sub"), "alice");
    assert_string_equal(claim_of(&reply, "groups"), "x,y");
    for (apr_size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
        assert_null(claim_of(&reply, dropped[i]));
    }
    assert_string_equal(reply.session->record.sid, "s1");
    assert_string_equal(reply.session->record.acr, "gold");
    assert_int_equal(reply.session->record.authenticated, apr_time_from_sec(1700000000));
}

static void takes_an_auth_time_of_zero_for_none(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->claims = ",\"auth_time\":0";
    flow_sign_in(flow);
    reply = flow_open(flow, "/app");
    assert_int_equal(reply.session->record.auth_time, 0);
    assert_int_equal(reply.session->record.authenticated, flow->test->now);
}

static void use_claim(flow_t *flow, const char *name)
{
    apr_array_header_t *used = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(used, const char *) = name;
    flow->site.used_claims = used;
}

static void asks_userinfo_only_for_what_the_id_token_lacks(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    use_claim(flow, "email");
    flow->claims = ",\"email\":\"token@example.com\"";
    flow_sign_in(flow);
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/userinfo"), 0);

    apr_table_clear(flow->jar);
    flow->claims = "";
    flow_sign_in(flow);
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/userinfo"), 1);
    reply = flow_open(flow, "/app");
    assert_string_equal(claim_of(&reply, "email"), "alice@example.com");

    apr_table_clear(flow->jar);
    flow->provider.userinfo = RP_USERINFO_OFF;
    flow_sign_in(flow);
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/userinfo"), 1);
}

static void lets_userinfo_add_claims_but_never_change_them(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->provider.userinfo = RP_USERINFO_ON;
    flow->claims = ",\"email\":\"token@example.com\"";
    flow->userinfo = "{\"sub\":\"alice\",\"email\":\"info@example.com\",\"name\":\"Alice\","
                     "\"iss\":\"https://evil.example\",\"_claim_names\":{\"x\":\"y\"}}";
    flow_sign_in(flow);
    reply = flow_open(flow, "/app");
    assert_string_equal(claim_of(&reply, "email"), "token@example.com");
    assert_string_equal(claim_of(&reply, "name"), "Alice");
    assert_string_equal(claim_of(&reply, "iss"), FLOW_ISSUER);
    assert_null(claim_of(&reply, "_claim_names"));
}

/* Runs a login up to the callback and expects it to fail, for good. */
static void expect_failed_login(flow_t *flow, rp_error_id_t id)
{
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);

    reply = flow_open(flow, target);
    flow_expect_error(&reply, id);
    assert_int_equal(reply.outcome, RP_PAGE);
    assert_string_equal(reply.retry, "/app");
    assert_null(flow_set_cookie(&reply, FLOW_SESSION_COOKIE));
    assert_non_null(strstr(flow_set_cookie(&reply, FLOW_LOGIN_COOKIE), "Max-Age=0"));
    assert_false(flow_is_signed_in(flow));
}

static void gives_no_session_for_a_bad_id_token_and_asks_nothing_further(void **state)
{
    /* clang-format off */
    static const struct { const char *claims; rp_error_id_t id; } rows[] = {
        {",\"azp\":\"somebody else\"", RP_E_ID_TOKEN_AUDIENCE},
        {",\"nbf\":4000000000", RP_E_ID_TOKEN_TIME},
        {",\"at_hash\":\"AAAAAAAAAAAAAAAAAAAAAA\"", RP_E_ID_TOKEN_HASH},
    };
    /* clang-format on */
    flow_t *flow = *state;

    flow->provider.userinfo = RP_USERINFO_ON;
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        flow->claims = rows[i].claims;
        expect_failed_login(flow, rows[i].id);
    }
    flow->no_id_token = "none";
    expect_failed_login(flow, RP_E_ID_TOKEN_MISSING);
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/userinfo"), 0);
}

static void refuses_an_id_token_with_the_nonce_of_another_login(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);

    flow->nonce = "another";
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_ID_TOKEN_NONCE);
}

static void gives_no_session_when_userinfo_is_about_somebody_else(void **state)
{
    flow_t *flow = *state;

    flow->provider.userinfo = RP_USERINFO_ON;
    flow->userinfo = "{\"sub\":\"mallory\"}";
    expect_failed_login(flow, RP_E_USERINFO_SUBJECT);
}

static void takes_the_identity_from_userinfo_in_the_oauth2_profile(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->provider.profile = RP_PROFILE_OAUTH2;
    flow->no_id_token = "none";
    flow->userinfo = "{\"login\":\"octo\",\"id\":583231}";
    reply = flow_open(flow, "/app");
    assert_null(flow_parameter(flow, reply.location, "nonce"));
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
    flow->place.user_claim = "login";
    reply = flow_open(flow, "/app");
    assert_string_equal(reply.user, "octo");
    assert_string_equal(reply.session->record.subject, "583231");
    assert_null(reply.session->record.scope);
}

static void ignores_an_id_token_in_the_oauth2_profile(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->provider.profile = RP_PROFILE_OAUTH2;
    flow->claims = ",\"azp\":\"somebody else\"";
    reply = flow_open(flow, "/app");
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
    reply = flow_open(flow, "/app");
    open_tokens(flow, &reply);
    assert_null(reply.session->record.id_token);
    assert_null(claim_of(&reply, "azp"));
}

static void shows_an_error_of_the_provider_once_and_without_its_words(void **state)
{
    /* clang-format off */
    static const struct { const char *query; rp_error_id_t id; } rows[] = {
        {"error=access_denied&error_description=PWNED", RP_E_PROVIDER_DENIED},
        {"error=login_required&error_description=PWNED&code=code", RP_E_PROVIDER_INTERACTION},
        {"error=server_error&error_uri=javascript:PWNED", RP_E_PROVIDER_ERROR},
        {"error=PWNED", RP_E_PROVIDER_ERROR},
        {"error=access_denied&iss=https://PWNED.example", RP_E_ISSUER_MISMATCH},
        {"code=code&iss=https://PWNED.example", RP_E_ISSUER_MISMATCH},
        {"foo=PWNED", RP_E_CALLBACK_PARAMETERS},
    };
    /* clang-format on */
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rp_reply_t reply = flow_open(flow, "/app");
        const char *target = flow_authorize(flow, reply.location);

        target = apr_pstrcat(flow->test->env.pool, "/oauth/callback?", rows[i].query, "&",
                             strstr(target, "state="), NULL);
        reply = flow_open(flow, target);
        flow_expect_error(&reply, rows[i].id);
        assert_null(strstr(reply.body, "PWNED"));
        assert_non_null(strstr(flow_set_cookie(&reply, FLOW_LOGIN_COOKIE), "Max-Age=0"));
        /* Used up by the error too (C02): the same answer starts over instead of being believed. */
        reply = flow_open(flow, target);
        flow_expect_provider(&reply);
    }
    assert_int_equal(flow->codes_redeemed, 0);
}

static void refuses_answers_that_are_not_well_formed(void **state)
{
    /* clang-format off */
    static const struct { const char *query; rp_error_id_t id; } rows[] = {
        {"", RP_E_STATE_MISSING},
        {"code=code", RP_E_STATE_MISSING},
        {"error=access_denied", RP_E_STATE_MISSING},
        {"code=code&state=nonsense", RP_E_STATE_INVALID},
        {"code=code&state=", RP_E_STATE_MISSING},
        {"code=code&state=a&state=a", RP_E_CALLBACK_PARAMETERS},
        {"code=code&code=code&state=a", RP_E_CALLBACK_PARAMETERS},
        {"code=%zz&state=a", RP_E_CALLBACK_PARAMETERS},
        {"code=%00&state=a", RP_E_CALLBACK_PARAMETERS},
    };
    /* clang-format on */
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rp_reply_t reply = flow_open(
            flow, apr_pstrcat(flow->test->env.pool, "/oauth/callback?", rows[i].query, NULL));

        if (reply.error.id != rows[i].id) {
            fail_msg("row: %s", rows[i].query);
        }
        flow_expect_error(&reply, rows[i].id);
        assert_null(reply.set_cookies);
    }
    assert_int_equal(test_http_calls(flow->http), 0);
}

static void takes_an_answer_only_in_the_configured_way(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);

    reply = flow_request(flow, "HEAD", target, NULL);
    flow_expect_error(&reply, RP_E_CALLBACK_METHOD);
    apr_table_set(flow->headers, "Content-Type", "application/x-www-form-urlencoded");
    reply = flow_request(flow, "POST", "/oauth/callback", strchr(target, '?') + 1);
    flow_expect_error(&reply, RP_E_CALLBACK_METHOD);
    assert_string_equal(reply.allow, "GET");
    reply = flow_request(flow, "POST", target, NULL);
    flow_expect_error(&reply, RP_E_STATE_MISSING);
    reply = flow_open(flow, target);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
}

static void takes_a_posted_answer_where_form_post_is_configured(void **state)
{
    flow_t *flow = *state;
    const char *target;
    rp_reply_t reply;

    flow->provider.response_mode = RP_RESPONSE_FORM_POST;
    apr_table_set(flow->headers, "Content-Type", "application/x-www-form-urlencoded");
    reply = flow_open(flow, "/app");
    target = flow_authorize(flow, reply.location);
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_CALLBACK_METHOD);
    assert_string_equal(reply.allow, "POST");
    reply = flow_request(flow, "POST", "/oauth/callback", strchr(target, '?') + 1);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
}

static void starts_again_where_the_login_was_going_and_then_explains(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app?x=1");

    for (int attempt = 1; attempt < RP_LOGIN_ATTEMPTS; attempt++) {
        apr_table_clear(flow->jar);
        reply = flow_come_back(flow, reply.location);
        flow_expect_provider(&reply);
    }
    apr_table_clear(flow->jar);
    reply = flow_come_back(flow, reply.location);
    flow_expect_error(&reply, RP_E_STATE_UNBOUND);
    assert_string_equal(reply.retry, "/app?x=1");
    assert_int_equal(flow->codes_redeemed, 0);
}

static void heals_by_itself_when_the_cookie_comes_back_the_second_time(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app?x=1");

    apr_table_clear(flow->jar);
    reply = flow_come_back(flow, reply.location);
    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app?x=1");
}

static void acts_on_nothing_that_another_browser_brought(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);

    /* The victim has a login of her own under way. */
    apr_table_clear(flow->jar);
    flow_open(flow, "/mine");
    reply = flow_open(flow, target);
    flow_expect_provider(&reply);
    assert_int_equal(flow->codes_redeemed, 0);
    assert_false(flow_is_signed_in(flow));
    reply =
        flow_open(flow, apr_pstrcat(flow->test->env.pool, "/oauth/callback?error=access_denied&",
                                    strstr(target, "state="), NULL));
    flow_expect_provider(&reply);
}

static void starts_again_after_ten_minutes(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");

    for (int attempt = 1; attempt <= RP_LOGIN_ATTEMPTS; attempt++) {
        const char *target = flow_authorize(flow, reply.location);

        test_env_advance(flow->test, RP_LOGIN_SECONDS);
        reply = flow_open(flow, target);
        if (attempt < RP_LOGIN_ATTEMPTS) {
            flow_expect_provider(&reply);
        }
    }
    flow_expect_error(&reply, RP_E_STATE_EXPIRED);
    assert_int_equal(flow->codes_redeemed, 0);
}

static void goes_where_it_was_going_when_the_back_button_repeats_an_answer(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app?x=1");
    const char *target = flow_authorize(flow, reply.location);

    reply = flow_open(flow, target);
    flow_expect_redirect(&reply, FLOW_BASE "/app?x=1");
    reply = flow_open(flow, target);
    flow_expect_redirect(&reply, FLOW_BASE "/app?x=1");
    assert_null(reply.set_cookies);
    assert_int_equal(flow->codes_redeemed, 1);
}

static void never_redeems_a_code_twice_also_with_the_login_cookie_kept(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);
    const char *binding = apr_table_get(flow->jar, FLOW_LOGIN_COOKIE);

    reply = flow_open(flow, target);
    apr_table_clear(flow->jar);
    apr_table_set(flow->jar, FLOW_LOGIN_COOKIE, binding);
    reply = flow_open(flow, target);
    flow_expect_provider(&reply);
    assert_int_equal(flow->codes_redeemed, 1);
}

static void serves_many_tabs_with_one_cookie(void **state)
{
    flow_t *flow = *state;
    rp_reply_t first = flow_open(flow, "/one");
    rp_reply_t second = flow_open(flow, "/two");
    rp_reply_t third = flow_open(flow, "/three");
    rp_reply_t reply = flow_come_back(flow, second.location);

    flow_expect_redirect(&reply, FLOW_BASE "/two");
    reply = flow_come_back(flow, first.location);
    flow_expect_redirect(&reply, FLOW_BASE "/one");
    reply = flow_come_back(flow, third.location);
    flow_expect_redirect(&reply, FLOW_BASE "/three");
    assert_int_equal(flow->codes_redeemed, 1);
}

static void refuses_an_answer_for_a_provider_that_is_configured_anew(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);

    flow->provider.context = "another client";
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_CONFIGURATION_CHANGED);
    assert_int_equal(flow->codes_redeemed, 0);
}

static void gives_every_login_a_new_session_and_ends_the_old_one(void **state)
{
    flow_t *flow = *state;
    const char *old;
    rp_reply_t reply;

    flow_sign_in(flow);
    old = apr_table_get(flow->jar, FLOW_SESSION_COOKIE);
    flow->subject = "bob";
    reply = flow_open(flow, "/oauth/login?return_to=/app");
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
    assert_string_not_equal(apr_table_get(flow->jar, FLOW_SESSION_COOKIE), old);
    reply = flow_open(flow, "/app");
    assert_string_equal(reply.user, "bob");
    apr_table_set(flow->jar, FLOW_SESSION_COOKIE, old);
    assert_false(flow_is_signed_in(flow));
}

static void goes_on_by_a_page_of_its_own_where_cookies_are_strict(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->site.cookie_samesite = RP_SAMESITE_STRICT;
    reply = flow_open(flow, "/app?a=1&b=2");
    reply = flow_come_back(flow, reply.location);
    assert_int_equal(reply.outcome, RP_PAGE);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "<meta http-equiv=\"refresh\" content=\"0; url=" FLOW_BASE
                                       "/app?a=1&amp;b=2\">"));
    assert_non_null(strstr(flow_set_cookie(&reply, FLOW_SESSION_COOKIE), "; SameSite=Strict"));
    assert_true(flow_is_signed_in(flow));
}

static void remembers_the_scope_that_the_place_asked_for(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *scope = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    rp_reply_t reply;

    APR_ARRAY_PUSH(scope, const char *) = "openid";
    APR_ARRAY_PUSH(scope, const char *) = "orders:read";
    flow->place.scope = scope;
    reply = flow_open(flow, "/app");
    apr_table_clear(flow->jar);
    reply = flow_come_back(flow, reply.location);
    assert_string_equal(flow_parameter(flow, reply.location, "scope"), "openid orders:read");
    flow_come_back(flow, reply.location);
    reply = flow_open(flow, "/app");
    assert_string_equal(reply.session->record.scope, "openid orders:read");

    apr_table_clear(flow->jar);
    flow->tokens = ",\"scope\":\"openid\",\"expires_in\":60,\"refresh_token\":\"r\"";
    flow_sign_in(flow);
    reply = flow_open(flow, "/app");
    assert_string_equal(reply.session->record.scope, "openid");
    open_tokens(flow, &reply);
    assert_string_equal(reply.session->record.refresh_token, "r");
    assert_int_equal(reply.session->record.token_expires, flow->test->now + apr_time_from_sec(60));
}

static void claims_no_scope_when_the_one_asked_for_is_too_long_to_remember(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *scope = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    char *word = apr_palloc(flow->test->env.pool, 601);
    rp_reply_t reply;

    memset(word, 's', 600);
    word[600] = '\0';
    APR_ARRAY_PUSH(scope, const char *) = word;
    flow->place.scope = scope;
    flow_sign_in(flow);
    reply = flow_open(flow, "/app");
    assert_null(reply.session->record.scope);
}

static void says_when_the_provider_cannot_be_reached(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");
    const char *target = flow_authorize(flow, reply.location);

    test_http_reset(flow->http);
    test_http_answer_error(flow->http, FLOW_ISSUER "/token", RP_E_PROVIDER_UNREACHABLE);
    reply = flow_open(flow, target);
    flow_expect_error(&reply, RP_E_PROVIDER_UNREACHABLE);
    assert_int_equal(reply.retry_after, 30);
    assert_false(flow_is_signed_in(flow));
    test_http_expect_all_used(flow->http);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_callback_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signs_in_and_returns_to_where_the_user_was_going),
        TEST(brings_a_url_of_8000_characters_back),
        TEST(keeps_what_is_about_the_user_and_drops_what_is_about_the_token),
        TEST(takes_an_auth_time_of_zero_for_none),
        TEST(asks_userinfo_only_for_what_the_id_token_lacks),
        TEST(lets_userinfo_add_claims_but_never_change_them),
        TEST(gives_no_session_for_a_bad_id_token_and_asks_nothing_further),
        TEST(refuses_an_id_token_with_the_nonce_of_another_login),
        TEST(gives_no_session_when_userinfo_is_about_somebody_else),
        TEST(takes_the_identity_from_userinfo_in_the_oauth2_profile),
        TEST(ignores_an_id_token_in_the_oauth2_profile),
        TEST(shows_an_error_of_the_provider_once_and_without_its_words),
        TEST(refuses_answers_that_are_not_well_formed),
        TEST(takes_an_answer_only_in_the_configured_way),
        TEST(takes_a_posted_answer_where_form_post_is_configured),
        TEST(starts_again_where_the_login_was_going_and_then_explains),
        TEST(heals_by_itself_when_the_cookie_comes_back_the_second_time),
        TEST(acts_on_nothing_that_another_browser_brought),
        TEST(starts_again_after_ten_minutes),
        TEST(goes_where_it_was_going_when_the_back_button_repeats_an_answer),
        TEST(never_redeems_a_code_twice_also_with_the_login_cookie_kept),
        TEST(serves_many_tabs_with_one_cookie),
        TEST(refuses_an_answer_for_a_provider_that_is_configured_anew),
        TEST(gives_every_login_a_new_session_and_ends_the_old_one),
        TEST(goes_on_by_a_page_of_its_own_where_cookies_are_strict),
        TEST(remembers_the_scope_that_the_place_asked_for),
        TEST(claims_no_scope_when_the_one_asked_for_is_too_long_to_remember),
        TEST(says_when_the_provider_cannot_be_reached),
    };

    return cmocka_run_group_tests_name("flow: callback", tests, NULL, NULL);
}
