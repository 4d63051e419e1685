#include "rp_introspection.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_form.h"
#include "../codec/rp_html.h"
#include "../codec/rp_json.h"
#include "../jose/rp_jws.h"
#include "rp_client_post.h"
#include "rp_discovery.h"
#include "rp_signed.h"

/* A token and what a client authenticates with, percent-encoded. */
#define FORM_MAX (apr_size_t)(4 * RP_MAX_TOKEN)
#define LOG_MAX 100
#define JWT "application/token-introspection+jwt"

int rp_introspection_offered(const rp_metadata_t *metadata)
{
    return metadata->endpoints[RP_ENDPOINT_INTROSPECTION] &&
           metadata->client_auth != RP_CLIENT_AUTH_NONE;
}

/* 2.3: a token that is not known is no error there, so an error is about the question. */
static apr_status_t check_status(rp_env_t *env, const rp_http_response_t *answer)
{
    if (answer->status == 429 || answer->status >= 500) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE, "introspection is answered with status %d",
                       answer->status);
    }
    if (answer->status == 401 || answer->status == 403) {
        return rp_fail(env, RP_E_INTROSPECTION, "status %d: the client is refused", answer->status);
    }
    if (answer->status != 200) {
        return rp_fail(env, RP_E_INTROSPECTION, "status %d", answer->status);
    }
    return APR_SUCCESS;
}

/* RFC 9701 5: who signed it says for whom, and what it says about the token stands apart. */
static const char *find_fault(const rp_metadata_t *metadata, const json_t *payload,
                              apr_pool_t *pool)
{
    apr_array_header_t *aud;
    const char *iss;
    int is_ours = 0;

    if (rp_json_string(&iss, payload, "iss") != APR_SUCCESS || !metadata->issuer ||
        strcmp(iss, metadata->issuer) != 0) {
        return "iss is not the issuer";
    }
    if (rp_json_strings(&aud, payload, "aud", 1, pool) != APR_SUCCESS) {
        return "aud is missing, or is no list of texts";
    }
    for (int i = 0; i < aud->nelts; i++) {
        is_ours |= strcmp(APR_ARRAY_IDX(aud, i, const char *), metadata->provider->client_id) == 0;
    }
    if (!is_ours) {
        return "aud is not this client";
    }
    return json_is_object(json_object_get(payload, "token_introspection"))
               ? NULL
               : "token_introspection is no object";
}

static apr_status_t read_jwt(json_t **object, rp_env_t *env, const rp_metadata_t *metadata,
                             const rp_http_response_t *answer)
{
    static const char *const typ[] = {"token-introspection+jwt", NULL};
    rp_signed_t what = {.text = apr_pstrmemdup(env->pool, answer->body, answer->body_len),
                        .algs = metadata->provider->signing_algs & RP_ALGS_ASYMMETRIC,
                        .typ = typ,
                        .typ_required = 1};
    rp_jws_result_t result;
    const char *fault;
    rp_jws_t *jws;
    apr_status_t rv = rp_signed_verify(&jws, &result, env, metadata, &what);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    fault = result == RP_JWS_OK ? find_fault(metadata, jws->payload, env->pool)
                                : rp_jws_result_text(result);
    if (fault) {
        return rp_fail(env, RP_E_INTROSPECTION, "%s", fault);
    }
    *object = json_object_get(jws->payload, "token_introspection");
    return APR_SUCCESS;
}

static apr_status_t read_answer(json_t **object, rp_env_t *env, const rp_metadata_t *metadata,
                                const rp_http_response_t *answer)
{
    const char *why;
    apr_status_t rv = check_status(env, answer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (strcmp(answer->content_type, JWT) == 0) {
        return read_jwt(object, env, metadata, answer);
    }
    if (!rp_discovery_is_json(answer->content_type)) {
        return rp_fail(env, RP_E_INTROSPECTION, "%s is neither JSON nor JWT",
                       *answer->content_type
                           ? rp_log_escape(answer->content_type, LOG_MAX, env->pool)
                           : "an answer without content type");
    }
    if (rp_json_parse(object, answer->body, answer->body_len, RP_MAX_TOKEN_RESPONSE, env->pool,
                      &why) != APR_SUCCESS) {
        return rp_fail(env, RP_E_INTROSPECTION, "%s", why);
    }
    return APR_SUCCESS;
}

/* 2.2: a boolean, and nothing that some language takes for one. */
static apr_status_t check_active(rp_env_t *env, const json_t *object)
{
    int active;

    if (rp_json_bool(&active, object, "active") != APR_SUCCESS) {
        return rp_fail(env, RP_E_INTROSPECTION, "active is missing, or is no boolean");
    }
    return active ? APR_SUCCESS : rp_fail(env, RP_E_BEARER_TOKEN, "the token is not active");
}

apr_status_t rp_introspection_ask(rp_access_token_t **token, rp_env_t *env,
                                  const rp_metadata_t *metadata, const char *text,
                                  const apr_array_header_t *audience)
{
    rp_http_response_t *answer;
    json_t *object = NULL;
    rp_buf_t form;
    apr_status_t rv;

    *token = NULL;
    rp_buf_init(&form, FORM_MAX, env->pool);
    rp_form_append(&form, "token", text);
    rp_form_append(&form, "token_type_hint", "access_token");
    if ((rv = rp_client_post(&answer, env, metadata, RP_ENDPOINT_INTROSPECTION,
                             "application/json, " JWT ";q=0.9", &form)) != APR_SUCCESS ||
        (rv = read_answer(&object, env, metadata, answer)) != APR_SUCCESS ||
        (rv = check_active(env, object)) != APR_SUCCESS) {
        return rv;
    }
    return rp_access_token_introspected(token, env, metadata, object, audience);
}
