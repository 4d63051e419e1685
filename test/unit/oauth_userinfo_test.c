#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/oauth/rp_userinfo.h"
#include "oauth_groups.h"

#define JSON "application/json"
#define JWT "application/jwt"

static json_t *fetch(oauth_t *oauth, const char *sub)
{
    json_t *claims = NULL;
    apr_status_t rv =
        rp_userinfo_fetch(&claims, oauth->env, oauth_metadata(oauth, NULL), ACCESS_TOKEN, sub);

    assert_int_equal(claims != NULL, rv == APR_SUCCESS);
    assert_int_equal(oauth->env->error.id == RP_E_NONE, rv == APR_SUCCESS);
    return claims;
}

static void asks_with_the_token_in_the_header_alone(void **state)
{
    oauth_t *oauth = *state;
    const test_http_call_t *call;
    json_t *claims;

    test_http_answer(oauth->http, USERINFO, 200, JSON,
                     "{\"sub\":\"alice\",\"email\":\"a@op.example\"}");
    claims = fetch(oauth, "alice");
    assert_string_equal(json_string_value(json_object_get(claims, "email")), "a@op.example");
    call = test_http_call(oauth->http, 0);
    assert_string_equal(call->method, "GET");
    assert_string_equal(call->url, USERINFO);
    assert_string_equal(call->authorization, "Bearer " ACCESS_TOKEN);
    assert_string_equal(call->body, "");
}

static const oauth_answer_t answers[] = {
    {"another user", 200, JSON, "{\"sub\":\"bob\"}", RP_E_USERINFO_SUBJECT},
    {"another case", 200, JSON, "{\"sub\":\"Alice\"}", RP_E_USERINFO_SUBJECT},
    {"sub that goes on", 200, JSON, "{\"sub\":\"alice2\"}", RP_E_USERINFO_SUBJECT},
    {"no sub", 200, JSON, "{\"email\":\"a@op.example\"}", RP_E_USERINFO_SUBJECT},
    {"sub a list", 200, JSON, "{\"sub\":[\"alice\"]}", RP_E_USERINFO_SUBJECT},
    {"another JSON type", 200, "application/vnd.x+json", "{\"sub\":\"alice\"}", RP_E_NONE},
    {"HTML", 200, "text/html", "{\"sub\":\"alice\"}", RP_E_USERINFO_RESPONSE},
    {"no type", 200, "", "{\"sub\":\"alice\"}", RP_E_USERINFO_RESPONSE},
    {"no JSON", 200, JSON, "sub=alice", RP_E_USERINFO_RESPONSE},
    {"sub twice", 200, JSON, "{\"sub\":\"bob\",\"sub\":\"alice\"}", RP_E_USERINFO_RESPONSE},
    {"a list", 200, JSON, "[{\"sub\":\"alice\"}]", RP_E_USERINFO_RESPONSE},
    {"another success", 201, JSON, "{\"sub\":\"alice\"}", RP_E_USERINFO_RESPONSE},
    {"a redirect", 302, JSON, "{\"sub\":\"alice\"}", RP_E_USERINFO_RESPONSE},
    {"unauthorized", 401, JSON, "{\"error\":\"invalid_token\"}", RP_E_USERINFO_RESPONSE},
    {"broken", 500, JSON, "{\"sub\":\"alice\"}", RP_E_USERINFO_RESPONSE},
    {"JSON called a JWT", 200, JWT, "{\"sub\":\"alice\"}", RP_E_USERINFO_SIGNATURE},
};

static void fetch_alice(oauth_t *oauth)
{
    fetch(oauth, "alice");
}

static void uses_no_answer_but_a_good_one_about_the_same_user(void **state)
{
    oauth_t *oauth = *state;

    oauth_each_answer(oauth, USERINFO, answers, COUNT(answers), fetch_alice);
}

static void takes_away_what_the_id_token_alone_may_say(void **state)
{
    static const char *const taken[] = {
        "iss",     "aud", "exp", "iat", "nbf",       "jti",          "azp",           "nonce",
        "at_hash", "acr", "amr", "sid", "auth_time", "_claim_names", "_claim_sources"};
    oauth_t *oauth = *state;
    json_t *claims;

    test_http_answer(
        oauth->http, USERINFO, 200, JSON,
        "{\"sub\":\"alice\",\"name\":\"A\",\"iss\":\"x\",\"aud\":\"x\",\"exp\":1,\"iat\":1,"
        "\"nbf\":1,\"jti\":\"x\",\"azp\":\"x\",\"nonce\":\"x\",\"at_hash\":\"x\",\"acr\":\"gold\","
        "\"amr\":[\"x\"],\"sid\":\"x\",\"auth_time\":1,\"_claim_names\":{\"address\":\"s\"},"
        "\"_claim_sources\":{\"s\":{\"endpoint\":\"https://evil.example\"}}}");
    claims = fetch(oauth, "alice");
    for (size_t i = 0; i < COUNT(taken); i++) {
        assert_null(json_object_get(claims, taken[i]));
    }
    assert_int_equal(json_object_size(claims), 2);
    assert_int_equal(test_http_calls(oauth->http), 1);
}

static void needs_an_endpoint_and_an_answer(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, "{\"userinfo_endpoint\":null}");
    json_t *claims;

    assert_int_equal(rp_userinfo_fetch(&claims, oauth->env, metadata, ACCESS_TOKEN, "alice"),
                     RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_USERINFO_RESPONSE);
    test_http_answer_error(oauth->http, USERINFO, RP_E_PROVIDER_TIMEOUT);
    fetch(oauth, "alice");
    test_env_expect_error(oauth->test, RP_E_PROVIDER_TIMEOUT);
}

typedef struct {
    const char *row;
    const char *payload;
    rp_error_id_t id;
} jwt_row_t;

static const jwt_row_t jwts[] = {
    {"sub alone", "{\"sub\":\"alice\"}", RP_E_NONE},
    {"iss and aud", "{\"sub\":\"alice\",\"iss\":\"" ISSUER "\",\"aud\":[\"client\"]}", RP_E_NONE},
    {"another user", "{\"sub\":\"bob\"}", RP_E_USERINFO_SUBJECT},
    {"another issuer", "{\"sub\":\"alice\",\"iss\":\"https://evil.example\"}",
     RP_E_USERINFO_SIGNATURE},
    {"iss a number", "{\"sub\":\"alice\",\"iss\":1}", RP_E_USERINFO_SIGNATURE},
    {"another audience", "{\"sub\":\"alice\",\"aud\":\"other\"}", RP_E_USERINFO_SIGNATURE},
    {"no audience", "{\"sub\":\"alice\",\"aud\":[]}", RP_E_USERINFO_SIGNATURE},
    {"aud a number", "{\"sub\":\"alice\",\"aud\":1}", RP_E_USERINFO_SIGNATURE},
    {"not expired", "{\"sub\":\"alice\",\"exp\":1767225601}", RP_E_NONE},
    {"expired", "{\"sub\":\"alice\",\"exp\":1767225000}", RP_E_USERINFO_SIGNATURE},
};

static void verifies_a_signed_answer_with_the_providers_keys(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;

    test_http_answer(oauth->http, JWKS, 200, JSON, test_sign_jwks(pool, oauth->key, NULL));
    for (size_t i = 0; i < COUNT(jwts); i++) {
        test_http_answer(oauth->http, USERINFO, 200, JWT,
                         test_sign_jwt(oauth->key, NULL, jwts[i].payload, pool));
        fetch(oauth, "alice");
        oauth_expect(oauth, jwts[i].row, jwts[i].id);
    }
}

static void refuses_a_signed_answer_that_another_key_signed(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_key_t *forged = test_key_make("RS256", "k1", 1, pool);

    test_http_answer(oauth->http, JWKS, 200, JSON, test_sign_jwks(pool, oauth->key, NULL));
    test_http_answer(oauth->http, USERINFO, 200, JWT,
                     test_sign_jwt(forged, NULL, "{\"sub\":\"alice\"}", pool));
    fetch(oauth, "alice");
    test_env_expect_error(oauth->test, RP_E_USERINFO_SIGNATURE);
    test_http_answer(oauth->http, USERINFO, 200, JWT,
                     test_sign_jwt(oauth->key, "{\"alg\":\"none\"}", "{\"sub\":\"alice\"}", pool));
    fetch(oauth, "alice");
    test_env_expect_error(oauth->test, RP_E_USERINFO_SIGNATURE);
}

static void plain_oauth_takes_the_answer_for_the_identity(void **state)
{
    oauth_t *oauth = *state;
    const char *subject;
    json_t *claims;

    oauth->provider.profile = RP_PROFILE_OAUTH2;
    test_http_answer(oauth->http, USERINFO, 200, JSON, "{\"id\":4711,\"login\":\"alice\"}");
    claims = fetch(oauth, NULL);
    assert_int_equal(rp_userinfo_subject(&subject, oauth->env, claims), APR_SUCCESS);
    assert_string_equal(subject, "4711");
    assert_string_equal(json_string_value(json_object_get(claims, "login")), "alice");
}

typedef struct {
    const char *claims;
    const char *subject; /* NULL: refused */
} subject_row_t;

static const subject_row_t subjects[] = {
    {"{\"sub\":\"s\",\"id\":1}", "s"},
    {"{\"id\":\"abc\"}", "abc"},
    {"{\"id\":9223372036854775807}", "9223372036854775807"},
    {"{\"id\":1.5}", NULL},
    {"{\"id\":true}", NULL},
    {"{\"id\":null}", NULL},
    {"{\"id\":\"\"}", NULL},
    {"{\"sub\":\"\",\"id\":1}", NULL},
    {"{\"sub\":7,\"id\":1}", NULL},
    {"{\"sub\":null,\"id\":1}", NULL},
    {"{\"id\":\"a\\nb\"}", NULL},
    {"{\"sub\":\"\\u00e9\"}", NULL},
    {"{\"login\":\"alice\"}", NULL},
    {"{}", NULL},
};

static void finds_the_subject_in_sub_or_else_in_id(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(subjects); i++) {
        json_t *claims = json_loads(subjects[i].claims, 0, NULL);
        const char *subject;
        apr_status_t rv = rp_userinfo_subject(&subject, oauth->env, claims);

        json_decref(claims);
        oauth_expect(oauth, subjects[i].claims,
                     subjects[i].subject ? RP_E_NONE : RP_E_USERINFO_SUBJECT);
        assert_int_equal(rv, subjects[i].subject ? APR_SUCCESS : RP_FAILED);
        if (subjects[i].subject) {
            assert_string_equal(subject, subjects[i].subject);
        } else {
            assert_null(subject);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_userinfo_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_with_the_token_in_the_header_alone),
        TEST(uses_no_answer_but_a_good_one_about_the_same_user),
        TEST(takes_away_what_the_id_token_alone_may_say),
        TEST(needs_an_endpoint_and_an_answer),
        TEST(verifies_a_signed_answer_with_the_providers_keys),
        TEST(refuses_a_signed_answer_that_another_key_signed),
        TEST(plain_oauth_takes_the_answer_for_the_identity),
        TEST(finds_the_subject_in_sub_or_else_in_id),
    };

    return cmocka_run_group_tests_name("oauth userinfo", tests, NULL, NULL);
}
