/* Gives the tokens of an ended session back to the provider (RFC 7009), off the request where that
 * is possible. */
#ifndef RP_REVOKE_H
#define RP_REVOKE_H

#include "rp_request.h"

/* Revokes the refresh token and the access token that the session had. APR_SUCCESS also when the
 * work was deferred or the provider offers no revocation; RP_FAILED with RP_E_REVOCATION or a 11xx,
 * which is for the log only: the session has ended all the same. */
apr_status_t rp_revoke(rp_env_t *env, const rp_provider_t *provider, const rp_session_t *session);

#endif
