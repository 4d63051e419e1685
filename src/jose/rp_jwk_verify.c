/* Signatures under a provider's key (RFC 7518 3.3 to 3.5, RFC 8037 3.1). */
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "rp_jwk_key.h"
#include "rp_ossl.h"

#define DER_MAX 144 /* an ECDSA signature of P-521: 2 * (66 + 1 + 2) + 3, rounded up */

typedef struct {
    const unsigned char *data;
    apr_size_t len;
} bytes_t;

/* RFC 8725 3.1: an all-zero signature is what a broken verifier lets through. */
static int is_all_zero(const bytes_t *signature)
{
    unsigned char any = 0;

    for (apr_size_t i = 0; i < signature->len; i++) {
        any |= signature->data[i];
    }
    return any == 0;
}

/* JWS has r and s side by side (RFC 7518 3.4), OpenSSL wants them in DER. Returns the length, 0
 * when that fails. Whether both are in [1, n-1] is checked by OpenSSL. */
static int to_der(unsigned char der[DER_MAX], const bytes_t *raw)
{
    const int half = (int)(raw->len / 2);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw->data, half, NULL);
    BIGNUM *s = BN_bin2bn(raw->data + half, half, NULL);
    unsigned char *end = der;
    int len = 0;

    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = NULL;
        s = NULL;
        len = i2d_ECDSA_SIG(pair, NULL);
        len = len > 0 && len <= DER_MAX ? i2d_ECDSA_SIG(pair, &end) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return len > 0 ? len : 0;
}

int rp_jwk_set_padding(EVP_PKEY_CTX *ctx, rp_alg_family_t family)
{
    switch (family) {
    case RP_ALG_FAMILY_RSA_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    case RP_ALG_FAMILY_RSA_PSS:
        /* MGF1 takes the hash of the signature when no other is set. */
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    default:
        return 1;
    }
}

static int verify(const rp_jwk_t *key, const rp_alg_row_t *row, const bytes_t *data,
                  const bytes_t *signature)
{
    /* Ed25519 hashes inside and takes no name. */
    const char *hash = row->family == RP_ALG_FAMILY_EDDSA ? NULL : rp_ossl_hash_name(row->hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL;
    int ok = ctx &&
             EVP_DigestVerifyInit_ex(ctx, &pkey_ctx, hash, NULL, NULL, key->pkey, NULL) == 1 &&
             rp_jwk_set_padding(pkey_ctx, row->family) &&
             EVP_DigestVerify(ctx, signature->data, signature->len, data->data, data->len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

apr_status_t rp_jwk_verify(const rp_jwk_t *key, rp_alg_t alg, const void *data, apr_size_t len,
                           const unsigned char *signature, apr_size_t signature_len)
{
    const bytes_t message = {data, len};
    bytes_t given = {signature, signature_len};
    unsigned char der[DER_MAX];
    int ok;

    if ((unsigned)alg >= RP_ALG_COUNT || !(key->algs & (1u << alg)) ||
        given.len != key->signature_len || is_all_zero(&given)) {
        return APR_EINVAL;
    }
    ERR_set_mark();
    if (rp_alg_row(alg)->family == RP_ALG_FAMILY_ECDSA) {
        given.len = (apr_size_t)to_der(der, &given);
        given.data = der;
    }
    ok = given.len && verify(key, rp_alg_row(alg), &message, &given);
    ERR_pop_to_mark();
    return ok ? APR_SUCCESS : APR_EINVAL;
}
