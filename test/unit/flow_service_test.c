/* The server's own token: rp_service, and what is behind it, session/rp_shared_token. */
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_service.h"
#include "../../src/jose/rp_seal.h"
#include "../../src/session/rp_shared_token.h"
#include "../../src/session/rp_token_cache.h"
#include "flow_fixture.h"
#include "test_store.h"

#define TOKEN_URL FLOW_ISSUER "/token"

/* Of a provider for tokens alone. */
static const char metadata[] =
    "{\"issuer\":\"" FLOW_ISSUER "\",\"token_endpoint\":\"" TOKEN_URL "\"}";

static int setup(void **state)
{
    flow_t *flow = flow_make();

    *state = flow;
    flow->place.backend.kind = RP_BACKEND_SERVICE;
    flow->test->env.tokens = rp_token_cache_make(flow->test->env.pool);
    test_http_reset(flow->http);
    test_http_answer(flow->http, FLOW_ISSUER "/.well-known/", 200, "application/json", metadata);
    test_http_repeat(flow->http);
    return 0;
}

static void answers(flow_t *flow, const char *name, int life)
{
    test_http_answer(flow->http, TOKEN_URL, 200, "application/json",
                     apr_psprintf(flow->test->env.pool,
                                  "{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
                                  "\"expires_in\":%d}",
                                  name, life));
}

static const char *get(flow_t *flow)
{
    const char *token;
    apr_status_t rv = rp_service_token(&token, &flow->test->env, &flow->site, &flow->place);

    if (rv != APR_SUCCESS) {
        fail_msg("OA-%d: %s", (int)flow->test->env.error.id, flow->test->env.error.detail);
    }
    return token;
}

static void expect_failure(flow_t *flow, rp_error_id_t id)
{
    const char *token;

    assert_int_equal(rp_service_token(&token, &flow->test->env, &flow->site, &flow->place),
                     RP_FAILED);
    assert_null(token);
    test_env_expect_error(flow->test, id);
}

static int asked(const flow_t *flow)
{
    return test_http_calls_to(flow->http, TOKEN_URL);
}

/* As another process: nothing but the store is shared. */
static void change_process(flow_t *flow)
{
    flow->test->env.tokens = rp_token_cache_make(flow->test->env.pool);
}

static void one_token_serves_all_requests_and_processes(void **state)
{
    flow_t *flow = *state;

    answers(flow, "service-1", 300);
    assert_string_equal(get(flow), "service-1");
    assert_string_equal(get(flow), "service-1");
    change_process(flow);
    assert_string_equal(get(flow), "service-1");
    test_env_advance(flow->test, 100);
    assert_string_equal(get(flow), "service-1");
    assert_int_equal(asked(flow), 1);
}

static void the_provider_is_told_what_the_token_is_for(void **state)
{
    flow_t *flow = *state;

    flow->place.backend.scope = "read write";
    flow->place.backend.audience = "https://api.example";
    flow->place.backend.resource = "https://api.example/v1?a=b";
    answers(flow, "service-1", 300);
    get(flow);
    assert_string_equal(test_http_call(flow->http, 1)->body,
                        "grant_type=client_credentials&scope=read%20write"
                        "&audience=https%3A%2F%2Fapi.example"
                        "&resource=https%3A%2F%2Fapi.example%2Fv1%3Fa%3Db&client_id=client");
}

static void places_that_ask_for_the_same_share_a_token_and_others_do_not(void **state)
{
    static const rp_backend_token_t others[] = {
        {.kind = RP_BACKEND_SERVICE, .scope = "write"},
        {.kind = RP_BACKEND_SERVICE, .audience = "read"},
        {.kind = RP_BACKEND_SERVICE, .resource = "read:"},
        {.kind = RP_BACKEND_SERVICE},
    };
    flow_t *flow = *state;
    rp_place_t twin = flow->place;
    const char *token;

    flow->place.backend.scope = "read";
    twin.backend.scope = "read";
    answers(flow, "service-1", 300);
    assert_string_equal(get(flow), "service-1");
    assert_int_equal(rp_service_token(&token, &flow->test->env, &flow->site, &twin), APR_SUCCESS);
    assert_string_equal(token, "service-1");
    for (apr_size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        answers(flow, apr_psprintf(flow->test->env.pool, "other-%d", (int)i), 300);
        flow->place.backend = others[i];
        assert_string_equal(get(flow), apr_psprintf(flow->test->env.pool, "other-%d", (int)i));
    }
    assert_int_equal(asked(flow), 5);
}

static void another_secret_has_another_token(void **state)
{
    flow_t *flow = *state;

    answers(flow, "service-1", 300);
    answers(flow, "service-2", 300);
    get(flow);
    flow_set_secrets(flow, "z");
    assert_string_equal(get(flow), "service-2");
}

static void a_token_is_renewed_before_it_expires_and_nobody_waits(void **state)
{
    flow_t *flow = *state;

    answers(flow, "service-1", 300);
    answers(flow, "service-2", 300);
    get(flow);
    test_env_advance(flow->test, 245);
    assert_string_equal(get(flow), "service-1");
    assert_string_equal(get(flow), "service-1");
    assert_int_equal(asked(flow), 1);
    assert_int_equal(flow->test->job_count, 1);
    test_env_run_jobs(flow->test);
    assert_string_equal(get(flow), "service-2");
    assert_int_equal(asked(flow), 2);
}

static void the_clock_renews_what_is_in_use_and_nothing_else(void **state)
{
    flow_t *flow = *state;

    answers(flow, "service-1", 300);
    answers(flow, "service-2", 300);
    get(flow);
    rp_shared_token_tend(&flow->test->env);
    assert_int_equal(flow->test->job_count, 0);
    test_env_advance(flow->test, 245);
    rp_shared_token_tend(&flow->test->env);
    rp_shared_token_tend(&flow->test->env);
    assert_int_equal(flow->test->job_count, 1);
    test_env_run_jobs(flow->test);
    assert_int_equal(asked(flow), 2);
    /* Nobody has used it since. */
    test_env_advance(flow->test, 245);
    rp_shared_token_tend(&flow->test->env);
    assert_int_equal(flow->test->job_count, 0);
}

static void a_provider_that_fails_costs_nothing_while_the_old_token_is_good(void **state)
{
    flow_t *flow = *state;

    answers(flow, "service-1", 300);
    test_http_answer_error(flow->http, TOKEN_URL, RP_E_PROVIDER_TIMEOUT);
    get(flow);
    test_env_advance(flow->test, 245);
    assert_string_equal(get(flow), "service-1");
    test_env_run_jobs(flow->test);
    test_env_expect_error(flow->test, RP_E_PROVIDER_TIMEOUT);
    assert_string_equal(get(flow), "service-1");
    assert_int_equal(flow->test->job_count, 0);
}

static void a_failure_is_not_repeated_at_once_and_then_ever_more_seldom(void **state)
{
    static const int pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
    flow_t *flow = *state;

    test_http_answer_error(flow->http, TOKEN_URL, RP_E_PROVIDER_UNREACHABLE);
    test_http_repeat(flow->http);
    for (int i = 0; i < 8; i++) {
        expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
        assert_int_equal(asked(flow), i + 1);
        test_env_advance(flow->test, pauses[i] - 1);
        expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
        assert_int_equal(asked(flow), i + 1);
        test_env_advance(flow->test, 1);
    }
}

static void a_success_forgets_the_failures(void **state)
{
    flow_t *flow = *state;

    test_http_answer_error(flow->http, TOKEN_URL, RP_E_PROVIDER_UNREACHABLE);
    test_http_answer_error(flow->http, TOKEN_URL, RP_E_PROVIDER_UNREACHABLE);
    answers(flow, "service-1", 10);
    expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
    test_env_advance(flow->test, 1);
    expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
    test_env_advance(flow->test, 2);
    get(flow);
    test_env_advance(flow->test, 10);
    test_http_answer_error(flow->http, TOKEN_URL, RP_E_PROVIDER_UNREACHABLE);
    answers(flow, "service-2", 10);
    expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
    test_env_advance(flow->test, 1);
    assert_string_equal(get(flow), "service-2");
}

static void what_the_provider_refuses_is_no_token(void **state)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {
        {401, "{\"error\":\"invalid_client\"}"},
        {400, "{\"error\":\"invalid_scope\"}"},
        {400, "{\"error\":\"unauthorized_client\"}"},
        {200, "{\"error\":\"invalid_request\"}"},
        {200, "{\"access_token\":\"a\"}"},
        {200, "{\"access_token\":\"a\",\"token_type\":\"DPoP\"}"},
        {200, "{\"access_token\":1,\"token_type\":\"Bearer\"}"},
        {200, "{\"access_token\":\"\",\"token_type\":\"Bearer\"}"},
        {200, "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}"},
        {200, "[]"},
        {200, ""},
        {500, "oops"},
    };
    flow_t *flow = *state;

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_http_answer(flow->http, TOKEN_URL, rows[i].status, "application/json", rows[i].body);
        expect_failure(flow, RP_E_SERVICE_TOKEN);
        assert_int_equal(asked(flow), i + 1);
        test_env_advance(flow->test, RP_TOKEN_PAUSE_MAX_SECONDS);
    }
}

static void without_expires_in_a_token_is_used_for_a_while(void **state)
{
    flow_t *flow = *state;

    test_http_answer(flow->http, TOKEN_URL, 200, "application/json",
                     "{\"access_token\":\"service-1\",\"token_type\":\"bearer\","
                     "\"refresh_token\":\"never-used\"}");
    answers(flow, "service-2", 300);
    get(flow);
    test_env_advance(flow->test, RP_TOKEN_DEFAULT_SECONDS - 61);
    assert_string_equal(get(flow), "service-1");
    test_env_advance(flow->test, 62);
    assert_string_equal(get(flow), "service-2");
    assert_non_null(strstr(test_http_call(flow->http, 2)->body, "grant_type=client_credentials"));
}

static void a_refused_token_is_replaced_once_and_for_everybody(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    const char *token;

    answers(flow, "service-1", 300);
    answers(flow, "service-2", 300);
    answers(flow, "service-3", 300);
    get(flow);
    assert_int_equal(rp_service_replace(&token, env, &flow->site, &flow->place, "service-1"),
                     APR_SUCCESS);
    assert_string_equal(token, "service-2");
    /* Somebody else's request had the first one, too. */
    assert_int_equal(rp_service_replace(&token, env, &flow->site, &flow->place, "service-1"),
                     APR_SUCCESS);
    assert_string_equal(token, "service-2");
    /* A backend that refuses every token does not make us ask for ever more of them. */
    assert_int_equal(rp_service_replace(&token, env, &flow->site, &flow->place, "service-2"),
                     APR_NOTFOUND);
    assert_string_equal(get(flow), "service-2");
    assert_int_equal(asked(flow), 2);
    test_env_advance(flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_int_equal(rp_service_replace(&token, env, &flow->site, &flow->place, "service-2"),
                     APR_SUCCESS);
    assert_string_equal(token, "service-3");
}

static void a_refused_token_is_not_used_again_when_there_is_no_other(void **state)
{
    flow_t *flow = *state;
    const char *token;

    answers(flow, "service-1", 300);
    test_http_answer_error(flow->http, TOKEN_URL, RP_E_PROVIDER_TIMEOUT);
    get(flow);
    assert_int_equal(
        rp_service_replace(&token, &flow->test->env, &flow->site, &flow->place, "service-1"),
        RP_FAILED);
    test_env_expect_error(flow->test, RP_E_SERVICE_UNAVAILABLE);
    expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
    change_process(flow);
    expect_failure(flow, RP_E_SERVICE_UNAVAILABLE);
}

static void a_stored_token_that_does_not_open_is_no_token(void **state)
{
    flow_t *flow = *state;

    answers(flow, "service-1", 300);
    answers(flow, "service-2", 300);
    get(flow);
    test_store_damage(flow->test->env.store, &flow->test->env, RP_KIND_TOKEN);
    change_process(flow);
    assert_string_equal(get(flow), "service-2");
}

static void a_place_without_a_provider_gets_none(void **state)
{
    flow_t *flow = *state;

    flow->place.backend.provider = "nobody";
    expect_failure(flow, RP_E_PROVIDER_NONE);
}

static void every_outside_failure_is_a_failure_or_no_matter(void **state)
{
    flow_t *flow = *state;
    int last = 0;

    (void)state;
    for (int n = 1; !last && n < 100; n++) {
        const char *token;
        apr_status_t rv;

        test_env_advance(flow->test, 3600);
        change_process(flow);
        answers(flow, "service-1", 300);
        flow->test->calls = 0;
        flow->test->fail_at = n;
        rv = rp_service_token(&token, &flow->test->env, &flow->site, &flow->place);
        assert_true((rv == APR_SUCCESS) == (token != NULL));
        assert_true((rv == RP_FAILED) == (flow->test->env.error.id != RP_E_NONE));
        last = flow->test->calls < n;
        assert_true(!last || rv == APR_SUCCESS);
        flow->test->fail_at = 0;
        rp_forgive(&flow->test->env);
    }
    assert_true(last);
}

static void nobody_signs_in_at_a_provider_for_tokens_alone(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");

    flow_expect_error(&reply, RP_E_METADATA_INVALID);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, flow_teardown)

int run_flow_service_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_token_serves_all_requests_and_processes),
        TEST(the_provider_is_told_what_the_token_is_for),
        TEST(places_that_ask_for_the_same_share_a_token_and_others_do_not),
        TEST(another_secret_has_another_token),
        TEST(a_token_is_renewed_before_it_expires_and_nobody_waits),
        TEST(the_clock_renews_what_is_in_use_and_nothing_else),
        TEST(a_provider_that_fails_costs_nothing_while_the_old_token_is_good),
        TEST(a_failure_is_not_repeated_at_once_and_then_ever_more_seldom),
        TEST(a_success_forgets_the_failures),
        TEST(what_the_provider_refuses_is_no_token),
        TEST(without_expires_in_a_token_is_used_for_a_while),
        TEST(a_refused_token_is_replaced_once_and_for_everybody),
        TEST(a_refused_token_is_not_used_again_when_there_is_no_other),
        TEST(a_stored_token_that_does_not_open_is_no_token),
        TEST(a_place_without_a_provider_gets_none),
        TEST(nobody_signs_in_at_a_provider_for_tokens_alone),
        TEST(every_outside_failure_is_a_failure_or_no_matter),
    };

    return cmocka_run_group_tests_name("flow: service tokens", tests, NULL, NULL);
}
