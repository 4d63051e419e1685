#include "rp_client_post.h"

#include "../base/rp_limits.h"
#include "rp_client_auth.h"

apr_status_t rp_client_post(rp_http_response_t **answer, rp_env_t *env,
                            const rp_metadata_t *metadata, rp_endpoint_t endpoint,
                            const char *accept, rp_buf_t *form)
{
    apr_table_t *headers = apr_table_make(env->pool, 1);
    rp_http_request_t request = {.method = "POST",
                                 .url = metadata->endpoints[endpoint],
                                 .headers = headers,
                                 .accept = accept,
                                 .policy = &metadata->provider->http,
                                 .max_body = RP_MAX_TOKEN_RESPONSE};
    apr_status_t rv = rp_client_auth_apply(env, metadata, headers, form);

    *answer = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rp_buf_status(form) != APR_SUCCESS) {
        rp_fail(env, RP_E_INTERNAL, "a request to the %s endpoint is too long",
                rp_endpoint_name(endpoint));
        return RP_FAILED;
    }
    request.body = rp_buf_text(form);
    request.body_len = form->len;
    return rp_http_perform(answer, env, &request);
}
