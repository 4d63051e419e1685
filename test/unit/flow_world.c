#include "flow_world.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/codec/rp_form.h"
#include "../../src/flow/rp_access_session.h"
#include "../../src/flow/rp_backend_token.h"
#include "../../src/session/rp_token_cache.h"
#include "test_store.h"

/* clang-format off */
static const char metadata[] =
    "{\"issuer\":\"" FLOW_ISSUER "\","
    "\"authorization_endpoint\":\"" FLOW_AUTHORIZE "\","
    "\"token_endpoint\":\"" TOKEN_URL "\","
    "\"revocation_endpoint\":\"" REVOKE_URL "\","
    "\"jwks_uri\":\"" FLOW_ISSUER "/jwks\"}";
/* clang-format on */

const char *world_parameter(const world_t *world, const char *name)
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
    if (strcmp(world_parameter(world, "subject_token"), world->access) != 0) {
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
    if (strcmp(world_parameter(world, "refresh_token"), world->refresh) != 0) {
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
        world->exchanges += world_parameter(world, "subject_token") != NULL;
        world->parts += has_resource(world) && !world_parameter(world, "subject_token");
        say(response, world->status, world->body);
    } else if (world_parameter(world, "subject_token")) {
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

world_t *world_make(int in_cookies, const char *tokens)
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

int world_setup(void **state)
{
    *state = world_make(0, WITH_REFRESH);
    return 0;
}

int world_setup_in_cookies(void **state)
{
    *state = world_make(1, WITH_REFRESH);
    return 0;
}

int world_setup_without_refresh(void **state)
{
    *state = world_make(0, ",\"expires_in\":300");
    return 0;
}

int world_teardown(void **state)
{
    test_env_destroy(((world_t *)*state)->flow->test);
    return 0;
}

/* --- what the tests say --- */

void world_want_exchange(world_t *world)
{
    world->flow->place.backend =
        (rp_backend_token_t){.kind = RP_BACKEND_EXCHANGE, .audience = "billing"};
}

void world_want_resource(world_t *world)
{
    world->flow->place.backend =
        (rp_backend_token_t){.kind = RP_BACKEND_USER, .resource = "https://api.example/"};
}

void world_want_own(world_t *world)
{
    world->flow->place.backend = (rp_backend_token_t){.kind = RP_BACKEND_USER};
}

const char *world_get(world_t *world)
{
    rp_reply_t reply = flow_open(world->flow, "/app");

    if (reply.outcome != RP_PASS) {
        fail_msg("outcome %d, OA-%d: %s", (int)reply.outcome, (int)reply.error.id,
                 reply.error.detail ? reply.error.detail : "");
    }
    assert_non_null(reply.backend_token);
    return reply.backend_token;
}

void world_expect_failure(world_t *world, rp_error_id_t id)
{
    rp_reply_t reply = flow_open(world->flow, "/app");

    flow_expect_error(&reply, id);
    rp_forgive(&world->flow->test->env);
}

/* As another process: nothing but the store is shared. */
void world_change_process(world_t *world)
{
    world->flow->test->env.tokens = rp_token_cache_make(world->flow->test->env.pool);
    world->flow->test->env.opened = NULL;
}

void world_answers(world_t *world, int status, const char *body)
{
    world->status = status;
    world->body = body;
}

int world_kept(const world_t *world)
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

rp_request_t world_request(world_t *world)
{
    rp_request_t request = {.site = &world->flow->site,
                            .place = &world->flow->place,
                            .method = "GET",
                            .target = "/app",
                            .cookies = cookie_header(world)};

    return request;
}

rp_session_t *world_load(world_t *world)
{
    rp_request_t request = world_request(world);
    rp_session_t *session;

    assert_int_equal(rp_access_session(&session, &world->flow->test->env, &request), APR_SUCCESS);
    return session;
}

/* The backend refused used. NULL: the refusal stands. */
const char *world_replace(world_t *world, const char *used)
{
    rp_env_t *env = &world->flow->test->env;
    rp_request_t request = world_request(world);
    rp_reply_t reply = {.session = world_load(world)};
    apr_status_t rv = rp_backend_token_replace(&reply, env, &request, used);

    assert_int_equal(env->error.id, RP_E_NONE);
    assert_int_equal(rv, reply.backend_token ? APR_SUCCESS : APR_NOTFOUND);
    return reply.backend_token;
}

void world_log_out(world_t *world)
{
    rp_env_t *env = &world->flow->test->env;

    assert_int_equal(rp_session_end(env, &world->flow->site.realm, world_load(world)), APR_SUCCESS);
}

void world_expect_signed_out(world_t *world)
{
    world->flow->place.backend.kind = RP_BACKEND_NONE;
    assert_int_equal(flow_open(world->flow, "/app").outcome, RP_REDIRECT);
}

void world_run_jobs_while_waiting(void *ctx, apr_interval_time_t duration)
{
    test_env_t *test = ctx;

    test->now += duration;
    test_env_run_jobs(test);
}

void world_sign_in_again(world_t *world)
{
    apr_table_clear(world->flow->jar);
    world->flow->place.backend.kind = RP_BACKEND_NONE;
    flow_offer_logout(world->flow);
    flow_sign_in(world->flow);
    start_provider(world);
}

apr_array_header_t *world_list(world_t *world, const char *one, const char *other)
{
    apr_array_header_t *list = apr_array_make(world->flow->test->env.pool, 2, sizeof(char *));

    APR_ARRAY_PUSH(list, const char *) = one;
    if (other) {
        APR_ARRAY_PUSH(list, const char *) = other;
    }
    return list;
}
