/* Tokens for backends that a session brings: rp_backend_token with exchange and with user for a
 * resource, and what becomes of a refusal by the backend. Each test runs with sessions in the
 * store, and with sessions in cookies. */
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_form.h"
#include "../../src/flow/rp_access_session.h"
#include "../../src/flow/rp_backend_token.h"
#include "../../src/flow/rp_user_token.h"
#include "../../src/session/rp_token_cache.h"
#include "flow_fixture.h"
#include "test_store.h"

#define TOKEN_URL FLOW_ISSUER "/token"
#define REVOKE_URL FLOW_ISSUER "/revoke"
#define LIFE 300

/* clang-format off */
static const char metadata[] =
    "{\"issuer\":\"" FLOW_ISSUER "\","
    "\"authorization_endpoint\":\"" FLOW_AUTHORIZE "\","
    "\"token_endpoint\":\"" TOKEN_URL "\","
    "\"revocation_endpoint\":\"" REVOKE_URL "\","
    "\"jwks_uri\":\"" FLOW_ISSUER "/jwks\"}";
/* clang-format on */

typedef struct world_t world_t;

/* Alice is signed in; from then on the provider rotates refresh tokens, takes each once, and
 * exchanges the newest access token only. */
struct world_t {
    flow_t *flow;
    rp_env_ops_t ops;
    const char *access;  /* what the provider would exchange */
    const char *refresh; /* what it would take */
    int count;           /* of tokens that it made, the first login's included */
    int exchanges;
    int refreshes;
    int parts;
    const char *form; /* of the last request */
    /* For the next answers, in order: status 0: as it should be. */
    const char *body;
    int status;
    rp_error_id_t error;
    int life;
    void (*during)(world_t *world); /* called once, before the provider answers */
};

static const char *parameter(const world_t *world, const char *name)
{
    rp_form_t *form;
    const char *value;

    assert_int_equal(
        rp_form_parse(&form, world->form, strlen(world->form), world->flow->test->env.pool),
        APR_SUCCESS);
    assert_int_equal(rp_form_get(&value, form, name) == APR_EINVAL, 0);
    return value;
}

static int has_resource(const world_t *world)
{
    return strstr(world->form, "&resource=") != NULL;
}

static const char *made(world_t *world, const char *what)
{
    return apr_psprintf(world->flow->test->env.pool, "%s-%d", what, world->count);
}

static void say(rp_http_response_t *response, int status, const char *body)
{
    response->status = status;
    response->body = body;
    response->body_len = strlen(body);
}

static void answer_exchange(world_t *world, rp_http_response_t *response)
{
    world->exchanges++;
    if (strcmp(parameter(world, "subject_token"), world->access) != 0) {
        say(response, 400, "{\"error\":\"invalid_request\"}");
        return;
    }
    world->count++;
    say(response, 200,
        apr_psprintf(world->flow->test->env.pool,
                     "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%d,"
                     "\"issued_token_type\":\"urn:ietf:params:oauth:token-type:access_token\"}",
                     made(world, "exchanged"), world->life));
}

static void answer_refresh(world_t *world, rp_http_response_t *response)
{
    int resource = has_resource(world);
    const char *token;

    world->refreshes += !resource;
    world->parts += resource;
    if (strcmp(parameter(world, "refresh_token"), world->refresh) != 0) {
        say(response, 400, "{\"error\":\"invalid_grant\"}");
        return;
    }
    world->count++;
    token = made(world, resource ? "part" : "access");
    world->access = resource ? world->access : token;
    world->refresh = made(world, "refresh");
    say(response, 200,
        apr_psprintf(world->flow->test->env.pool,
                     "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%d,"
                     "\"refresh_token\":\"%s\"}",
                     token, world->life, world->refresh));
}

static apr_status_t answer_token(rp_http_response_t *response, rp_env_t *env,
                                 const rp_http_request_t *request, void *ctx)
{
    world_t *world = ctx;
    void (*during)(world_t *) = world->during;
    const char *form =
        apr_pstrmemdup(world->flow->test->env.pool, request->body, request->body_len);

    world->during = NULL;
    if (during) {
        during(world);
    }
    world->form = form;
    if (world->error) {
        return rp_fail(env, world->error, "as the test wants it");
    }
    if (world->status) {
        world->exchanges += parameter(world, "subject_token") != NULL;
        world->parts += has_resource(world) && !parameter(world, "subject_token");
        say(response, world->status, world->body);
    } else if (parameter(world, "subject_token")) {
        answer_exchange(world, response);
    } else {
        answer_refresh(world, response);
    }
    return APR_SUCCESS;
}

static void start_provider(world_t *world)
{
    test_http_t *http = world->flow->http;

    test_http_reset(http);
    test_http_answer(http, FLOW_ISSUER "/.well-known/", 200, "application/json", metadata);
    test_http_repeat(http);
    test_http_answer_with(http, TOKEN_URL, answer_token, world);
    test_http_repeat(http);
    test_http_answer(http, REVOKE_URL, 200, "application/json", "");
    test_http_repeat(http);
}

static world_t *make_world(int in_cookies, const char *tokens)
{
    static const char *const cookies[] = {FLOW_SESSION_COOKIE,      FLOW_LOGIN_COOKIE,
                                          FLOW_SESSION_COOKIE ".1", FLOW_SESSION_COOKIE ".2",
                                          FLOW_SESSION_COOKIE ".3", FLOW_SESSION_COOKIE ".4",
                                          FLOW_SESSION_COOKIE ".5", FLOW_SESSION_COOKIE ".6",
                                          FLOW_SESSION_COOKIE ".7", NULL};
    flow_t *flow = flow_make();
    world_t *world = apr_pcalloc(flow->test->env.pool, sizeof(*world));

    world->flow = flow;
    world->access = "access";
    world->refresh = "refresh-1";
    world->count = 1;
    world->life = LIFE;
    flow->site.own_cookies = cookies;
    if (in_cookies) {
        flow->site.realm.room = (rp_session_room_t){.part = 3900, .overhead = 17, .total = 7167};
    }
    flow->test->env.tokens = rp_token_cache_make(flow->test->env.pool);
    flow->tokens = tokens;
    flow_offer_logout(flow);
    flow_sign_in(flow);
    start_provider(world);
    return world;
}

#define WITH_REFRESH ",\"refresh_token\":\"refresh-1\",\"expires_in\":300,\"scope\":\"openid a b\""

static int setup(void **state)
{
    *state = make_world(0, WITH_REFRESH);
    return 0;
}

static int setup_in_cookies(void **state)
{
    *state = make_world(1, WITH_REFRESH);
    return 0;
}

static int setup_without_refresh(void **state)
{
    *state = make_world(0, ",\"expires_in\":300");
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((world_t *)*state)->flow->test);
    return 0;
}

/* --- what the tests say --- */

static void want_exchange(world_t *world)
{
    world->flow->place.backend =
        (rp_backend_token_t){.kind = RP_BACKEND_EXCHANGE, .audience = "billing"};
}

static void want_resource(world_t *world)
{
    world->flow->place.backend =
        (rp_backend_token_t){.kind = RP_BACKEND_USER, .resource = "https://api.example/"};
}

static void want_own(world_t *world)
{
    world->flow->place.backend = (rp_backend_token_t){.kind = RP_BACKEND_USER};
}

static const char *get(world_t *world)
{
    rp_reply_t reply = flow_open(world->flow, "/app");

    if (reply.outcome != RP_PASS) {
        fail_msg("outcome %d, OA-%d: %s", (int)reply.outcome, (int)reply.error.id,
                 reply.error.detail ? reply.error.detail : "");
    }
    assert_non_null(reply.backend_token);
    return reply.backend_token;
}

static void expect_failure(world_t *world, rp_error_id_t id)
{
    rp_reply_t reply = flow_open(world->flow, "/app");

    flow_expect_error(&reply, id);
    rp_forgive(&world->flow->test->env);
}

/* As another process: nothing but the store is shared. */
static void change_process(world_t *world)
{
    world->flow->test->env.tokens = rp_token_cache_make(world->flow->test->env.pool);
    world->flow->test->env.opened = NULL;
}

static void answers(world_t *world, int status, const char *body)
{
    world->status = status;
    world->body = body;
}

static int kept(const world_t *world)
{
    return test_store_count(world->flow->test->env.store, &world->flow->test->env, RP_KIND_TOKEN);
}

static const char *cookie_header(world_t *world)
{
    const apr_array_header_t *all = apr_table_elts(world->flow->jar);
    const char *text = "";

    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *one = &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        text = apr_pstrcat(world->flow->test->env.pool, text, i ? "; " : "", one->key, "=",
                           one->val, NULL);
    }
    return text;
}

static rp_request_t request_of(world_t *world)
{
    rp_request_t request = {.site = &world->flow->site,
                            .place = &world->flow->place,
                            .method = "GET",
                            .target = "/app",
                            .cookies = cookie_header(world)};

    return request;
}

static rp_session_t *load(world_t *world)
{
    rp_request_t request = request_of(world);
    rp_session_t *session;

    assert_int_equal(rp_access_session(&session, &world->flow->test->env, &request), APR_SUCCESS);
    return session;
}

/* The backend refused used. NULL: the refusal stands. */
static const char *replace(world_t *world, const char *used)
{
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request = request_of(world);
    rp_reply_t reply = {.session = load(world)};
    apr_status_t rv = rp_backend_token_replace(&reply, env, &request, used);

    assert_int_equal(env->error.id, RP_E_NONE);
    assert_int_equal(rv, reply.backend_token ? APR_SUCCESS : APR_NOTFOUND);
    return reply.backend_token;
}

static void log_out(world_t *world)
{
    rp_env_t *env = &world->flow->test->env;

    assert_int_equal(rp_session_end(env, &world->flow->site.realm, load(world)), APR_SUCCESS);
}

static void expect_signed_out(world_t *world)
{
    world->flow->place.backend.kind = RP_BACKEND_NONE;
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
}

/* --- exchange --- */

static void the_backend_gets_a_token_that_is_exchanged_for_the_users(void **state)
{
    world_t *world = *state;

    world->flow->place.backend = (rp_backend_token_t){.kind = RP_BACKEND_EXCHANGE,
                                                      .audience = "billing",
                                                      .resource = "https://api.example/v1",
                                                      .scope = "read write"};
    assert_string_equal(get(world), "exchanged-2");
    assert_string_equal(
        world->form, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
                     "&subject_token=access"
                     "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                     "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
                     "&scope=read%20write&audience=billing&resource=https%3A%2F%2Fapi.example%2Fv1"
                     "&client_id=client");
    want_own(world);
    assert_string_equal(get(world), "access");
}

static void one_exchange_serves_all_requests_and_processes(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(get(world), "exchanged-2");
        change_process(world);
        test_env_advance(world->flow->test, 60);
    }
    assert_int_equal(world->exchanges, 1);
}

static void every_session_has_its_own(void **state)
{
    world_t *world = *state;
    apr_table_t *jar = apr_table_clone(world->flow->test->env.pool, world->flow->jar);
    rp_token_cache_t *tokens = world->flow->test->env.tokens;

    want_exchange(world);
    assert_string_equal(get(world), "exchanged-2");
    /* The same user, in another browser. */
    apr_table_clear(world->flow->jar);
    world->flow->place.backend.kind = RP_BACKEND_NONE;
    flow_offer_logout(world->flow);
    flow_sign_in(world->flow);
    start_provider(world);
    want_exchange(world);
    assert_ptr_equal(world->flow->test->env.tokens, tokens);
    assert_string_equal(get(world), "exchanged-3");
    world->flow->jar = jar;
    assert_string_equal(get(world), "exchanged-2");
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

    want_exchange(world);
    get(world);
    for (apr_size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        world->flow->place.backend = others[i];
        get(world);
        assert_int_equal(world->exchanges + world->parts, i + 2);
    }
    want_exchange(world);
    assert_string_equal(get(world), "exchanged-2");
}

static void a_users_token_that_is_due_is_refreshed_before_it_is_exchanged(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    test_env_advance(world->flow->test, 250);
    assert_string_equal(get(world), "exchanged-3");
    assert_string_equal(parameter(world, "subject_token"), "access-2");
    assert_int_equal(world->refreshes, 1);
    want_own(world);
    assert_string_equal(get(world), "access-2");
    assert_int_equal(world->refreshes, 1);
}

static void one_that_cannot_be_refreshed_is_exchanged_as_long_as_it_is_good(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    test_env_advance(world->flow->test, 250);
    /* The provider takes no refresh at the moment; somebody has found out. */
    assert_int_equal(rp_session_lease_end(&world->flow->test->env, load(world), 1), APR_SUCCESS);
    assert_string_equal(get(world), "exchanged-2");
    assert_string_equal(parameter(world, "subject_token"), "access");
}

static void an_expired_one_that_cannot_be_refreshed_is_not_exchanged(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    test_env_advance(world->flow->test, LIFE + 1);
    world->error = RP_E_PROVIDER_TIMEOUT;
    expect_failure(world, RP_E_EXCHANGE_UNAVAILABLE);
    world->error = RP_E_NONE;
    answers(world, 500, "oops");
    test_env_advance(world->flow->test, 60);
    expect_failure(world, RP_E_EXCHANGE_FAILED);
    answers(world, 0, NULL);
    test_env_advance(world->flow->test, 60);
    assert_string_equal(get(world), "exchanged-3");
}

static void without_a_refresh_token_an_expired_one_asks_for_a_new_login(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    test_env_advance(world->flow->test, LIFE - 1);
    assert_string_equal(get(world), "exchanged-2");
    change_process(world);
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

    want_exchange(world);
    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        answers(world, wrong[i].status, wrong[i].body);
        expect_failure(world, wrong[i].error);
        assert_int_equal(world->exchanges, i + 1);
        /* Not repeated at once, by whoever. */
        change_process(world);
        expect_failure(world, wrong[i].error);
        assert_int_equal(world->exchanges, i + 1);
        test_env_advance(world->flow->test, RP_TOKEN_PAUSE_MAX_SECONDS);
        world->flow->place.backend.kind = RP_BACKEND_USER;
        get(world);
        world->flow->place.backend.kind = RP_BACKEND_EXCHANGE;
        answers(world, 0, NULL);
        test_env_run_jobs(world->flow->test);
    }
    get(world);
}

static void a_provider_that_is_down_is_no_refusal(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    world->error = RP_E_PROVIDER_UNREACHABLE;
    expect_failure(world, RP_E_EXCHANGE_UNAVAILABLE);
    expect_failure(world, RP_E_EXCHANGE_UNAVAILABLE);
}

static void a_jwt_is_an_access_token_when_it_is_one(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    answers(world, 200,
            "{\"access_token\":\"eyJhIjoxfQ.eyJiIjoxfQ.c2ln\",\"token_type\":\"bearer\","
            "\"refresh_token\":\"never-used\"," ISSUED("jwt") "}");
    assert_string_equal(get(world), "eyJhIjoxfQ.eyJiIjoxfQ.c2ln");
    assert_string_equal(load(world)->record.subject, "alice");
}

static void an_exchanged_token_is_renewed_before_it_expires_and_nobody_waits(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    test_env_advance(world->flow->test, 10);
    assert_string_equal(get(world), "exchanged-2");
    test_env_advance(world->flow->test, LIFE - 55);
    assert_string_equal(get(world), "exchanged-2");
    assert_string_equal(get(world), "exchanged-2");
    assert_int_equal(world->flow->test->job_count, 1);
    test_env_run_jobs(world->flow->test);
    assert_int_equal(world->exchanges, 2);
    /* The user's own was due, too. */
    assert_int_equal(world->refreshes, 1);
    assert_string_equal(get(world), "exchanged-4");
    assert_string_equal(parameter(world, "subject_token"), "access-3");
}

static void a_renewal_that_comes_after_the_logout_asks_for_nothing(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    get(world);
    test_env_advance(world->flow->test, LIFE - 55);
    get(world);
    log_out(world);
    test_env_run_jobs(world->flow->test);
    rp_forgive(&world->flow->test->env);
    assert_int_equal(world->exchanges, 1);
    assert_int_equal(world->refreshes, 0);
    assert_int_equal(
        test_store_count(world->flow->test->env.store, &world->flow->test->env, RP_KIND_LEASE), 0);
}

static void run_jobs_while_waiting(void *ctx, apr_interval_time_t duration)
{
    test_env_t *test = ctx;

    test->now += duration;
    test_env_run_jobs(test);
}

/* The one whose request renews is slow; meanwhile the old token expires. */
static void a_request_without_a_token_waits_for_the_one_that_is_under_way(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    want_exchange(world);
    get(world);
    test_env_advance(world->flow->test, LIFE - 5);
    get(world);
    test_env_advance(world->flow->test, 5);
    change_process(world);
    world->ops = *env->ops;
    world->ops.sleep = run_jobs_while_waiting;
    env->ops = &world->ops;
    assert_string_equal(get(world), "exchanged-4");
    assert_int_equal(world->exchanges, 2);
    assert_int_equal(world->refreshes, 1);
}

static void a_logout_during_the_exchange_wins(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    world->during = log_out;
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
    assert_int_equal(kept(world), 0);
    assert_int_equal(test_http_calls_to(world->flow->http, REVOKE_URL), 1);
    expect_signed_out(world);
}

static void a_refused_token_is_replaced_once_and_for_everybody(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    assert_string_equal(get(world), "exchanged-2");
    assert_string_equal(replace(world, "exchanged-2"), "exchanged-3");
    assert_string_equal(replace(world, "exchanged-2"), "exchanged-3");
    assert_null(replace(world, "exchanged-3"));
    assert_string_equal(get(world), "exchanged-3");
    assert_int_equal(world->exchanges, 2);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_string_equal(replace(world, "exchanged-3"), "exchanged-4");
}

static void a_refused_token_is_not_used_again_when_there_is_no_other(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request;
    rp_reply_t reply = {.session = load(world)};

    want_exchange(world);
    get(world);
    request = request_of(world);
    answers(world, 400, "{\"error\":\"access_denied\"}");
    assert_int_equal(rp_backend_token_replace(&reply, env, &request, "exchanged-2"), RP_FAILED);
    assert_null(reply.backend_token);
    test_env_expect_error(world->flow->test, RP_E_EXCHANGE_REFUSED);
    answers(world, 0, NULL);
    expect_failure(world, RP_E_EXCHANGE_REFUSED);
}

static void after_the_logout_there_is_nothing_to_replace(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request;
    rp_reply_t reply = {.session = load(world)};

    want_exchange(world);
    get(world);
    request = request_of(world);
    log_out(world);
    assert_int_equal(rp_backend_token_replace(&reply, env, &request, "exchanged-2"), APR_NOTFOUND);
    assert_null(reply.backend_token);
    assert_int_equal(world->exchanges, 1);
    assert_int_equal(kept(world), 0);
}

static void it_lives_no_longer_than_the_session(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    world->life = 1000000;
    get(world);
    assert_int_equal(kept(world), 1);
    test_env_advance(world->flow->test, 8 * 3600 - 1);
    assert_int_equal(kept(world), 1);
    test_env_advance(world->flow->test, 1);
    assert_int_equal(kept(world), 0);
}

static void a_stored_token_that_does_not_open_is_no_token(void **state)
{
    world_t *world = *state;

    want_exchange(world);
    get(world);
    test_store_damage(world->flow->test->env.store, &world->flow->test->env, RP_KIND_TOKEN);
    change_process(world);
    assert_string_equal(get(world), "exchanged-3");
}

/* --- user, for a resource --- */

static apr_array_header_t *list_of(world_t *world, const char *one, const char *other)
{
    apr_array_header_t *list = apr_array_make(world->flow->test->env.pool, 2, sizeof(char *));

    APR_ARRAY_PUSH(list, const char *) = one;
    if (other) {
        APR_ARRAY_PUSH(list, const char *) = other;
    }
    return list;
}

static void a_resource_has_a_token_beside_the_sessions_own(void **state)
{
    world_t *world = *state;

    want_resource(world);
    assert_string_equal(get(world), "part-2");
    assert_string_equal(world->form, "grant_type=refresh_token&refresh_token=refresh-1"
                                     "&resource=https%3A%2F%2Fapi.example%2F&client_id=client");
    change_process(world);
    assert_string_equal(get(world), "part-2");
    want_own(world);
    assert_string_equal(get(world), "access");
    assert_int_equal(world->parts, 1);
    assert_int_equal(world->refreshes, 0);
    /* Both are renewed with what was rotated, and when each is due. */
    test_env_advance(world->flow->test, LIFE + 1);
    assert_string_equal(get(world), "access-3");
    want_resource(world);
    assert_string_equal(get(world), "part-4");
    assert_int_equal(world->parts, 2);
    assert_int_equal(world->refreshes, 1);
}

static void the_places_own_resources_do_as_well(void **state)
{
    world_t *world = *state;

    want_own(world);
    world->flow->place.resource = list_of(world, "https://a.example/", "https://b.example/?c=d");
    assert_string_equal(get(world), "part-2");
    assert_string_equal(world->form, "grant_type=refresh_token&refresh_token=refresh-1"
                                     "&resource=https%3A%2F%2Fa.example%2F"
                                     "&resource=https%3A%2F%2Fb.example%2F%3Fc%3Dd"
                                     "&client_id=client");
}

static void what_the_login_asks_for_anyway_is_the_sessions_own_token(void **state)
{
    world_t *world = *state;

    want_own(world);
    world->flow->provider.resource = list_of(world, "https://a.example/", NULL);
    assert_string_equal(get(world), "access");
    world->flow->place.resource = list_of(world, "https://a.example/", NULL);
    assert_string_equal(get(world), "access");
    world->flow->place.resource = list_of(world, "https://b.example/", NULL);
    assert_string_equal(get(world), "part-2");
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

    want_resource(world);
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_env_advance(world->flow->test, LIFE + 1);
        world->flow->place.scope = list_of(world, rows[i].one, rows[i].other);
        get(world);
        assert_int_equal(world->parts, i + 1);
        if (rows[i].sent) {
            assert_string_equal(parameter(world, "scope"), rows[i].sent);
        } else {
            assert_null(parameter(world, "scope"));
        }
    }
    test_env_advance(world->flow->test, LIFE + 1);
    world->flow->place.scope = list_of(world, "b", "a");
    APR_ARRAY_PUSH((apr_array_header_t *)(intptr_t)world->flow->place.scope, const char *) =
        "openid";
    get(world);
    assert_null(parameter(world, "scope"));
}

static void a_refused_resource_costs_neither_session_nor_refresh_token(void **state)
{
    world_t *world = *state;

    want_resource(world);
    answers(world, 400, "{\"error\":\"invalid_target\"}");
    expect_failure(world, RP_E_EXCHANGE_REFUSED);
    answers(world, 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}");
    test_env_advance(world->flow->test, 60);
    expect_failure(world, RP_E_EXCHANGE_FAILED);
    answers(world, 0, NULL);
    /* The session's own refresh does not have to wait. */
    want_own(world);
    test_env_advance(world->flow->test, LIFE);
    assert_string_equal(get(world), "access-2");
    want_resource(world);
    assert_string_equal(get(world), "part-3");
}

static void invalid_grant_ends_the_session(void **state)
{
    world_t *world = *state;
    rp_reply_t reply;

    want_resource(world);
    answers(world, 400, "{\"error\":\"invalid_grant\"}");
    reply = flow_open(world->flow, "/app");
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_int_equal(reply.error.id, RP_E_REFRESH_GRANT);
    assert_int_equal(kept(world), 0);
    expect_signed_out(world);
}

static void a_session_without_a_refresh_token_has_none_for_a_resource(void **state)
{
    world_t *world = *state;

    want_resource(world);
    expect_failure(world, RP_E_BACKEND_TOKEN);
    want_own(world);
    assert_string_equal(get(world), "access");
    assert_int_equal(world->parts, 0);
}

/* A refresh of the session's own token has been deferred and has the lease. */
static void it_waits_for_a_refresh_and_uses_what_that_has_rotated(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    want_own(world);
    test_env_advance(world->flow->test, 250);
    assert_string_equal(get(world), "access");
    assert_int_equal(world->flow->test->job_count, 1);
    world->ops = *env->ops;
    world->ops.sleep = run_jobs_while_waiting;
    env->ops = &world->ops;
    want_resource(world);
    assert_string_equal(get(world), "part-3");
    want_own(world);
    assert_string_equal(get(world), "access-2");
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
        session = load(world);
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

    want_own(world);
    test_env_advance(world->flow->test, LIFE + 1);
    assert_int_equal(rp_session_lease_take(env, load(world)), APR_SUCCESS);
    waiting = world;
    world->ops = *env->ops;
    world->ops.sleep = rotate_while_waiting;
    env->ops = &world->ops;
    assert_string_equal(get(world), "access-2");
    assert_string_equal(parameter(world, "refresh_token"), "rotated");
    assert_int_equal(world->refreshes, 1);
}

static void a_deferred_refresh_that_finds_a_rotated_token_goes_on_with_it(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;

    want_own(world);
    test_env_advance(world->flow->test, 250);
    get(world);
    world->refresh = "rotated";
    assert_int_equal(rp_session_rotate(env, &world->flow->site.realm, load(world), "rotated"),
                     APR_SUCCESS);
    test_env_run_jobs(world->flow->test);
    assert_string_equal(parameter(world, "refresh_token"), "rotated");
    assert_string_equal(get(world), "access-2");
}

static void a_logout_during_the_refresh_wins(void **state)
{
    world_t *world = *state;
    const test_http_call_t *call;

    want_resource(world);
    world->during = log_out;
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
    assert_int_equal(kept(world), 0);
    assert_int_equal(test_http_calls_to(world->flow->http, REVOKE_URL), 1);
    call = test_http_call(world->flow->http, test_http_calls(world->flow->http) - 1);
    assert_non_null(strstr(call->body, "token=refresh-2&token_type_hint=refresh_token"));
    expect_signed_out(world);
}

/* The answer with the rotated token never reaches the browser. */
static void a_rotated_refresh_token_is_not_lost_with_the_answer(void **state)
{
    world_t *world = *state;
    apr_table_t *jar = apr_table_clone(world->flow->test->env.pool, world->flow->jar);

    want_resource(world);
    get(world);
    world->flow->jar = jar;
    change_process(world);
    test_env_advance(world->flow->test, LIFE + 1);
    assert_string_equal(get(world), "part-3");
    want_own(world);
    world->flow->jar = jar;
    assert_string_equal(get(world), "access-4");
}

/* --- user: the session's own, refused --- */

static void the_sessions_own_token_is_refreshed_when_it_is_refused(void **state)
{
    world_t *world = *state;

    want_own(world);
    assert_null(replace(world, "access"));
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_string_equal(replace(world, "access"), "access-2");
    assert_string_equal(replace(world, "access"), "access-2");
    assert_null(replace(world, "access-2"));
    assert_int_equal(world->refreshes, 1);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_string_equal(replace(world, "access-2"), "access-3");
}

static void the_browser_is_told_of_a_token_that_was_replaced(void **state)
{
    world_t *world = *state;
    rp_request_t request;
    rp_reply_t reply = {.session = load(world)};

    want_own(world);
    request = request_of(world);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_int_equal(rp_backend_token_replace(&reply, &world->flow->test->env, &request, "access"),
                     APR_SUCCESS);
    assert_int_equal(flow_set_cookie(&reply, FLOW_SESSION_COOKIE) != NULL,
                     world->flow->site.realm.room.part != 0);
}

static void a_refusal_stands_when_there_is_no_refresh_token(void **state)
{
    world_t *world = *state;

    want_own(world);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_null(replace(world, "access"));
}

static void an_id_token_is_not_replaced(void **state)
{
    world_t *world = *state;

    world->flow->place.backend.kind = RP_BACKEND_ID;
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    assert_null(replace(world, get(world)));
    assert_int_equal(world->refreshes, 0);
}

static void a_refused_token_of_a_grant_that_is_over_ends_the_session(void **state)
{
    world_t *world = *state;
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request;
    rp_reply_t reply = {.session = load(world)};

    want_own(world);
    request = request_of(world);
    test_env_advance(world->flow->test, RP_TOKEN_REFUSED_SECONDS);
    answers(world, 400, "{\"error\":\"invalid_grant\"}");
    assert_int_equal(rp_backend_token_replace(&reply, env, &request, "access"), APR_NOTFOUND);
    test_env_expect_error(world->flow->test, RP_E_REFRESH_GRANT);
    expect_signed_out(world);
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
        {.backend = {.kind = RP_BACKEND_USER}, .resource = list_of(world, "a", NULL)},
        {.backend = {.kind = RP_BACKEND_USER}, .resource = list_of(world, "b", NULL)},
        {.backend = {.kind = RP_BACKEND_USER}, .scope = list_of(world, "a", "b")},
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
        world_t *world = make_world(in_cookies, WITH_REFRESH);
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
        get(world);
        want_own(world);
        get(world);
        test_env_destroy(test);
    }
}

static void every_outside_failure_is_a_failure_or_no_matter(void **state)
{
    (void)state;
    for (int in_cookies = 0; in_cookies < 2; in_cookies++) {
        fail_each_call(in_cookies, want_own, LIFE + 1);
        fail_each_call(in_cookies, want_exchange, 0);
        fail_each_call(in_cookies, want_exchange, LIFE + 1);
        fail_each_call(in_cookies, want_resource, 0);
        fail_each_call(in_cookies, want_resource, LIFE + 1);
    }
}

#define ONE(fn, setup_fn) cmocka_unit_test_setup_teardown(fn, setup_fn, teardown)
#define BOTH(fn) ONE(fn, setup), ONE(fn, setup_in_cookies)

int run_flow_user_token_tests(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_backend_gets_a_token_that_is_exchanged_for_the_users),
        BOTH(one_exchange_serves_all_requests_and_processes),
        BOTH(every_session_has_its_own),
        BOTH(places_that_ask_for_something_else_have_another),
        BOTH(a_users_token_that_is_due_is_refreshed_before_it_is_exchanged),
        BOTH(one_that_cannot_be_refreshed_is_exchanged_as_long_as_it_is_good),
        BOTH(an_expired_one_that_cannot_be_refreshed_is_not_exchanged),
        ONE(without_a_refresh_token_an_expired_one_asks_for_a_new_login, setup_without_refresh),
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
        BOTH(a_resource_has_a_token_beside_the_sessions_own),
        BOTH(the_places_own_resources_do_as_well),
        BOTH(what_the_login_asks_for_anyway_is_the_sessions_own_token),
        BOTH(a_scope_is_sent_when_it_is_less_than_what_was_granted),
        BOTH(a_refused_resource_costs_neither_session_nor_refresh_token),
        BOTH(invalid_grant_ends_the_session),
        ONE(a_session_without_a_refresh_token_has_none_for_a_resource, setup_without_refresh),
        BOTH(it_waits_for_a_refresh_and_uses_what_that_has_rotated),
        BOTH(a_refresh_that_waited_for_it_refreshes_all_the_same),
        BOTH(a_deferred_refresh_that_finds_a_rotated_token_goes_on_with_it),
        BOTH(a_logout_during_the_refresh_wins),
        BOTH(a_rotated_refresh_token_is_not_lost_with_the_answer),
        BOTH(the_sessions_own_token_is_refreshed_when_it_is_refused),
        BOTH(the_browser_is_told_of_a_token_that_was_replaced),
        ONE(a_refusal_stands_when_there_is_no_refresh_token, setup_without_refresh),
        BOTH(an_id_token_is_not_replaced),
        BOTH(a_refused_token_of_a_grant_that_is_over_ends_the_session),
        ONE(places_are_the_same_when_all_that_tells_tokens_apart_is, setup),
        cmocka_unit_test(every_outside_failure_is_a_failure_or_no_matter),
    };

    return cmocka_run_group_tests_name("flow: tokens of users for backends", tests, NULL, NULL);
}
