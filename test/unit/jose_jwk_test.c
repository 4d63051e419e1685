#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/codec/rp_json.h"
#include "../../src/jose/rp_jwk.h"
#include "jose_groups.h"
#include "test_sign.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DATA "header.payload"

static rp_jwks_t *parse(const char *text, apr_pool_t *pool)
{
    json_t *object;
    rp_jwks_t *set;
    const char *why = NULL;

    assert_int_equal(rp_json_parse(&object, text, strlen(text), RP_MAX_JWKS, pool, &why),
                     APR_SUCCESS);
    assert_int_equal(rp_jwks_parse(&set, object, pool, &why), APR_SUCCESS);
    assert_null(why);
    return set;
}

/* A set of one JSON key. */
static rp_jwks_t *set_of(const json_t *key, apr_pool_t *pool)
{
    return parse(apr_pstrcat(pool, "{\"keys\":[", rp_json_text(key, pool), "]}", NULL), pool);
}

static const rp_jwk_t *key_of(const test_key_t *key, apr_pool_t *pool)
{
    rp_jwks_t *set = parse(test_sign_jwks(pool, key, NULL), pool);
    const rp_jwk_t *found = NULL;

    for (int alg = 0; alg < RP_ALG_COUNT && !found; alg++) {
        found = rp_jwks_select(set, (rp_alg_t)alg, NULL, 0);
    }
    assert_non_null(found);
    return found;
}

/* 1 when the case has a key pair, and its signature is right and no other. */
static int verify_case(const json_t *one, apr_pool_t *pool)
{
    rp_jwks_t *set = set_of(json_object_get(one, "key"), pool);
    const char *jws = jose_text(one, "jws");
    const char *dot = strrchr(jws, '.');
    const rp_jwk_t *key;
    unsigned char *signature;
    apr_size_t len;
    rp_alg_t alg;

    assert_int_equal(rp_alg_find(&alg, jose_text(one, "alg")), APR_SUCCESS);
    if (rp_alg_row(alg)->family == RP_ALG_FAMILY_HMAC) {
        return 0;
    }
    key = rp_jwks_select(set, alg, NULL, 0);
    assert_non_null(key);
    assert_non_null(dot);
    assert_int_equal(rp_base64url_decode(&signature, &len, dot + 1, strlen(dot + 1), pool),
                     APR_SUCCESS);
    assert_int_equal(rp_jwk_verify(key, alg, jws, (apr_size_t)(dot - jws), signature, len),
                     APR_SUCCESS);
    assert_int_equal(rp_jwk_verify(key, alg, jws, (apr_size_t)(dot - jws) - 1, signature, len),
                     APR_EINVAL);
    for (apr_size_t i = 0; i < len; i += 7) {
        signature[i] ^= 1;
        assert_int_equal(rp_jwk_verify(key, alg, jws, (apr_size_t)(dot - jws), signature, len),
                         APR_EINVAL);
        signature[i] ^= 1;
    }
    return 1;
}

static void verifies_the_signatures_of_the_rfcs_and_no_others(void **state)
{
    static const char *const files[] = {"rfc7515.json", "rfc7520.json", "rfc8037.json"};
    test_env_t *test = *state;
    int verified = 0;

    for (apr_size_t i = 0; i < COUNT(files); i++) {
        const json_t *cases = jose_vectors(files[i], test->env.pool);

        for (size_t at = 0; at < json_array_size(cases); at++) {
            verified += verify_case(json_array_get(cases, at), test->env.pool);
        }
    }
    assert_int_equal(verified, 7);
}

static void computes_the_thumbprints_of_the_rfcs(void **state)
{
    test_env_t *test = *state;
    json_t *one;
    size_t at;

    json_array_foreach(jose_vectors("rfc7638.json", test->env.pool), at, one)
    {
        rp_jwks_t *set = set_of(json_object_get(one, "key"), test->env.pool);
        const rp_jwk_t *key = NULL;

        for (int alg = 0; alg < RP_ALG_COUNT && !key; alg++) {
            key = rp_jwks_select(set, (rp_alg_t)alg, NULL, 0);
        }
        assert_non_null(key);
        assert_string_equal(rp_jwk_thumbprint(key, test->env.pool), jose_text(one, "thumbprint"));
    }
}

/* What a change to a good key makes of it. In a patch null removes the member. */
typedef struct {
    const char *file;
    int index;
    int usable;
    const char *patch;
} change_t;

static const change_t changes[] = {
    {"rfc7515.json", 1, 1, "{}"},
    {"rfc7515.json", 2, 1, "{}"},
    {"rfc8037.json", 0, 1, "{}"},
    {"rfc7515.json", 1, 1, "{\"use\":\"sig\",\"alg\":\"RS512\",\"kid\":\"a\"}"},
    {"rfc7515.json", 1, 1, "{\"x5c\":[\"MII\"],\"x5t\":\"a\",\"unknown\":{\"a\":[]}}"},
    {"rfc7515.json", 1, 1, "{\"key_ops\":[\"verify\"]}"},
    {"rfc7515.json", 1, 1, "{\"kid\":\"\"}"},
    {"rfc8037.json", 0, 1, "{\"alg\":\"EdDSA\"}"},
    /* Of another use, algorithm or type. */
    {"rfc7515.json", 1, 0, "{\"use\":\"enc\"}"},
    {"rfc7515.json", 1, 0, "{\"use\":1}"},
    {"rfc7515.json", 1, 0, "{\"key_ops\":[\"sign\",\"encrypt\"]}"},
    {"rfc7515.json", 1, 0, "{\"key_ops\":[]}"},
    {"rfc7515.json", 1, 0, "{\"key_ops\":\"verify\"}"},
    {"rfc7515.json", 1, 0, "{\"alg\":\"RSA-OAEP\"}"},
    {"rfc7515.json", 1, 0, "{\"alg\":\"none\"}"},
    {"rfc7515.json", 1, 0, "{\"alg\":\"HS256\"}"},
    {"rfc7515.json", 1, 0, "{\"alg\":\"ES256\"}"},
    {"rfc7515.json", 1, 0, "{\"alg\":[\"RS256\"]}"},
    {"rfc7515.json", 1, 0, "{\"kid\":1}"},
    {"rfc7515.json", 1, 0, "{\"kty\":null}"},
    {"rfc7515.json", 1, 0, "{\"kty\":\"rsa\"}"},
    {"rfc7515.json", 1, 0, "{\"kty\":\"EC\"}"},
    {"rfc7515.json", 2, 0, "{\"crv\":null}"},
    {"rfc7515.json", 2, 0, "{\"crv\":\"secp256k1\"}"},
    {"rfc7515.json", 2, 0, "{\"crv\":\"P-384\"}"},
    {"rfc7515.json", 2, 0, "{\"alg\":\"ES384\"}"},
    {"rfc8037.json", 0, 0, "{\"crv\":\"X25519\"}"},
    {"rfc8037.json", 0, 0, "{\"crv\":\"Ed448\"}"},
    {"rfc8037.json", 0, 0, "{\"alg\":\"ES256\"}"},
    /* Symmetric or private: what is published is no secret. */
    {"rfc7515.json", 0, 0, "{}"},
    {"rfc7515.json", 1, 0, "{\"d\":\"AQAB\"}"},
    {"rfc7515.json", 1, 0, "{\"oth\":[]}"},
    {"rfc7515.json", 2, 0, "{\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"},
    {"rfc8037.json", 0, 0, "{\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}"},
    {"rfc8037.json", 0, 0, "{\"k\":\"AQAB\"}"},
    /* Members missing, of a wrong type or out of range. */
    {"rfc7515.json", 1, 0, "{\"n\":null}"},
    {"rfc7515.json", 1, 0, "{\"n\":\"\"}"},
    {"rfc7515.json", 1, 0, "{\"n\":\"AQAB\"}"},
    {"rfc7515.json", 1, 0, "{\"n\":65537}"},
    {"rfc7515.json", 1, 0, "{\"e\":null}"},
    {"rfc7515.json", 1, 0, "{\"e\":\"\"}"},
    {"rfc7515.json", 1, 0, "{\"e\":\"AQ\"}"},           /* 1: every signature would fit */
    {"rfc7515.json", 1, 0, "{\"e\":\"Ag\"}"},           /* even */
    {"rfc7515.json", 1, 0, "{\"e\":\"AAEAAQ\"}"},       /* a leading zero */
    {"rfc7515.json", 1, 0, "{\"e\":\"AQAAAAAAAAAB\"}"}, /* nine octets */
    {"rfc7515.json", 1, 0, "{\"e\":\"AQAB=\"}"},
    {"rfc7515.json", 1, 0, "{\"e\":\"A+AB\"}"},
    {"rfc7515.json", 2, 0, "{\"y\":null}"},
    {"rfc7515.json", 2, 0, "{\"x\":\"AA\"}"},
    {"rfc7515.json", 2, 0, "{\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}"},
    {"rfc7515.json", 2, 0,
     "{\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
     "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"},
    {"rfc7515.json", 2, 0,
     "{\"x\":\"__________________________________________8\","
     "\"y\":\"__________________________________________8\"}"},
    {"rfc8037.json", 0, 0, "{\"x\":null}"},
    {"rfc8037.json", 0, 0, "{\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ\"}"},
};

static const rp_jwks_t *changed_key(const change_t *change, apr_pool_t *pool)
{
    const json_t *one = json_array_get(jose_vectors(change->file, pool), (size_t)change->index);
    json_t *key = rp_json_keep(json_deep_copy(json_object_get(one, "key")), pool);
    json_t *patch = rp_json_keep(json_loads(change->patch, 0, NULL), pool);

    for (void *at = json_object_iter(patch); at; at = json_object_iter_next(patch, at)) {
        if (json_is_null(json_object_iter_value(at))) {
            json_object_del(key, json_object_iter_key(at));
        } else {
            json_object_set(key, json_object_iter_key(at), json_object_iter_value(at));
        }
    }
    return set_of(key, pool);
}

static void keeps_only_keys_that_can_verify_a_signature(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(changes); i++) {
        const rp_jwks_t *set = changed_key(&changes[i], test->env.pool);

        if (rp_jwks_count(set) != changes[i].usable) {
            print_error("key %d of %s with %s\n", changes[i].index, changes[i].file,
                        changes[i].patch);
        }
        assert_int_equal(rp_jwks_count(set), changes[i].usable);
        assert_int_equal(rp_jwks_ignored(set), !changes[i].usable);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

/* Moduli of a given number of bits; whether they are products of two primes plays no part. */
static const struct {
    int octets;
    unsigned char first;
    unsigned char last;
    int usable;
} moduli[] = {
    {256, 0x80, 1, 1},  {256, 0x7f, 1, 0},  {256, 0xff, 0, 0},
    {257, 0x00, 1, 0},  {257, 0x01, 1, 1},  {128, 0xff, 1, 0},
    {1024, 0xff, 1, 1}, {1025, 0x01, 1, 0}, {2048, 0xff, 1, 0},
};

static void keeps_only_rsa_keys_of_a_sensible_size(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;

    for (apr_size_t i = 0; i < COUNT(moduli); i++) {
        unsigned char *n = apr_palloc(pool, (apr_size_t)moduli[i].octets);
        const char *text;

        memset(n, 0x5a, (apr_size_t)moduli[i].octets);
        n[0] = moduli[i].first;
        n[moduli[i].octets - 1] = moduli[i].last;
        text = apr_psprintf(pool, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}]}",
                            test_sign_base64url(n, (apr_size_t)moduli[i].octets, pool));
        assert_int_equal(rp_jwks_count(parse(text, pool)), moduli[i].usable);
    }
}

static const char *const no_key_sets[] = {
    "{}",
    "{\"keys\":null}",
    "{\"keys\":{}}",
    "{\"keys\":\"\"}",
    "{\"keys\":[null]}",
    "{\"keys\":[\"a\"]}",
    "{\"keys\":[[]]}",
};

static void refuses_what_is_no_key_set(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(no_key_sets); i++) {
        json_t *object = rp_json_keep(json_loads(no_key_sets[i], 0, NULL), test->env.pool);
        const char *why = NULL;
        rp_jwks_t *set;

        assert_int_equal(rp_jwks_parse(&set, object, test->env.pool, &why), APR_EINVAL);
        assert_null(set);
        assert_non_null(why);
    }
}

static void takes_as_many_keys_as_the_limit_says_and_no_more(void **state)
{
    test_env_t *test = *state;
    json_t *object = rp_json_keep(json_object(), test->env.pool);
    json_t *keys = json_array();
    const char *why = NULL;
    rp_jwks_t *set;

    json_object_set_new(object, "keys", keys);
    for (int i = 0; i < RP_MAX_JWKS_KEYS; i++) {
        json_array_append_new(keys, json_object());
    }
    assert_int_equal(rp_jwks_parse(&set, object, test->env.pool, &why), APR_SUCCESS);
    assert_int_equal(rp_jwks_count(set), 0);
    assert_int_equal(rp_jwks_ignored(set), RP_MAX_JWKS_KEYS);
    json_array_append_new(keys, json_object());
    assert_int_equal(rp_jwks_parse(&set, object, test->env.pool, &why), APR_EINVAL);
    assert_non_null(why);
}

static void leaves_out_a_key_whose_kid_is_too_long(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    char *kid = apr_pcalloc(pool, RP_MAX_KID + 2);

    memset(kid, 'k', RP_MAX_KID);
    assert_int_equal(rp_jwks_count(parse(
                         test_sign_jwks(pool, test_key_make("ES256", kid, 0, pool), NULL), pool)),
                     1);
    kid[RP_MAX_KID] = 'k';
    assert_int_equal(rp_jwks_count(parse(
                         test_sign_jwks(pool, test_key_make("ES256", kid, 0, pool), NULL), pool)),
                     0);
}

static void selects_by_algorithm_first_and_then_by_kid(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    rp_jwks_t *set = parse(test_sign_jwks(pool, test_key_make("RS256", "same", 0, pool),
                                          test_key_make("ES256", "same", 0, pool),
                                          test_key_make("ES256", "other", 1, pool),
                                          test_key_make("ES256", NULL, 2, pool),
                                          test_key_make("ES256", "same", 3, pool), NULL),
                           pool);

    assert_int_equal(rp_jwks_count(set), 5);
    /* Several keys under one kid: type and algorithm tell them apart, else there is a second. */
    assert_non_null(rp_jwks_select(set, RP_ALG_RS256, "same", 0));
    assert_null(rp_jwks_select(set, RP_ALG_RS256, "same", 1));
    assert_null(rp_jwks_select(set, RP_ALG_RS384, "same", 0));
    assert_null(rp_jwks_select(set, RP_ALG_PS256, "same", 0));
    assert_non_null(rp_jwks_select(set, RP_ALG_ES256, "same", 1));
    assert_ptr_not_equal(rp_jwks_select(set, RP_ALG_ES256, "same", 0),
                         rp_jwks_select(set, RP_ALG_ES256, "same", 1));
    assert_null(rp_jwks_select(set, RP_ALG_ES256, "same", 2));
    assert_non_null(rp_jwks_select(set, RP_ALG_ES256, "other", 0));
    assert_null(rp_jwks_select(set, RP_ALG_ES256, "othe", 0));
    assert_null(rp_jwks_select(set, RP_ALG_ES256, "", 0));
    /* Without a kid every key of the algorithm is a candidate. */
    assert_non_null(rp_jwks_select(set, RP_ALG_ES256, NULL, 3));
    assert_null(rp_jwks_select(set, RP_ALG_ES256, NULL, 4));
    assert_null(rp_jwks_select(set, RP_ALG_HS256, NULL, 0));
}

static const char *const asymmetric[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                         "PS512", "ES256", "ES384", "ES512", "EdDSA"};

static void accepts_its_own_signatures_only(const char *name, apr_pool_t *pool)
{
    const test_key_t *key = test_key_make(name, NULL, 0, pool);
    const rp_jwk_t *jwk = key_of(key, pool);
    const rp_jwk_t *other = key_of(test_key_make(name, NULL, 1, pool), pool);
    apr_size_t len;
    const unsigned char *good = test_sign_bytes(&len, key, DATA, strlen(DATA), pool);
    unsigned char *wrong = apr_pcalloc(pool, len + 1);
    rp_alg_t alg;

    assert_int_equal(rp_alg_find(&alg, name), APR_SUCCESS);
    for (int i = 0; i < RP_ALG_COUNT; i++) {
        assert_int_equal(rp_jwk_verify(jwk, (rp_alg_t)i, DATA, strlen(DATA), good, len),
                         i == (int)alg ? APR_SUCCESS : APR_EINVAL);
    }
    assert_int_equal(rp_jwk_verify(other, alg, DATA, strlen(DATA), good, len), APR_EINVAL);
    assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA) - 1, good, len), APR_EINVAL);
    assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), good, len - 1), APR_EINVAL);
    assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), good, 0), APR_EINVAL);
    assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), wrong, len), APR_EINVAL);
    memcpy(wrong, good, len);
    assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), wrong, len + 1), APR_EINVAL);
    assert_int_equal(ERR_peek_error(), 0);
}

static void verifies_every_algorithm_by_its_own_rules_only(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(asymmetric); i++) {
        accepts_its_own_signatures_only(asymmetric[i], test->env.pool);
    }
}

/* A key that does not name its algorithm serves its whole family, each with its own padding and
 * hash. */
static void does_not_take_one_rsa_algorithm_for_another(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const test_key_t *key = test_key_make("RS256", NULL, 0, pool);
    json_t *jwk = rp_json_keep(json_loads(test_sign_jwk(key, pool), 0, NULL), pool);
    const rp_jwk_t *public_key;
    apr_size_t len;
    unsigned char *signature = test_sign_bytes(&len, key, DATA, strlen(DATA), pool);

    json_object_del(jwk, "alg");
    public_key = rp_jwks_select(set_of(jwk, pool), RP_ALG_PS512, NULL, 0);
    assert_non_null(public_key);
    for (int alg = RP_ALG_RS256; alg <= RP_ALG_PS512; alg++) {
        assert_int_equal(
            rp_jwk_verify(public_key, (rp_alg_t)alg, DATA, strlen(DATA), signature, len),
            alg == RP_ALG_RS256 ? APR_SUCCESS : APR_EINVAL);
    }
}

/* RFC 7518 3.5: the salt is as long as the hash, and OpenSSL would take any other as well. */
static void refuses_a_pss_salt_of_another_length_than_the_hash(void **state)
{
    static const int salts[] = {32, 0, 20, 31, 64};
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    BIGNUM *n = NULL;
    unsigned char octets[256];
    unsigned char signature[256];
    const rp_jwk_t *key;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    assert_int_equal(BN_bn2binpad(n, octets, sizeof(octets)), sizeof(octets));
    key = rp_jwks_select(
        parse(apr_psprintf(pool, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}]}",
                           test_sign_base64url(octets, sizeof(octets), pool)),
              pool),
        RP_ALG_PS256, NULL, 0);
    assert_non_null(key);
    for (apr_size_t i = 0; i < COUNT(salts); i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        EVP_PKEY_CTX *pkey_ctx;
        size_t len = sizeof(signature);

        assert_int_equal(EVP_DigestSignInit_ex(ctx, &pkey_ctx, "SHA256", NULL, NULL, pkey, NULL),
                         1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, salts[i]), 1);
        assert_int_equal(
            EVP_DigestSign(ctx, signature, &len, (const unsigned char *)DATA, strlen(DATA)), 1);
        EVP_MD_CTX_free(ctx);
        assert_int_equal(rp_jwk_verify(key, RP_ALG_PS256, DATA, strlen(DATA), signature, len),
                         salts[i] == 32 ? APR_SUCCESS : APR_EINVAL);
    }
    BN_free(n);
    EVP_PKEY_free(pkey);
}

static const struct {
    const char *alg;
    int nid;
    apr_size_t octets;
} curves[] = {{"ES256", NID_X9_62_prime256v1, 32},
              {"ES384", NID_secp384r1, 48},
              {"ES512", NID_secp521r1, 66}};

static void order_of(unsigned char *out, int nid, apr_size_t octets)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);

    assert_int_equal(BN_bn2binpad(EC_GROUP_get0_order(group), out, (int)octets), (int)octets);
    EC_GROUP_free(group);
}

static void refuses_ecdsa_numbers_out_of_their_range(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;

    for (apr_size_t i = 0; i < COUNT(curves); i++) {
        const test_key_t *key = test_key_make(curves[i].alg, NULL, 0, pool);
        const rp_jwk_t *jwk = key_of(key, pool);
        const apr_size_t half = curves[i].octets;
        apr_size_t len;
        const unsigned char *good = test_sign_bytes(&len, key, DATA, strlen(DATA), pool);
        unsigned char order[66];
        unsigned char wrong[132];
        rp_alg_t alg;

        assert_int_equal(len, 2 * half);
        assert_int_equal(rp_alg_find(&alg, curves[i].alg), APR_SUCCESS);
        order_of(order, curves[i].nid, half);
        for (apr_size_t at = 0; at < len; at += half) {
            memcpy(wrong, good, len);
            memset(wrong + at, 0, half);
            assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), wrong, len), APR_EINVAL);
            memcpy(wrong + at, order, half);
            assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), wrong, len), APR_EINVAL);
            memset(wrong + at, 0xff, half);
            assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), wrong, len), APR_EINVAL);
        }
        memcpy(wrong, order, half);
        memcpy(wrong + half, order, half);
        assert_int_equal(rp_jwk_verify(jwk, alg, DATA, strlen(DATA), wrong, len), APR_EINVAL);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void refuses_an_ecdsa_signature_in_der(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const test_key_t *key = test_key_make("ES256", NULL, 0, pool);
    const rp_jwk_t *jwk = key_of(key, pool);
    apr_size_t len;
    const unsigned char *raw = test_sign_bytes(&len, key, DATA, strlen(DATA), pool);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    unsigned char *der = NULL;
    int der_len;

    assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)),
                     1);
    der_len = i2d_ECDSA_SIG(pair, &der);
    assert_true(der_len > 64);
    assert_int_equal(rp_jwk_verify(jwk, RP_ALG_ES256, DATA, strlen(DATA), raw, len), APR_SUCCESS);
    assert_int_equal(rp_jwk_verify(jwk, RP_ALG_ES256, DATA, strlen(DATA), der, (apr_size_t)der_len),
                     APR_EINVAL);
    assert_int_equal(rp_jwk_verify(jwk, RP_ALG_ES256, DATA, strlen(DATA), der, 64), APR_EINVAL);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, jose_setup, jose_teardown)

int run_jose_jwk_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verifies_the_signatures_of_the_rfcs_and_no_others),
        TEST(computes_the_thumbprints_of_the_rfcs),
        TEST(keeps_only_keys_that_can_verify_a_signature),
        TEST(keeps_only_rsa_keys_of_a_sensible_size),
        TEST(refuses_what_is_no_key_set),
        TEST(takes_as_many_keys_as_the_limit_says_and_no_more),
        TEST(leaves_out_a_key_whose_kid_is_too_long),
        TEST(selects_by_algorithm_first_and_then_by_kid),
        TEST(verifies_every_algorithm_by_its_own_rules_only),
        TEST(does_not_take_one_rsa_algorithm_for_another),
        TEST(refuses_a_pss_salt_of_another_length_than_the_hash),
        TEST(refuses_ecdsa_numbers_out_of_their_range),
        TEST(refuses_an_ecdsa_signature_in_der),
    };

    return cmocka_run_group_tests_name("jose: keys of a provider", tests, NULL, NULL);
}
