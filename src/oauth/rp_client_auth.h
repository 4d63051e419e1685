/* Client authentication, one row per method (RFC 6749 2.3.1, RFC 7523 2.2, OpenID Connect Core 9):
 * at the token endpoint, and the same wherever else the client says who it is. */
#ifndef RP_CLIENT_AUTH_H
#define RP_CLIENT_AUTH_H

#include "../base/rp_buf.h"
#include "rp_metadata.h"

/* The registered name ("client_secret_basic"). */
const char *rp_client_auth_name(rp_client_auth_t method);
apr_status_t rp_client_auth_find(rp_client_auth_t *method, const char *name);

/* What a provider says that it takes. */
typedef struct {
    const apr_array_header_t *methods; /* names; NULL: not said, then RFC 8414's default */
    rp_alg_set_t algs;                 /* for assertions; all of them when it is not said */
} rp_client_auth_offer_t;

/* The strongest method that the provider's configuration allows and the offer contains.
 * APR_NOTFOUND when there is none. */
apr_status_t rp_client_auth_choose(rp_client_auth_t *method, const rp_provider_t *provider,
                                   const rp_client_auth_offer_t *offer);

/* Adds what the method needs to the headers and to the form. Once for each attempt, because an
 * assertion is good for one. RP_FAILED with RP_E_TOKEN_CLIENT, RP_E_RANDOM or RP_E_CRYPTO. */
apr_status_t rp_client_auth_apply(rp_env_t *env, const rp_metadata_t *metadata,
                                  apr_table_t *headers, rp_buf_t *form);

#endif
