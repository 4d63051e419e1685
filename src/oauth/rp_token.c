#include "rp_token.h"

#include <apr_strings.h>

#include "../base/rp_limits.h"
#include "../codec/rp_form.h"
#include "rp_client_post.h"
#include "rp_token_response.h"

/* A code, a token, and whatever a redirect URI adds, percent-encoded. */
#define FORM_MAX (apr_size_t)(4 * RP_MAX_TOKEN)

apr_status_t rp_token_code(rp_token_response_t **response, rp_env_t *env,
                           const rp_metadata_t *metadata, const char *code,
                           const char *redirect_uri, const char *code_verifier)
{
    rp_http_response_t *answer;
    rp_buf_t form;
    apr_status_t rv;

    *response = NULL;
    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "authorization_code");
    rp_form_append(&form, "code", code);
    rp_form_append(&form, "redirect_uri", redirect_uri);
    rp_form_append(&form, "code_verifier", code_verifier);
    rv = rp_client_post(&answer, env, metadata, RP_ENDPOINT_TOKEN, &form);
    return rv != APR_SUCCESS ? rv : rp_token_response_read(response, env, answer, RP_E_TOKEN_GRANT);
}

apr_status_t rp_token_refresh(rp_token_response_t **response, rp_env_t *env,
                              const rp_metadata_t *metadata, const char *refresh_token)
{
    rp_http_response_t *answer;
    rp_buf_t form;
    apr_status_t rv;

    *response = NULL;
    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "refresh_token");
    rp_form_append(&form, "refresh_token", refresh_token);
    rv = rp_client_post(&answer, env, metadata, RP_ENDPOINT_TOKEN, &form);
    return rv != APR_SUCCESS ? rv
                             : rp_token_response_read(response, env, answer, RP_E_REFRESH_GRANT);
}

static void append_given(rp_buf_t *form, const char *name, const char *value)
{
    if (value) {
        rp_form_append(form, name, value);
    }
}

static void append_target(rp_buf_t *form, const rp_token_target_t *target)
{
    append_given(form, "scope", target->scope);
    append_given(form, "audience", target->audience);
    append_given(form, "resource", target->resource);
}

apr_status_t rp_token_client(rp_token_response_t **response, rp_env_t *env,
                             const rp_metadata_t *metadata, const rp_token_target_t *target)
{
    rp_http_response_t *answer;
    rp_buf_t form;
    apr_status_t rv;

    *response = NULL;
    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "client_credentials");
    append_target(&form, target);
    rv = rp_client_post(&answer, env, metadata, RP_ENDPOINT_TOKEN, &form);
    if (rv == APR_SUCCESS) {
        rv = rp_token_response_read(response, env, answer, RP_E_TOKEN_ERROR);
    }
    if (rv == APR_SUCCESS) {
        (*response)->refresh_token = NULL;
        (*response)->id_token = NULL;
    }
    return rv;
}

/* Whatever kept a token from being revoked has one name here: the session has ended all the same.
 */
static apr_status_t fail_revocation(rp_env_t *env, const rp_error_t *before)
{
    const rp_error_t cause = env->error;

    env->error = *before;
    return rp_fail(env, RP_E_REVOCATION, "OA-%d: %s", (int)cause.id,
                   cause.detail ? cause.detail : "");
}

apr_status_t rp_token_revoke(rp_env_t *env, const rp_metadata_t *metadata, const char *token,
                             const char *hint)
{
    const rp_error_t before = env->error;
    rp_http_response_t *answer;
    rp_buf_t form;

    if (!metadata->endpoints[RP_ENDPOINT_REVOCATION]) {
        return APR_NOTFOUND;
    }
    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "token", token);
    rp_form_append(&form, "token_type_hint", hint);
    if (rp_client_post(&answer, env, metadata, RP_ENDPOINT_REVOCATION, &form) != APR_SUCCESS) {
        return fail_revocation(env, &before);
    }
    if (answer->status < 200 || answer->status > 299) {
        return rp_fail(env, RP_E_REVOCATION, "%s", rp_token_response_problem(env, answer));
    }
    return APR_SUCCESS;
}
