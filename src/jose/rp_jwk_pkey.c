/* From the members of a JWK to OpenSSL's key. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_jwk_key.h"

#define POINT_MAX (1 + 2 * 66) /* an uncompressed point of P-521 */

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* RFC 7518 6.3.1: no leading zero octet. An even modulus or exponent, or an exponent of 1, is no
 * RSA key, and the last would let anyone sign. */
static int rsa_in_range(const unsigned char *n, apr_size_t n_len, const unsigned char *e,
                        apr_size_t e_len)
{
    apr_size_t bits = n_len * 8;

    if (!n_len || !n[0] || !(n[n_len - 1] & 1) || n_len > RP_MAX_RSA_BITS / 8) {
        return 0;
    }
    for (unsigned char top = n[0]; !(top & 0x80); top = (unsigned char)(top << 1)) {
        bits--;
    }
    return bits >= RP_MIN_RSA_BITS && e_len && e_len <= 8 && e[0] && (e[e_len - 1] & 1) &&
           (e_len > 1 || e[0] > 1);
}

EVP_PKEY *rp_jwk_pkey_rsa(const unsigned char *n, apr_size_t n_len, const unsigned char *e,
                          apr_size_t e_len)
{
    OSSL_PARAM_BLD *build;
    OSSL_PARAM *params = NULL;
    BIGNUM *modulus;
    BIGNUM *exponent;
    EVP_PKEY *pkey = NULL;

    if (!rsa_in_range(n, n_len, e, e_len)) {
        return NULL;
    }
    ERR_set_mark();
    build = OSSL_PARAM_BLD_new();
    modulus = BN_bin2bn(n, (int)n_len, NULL);
    exponent = BN_bin2bn(e, (int)e_len, NULL);
    if (build && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
        pkey = from_params("RSA", params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    ERR_pop_to_mark();
    return pkey;
}

/* SP 800-56A 5.6.2.3: OpenSSL checks that the point is on the curve and of the right order. */
static int point_is_sound(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int sound = ctx && EVP_PKEY_public_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return sound;
}

EVP_PKEY *rp_jwk_pkey_ec(const char *group, const unsigned char *x, const unsigned char *y,
                         apr_size_t len)
{
    unsigned char point[POINT_MAX];
    char name[16];
    OSSL_PARAM params[3];
    EVP_PKEY *pkey;

    if (1 + 2 * len > sizeof(point) || strlen(group) >= sizeof(name)) {
        return NULL;
    }
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x, len);
    memcpy(point + 1 + len, y, len);
    memcpy(name, group, strlen(group) + 1);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len);
    params[2] = OSSL_PARAM_construct_end();
    ERR_set_mark();
    pkey = from_params("EC", params);
    if (pkey && !point_is_sound(pkey)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    ERR_pop_to_mark();
    return pkey;
}

EVP_PKEY *rp_jwk_pkey_ed25519(const unsigned char x[32])
{
    EVP_PKEY *pkey;

    ERR_set_mark();
    pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, 32);
    ERR_pop_to_mark();
    return pkey;
}
