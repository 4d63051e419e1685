/* Programs that bring an access token in the Authorization header (RFC 6750), in places with
 * OAuthAccept bearer.
 *
 * Key idea: what a token says becomes a session's record, filled as a login fills one, so that
 * everything behind (REMOTE_USER, headers, claims, Require) does not know the difference. It is no
 * session: it has no id, nothing stores it as one, touches or refreshes it, and its end is the
 * token's.
 *
 *     rv = rp_bearer_read(&token, env, request);            APR_NOTFOUND: none came
 *     rv = rp_bearer_session(&session, env, request, token);
 *     ... RP_FAILED: reply->challenge = rp_bearer_challenge(env) ...
 *
 * Who judges: of the place's providers the one whose issuer the JWT names, with its keys; a token
 * that is no JWT, or names none of them, goes to the first provider of the place that offers
 * introspection, and to no other: a token is shown to one provider, which may not be its own, only
 * where the administrator lets it. */
#ifndef RP_BEARER_H
#define RP_BEARER_H

#include "rp_request.h"

/* What stands behind the scheme, not looked at yet; points into the header. Only the scheme Bearer
 * is ours, in any letter case (RFC 9110 11.1). APR_NOTFOUND: no such header; RP_FAILED with
 * RP_E_BEARER_REQUEST: one behind a credential of another kind. */
apr_status_t rp_bearer_read(const char **token, rp_env_t *env, const rp_request_t *request);

/* Who brings the token. RP_FAILED with RP_E_BEARER_REQUEST (it is malformed, or there are two),
 * RP_E_BEARER_TOKEN (refused), RP_E_BEARER_UNAVAILABLE (it cannot be checked now),
 * RP_E_PROVIDER_NONE, or what makes the provider's answers unusable (11xx, RP_E_INTROSPECTION,
 * RP_E_TOKEN_CLIENT). */
apr_status_t rp_bearer_session(rp_session_t **session, rp_env_t *env, const rp_request_t *request,
                               const char *token);

/* The auth-params of the challenge for the failure in env->error (RFC 6750 3), fixed text: nothing
 * of the request is repeated. NULL when it is not about the credentials. */
const char *rp_bearer_challenge(const rp_env_t *env);

/* The same for a token without a scope that is needed: scopes separated by spaces; in pool. */
const char *rp_bearer_challenge_scope(const char *scope, apr_pool_t *pool);

#endif
