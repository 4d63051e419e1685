#include "rp_authorization.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../jose/rp_crypto.h"

#define OPENID "openid"

/* What the protocol says itself, or will say for a feature of this module: an administrator's
 * parameter of that name would undo it. */
static const char *const protocol_parameters[] = {
    "response_type", "client_id",    "redirect_uri",   "scope",
    "state",         "nonce",        "code_challenge", "code_challenge_method",
    "response_mode", "resource",     "request",        "request_uri",
    "code_verifier", "code",         "client_secret",  "client_assertion",
    "grant_type",    "dpop_jkt",     "id_token_hint",  "client_assertion_type",
    "registration",  "access_token", "refresh_token",  "iss",
};

int rp_authorization_is_protocol_parameter(const char *name)
{
    apr_size_t count = sizeof(protocol_parameters) / sizeof(protocol_parameters[0]);

    for (apr_size_t i = 0; i < count; i++) {
        if (apr_cstr_casecmp(name, protocol_parameters[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_before(const apr_array_header_t *values, int end, const char *value)
{
    for (int i = 0; i < end; i++) {
        if (strcmp(APR_ARRAY_IDX(values, i, const char *), value) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The values, each once, joined by spaces; begins with openid for the profile of that name. "" when
 * there are none. */
static const char *scope_text(const rp_provider_t *provider, const apr_array_header_t *scope,
                              apr_pool_t *pool)
{
    int openid = provider->profile == RP_PROFILE_OPENID;
    const char *text = openid ? OPENID : "";

    if (!scope) {
        return openid ? OPENID " profile email" : "";
    }
    for (int i = 0; i < scope->nelts; i++) {
        const char *value = APR_ARRAY_IDX(scope, i, const char *);

        if ((openid && strcmp(value, OPENID) == 0) || is_before(scope, i, value)) {
            continue;
        }
        text = apr_pstrcat(pool, text, *text ? " " : "", value, NULL);
    }
    return text;
}

/* Extra parameters of the configuration. Those of the place win over the provider's. */
static void append_parameters(rp_buf_t *query, const apr_table_t *parameters,
                              const apr_table_t *winners)
{
    const apr_array_header_t *rows = parameters ? apr_table_elts(parameters) : NULL;

    for (int i = 0; rows && i < rows->nelts; i++) {
        const apr_table_entry_t *row = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        if (!rp_authorization_is_protocol_parameter(row->key) &&
            !(winners && apr_table_get(winners, row->key))) {
            rp_form_append(query, row->key, row->val);
        }
    }
}

static void append_resources(rp_buf_t *query, const apr_array_header_t *resource)
{
    for (int i = 0; resource && i < resource->nelts; i++) {
        rp_form_append(query, "resource", APR_ARRAY_IDX(resource, i, const char *));
    }
}

apr_status_t rp_authorization_url(const char **url, rp_env_t *env, const rp_metadata_t *metadata,
                                  const rp_authorization_request_t *request)
{
    const rp_provider_t *provider = metadata->provider;
    const char *challenge = rp_sha256_text(request->code_verifier, env->pool);
    const char *scope =
        scope_text(provider, request->scope ? request->scope : provider->scope, env->pool);
    rp_buf_t query;

    *url = NULL;
    if (!metadata->endpoints[RP_ENDPOINT_AUTHORIZATION]) {
        return rp_fail(env, RP_E_METADATA_INVALID,
                       "%s is missing, so nobody can sign in; OAuthEndpoint %s can set it",
                       rp_endpoint_member(RP_ENDPOINT_AUTHORIZATION),
                       rp_endpoint_name(RP_ENDPOINT_AUTHORIZATION));
    }
    if (!challenge) {
        return rp_fail(env, RP_E_CRYPTO, "hash of the code verifier");
    }
    rp_buf_init(&query, RP_MAX_QUERY, env->pool);
    rp_form_append(&query, "response_type", "code");
    rp_form_append(&query, "client_id", provider->client_id);
    rp_form_append(&query, "redirect_uri", request->redirect_uri);
    if (*scope) {
        rp_form_append(&query, "scope", scope);
    }
    rp_form_append(&query, "state", request->state);
    if (provider->profile == RP_PROFILE_OPENID) {
        rp_form_append(&query, "nonce", request->nonce);
    }
    rp_form_append(&query, "code_challenge", challenge);
    rp_form_append(&query, "code_challenge_method", "S256");
    if (provider->response_mode == RP_RESPONSE_FORM_POST) {
        rp_form_append(&query, "response_mode", "form_post");
    }
    append_resources(&query, request->resource ? request->resource : provider->resource);
    append_parameters(&query, provider->authorization_parameters, request->parameters);
    append_parameters(&query, request->parameters, NULL);
    if (rp_buf_status(&query) != APR_SUCCESS) {
        return rp_fail(env, RP_E_INTERNAL, "the authorization request is longer than %d",
                       RP_MAX_QUERY);
    }
    *url = rp_url_add_query(metadata->endpoints[RP_ENDPOINT_AUTHORIZATION], rp_buf_text(&query),
                            env->pool);
    return APR_SUCCESS;
}
