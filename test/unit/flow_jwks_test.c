/* The published keys: rp_jwks_endpoint. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <string.h>

#include "../../src/codec/rp_json.h"

static json_t *keys_of(flow_t *flow, const rp_reply_t *reply)
{
    const char *why;
    json_t *object;
    json_t *keys;

    assert_int_equal(reply->outcome, RP_JSON);
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply->content_type, "application/json");
    assert_int_equal(rp_json_parse(&object, reply->body, strlen(reply->body), 100000,
                                   flow->test->env.pool, &why),
                     APR_SUCCESS);
    assert_int_equal(json_object_size(object), 1);
    assert_int_equal(rp_json_array(&keys, object, "keys"), APR_SUCCESS);
    return keys;
}

static const char *kid_at(const json_t *keys, size_t at)
{
    return json_string_value(json_object_get(json_array_get(keys, at), "kid"));
}

static void publishes_the_keys_of_all_providers_once(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply;
    json_t *keys;

    flow_add_second(flow);
    flow_add_key(flow, &flow->provider, "ES256", 1, "a");
    flow_add_key(flow, &flow->provider, "EdDSA", 1, "b");
    flow_add_key(flow, &flow->second, "ES256", 1, "a");
    flow_add_key(flow, &flow->second, "RS256", 1, "c");
    reply = flow_open(flow, "/oauth/jwks.json");
    keys = keys_of(flow, &reply);
    assert_int_equal(json_array_size(keys), 3);
    assert_string_equal(kid_at(keys, 0), "a");
    assert_string_equal(kid_at(keys, 1), "b");
    assert_string_equal(kid_at(keys, 2), "c");
}

static void publishes_nothing_private(void **state)
{
    static const char *const members[] = {"\"d\"",  "\"p\"",  "\"q\"", "\"dp\"",
                                          "\"dq\"", "\"qi\"", "\"k\""};
    flow_t *flow = *state;
    rp_reply_t reply;

    flow_add_key(flow, &flow->provider, "RS256", 1, NULL);
    flow_add_key(flow, &flow->provider, "ES512", 1, NULL);
    flow_add_key(flow, &flow->provider, "EdDSA", 1, NULL);
    reply = flow_open(flow, "/oauth/jwks.json");
    assert_int_equal(json_array_size(keys_of(flow, &reply)), 3);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        assert_null(strstr(reply.body, members[i]));
    }
}

static void may_be_kept_for_a_while_and_by_everybody(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/oauth/jwks.json");

    assert_string_equal(reply.cache_control, "public, max-age=300");
    assert_int_equal(json_array_size(keys_of(flow, &reply)), 0);
    reply = flow_request(flow, "HEAD", "/oauth/jwks.json", NULL);
    assert_int_equal(reply.status, 200);
    reply = flow_request(flow, "POST", "/oauth/jwks.json", NULL);
    flow_expect_error(&reply, RP_E_ENDPOINT_METHOD);
    assert_null(reply.cache_control);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_jwks_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(publishes_the_keys_of_all_providers_once),
        TEST(publishes_nothing_private),
        TEST(may_be_kept_for_a_while_and_by_everybody),
    };

    return cmocka_run_group_tests_name("flow jwks", tests, NULL, NULL);
}
