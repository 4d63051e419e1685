/* Access tokens that are JWTs: every wrong kind (RFC 9068 4, RFC 8725). */
#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/oauth/rp_access_token.h"
#include "oauth_groups.h"

#define API "https://api.example"
#define AT_HEADER "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}"

static const char *make(const oauth_t *oauth, const test_key_t *key, const char *header,
                        const char *patch)
{
    static const char claims[] =
        "{\"iss\":\"" ISSUER "\",\"sub\":\"alice\",\"aud\":\"" API
        "\",\"exp\":1767229200,\"iat\":1767225590,\"client_id\":\"cli\",\"jti\":\"j1\","
        "\"scope\":\"read write\"}";

    return test_sign_jwt(key, header ? header : AT_HEADER,
                         oauth_patch(claims, patch, oauth->env->pool), oauth->env->pool);
}

static const apr_array_header_t *audience(const oauth_t *oauth)
{
    apr_array_header_t *list = apr_array_make(oauth->env->pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = "another-name";
    APR_ARRAY_PUSH(list, const char *) = API;
    return list;
}

static void answer_keys(oauth_t *oauth, const test_key_t *key)
{
    test_http_answer(oauth->http, JWKS, 200, "application/json",
                     test_sign_jwks(oauth->env->pool, key, NULL));
}

/* NULL after a failure. */
static const rp_access_token_t *check(oauth_t *oauth, const char *text)
{
    rp_access_token_t *token;
    apr_status_t rv = rp_access_token_check(&token, oauth->env, oauth_metadata(oauth, NULL), text,
                                            audience(oauth));

    assert_int_equal(rv == APR_SUCCESS, token != NULL);
    assert_int_equal(rv == RP_FAILED, oauth->env->error.id != RP_E_NONE);
    return token;
}

typedef struct {
    const char *row;
    const char *patch;
    int good;
} row_t;

static const row_t claims[] = {
    {"as it should be", NULL, 1},
    {"iss another", "{\"iss\":\"https://op.example.evil.example\"}", 0},
    {"iss with a slash more", "{\"iss\":\"" ISSUER "/\"}", 0},
    {"iss missing", "{\"iss\":null}", 0},
    {"iss a list", "{\"iss\":[\"" ISSUER "\"]}", 0},
    {"aud a list with this one", "{\"aud\":[\"https://other.example\",\"" API "\"]}", 1},
    {"aud the other name", "{\"aud\":\"another-name\"}", 1},
    {"aud another", "{\"aud\":\"https://other.example\"}", 0},
    {"aud a list of others", "{\"aud\":[\"https://other.example\"]}", 0},
    {"aud a prefix", "{\"aud\":\"https://api.exampl\"}", 0},
    {"aud in another case", "{\"aud\":\"https://API.example\"}", 0},
    {"aud the client", "{\"aud\":\"" CLIENT "\"}", 0},
    {"aud missing", "{\"aud\":null}", 0},
    {"aud empty", "{\"aud\":[]}", 0},
    {"aud a number", "{\"aud\":1}", 0},
    {"aud a list with a number", "{\"aud\":[\"" API "\",1]}", 0},
    {"exp missing", "{\"exp\":null}", 0},
    {"exp a string", "{\"exp\":\"1767229200\"}", 0},
    {"exp negative", "{\"exp\":-1}", 0},
    {"exp huge", "{\"exp\":1e300}", 0},
    {"exp just within the skew", "{\"exp\":1767225571}", 1},
    {"exp just past the skew", "{\"exp\":1767225570}", 0},
    {"iat missing", "{\"iat\":null}", 0},
    {"iat a string", "{\"iat\":\"1\"}", 0},
    {"iat long ago", "{\"iat\":1}", 1},
    {"iat just within the skew", "{\"iat\":1767225630}", 1},
    {"iat in the future", "{\"iat\":1767225631}", 0},
    {"nbf past", "{\"nbf\":1767225000}", 1},
    {"nbf in the future", "{\"nbf\":1767225631}", 0},
    {"nbf a string", "{\"nbf\":\"now\"}", 0},
    {"sub missing", "{\"sub\":null}", 0},
    {"sub empty", "{\"sub\":\"\"}", 0},
    {"sub a number", "{\"sub\":1}", 0},
    {"sub with a line break", "{\"sub\":\"a\\nb\"}", 0},
    {"sub not ASCII", "{\"sub\":\"J\\u00f6rg\"}", 0},
    {"client_id missing", "{\"client_id\":null}", 0},
    {"client_id empty", "{\"client_id\":\"\"}", 0},
    {"client_id a number", "{\"client_id\":1}", 0},
    {"jti missing", "{\"jti\":null}", 0},
    {"jti a number", "{\"jti\":1}", 0},
    {"scope missing", "{\"scope\":null}", 1},
    {"scope a list", "{\"scope\":[\"read\"]}", 0},
    {"acr a number", "{\"acr\":1}", 0},
    {"auth_time a string", "{\"auth_time\":\"1\"}", 0},
    {"bound to a key", "{\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}}", 0},
    {"bound to nothing", "{\"cnf\":{}}", 0},
    {"token_type, which is no claim", "{\"token_type\":\"DPoP\"}", 1},
};

static void judges_each_claim(void **state)
{
    oauth_t *oauth = *state;

    answer_keys(oauth, oauth->key);
    for (size_t i = 0; i < COUNT(claims); i++) {
        check(oauth, make(oauth, oauth->key, NULL, claims[i].patch));
        oauth_expect(oauth, claims[i].row, claims[i].good ? RP_E_NONE : RP_E_BEARER_TOKEN);
    }
    assert_int_equal(test_http_calls(oauth->http), 1);
}

static const row_t headers[] = {
    {"typ as a media type", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"application/at+jwt\"}", 1},
    {"typ in upper case", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"AT+JWT\"}", 1},
    {"no kid", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", 1},
    {"a key of its own, which nobody looks at",
     "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},"
     "\"jku\":\"https://evil.example/jwks\"}",
     1},
    {"no typ", "{\"alg\":\"RS256\",\"kid\":\"k1\"}", 0},
    {"an ID Token", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", 0},
    {"a logout token", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"logout+jwt\"}", 0},
    {"an answer about a token",
     "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"token-introspection+jwt\"}", 0},
    {"typ a number", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":1}", 0},
    {"alg none", "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", 0},
    {"alg nOnE", "{\"alg\":\"nOnE\",\"typ\":\"at+jwt\"}", 0},
    {"alg missing", "{\"kid\":\"k1\",\"typ\":\"at+jwt\"}", 0},
    {"alg symmetric", "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", 0},
    {"alg of another key", "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", 0},
    {"crit", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"],\"exp\":1}",
     0},
    {"crit empty", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"crit\":[]}", 0},
    {"b64 false", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"b64\":false}", 0},
    {"typ twice", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\",\"typ\":\"at+jwt\"}", 0},
};

static void judges_the_header(void **state)
{
    oauth_t *oauth = *state;

    answer_keys(oauth, oauth->key);
    for (size_t i = 0; i < COUNT(headers); i++) {
        check(oauth, make(oauth, oauth->key, headers[i].patch, NULL));
        oauth_expect(oauth, headers[i].row, headers[i].good ? RP_E_NONE : RP_E_BEARER_TOKEN);
        /* The one key that does not fit is asked for again. */
        test_http_reset(oauth->http);
        answer_keys(oauth, oauth->key);
    }
}

static void refuses_what_is_no_signed_token(void **state)
{
    static const char *const texts[] = {
        "", ".", "..", "a.b", "a.b.c", "abc", "e30.e30.e3", "e30.e30.", "e30.e30.e30.e30.e30"};
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        check(oauth, texts[i]);
        oauth_expect(oauth, texts[i], RP_E_BEARER_TOKEN);
    }
    assert_int_equal(test_http_calls(oauth->http), 0);
}

/* The token with its last part replaced. */
static const char *resign(const oauth_t *oauth, const void *signature, apr_size_t len)
{
    apr_pool_t *pool = oauth->env->pool;
    const char *token = make(oauth, oauth->key, NULL, NULL);
    const char *dot = strrchr(token, '.');

    return apr_pstrcat(pool, apr_pstrmemdup(pool, token, (apr_size_t)(dot - token) + 1),
                       test_sign_base64url(signature, len, pool), NULL);
}

static void refuses_wrong_signatures(void **state)
{
    static const unsigned char zero[256] = {0};
    oauth_t *oauth = *state;
    const test_key_t *other = test_key_make("RS256", "k1", 1, oauth->env->pool);

    answer_keys(oauth, oauth->key);
    check(oauth, resign(oauth, zero, sizeof(zero)));
    oauth_expect(oauth, "all zero", RP_E_BEARER_TOKEN);
    check(oauth, resign(oauth, zero, 0));
    oauth_expect(oauth, "empty", RP_E_BEARER_TOKEN);
    check(oauth, make(oauth, other, NULL, NULL));
    oauth_expect(oauth, "another key", RP_E_BEARER_TOKEN);
}

/* The old trick: the secret, or the public key, as the key of an HMAC. */
static void no_symmetric_algorithm_signs_an_access_token(void **state)
{
    oauth_t *oauth = *state;
    const test_key_t *key =
        test_key_secret("HS256", "k1", SECRET, strlen(SECRET), oauth->env->pool);

    oauth->provider.signing_algs = RP_ALGS_ASYMMETRIC | RP_ALGS_SYMMETRIC;
    check(oauth, make(oauth, key, "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", NULL));
    oauth_expect(oauth, "HS256", RP_E_BEARER_TOKEN);
    assert_int_equal(test_http_calls(oauth->http), 0);
}

static void only_configured_algorithms_sign(void **state)
{
    oauth_t *oauth = *state;

    oauth->provider.signing_algs = 1u << RP_ALG_ES256;
    check(oauth, make(oauth, oauth->key, NULL, NULL));
    oauth_expect(oauth, "RS256", RP_E_BEARER_TOKEN);
}

static void an_unknown_key_is_fetched_once(void **state)
{
    oauth_t *oauth = *state;
    const test_key_t *next = test_key_make("RS256", "k2", 1, oauth->env->pool);
    const char *token =
        make(oauth, next, "{\"alg\":\"RS256\",\"kid\":\"k2\",\"typ\":\"at+jwt\"}", NULL);

    answer_keys(oauth, oauth->key);
    assert_non_null(check(oauth, make(oauth, oauth->key, NULL, NULL)));
    test_env_advance(oauth->test, RP_JWKS_REFETCH_SECONDS + 1);
    answer_keys(oauth, next);
    assert_non_null(check(oauth, token));
    check(oauth, make(oauth, next, "{\"alg\":\"RS256\",\"kid\":\"k3\",\"typ\":\"at+jwt\"}", NULL));
    oauth_expect(oauth, "k3, asked for a moment ago", RP_E_BEARER_TOKEN);
    oauth_calls(oauth, 2);
}

static void keys_that_cannot_be_had_are_no_fault_of_the_token(void **state)
{
    oauth_t *oauth = *state;

    test_http_answer_error(oauth->http, JWKS, RP_E_PROVIDER_UNREACHABLE);
    check(oauth, make(oauth, oauth->key, NULL, NULL));
    oauth_expect(oauth, "no keys", RP_E_PROVIDER_UNREACHABLE);
}

static void gives_what_the_token_says(void **state)
{
    oauth_t *oauth = *state;
    const rp_access_token_t *token;

    answer_keys(oauth, oauth->key);
    token = check(oauth, make(oauth, oauth->key, NULL,
                              "{\"acr\":\"gold\",\"auth_time\":1767225000,\"groups\":[\"a\"]}"));
    assert_non_null(token);
    assert_string_equal(rp_access_token_sub(token), "alice");
    assert_string_equal(rp_access_token_scope(token), "read write");
    assert_string_equal(rp_access_token_acr(token), "gold");
    assert_int_equal(rp_access_token_auth_time(token), 1767225000);
    assert_int_equal(rp_access_token_exp(token), 1767229200);
    assert_non_null(json_object_get(rp_access_token_claims(token), "groups"));
    token = check(oauth, make(oauth, oauth->key, NULL, "{\"scope\":null}"));
    assert_null(rp_access_token_scope(token));
    assert_null(rp_access_token_acr(token));
    assert_int_equal(rp_access_token_auth_time(token), -1);
}

static void the_issuer_is_peeked_at_only_in_a_jwt(void **state)
{
    static const char *const others[] = {
        "",        "opaque",      "a.b",      "a.e30.c", "a.W10.c", "a.eyJpc3MiOjF9.",
        "a.b.c.d", "a.e30.c.d.e", "a.!!!!.c", "a..c",    NULL};
    oauth_t *oauth = *state;
    const char *issuer;

    assert_int_equal(
        rp_access_token_issuer(&issuer, oauth->env, make(oauth, oauth->key, NULL, NULL)),
        APR_SUCCESS);
    assert_string_equal(issuer, ISSUER);
    for (const char *const *text = others; *text; text++) {
        assert_int_equal(rp_access_token_issuer(&issuer, oauth->env, *text), APR_NOTFOUND);
        assert_null(issuer);
    }
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
}

int run_oauth_access_token_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(judges_each_claim, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(judges_the_header, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_signed_token, oauth_setup,
                                        oauth_teardown),
        cmocka_unit_test_setup_teardown(refuses_wrong_signatures, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(no_symmetric_algorithm_signs_an_access_token, oauth_setup,
                                        oauth_teardown),
        cmocka_unit_test_setup_teardown(only_configured_algorithms_sign, oauth_setup,
                                        oauth_teardown),
        cmocka_unit_test_setup_teardown(an_unknown_key_is_fetched_once, oauth_setup,
                                        oauth_teardown),
        cmocka_unit_test_setup_teardown(keys_that_cannot_be_had_are_no_fault_of_the_token,
                                        oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(gives_what_the_token_says, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(the_issuer_is_peeked_at_only_in_a_jwt, oauth_setup,
                                        oauth_teardown),
    };

    return cmocka_run_group_tests_name("access token", tests, NULL, NULL);
}
