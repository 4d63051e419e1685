#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/jose/rp_jws.h"
#include "../../src/oauth/rp_id_token.h"
#include "oauth_groups.h"

static const rp_id_token_expect_t login = {.nonce = NONCE, .access_token = ACCESS_TOKEN};

static void answer_keys(oauth_t *oauth, const test_key_t *key)
{
    test_http_answer(oauth->http, JWKS, 200, "application/json",
                     test_sign_jwks(oauth->env->pool, key, NULL));
}

/* Checks a token of the provider's; the cause stays in env->error. */
static rp_id_token_t *check(oauth_t *oauth, const char *text, const rp_id_token_expect_t *expect)
{
    rp_id_token_t *id_token = NULL;
    apr_status_t rv =
        rp_id_token_check(&id_token, oauth->env, oauth_metadata(oauth, NULL), text, expect);

    assert_int_equal(id_token != NULL, rv == APR_SUCCESS);
    assert_int_equal(oauth->env->error.id == RP_E_NONE, rv == APR_SUCCESS);
    return id_token;
}

typedef struct {
    const char *row;
    const char *patch;
    rp_error_id_t id; /* RP_E_NONE: accepted */
} claims_row_t;

/* Now is 1767225600, the skew 30 seconds. */
static const claims_row_t claims[] = {
    {"as it is", NULL, RP_E_NONE},
    {"unknown claims", "{\"x\":[{\"y\":null}]}", RP_E_NONE},
    {"iss missing", "{\"iss\":null}", RP_E_ID_TOKEN_CLAIM},
    {"iss another", "{\"iss\":\"https://evil.example\"}", RP_E_ID_TOKEN_ISSUER},
    {"iss with a slash", "{\"iss\":\"https://op.example/\"}", RP_E_ID_TOKEN_ISSUER},
    {"iss in another case", "{\"iss\":\"https://op.EXAMPLE\"}", RP_E_ID_TOKEN_ISSUER},
    {"iss a list", "{\"iss\":[\"https://op.example\"]}", RP_E_ID_TOKEN_CLAIM},
    {"aud missing", "{\"aud\":null}", RP_E_ID_TOKEN_CLAIM},
    {"aud another", "{\"aud\":\"other\"}", RP_E_ID_TOKEN_AUDIENCE},
    {"aud longer", "{\"aud\":\"client2\"}", RP_E_ID_TOKEN_AUDIENCE},
    {"aud a list of one", "{\"aud\":[\"client\"]}", RP_E_NONE},
    {"aud an empty list", "{\"aud\":[]}", RP_E_ID_TOKEN_AUDIENCE},
    {"aud with another", "{\"aud\":[\"client\",\"other\"]}", RP_E_ID_TOKEN_AUDIENCE},
    {"aud with another and azp", "{\"aud\":[\"client\",\"other\"],\"azp\":\"client\"}",
     RP_E_ID_TOKEN_AUDIENCE},
    {"aud with a number", "{\"aud\":[\"client\",1]}", RP_E_ID_TOKEN_CLAIM},
    {"aud a number", "{\"aud\":1}", RP_E_ID_TOKEN_CLAIM},
    {"azp this client", "{\"azp\":\"client\"}", RP_E_NONE},
    {"azp another", "{\"azp\":\"other\"}", RP_E_ID_TOKEN_AUDIENCE},
    {"azp a number", "{\"azp\":1}", RP_E_ID_TOKEN_CLAIM},
    {"exp missing", "{\"exp\":null}", RP_E_ID_TOKEN_CLAIM},
    {"exp a string", "{\"exp\":\"1767229200\"}", RP_E_ID_TOKEN_CLAIM},
    {"exp negative", "{\"exp\":-1}", RP_E_ID_TOKEN_CLAIM},
    {"exp huge", "{\"exp\":1e300}", RP_E_ID_TOKEN_CLAIM},
    {"exp after 2038", "{\"exp\":4102444800}", RP_E_NONE},
    {"exp a fraction", "{\"exp\":1767229200.5}", RP_E_NONE},
    {"exp just within the skew", "{\"exp\":1767225571}", RP_E_NONE},
    {"exp just past the skew", "{\"exp\":1767225570}", RP_E_ID_TOKEN_TIME},
    {"exp zero", "{\"exp\":0}", RP_E_ID_TOKEN_TIME},
    {"iat missing", "{\"iat\":null}", RP_E_ID_TOKEN_CLAIM},
    {"iat a string", "{\"iat\":\"1767225590\"}", RP_E_ID_TOKEN_CLAIM},
    {"iat just within the skew", "{\"iat\":1767225630}", RP_E_NONE},
    {"iat in the future", "{\"iat\":1767225631}", RP_E_ID_TOKEN_TIME},
    {"iat a day ago", "{\"iat\":1767139200}", RP_E_NONE},
    {"iat more than a day ago", "{\"iat\":1767139169}", RP_E_ID_TOKEN_TIME},
    {"nbf past", "{\"nbf\":1767225000}", RP_E_NONE},
    {"nbf just within the skew", "{\"nbf\":1767225630}", RP_E_NONE},
    {"nbf in the future", "{\"nbf\":1767225631}", RP_E_ID_TOKEN_TIME},
    {"nbf a string", "{\"nbf\":\"now\"}", RP_E_ID_TOKEN_CLAIM},
    {"nonce missing", "{\"nonce\":null}", RP_E_ID_TOKEN_NONCE},
    {"nonce another login's", "{\"nonce\":\"a-nonce-that-nobody-guesseS\"}", RP_E_ID_TOKEN_NONCE},
    {"nonce a prefix", "{\"nonce\":\"a-nonce\"}", RP_E_ID_TOKEN_NONCE},
    {"nonce empty", "{\"nonce\":\"\"}", RP_E_ID_TOKEN_NONCE},
    {"nonce a list", "{\"nonce\":[\"a-nonce-that-nobody-guesses\"]}", RP_E_ID_TOKEN_CLAIM},
    {"at_hash another token's", "{\"at_hash\":\"AAAAAAAAAAAAAAAAAAAAAA\"}", RP_E_ID_TOKEN_HASH},
    {"at_hash empty", "{\"at_hash\":\"\"}", RP_E_ID_TOKEN_HASH},
    {"at_hash a number", "{\"at_hash\":1}", RP_E_ID_TOKEN_CLAIM},
    {"sub missing", "{\"sub\":null}", RP_E_ID_TOKEN_CLAIM},
    {"sub empty", "{\"sub\":\"\"}", RP_E_ID_TOKEN_CLAIM},
    {"sub a number", "{\"sub\":1}", RP_E_ID_TOKEN_CLAIM},
    {"sub with a line break", "{\"sub\":\"a\\nb\"}", RP_E_ID_TOKEN_CLAIM},
    {"sub not ASCII", "{\"sub\":\"J\\u00f6rg\"}", RP_E_ID_TOKEN_CLAIM},
    {"auth_time a string", "{\"auth_time\":\"1\"}", RP_E_ID_TOKEN_CLAIM},
    {"sid a number", "{\"sid\":1}", RP_E_ID_TOKEN_CLAIM},
    {"acr a number", "{\"acr\":1}", RP_E_ID_TOKEN_CLAIM},
};

static void judges_each_claim_of_an_id_token(void **state)
{
    oauth_t *oauth = *state;

    answer_keys(oauth, oauth->key);
    for (size_t i = 0; i < COUNT(claims); i++) {
        check(oauth, oauth_id_token(oauth, oauth->key, NULL, claims[i].patch), &login);
        oauth_expect(oauth, claims[i].row, claims[i].id);
    }
    assert_int_equal(test_http_calls(oauth->http), 1);
}

static void a_subject_has_at_most_255_characters(void **state)
{
    oauth_t *oauth = *state;
    char sub[RP_MAX_SUB + 2];

    answer_keys(oauth, oauth->key);
    memset(sub, 'x', sizeof(sub));
    sub[RP_MAX_SUB + 1] = '\0';
    for (int i = 0; i < 2; i++) {
        check(oauth,
              oauth_id_token(oauth, oauth->key, NULL,
                             apr_psprintf(oauth->env->pool, "{\"sub\":\"%s\"}", sub + i)),
              &login);
        oauth_expect(oauth, "length", i == 0 ? RP_E_ID_TOKEN_CLAIM : RP_E_NONE);
    }
}

static void gives_what_the_token_says(void **state)
{
    oauth_t *oauth = *state;
    const char *text = oauth_id_token(
        oauth, oauth->key, NULL,
        "{\"sid\":\"s1\",\"acr\":\"gold\",\"auth_time\":1767225000,\"email\":\"a@op.example\"}");
    const rp_id_token_t *id_token;

    answer_keys(oauth, oauth->key);
    id_token = check(oauth, text, &login);
    assert_non_null(id_token);
    assert_string_equal(rp_id_token_text(id_token), text);
    assert_string_equal(rp_id_token_sub(id_token), "alice");
    assert_string_equal(rp_id_token_sid(id_token), "s1");
    assert_string_equal(rp_id_token_acr(id_token), "gold");
    assert_int_equal(rp_id_token_auth_time(id_token), 1767225000);
    assert_string_equal(json_string_value(json_object_get(rp_id_token_claims(id_token), "email")),
                        "a@op.example");
}

static void what_the_token_does_not_say_is_absent(void **state)
{
    static const char *const patches[] = {NULL, "{\"auth_time\":0}"};
    oauth_t *oauth = *state;

    answer_keys(oauth, oauth->key);
    for (size_t i = 0; i < COUNT(patches); i++) {
        const rp_id_token_t *id_token =
            check(oauth, oauth_id_token(oauth, oauth->key, NULL, patches[i]), &login);

        assert_non_null(id_token);
        assert_null(rp_id_token_sid(id_token));
        assert_null(rp_id_token_acr(id_token));
        assert_int_equal(rp_id_token_auth_time(id_token), -1);
    }
}

typedef struct {
    const char *row;
    const char *header; /* signed by the right key */
    rp_error_id_t id;
} header_row_t;

static const header_row_t headers[] = {
    {"no typ", "{\"alg\":\"RS256\",\"kid\":\"k1\"}", RP_E_NONE},
    {"typ in lower case", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"jwt\"}", RP_E_NONE},
    {"typ as a media type", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"application/JWT\"}",
     RP_E_NONE},
    {"an access token", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}",
     RP_E_ID_TOKEN_MALFORMED},
    {"a logout token", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"logout+jwt\"}",
     RP_E_ID_TOKEN_MALFORMED},
    {"alg none", "{\"alg\":\"none\",\"kid\":\"k1\"}", RP_E_ID_TOKEN_ALG},
    {"alg nOnE", "{\"alg\":\"nOnE\",\"kid\":\"k1\"}", RP_E_ID_TOKEN_ALG},
    {"alg missing", "{\"kid\":\"k1\"}", RP_E_ID_TOKEN_ALG},
    {"alg not offered", "{\"alg\":\"PS256\",\"kid\":\"k1\"}", RP_E_ID_TOKEN_ALG},
    {"alg symmetric", "{\"alg\":\"HS256\",\"kid\":\"k1\"}", RP_E_ID_TOKEN_ALG},
    {"crit", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"exp\"],\"exp\":1}",
     RP_E_ID_TOKEN_MALFORMED},
    {"b64 false", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"b64\":false}", RP_E_ID_TOKEN_MALFORMED},
    {"alg twice", "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"k1\"}", RP_E_ID_TOKEN_MALFORMED},
};

static void judges_the_header_before_anything_is_fetched(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = COUNT(headers); i-- > 0;) {
        if (headers[i].id == RP_E_NONE && test_http_calls(oauth->http) == 0) {
            answer_keys(oauth, oauth->key);
        }
        check(oauth, oauth_id_token(oauth, oauth->key, headers[i].header, NULL), &login);
        oauth_expect(oauth, headers[i].row, headers[i].id);
    }
    assert_int_equal(test_http_calls(oauth->http), 1);
}

static void refuses_what_is_no_signed_token(void **state)
{
    static const char *const texts[] = {"",      ".",           "..",       "a.b",
                                        "a.b.c", "not a token", "e30.e30.", "e30.e30.e30.e30.e30"};
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        check(oauth, texts[i], &login);
        assert_true(oauth->env->error.id == RP_E_ID_TOKEN_MALFORMED ||
                    oauth->env->error.id == RP_E_ID_TOKEN_ALG);
        rp_forgive(oauth->env);
    }
    check(oauth, NULL, &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_MISSING);
    assert_int_equal(test_http_calls(oauth->http), 0);
}

/* The token with its last part replaced. */
static const char *resign(const char *token, const char *signature, apr_pool_t *pool)
{
    const char *dot = strrchr(token, '.');

    return apr_pstrcat(pool, apr_pstrmemdup(pool, token, (apr_size_t)(dot - token) + 1), signature,
                       NULL);
}

static void refuses_a_token_whose_signature_is_all_zero(void **state)
{
    static const unsigned char zero[256] = {0};
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const char *token = oauth_id_token(oauth, oauth->key, NULL, NULL);

    answer_keys(oauth, oauth->key);
    check(oauth, resign(token, test_sign_base64url(zero, sizeof(zero), pool), pool), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_SIGNATURE);
    check(oauth, resign(token, "", pool), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_SIGNATURE);
}

static void refuses_a_token_that_another_key_signed_under_the_same_kid(void **state)
{
    static const char *const algs[] = {"RS256", "ES256"};
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(algs); i++) {
        const test_key_t *good = test_key_make(algs[i], "k9", 0, oauth->env->pool);
        const test_key_t *forged = test_key_make(algs[i], "k9", 1, oauth->env->pool);

        assert_int_equal(rp_provider_cache_make(&oauth->provider, oauth->env->pool), APR_SUCCESS);
        test_env_advance(oauth->test, (int)i * 2 * RP_METADATA_DEFAULT_SECONDS);
        answer_keys(oauth, good);
        check(oauth, oauth_id_token(oauth, forged, NULL, "{\"exp\":1767999999,\"iat\":1767225600}"),
              &login);
        oauth_expect(oauth, algs[i], RP_E_ID_TOKEN_SIGNATURE);
        check(oauth, oauth_id_token(oauth, good, NULL, "{\"exp\":1767999999,\"iat\":1767225600}"),
              &login);
        oauth_expect(oauth, algs[i], RP_E_NONE);
    }
    assert_int_equal(test_http_calls(oauth->http), 2);
}

static void refuses_a_token_whose_payload_was_exchanged(void **state)
{
    oauth_t *oauth = *state;
    const char *token = oauth_id_token(oauth, oauth->key, NULL, NULL);
    const char *other = oauth_id_token(oauth, oauth->key, NULL, "{\"sub\":\"root\"}");

    answer_keys(oauth, oauth->key);
    check(oauth, resign(other, strrchr(token, '.') + 1, oauth->env->pool), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_SIGNATURE);
}

static void fetches_the_keys_again_for_an_unknown_kid(void **state)
{
    oauth_t *oauth = *state;
    const test_key_t *next = test_key_make("RS256", "k2", 1, oauth->env->pool);

    answer_keys(oauth, oauth->key);
    answer_keys(oauth, next);
    assert_non_null(check(oauth, oauth_id_token(oauth, next, NULL, NULL), &login));
    assert_int_equal(test_http_calls(oauth->http), 2);
    check(oauth, oauth_id_token(oauth, oauth->key, NULL, NULL), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_KEY);
    assert_int_equal(test_http_calls(oauth->http), 2);
}

static void a_kid_that_stays_unknown_is_refused(void **state)
{
    oauth_t *oauth = *state;
    const test_key_t *other = test_key_make("RS256", "k2", 1, oauth->env->pool);

    answer_keys(oauth, oauth->key);
    answer_keys(oauth, oauth->key);
    check(oauth, oauth_id_token(oauth, other, NULL, NULL), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_KEY);
    assert_int_equal(test_http_calls(oauth->http), 2);
}

static void a_token_without_kid_is_tried_with_every_key_that_fits(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_key_t *signer = test_key_make("RS256", NULL, 2, pool);

    test_http_answer(
        oauth->http, JWKS, 200, "application/json",
        test_sign_jwks(pool, test_key_make("ES256", "e", 0, pool), oauth->key, signer, NULL));
    assert_non_null(
        check(oauth, oauth_id_token(oauth, signer, "{\"alg\":\"RS256\"}", NULL), &login));
    assert_int_equal(test_http_calls(oauth->http), 1);
}

static void a_token_without_kid_finds_rotated_keys_once(void **state)
{
    oauth_t *oauth = *state;
    const test_key_t *next = test_key_make("RS256", NULL, 1, oauth->env->pool);
    const test_key_t *forged = test_key_make("RS256", NULL, 2, oauth->env->pool);

    answer_keys(oauth, test_key_make("RS256", NULL, 0, oauth->env->pool));
    answer_keys(oauth, next);
    assert_non_null(check(oauth, oauth_id_token(oauth, next, "{\"alg\":\"RS256\"}", NULL), &login));
    check(oauth, oauth_id_token(oauth, forged, "{\"alg\":\"RS256\"}", NULL), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_SIGNATURE);
    assert_int_equal(test_http_calls(oauth->http), 2);
}

static void the_client_secret_signs_only_where_that_is_configured(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_key_t *secret = test_key_secret("HS256", NULL, SECRET, strlen(SECRET), pool);
    const char *token = oauth_id_token(oauth, secret, NULL, NULL);

    check(oauth, token, &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_ALG);
    oauth->provider.signing_algs = 1u << RP_ALG_HS256;
    assert_non_null(check(oauth, token, &login));
    assert_int_equal(test_http_calls(oauth->http), 0);
}

static void a_public_key_is_no_secret(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const char *jwk = test_sign_jwk(oauth->key, pool);
    const test_key_t *forged = test_key_secret("HS256", "k1", jwk, strlen(jwk), pool);

    oauth->provider.signing_algs = 1u << RP_ALG_HS256 | 1u << RP_ALG_RS256;
    check(oauth, oauth_id_token(oauth, forged, NULL, NULL), &login);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_SIGNATURE);
}

static void keys_that_cannot_be_had_refuse_the_token(void **state)
{
    oauth_t *oauth = *state;

    test_http_answer_error(oauth->http, JWKS, RP_E_PROVIDER_TIMEOUT);
    check(oauth, oauth_id_token(oauth, oauth->key, NULL, NULL), &login);
    test_env_expect_error(oauth->test, RP_E_PROVIDER_TIMEOUT);
}

static void at_hash_is_that_of_the_access_token(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    rp_id_token_expect_t expect = login;
    const char *token =
        oauth_id_token(oauth, oauth->key, NULL,
                       apr_psprintf(pool, "{\"at_hash\":\"%s\"}",
                                    rp_jws_half_hash(RP_ALG_RS256, ACCESS_TOKEN, pool)));

    answer_keys(oauth, oauth->key);
    assert_non_null(check(oauth, token, &expect));
    expect.access_token = "another-access-token";
    check(oauth, token, &expect);
    test_env_expect_error(oauth->test, RP_E_ID_TOKEN_HASH);
    expect.access_token = NULL;
    assert_non_null(check(oauth, token, &expect));
}

static void a_login_cannot_be_checked_without_its_nonce(void **state)
{
    static const rp_id_token_expect_t nothing = {.access_token = ACCESS_TOKEN};
    oauth_t *oauth = *state;

    answer_keys(oauth, oauth->key);
    check(oauth, oauth_id_token(oauth, oauth->key, NULL, NULL), &nothing);
    test_env_expect_error(oauth->test, RP_E_INTERNAL);
}

static const claims_row_t refreshed[] = {
    {"without nonce", "{\"nonce\":null}", RP_E_NONE},
    {"with the same nonce", NULL, RP_E_NONE},
    {"with another nonce", "{\"nonce\":\"another\"}", RP_E_REFRESH_ID_TOKEN},
    {"another user", "{\"sub\":\"bob\"}", RP_E_REFRESH_ID_TOKEN},
    {"another issuer", "{\"iss\":\"https://evil.example\"}", RP_E_ID_TOKEN_ISSUER},
    {"another audience", "{\"aud\":\"other\"}", RP_E_ID_TOKEN_AUDIENCE},
    {"the same auth_time", "{\"auth_time\":1767225000}", RP_E_NONE},
    {"another auth_time", "{\"auth_time\":1767225001}", RP_E_REFRESH_ID_TOKEN},
    {"expired", "{\"exp\":1767225500}", RP_E_ID_TOKEN_TIME},
    {"issued long ago", "{\"iat\":1766000000}", RP_E_ID_TOKEN_TIME},
};

static void a_refreshed_token_continues_the_session(void **state)
{
    oauth_t *oauth = *state;
    rp_id_token_previous_t previous = {.issuer = ISSUER, .sub = "alice", .auth_time = 1767225000};
    rp_id_token_expect_t expect = {.access_token = ACCESS_TOKEN, .previous = &previous};

    previous.id_token = oauth_id_token(oauth, oauth->key, NULL, NULL);
    answer_keys(oauth, oauth->key);
    for (size_t i = 0; i < COUNT(refreshed); i++) {
        check(oauth, oauth_id_token(oauth, oauth->key, NULL, refreshed[i].patch), &expect);
        oauth_expect(oauth, refreshed[i].row, refreshed[i].id);
    }
    previous.id_token = NULL;
    previous.auth_time = -1;
    assert_non_null(check(
        oauth,
        oauth_id_token(oauth, oauth->key, NULL, "{\"nonce\":\"another\",\"auth_time\":1767225001}"),
        &expect));
    previous.issuer = "https://old.example";
    check(oauth, oauth_id_token(oauth, oauth->key, NULL, NULL), &expect);
    test_env_expect_error(oauth->test, RP_E_REFRESH_ID_TOKEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_id_token_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(judges_each_claim_of_an_id_token),
        TEST(a_subject_has_at_most_255_characters),
        TEST(gives_what_the_token_says),
        TEST(what_the_token_does_not_say_is_absent),
        TEST(judges_the_header_before_anything_is_fetched),
        TEST(refuses_what_is_no_signed_token),
        TEST(refuses_a_token_whose_signature_is_all_zero),
        TEST(refuses_a_token_that_another_key_signed_under_the_same_kid),
        TEST(refuses_a_token_whose_payload_was_exchanged),
        TEST(fetches_the_keys_again_for_an_unknown_kid),
        TEST(a_kid_that_stays_unknown_is_refused),
        TEST(a_token_without_kid_is_tried_with_every_key_that_fits),
        TEST(a_token_without_kid_finds_rotated_keys_once),
        TEST(the_client_secret_signs_only_where_that_is_configured),
        TEST(a_public_key_is_no_secret),
        TEST(keys_that_cannot_be_had_refuse_the_token),
        TEST(at_hash_is_that_of_the_access_token),
        TEST(a_login_cannot_be_checked_without_its_nonce),
        TEST(a_refreshed_token_continues_the_session),
    };

    return cmocka_run_group_tests_name("oauth ID Token", tests, NULL, NULL);
}
