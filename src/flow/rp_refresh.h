/* Keeping a session's access token alive, and giving a backend its token.
 *
 * One refresh however many requests and processes (a lease in the store); requests do not wait
 * while the old token is valid (the refresh is deferred to another thread); a rotated refresh
 * token is written whatever else changed; only invalid_grant ends the session. */
#ifndef RP_REFRESH_H
#define RP_REFRESH_H

#include "rp_request.h"

/* Sets reply->backend_token as place->backend_token asks, refreshing when due. APR_SUCCESS;
 * APR_NOTFOUND: the session ended (sign in again); RP_FAILED with 19xx. May replace
 * reply->session by a newer reading of it. */
apr_status_t rp_refresh_backend_token(rp_reply_t *reply, rp_env_t *env,
                                      const rp_request_t *request);

#endif
