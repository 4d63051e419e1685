#include "rp_private_key.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "../base/rp_error.h"
#include "../base/rp_limits.h"
#include "../codec/rp_json.h"
#include "rp_crypto.h"
#include "rp_jwk_key.h"
#include "rp_ossl.h"
#include "rp_private_pkey.h"

#define DER_MAX 144 /* an ECDSA signature of P-521: 2 * (66 + 1 + 2) + 3, rounded up */

struct rp_private_key_t {
    EVP_PKEY *pkey; /* released with the pool */
    rp_jwk_t half;  /* the public one */
    rp_alg_set_t algs;
    const char *kid;
    const char *thumbprint;
    const json_t *jwk;
};

static apr_status_t release(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

/* --- signing --- */

/* RFC 7518 3.4: r and s side by side, each as long as the curve's order. */
static apr_size_t from_der(unsigned char *out, apr_size_t out_len, const unsigned char *der,
                           apr_size_t der_len)
{
    const int half = (int)(out_len / 2);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    int ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, half) == half &&
             BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, half) == half;

    ECDSA_SIG_free(pair);
    return ok ? out_len : 0;
}

typedef struct {
    const void *data;
    apr_size_t len;
} message_t;

/* As OpenSSL writes it; 0: it failed. */
static apr_size_t sign_raw(unsigned char *out, apr_size_t room, EVP_PKEY *pkey,
                           const rp_alg_row_t *row, const message_t *message)
{
    /* Ed25519 hashes inside and takes no name. */
    const char *hash = row->family == RP_ALG_FAMILY_EDDSA ? NULL : rp_ossl_hash_name(row->hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL;
    size_t len = room;
    int ok = ctx && EVP_DigestSignInit_ex(ctx, &pkey_ctx, hash, NULL, NULL, pkey, NULL) == 1 &&
             rp_jwk_set_padding(pkey_ctx, row->family) &&
             EVP_DigestSign(ctx, out, &len, message->data, message->len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? len : 0;
}

apr_status_t rp_private_key_sign(unsigned char signature[RP_SIGNATURE_MAX],
                                 apr_size_t *signature_len, const rp_private_key_t *key,
                                 rp_alg_t alg, const void *data, apr_size_t len)
{
    const message_t message = {data, len};
    unsigned char der[DER_MAX];

    *signature_len = 0;
    if ((unsigned)alg >= RP_ALG_COUNT || !(key->algs & (1u << alg))) {
        return APR_EINVAL;
    }
    ERR_set_mark();
    if (rp_alg_row(alg)->family == RP_ALG_FAMILY_ECDSA) {
        apr_size_t der_len = sign_raw(der, sizeof(der), key->pkey, rp_alg_row(alg), &message);

        *signature_len = der_len ? from_der(signature, key->half.signature_len, der, der_len) : 0;
    } else {
        *signature_len =
            sign_raw(signature, RP_SIGNATURE_MAX, key->pkey, rp_alg_row(alg), &message);
    }
    ERR_pop_to_mark();
    return *signature_len ? APR_SUCCESS : RP_FAILED;
}

/* --- reading --- */

static int is_jwk(const char *text, apr_size_t len)
{
    apr_size_t i = 0;

    while (i < len && apr_isspace(text[i])) {
        i++;
    }
    return i < len && text[i] == '{';
}

static EVP_PKEY *read_jwk(rp_private_key_options_t *own, const char *text, apr_size_t len,
                          apr_pool_t *pool, const char **why)
{
    json_t *object;
    const char *use;

    if (rp_json_parse(&object, text, len, RP_MAX_KEY_FILE, pool, why) != APR_SUCCESS) {
        *why = apr_pstrcat(pool, "is no JWK: ", *why, NULL);
        return NULL;
    }
    if (rp_json_string(&use, object, "use") == APR_EINVAL || (use && strcmp(use, "sig") != 0)) {
        *why = "has a JWK that is not for signatures (use)";
        return NULL;
    }
    if (rp_json_string(&own->kid, object, "kid") == APR_EINVAL ||
        rp_json_string(&own->alg, object, "alg") == APR_EINVAL) {
        *why = "has a JWK whose kid or alg is no text";
        return NULL;
    }
    return rp_private_pkey_jwk(object, pool, why);
}

static const char *copy(const char *text, apr_pool_t *pool)
{
    return text ? apr_pstrdup(pool, text) : NULL;
}

/* What is parsed on the way holds private members, and goes at once. */
static apr_status_t read_text(rp_private_key_t *key, rp_private_key_options_t *own,
                              const char *text, apr_size_t len, apr_pool_t *pool, const char **why)
{
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    key->pkey = is_jwk(text, len) ? read_jwk(own, text, len, scratch, why)
                                  : rp_private_pkey_pem(text, len, scratch, why);
    *why = copy(*why, pool);
    own->kid = copy(own->kid, pool);
    own->alg = copy(own->alg, pool);
    apr_pool_destroy(scratch);
    if (!key->pkey) {
        return APR_EINVAL;
    }
    apr_pool_cleanup_register(pool, key->pkey, release, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

static apr_status_t take_half(rp_private_key_t *key, json_t **members, apr_pool_t *pool,
                              const char **why)
{
    *members = rp_private_pkey_public(key->pkey, pool, why);
    if (!*members) {
        return APR_EINVAL;
    }
    if (rp_jwk_parse(&key->half, *members, pool) != APR_SUCCESS) {
        *why = "has a key with values out of range";
        return APR_EINVAL;
    }
    key->algs = key->half.algs;
    key->thumbprint = rp_jwk_thumbprint(&key->half, pool);
    return APR_SUCCESS;
}

static const char *names_of(rp_alg_set_t algs, apr_pool_t *pool)
{
    const char *names = "";

    for (int i = 0; i < RP_ALG_COUNT; i++) {
        if (algs & (1u << i)) {
            names = apr_pstrcat(pool, names, *names ? ", " : "", rp_alg_name((rp_alg_t)i), NULL);
        }
    }
    return names;
}

/* RFC 7517 4.4: one key, one algorithm. */
static apr_status_t take_alg(rp_private_key_t *key, const char *name, apr_pool_t *pool,
                             const char **why)
{
    rp_alg_t alg;

    if (!name) {
        return APR_SUCCESS;
    }
    if (rp_alg_find(&alg, name) != APR_SUCCESS || !(key->algs & (1u << alg))) {
        *why = apr_psprintf(pool, "has a key that cannot sign with alg %.40s; it can with %s", name,
                            names_of(key->algs, pool));
        return APR_EINVAL;
    }
    key->algs = 1u << alg;
    return APR_SUCCESS;
}

/* It goes into headers of JWTs and into log lines. */
static apr_status_t take_kid(rp_private_key_t *key, const char *kid, apr_pool_t *pool,
                             const char **why)
{
    apr_size_t len = kid ? strlen(kid) : 0;

    key->kid = kid ? apr_pstrdup(pool, kid) : key->thumbprint;
    for (apr_size_t i = 0; i < len; i++) {
        if (!apr_isgraph(kid[i]) || (unsigned char)kid[i] > 126) {
            len = 0;
        }
    }
    if (kid && (len == 0 || len > RP_MAX_KID)) {
        *why = apr_psprintf(pool, "has a kid that is not 1 to %d printable characters", RP_MAX_KID);
        return APR_EINVAL;
    }
    return key->kid ? APR_SUCCESS : APR_EINVAL;
}

/* Two files may have been mixed up when a JWK was written; its signatures would all be wrong. */
static apr_status_t check_pair(const rp_private_key_t *key, const char **why)
{
    static const char message[] = "the two halves belong together";
    rp_alg_t alg = rp_private_key_alg(key, key->algs);
    unsigned char signature[RP_SIGNATURE_MAX];
    apr_size_t len;

    if (rp_private_key_sign(signature, &len, key, alg, message, sizeof(message)) != APR_SUCCESS ||
        rp_jwk_verify(&key->half, alg, message, sizeof(message), signature, len) != APR_SUCCESS) {
        *why = "has a private key that does not belong to its public half";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

static void publish(rp_private_key_t *key, json_t *members)
{
    for (int i = 0; i < RP_ALG_COUNT; i++) {
        if (key->algs == 1u << i) {
            json_object_set_new(members, "alg", json_string(rp_alg_name((rp_alg_t)i)));
        }
    }
    json_object_set_new(members, "kid", json_string(key->kid));
    json_object_set_new(members, "use", json_string("sig"));
    key->jwk = members;
}

apr_status_t rp_private_key_parse(rp_private_key_t **out, const char *text, apr_size_t len,
                                  const rp_private_key_options_t *options, apr_pool_t *pool,
                                  const char **why)
{
    rp_private_key_t *key = apr_pcalloc(pool, sizeof(*key));
    rp_private_key_options_t own = {NULL, NULL};
    json_t *members;

    *out = NULL;
    *why = NULL;
    if (read_text(key, &own, text, len, pool, why) != APR_SUCCESS ||
        take_half(key, &members, pool, why) != APR_SUCCESS ||
        take_alg(key, options->alg ? options->alg : own.alg, pool, why) != APR_SUCCESS ||
        take_kid(key, options->kid ? options->kid : own.kid, pool, why) != APR_SUCCESS ||
        check_pair(key, why) != APR_SUCCESS) {
        *why = *why ? *why : "has a key that cannot be used";
        return APR_EINVAL;
    }
    publish(key, members);
    *out = key;
    return APR_SUCCESS;
}

/* --- what it is --- */

const char *rp_private_key_kid(const rp_private_key_t *key)
{
    return key->kid;
}

const char *rp_private_key_thumbprint(const rp_private_key_t *key)
{
    return key->thumbprint;
}

rp_alg_set_t rp_private_key_algs(const rp_private_key_t *key)
{
    return key->algs;
}

rp_alg_t rp_private_key_alg(const rp_private_key_t *key, rp_alg_set_t accepted)
{
    int alg = 0;

    while (alg < RP_ALG_COUNT && !(key->algs & accepted & (1u << alg))) {
        alg++;
    }
    return (rp_alg_t)alg;
}

const json_t *rp_private_key_public(const rp_private_key_t *key)
{
    return key->jwk;
}
