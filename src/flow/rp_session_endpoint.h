/* The endpoint `session`: what is known about the user, as JSON for the pages of the site. Never a
 * token, never another session's. */
#ifndef RP_SESSION_ENDPOINT_H
#define RP_SESSION_ENDPOINT_H

#include "rp_request.h"

/* 200 with user (when the place has one), provider, issuer, subject, claims, created, expires and
 * idle_expires (seconds since 1970); 401 without a session. */
void rp_session_endpoint(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
