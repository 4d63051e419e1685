/* The endpoint `logout`: ends the session here, gives its tokens back, and goes on to the
 * provider's own logout where it has one (OpenID Connect RP-Initiated Logout 1.0). Also the page
 * that the provider sends the browser back to.
 *
 * Key idea: the session ends first, whatever the provider does then. A logout that another site
 * started, or that cannot be told from one, is asked about first. */
#ifndef RP_LOGOUT_H
#define RP_LOGOUT_H

#include "rp_request.h"

void rp_logout(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
