/* Tokens for one backend that the signed-in user's session brings: exchanged for the user's access
 * token (OAuthBackendToken exchange, RFC 8693), or got with the refresh token for a resource
 * (OAuthBackendToken user where a resource is named, RFC 8707 2.2).
 *
 * Key idea: a shared token (session/rp_shared_token.h) whose name takes the session's tag. It is
 * this session's alone, all processes share it, and without the live session nobody finds or opens
 * it. */
#ifndef RP_USER_TOKEN_H
#define RP_USER_TOKEN_H

#include "rp_request.h"

/* 1 when the place's token is one of these, and not one that the session has anyway: for `user`, a
 * place that names no resource, or the ones that the provider is always asked for, has the
 * session's own. */
int rp_user_token_applies(const rp_site_t *site, const rp_place_t *place,
                          const rp_session_t *session);

/* *token, in env->pool, for the place; session may be replaced by a newer reading of it.
 * APR_NOTFOUND: the session has ended (sign in again), env->error says why if the provider ended
 * it. RP_FAILED with RP_E_EXCHANGE_REFUSED (the provider does not want to), RP_E_EXCHANGE_FAILED
 * (its answer cannot be used), RP_E_EXCHANGE_UNAVAILABLE (it is down or silent),
 * RP_E_BACKEND_TOKEN (the session lacks what it takes), or this server's own (RP_E_STORE). */
apr_status_t rp_user_token(const char **token, rp_env_t *env, const rp_request_t *request,
                           rp_session_t *session);

/* After the backend refused used: another one. APR_NOTFOUND: there was a new one a moment ago, and
 * it is not the token's fault; or the session has ended. RP_FAILED as above; there is no token
 * then. */
apr_status_t rp_user_token_replace(const char **token, rp_env_t *env, const rp_request_t *request,
                                   rp_session_t *session, const char *used);

#endif
