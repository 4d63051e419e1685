/* What a logout sends along and gets back: the sealed state of RP-initiated logout, and the token
 * in the form of the confirmation page. */
#ifndef RP_LOGOUT_STATE_H
#define RP_LOGOUT_STATE_H

#include "../codec/rp_url.h"
#include "rp_request.h"

/* A state that carries the return URL (NULL: none), base64url in env->pool. */
apr_status_t rp_logout_state_make(const char **state, rp_env_t *env, const rp_site_t *site,
                                  const rp_return_url_t *url);

/* APR_SUCCESS with the return URL, checked again (*url is NULL when none was given); APR_NOTFOUND:
 * not a state of ours, or too old. RP_FAILED with RP_E_CRYPTO. */
apr_status_t rp_logout_state_open(rp_return_url_t **url, rp_env_t *env, const rp_site_t *site,
                                  const char *text);

/* A token that only a page made for this session can have, and its check: 1 or 0. */
apr_status_t rp_logout_token_make(const char **token, rp_env_t *env, const rp_site_t *site,
                                  const rp_session_t *session);
int rp_logout_token_valid(rp_env_t *env, const rp_site_t *site, const rp_session_t *session,
                          const char *text);

#endif
