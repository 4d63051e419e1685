#include "rp_private_pkey.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "rp_crypto.h"
#include "rp_jwk_key.h"

#define COORDINATE_MAX 66 /* of P-521 */

#define BEGIN "-----BEGIN "
#define END "-----END "
#define PRIVATE "PRIVATE KEY-----"

/* --- PEM --- */

typedef struct {
    const char *text; /* from the dashes before BEGIN */
    apr_size_t len;
} block_t;

static const char *find(const char *text, const char *end, const char *word)
{
    apr_size_t len = strlen(word);

    for (; (apr_size_t)(end - text) >= len; text++) {
        if (memcmp(text, word, len) == 0) {
            return text;
        }
    }
    return NULL;
}

/* Up to the end of its END line; 0 when that is not whole. */
static int take_block(block_t *block, const char *text, const char *stop, const char *end)
{
    const char *stop_end = find(stop, end, PRIVATE);

    if (stop_end) {
        block->text = text;
        block->len = (apr_size_t)(stop_end - text) + strlen(PRIVATE);
    }
    return stop_end != NULL;
}

/* The one private key among what a PEM file may hold (certificates, parameters of a curve). */
static const char *find_private(block_t *block, const char *text, const char *end)
{
    int is_private;
    int count = 0;

    while ((text = find(text, end, BEGIN)) != NULL) {
        const char *line_end = memchr(text, '\n', (apr_size_t)(end - text));
        const char *stop = find(text, end, END);

        if (!line_end || !stop) {
            return "is cut off: a BEGIN line has no END";
        }
        is_private = find(text, line_end, PRIVATE) != NULL;
        if (is_private && !take_block(block, text, stop, end)) {
            return "is cut off: the END line is not whole";
        }
        count += is_private;
        text = stop;
    }
    if (count > 1) {
        return "has several private keys; give each a file and an OAuthClientKey line of its own";
    }
    return count ? NULL : "has no private key, only public ones or certificates";
}

/* OpenSSL would ask on the terminal. */
static int no_password(char *buffer, int size, int writing, void *ctx)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static int is_encrypted(const block_t *block)
{
    const char *end = block->text + block->len;

    return find(block->text, end, BEGIN "ENCRYPTED ") || find(block->text, end, "4,ENCRYPTED");
}

EVP_PKEY *rp_private_pkey_pem(const char *text, apr_size_t len, apr_pool_t *pool, const char **why)
{
    block_t block = {NULL, 0};
    EVP_PKEY *pkey = NULL;
    char *line;
    BIO *bio;

    *why = find_private(&block, text, text + len);
    if (*why) {
        return NULL;
    }
    if (is_encrypted(&block)) {
        *why = "is encrypted, and nobody is there to give the password when httpd starts; store "
               "the key without one";
        return NULL;
    }
    /* What OpenSSL reads ends with the end of a line. */
    line = apr_palloc(pool, block.len + 1);
    memcpy(line, block.text, block.len);
    line[block.len] = '\n';
    ERR_set_mark();
    bio = BIO_new_mem_buf(line, (int)block.len + 1);
    if (bio) {
        pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    }
    BIO_free(bio);
    ERR_pop_to_mark();
    rp_wipe(line, block.len + 1);
    *why = pkey ? NULL : "has a private key that cannot be read";
    return pkey;
}

/* --- JWK --- */

typedef struct {
    const char *member; /* of the JWK */
    const char *param;  /* OpenSSL's */
    int optional;
} number_t;

/* RFC 7518 6.3: the last five are all there, or none of them. */
static const number_t rsa_numbers[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N, 0},          {"e", OSSL_PKEY_PARAM_RSA_E, 0},
    {"d", OSSL_PKEY_PARAM_RSA_D, 0},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1, 1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2, 1},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, 1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, 1}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 1},
};

#define RSA_NUMBERS (sizeof(rsa_numbers) / sizeof(rsa_numbers[0]))

/* A number of at most RP_MAX_RSA_BITS; NULL: absent or wrong. */
static BIGNUM *read_number(const json_t *object, const char *member, apr_pool_t *pool)
{
    const char *text;
    unsigned char *data;
    apr_size_t len;
    BIGNUM *number;

    if (rp_json_string(&text, object, member) != APR_SUCCESS ||
        rp_base64url_decode(&data, &len, text, strlen(text), pool) != APR_SUCCESS || len == 0 ||
        len > RP_MAX_RSA_BITS / 8 + 1) {
        return NULL;
    }
    number = BN_bin2bn(data, (int)len, NULL);
    rp_wipe(data, len);
    return number;
}

static EVP_PKEY *make_pkey(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *read_rsa(const json_t *object, apr_pool_t *pool)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[RSA_NUMBERS] = {NULL};
    int with_factors = json_object_get(object, "p") != NULL;
    int ok = build && !json_object_get(object, "oth");
    EVP_PKEY *pkey = NULL;

    for (apr_size_t i = 0; i < RSA_NUMBERS && ok; i++) {
        if (rsa_numbers[i].optional && !with_factors) {
            ok = !json_object_get(object, rsa_numbers[i].member);
            continue;
        }
        numbers[i] = read_number(object, rsa_numbers[i].member, pool);
        ok = numbers[i] && OSSL_PARAM_BLD_push_BN(build, rsa_numbers[i].param, numbers[i]) == 1;
    }
    if (ok) {
        pkey = make_pkey("RSA", build);
    }
    OSSL_PARAM_BLD_free(build);
    for (apr_size_t i = 0; i < RSA_NUMBERS; i++) {
        BN_clear_free(numbers[i]);
    }
    return pkey;
}

static int read_octets(unsigned char *out, apr_size_t len, const json_t *object, const char *name)
{
    const char *text;

    return rp_json_string(&text, object, name) == APR_SUCCESS &&
           rp_base64url_decode_into(out, len, text, strlen(text)) == APR_SUCCESS;
}

static EVP_PKEY *make_ec(const char *group, const unsigned char *point, apr_size_t point_len,
                         const BIGNUM *number)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    if (build && number &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_len) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1) {
        pkey = make_pkey("EC", build);
    }
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *read_ec(const json_t *object, apr_size_t octets, apr_pool_t *pool)
{
    unsigned char point[1 + 2 * COORDINATE_MAX];
    const char *group;
    BIGNUM *number;
    EVP_PKEY *pkey;

    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    if (rp_json_string(&group, object, "crv") != APR_SUCCESS ||
        !read_octets(point + 1, octets, object, "x") ||
        !read_octets(point + 1 + octets, octets, object, "y")) {
        return NULL;
    }
    number = read_number(object, "d", pool);
    pkey = make_ec(group, point, 1 + 2 * octets, number);
    BN_clear_free(number);
    return pkey;
}

/* OpenSSL makes the public half itself; the JWK's has to be the same. */
static EVP_PKEY *read_ed25519(const json_t *object)
{
    unsigned char d[32];
    unsigned char x[32];
    unsigned char made[32];
    size_t len = sizeof(made);
    EVP_PKEY *pkey = NULL;

    if (read_octets(d, sizeof(d), object, "d") && read_octets(x, sizeof(x), object, "x")) {
        pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, d, sizeof(d));
    }
    rp_wipe(d, sizeof(d));
    if (pkey && EVP_PKEY_get_raw_public_key(pkey, made, &len) == 1 &&
        memcmp(made, x, sizeof(x)) == 0) {
        return pkey;
    }
    EVP_PKEY_free(pkey);
    return NULL;
}

/* Octets of a coordinate; 0: a curve that is not used here. */
static apr_size_t octets_of(const json_t *object)
{
    static const struct {
        const char *name;
        apr_size_t octets;
    } curves[] = {{"P-256", 32}, {"P-384", 48}, {"P-521", 66}};
    const char *crv;

    if (rp_json_string(&crv, object, "crv") != APR_SUCCESS) {
        return 0;
    }
    for (apr_size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (strcmp(curves[i].name, crv) == 0) {
            return curves[i].octets;
        }
    }
    return 0;
}

#define WRONG_TYPE                                                                                 \
    "has a key of a type that is not used here; there are RSA, EC on P-256, P-384 or P-521, and "  \
    "Ed25519"

EVP_PKEY *rp_private_pkey_jwk(const json_t *object, apr_pool_t *pool, const char **why)
{
    const char *kty = "";
    const char *crv = "";
    EVP_PKEY *pkey = NULL;

    rp_json_string(&kty, object, "kty");
    rp_json_string(&crv, object, "crv");
    *why = "has a JWK whose members are missing or wrong";
    if (json_object_get(object, "keys")) {
        *why = "is a key set; give each key a file and an OAuthClientKey line of its own";
    } else if (!kty) {
        *why = "has a JWK without kty";
    } else if (strcmp(kty, "oct") == 0) {
        *why = "has a symmetric key, which belongs into OAuthClientSecret";
    } else if (!json_object_get(object, "d")) {
        *why = "has a public key only; its private half is needed (member d)";
    } else {
        ERR_set_mark();
        if (strcmp(kty, "RSA") == 0) {
            pkey = read_rsa(object, pool);
        } else if (strcmp(kty, "EC") == 0 && octets_of(object) > 0) {
            pkey = read_ec(object, octets_of(object), pool);
        } else if (strcmp(kty, "OKP") == 0 && crv && strcmp(crv, "Ed25519") == 0) {
            pkey = read_ed25519(object);
        } else {
            *why = WRONG_TYPE;
        }
        ERR_pop_to_mark();
    }
    if (pkey) {
        *why = NULL;
    }
    return pkey;
}

/* --- the public half --- */

static int set_octets(json_t *object, const char *member, const unsigned char *data, apr_size_t len,
                      apr_pool_t *pool)
{
    return json_object_set_new(object, member, json_string(rp_base64url_encode(data, len, pool))) ==
           0;
}

static int set_number(json_t *object, const char *member, EVP_PKEY *pkey, const char *param,
                      apr_pool_t *pool)
{
    unsigned char data[RP_MAX_RSA_BITS / 8];
    BIGNUM *number = NULL;
    int len = 0;
    int ok = EVP_PKEY_get_bn_param(pkey, param, &number) == 1 &&
             BN_num_bytes(number) <= (int)sizeof(data) && (len = BN_bn2bin(number, data)) > 0 &&
             set_octets(object, member, data, (apr_size_t)len, pool);

    BN_free(number);
    return ok;
}

static int set_coordinate(json_t *object, const char *member, EVP_PKEY *pkey, const char *param,
                          apr_pool_t *pool)
{
    unsigned char data[COORDINATE_MAX];
    apr_size_t len = octets_of(object);
    BIGNUM *number = NULL;
    int ok = EVP_PKEY_get_bn_param(pkey, param, &number) == 1 &&
             BN_bn2binpad(number, data, (int)len) == (int)len &&
             set_octets(object, member, data, len, pool);

    BN_free(number);
    return ok;
}

static int public_rsa(json_t *object, EVP_PKEY *pkey, apr_pool_t *pool, const char **why)
{
    int bits = EVP_PKEY_get_bits(pkey);

    if (bits < RP_MIN_RSA_BITS || bits > RP_MAX_RSA_BITS) {
        *why = apr_psprintf(pool, "has an RSA key of %d bits; it needs %d to %d", bits,
                            RP_MIN_RSA_BITS, RP_MAX_RSA_BITS);
        return 0;
    }
    json_object_set_new(object, "kty", json_string("RSA"));
    return set_number(object, "n", pkey, OSSL_PKEY_PARAM_RSA_N, pool) &&
           set_number(object, "e", pkey, OSSL_PKEY_PARAM_RSA_E, pool);
}

/* NULL for a curve that no algorithm here has. */
static const char *curve_of(EVP_PKEY *pkey)
{
    static const struct {
        const char *group;
        const char *crv;
    } curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
    char group[64] = "";
    size_t len = 0;

    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &len);
    for (apr_size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (strcmp(curves[i].group, group) == 0) {
            return curves[i].crv;
        }
    }
    return NULL;
}

static int public_ec(json_t *object, EVP_PKEY *pkey, apr_pool_t *pool, const char **why)
{
    const char *curve = curve_of(pkey);

    json_object_set_new(object, "kty", json_string("EC"));
    if (curve) {
        json_object_set_new(object, "crv", json_string(curve));
    }
    if (!octets_of(object)) {
        *why = WRONG_TYPE;
        return 0;
    }
    return set_coordinate(object, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, pool) &&
           set_coordinate(object, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, pool);
}

static int public_ed25519(json_t *object, EVP_PKEY *pkey, apr_pool_t *pool)
{
    unsigned char data[32];
    size_t len = sizeof(data);

    json_object_set_new(object, "kty", json_string("OKP"));
    json_object_set_new(object, "crv", json_string("Ed25519"));
    return EVP_PKEY_get_raw_public_key(pkey, data, &len) == 1 && len == sizeof(data) &&
           set_octets(object, "x", data, len, pool);
}

json_t *rp_private_pkey_public(EVP_PKEY *pkey, apr_pool_t *pool, const char **why)
{
    json_t *object = rp_json_keep(json_object(), pool);
    int ok = 0;

    *why = "has a key that OpenSSL cannot use";
    ERR_set_mark();
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        ok = public_rsa(object, pkey, pool, why);
    } else if (EVP_PKEY_is_a(pkey, "EC")) {
        ok = public_ec(object, pkey, pool, why);
    } else if (EVP_PKEY_is_a(pkey, "ED25519")) {
        ok = public_ed25519(object, pkey, pool);
    } else {
        *why = WRONG_TYPE;
    }
    ERR_pop_to_mark();
    if (ok) {
        *why = NULL;
    }
    return ok ? object : NULL;
}
