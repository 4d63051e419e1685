#include <apr_strings.h>
#include <openssl/err.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/codec/rp_json.h"
#include "../../src/jose/rp_jws.h"
#include "jose_groups.h"
#include "test_sign.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define ALL_ALGS (RP_ALGS_ASYMMETRIC | RP_ALGS_SYMMETRIC)
#define SECRET "a secret that is long enough to be the key of HS512, which takes 64"

static const char *const jwt_typs[] = {"JWT", NULL};

static const rp_jws_expect_t anything = {.algs = ALL_ALGS,
                                         .secret = (const unsigned char *)SECRET,
                                         .secret_len = sizeof(SECRET) - 1,
                                         .typ = jwt_typs,
                                         .typ_optional = 1};

static rp_jwks_t *parse_keys(const char *text, apr_pool_t *pool)
{
    json_t *object;
    rp_jwks_t *set;
    const char *why;

    assert_int_equal(rp_json_parse(&object, text, strlen(text), RP_MAX_JWKS, pool, &why),
                     APR_SUCCESS);
    assert_int_equal(rp_jwks_parse(&set, object, pool, &why), APR_SUCCESS);
    return set;
}

static rp_jws_result_t verify(const char *token, const rp_jws_expect_t *expect, apr_pool_t *pool)
{
    rp_jws_t *jws = NULL;
    rp_jws_result_t result = rp_jws_verify(&jws, token, strlen(token), expect, pool);

    assert_int_equal(jws != NULL, result == RP_JWS_OK);
    assert_int_equal(ERR_peek_error(), 0);
    return result;
}

/* A token with any header and payload whose HMAC, by alg, is right. */
static const char *mac_token(const char *alg, const char *header, const char *payload,
                             apr_pool_t *pool)
{
    const test_key_t *key = test_key_secret(alg, NULL, SECRET, strlen(SECRET), pool);

    return test_sign_jwt(key, header, payload, pool);
}

static void verify_case(const json_t *one, apr_pool_t *pool)
{
    const json_t *key = json_object_get(one, "key");
    rp_jws_expect_t expect = anything;
    unsigned char *secret;

    if (!strcmp(jose_text(key, "kty"), "oct")) {
        assert_int_equal(rp_base64url_decode(&secret, &expect.secret_len, jose_text(key, "k"),
                                             strlen(jose_text(key, "k")), pool),
                         APR_SUCCESS);
        expect.secret = secret;
    } else {
        expect.keys =
            parse_keys(apr_pstrcat(pool, "{\"keys\":[", rp_json_text(key, pool), "]}", NULL), pool);
    }
    /* Most examples sign other things than a JSON object, which is found out last. */
    assert_int_equal(verify(jose_text(one, "jws"), &expect, pool),
                     json_is_true(json_object_get(one, "object")) ? RP_JWS_OK : RP_JWS_MALFORMED);
}

static void verifies_the_tokens_of_the_rfcs(void **state)
{
    static const char *const files[] = {"rfc7515.json", "rfc7520.json", "rfc8037.json"};
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(files); i++) {
        const json_t *cases = jose_vectors(files[i], test->env.pool);

        for (size_t at = 0; at < json_array_size(cases); at++) {
            verify_case(json_array_get(cases, at), test->env.pool);
        }
    }
}

static void gives_header_payload_algorithm_and_kid(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const test_key_t *key = test_key_make("ES256", "k1", 0, pool);
    const char *token = test_sign_jwt(key, NULL, "{\"iss\":\"https://op.example\"}", pool);
    rp_jws_expect_t expect = anything;
    const char *text;
    rp_jws_t *jws;

    expect.keys = parse_keys(test_sign_jwks(pool, key, NULL), pool);
    assert_int_equal(rp_jws_verify(&jws, token, strlen(token), &expect, pool), RP_JWS_OK);
    assert_int_equal(jws->alg, RP_ALG_ES256);
    assert_string_equal(jws->kid, "k1");
    assert_int_equal(rp_json_string(&text, jws->header, "alg"), APR_SUCCESS);
    assert_string_equal(text, "ES256");
    assert_int_equal(rp_json_string(&text, jws->payload, "iss"), APR_SUCCESS);
    assert_string_equal(text, "https://op.example");
}

static void verifies_every_algorithm_that_is_accepted_and_no_other(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;

    for (int i = 0; i < RP_ALG_COUNT; i++) {
        const char *name = rp_alg_name((rp_alg_t)i);
        int symmetric = rp_alg_row((rp_alg_t)i)->family == RP_ALG_FAMILY_HMAC;
        const test_key_t *key = symmetric
                                    ? test_key_secret(name, NULL, SECRET, strlen(SECRET), pool)
                                    : test_key_make(name, "k", 0, pool);
        const char *token = test_sign_jwt(key, NULL, "{}", pool);
        rp_jws_expect_t expect = anything;

        if (!symmetric) {
            expect.keys = parse_keys(test_sign_jwks(pool, key, NULL), pool);
        }
        assert_int_equal(verify(token, &expect, pool), RP_JWS_OK);
        expect.algs = 1u << i;
        assert_int_equal(verify(token, &expect, pool), RP_JWS_OK);
        expect.algs = ALL_ALGS & ~(1u << i);
        assert_int_equal(verify(token, &expect, pool), RP_JWS_ALG);
    }
}

/* Each is signed with HS256, so that the header alone decides. */
static const struct {
    const char *header;
    rp_jws_result_t result;
} headers[] = {
    {"{\"alg\":\"HS256\"}", RP_JWS_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", RP_JWS_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", RP_JWS_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"application/JWT\"}", RP_JWS_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"Application/jwt\"}", RP_JWS_OK},
    {"{\"alg\":\"HS256\",\"b64\":true}", RP_JWS_OK},
    /* Nothing that a header says about keys is looked at. */
    {"{\"alg\":\"HS256\",\"kid\":\"../../etc/passwd\",\"jku\":\"https://evil.example/\","
     "\"x5u\":\"https://evil.example/\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},\"x5c\":[\"AA\"]}",
     RP_JWS_OK},
    {"{}", RP_JWS_ALG},
    {"{\"alg\":\"none\"}", RP_JWS_ALG},
    {"{\"alg\":\"None\"}", RP_JWS_ALG},
    {"{\"alg\":\"\"}", RP_JWS_ALG},
    {"{\"alg\":\"hs256\"}", RP_JWS_ALG},
    {"{\"alg\":\"HS256 \"}", RP_JWS_ALG},
    {"{\"alg\":\"HS1\"}", RP_JWS_ALG},
    {"{\"alg\":null}", RP_JWS_ALG},
    {"{\"alg\":256}", RP_JWS_ALG},
    {"{\"alg\":[\"HS256\"]}", RP_JWS_ALG},
    {"{\"ALG\":\"HS256\"}", RP_JWS_ALG},
    {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", RP_JWS_ALG},
    {"{\"alg\":\"HS512\"}", RP_JWS_SIGNATURE},
    {"{\"alg\":\"RS256\"}", RP_JWS_KEY_UNKNOWN},
    {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":\"application/\"}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":\"application/application/JWT\"}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":\"JWT \"}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":\"\"}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":null}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"typ\":[\"JWT\"]}", RP_JWS_TYP},
    {"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", RP_JWS_CRIT},
    {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":true}", RP_JWS_CRIT},
    {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", RP_JWS_CRIT},
    {"{\"alg\":\"HS256\",\"crit\":[]}", RP_JWS_CRIT},
    {"{\"alg\":\"HS256\",\"crit\":null}", RP_JWS_CRIT},
    {"{\"alg\":\"HS256\",\"crit\":\"exp\"}", RP_JWS_CRIT},
    {"{\"alg\":\"HS256\",\"b64\":false}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\",\"b64\":\"true\"}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\",\"kid\":1}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\",\"kid\":null}", RP_JWS_MALFORMED},
    {"{\"alg\":\"none\",\"alg\":\"HS256\"}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\\u0000\"}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\",\"kid\":\"\\ud800\"}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\"} {}", RP_JWS_MALFORMED},
    {"{\"alg\":\"HS256\"", RP_JWS_MALFORMED},
    {"[\"HS256\"]", RP_JWS_MALFORMED},
    {"\"HS256\"", RP_JWS_MALFORMED},
    {"\xef\xbb\xbf{\"alg\":\"HS256\"}", RP_JWS_MALFORMED},
};

static void judges_a_header_by_what_the_caller_accepts(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(headers); i++) {
        const char *token = mac_token("HS256", headers[i].header, "{}", test->env.pool);
        rp_jws_result_t result = verify(token, &anything, test->env.pool);

        if (result != headers[i].result) {
            print_error("%s: %s\n", headers[i].header, rp_jws_result_text(result));
        }
        assert_int_equal(result, headers[i].result);
    }
}

static const char *const payloads[] = {
    "[]",
    "\"text\"",
    "1",
    "null",
    "not json",
    "{\"a\":1,\"a\":2}",
    "{\"a\":{\"b\":1,\"b\":1}}",
    "{\"a\":\"\\u0000\"}",
    "{\"a\":\"\\udc00\"}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\xc0\xaf\"}",
    "{\"a\":1}{}",
    "{\"a\":1e999}",
};

static void refuses_a_signed_payload_that_is_no_clean_json_object(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(payloads); i++) {
        const char *token = mac_token("HS256", NULL, payloads[i], test->env.pool);

        assert_int_equal(verify(token, &anything, test->env.pool), RP_JWS_MALFORMED);
    }
}

static void does_not_look_at_a_payload_before_its_signature(void **state)
{
    test_env_t *test = *state;
    char *token = apr_pstrdup(test->env.pool, mac_token("HS256", NULL, "not json", test->env.pool));
    char *signature = strrchr(token, '.') + 1;

    signature[0] = signature[0] == 'A' ? 'B' : 'A';
    assert_int_equal(verify(token, &anything, test->env.pool), RP_JWS_SIGNATURE);
}

/* eyJhbGciOiJIUzI1NiJ9 is {"alg":"HS256"}, e30 is {}. */
static const struct {
    const char *token;
    rp_jws_result_t result;
} forms[] = {
    {"", RP_JWS_MALFORMED},
    {".", RP_JWS_MALFORMED},
    {"..", RP_JWS_MALFORMED},
    {"...", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9..AAAA", RP_JWS_MALFORMED},
    {".e30.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA.", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA.AAAA.AAAA", RP_JWS_MALFORMED}, /* the form of a JWE */
    {"eyJhbGciOiJIUzI1NiJ9=.e30.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30=.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAA=", RP_JWS_MALFORMED},
    {" eyJhbGciOiJIUzI1NiJ9.e30.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\n", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AA+A", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AA/A", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ9.e30.A\xc3\xa4", RP_JWS_MALFORMED},
    {"{\"payload\":\"e30\",\"signatures\":[]}", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1NiJ.e30.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJIUzI1Ni.e30.AAAA", RP_JWS_MALFORMED},
    {"eyJhbGciOiJub25lIn0.e30.", RP_JWS_ALG},
    {"eyJhbGciOiJIUzI1NiJ9.e30.", RP_JWS_SIGNATURE},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA", RP_JWS_SIGNATURE},
    {"eyJhbGciOiJIUzI1NiJ9.e30.A", RP_JWS_SIGNATURE},
    {"eyJhbGciOiJIUzI1NiJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", RP_JWS_SIGNATURE},
};

static void takes_the_compact_form_only(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(forms); i++) {
        rp_jws_result_t result = verify(forms[i].token, &anything, test->env.pool);

        if (result != forms[i].result) {
            print_error("%s: %s\n", forms[i].token, rp_jws_result_text(result));
        }
        assert_int_equal(result, forms[i].result);
    }
}

static void refuses_a_token_with_a_nul_in_it(void **state)
{
    test_env_t *test = *state;
    const char *token = mac_token("HS256", NULL, "{}", test->env.pool);
    rp_jws_t *jws;

    /* The terminating NUL taken for a part of it. */
    assert_int_equal(rp_jws_verify(&jws, token, strlen(token) + 1, &anything, test->env.pool),
                     RP_JWS_MALFORMED);
    assert_null(jws);
}

/* A token whose payload is an empty object and as many spaces as it takes to be len long. */
static const char *long_token(apr_size_t len, apr_pool_t *pool)
{
    char *payload = apr_palloc(pool, len + 1);

    memset(payload, ' ', len);
    payload[0] = '{';
    payload[1] = '}';
    payload[len] = '\0';
    return mac_token("HS256", NULL, payload, pool);
}

static void refuses_a_token_that_is_too_long(void **state)
{
    const apr_size_t whole = (apr_size_t)RP_MAX_JWT / 4 * 3;
    test_env_t *test = *state;
    const char *token = long_token(whole - 256, test->env.pool);

    assert_true(strlen(token) <= RP_MAX_JWT);
    assert_int_equal(verify(token, &anything, test->env.pool), RP_JWS_OK);
    token = long_token(whole, test->env.pool);
    assert_true(strlen(token) > RP_MAX_JWT);
    assert_int_equal(verify(token, &anything, test->env.pool), RP_JWS_MALFORMED);
}

static void refuses_a_kid_that_is_too_long(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    char *kid = apr_pcalloc(pool, RP_MAX_KID + 2);
    rp_jws_expect_t expect = anything;

    memset(kid, 'k', RP_MAX_KID);
    assert_int_equal(
        verify(mac_token("HS256", apr_psprintf(pool, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid),
                         "{}", pool),
               &expect, pool),
        RP_JWS_OK);
    kid[RP_MAX_KID] = 'k';
    assert_int_equal(
        verify(mac_token("HS256", apr_psprintf(pool, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid),
                         "{}", pool),
               &expect, pool),
        RP_JWS_MALFORMED);
}

static void takes_a_missing_typ_only_where_it_is_optional(void **state)
{
    static const char *const logout_typs[] = {"logout+jwt", "JWT", NULL};
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const char *without = mac_token("HS256", "{\"alg\":\"HS256\"}", "{}", pool);
    const char *with =
        mac_token("HS256", "{\"alg\":\"HS256\",\"typ\":\"application/Logout+JWT\"}", "{}", pool);
    rp_jws_expect_t expect = anything;

    assert_int_equal(verify(with, &expect, pool), RP_JWS_TYP);
    expect.typ = logout_typs;
    assert_int_equal(verify(with, &expect, pool), RP_JWS_OK);
    expect.typ_optional = 0;
    assert_int_equal(verify(with, &expect, pool), RP_JWS_OK);
    assert_int_equal(verify(without, &expect, pool), RP_JWS_TYP);
    expect.typ = NULL;
    assert_int_equal(verify(with, &expect, pool), RP_JWS_TYP);
    expect.typ_optional = 1;
    assert_int_equal(verify(without, &expect, pool), RP_JWS_OK);
}

static const struct {
    const char *alg;
    apr_size_t least;
} secrets[] = {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}};

static void has_no_key_when_the_secret_is_shorter_than_the_hash(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;

    for (apr_size_t i = 0; i < COUNT(secrets); i++) {
        for (apr_size_t len = secrets[i].least - 1; len <= secrets[i].least; len++) {
            const test_key_t *key = test_key_secret(secrets[i].alg, NULL, SECRET, len, pool);
            rp_jws_expect_t expect = anything;

            expect.secret_len = len;
            assert_int_equal(verify(test_sign_jwt(key, NULL, "{}", pool), &expect, pool),
                             len < secrets[i].least ? RP_JWS_KEY_UNKNOWN : RP_JWS_OK);
        }
    }
}

/* The classic confusion: an HMAC whose key is the provider's public key as it is published. */
static void does_not_take_a_public_key_for_a_secret(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const test_key_t *key = test_key_make("RS256", "k", 0, pool);
    const char *jwk = test_sign_jwk(key, pool);
    const test_key_t *forger = test_key_secret("HS256", "k", jwk, strlen(jwk), pool);
    rp_jws_expect_t expect = anything;

    expect.keys = parse_keys(test_sign_jwks(pool, key, forger, NULL), pool);
    expect.secret = NULL;
    expect.secret_len = 0;
    assert_int_equal(rp_jwks_count(expect.keys), 1);
    assert_int_equal(verify(test_sign_jwt(forger, NULL, "{}", pool), &expect, pool),
                     RP_JWS_KEY_UNKNOWN);
    expect.algs = RP_ALGS_ASYMMETRIC;
    assert_int_equal(verify(test_sign_jwt(forger, NULL, "{}", pool), &expect, pool), RP_JWS_ALG);
    assert_int_equal(
        verify(test_sign_jwt(forger, "{\"alg\":\"RS256\"}", "{}", pool), &expect, pool),
        RP_JWS_SIGNATURE);
}

static void tells_an_unknown_key_from_a_wrong_signature(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const test_key_t *ours = test_key_make("ES256", "k1", 0, pool);
    const test_key_t *forged = test_key_make("ES256", "k1", 1, pool);
    const test_key_t *unknown = test_key_make("ES256", "k2", 1, pool);
    rp_jws_expect_t expect = anything;

    expect.keys = parse_keys(test_sign_jwks(pool, ours, NULL), pool);
    assert_int_equal(verify(test_sign_jwt(ours, NULL, "{}", pool), &expect, pool), RP_JWS_OK);
    assert_int_equal(verify(test_sign_jwt(forged, NULL, "{}", pool), &expect, pool),
                     RP_JWS_SIGNATURE);
    assert_int_equal(verify(test_sign_jwt(unknown, NULL, "{}", pool), &expect, pool),
                     RP_JWS_KEY_UNKNOWN);
    expect.keys = NULL;
    assert_int_equal(verify(test_sign_jwt(ours, NULL, "{}", pool), &expect, pool),
                     RP_JWS_KEY_UNKNOWN);
}

static void tries_every_key_that_fits_a_token_without_kid(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const char *header = "{\"alg\":\"ES256\"}";
    rp_jws_expect_t expect = anything;

    expect.keys = parse_keys(test_sign_jwks(pool, test_key_make("RS256", "a", 0, pool),
                                            test_key_make("ES256", "b", 0, pool),
                                            test_key_make("ES256", "c", 1, pool), NULL),
                             pool);
    for (int number = 0; number < 3; number++) {
        const test_key_t *key = test_key_make("ES256", NULL, number, pool);

        assert_int_equal(verify(test_sign_jwt(key, header, "{}", pool), &expect, pool),
                         number < 2 ? RP_JWS_OK : RP_JWS_SIGNATURE);
    }
}

static void tells_apart_several_keys_of_one_kid(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const test_key_t *rsa = test_key_make("RS256", "k", 0, pool);
    const test_key_t *first = test_key_make("ES256", "k", 0, pool);
    const test_key_t *second = test_key_make("ES256", "k", 1, pool);
    rp_jws_expect_t expect = anything;

    expect.keys = parse_keys(test_sign_jwks(pool, rsa, first, second, NULL), pool);
    assert_int_equal(verify(test_sign_jwt(rsa, NULL, "{}", pool), &expect, pool), RP_JWS_OK);
    assert_int_equal(verify(test_sign_jwt(first, NULL, "{}", pool), &expect, pool), RP_JWS_OK);
    assert_int_equal(verify(test_sign_jwt(second, NULL, "{}", pool), &expect, pool), RP_JWS_OK);
}

static void refuses_a_token_with_any_character_of_it_changed(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const char *good = mac_token("HS256", NULL, "{\"sub\":\"alice\",\"n\":10}", pool);

    assert_int_equal(verify(good, &anything, pool), RP_JWS_OK);
    for (apr_size_t i = 0; good[i]; i++) {
        char *changed = apr_pstrdup(pool, good);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(verify(changed, &anything, pool), RP_JWS_OK);
    }
}

/* The example of OpenID Connect Core A.3 for at_hash; the others were computed with another
 * library from the same text. */
static const struct {
    rp_alg_t alg;
    const char *hash;
} half_hashes[] = {
    {RP_ALG_RS256, "77QmUPtjPfzWtF2AnpK9RQ"},
    {RP_ALG_PS384, "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"},
    {RP_ALG_ES512, "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"},
    {RP_ALG_EDDSA, "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"},
    {RP_ALG_HS256, "77QmUPtjPfzWtF2AnpK9RQ"},
};

static void halves_the_hash_that_goes_with_the_algorithm(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(half_hashes); i++) {
        assert_string_equal(rp_jws_half_hash(half_hashes[i].alg,
                                             "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
                                             test->env.pool),
                            half_hashes[i].hash);
    }
}

static void has_words_for_every_result(void **state)
{
    (void)state;
    for (int i = 0; i < RP_JWS_RESULTS; i++) {
        assert_true(strlen(rp_jws_result_text((rp_jws_result_t)i)) > 0);
    }
    assert_string_equal(rp_jws_result_text(RP_JWS_RESULTS), "unknown result");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, jose_setup, jose_teardown)

int run_jose_jws_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verifies_the_tokens_of_the_rfcs),
        TEST(gives_header_payload_algorithm_and_kid),
        TEST(verifies_every_algorithm_that_is_accepted_and_no_other),
        TEST(judges_a_header_by_what_the_caller_accepts),
        TEST(refuses_a_signed_payload_that_is_no_clean_json_object),
        TEST(does_not_look_at_a_payload_before_its_signature),
        TEST(takes_the_compact_form_only),
        TEST(refuses_a_token_with_a_nul_in_it),
        TEST(refuses_a_token_that_is_too_long),
        TEST(refuses_a_kid_that_is_too_long),
        TEST(takes_a_missing_typ_only_where_it_is_optional),
        TEST(has_no_key_when_the_secret_is_shorter_than_the_hash),
        TEST(does_not_take_a_public_key_for_a_secret),
        TEST(tells_an_unknown_key_from_a_wrong_signature),
        TEST(tries_every_key_that_fits_a_token_without_kid),
        TEST(tells_apart_several_keys_of_one_kid),
        TEST(refuses_a_token_with_any_character_of_it_changed),
        TEST(halves_the_hash_that_goes_with_the_algorithm),
        TEST(has_words_for_every_result),
    };

    return cmocka_run_group_tests_name("jose: signed tokens", tests, NULL, NULL);
}
