/* The session that a request brings, by its cookie. */
#ifndef RP_ACCESS_SESSION_H
#define RP_ACCESS_SESSION_H

#include "rp_request.h"

/* APR_SUCCESS; APR_NOTFOUND: none that is alive, or one of a provider or client that is no longer
 * configured; RP_FAILED with RP_E_STORE or RP_E_COOKIE_AMBIGUOUS. */
apr_status_t rp_access_session(rp_session_t **session, rp_env_t *env, const rp_request_t *request);

/* The provider that the session came from, when it still is the same provider and client; else
 * NULL. */
const rp_provider_t *rp_access_session_provider(const rp_site_t *site, const rp_session_t *session);

#endif
