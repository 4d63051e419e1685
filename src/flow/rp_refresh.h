/* Keeping a session's access token alive.
 *
 * One refresh however many requests and processes (a lease in the store); requests do not wait
 * while the old token is valid (the refresh is deferred to another thread). All return APR_SUCCESS
 * with the tokens of refresh->session open, APR_NOTFOUND when the session has ended (sign in again;
 * env->error says why, if the provider ended it), RP_FAILED with 19xx or RP_E_STORE, and may
 * replace what is in refresh->session by a newer reading of it. */
#ifndef RP_REFRESH_H
#define RP_REFRESH_H

#include "rp_refresh_grant.h"

/* The session's access token, as it is or, when it has expired, refreshed. */
apr_status_t rp_refresh_keep(rp_env_t *env, rp_refresh_t *refresh);

/* The same for somebody who waits anyhow: what is due is refreshed first, where that is possible.
 */
apr_status_t rp_refresh_first(rp_env_t *env, rp_refresh_t *refresh);

/* Another access token than used, which a backend refused. APR_NOTFOUND also when there is none to
 * be had: no refresh token, or the last refresh was within RP_TOKEN_REFUSED_SECONDS. */
apr_status_t rp_refresh_replace(rp_env_t *env, rp_refresh_t *refresh, const char *used);

/* One more access token, for target (RFC 8707 2.2). RP_FAILED also with 11xx, 13xx,
 * RP_E_EXCHANGE_REFUSED, or RP_E_BACKEND_TOKEN when the session has no refresh token. */
apr_status_t rp_refresh_target(rp_token_response_t **response, rp_env_t *env, rp_refresh_t *refresh,
                               const rp_token_target_t *target);

#endif
