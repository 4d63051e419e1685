/* The inside of a public key, for the files that read, use or make one; see rp_jwk.h. */
#ifndef RP_JWK_KEY_H
#define RP_JWK_KEY_H

#include <openssl/evp.h>

#include "rp_jwk.h"

struct rp_jwk_t {
    const char *kid;          /* NULL: none */
    rp_alg_set_t algs;        /* what it may verify: never empty, one family of kty and crv */
    EVP_PKEY *pkey;           /* released with the pool of the set */
    apr_size_t signature_len; /* the one length that its signatures have */
    const char *canonical;    /* the JSON text that RFC 7638 3 hashes */
};

/* Makes a key from one member of "keys". APR_EINVAL when it cannot verify a signature here. */
apr_status_t rp_jwk_parse(rp_jwk_t *key, const json_t *object, apr_pool_t *pool);

/* Each makes OpenSSL's key from the members of its kty; NULL when they are out of range. All
 * numbers are big-endian octets. */
EVP_PKEY *rp_jwk_pkey_rsa(const unsigned char *n, apr_size_t n_len, const unsigned char *e,
                          apr_size_t e_len);
EVP_PKEY *rp_jwk_pkey_ec(const char *group, const unsigned char *x, const unsigned char *y,
                         apr_size_t len);
EVP_PKEY *rp_jwk_pkey_ed25519(const unsigned char x[32]);

/* What RSA needs to know of the family, to sign and to verify; 0 when OpenSSL refuses. */
int rp_jwk_set_padding(EVP_PKEY_CTX *ctx, rp_alg_family_t family);

#endif
