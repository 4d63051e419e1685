/* A JWT about the user for the backend: rp_assertion. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"
#include "../../src/flow/rp_assertion.h"
#include "../../src/jose/rp_jws.h"
#include "../../src/session/rp_token_cache.h"

#define CLAIMS                                                                                     \
    ",\"email\":\"alice@example.com\",\"email_verified\":true,\"name\":\"Alice\","                 \
    "\"groups\":[\"a,b\",\"staff\"],\"department\":\"R&D\",\"age\":42"

static int setup(void **state)
{
    flow_t *flow;

    flow_setup(state);
    flow = *state;
    flow->test->env.assertions = rp_token_cache_make(flow->test->env.pool);
    flow->place.backend.kind = RP_BACKEND_ASSERTION;
    flow_add_key(flow, &flow->provider, "ES256", 1, "mine");
    flow_add_key(flow, &flow->provider, "EdDSA", 1, "next");
    flow->claims = CLAIMS;
    return 0;
}

/* What the backend reads, verified with the published keys. */
static json_t *payload_of(flow_t *flow, const char *token)
{
    static const char *const typs[] = {"JWT", NULL};
    apr_pool_t *pool = flow->test->env.pool;
    rp_reply_t reply = flow_open(flow, "/oauth/jwks.json");
    rp_jws_expect_t expect = {.algs = RP_ALGS_ASYMMETRIC, .typ = typs};
    rp_jwks_t *keys;
    json_t *object;
    rp_jws_t *jws;
    const char *why;

    assert_non_null(token);
    assert_int_equal(
        rp_json_parse(&object, reply.body, strlen(reply.body), RP_MAX_JWKS, pool, &why),
        APR_SUCCESS);
    assert_int_equal(rp_jwks_parse(&keys, object, pool, &why), APR_SUCCESS);
    expect.keys = keys;
    assert_int_equal(rp_jws_verify(&jws, token, strlen(token), &expect, pool), RP_JWS_OK);
    assert_string_equal(jws->kid, "mine");
    return jws->payload;
}

static const char *open_app(flow_t *flow)
{
    rp_reply_t reply = flow_open(flow, "/app");

    assert_int_equal(reply.outcome, RP_PASS);
    return reply.backend_token;
}

static const char *text(const json_t *payload, const char *name)
{
    return json_string_value(json_object_get(payload, name));
}

static void tells_the_backend_who_the_user_is(void **state)
{
    flow_t *flow = *state;
    apr_int64_t now = apr_time_sec(flow->test->now);
    const json_t *payload;

    flow_sign_in(flow);
    payload = payload_of(flow, open_app(flow));
    assert_string_equal(text(payload, "iss"), FLOW_BASE);
    assert_string_equal(text(payload, "aud"), FLOW_BASE);
    assert_string_equal(text(payload, "idp"), FLOW_ISSUER);
    assert_string_equal(text(payload, "sub"), "alice");
    assert_int_equal(json_integer_value(json_object_get(payload, "iat")), now);
    assert_int_equal(json_integer_value(json_object_get(payload, "exp")), now + 60);
    assert_int_equal(strlen(text(payload, "jti")), 22);
    assert_string_equal(text(payload, "email"), "alice@example.com");
    assert_string_equal(text(payload, "name"), "Alice");
    assert_string_equal(rp_json_text(json_object_get(payload, "groups"), flow->test->env.pool),
                        "[\"a,b\",\"staff\"]");
    assert_int_equal(json_object_size(payload), 10);
}

static void has_the_audience_and_the_claims_of_the_place(void **state)
{
    flow_t *flow = *state;
    const json_t *payload;

    flow_sign_in(flow);
    flow->place.backend.audience = "https://api.example";
    flow->place.backend.claims = "department age nothing";
    payload = payload_of(flow, open_app(flow));
    assert_string_equal(text(payload, "aud"), "https://api.example");
    assert_string_equal(text(payload, "department"), "R&D");
    assert_int_equal(json_integer_value(json_object_get(payload, "age")), 42);
    assert_int_equal(json_object_size(payload), 9);
}

static void leaves_out_an_address_that_is_not_verified(void **state)
{
    flow_t *flow = *state;

    flow->claims = ",\"email\":\"boss@example.com\",\"email_verified\":false";
    flow_sign_in(flow);
    assert_null(json_object_get(payload_of(flow, open_app(flow)), "email"));
}

static void is_made_once_and_again_before_it_ends(void **state)
{
    flow_t *flow = *state;
    const char *first;

    flow_sign_in(flow);
    first = open_app(flow);
    test_env_advance(flow->test, 44);
    assert_string_equal(open_app(flow), first);
    test_env_advance(flow->test, 1);
    assert_string_not_equal(open_app(flow), first);
    /* A clock that was set back. */
    first = open_app(flow);
    test_env_advance(flow->test, -100);
    assert_string_not_equal(open_app(flow), first);
}

static void is_nobody_elses(void **state)
{
    flow_t *flow = *state;
    const char *first;

    flow_sign_in(flow);
    first = open_app(flow);
    flow->place.backend.audience = "https://api.example";
    assert_string_not_equal(open_app(flow), first);
    flow->place.backend.audience = NULL;
    flow->place.backend.claims = "name";
    assert_string_not_equal(open_app(flow), first);
    flow->place.backend.claims = NULL;
    assert_string_equal(open_app(flow), first);
    apr_table_clear(flow->jar);
    flow->subject = "bob";
    flow_sign_in(flow);
    assert_string_equal(text(payload_of(flow, open_app(flow)), "sub"), "bob");
}

static void needs_a_key_of_the_sessions_provider(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_sign_in(flow);
    flow->provider.client_keys = NULL;
    reply = flow_open(flow, "/app");
    flow_expect_error(&reply, RP_E_ASSERTION);
    assert_int_equal(reply.status, 500);
    assert_null(reply.backend_token);
}

static void refuses_what_no_header_can_hold(void **state)
{
    flow_t *flow = *state;
    char *long_name = apr_pcalloc(flow->test->env.pool, 7001);
    rp_reply_t reply;

    memset(long_name, 'x', 7000);
    flow->claims = apr_pstrcat(flow->test->env.pool, ",\"name\":\"", long_name, "\"", NULL);
    flow_sign_in(flow);
    reply = flow_open(flow, "/app");
    flow_expect_error(&reply, RP_E_EXPORT_LIMIT);
}

static void knows_the_names_that_no_claim_may_have(void **state)
{
    (void)state;
    assert_true(rp_assertion_is_reserved("iss"));
    assert_true(rp_assertion_is_reserved("idp"));
    assert_false(rp_assertion_is_reserved("email"));
    assert_false(rp_assertion_is_reserved(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, flow_teardown)

int run_flow_assertion_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_the_backend_who_the_user_is),
        TEST(has_the_audience_and_the_claims_of_the_place),
        TEST(leaves_out_an_address_that_is_not_verified),
        TEST(is_made_once_and_again_before_it_ends),
        TEST(is_nobody_elses),
        TEST(needs_a_key_of_the_sessions_provider),
        TEST(refuses_what_no_header_can_hold),
        TEST(knows_the_names_that_no_claim_may_have),
    };

    return cmocka_run_group_tests_name("flow: assertions", tests, NULL, NULL);
}
