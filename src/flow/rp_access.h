/* The hot path: may this request go on? A request with a live session costs a lookup and an open,
 * and nothing else. */
#ifndef RP_ACCESS_H
#define RP_ACCESS_H

#include "rp_request.h"

/* For a request to a protected place: PASS with session (and backend token), or PASS without one
 * where anonymous requests go through; otherwise a login (REDIRECT, or PAGE with the choice of
 * providers), CHALLENGE, or a failure. */
void rp_access(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* For a request that passed anonymously and was then refused by Require: as rp_access would answer
 * with OAuthUnauthenticated auto. */
void rp_access_refused(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* For one that is signed in but not allowed: FORBID with RP_E_FORBIDDEN, never a login. */
void rp_access_forbidden(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                         const char *user);

/* For a bearer token that lacks scopes (separated by spaces) which Require asks for. */
void rp_access_scope(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                     const char *scope);

#endif
