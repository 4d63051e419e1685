/* OAuthBackendToken assertion: a JWT about the user for one backend, signed by this server.
 *
 * Key idea: a backend that verifies it (jwks.json) need not trust the network between httpd and
 * itself, nor have anything to do with the provider. It says who the user is to whom it is
 * addressed, for a minute:
 *
 *     iss    the origin of the virtual host            sub    the user's at the provider
 *     idp    the provider's issuer, within which       aud    audience=, else iss: a backend of
 *            sub is unique                                    this site
 *     iat exp jti                                      and the claims of claims=, else those of the
 *                                                      standard headers, and name
 *
 * A claim is as the provider gave it; one that is not there, or is an unverified email, is left
 * out. */
#ifndef RP_ASSERTION_H
#define RP_ASSERTION_H

#include "rp_request.h"

/* The names of the claims that it has, separated by single spaces. */
const char *rp_assertion_claims(const rp_backend_token_t *backend);

/* 1 for a name that means something of its own above, so that no claim can have it. */
int rp_assertion_is_reserved(const char *claim);

/* *token in env->pool: made anew, or by this process less than RP_ASSERTION_KEPT_SECONDS ago.
 * RP_FAILED with RP_E_ASSERTION (no key of the session's provider), RP_E_EXPORT_LIMIT (too large
 * for a header), RP_E_RANDOM or RP_E_CRYPTO. */
apr_status_t rp_assertion(const char **token, rp_env_t *env, const rp_request_t *request,
                          const rp_session_t *session);

#endif
