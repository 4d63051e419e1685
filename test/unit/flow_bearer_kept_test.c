/* How long a verdict about a bearer token counts, and how often a provider is asked for one. */
#include "flow_bearer.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_access.h"
#include "test_store.h"

/* More calls than one request makes. */
#define CALLS_MAX 100

static int asked(const flow_t *flow)
{
    return test_http_calls_to(flow->http, INTROSPECTION);
}

static void no_more_answers(flow_t *flow)
{
    test_http_reset(flow->http);
}

static void a_verdict_counts_for_a_minute(void **state)
{
    flow_t *flow = *state;
    const char *token = bearer_jwt(flow, "{\"email\":\"a@example.com\"}");
    const test_key_t *other = test_key_make("ES256", "k2", 1, flow->test->env.pool);
    rp_reply_t reply = bearer_get(flow, token);

    bearer_expect_user(&reply, "alice");
    /* The key is withdrawn. */
    no_more_answers(flow);
    for (int i = 0; i < 2; i++) {
        test_env_advance(flow->test, 29);
        reply = bearer_get(flow, token);
        bearer_expect_user(&reply, "alice");
        bearer_change_process(flow);
    }
    rp_provider_cache_make(&flow->provider, flow->test->env.pool);
    flow->test->env.store = test_store_make(flow->test->env.pool);
    test_http_answer(flow->http, FLOW_ISSUER "/.well-known/", 200, "application/json",
                     "{\"issuer\":\"" FLOW_ISSUER "\",\"token_endpoint\":\"" FLOW_ISSUER
                     "/token\",\"jwks_uri\":\"" FLOW_ISSUER "/jwks\"}");
    test_http_answer(flow->http, FLOW_ISSUER "/jwks", 200, "application/json",
                     test_sign_jwks(flow->test->env.pool, other, NULL));
    test_http_repeat(flow->http);
    test_env_advance(flow->test, 2);
    reply = bearer_get(flow, token);
    flow_expect_error(&reply, RP_E_BEARER_TOKEN);
}

static void a_process_has_a_copy_and_the_store_has_one_for_all(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    bearer_answers(flow, "");
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_TOKEN), 1);
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_SESSION), 0);
    /* The process's own copy needs no store. */
    test_store_spoil(flow->test->env.store, 1);
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    test_store_spoil(flow->test->env.store, 0);
    bearer_change_process(flow);
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(asked(flow), 1);
    /* What does not open is not believed. */
    bearer_change_process(flow);
    test_store_damage(flow->test->env.store, &flow->test->env, RP_KIND_TOKEN);
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(asked(flow), 2);
}

static void without_a_store_a_token_is_checked_all_the_same(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    bearer_answers(flow, "");
    bearer_get(flow, "the metadata is known now");
    bearer_get(flow, "opaque");
    test_store_spoil(flow->test->env.store, 1);
    bearer_change_process(flow);
    reply = bearer_get(flow, "another");
    bearer_expect_user(&reply, "alice");
}

static void a_verdict_is_not_that_of_a_place_with_other_demands(void **state)
{
    flow_t *flow = *state;
    apr_array_header_t *other = apr_array_make(flow->test->env.pool, 1, sizeof(const char *));
    const char *token = bearer_jwt(flow, "");
    rp_reply_t reply = bearer_get(flow, token);

    bearer_expect_user(&reply, "alice");
    APR_ARRAY_PUSH(other, const char *) = "https://other.example";
    flow->place.audience = other;
    reply = bearer_get(flow, token);
    flow_expect_error(&reply, RP_E_BEARER_TOKEN);
}

static void a_verdict_is_not_that_of_another_key_ring(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    bearer_answers(flow, "");
    bearer_get(flow, "opaque");
    flow_set_secrets(flow, "b");
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(asked(flow), 2);
}

static void a_verdict_ends_with_the_token(void **state)
{
    flow_t *flow = *state;
    apr_time_t now = apr_time_sec(flow->test->now);
    rp_reply_t reply;

    bearer_answers(flow, apr_psprintf(flow->test->env.pool, ",\"exp\":%" APR_TIME_T_FMT, now + 20));
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    test_env_advance(flow->test, 19);
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(asked(flow), 1);
    /* Within the skew it is good, and known for no time at all. */
    test_env_advance(flow->test, 1);
    for (int i = 0; i < 2; i++) {
        reply = bearer_get(flow, "opaque");
        bearer_expect_user(&reply, "alice");
        assert_int_equal(asked(flow), 2 + i);
    }
    test_env_advance(flow->test, 30);
    reply = bearer_get(flow, "opaque");
    flow_expect_error(&reply, RP_E_BEARER_TOKEN);
}

static void a_token_without_an_end_is_asked_about_every_minute(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    bearer_answers(flow, "");
    for (int minute = 1; minute <= 3; minute++) {
        reply = bearer_get(flow, "opaque");
        bearer_expect_user(&reply, "alice");
        test_env_advance(flow->test, RP_BEARER_KEPT_SECONDS - 1);
        reply = bearer_get(flow, "opaque");
        bearer_expect_user(&reply, "alice");
        assert_int_equal(asked(flow), minute);
        test_env_advance(flow->test, 1);
    }
}

static void what_the_provider_refused_is_refused_for_a_while(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    bearer_answers_inactive(flow);
    for (int i = 0; i < 5; i++) {
        reply = bearer_get(flow, "wrong");
        flow_expect_error(&reply, RP_E_BEARER_TOKEN);
    }
    assert_int_equal(asked(flow), 1);
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_TOKEN), 0);
    test_env_advance(flow->test, RP_BEARER_REFUSED_SECONDS);
    reply = bearer_get(flow, "wrong");
    flow_expect_error(&reply, RP_E_BEARER_TOKEN);
    assert_int_equal(asked(flow), 2);
}

/* Answers as to a token that somebody withdraws, and to invented ones. */
static apr_status_t answer_by_name(rp_http_response_t *response, rp_env_t *env,
                                   const rp_http_request_t *request, void *ctx)
{
    (void)env;
    (void)ctx;
    response->body = strstr(request->body, "token=good")
                         ? "{\"active\":true,\"sub\":\"alice\",\"aud\":\"" API "\"}"
                         : "{\"active\":false}";
    response->body_len = strlen(response->body);
    return APR_SUCCESS;
}

static void a_flood_of_invented_tokens_does_not_reach_the_provider(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;
    int before;

    test_http_answer_with(flow->http, INTROSPECTION, answer_by_name, NULL);
    test_http_repeat(flow->http);
    reply = bearer_get(flow, "good");
    bearer_expect_user(&reply, "alice");
    test_env_advance(flow->test, RP_BEARER_KEPT_SECONDS);
    for (int i = 0; i < RP_MAX_ASKED_UNKNOWN + 50; i++) {
        reply = bearer_get(flow, apr_psprintf(flow->test->env.pool, "invented-%d", i));
        flow_expect_error(&reply,
                          i < RP_MAX_ASKED_UNKNOWN ? RP_E_BEARER_TOKEN : RP_E_BEARER_UNAVAILABLE);
    }
    assert_true(reply.retry_after > 0);
    assert_int_equal(asked(flow), 1 + RP_MAX_ASKED_UNKNOWN);
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_TOKEN), 0);
    /* Whoever was known before is still served. */
    before = asked(flow);
    reply = bearer_get(flow, "good");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(asked(flow), before + 1);
    test_env_advance(flow->test, RP_BEARER_REFUSED_SECONDS);
    reply = bearer_get(flow, "good-too");
    bearer_expect_user(&reply, "alice");
}

static void a_provider_that_is_down_lets_nobody_in(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    test_http_answer_error(flow->http, INTROSPECTION, RP_E_PROVIDER_TIMEOUT);
    reply = bearer_get(flow, "opaque");
    flow_expect_error(&reply, RP_E_BEARER_UNAVAILABLE);
    assert_true(reply.retry_after > 0);
    assert_null(reply.challenge);
    /* Nobody hangs there again at once. */
    reply = bearer_get(flow, "opaque");
    flow_expect_error(&reply, RP_E_BEARER_UNAVAILABLE);
    assert_int_equal(asked(flow), 1);
    test_env_advance(flow->test, RP_BEARER_FAILED_SECONDS);
    bearer_answers(flow, "");
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
}

static void a_token_that_was_good_is_not_when_the_provider_is_down(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    bearer_answers(flow, "");
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    no_more_answers(flow);
    test_http_answer(flow->http, INTROSPECTION, 503, "text/html", "down");
    test_env_advance(flow->test, RP_BEARER_KEPT_SECONDS);
    reply = bearer_get(flow, "opaque");
    flow_expect_error(&reply, RP_E_BEARER_UNAVAILABLE);
}

static void an_answer_that_makes_no_sense_is_the_providers_fault(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    test_http_answer(flow->http, INTROSPECTION, 200, "application/json", "{\"active\":\"true\"}");
    reply = bearer_get(flow, "opaque");
    flow_expect_error(&reply, RP_E_INTROSPECTION);
    assert_null(reply.challenge);
}

static void without_metadata_and_keys_nothing_passes(void **state)
{
    flow_t *flow = *state;
    const char *tokens[2] = {bearer_jwt(flow, ""), "opaque"};
    rp_reply_t reply;

    no_more_answers(flow);
    test_http_answer_error(flow->http, FLOW_ISSUER, RP_E_PROVIDER_UNREACHABLE);
    test_http_repeat(flow->http);
    for (int i = 0; i < 2; i++) {
        reply = bearer_get(flow, tokens[i]);
        flow_expect_error(&reply, RP_E_BEARER_UNAVAILABLE);
    }
}

static void an_opaque_token_is_shown_to_no_provider_that_does_not_offer_it(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->provider.client_auth = RP_CLIENT_AUTH_NONE;
    flow->provider.client_secret.data = NULL;
    reply = bearer_get(flow, "opaque");
    flow_expect_error(&reply, RP_E_BEARER_TOKEN);
    assert_int_equal(asked(flow), 0);
}

/* Another request with the same token, on another thread, while the provider thinks. */
static apr_status_t answer_meanwhile(rp_http_response_t *response, rp_env_t *env,
                                     const rp_http_request_t *request, void *ctx)
{
    flow_t *flow = ctx;
    const rp_error_t before = flow->test->env.error;
    rp_reply_t reply = bearer_get(flow, "opaque");

    (void)env;
    (void)request;
    flow_expect_error(&reply, RP_E_BEARER_UNAVAILABLE);
    assert_non_null(strstr(reply.error.detail, "waited"));
    flow->test->env.error = before;
    response->body = "{\"active\":true,\"sub\":\"alice\",\"aud\":\"" API "\"}";
    response->body_len = strlen(response->body);
    return APR_SUCCESS;
}

static void one_request_asks_and_others_wait(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    test_http_answer_with(flow->http, INTROSPECTION, answer_meanwhile, flow);
    reply = bearer_get(flow, "opaque");
    bearer_expect_user(&reply, "alice");
    assert_int_equal(asked(flow), 1);
}

/* Every outside call of a request with a token fails once. Returns 1 when there was no n-th. */
static int run_with_fault(int n, const char *opaque, int *failures)
{
    flow_t *flow;
    void *state;
    rp_reply_t reply;
    int calls;

    bearer_setup(&state);
    flow = state;
    bearer_answers(flow, "");
    flow->test->calls = 0;
    flow->test->fail_at = n;
    reply = bearer_get(flow, opaque ? opaque : bearer_jwt(flow, ""));
    calls = flow->test->calls;
    if (reply.outcome != RP_PASS) {
        const rp_error_row_t *row = rp_error_row(reply.error.id);

        *failures += 1;
        if (row->id == RP_E_INTERNAL || row->id == RP_E_BEARER_TOKEN || reply.error.id == 0) {
            fail_msg("call %d: OA-%d: %s", n, (int)row->id, reply.error.detail);
        }
        assert_true(row->status >= 500);
        assert_null(reply.session);
        assert_null(reply.challenge);
    } else {
        bearer_expect_user(&reply, "alice");
        assert_int_equal(flow->test->env.error.id, RP_E_NONE);
    }
    test_env_destroy(flow->test);
    return calls < n;
}

static void fails_cleanly_whichever_outside_call_fails(void **state)
{
    static const char *const tokens[] = {NULL, "opaque"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        int failures = 0;
        int n = 1;

        while (!run_with_fault(n, tokens[i], &failures)) {
            assert_true(n++ < CALLS_MAX);
        }
        print_message("    %s: %d outside calls, %d of them fatal when they fail\n",
                      tokens[i] ? "introspection" : "JWT", n - 1, failures);
        assert_true(failures > 0);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, bearer_setup, flow_teardown)

int run_flow_bearer_kept_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_verdict_counts_for_a_minute),
        TEST(a_process_has_a_copy_and_the_store_has_one_for_all),
        TEST(without_a_store_a_token_is_checked_all_the_same),
        TEST(a_verdict_is_not_that_of_a_place_with_other_demands),
        TEST(a_verdict_is_not_that_of_another_key_ring),
        TEST(a_verdict_ends_with_the_token),
        TEST(a_token_without_an_end_is_asked_about_every_minute),
        TEST(what_the_provider_refused_is_refused_for_a_while),
        TEST(a_flood_of_invented_tokens_does_not_reach_the_provider),
        TEST(a_provider_that_is_down_lets_nobody_in),
        TEST(a_token_that_was_good_is_not_when_the_provider_is_down),
        TEST(an_answer_that_makes_no_sense_is_the_providers_fault),
        TEST(without_metadata_and_keys_nothing_passes),
        TEST(an_opaque_token_is_shown_to_no_provider_that_does_not_offer_it),
        TEST(one_request_asks_and_others_wait),
        cmocka_unit_test(fails_cleanly_whichever_outside_call_fails),
    };

    return cmocka_run_group_tests_name("flow: verdicts about bearer tokens", tests, NULL, NULL);
}
