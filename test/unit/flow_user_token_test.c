/* OAuthBackendToken user: tokens for a resource beside the session's own (flow/rp_user_token), and
 * what becomes of a refusal by the backend. Each test runs with sessions in the store, and with
 * sessions in cookies. */
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_backend_token.h"
#include "flow_world.h"
#include "test_store.h"

/* --- user, for a resource --- */

static void a_resource_has_a_token_beside_the_sessions_own(void **state)
{
    world_t *world = *state;

    world_want_resource(world);
    assert_string_equal(world_get(world), "part-2");
    assert_string_equal(world->form, "grant_type=refresh_token&refresh_token=refresh-1"
                                     "&resource=https%3A%2F%2Fapi.example%2F&client_id=client");
    world_change_process(world);
    assert_string_equal(world_get(world), "part-2");
    world_want_own(world);
    assert_string_equal(world_get(world), "access");
    assert_int_equal(world->parts, 1);
    assert_int_equal(world->refreshes, 0);
    /* Both are renewed with what was rotated, and when each is due. */
    test_env_advance(world->flow->test, LIFE + 1);
    assert_string_equal(world_get(world), "access-3");
    world_want_resource(world);
    assert_string_equal(world_get(world), "part-4");
    assert_int_equal(world->parts, 2);
    assert_int_equal(world->refreshes, 1);
}

static void the_places_own_resources_do_as_well(void **state)
{
    world_t *world = *state;

    world_want_own(world);
    world->flow->place.resource = world_list(world, "https://a.example/", "https://b.example/?c=d");
    assert_string_equal(world_get(world), "part-2");
    assert_string_equal(world->form, "grant_type=refresh_token&refresh_token=refresh-1"
                                     "&resource=https%3A%2F%2Fa.example%2F"
                                     "&resource=https%3A%2F%2Fb.example%2F%3Fc%3Dd"
                                     "&client_id=client");
}

static void what_the_login_asks_for_anyway_is_the_sessions_own_token(void **state)
{
    world_t *world = *state;

    world_want_own(world);
    world->flow->provider.resource = world_list(world, "https://a.example/", NULL);
    assert_string_equal(world_get(world), "access");
    world->flow->place.resource = world_list(world, "https://a.example/", NULL);
    assert_string_equal(world_get(world), "access");
    world->flow->place.resource = world_list(world, "https://b.example/", NULL);
    assert_string_equal(world_get(world), "part-2");
}

static void a_scope_is_sent_when_it_is_less_than_what_was_granted(void **state)
{
    static const struct {
        const char *one;
        const char *other;
        const char *sent;
    } rows[] = {
        {"openid", "a", "openid a"}, {"a", NULL, "a"},        {"a", "c", "a"},
        {"c", NULL, NULL},           {"open", "penid", NULL},
    };
    world_t *world = *state;

    world_want_resource(world);
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_env_advance(world->flow->test, LIFE + 1);
        world->flow->place.scope = world_list(world, rows[i].one, rows[i].other);
        world_get(world);
        assert_int_equal(world->parts, i + 1);
        if (rows[i].sent) {
            assert_string_equal(world_parameter(world, "scope"), rows[i].sent);
        } else {
            assert_null(world_parameter(world, "scope"));
        }
    }
    test_env_advance(world->flow->test, LIFE + 1);
    world->flow->place.scope = world_list(world, "b", "a");
    APR_ARRAY_PUSH((apr_array_header_t *)(intptr_t)world->flow->place.scope, const char *) =
        "openid";
    world_get(world);
    assert_null(world_parameter(world, "scope"));
}

static void a_refused_resource_costs_neither_session_nor_refresh_token(void **state)
{
    world_t *world = *state;

    world_want_resource(world);
    world_answers(world, 400, "{\"error\":\"invalid_target\"}");
    world_expect_failure(world, RP_E_EXCHANGE_REFUSED);
    world_answers(world, 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}");
    test_env_advance(world->flow->test, 60);
    world_expect_failure(world, RP_E_EXCHANGE_FAILED);
    world_answers(world, 0, NULL);
    /* The session's own refresh does not have to wait. */
    world_want_own(world);
    test_env_advance(world->flow->test, LIFE);
    assert_string_equal(world_get(world), "access-2");
    world_want_resource(world);
    assert_string_equal(world_get(world), "part-3");
}

static void invalid_grant_ends_the_session(void **state)
{
    world_t *world = *state;
    rp_reply_t reply;

    world_want_resource(world);
    world_answers(world, 400, "{\"error\":\"invalid_grant\"}");
    reply = flow_open(world->flow, "/app");
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_int_equal(reply.error.id, RP_E_REFRESH_GRANT);
    assert_int_equal(world_kept(world), 0);
    world_expect_signed_out(world);
}

static void a_session_without_a_refresh_token_has_none_for_a_resource(void **state)
{
    world_t *world = *state;

    world_want_resource(world);
    world_expect_failure(world, RP_E_BACKEND_TOKEN);
    world_want_own(world);
    assert_string_equal(world_get(world), "access");
    assert_int_equal(world->parts, 0);
}

/* A refresh of the session's own token has been deferred and has the lease. */
static void it_waits_for_a_refresh_and_uses_what_that_has_rotated(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    world_want_own(world);
    test_env_advance(world->flow->test, 250);
    assert_string_equal(world_get(world), "access");
    assert_int_equal(world->flow->test->job_count, 1);
    world->ops = *env->ops;
    world->ops.sleep = world_run_jobs_while_waiting;
    env->ops = &world->ops;
    world_want_resource(world);
    assert_string_equal(world_get(world), "part-3");
    world_want_own(world);
    assert_string_equal(world_get(world), "access-2");
    assert_int_equal(world->refreshes, 1);
    assert_int_equal(world->parts, 1);
}

static world_t *waiting;

/* What another process does that was getting a token for a resource. */
static void rotate_while_waiting(void *ctx, apr_interval_time_t duration)
{
    world_t *world = waiting;
    rp_env_t *env = &world->flow->test->env;
    rp_session_t *session;

    ((test_env_t *)ctx)->now += duration;
    if (strcmp(world->refresh, "refresh-1") == 0) {
        session = world_load(world);
        world->refresh = "rotated";
        assert_int_equal(rp_session_rotate(env, &world->flow->site.realm, session, "rotated"),
                         APR_SUCCESS);
        assert_int_equal(rp_session_lease_end(env, session, 0), APR_SUCCESS);
    }
}

/* The newer generation of the session's tokens has the expired access token still. */
static void a_refresh_that_waited_for_it_refreshes_all_the_same(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    world_want_own(world);
    test_env_advance(world->flow->test, LIFE + 1);
    assert_int_equal(rp_session_lease_take(env, world_load(world), apr_time_from_sec(20)),
                     APR_SUCCESS);
    waiting = world;
    world->ops = *env->ops;
    world->ops.sleep = rotate_while_waiting;
    env->ops = &world->ops;
    assert_string_equal(world_get(world), "access-2");
    assert_string_equal(world_parameter(world, "refresh_token"), "rotated");
    assert_int_equal(world->refreshes, 1);
}

static void a_deferred_refresh_that_finds_a_rotated_token_goes_on_with_it(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    world_want_own(world);
    test_env_advance(world->flow->test, 250);
    world_get(world);
    world->refresh = "rotated";
    assert_int_equal(rp_session_rotate(env, &world->flow->site.realm, world_load(world), "rotated"),
                     APR_SUCCESS);
    test_env_run_jobs(world->flow->test);
    assert_string_equal(world_parameter(world, "refresh_token"), "rotated");
    assert_string_equal(world_get(world), "access-2");
}

static void a_logout_during_the_refresh_wins(void **state)
{
    world_t *world = *state;
    const test_http_call_t *call;

    world_want_resource(world);
    world->during = world_log_out;
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
    assert_int_equal(world_kept(world), 0);
    assert_int_equal(test_http_calls_to(world->flow->http, REVOKE_URL), 1);
    call = test_http_call(world->flow->http, test_http_calls(world->flow->http) - 1);
    assert_non_null(strstr(call->body, "token=refresh-2&token_type_hint=refresh_token"));
    world_expect_signed_out(world);
}

/* The answer with the rotated token never reaches the browser. */
static void a_rotated_refresh_token_is_not_lost_with_the_answer(void **state)
{
    world_t *world = *state;
    apr_table_t *jar = apr_table_clone(world->flow->test->env.pool, world->flow->jar);

    world_want_resource(world);
    world_get(world);
    world->flow->jar = jar;
    world_change_process(world);
    test_env_advance(world->flow->test, LIFE + 1);
    assert_string_equal(world_get(world), "part-3");
    world_want_own(world);
    world->flow->jar = jar;
    assert_string_equal(world_get(world), "access-4");
}

/* --- user: the session's own, refused --- */

static void the_sessions_own_token_is_refreshed_when_it_is_refused(void **state)
{
    world_t *world = *state;

    world_want_own(world);
    assert_string_equal(world_replace(world, "access"), "access-2");
    assert_string_equal(world_replace(world, "access"), "access-2");
    /* One that has just been refreshed is refused for another reason. */
    assert_null(world_replace(world, "access-2"));
    assert_int_equal(world->refreshes, 1);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_string_equal(world_replace(world, "access-2"), "access-3");
}

static void the_browser_is_told_of_a_token_that_was_replaced(void **state)
{
    world_t *world = *state;
    rp_request_t request;
    rp_reply_t reply = {.session = world_load(world)};

    world_want_own(world);
    request = world_request(world);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_int_equal(rp_backend_token_replace(&reply, &world->flow->test->env, &request, "access"),
                     APR_SUCCESS);
    assert_int_equal(flow_set_cookie(&reply, FLOW_SESSION_COOKIE) != NULL,
                     world->flow->site.realm.room.part != 0);
}

static void a_refusal_stands_when_there_is_no_refresh_token(void **state)
{
    world_t *world = *state;

    world_want_own(world);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_null(world_replace(world, "access"));
}

static void an_id_token_is_not_replaced(void **state)
{
    world_t *world = *state;

    world->flow->place.backend.kind = RP_BACKEND_ID;
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_null(world_replace(world, world_get(world)));
    assert_int_equal(world->refreshes, 0);
}

static void a_refused_token_of_a_grant_that_is_over_ends_the_session(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request;
    rp_reply_t reply = {.session = world_load(world)};

    world_want_own(world);
    request = world_request(world);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    world_answers(world, 400, "{\"error\":\"invalid_grant\"}");
    assert_int_equal(rp_backend_token_replace(&reply, env, &request, "access"), APR_NOTFOUND);
    test_env_expect_error(world->flow->test, RP_E_REFRESH_GRANT);
    world_expect_signed_out(world);
}

/* --- all of it --- */

static void places_are_the_same_when_all_that_tells_tokens_apart_is(void **state)
{
    world_t *world = *state;
    const rp_place_t places[] = {
        {.backend = {.kind = RP_BACKEND_EXCHANGE}},
        {.backend = {.kind = RP_BACKEND_EXCHANGE, .audience = "a"}},
        {.backend = {.kind = RP_BACKEND_EXCHANGE, .resource = "a"}},
        {.backend = {.kind = RP_BACKEND_EXCHANGE, .scope = "a"}},
        {.backend = {.kind = RP_BACKEND_SERVICE}},
        {.backend = {.kind = RP_BACKEND_SERVICE, .provider = "a"}},
        {.backend = {.kind = RP_BACKEND_USER}},
        {.backend = {.kind = RP_BACKEND_USER}, .resource = world_list(world, "a", NULL)},
        {.backend = {.kind = RP_BACKEND_USER}, .resource = world_list(world, "b", NULL)},
        {.backend = {.kind = RP_BACKEND_USER}, .scope = world_list(world, "a", "b")},
    };
    const apr_size_t count = sizeof(places) / sizeof(places[0]);

    for (apr_size_t i = 0; i < count; i++) {
        for (apr_size_t j = 0; j < count; j++) {
            rp_place_t other = places[j];

            other.backend.audience =
                other.backend.audience
                    ? apr_pstrdup(world->flow->test->env.pool, other.backend.audience)
                    : NULL;
            assert_int_equal(rp_backend_token_is_same(&places[i], &other), i == j);
        }
    }
}

/* Whatever fails, there is a token or a clean failure, and nobody loses a session or the only
 * refresh token there is. */
static void fail_each_call(int in_cookies, void (*want)(world_t *), int later)
{
    int last = 0;

    for (int n = 1; !last; n++) {
        world_t *world = world_make(in_cookies, WITH_REFRESH);
        test_env_t *test = world->flow->test;
        rp_reply_t reply;

        assert_true(n < 200);
        want(world);
        test_env_advance(test, later);
        test->calls = 0;
        test->fail_at = n;
        reply = flow_open(world->flow, "/app");
        last = test->calls < n;
        test->fail_at = 0;
        assert_true(reply.outcome != RP_REDIRECT);
        assert_int_equal(reply.outcome == RP_PASS, reply.backend_token != NULL);
        assert_true(!last || reply.outcome == RP_PASS);
        test_env_run_jobs(test);
        rp_forgive(&test->env);
        test_env_advance(test, RP_TOKEN_PAUSE_MAX_SECONDS);
        world_get(world);
        world_want_own(world);
        world_get(world);
        test_env_destroy(test);
    }
}

static void every_outside_failure_is_a_failure_or_no_matter(void **state)
{
    (void)state;
    for (int in_cookies = 0; in_cookies < 2; in_cookies++) {
        fail_each_call(in_cookies, world_want_own, LIFE + 1);
        fail_each_call(in_cookies, world_want_exchange, 0);
        fail_each_call(in_cookies, world_want_exchange, LIFE + 1);
        fail_each_call(in_cookies, world_want_resource, 0);
        fail_each_call(in_cookies, world_want_resource, LIFE + 1);
    }
}

#define ONE(fn, setup_fn) cmocka_unit_test_setup_teardown(fn, setup_fn, world_teardown)
#define BOTH(fn) ONE(fn, world_setup), ONE(fn, world_setup_in_cookies)

int run_flow_user_token_tests(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_resource_has_a_token_beside_the_sessions_own),
        BOTH(the_places_own_resources_do_as_well),
        BOTH(what_the_login_asks_for_anyway_is_the_sessions_own_token),
        BOTH(a_scope_is_sent_when_it_is_less_than_what_was_granted),
        BOTH(a_refused_resource_costs_neither_session_nor_refresh_token),
        BOTH(invalid_grant_ends_the_session),
        ONE(a_session_without_a_refresh_token_has_none_for_a_resource, world_setup_without_refresh),
        BOTH(it_waits_for_a_refresh_and_uses_what_that_has_rotated),
        BOTH(a_refresh_that_waited_for_it_refreshes_all_the_same),
        BOTH(a_deferred_refresh_that_finds_a_rotated_token_goes_on_with_it),
        BOTH(a_logout_during_the_refresh_wins),
        BOTH(a_rotated_refresh_token_is_not_lost_with_the_answer),
        BOTH(the_sessions_own_token_is_refreshed_when_it_is_refused),
        BOTH(the_browser_is_told_of_a_token_that_was_replaced),
        ONE(a_refusal_stands_when_there_is_no_refresh_token, world_setup_without_refresh),
        BOTH(an_id_token_is_not_replaced),
        BOTH(a_refused_token_of_a_grant_that_is_over_ends_the_session),
        ONE(places_are_the_same_when_all_that_tells_tokens_apart_is, world_setup),
        cmocka_unit_test(every_outside_failure_is_a_failure_or_no_matter),
    };

    return cmocka_run_group_tests_name("flow: users' tokens for backends", tests, NULL, NULL);
}
