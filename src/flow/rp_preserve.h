/* A POST that survives the login (OAuthPreservePost on).
 *
 * Key idea: the form is sealed in the store under a random id while the user is at the provider.
 * At first only the browser that sent it can open it (the seal needs the login cookie); after the
 * login the callback hands it over to the new session, and the endpoint `resume` takes it out,
 * once, and shows a page with the form and a button. Nothing is sent without a click, and nobody
 * can make another browser send what he wrote. */
#ifndef RP_PRESERVE_H
#define RP_PRESERVE_H

#include "rp_request.h"

/* Characters of an id. */
#define RP_PRESERVE_ID_CHARS 22

/* By method and headers alone: 1 when a form POST from this very origin came to a place that
 * preserves it. The caller then reads the body (at most RP_MAX_FORM_BODY) and sends the browser to
 * the login, as for a navigation, instead of answering 401. */
int rp_preserve_applies(const rp_request_t *request);

/* Keeps request->body and its target for the browser with this login cookie. *id is in env->pool.
 * APR_NOTFOUND: it is not kept (does not apply, no body, too large, not a well-formed form);
 * RP_FAILED with RP_E_STORE. */
apr_status_t rp_preserve_keep(const char **id, rp_env_t *env, const rp_request_t *request,
                              const char *binding);

/* Hands it from the login cookie over to the session. APR_NOTFOUND: there is none, or it is not
 * this browser's. */
apr_status_t rp_preserve_adopt(rp_env_t *env, const rp_site_t *site, const char *id,
                               const char *binding, const rp_session_t *session);

/* The endpoint `resume` with the parameter `id`. */
void rp_preserve_resume(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
