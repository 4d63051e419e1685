/* Programs with bearer tokens: what they may send, who they are, and what they are told. */
#include "flow_bearer.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_access.h"
#include "../../src/flow/rp_export.h"
#include "../../src/session/rp_asked.h"
#include "../../src/session/rp_session_cache.h"
#include "test_store.h"

#define SECOND "https://second.example"

/* --- what the tests share --- */

static const char *metadata_of(flow_t *flow, const char *issuer, const char *more)
{
    return apr_pstrcat(flow->test->env.pool, "{\"issuer\":\"", issuer,
                       "\",\"authorization_endpoint\":\"", issuer, "/authorize\"",
                       ",\"token_endpoint\":\"", issuer, "/token\",\"jwks_uri\":\"", issuer,
                       "/jwks\"", more, "}", NULL);
}

static void answer(flow_t *flow, const char *url, const char *body)
{
    test_http_answer(flow->http, url, 200, "application/json", body);
    test_http_repeat(flow->http);
}

static const apr_array_header_t *list_of(flow_t *flow, const char *value)
{
    apr_array_header_t *list = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = value;
    return list;
}

int bearer_setup(void **state)
{
    static const unsigned char secret[] = "a-secret-of-the-client";
    flow_t *flow = flow_make();

    *state = flow;
    flow->provider.client_secret.data = apr_pmemdup(flow->test->env.pool, secret, sizeof(secret));
    flow->provider.client_secret.len = sizeof(secret) - 1;
    flow->provider.client_auth = RP_CLIENT_AUTH_BASIC;
    flow->place.accept = RP_ACCEPT_BEARER;
    flow->place.audience = list_of(flow, API);
    test_http_reset(flow->http);
    answer(flow, FLOW_ISSUER "/.well-known/",
           metadata_of(flow, FLOW_ISSUER, ",\"introspection_endpoint\":\"" INTROSPECTION "\""));
    answer(flow, FLOW_ISSUER "/jwks", test_sign_jwks(flow->test->env.pool, flow->key, NULL));
    apr_table_clear(flow->headers);
    apr_table_set(flow->headers, "Accept", "*/*");
    bearer_change_process(flow);
    return 0;
}

void bearer_change_process(flow_t *flow)
{
    flow->test->env.bearers = rp_session_cache_make(4, flow->test->env.pool);
    flow->test->env.asked = rp_asked_make(flow->test->env.pool);
}

const char *bearer_jwt(flow_t *flow, const char *claims)
{
    apr_pool_t *pool = flow->test->env.pool;
    apr_time_t now = apr_time_sec(flow->test->now);
    json_t *all = json_pack("{ss ss ss ss ss sI sI}", "iss", FLOW_ISSUER, "aud", API, "sub",
                            "alice", "client_id", "cli", "jti", "j1", "iat", (json_int_t)now, "exp",
                            (json_int_t)now + 3600);
    json_t *more = json_loads(*claims ? claims : "{}", 0, NULL);
    const char *token;
    char *text;

    assert_int_equal(json_object_update(all, more), 0);
    text = json_dumps(all, JSON_COMPACT);
    token = test_sign_jwt(flow->key, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", text,
                          pool);
    free(text);
    json_decref(more);
    json_decref(all);
    return token;
}

void bearer_answers(flow_t *flow, const char *members)
{
    answer(flow, INTROSPECTION,
           apr_pstrcat(flow->test->env.pool,
                       "{\"active\":true,\"sub\":\"alice\",\"aud\":\"" API "\"", members, "}",
                       NULL));
}

void bearer_answers_inactive(flow_t *flow)
{
    answer(flow, INTROSPECTION, "{\"active\":false}");
}

rp_reply_t bearer_get_with(flow_t *flow, const char *authorization)
{
    if (authorization) {
        apr_table_set(flow->headers, "Authorization", authorization);
    } else {
        apr_table_unset(flow->headers, "Authorization");
    }
    return flow_open(flow, "/app");
}

rp_reply_t bearer_get(flow_t *flow, const char *token)
{
    return bearer_get_with(flow, apr_pstrcat(flow->test->env.pool, "Bearer ", token, NULL));
}

void bearer_expect_user(const rp_reply_t *reply, const char *user)
{
    if (reply->outcome != RP_PASS) {
        fail_msg("OA-%d: %s", (int)reply->error.id,
                 reply->error.detail ? reply->error.detail : "no error");
    }
    assert_non_null(reply->session);
    assert_true(reply->session->bearer);
    assert_string_equal(reply->user, user);
}

static void expect_refusal(const rp_reply_t *reply, rp_error_id_t id, const char *challenge)
{
    flow_expect_error(reply, id);
    assert_int_equal(reply->outcome == RP_CHALLENGE, reply->status == 401);
    if (!challenge) {
        assert_null(reply->challenge);
        return;
    }
    assert_non_null(reply->challenge);
    assert_ptr_equal(strstr(reply->challenge, challenge), reply->challenge);
    assert_string_equal(reply->content_type, "application/json");
}

#define INVALID_TOKEN "error=\"invalid_token\""
#define INVALID_REQUEST "error=\"invalid_request\""

/* --- tests --- */

static void whoever_brings_a_good_token_is_its_subject(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = bearer_get(
        flow,
        bearer_jwt(flow, "{\"scope\":\"read write\",\"acr\":\"gold\",\"auth_time\":1767225000,"
                         "\"email\":\"a@example.com\",\"groups\":[\"x\",\"y\"]}"));
    const rp_record_t *record = &reply.session->record;
    const char *value;

    bearer_expect_user(&reply, "alice");
    assert_null(reply.set_cookies);
    assert_null(reply.backend_token);
    assert_string_equal(record->issuer, FLOW_ISSUER);
    assert_string_equal(record->provider, "");
    assert_string_equal(record->scope, "read write");
    assert_string_equal(record->acr, "gold");
    assert_int_equal(apr_time_sec(record->authenticated), 1767225000);
    assert_int_equal(rp_export_claim(&value, &flow->test->env, reply.session, "groups"),
                     APR_SUCCESS);
    assert_string_equal(value, "x,y");
    assert_int_equal(rp_export_claim(&value, &flow->test->env, reply.session, "client_id"),
                     APR_SUCCESS);
    /* What is about the token is nobody's claim. */
    assert_int_equal(rp_export_claim(&value, &flow->test->env, reply.session, "aud"), APR_NOTFOUND);
    assert_int_equal(rp_export_claim(&value, &flow->test->env, reply.session, "jti"), APR_NOTFOUND);
}

static void when_somebody_signed_in_is_not_guessed(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = bearer_get(flow, bearer_jwt(flow, ""));

    bearer_expect_user(&reply, "alice");
    assert_int_equal(reply.session->record.authenticated, 0);
    assert_int_equal(reply.session->record.auth_time, 0);
}

static void the_user_is_the_claim_that_is_configured(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->place.user_claim = "email";
    reply = bearer_get(flow, bearer_jwt(flow, "{\"email\":\"a@b.c\",\"email_verified\":true}"));
    bearer_expect_user(&reply, "a@b.c");
    reply = bearer_get(flow, bearer_jwt(flow, "{\"email\":\"a@b.c\",\"email_verified\":false}"));
    flow_expect_error(&reply, RP_E_EMAIL_UNVERIFIED);
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    flow_expect_error(&reply, RP_E_USER_CLAIM);
}

typedef struct {
    const char *row;
    const char *authorization; /* with %s for a good token */
    rp_error_id_t id;
} header_row_t;

static const header_row_t headers[] = {
    {"as it should be", "Bearer %s", RP_E_NONE},
    {"the scheme in lower case", "bearer %s", RP_E_NONE},
    {"the scheme in upper case", "BEARER %s", RP_E_NONE},
    {"two spaces", "Bearer  %s", RP_E_NONE},
    {"another scheme", "Basic YWxpY2U6YWxpY2U=", RP_E_UNAUTHENTICATED},
    {"a longer scheme", "BearerX %s", RP_E_UNAUTHENTICATED},
    {"a comma in a quoted string", "Digest username=\"a, Bearer x\", uri=\"/\"",
     RP_E_UNAUTHENTICATED},
    {"a quote in a quoted string", "Digest username=\"a\\\", Bearer x\", uri=\"/\"",
     RP_E_UNAUTHENTICATED},
    {"empty", "", RP_E_UNAUTHENTICATED},
    {"no token", "Bearer", RP_E_BEARER_REQUEST},
    {"no token but a space", "Bearer ", RP_E_BEARER_REQUEST},
    {"a tab", "Bearer\t%s", RP_E_BEARER_REQUEST},
    {"two tokens", "Bearer %s %s", RP_E_BEARER_REQUEST},
    {"two headers", "Bearer %s, Bearer %s", RP_E_BEARER_REQUEST},
    {"two headers of two kinds", "Bearer %s, Basic YWxpY2U6YWxpY2U=", RP_E_BEARER_REQUEST},
    {"the other first", "Basic YWxpY2U6YWxpY2U=, Bearer %s", RP_E_BEARER_REQUEST},
    {"an empty one first", ", Bearer %s", RP_E_BEARER_REQUEST},
    {"the scheme alone first", "Bearer, Bearer %s", RP_E_BEARER_REQUEST},
    {"in quotes", "Bearer \"%s\"", RP_E_BEARER_REQUEST},
    {"as a parameter", "Bearer token=%s", RP_E_BEARER_REQUEST},
    {"a character of no token", "Bearer %s!", RP_E_BEARER_REQUEST},
    {"only padding", "Bearer ==", RP_E_BEARER_REQUEST},
    {"padding inside", "Bearer a=b", RP_E_BEARER_REQUEST},
};

static void judges_the_header_by_the_grammar(void **state)
{
    flow_t *flow = *state;
    const char *token = bearer_jwt(flow, "");

    for (apr_size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const header_row_t *row = &headers[i];
        const char *text = row->authorization;
        const char *made = "";
        rp_reply_t reply;

        for (const char *at = strstr(text, "%s"); at; at = strstr(text, "%s")) {
            made = apr_pstrcat(flow->test->env.pool, made,
                               apr_pstrmemdup(flow->test->env.pool, text, (apr_size_t)(at - text)),
                               token, NULL);
            text = at + 2;
        }
        reply = bearer_get_with(flow, apr_pstrcat(flow->test->env.pool, made, text, NULL));
        if (reply.error.id != row->id) {
            fail_msg("%s: OA-%d", row->row, (int)reply.error.id);
        }
        if (row->id == RP_E_BEARER_REQUEST) {
            expect_refusal(&reply, row->id, INVALID_REQUEST);
        } else if (row->id != RP_E_NONE) {
            expect_refusal(&reply, row->id, NULL);
        }
    }
}

static void a_token_that_is_too_long_is_not_looked_at(void **state)
{
    flow_t *flow = *state;
    char *token = apr_palloc(flow->test->env.pool, RP_MAX_TOKEN + 2);
    rp_reply_t reply;

    memset(token, 'a', RP_MAX_TOKEN + 1);
    token[RP_MAX_TOKEN + 1] = '\0';
    reply = bearer_get(flow, token);
    expect_refusal(&reply, RP_E_BEARER_REQUEST, INVALID_REQUEST);
    assert_int_equal(test_http_calls(flow->http), 0);
}

static void no_credential_is_answered_with_a_challenge_without_an_error(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = bearer_get_with(flow, NULL);

    expect_refusal(&reply, RP_E_UNAUTHENTICATED, NULL);
    assert_int_equal(reply.outcome, RP_CHALLENGE);
}

static void a_bad_token_is_answered_with_fixed_text(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = bearer_get(flow, bearer_jwt(flow, "{\"aud\":\"https://evil.example\"}"));

    expect_refusal(&reply, RP_E_BEARER_TOKEN, INVALID_TOKEN);
    reply = bearer_get(flow, test_sign_jwt(flow->key, NULL,
                                           "{\"iss\":\"" FLOW_ISSUER "\",\"sub\":\"evil\"}",
                                           flow->test->env.pool));
    expect_refusal(&reply, RP_E_BEARER_TOKEN, INVALID_TOKEN);
    assert_null(strstr(reply.body, "evil"));
    assert_null(strstr(reply.challenge, "evil"));
    assert_int_equal(test_http_calls_to(flow->http, INTROSPECTION), 0);
}

static void a_bad_token_is_refused_also_where_anonymous_requests_pass(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->place.unauthenticated = RP_UNAUTHENTICATED_PASS;
    reply = bearer_get(flow, bearer_jwt(flow, "{\"exp\":1}"));
    expect_refusal(&reply, RP_E_BEARER_TOKEN, INVALID_TOKEN);
    reply = bearer_get_with(flow, NULL);
    assert_int_equal(reply.outcome, RP_PASS);
    assert_null(reply.session);
}

static void navigate(flow_t *flow)
{
    apr_table_set(flow->headers, "Accept", "text/html");
    apr_table_set(flow->headers, "Sec-Fetch-Mode", "navigate");
    apr_table_set(flow->headers, "Sec-Fetch-Dest", "document");
    apr_table_set(flow->headers, "Sec-Fetch-Site", "same-origin");
}

static void a_place_for_programs_sends_nobody_to_a_login(void **state)
{
    static const rp_unauthenticated_t ways[] = {RP_UNAUTHENTICATED_AUTO, RP_UNAUTHENTICATED_LOGIN,
                                                RP_UNAUTHENTICATED_CHALLENGE};
    flow_t *flow = *state;
    rp_reply_t reply;

    navigate(flow);
    for (apr_size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        flow->place.unauthenticated = ways[i];
        reply = bearer_get_with(flow, NULL);
        assert_int_equal(reply.outcome, RP_CHALLENGE);
        flow_expect_error(&reply, RP_E_UNAUTHENTICATED);
    }
}

/* The browser of the fixture has signed in. */
static void sign_in(flow_t *flow)
{
    const rp_place_t place = flow->place;

    flow->place.accept = RP_ACCEPT_SESSION;
    navigate(flow);
    test_http_reset(flow->http);
    flow->provider.client_auth = RP_CLIENT_AUTH_NONE;
    flow_offer_logout(flow);
    flow_sign_in(flow);
    flow->place = place;
}

static void cookies_count_only_where_sessions_are_accepted(void **state)
{
    flow_t *flow = *state;
    const char *token;
    rp_reply_t reply;

    sign_in(flow);
    token = bearer_jwt(flow, "");
    reply = bearer_get_with(flow, NULL);
    assert_int_equal(reply.outcome, RP_CHALLENGE);
    reply = bearer_get(flow, token);
    bearer_expect_user(&reply, "alice");
    flow->place.accept = RP_ACCEPT_SESSION | RP_ACCEPT_BEARER;
    reply = bearer_get_with(flow, NULL);
    assert_int_equal(reply.outcome, RP_PASS);
    assert_false(reply.session->bearer);
}

static void two_credentials_in_one_request_are_refused(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    sign_in(flow);
    flow->place.accept = RP_ACCEPT_SESSION | RP_ACCEPT_BEARER;
    apr_table_clear(flow->headers);
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    expect_refusal(&reply, RP_E_BEARER_REQUEST, INVALID_REQUEST);
    /* One that has ended is none. */
    test_env_advance(flow->test, 3600);
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    bearer_expect_user(&reply, "alice");
}

static void authorization_means_nothing_where_only_sessions_are_accepted(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    sign_in(flow);
    flow->place.accept = RP_ACCEPT_SESSION;
    flow->place.audience = NULL;
    reply = bearer_get(flow, "whatever it is");
    assert_int_equal(reply.outcome, RP_PASS);
    assert_false(reply.session->bearer);
    apr_table_clear(flow->jar);
    apr_table_clear(flow->headers);
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    flow_expect_error(&reply, RP_E_UNAUTHENTICATED);
}

static void the_same_place_sends_browsers_to_the_login(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->place.accept = RP_ACCEPT_SESSION | RP_ACCEPT_BEARER;
    reply = bearer_get_with(flow, NULL);
    expect_refusal(&reply, RP_E_UNAUTHENTICATED, NULL);
    navigate(flow);
    reply = bearer_get_with(flow, NULL);
    flow_expect_provider(&reply);
    reply = bearer_get(flow, bearer_jwt(flow, "{\"exp\":1}"));
    assert_int_equal(reply.outcome, RP_CHALLENGE);
    assert_int_equal(reply.error.id, RP_E_BEARER_TOKEN);
}

static void a_place_without_an_audience_lets_nobody_in(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->place.audience = NULL;
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    assert_int_equal(reply.error.id, RP_E_CONFIG_AUDIENCE);
    assert_int_equal(reply.status, 500);
    flow->place.audience = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    assert_int_equal(reply.status, 500);
    assert_null(reply.session);
}

static void the_backend_may_have_the_very_token(void **state)
{
    flow_t *flow = *state;
    const char *token = bearer_jwt(flow, "");
    rp_reply_t reply;

    flow->place.backend.kind = RP_BACKEND_USER;
    reply = bearer_get(flow, token);
    assert_string_equal(reply.backend_token, token);
    reply = bearer_get(flow, token);
    assert_string_equal(reply.backend_token, token);
    flow->place.backend.kind = RP_BACKEND_ID;
    reply = bearer_get(flow, token);
    flow_expect_error(&reply, RP_E_BACKEND_TOKEN);
}

static void exchanged_for(flow_t *flow, const char *name)
{
    test_http_answer(flow->http, FLOW_ISSUER "/token", 200, "application/json",
                     apr_pstrcat(flow->test->env.pool, "{\"access_token\":\"", name,
                                 "\",\"issued_token_type\":"
                                 "\"urn:ietf:params:oauth:token-type:access_token\","
                                 "\"token_type\":\"Bearer\",\"expires_in\":300}",
                                 NULL));
}

static void the_backend_may_have_a_token_exchanged_for_it_and_for_it_alone(void **state)
{
    flow_t *flow = *state;
    const char *one = bearer_jwt(flow, "{\"jti\":\"one\"}");
    const char *other = bearer_jwt(flow, "{\"jti\":\"other\"}");
    rp_reply_t reply;

    flow->place.backend = (rp_backend_token_t){.kind = RP_BACKEND_EXCHANGE, .audience = "deep"};
    exchanged_for(flow, "for-one");
    exchanged_for(flow, "for-other");
    reply = bearer_get(flow, one);
    assert_string_equal(reply.backend_token, "for-one");
    reply = bearer_get(flow, other);
    assert_string_equal(reply.backend_token, "for-other");
    bearer_change_process(flow);
    reply = bearer_get(flow, one);
    assert_string_equal(reply.backend_token, "for-one");
    assert_int_equal(test_http_calls_to(flow->http, FLOW_ISSUER "/token"), 2);
    exchanged_for(flow, "for-one-again");
    test_env_advance(flow->test, 301);
    reply = bearer_get(flow, one);
    assert_string_equal(reply.backend_token, "for-one-again");
    test_http_expect_all_used(flow->http);
}

static void a_bearer_token_has_no_other_tokens_behind_it(void **state)
{
    static const rp_backend_token_t wanted[] = {
        {.kind = RP_BACKEND_ID},
        {.kind = RP_BACKEND_USER, .resource = "https://deep.example"},
    };
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        rp_reply_t reply;

        flow->place.backend = wanted[i];
        reply = bearer_get(flow, bearer_jwt(flow, ""));
        flow_expect_error(&reply, RP_E_BACKEND_TOKEN);
    }
}

static void a_place_trusts_its_own_providers_only(void **state)
{
    flow_t *flow = *state;
    const char *token;
    rp_reply_t reply;

    flow_add_second(flow);
    answer(flow, SECOND "/jwks", test_sign_jwks(flow->test->env.pool, flow->key, NULL));
    token = bearer_jwt(flow, "");
    reply = bearer_get(flow, token);
    bearer_expect_user(&reply, "alice");
    /* Known already, but not there. */
    flow->place.use = list_of(flow, "second");
    reply = bearer_get(flow, token);
    expect_refusal(&reply, RP_E_BEARER_TOKEN, INVALID_TOKEN);
    flow->place.use = list_of(flow, "no such");
    reply = bearer_get(flow, token);
    flow_expect_error(&reply, RP_E_PROVIDER_NONE);
}

/* C319: the same key id at another provider. */
static void the_keys_of_one_provider_do_not_verify_for_another(void **state)
{
    flow_t *flow = *state;
    const test_key_t *other = test_key_make("ES256", "k1", 1, flow->test->env.pool);
    apr_array_header_t *both = apr_array_make(flow->test->env.pool, 2, sizeof(const char *));
    rp_reply_t reply;

    flow_add_second(flow);
    flow->provider.name = "first";
    APR_ARRAY_PUSH(both, const char *) = "first";
    APR_ARRAY_PUSH(both, const char *) = "second";
    flow->place.use = both;
    answer(flow, SECOND "/jwks", test_sign_jwks(flow->test->env.pool, other, NULL));
    reply = bearer_get(flow, test_sign_jwt(flow->key,
                                           "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}",
                                           "{\"iss\":\"" SECOND "\",\"aud\":\"" API
                                           "\",\"sub\":\"alice\",\"client_id\":\"c\",\"jti\":\"j\","
                                           "\"iat\":1767225600,\"exp\":1767229200}",
                                           flow->test->env.pool));
    expect_refusal(&reply, RP_E_BEARER_TOKEN, INVALID_TOKEN);
    reply = bearer_get(flow, bearer_jwt(flow, ""));
    bearer_expect_user(&reply, "alice");
    assert_string_equal(reply.session->record.provider, "first");
}

static void a_scope_that_is_missing_is_named(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = {.site = &flow->site, .place = &flow->place, .method = "GET"};
    rp_reply_t reply;

    rp_access_scope(&reply, &flow->test->env, &request, "read write");
    flow_expect_error(&reply, RP_E_BEARER_SCOPE);
    assert_int_equal(reply.outcome, RP_FORBID);
    assert_string_equal(reply.challenge, "error=\"insufficient_scope\", scope=\"read write\"");
    rp_forgive(&flow->test->env);
    rp_access_scope(&reply, &flow->test->env, &request, "re\"ad");
    assert_string_equal(reply.challenge, "error=\"insufficient_scope\"");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, bearer_setup, flow_teardown)

int run_flow_bearer_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whoever_brings_a_good_token_is_its_subject),
        TEST(when_somebody_signed_in_is_not_guessed),
        TEST(the_user_is_the_claim_that_is_configured),
        TEST(judges_the_header_by_the_grammar),
        TEST(a_token_that_is_too_long_is_not_looked_at),
        TEST(no_credential_is_answered_with_a_challenge_without_an_error),
        TEST(a_bad_token_is_answered_with_fixed_text),
        TEST(a_bad_token_is_refused_also_where_anonymous_requests_pass),
        TEST(a_place_for_programs_sends_nobody_to_a_login),
        TEST(cookies_count_only_where_sessions_are_accepted),
        TEST(two_credentials_in_one_request_are_refused),
        TEST(authorization_means_nothing_where_only_sessions_are_accepted),
        TEST(the_same_place_sends_browsers_to_the_login),
        TEST(a_place_without_an_audience_lets_nobody_in),
        TEST(the_backend_may_have_the_very_token),
        TEST(the_backend_may_have_a_token_exchanged_for_it_and_for_it_alone),
        TEST(a_bearer_token_has_no_other_tokens_behind_it),
        TEST(a_place_trusts_its_own_providers_only),
        TEST(the_keys_of_one_provider_do_not_verify_for_another),
        TEST(a_scope_that_is_missing_is_named),
    };

    return cmocka_run_group_tests_name("flow: bearer tokens", tests, NULL, NULL);
}
