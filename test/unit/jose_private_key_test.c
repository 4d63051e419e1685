#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/codec/rp_json.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_jws.h"
#include "../../src/jose/rp_jws_sign.h"
#include "jose_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SECRET "a secret that is long enough to be the key of HS512, which takes 64"

static const rp_private_key_options_t no_options = {NULL, NULL};

/* Fails the test unless the text is a key. */
static rp_private_key_t *parse(const char *text, const rp_private_key_options_t *options,
                               apr_pool_t *pool)
{
    rp_private_key_t *key;
    const char *why;

    if (rp_private_key_parse(&key, text, strlen(text), options, pool, &why) != APR_SUCCESS) {
        fail_msg("%s", why);
    }
    assert_null(why);
    assert_int_equal(ERR_peek_error(), 0);
    return key;
}

/* Fails the test unless the text is refused with words that contain this. */
static void refuse(const char *text, const rp_private_key_options_t *options, const char *words,
                   apr_pool_t *pool)
{
    rp_private_key_t *key;
    const char *why;

    assert_int_equal(rp_private_key_parse(&key, text, strlen(text), options, pool, &why),
                     APR_EINVAL);
    assert_null(key);
    assert_non_null(why);
    if (!strstr(why, words)) {
        fail_msg("\"%s\" is not in: %s", words, why);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- keys made here --- */

static EVP_PKEY *generate(const char *type, int bits, const char *group)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    if (bits) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits), 1);
    }
    if (group) {
        assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, group), 1);
    }
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

typedef enum { PKCS8, TRADITIONAL, ENCRYPTED, TRADITIONAL_ENCRYPTED, PUBLIC } form_t;

/* The key in this form; it is freed. */
static const char *pem(EVP_PKEY *pkey, form_t form, apr_pool_t *pool)
{
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char password[] = "password";
    const EVP_CIPHER *aes = EVP_aes_128_cbc();
    const char *text;
    char *data;
    long len;
    int ok = 0;

    switch (form) {
    case PKCS8:
        ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
        break;
    case TRADITIONAL:
        ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
        break;
    case ENCRYPTED:
        ok = PEM_write_bio_PKCS8PrivateKey(bio, pkey, aes, (char *)password, 8, NULL, NULL);
        break;
    case TRADITIONAL_ENCRYPTED:
        ok = PEM_write_bio_PrivateKey_traditional(bio, pkey, aes, password, 8, NULL, NULL);
        break;
    case PUBLIC:
        ok = PEM_write_bio_PUBKEY(bio, pkey);
        break;
    }
    assert_int_equal(ok, 1);
    len = BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(pool, data, (apr_size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return text;
}

static const char *ec_pem(const char *group, form_t form, apr_pool_t *pool)
{
    return pem(generate("EC", 0, group), form, pool);
}

/* --- the RFCs' own --- */

/* The private JWK of a case; NULL: it has none. */
static const char *private_jwk(const json_t *one, apr_pool_t *pool)
{
    const json_t *more = json_object_get(one, "private");
    json_t *key;

    if (!more) {
        return NULL;
    }
    key = rp_json_keep(json_deep_copy(json_object_get(one, "key")), pool);
    json_object_update(key, json_object_get(one, "private"));
    return rp_json_text(key, pool);
}

static void check_case(const json_t *one, apr_pool_t *pool)
{
    const char *text = private_jwk(one, pool);
    const char *jws = jose_text(one, "jws");
    const char *dot = strrchr(jws, '.');
    unsigned char signature[RP_SIGNATURE_MAX];
    rp_private_key_t *key;
    rp_alg_row_t row;
    apr_size_t len;
    rp_alg_t alg;

    assert_int_equal(rp_alg_find(&alg, jose_text(one, "alg")), APR_SUCCESS);
    if (!text) {
        return;
    }
    key = parse(text, &no_options, pool);
    assert_int_equal(rp_private_key_sign(signature, &len, key, alg, jws, (apr_size_t)(dot - jws)),
                     APR_SUCCESS);
    row = *rp_alg_row(alg);
    /* The others are different each time; they are verified below. */
    if (row.family == RP_ALG_FAMILY_RSA_PKCS1 || row.family == RP_ALG_FAMILY_EDDSA) {
        assert_string_equal(rp_base64url_encode(signature, len, pool), dot + 1);
    }
}

static void signs_as_the_rfcs_do_with_their_keys(void **state)
{
    static const char *const files[] = {"rfc7515.json", "rfc7520.json", "rfc8037.json"};
    test_env_t *test = *state;
    int keys = 0;

    for (apr_size_t i = 0; i < COUNT(files); i++) {
        const json_t *cases = jose_vectors(files[i], test->env.pool);

        for (size_t at = 0; at < json_array_size(cases); at++) {
            check_case(json_array_get(cases, at), test->env.pool);
            keys += json_object_get(json_array_get(cases, at), "private") != NULL;
        }
    }
    assert_int_equal(keys, 7);
}

static void has_the_thumbprint_of_the_rfcs_as_its_kid(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const json_t *ed25519 = json_array_get(jose_vectors("rfc8037.json", pool), 0);
    const json_t *ec = json_array_get(jose_vectors("rfc7515.json", pool), 2);

    assert_string_equal(rp_private_key_kid(parse(private_jwk(ed25519, pool), &no_options, pool)),
                        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_string_equal(rp_private_key_kid(parse(private_jwk(ec, pool), &no_options, pool)),
                        "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

/* --- reading --- */

static void reads_every_type_in_every_form(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    struct {
        const char *text;
        rp_alg_set_t algs;
    } rows[] = {
        {pem(generate("RSA", 2048, NULL), PKCS8, pool), 0x3F},
        {pem(generate("RSA", 2048, NULL), TRADITIONAL, pool), 0x3F},
        {ec_pem("P-256", PKCS8, pool), 1u << RP_ALG_ES256},
        {ec_pem("P-256", TRADITIONAL, pool), 1u << RP_ALG_ES256},
        {ec_pem("P-384", PKCS8, pool), 1u << RP_ALG_ES384},
        {ec_pem("P-521", TRADITIONAL, pool), 1u << RP_ALG_ES512},
        {pem(generate("ED25519", 0, NULL), PKCS8, pool), 1u << RP_ALG_EDDSA},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(rp_private_key_algs(parse(rows[i].text, &no_options, pool)), rows[i].algs);
    }
}

static void finds_the_key_among_certificates_and_parameters(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const char *certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const char *parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const char *key = ec_pem("P-256", TRADITIONAL, pool);

    parse(apr_pstrcat(pool, "a comment\n", certificate, parameters, key, certificate, NULL),
          &no_options, pool);
    /* Without the last line's end, as editors leave it. */
    parse(apr_pstrmemdup(pool, key, strlen(key) - 1), &no_options, pool);
}

static void refuses_keys_that_are_no_use_and_says_why(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const char *good = ec_pem("P-256", PKCS8, pool);

    refuse(pem(generate("RSA", 1024, NULL), PKCS8, pool), &no_options, "1024 bits; it needs 2048",
           pool);
    refuse(ec_pem("secp256k1", PKCS8, pool), &no_options, "P-256", pool);
    refuse(pem(generate("X25519", 0, NULL), PKCS8, pool), &no_options, "type", pool);
    refuse(pem(generate("ED448", 0, NULL), PKCS8, pool), &no_options, "type", pool);
    refuse(ec_pem("P-256", ENCRYPTED, pool), &no_options, "encrypted", pool);
    refuse(ec_pem("P-256", TRADITIONAL_ENCRYPTED, pool), &no_options, "encrypted", pool);
    refuse(ec_pem("P-256", PUBLIC, pool), &no_options, "no private key", pool);
    refuse(apr_pstrcat(pool, good, ec_pem("P-256", TRADITIONAL, pool), NULL), &no_options,
           "several", pool);
    refuse("", &no_options, "no private key", pool);
    refuse("a password", &no_options, "no private key", pool);
    refuse("-----BEGIN PRIVATE KEY-----\nMIIB\n", &no_options, "cut off", pool);
    refuse("-----BEGIN PRIVATE KEY-----", &no_options, "cut off", pool);
    refuse("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", &no_options,
           "cannot be read", pool);
    refuse("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE", &no_options, "cut off", pool);
}

/* A JWK that is right but for the members of the patch; null takes one away. */
static const char *patched(const json_t *one, const char *patch, apr_pool_t *pool)
{
    json_t *key;
    json_t *changes;
    const char *name;
    json_t *value;
    const char *why;

    rp_json_parse(&key, private_jwk(one, pool), strlen(private_jwk(one, pool)), RP_MAX_KEY_FILE,
                  pool, &why);
    assert_int_equal(rp_json_parse(&changes, patch, strlen(patch), RP_MAX_KEY_FILE, pool, &why),
                     APR_SUCCESS);
    json_object_foreach(changes, name, value)
    {
        if (json_is_null(value)) {
            json_object_del(key, name);
        } else {
            json_object_set(key, name, value);
        }
    }
    return rp_json_text(key, pool);
}

static void refuses_jwks_that_are_no_use_and_says_why(void **state)
{
    enum { RSA_KEY = 1, EC_KEY = 2 };
    static const struct {
        int at;
        const char *patch;
        const char *words;
    } rows[] = {
        {RSA_KEY, "{\"d\":null}", "public key only"},
        {RSA_KEY, "{\"d\":1}", "members"},
        {RSA_KEY, "{\"n\":null}", "members"},
        {RSA_KEY, "{\"q\":null}", "members"},
        {RSA_KEY, "{\"p\":null}", "members"},
        {RSA_KEY, "{\"oth\":[]}", "members"},
        {RSA_KEY, "{\"n\":\"ofgWCuLjybRlzo0t\"}", "bits"},
        {RSA_KEY, "{\"use\":\"enc\"}", "use"},
        {RSA_KEY, "{\"use\":1}", "use"},
        {RSA_KEY, "{\"kid\":1}", "kid"},
        {RSA_KEY, "{\"kid\":\"\"}", "kid"},
        {RSA_KEY, "{\"kid\":\"two words\"}", "kid"},
        {RSA_KEY, "{\"alg\":\"ES256\"}", "alg ES256"},
        {RSA_KEY, "{\"alg\":\"none\"}", "alg none"},
        {RSA_KEY, "{\"kty\":\"oct\"}", "OAuthClientSecret"},
        {RSA_KEY, "{\"kty\":null}", "kty"},
        {RSA_KEY, "{\"kty\":\"AKP\"}", "type"},
        {EC_KEY, "{\"crv\":\"secp256k1\"}", "type"},
        {EC_KEY, "{\"crv\":\"P-384\"}", "members"},
        {EC_KEY, "{\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"}", "members"},
        {EC_KEY, "{\"d\":\"kpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}", "does not belong"},
        {EC_KEY, "{\"keys\":[]}", "key set"},
    };
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const json_t *cases = jose_vectors("rfc7515.json", pool);

    for (size_t i = 0; i < COUNT(rows); i++) {
        refuse(patched(json_array_get(cases, (size_t)rows[i].at), rows[i].patch, pool), &no_options,
               rows[i].words, pool);
    }
    refuse(patched(json_array_get(jose_vectors("rfc7520.json", pool), 0), "{\"d\":\"AQAB\"}", pool),
           &no_options, "does not belong", pool);
    refuse("{\"kty\":\"EC\"", &no_options, "no JWK", pool);
    refuse("{\"kty\":\"EC\",\"kty\":\"RSA\"}", &no_options, "no JWK", pool);
    refuse(patched(json_array_get(jose_vectors("rfc8037.json", pool), 0),
                   "{\"x\":\"21qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", pool),
           &no_options, "members", pool);
}

static void the_administrator_goes_before_the_jwk(void **state)
{
    static const rp_private_key_options_t options = {"mine", "PS384"};
    static const rp_private_key_options_t wrong = {NULL, "ES256"};
    static const rp_private_key_options_t symmetric = {NULL, "HS256"};
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const json_t *rsa = json_array_get(jose_vectors("rfc7515.json", pool), 1);
    const char *text = patched(rsa, "{\"kid\":\"theirs\",\"alg\":\"RS512\"}", pool);
    const rp_private_key_t *key = parse(text, &no_options, pool);

    assert_string_equal(rp_private_key_kid(key), "theirs");
    assert_int_equal(rp_private_key_algs(key), 1u << RP_ALG_RS512);
    key = parse(text, &options, pool);
    assert_string_equal(rp_private_key_kid(key), "mine");
    assert_int_equal(rp_private_key_algs(key), 1u << RP_ALG_PS384);
    refuse(text, &wrong, "it can with RS256, RS384", pool);
    refuse(text, &symmetric, "alg HS256", pool);
}

static void takes_the_first_algorithm_that_both_have(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const json_t *rsa = json_array_get(jose_vectors("rfc7515.json", pool), 1);
    const rp_private_key_t *key = parse(private_jwk(rsa, pool), &no_options, pool);

    assert_int_equal(rp_private_key_alg(key, RP_ALGS_ASYMMETRIC), RP_ALG_RS256);
    assert_int_equal(rp_private_key_alg(key, 1u << RP_ALG_PS512 | 1u << RP_ALG_PS256),
                     RP_ALG_PS256);
    assert_int_equal(rp_private_key_alg(key, 1u << RP_ALG_ES256), RP_ALG_COUNT);
    assert_int_equal(rp_private_key_alg(key, 0), RP_ALG_COUNT);
}

static void publishes_public_members_only(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const json_t *cases = jose_vectors("rfc7515.json", pool);
    const rp_private_key_t *rsa =
        parse(private_jwk(json_array_get(cases, 1), pool), &no_options, pool);
    const rp_private_key_t *ec =
        parse(private_jwk(json_array_get(cases, 2), pool), &no_options, pool);

    assert_string_equal(
        rp_json_text(rp_private_key_public(ec), pool),
        "{\"alg\":\"ES256\",\"crv\":\"P-256\",\"kid\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr_"
        "CkLMjCE19ECD-U\",\"kty\":\"EC\",\"use\":\"sig\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8T"
        "us9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
    /* Which of its algorithms an RSA key signs with depends on the provider. */
    assert_int_equal(json_object_size(rp_private_key_public(rsa)), 5);
    assert_null(json_object_get(rp_private_key_public(rsa), "alg"));
}

/* --- signing --- */

static rp_jwks_t *published(const rp_private_key_t *key, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "{\"keys\":[",
                                   rp_json_text(rp_private_key_public(key), pool), "]}", NULL);
    json_t *object;
    rp_jwks_t *set;
    const char *why;

    assert_int_equal(rp_json_parse(&object, text, strlen(text), RP_MAX_JWKS, pool, &why),
                     APR_SUCCESS);
    assert_int_equal(rp_jwks_parse(&set, object, pool, &why), APR_SUCCESS);
    assert_int_equal(rp_jwks_count(set), 1);
    return set;
}

static void round_trip(const rp_jws_signer_t *signer, apr_pool_t *pool)
{
    static const char *const typs[] = {"client-authentication+jwt", NULL};
    static const char *const others[] = {"JWT", NULL};
    rp_jws_expect_t expect = {.algs = 1u << signer->alg,
                              .keys = signer->key ? published(signer->key, pool) : NULL,
                              .secret = signer->secret,
                              .secret_len = signer->secret_len,
                              .typ = typs};
    json_t *payload = rp_json_keep(json_pack("{s:s}", "iss", "client"), pool);
    const char *token;
    const char *issuer;
    rp_jws_t *jws;

    assert_int_equal(rp_jws_sign(&token, signer, payload, pool), APR_SUCCESS);
    assert_int_equal(rp_jws_verify(&jws, token, strlen(token), &expect, pool), RP_JWS_OK);
    assert_int_equal(rp_json_string(&issuer, jws->payload, "iss"), APR_SUCCESS);
    assert_string_equal(issuer, "client");
    if (signer->key) {
        assert_string_equal(jws->kid, rp_private_key_kid(signer->key));
    } else {
        assert_null(jws->kid);
    }
    expect.typ = others;
    assert_int_equal(rp_jws_verify(&jws, token, strlen(token), &expect, pool), RP_JWS_TYP);
}

static void what_is_signed_verifies_with_every_algorithm(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const char *const texts[] = {pem(generate("RSA", 2048, NULL), PKCS8, pool),
                                 ec_pem("P-256", PKCS8, pool), ec_pem("P-384", PKCS8, pool),
                                 ec_pem("P-521", PKCS8, pool),
                                 pem(generate("ED25519", 0, NULL), PKCS8, pool)};
    rp_jws_signer_t signer = {.typ = "client-authentication+jwt"};
    unsigned int done = 0;

    for (size_t i = 0; i < COUNT(texts); i++) {
        signer.key = parse(texts[i], &no_options, pool);
        for (int alg = 0; alg < RP_ALG_COUNT; alg++) {
            signer.alg = (rp_alg_t)alg;
            if (rp_private_key_algs(signer.key) & (1u << alg)) {
                round_trip(&signer, pool);
                done |= 1u << alg;
            }
        }
    }
    signer.key = NULL;
    signer.secret = (const unsigned char *)SECRET;
    signer.secret_len = strlen(SECRET);
    for (int alg = RP_ALG_HS256; alg <= RP_ALG_HS512; alg++) {
        signer.alg = (rp_alg_t)alg;
        round_trip(&signer, pool);
        done |= 1u << alg;
    }
    assert_int_equal(done, (1u << RP_ALG_COUNT) - 1);
}

static void refuses_to_sign_with_what_does_not_fit(void **state)
{
    test_env_t *test = *state;
    apr_pool_t *pool = test->env.pool;
    const rp_private_key_t *key = parse(ec_pem("P-256", PKCS8, pool), &no_options, pool);
    const rp_jws_signer_t rows[] = {
        {.alg = RP_ALG_RS256, .key = key, .typ = "JWT"},
        {.alg = RP_ALG_ES384, .key = key, .typ = "JWT"},
        {.alg = RP_ALG_ES256, .typ = "JWT"},
        {.alg = RP_ALG_COUNT, .key = key, .typ = "JWT"},
        {.alg = RP_ALG_HS256, .typ = "JWT"},
        /* The public key as a secret is the oldest trick. */
        {.alg = RP_ALG_HS256,
         .key = key,
         .secret = (const unsigned char *)SECRET,
         .secret_len = strlen(SECRET),
         .typ = "JWT"},
        {.alg = RP_ALG_HS256,
         .secret = (const unsigned char *)SECRET,
         .secret_len = 31,
         .typ = "JWT"},
        {.alg = RP_ALG_HS512,
         .secret = (const unsigned char *)SECRET,
         .secret_len = 63,
         .typ = "JWT"},
    };
    json_t *payload = rp_json_keep(json_object(), pool);
    const char *token;

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(rp_jws_sign(&token, &rows[i], payload, pool), APR_EINVAL);
        assert_null(token);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, jose_setup, jose_teardown)

int run_jose_private_key_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signs_as_the_rfcs_do_with_their_keys),
        TEST(has_the_thumbprint_of_the_rfcs_as_its_kid),
        TEST(reads_every_type_in_every_form),
        TEST(finds_the_key_among_certificates_and_parameters),
        TEST(refuses_keys_that_are_no_use_and_says_why),
        TEST(refuses_jwks_that_are_no_use_and_says_why),
        TEST(the_administrator_goes_before_the_jwk),
        TEST(takes_the_first_algorithm_that_both_have),
        TEST(publishes_public_members_only),
        TEST(what_is_signed_verifies_with_every_algorithm),
        TEST(refuses_to_sign_with_what_does_not_fit),
    };

    return cmocka_run_group_tests_name("jose private keys", tests, NULL, NULL);
}
