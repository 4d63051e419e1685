/* A form that the client sends to an endpoint where it has to authenticate: token, revocation,
 * introspection. */
#ifndef RP_CLIENT_POST_H
#define RP_CLIENT_POST_H

#include "../base/rp_buf.h"
#include "../io/rp_http.h"
#include "rp_metadata.h"

/* Sends form, with the client's authentication added to it, to an endpoint that the metadata has.
 * accept is the answer's media type; NULL: JSON.
 * RP_FAILED with 11xx, RP_E_TOKEN_CLIENT (the client cannot authenticate as it has to), or
 * RP_E_INTERNAL for a form that has passed its cap. */
apr_status_t rp_client_post(rp_http_response_t **answer, rp_env_t *env,
                            const rp_metadata_t *metadata, rp_endpoint_t endpoint,
                            const char *accept, rp_buf_t *form);

#endif
