#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_authorization.h"

#define MAX_ISS 2048
#define MAX_ERROR 256

/* *value is NULL when the parameter is absent or has no value, which RFC 6749 3.1 takes for the
 * same. */
static apr_status_t take(const char **value, rp_env_t *env, const rp_form_t *form, const char *name,
                         apr_size_t max)
{
    if (rp_form_get(value, form, name) == APR_EINVAL) {
        return rp_fail(env, RP_E_CALLBACK_PARAMETERS, "%s is there more than once", name);
    }
    if (*value && strlen(*value) > max) {
        return rp_fail(env, RP_E_CALLBACK_PARAMETERS, "%s of %" APR_SIZE_T_FMT " characters", name,
                       strlen(*value));
    }
    if (*value && !**value) {
        *value = NULL;
    }
    return APR_SUCCESS;
}

apr_status_t rp_authorization_response_read(rp_authorization_response_t *response, rp_env_t *env,
                                            const rp_form_t *form)
{
    const char *id_token; /* has no meaning here, but a repeated one is an attack on somebody */
    apr_status_t rv;

    memset(response, 0, sizeof(*response));
    if ((rv = take(&response->code, env, form, "code", RP_MAX_CODE)) != APR_SUCCESS ||
        (rv = take(&response->state, env, form, "state", RP_MAX_STATE)) != APR_SUCCESS ||
        (rv = take(&response->iss, env, form, "iss", MAX_ISS)) != APR_SUCCESS ||
        (rv = take(&response->error, env, form, "error", MAX_ERROR)) != APR_SUCCESS ||
        (rv = take(&id_token, env, form, "id_token", RP_MAX_JWT)) != APR_SUCCESS) {
        memset(response, 0, sizeof(*response));
    }
    return rv;
}

/* RFC 9207 2.4: simple string comparison. One provider encodes the value twice in form_post (P04);
 * the encoded text of the issuer is no other issuer's identifier. */
static int is_issuer(const char *iss, const rp_metadata_t *metadata, apr_pool_t *pool)
{
    return strcmp(iss, metadata->issuer) == 0 ||
           (metadata->provider->response_mode == RP_RESPONSE_FORM_POST &&
            strcmp(iss, rp_percent_encode(metadata->issuer, pool)) == 0);
}

static apr_status_t check_iss(rp_env_t *env, const rp_authorization_response_t *response,
                              const rp_metadata_t *metadata)
{
    if (!metadata->issuer) {
        return APR_SUCCESS; /* nothing is known that iss could be compared with */
    }
    if (!response->iss) {
        return metadata->iss_parameter_supported
                   ? rp_fail(env, RP_E_ISSUER_MISMATCH, "iss is missing, and the provider sends it")
                   : APR_SUCCESS;
    }
    if (!is_issuer(response->iss, metadata, env->pool)) {
        return rp_fail(env, RP_E_ISSUER_MISMATCH, "iss is not the issuer %s", metadata->issuer);
    }
    return APR_SUCCESS;
}

typedef struct {
    const char *code;
    rp_error_id_t id;
} error_row_t;

/* RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6, RFC 8707 2, RFC 9470 5. */
static const error_row_t errors[] = {
    {"access_denied", RP_E_PROVIDER_DENIED},
    {"login_required", RP_E_PROVIDER_INTERACTION},
    {"interaction_required", RP_E_PROVIDER_INTERACTION},
    {"account_selection_required", RP_E_PROVIDER_INTERACTION},
    {"consent_required", RP_E_PROVIDER_INTERACTION},
    {"unmet_authentication_requirements", RP_E_PROVIDER_ERROR},
    {"invalid_request", RP_E_PROVIDER_ERROR},
    {"unauthorized_client", RP_E_PROVIDER_ERROR},
    {"unsupported_response_type", RP_E_PROVIDER_ERROR},
    {"invalid_scope", RP_E_PROVIDER_ERROR},
    {"server_error", RP_E_PROVIDER_ERROR},
    {"temporarily_unavailable", RP_E_PROVIDER_ERROR},
    {"invalid_target", RP_E_PROVIDER_ERROR},
    {"invalid_request_uri", RP_E_PROVIDER_ERROR},
    {"invalid_request_object", RP_E_PROVIDER_ERROR},
    {"request_not_supported", RP_E_PROVIDER_ERROR},
    {"request_uri_not_supported", RP_E_PROVIDER_ERROR},
    {"registration_not_supported", RP_E_PROVIDER_ERROR},
};

static apr_status_t fail_with(rp_env_t *env, const char *error)
{
    for (apr_size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].code, error) == 0) {
            return rp_fail(env, errors[i].id, "the provider answered %s", errors[i].code);
        }
    }
    return rp_fail(env, RP_E_PROVIDER_ERROR,
                   "the provider answered an unknown error code of %" APR_SIZE_T_FMT " characters",
                   strlen(error));
}

apr_status_t rp_authorization_response_check(rp_env_t *env,
                                             const rp_authorization_response_t *response,
                                             const rp_metadata_t *metadata)
{
    apr_status_t rv = check_iss(env, response, metadata);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (response->error) {
        return fail_with(env, response->error);
    }
    if (!response->code) {
        return rp_fail(env, RP_E_CALLBACK_PARAMETERS, "neither code nor error");
    }
    return APR_SUCCESS;
}
