#include "rp_token.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_form.h"
#include "rp_client_post.h"
#include "rp_token_response.h"

/* A code, a token, and whatever a redirect URI adds, percent-encoded. */
#define FORM_MAX (apr_size_t)(4 * RP_MAX_TOKEN)

/* RFC 8693 3 */
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define TYPE_JWT "urn:ietf:params:oauth:token-type:jwt"

/* Sends a form to the token endpoint and reads the answer. */
static apr_status_t ask(rp_token_response_t **response, rp_env_t *env,
                        const rp_metadata_t *metadata, rp_buf_t *form,
                        const rp_token_refusal_t *refusal)
{
    rp_http_response_t *answer;
    apr_status_t rv = rp_client_post(&answer, env, metadata, RP_ENDPOINT_TOKEN, NULL, form);

    *response = NULL;
    return rv != APR_SUCCESS ? rv : rp_token_response_read(response, env, answer, refusal);
}

static void append_given(rp_buf_t *form, const char *name, const char *value)
{
    if (value) {
        rp_form_append(form, name, value);
    }
}

static void append_target(rp_buf_t *form, const rp_token_target_t *target, apr_pool_t *pool)
{
    const char *resource = target->resource;

    append_given(form, "scope", target->scope);
    append_given(form, "audience", target->audience);
    while (resource && *resource) {
        apr_size_t len = strcspn(resource, " ");

        rp_form_append(form, "resource", apr_pstrmemdup(pool, resource, len));
        resource += len + (resource[len] == ' ');
    }
}

apr_status_t rp_token_code(rp_token_response_t **response, rp_env_t *env,
                           const rp_metadata_t *metadata, const char *code,
                           const char *redirect_uri, const char *code_verifier)
{
    const rp_token_refusal_t refusal = {RP_E_TOKEN_GRANT, RP_E_TOKEN_ERROR};
    rp_buf_t form;

    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "authorization_code");
    rp_form_append(&form, "code", code);
    rp_form_append(&form, "redirect_uri", redirect_uri);
    rp_form_append(&form, "code_verifier", code_verifier);
    return ask(response, env, metadata, &form, &refusal);
}

apr_status_t rp_token_refresh(rp_token_response_t **response, rp_env_t *env,
                              const rp_metadata_t *metadata, const char *refresh_token,
                              const rp_token_target_t *target)
{
    const rp_token_refusal_t refusal = {RP_E_REFRESH_GRANT,
                                        target ? RP_E_EXCHANGE_REFUSED : RP_E_TOKEN_ERROR};
    rp_buf_t form;

    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "refresh_token");
    rp_form_append(&form, "refresh_token", refresh_token);
    if (target) {
        append_target(&form, target, env->pool);
    }
    return ask(response, env, metadata, &form, &refusal);
}

apr_status_t rp_token_client(rp_token_response_t **response, rp_env_t *env,
                             const rp_metadata_t *metadata, const rp_token_target_t *target)
{
    const rp_token_refusal_t refusal = {RP_E_TOKEN_ERROR, RP_E_TOKEN_ERROR};
    rp_buf_t form;
    apr_status_t rv;

    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "client_credentials");
    append_target(&form, target, env->pool);
    rv = ask(response, env, metadata, &form, &refusal);
    if (rv == APR_SUCCESS) {
        (*response)->refresh_token = NULL;
        (*response)->id_token = NULL;
    }
    return rv;
}

/* 1 for a JWT in compact form: three or five parts, of which only those that can be empty are. */
static int is_jwt(const char *token, apr_pool_t *pool)
{
    unsigned char *data;
    apr_size_t len;
    int parts = 0;

    for (const char *part = token; part; parts++) {
        apr_size_t part_len = strcspn(part, ".");

        if (rp_base64url_decode(&data, &len, part, part_len, pool) != APR_SUCCESS ||
            (parts == 0 && (len == 0 || data[0] != '{'))) {
            return 0;
        }
        part = part[part_len] ? part + part_len + 1 : NULL;
    }
    return parts == 3 || parts == 5;
}

/* RFC 8693 2.2.1: what came has to be what was asked for. Some providers call an access token that
 * is a JWT by that form, which is as good; that it can be sent as Bearer, token_type says (N_A, a
 * token that is none to send, has been refused with every other). */
static apr_status_t check_issued(rp_env_t *env, const rp_token_response_t *response)
{
    const char *type = response->issued_token_type;

    if (!type) {
        return rp_fail(env, RP_E_TOKEN_RESPONSE, "issued_token_type is missing or no string");
    }
    if (strcmp(type, TYPE_ACCESS_TOKEN) == 0 ||
        (strcmp(type, TYPE_JWT) == 0 && is_jwt(response->access_token, env->pool))) {
        return APR_SUCCESS;
    }
    return rp_fail(env, RP_E_TOKEN_RESPONSE,
                   "issued_token_type of %" APR_SIZE_T_FMT " characters is not what was asked for",
                   strlen(type));
}

apr_status_t rp_token_exchange(rp_token_response_t **response, rp_env_t *env,
                               const rp_metadata_t *metadata, const char *access_token,
                               const rp_token_target_t *target)
{
    const rp_token_refusal_t refusal = {RP_E_EXCHANGE_REFUSED, RP_E_EXCHANGE_REFUSED};
    rp_buf_t form;
    apr_status_t rv;

    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    rp_form_append(&form, "subject_token", access_token);
    rp_form_append(&form, "subject_token_type", TYPE_ACCESS_TOKEN);
    rp_form_append(&form, "requested_token_type", TYPE_ACCESS_TOKEN);
    append_target(&form, target, env->pool);
    rv = ask(response, env, metadata, &form, &refusal);
    if (rv == APR_SUCCESS && (rv = check_issued(env, *response)) != APR_SUCCESS) {
        *response = NULL;
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
    if (rp_client_post(&answer, env, metadata, RP_ENDPOINT_REVOCATION, NULL, &form) !=
        APR_SUCCESS) {
        return fail_revocation(env, &before);
    }
    if (answer->status < 200 || answer->status > 299) {
        return rp_fail(env, RP_E_REVOCATION, "%s", rp_token_response_problem(env, answer));
    }
    return APR_SUCCESS;
}
