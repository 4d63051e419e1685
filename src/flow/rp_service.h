/* The server's own token for a backend (OAuthBackendToken service): the client credentials flow
 * (RFC 6749 4.4). No user has a part in it, and it never becomes anybody's identity. */
#ifndef RP_SERVICE_H
#define RP_SERVICE_H

#include "rp_request.h"

/* The token that place->backend asks for, in env->pool. Equal places of equal providers share one;
 * see session/rp_shared_token.h for how it is kept. RP_FAILED with RP_E_SERVICE_UNAVAILABLE (the
 * provider is down or silent), RP_E_SERVICE_TOKEN (it refuses, or its answer cannot be used), or
 * what this server lacks (RP_E_STORE, RP_E_PROVIDER_NONE). */
apr_status_t rp_service_token(const char **token, rp_env_t *env, const rp_site_t *site,
                              const rp_place_t *place);

/* After the backend refused used: another one. APR_NOTFOUND: there was a new one a moment ago, and
 * it is not the token's fault. RP_FAILED as above; there is no token then. */
apr_status_t rp_service_replace(const char **token, rp_env_t *env, const rp_site_t *site,
                                const rp_place_t *place, const char *used);

#endif
