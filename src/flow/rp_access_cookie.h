/* The session's cookies on their way from and to the browser.
 *
 * Key idea: a session takes one cookie, or several when the browser keeps it
 * (session/rp_session.h); the flows neither know nor care. */
#ifndef RP_ACCESS_COOKIE_H
#define RP_ACCESS_COOKIE_H

#include "rp_request.h"

/* Finds them. APR_NOTFOUND when there is none; RP_FAILED with RP_E_COOKIE_AMBIGUOUS. */
apr_status_t rp_access_cookies(rp_session_cookies_t *cookies, rp_env_t *env,
                               const rp_request_t *request);

/* Sets what the browser does not know yet, and deletes what is left of an earlier session. */
apr_status_t rp_access_cookies_send(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                                    rp_session_t *session);

/* The same for reply->session, if there is something to set. What the browser cannot be given costs
 * it a later login, not this request: it is noted in the reply. */
void rp_access_cookies_update(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* Deletes all that came (C208: as they were set). */
void rp_access_cookies_delete(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
