/* OAuthBackendToken exchange: flow/rp_user_token. Each test runs with sessions in the store, and
 * with sessions in cookies. */
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_backend_token.h"
#include "flow_world.h"
#include "test_store.h"

static void the_backend_gets_a_token_that_is_exchanged_for_the_users(void **state)
{
    world_t *world = *state;

    world->flow->place.backend = (rp_backend_token_t){.kind = RP_BACKEND_EXCHANGE,
                                                      .audience = "billing",
                                                      .resource = "https://api.example/v1",
                                                      .scope = "read write"};
    assert_string_equal(world_get(world), "exchanged-2");
    assert_string_equal(
        world->form, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
                     "&subject_token=access"
                     "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                     "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                     "&scope=read%20write&audience=billing&resource=https%3A%2F%2Fapi.example%2Fv1"
                     "&client_id=client");
    world_want_own(world);
    assert_string_equal(world_get(world), "access");
}

static void one_exchange_serves_all_requests_and_processes(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(world_get(world), "exchanged-2");
        world_change_process(world);
        test_env_advance(world->flow->test, 60);
    }
    assert_int_equal(world->exchanges, 1);
}

static void every_session_has_its_own(void **state)
{
    world_t *world = *state;
    apr_table_t *jar = apr_table_clone(world->flow->test->env.pool, world->flow->jar);

    world_want_exchange(world);
    assert_string_equal(world_get(world), "exchanged-2");
    /* The same user, in another browser. */
    world_sign_in_again(world);
    world_want_exchange(world);
    assert_string_equal(world_get(world), "exchanged-3");
    world->flow->jar = jar;
    assert_string_equal(world_get(world), "exchanged-2");
    assert_int_equal(world->exchanges, 2);
}

static void places_that_ask_for_something_else_have_another(void **state)
{
    static const rp_backend_token_t others[] = {
        {.kind = RP_BACKEND_EXCHANGE},
        {.kind = RP_BACKEND_EXCHANGE, .audience = "mail"},
        {.kind = RP_BACKEND_EXCHANGE, .scope = "billing"},
        {.kind = RP_BACKEND_EXCHANGE, .audience = "billing", .scope = "read"},
        {.kind = RP_BACKEND_EXCHANGE, .resource = "billing:"},
        {.kind = RP_BACKEND_USER, .resource = "billing:"},
    };
    world_t *world = *state;

    world_want_exchange(world);
    world_get(world);
    for (apr_size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        world->flow->place.backend = others[i];
        world_get(world);
        assert_int_equal(world->exchanges + world->parts, i + 2);
    }
    world_want_exchange(world);
    assert_string_equal(world_get(world), "exchanged-2");
}

static void a_users_token_that_is_due_is_refreshed_before_it_is_exchanged(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    test_env_advance(world->flow->test, 250);
    assert_string_equal(world_get(world), "exchanged-3");
    assert_string_equal(world_parameter(world, "subject_token"), "access-2");
    assert_int_equal(world->refreshes, 1);
    world_want_own(world);
    assert_string_equal(world_get(world), "access-2");
    assert_int_equal(world->refreshes, 1);
}

static void one_that_cannot_be_refreshed_is_exchanged_as_long_as_it_is_good(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    test_env_advance(world->flow->test, 250);
    /* The provider takes no refresh at the moment; somebody has found out. */
    assert_int_equal(rp_session_lease_end(&world->flow->test->env, world_load(world), 1),
                     APR_SUCCESS);
    assert_string_equal(world_get(world), "exchanged-2");
    assert_string_equal(world_parameter(world, "subject_token"), "access");
}

static void an_expired_one_that_cannot_be_refreshed_is_not_exchanged(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    test_env_advance(world->flow->test, LIFE + 1);
    world->error = RP_E_PROVIDER_TIMEOUT;
    world_expect_failure(world, RP_E_EXCHANGE_UNAVAILABLE);
    world->error = RP_E_NONE;
    world_answers(world, 500, "oops");
    test_env_advance(world->flow->test, 60);
    world_expect_failure(world, RP_E_EXCHANGE_FAILED);
    world_answers(world, 0, NULL);
    test_env_advance(world->flow->test, 60);
    assert_string_equal(world_get(world), "exchanged-3");
}

static void without_a_refresh_token_an_expired_one_asks_for_a_new_login(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    test_env_advance(world->flow->test, LIFE - 1);
    assert_string_equal(world_get(world), "exchanged-2");
    world_change_process(world);
    test_store_damage(world->flow->test->env.store, &world->flow->test->env, RP_KIND_TOKEN);
    test_env_advance(world->flow->test, 1);
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
    assert_int_equal(world->exchanges, 1);
}

typedef struct {
    int status;
    const char *body;
    rp_error_id_t error;
} wrong_row_t;

#define ISSUED(type) "\"issued_token_type\":\"urn:ietf:params:oauth:token-type:" type "\""
#define ACCESS ISSUED("access_token")

/* clang-format off */
static const wrong_row_t wrong[] = {
    {400, "{\"error\":\"invalid_target\"}", RP_E_EXCHANGE_REFUSED},
    {400, "{\"error\":\"invalid_scope\"}", RP_E_EXCHANGE_REFUSED},
    {400, "{\"error\":\"invalid_request\"}", RP_E_EXCHANGE_REFUSED},
    {400, "{\"error\":\"invalid_grant\"}", RP_E_EXCHANGE_REFUSED},
    {403, "{\"error\":\"access_denied\"}", RP_E_EXCHANGE_REFUSED},
    {200, "{\"error\":\"invalid_target\"}", RP_E_EXCHANGE_REFUSED},
    {401, "{\"error\":\"invalid_client\"}", RP_E_EXCHANGE_FAILED},
    {400, "{\"error\":\"unauthorized_client\"}", RP_E_EXCHANGE_FAILED},
    {400, "{\"error\":\"unsupported_grant_type\"}", RP_E_EXCHANGE_FAILED},
    {400, "{\"error\":\"never_heard_of\"}", RP_E_EXCHANGE_FAILED},
    {500, "{\"error\":\"invalid_target\"}", RP_E_EXCHANGE_FAILED},
    {500, "oops", RP_E_EXCHANGE_FAILED},
    {302, "", RP_E_EXCHANGE_FAILED},
    {200, "", RP_E_EXCHANGE_FAILED},
    {200, "[]", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"issued_token_type\":1}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"issued_token_type\":\"\"}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"," ISSUED("refresh_token") "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"," ISSUED("id_token") "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a.b\",\"token_type\":\"Bearer\"," ISSUED("jwt") "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"N_A\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"DPoP\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"\",\"token_type\":\"Bearer\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":1,\"token_type\":\"Bearer\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"," ACCESS "}", RP_E_EXCHANGE_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":-1," ACCESS "}", RP_E_EXCHANGE_FAILED},
};
/* clang-format on */

static void every_wrong_answer_leaves_the_backend_without_a_token(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        world_answers(world, wrong[i].status, wrong[i].body);
        world_expect_failure(world, wrong[i].error);
        assert_int_equal(world->exchanges, i + 1);
        /* Not repeated at once, by whoever. */
        world_change_process(world);
        world_expect_failure(world, wrong[i].error);
        assert_int_equal(world->exchanges, i + 1);
        test_env_advance(world->flow->test, RP_TOKEN_PAUSE_MAX_SECONDS);
        world->flow->place.backend.kind = RP_BACKEND_USER;
        world_get(world);
        world->flow->place.backend.kind = RP_BACKEND_EXCHANGE;
        world_answers(world, 0, NULL);
        test_env_run_jobs(world->flow->test);
    }
    world_get(world);
}

static void a_provider_that_is_down_is_no_refusal(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    world->error = RP_E_PROVIDER_UNREACHABLE;
    world_expect_failure(world, RP_E_EXCHANGE_UNAVAILABLE);
    world_expect_failure(world, RP_E_EXCHANGE_UNAVAILABLE);
}

static void a_jwt_is_an_access_token_when_it_is_one(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    world_answers(world, 200,
                  "{\"access_token\":\"eyJhIjoxfQ.eyJiIjoxfQ.c2ln\",\"token_type\":\"bearer\","
                  "\"refresh_token\":\"never-used\"," ISSUED("jwt") "}");
    assert_string_equal(world_get(world), "eyJhIjoxfQ.eyJiIjoxfQ.c2ln");
    assert_string_equal(world_load(world)->record.subject, "alice");
}

static void an_exchanged_token_is_renewed_before_it_expires_and_nobody_waits(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    test_env_advance(world->flow->test, 10);
    assert_string_equal(world_get(world), "exchanged-2");
    test_env_advance(world->flow->test, LIFE - 55);
    assert_string_equal(world_get(world), "exchanged-2");
    assert_string_equal(world_get(world), "exchanged-2");
    assert_int_equal(world->flow->test->job_count, 1);
    test_env_run_jobs(world->flow->test);
    assert_int_equal(world->exchanges, 2);
    /* The user's own was due, too. */
    assert_int_equal(world->refreshes, 1);
    assert_string_equal(world_get(world), "exchanged-4");
    assert_string_equal(world_parameter(world, "subject_token"), "access-3");
}

static void a_renewal_that_comes_after_the_logout_asks_for_nothing(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    world_get(world);
    test_env_advance(world->flow->test, LIFE - 55);
    world_get(world);
    world_log_out(world);
    test_env_run_jobs(world->flow->test);
    rp_forgive(&world->flow->test->env);
    assert_int_equal(world->exchanges, 1);
    assert_int_equal(world->refreshes, 0);
    assert_int_equal(
        test_store_count(world->flow->test->env.store, &world->flow->test->env, RP_KIND_LEASE), 0);
}

/* The one whose request renews is slow; meanwhile the old token expires. */
static void a_request_without_a_token_waits_for_the_one_that_is_under_way(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    world_want_exchange(world);
    world_get(world);
    test_env_advance(world->flow->test, LIFE - 5);
    world_get(world);
    test_env_advance(world->flow->test, 5);
    world_change_process(world);
    world->ops = *env->ops;
    world->ops.sleep = world_run_jobs_while_waiting;
    env->ops = &world->ops;
    assert_string_equal(world_get(world), "exchanged-4");
    assert_int_equal(world->exchanges, 2);
    assert_int_equal(world->refreshes, 1);
}

static void a_logout_during_the_exchange_wins(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    world->during = world_log_out;
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
    assert_int_equal(world_kept(world), 0);
    assert_int_equal(test_http_calls_to(world->flow->http, REVOKE_URL), 1);
    world_expect_signed_out(world);
}

static void a_refused_token_is_replaced_once_and_for_everybody(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    assert_string_equal(world_get(world), "exchanged-2");
    assert_string_equal(world_replace(world, "exchanged-2"), "exchanged-3");
    assert_string_equal(world_replace(world, "exchanged-2"), "exchanged-3");
    assert_null(world_replace(world, "exchanged-3"));
    assert_string_equal(world_get(world), "exchanged-3");
    assert_int_equal(world->exchanges, 2);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_string_equal(world_replace(world, "exchanged-3"), "exchanged-4");
}

static void a_refused_token_is_not_used_again_when_there_is_no_other(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request;
    rp_reply_t reply = {.session = world_load(world)};

    world_want_exchange(world);
    world_get(world);
    request = world_request(world);
    world_answers(world, 400, "{\"error\":\"access_denied\"}");
    assert_int_equal(rp_backend_token_replace(&reply, env, &request, "exchanged-2"), RP_FAILED);
    assert_null(reply.backend_token);
    test_env_expect_error(world->flow->test, RP_E_EXCHANGE_REFUSED);
    world_answers(world, 0, NULL);
    world_expect_failure(world, RP_E_EXCHANGE_REFUSED);
}

static void after_the_logout_there_is_nothing_to_replace(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request;
    rp_reply_t reply = {.session = world_load(world)};

    world_want_exchange(world);
    world_get(world);
    request = world_request(world);
    world_log_out(world);
    assert_int_equal(rp_backend_token_replace(&reply, env, &request, "exchanged-2"), APR_NOTFOUND);
    assert_null(reply.backend_token);
    assert_int_equal(world->exchanges, 1);
    assert_int_equal(world_kept(world), 0);
}

static void it_lives_no_longer_than_the_session(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    world->life = 1000000;
    world_get(world);
    assert_int_equal(world_kept(world), 1);
    test_env_advance(world->flow->test, 8 * 3600 - 1);
    assert_int_equal(world_kept(world), 1);
    test_env_advance(world->flow->test, 1);
    assert_int_equal(world_kept(world), 0);
}

static void a_stored_token_that_does_not_open_is_no_token(void **state)
{
    world_t *world = *state;

    world_want_exchange(world);
    world_get(world);
    test_store_damage(world->flow->test->env.store, &world->flow->test->env, RP_KIND_TOKEN);
    world_change_process(world);
    assert_string_equal(world_get(world), "exchanged-3");
}

#define ONE(fn, setup_fn) cmocka_unit_test_setup_teardown(fn, setup_fn, world_teardown)
#define BOTH(fn) ONE(fn, world_setup), ONE(fn, world_setup_in_cookies)

int run_flow_exchange_tests(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_backend_gets_a_token_that_is_exchanged_for_the_users),
        BOTH(one_exchange_serves_all_requests_and_processes),
        BOTH(every_session_has_its_own),
        BOTH(places_that_ask_for_something_else_have_another),
        BOTH(a_users_token_that_is_due_is_refreshed_before_it_is_exchanged),
        BOTH(one_that_cannot_be_refreshed_is_exchanged_as_long_as_it_is_good),
        BOTH(an_expired_one_that_cannot_be_refreshed_is_not_exchanged),
        ONE(without_a_refresh_token_an_expired_one_asks_for_a_new_login,
            world_setup_without_refresh),
        BOTH(every_wrong_answer_leaves_the_backend_without_a_token),
        BOTH(a_provider_that_is_down_is_no_refusal),
        BOTH(a_jwt_is_an_access_token_when_it_is_one),
        BOTH(an_exchanged_token_is_renewed_before_it_expires_and_nobody_waits),
        BOTH(a_renewal_that_comes_after_the_logout_asks_for_nothing),
        BOTH(a_request_without_a_token_waits_for_the_one_that_is_under_way),
        BOTH(a_logout_during_the_exchange_wins),
        BOTH(a_refused_token_is_replaced_once_and_for_everybody),
        BOTH(a_refused_token_is_not_used_again_when_there_is_no_other),
        BOTH(after_the_logout_there_is_nothing_to_replace),
        BOTH(it_lives_no_longer_than_the_session),
        BOTH(a_stored_token_that_does_not_open_is_no_token),
    };

    return cmocka_run_group_tests_name("flow: exchanged tokens", tests, NULL, NULL);
}
