/* Asking a provider about a token (RFC 7662). The answer is JSON, or, where the provider insists on
 * it, a JWT that it signed for this client (RFC 9701). */
#ifndef RP_INTROSPECTION_H
#define RP_INTROSPECTION_H

#include "rp_access_token.h"

/* 1 when the provider has the endpoint and this client can authenticate there, which it has to
 * (2.1: or anybody could try tokens). */
int rp_introspection_offered(const rp_metadata_t *metadata);

/* Asks, whether or not the token was asked about before. active has to be the boolean true; what
 * is believed of the rest is in rp_access_token.h. RP_FAILED with RP_E_BEARER_TOKEN (not active,
 * not for audience, not what it should be), RP_E_INTROSPECTION (an answer that cannot be used) or
 * 11xx. */
apr_status_t rp_introspection_ask(rp_access_token_t **token, rp_env_t *env,
                                  const rp_metadata_t *metadata, const char *text,
                                  const apr_array_header_t *audience);

#endif
