#include "test_sign.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024

typedef enum { RSA_KEY, P256_KEY, P384_KEY, P521_KEY, ED25519_KEY, SECRET_KEY, KEY_KINDS } kind_t;

/* One row per algorithm (RFC 7518 3.1, RFC 8037 3.1). */
typedef struct {
    const char *name;
    const char *hash; /* NULL: the algorithm's own */
    kind_t kind;
    int pss;
} alg_t;

static const alg_t algs[] = {
    {"RS256", "SHA256", RSA_KEY, 0},    {"RS384", "SHA384", RSA_KEY, 0},
    {"RS512", "SHA512", RSA_KEY, 0},    {"PS256", "SHA256", RSA_KEY, 1},
    {"PS384", "SHA384", RSA_KEY, 1},    {"PS512", "SHA512", RSA_KEY, 1},
    {"ES256", "SHA256", P256_KEY, 0},   {"ES384", "SHA384", P384_KEY, 0},
    {"ES512", "SHA512", P521_KEY, 0},   {"EdDSA", NULL, ED25519_KEY, 0},
    {"HS256", "SHA256", SECRET_KEY, 0}, {"HS384", "SHA384", SECRET_KEY, 0},
    {"HS512", "SHA512", SECRET_KEY, 0},
};

/* One row per kind of key pair. */
static const struct {
    const char *curve;     /* OpenSSL's name; NULL: no ECDSA */
    const char *crv;       /* RFC 7518 6.2.1.1 */
    apr_size_t coordinate; /* bytes */
} kinds[KEY_KINDS] = {
    [RSA_KEY] = {NULL, NULL, 0},           [P256_KEY] = {"P-256", "P-256", 32},
    [P384_KEY] = {"P-384", "P-384", 48},   [P521_KEY] = {"P-521", "P-521", 66},
    [ED25519_KEY] = {NULL, "Ed25519", 32}, [SECRET_KEY] = {NULL, NULL, 0},
};

struct test_key_t {
    const alg_t *alg;
    const char *kid; /* NULL: none */
    EVP_PKEY *pkey;  /* the cache's; NULL for a secret */
    const unsigned char *secret;
    apr_size_t secret_len;
};

/* The key pairs of the process. Tests have one thread that makes keys. */
static EVP_PKEY *cache[KEY_KINDS][TEST_KEYS_MAX];

/* A test that cannot be set up must not go on. */
static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "test_sign: %s\n", what);
        abort();
    }
}

static void free_cache(void)
{
    for (int kind = 0; kind < KEY_KINDS; kind++) {
        for (int i = 0; i < TEST_KEYS_MAX; i++) {
            EVP_PKEY_free(cache[kind][i]);
            cache[kind][i] = NULL;
        }
    }
}

static EVP_PKEY *generate(kind_t kind)
{
    if (kind == RSA_KEY) {
        return EVP_RSA_gen(2048);
    }
    return kinds[kind].curve ? EVP_EC_gen(kinds[kind].curve)
                             : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static EVP_PKEY *key_pair(kind_t kind, int number)
{
    static int registered;

    must(number >= 0 && number < TEST_KEYS_MAX && kind != SECRET_KEY, "no such key");
    if (!registered) {
        registered = 1;
        must(atexit(free_cache) == 0, "atexit");
    }
    if (!cache[kind][number]) {
        cache[kind][number] = generate(kind);
        must(cache[kind][number] != NULL, "key generation");
    }
    return cache[kind][number];
}

static const alg_t *find_alg(const char *name)
{
    for (apr_size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        if (strcmp(algs[i].name, name) == 0) {
            return &algs[i];
        }
    }
    must(0, "unknown algorithm");
    return NULL;
}

test_key_t *test_key_make(const char *alg, const char *kid, int number, apr_pool_t *pool)
{
    test_key_t *key = apr_pcalloc(pool, sizeof(*key));

    key->alg = find_alg(alg);
    key->kid = kid ? apr_pstrdup(pool, kid) : NULL;
    key->pkey = key_pair(key->alg->kind, number);
    return key;
}

test_key_t *test_key_secret(const char *alg, const char *kid, const void *secret, apr_size_t len,
                            apr_pool_t *pool)
{
    test_key_t *key = apr_pcalloc(pool, sizeof(*key));

    key->alg = find_alg(alg);
    must(key->alg->kind == SECRET_KEY, "not a symmetric algorithm");
    key->kid = kid ? apr_pstrdup(pool, kid) : NULL;
    key->secret = apr_pmemdup(pool, secret, len);
    key->secret_len = len;
    return key;
}

static void replace(char *text, char from, char to)
{
    while ((text = strchr(text, from)) != NULL) {
        *text = to;
    }
}

const char *test_sign_base64url(const void *data, apr_size_t len, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, (len + 2) / 3 * 4 + 1);
    int n = EVP_EncodeBlock((unsigned char *)text, data, (int)len);

    while (n > 0 && text[n - 1] == '=') {
        n--;
    }
    text[n] = '\0';
    replace(text, '+', '-');
    replace(text, '/', '_');
    return text;
}

/* RFC 7518 3.4: r and s side by side, where OpenSSL has a DER sequence. */
static unsigned char *raw_ecdsa(apr_size_t *len, const unsigned char *der, apr_size_t der_len,
                                apr_size_t coordinate, apr_pool_t *pool)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    unsigned char *raw = apr_pcalloc(pool, 2 * coordinate);

    must(signature != NULL, "ECDSA signature");
    must(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)coordinate) > 0 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + coordinate, (int)coordinate) > 0,
         "ECDSA signature");
    ECDSA_SIG_free(signature);
    *len = 2 * coordinate;
    return raw;
}

static unsigned char *sign_with_pair(apr_size_t *len, const test_key_t *key, const void *data,
                                     apr_size_t data_len, apr_pool_t *pool)
{
    unsigned char *signature = apr_pcalloc(pool, TEXT_MAX);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    apr_size_t coordinate = kinds[key->alg->kind].coordinate;

    *len = TEXT_MAX;
    must(EVP_DigestSignInit_ex(md, &ctx, key->alg->hash, NULL, NULL, key->pkey, NULL) == 1, "sign");
    if (key->alg->pss) {
        must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1,
             "PSS");
    }
    must(EVP_DigestSign(md, signature, len, data, data_len) == 1, "sign");
    EVP_MD_CTX_free(md);
    return kinds[key->alg->kind].curve ? raw_ecdsa(len, signature, *len, coordinate, pool)
                                       : signature;
}

unsigned char *test_sign_bytes(apr_size_t *len, const test_key_t *key, const void *data,
                               apr_size_t data_len, apr_pool_t *pool)
{
    unsigned char *mac;

    if (key->pkey) {
        return sign_with_pair(len, key, data, data_len, pool);
    }
    mac = apr_pcalloc(pool, EVP_MAX_MD_SIZE);
    must(EVP_Q_mac(NULL, "HMAC", NULL, key->alg->hash, NULL, key->secret, key->secret_len, data,
                   data_len, mac, EVP_MAX_MD_SIZE, len) != NULL,
         "HMAC");
    return mac;
}

const char *test_sign_jwt(const test_key_t *key, const char *header_json, const char *payload_json,
                          apr_pool_t *pool)
{
    const char *kid = key->kid ? apr_pstrcat(pool, ",\"kid\":\"", key->kid, "\"", NULL) : "";
    const char *header =
        header_json ? header_json
                    : apr_psprintf(pool, "{\"alg\":\"%s\",\"typ\":\"JWT\"%s}", key->alg->name, kid);
    const char *input =
        apr_pstrcat(pool, test_sign_base64url(header, strlen(header), pool), ".",
                    test_sign_base64url(payload_json, strlen(payload_json), pool), NULL);
    apr_size_t len;
    unsigned char *signature = test_sign_bytes(&len, key, input, strlen(input), pool);

    return apr_pstrcat(pool, input, ".", test_sign_base64url(signature, len, pool), NULL);
}

/* A number of the public key, base64url, with that many bytes (0: as few as it takes). */
static const char *number_of(const test_key_t *key, const char *name, apr_size_t len,
                             apr_pool_t *pool)
{
    unsigned char bytes[TEXT_MAX];
    BIGNUM *number = NULL;
    int n;

    must(EVP_PKEY_get_bn_param(key->pkey, name, &number) == 1, name);
    n = len ? (int)len : BN_num_bytes(number);
    must(BN_bn2binpad(number, bytes, n) == n, name);
    BN_free(number);
    return test_sign_base64url(bytes, (apr_size_t)n, pool);
}

static const char *ed25519_members(const test_key_t *key, apr_pool_t *pool)
{
    unsigned char bytes[TEXT_MAX];
    size_t len = sizeof(bytes);

    must(EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len) == 1, "Ed25519");
    return apr_psprintf(pool, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"",
                        test_sign_base64url(bytes, len, pool));
}

static const char *key_members(const test_key_t *key, apr_pool_t *pool)
{
    apr_size_t len = kinds[key->alg->kind].coordinate;

    switch (key->alg->kind) {
    case SECRET_KEY:
        return apr_psprintf(pool, "\"kty\":\"oct\",\"k\":\"%s\"",
                            test_sign_base64url(key->secret, key->secret_len, pool));
    case RSA_KEY:
        return apr_psprintf(pool, "\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"",
                            number_of(key, OSSL_PKEY_PARAM_RSA_N, 0, pool),
                            number_of(key, OSSL_PKEY_PARAM_RSA_E, 0, pool));
    case ED25519_KEY:
        return ed25519_members(key, pool);
    default:
        return apr_psprintf(pool, "\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"",
                            kinds[key->alg->kind].crv,
                            number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, len, pool),
                            number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, len, pool));
    }
}

const char *test_sign_jwk(const test_key_t *key, apr_pool_t *pool)
{
    const char *kid = key->kid ? apr_pstrcat(pool, ",\"kid\":\"", key->kid, "\"", NULL) : "";

    return apr_psprintf(pool, "{%s,\"use\":\"sig\",\"alg\":\"%s\"%s}", key_members(key, pool),
                        key->alg->name, kid);
}

const char *test_sign_pem(const test_key_t *key, apr_pool_t *pool)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text;
    char *data;
    long len;

    must(PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1, "PEM");
    len = BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(pool, data, (apr_size_t)len);
    BIO_free(bio);
    return text;
}

const char *test_sign_jwks(apr_pool_t *pool, ...)
{
    const char *text = "";
    const test_key_t *key;
    va_list keys;

    va_start(keys, pool);
    while ((key = va_arg(keys, const test_key_t *)) != NULL) {
        text = apr_pstrcat(pool, text, *text ? "," : "", test_sign_jwk(key, pool), NULL);
    }
    va_end(keys);
    return apr_pstrcat(pool, "{\"keys\":[", text, "]}", NULL);
}
