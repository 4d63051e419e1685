/* Making a JSON Web Signature in compact form (RFC 7515), for what this server says itself.
 *
 * Key idea: each purpose has its own typ (RFC 8725 3.11), so that what was signed for one is of no
 * use for another; alg and kid come from the key.
 *
 *     rp_jws_signer_t signer = {.alg = alg, .key = key, .typ = "client-authentication+jwt"};
 *     rv = rp_jws_sign(&token, &signer, payload, pool);                                        */
#ifndef RP_JWS_SIGN_H
#define RP_JWS_SIGN_H

#include "rp_private_key.h"

typedef struct {
    rp_alg_t alg;
    const rp_private_key_t *key; /* for asymmetric algorithms; its kid goes into the header */
    const unsigned char *secret; /* for HS*: at least as long as the hash (RFC 7518 3.2) */
    apr_size_t secret_len;
    const char *typ;
} rp_jws_signer_t;

/* payload is an object. *token in pool. APR_EINVAL: key or secret do not fit alg; RP_FAILED:
 * OpenSSL failed. */
apr_status_t rp_jws_sign(const char **token, const rp_jws_signer_t *signer, const json_t *payload,
                         apr_pool_t *pool);

#endif
