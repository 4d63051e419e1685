/* Making a JSON Web Signature in compact form (RFC 7515), for what this server says itself.
 *
 * Key idea: each purpose has its own typ (RFC 8725 3.11), so that what was signed for one is of no
 * use for another; alg and kid come from the key.
 *
 *     rv = rp_jws_claims(&payload, env, issuer, subject, audience, 60);
 *     rp_jws_signer_t signer = {.alg = alg, .key = key, .typ = "client-authentication+jwt"};
 *     rv = rp_jws_sign(&token, &signer, payload, pool);                                        */
#ifndef RP_JWS_SIGN_H
#define RP_JWS_SIGN_H

#include "../base/rp_env.h"
#include "rp_private_key.h"

typedef struct {
    rp_alg_t alg;
    const rp_private_key_t *key; /* for asymmetric algorithms; its kid goes into the header */
    const unsigned char *secret; /* for HS*: at least as long as the hash (RFC 7518 3.2) */
    apr_size_t secret_len;
    const char *typ;
} rp_jws_signer_t;

/* The claims that say by whom, about whom, for whom, and until when a JWT is, and that there is no
 * second one like it (RFC 7519 4.1): iss, sub, aud as one text, iat, exp and a random jti. *claims
 * is an object in env->pool, to which others can be added. */
apr_status_t rp_jws_claims(json_t **claims, rp_env_t *env, const char *iss, const char *sub,
                           const char *aud, int seconds);

/* payload is an object. *token in pool. APR_EINVAL: key or secret do not fit alg; RP_FAILED:
 * OpenSSL failed. */
apr_status_t rp_jws_sign(const char **token, const rp_jws_signer_t *signer, const json_t *payload,
                         apr_pool_t *pool);

#endif
