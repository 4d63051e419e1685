/* The token endpoint (RFC 6749 4.1.3, 5 and 6; RFC 8693) and revocation (RFC 7009). */
#ifndef RP_TOKEN_H
#define RP_TOKEN_H

#include "rp_metadata.h"
#include "rp_token_response.h"

/* Exchanges a code. code_verifier is sent once, here. RP_FAILED with 13xx or 11xx. */
apr_status_t rp_token_code(rp_token_response_t **response, rp_env_t *env,
                           const rp_metadata_t *metadata, const char *code,
                           const char *redirect_uri, const char *code_verifier);

/* What a token for a backend shall be good for; NULL: not sent. */
typedef struct {
    const char *scope;    /* separated by spaces */
    const char *audience; /* what many providers have in place of a resource */
    const char *resource; /* RFC 8707 2; several are separated by spaces, which no URI has */
} rp_token_target_t;

/* Refreshes. RP_FAILED with RP_E_REFRESH_GRANT only for invalid_grant; every other failure leaves
 * the refresh token good. target: a part of what was granted (RFC 6749 6, RFC 8707 2.2), for which
 * the provider may refuse a token with RP_E_EXCHANGE_REFUSED; NULL: all of it. */
apr_status_t rp_token_refresh(rp_token_response_t **response, rp_env_t *env,
                              const rp_metadata_t *metadata, const char *refresh_token,
                              const rp_token_target_t *target);

/* Token exchange (RFC 8693): an access token for target, for the user of this access token. What
 * else may come is not handed on. RP_FAILED with RP_E_EXCHANGE_REFUSED when the provider does not
 * want to, else with 13xx or 11xx. */
apr_status_t rp_token_exchange(rp_token_response_t **response, rp_env_t *env,
                               const rp_metadata_t *metadata, const char *access_token,
                               const rp_token_target_t *target);

/* The client credentials grant (RFC 6749 4.4). A refresh token or an ID Token that comes with it
 * is not handed on (4.4.3). RP_FAILED with 13xx or 11xx. */
apr_status_t rp_token_client(rp_token_response_t **response, rp_env_t *env,
                             const rp_metadata_t *metadata, const rp_token_target_t *target);

/* Revokes one token when the provider offers it. APR_NOTFOUND: it does not; RP_FAILED with
 * RP_E_REVOCATION. hint is "refresh_token" or "access_token". */
apr_status_t rp_token_revoke(rp_env_t *env, const rp_metadata_t *metadata, const char *token,
                             const char *hint);

#endif
