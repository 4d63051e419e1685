/* The refresh grant of a session (RFC 6749 6), by whoever holds its lease (session/rp_session.h).
 *
 * Key idea: a refresh token is used by one holder at a time and never twice, what replaces it is
 * written whatever else changed, and only invalid_grant ends the session. A refresh may be for the
 * session's own access token, or for one more that is good for a part of the grant alone. */
#ifndef RP_REFRESH_GRANT_H
#define RP_REFRESH_GRANT_H

#include "../oauth/rp_token.h"
#include "rp_request.h"

/* A session, and what a refresh of it needs besides. A provider is configuration, which outlives
 * every job; a site may be the request's own (behind a trusted proxy). */
typedef struct {
    const rp_provider_t *provider;
    rp_session_realm_t realm;
    int revoke; /* 1: tokens of a session that ended meanwhile are revoked */
    rp_session_t *session;
} rp_refresh_t;

/* Of a session that this site has. RP_FAILED with RP_E_CONFIGURATION_CHANGED. */
apr_status_t rp_refresh_begin(rp_refresh_t *refresh, rp_env_t *env, const rp_site_t *site,
                              rp_session_t *session);

/* It as bytes in env->pool, for a job, and made again there: unpack reads what has changed of the
 * session since; data must stay. APR_NOTFOUND with refresh->session set when it ended. */
apr_status_t rp_refresh_pack(unsigned char **data, apr_size_t *len, rp_env_t *env,
                             const rp_refresh_t *refresh);
apr_status_t rp_refresh_unpack(rp_refresh_t *refresh, rp_env_t *env, const void *data,
                               apr_size_t len);

/* Both for the holder of the lease, who has read the session since; both give the lease back.
 * APR_SUCCESS with what is new in refresh->session; APR_NOTFOUND: the session has ended, env->error
 * then says why if the provider ended it; RP_FAILED. */

/* The session's own access token. */
apr_status_t rp_refresh_own(rp_env_t *env, rp_refresh_t *refresh);

/* One for target, in *response; the session's own stays what it is. */
apr_status_t rp_refresh_part(rp_token_response_t **response, rp_env_t *env, rp_refresh_t *refresh,
                             const rp_token_target_t *target);

/* After the provider gave a token for the session's user: whether the session is still there, else
 * (APR_NOTFOUND) the token is given back. Reads the session again. */
apr_status_t rp_refresh_confirm(rp_env_t *env, rp_refresh_t *refresh, const rp_metadata_t *metadata,
                                const rp_token_response_t *response);

#endif
