/* What a page of the site may know about the session: rp_session_endpoint. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <string.h>

#include "../../src/codec/rp_json.h"

static json_t *parse(flow_t *flow, const rp_reply_t *reply)
{
    const char *why = NULL;
    json_t *object;

    assert_int_equal(reply->outcome, RP_JSON);
    assert_string_equal(reply->content_type, "application/json");
    assert_int_equal(rp_json_parse(&object, reply->body, strlen(reply->body), 100000,
                                   flow->test->env.pool, &why),
                     APR_SUCCESS);
    return object;
}

static void tells_about_the_own_session_with_claims_as_they_came(void **state)
{
    flow_t *flow = *state;
    json_t *object;
    json_t *claims;
    rp_reply_t reply;

    flow->claims = ",\"email_verified\":true,\"age\":42,\"big\":12345678901,\"height\":1.5,"
                   "\"groups\":[\"a,b\",\"50%\"],\"none\":[],"
                   "\"address\":{\"locality\":\"Bonn\"},\"name\":\"\xC3\x84nne \\\"Q\\\"\"";
    flow->tokens = ",\"refresh_token\":\"secret-refresh\"";
    flow_sign_in(flow);
    reply = flow_open(flow, "/oauth/session");
    assert_int_equal(reply.status, 200);
    object = parse(flow, &reply);
    assert_string_equal(json_string_value(json_object_get(object, "user")), "alice");
    assert_string_equal(json_string_value(json_object_get(object, "subject")), "alice");
    assert_string_equal(json_string_value(json_object_get(object, "issuer")), FLOW_ISSUER);
    assert_string_equal(json_string_value(json_object_get(object, "provider")), "");
    assert_int_equal(json_integer_value(json_object_get(object, "created")),
                     apr_time_sec(flow->test->now));
    assert_int_equal(json_integer_value(json_object_get(object, "expires")),
                     apr_time_sec(flow->test->now) + 8 * 3600);
    assert_int_equal(json_integer_value(json_object_get(object, "idle_expires")),
                     apr_time_sec(flow->test->now) + 1800);
    claims = json_object_get(object, "claims");
    assert_true(json_is_true(json_object_get(claims, "email_verified")));
    assert_int_equal(json_integer_value(json_object_get(claims, "age")), 42);
    assert_int_equal(json_integer_value(json_object_get(claims, "big")), 12345678901);
    assert_true(json_is_real(json_object_get(claims, "height")));
    assert_string_equal(rp_json_text(json_object_get(claims, "groups"), flow->test->env.pool),
                        "[\"a,b\",\"50%\"]");
    assert_string_equal(rp_json_text(json_object_get(claims, "none"), flow->test->env.pool), "[]");
    assert_string_equal(rp_json_text(json_object_get(claims, "address"), flow->test->env.pool),
                        "{\"locality\":\"Bonn\"}");
    assert_null(json_object_get(claims, "address.locality"));
    assert_string_equal(json_string_value(json_object_get(claims, "name")), "\xC3\x84nne \"Q\"");
}

static void never_tells_a_token(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow->tokens = ",\"refresh_token\":\"secret-refresh\"";
    flow_sign_in(flow);
    reply = flow_open(flow, "/oauth/session");
    assert_null(strstr(reply.body, "secret-refresh"));
    assert_null(strstr(reply.body, "\"access\""));
    assert_null(strstr(reply.body, "eyJ"));
    assert_null(strstr(reply.body, apr_table_get(flow->jar, FLOW_SESSION_COOKIE)));
}

static void says_401_without_a_session_and_logs_nothing(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/oauth/session");

    assert_int_equal(reply.status, 401);
    assert_int_equal(reply.error.id, RP_E_NONE);
    assert_non_null(json_object_get(parse(flow, &reply), "error"));
}

static void leaves_out_what_there_is_none_of(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;
    json_t *object;

    flow_sign_in(flow);
    flow->own_place.user_claim = "nickname";
    flow->own_place.limits.idle = 0;
    reply = flow_open(flow, "/oauth/session");
    object = parse(flow, &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.error.id, RP_E_NONE);
    assert_null(json_object_get(object, "user"));
    assert_null(json_object_get(object, "idle_expires"));
}

static void fails_when_the_store_cannot_say(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_sign_in(flow);
    flow->test->env.store = NULL;
    reply = flow_open(flow, "/oauth/session");
    flow_expect_error(&reply, RP_E_STORE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_session_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_about_the_own_session_with_claims_as_they_came),
        TEST(never_tells_a_token),
        TEST(says_401_without_a_session_and_logs_nothing),
        TEST(leaves_out_what_there_is_none_of),
        TEST(fails_when_the_store_cannot_say),
    };

    return cmocka_run_group_tests_name("flow: session endpoint", tests, NULL, NULL);
}
