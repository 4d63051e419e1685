/* The endpoint jwks.json: what is needed to verify what this server signs. */
#ifndef RP_JWKS_ENDPOINT_H
#define RP_JWKS_ENDPOINT_H

#include "rp_request.h"

/* The public halves of the keys of all providers of the virtual host, each kid once (RFC 7517 5).
 * An empty set when there are none. For everybody, and to be kept for RP_JWKS_MAX_AGE_SECONDS. */
void rp_jwks_endpoint(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
