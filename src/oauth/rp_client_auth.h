/* Client authentication, one row per method (RFC 6749 2.3.1, OpenID Connect Core 9). */
#ifndef RP_CLIENT_AUTH_H
#define RP_CLIENT_AUTH_H

#include "../base/rp_buf.h"
#include "rp_metadata.h"

/* The registered name ("client_secret_basic"). */
const char *rp_client_auth_name(rp_client_auth_t method);
apr_status_t rp_client_auth_find(rp_client_auth_t *method, const char *name);

/* The strongest method that the provider's configuration allows and offered (names from the
 * metadata; NULL: not said, then RFC 8414's default) contains. APR_NOTFOUND when there is none. */
apr_status_t rp_client_auth_choose(rp_client_auth_t *method, const rp_provider_t *provider,
                                   const apr_array_header_t *offered);

/* Adds what the method needs to the headers and to the form. */
apr_status_t rp_client_auth_apply(rp_env_t *env, const rp_metadata_t *metadata,
                                  apr_table_t *headers, rp_buf_t *form);

#endif
