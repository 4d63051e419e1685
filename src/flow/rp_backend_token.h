/* The token that a backend gets (OAuthBackendToken), whatever kind it is of. */
#ifndef RP_BACKEND_TOKEN_H
#define RP_BACKEND_TOKEN_H

#include "rp_request.h"

/* 1 when the token is the user's and takes a session. */
int rp_backend_token_is_users(rp_backend_kind_t kind);

/* 1 when two places give their backends the same token for the same session. */
int rp_backend_token_is_same(const rp_place_t *one, const rp_place_t *other);

/* Sets reply->backend_token as place->backend asks: renewed when due, of reply->session where it is
 * the user's. Of the request, no more than site and place is needed. APR_SUCCESS (NULL for `none`);
 * APR_NOTFOUND: the session has ended, sign in again (env->error says why, if the provider ended
 * it); RP_FAILED with 19xx, RP_E_STORE or the like. May replace what is in reply->session by a
 * newer reading of it. */
apr_status_t rp_backend_token(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* After the backend refused used: another one in reply->backend_token. APR_NOTFOUND: the refusal
 * stands, for it is not the token's fault, or there is no other to be had; RP_FAILED as above.
 * Whatever comes of it, reply->set_cookies has what the browser does not know of the session. */
apr_status_t rp_backend_token_replace(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                                      const char *used);

#endif
