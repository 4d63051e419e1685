/* The JWT with which a client proves who it is (RFC 7523 2.2, with the audience of
 * draft-ietf-oauth-rfc7523bis). */
#ifndef RP_CLIENT_ASSERTION_H
#define RP_CLIENT_ASSERTION_H

#include "../jose/rp_jws_sign.h"
#include "rp_metadata.h"

/* A fresh assertion, in env->pool: never to be sent twice (its jti is remembered over there). alg
 * and the key or secret are the caller's. RP_FAILED with RP_E_RANDOM, RP_E_TOKEN_CLIENT (they do
 * not fit one another) or RP_E_CRYPTO. */
apr_status_t rp_client_assertion(const char **assertion, rp_env_t *env,
                                 const rp_metadata_t *metadata, const rp_jws_signer_t *signer);

#endif
