/* Starting a login. */
#ifndef RP_LOGIN_H
#define RP_LOGIN_H

#include "rp_login_state.h"

/* REDIRECT to the provider with the login cookie, or a failure. */
void rp_login_start(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                    const rp_login_t *login);

/* From a protected place, to come back to the request's own URL: one provider: straight to it;
 * several: the page of choices, whose links lead to the login endpoint. A POST that is preserved
 * (rp_preserve.h) is kept first when request->body is given. */
void rp_login_from_place(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* A copy of an endpoint's request with the settings of the place that the URL leads to, where they
 * are known: what a login that goes there is started with. */
rp_request_t rp_login_bound_for(const rp_request_t *request, const rp_return_url_t *url);

/* The endpoint `login`: return_to ("/" when absent), provider (a name; absent: the virtual host's
 * own choice), preserved (written by the page of choices only). */
void rp_login_endpoint(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* Takes the login cookie away. */
void rp_login_forget(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
