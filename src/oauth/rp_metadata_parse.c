/* One metadata document: each check is a step that names the member it is about. */
#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_html.h"
#include "../codec/rp_json.h"
#include "../codec/rp_url.h"
#include "rp_client_auth.h"
#include "rp_metadata.h"

#define LOG_MAX 300

/* What the steps work on. */
typedef struct {
    rp_env_t *env;
    const json_t *document; /* NULL: there is none, the configuration says everything */
    rp_metadata_t *metadata;
    apr_pool_t *pool; /* of the result */
} work_t;

typedef apr_status_t step_fn(const work_t *work);

static apr_status_t wrong_type(const work_t *work, const char *member)
{
    return rp_fail(work->env, RP_E_METADATA_INVALID, "%s has the wrong type", member);
}

/* A list of strings; *values is NULL when the document has none. */
static apr_status_t get_list(apr_array_header_t **values, const work_t *work, const char *member)
{
    apr_status_t rv = APR_NOTFOUND;

    *values = NULL;
    if (work->document) {
        rv = rp_json_strings(values, work->document, member, 0, work->env->pool);
    }
    return rv == APR_EINVAL ? wrong_type(work, member) : APR_SUCCESS;
}

static int has(const apr_array_header_t *values, const char *wanted)
{
    for (int i = 0; i < values->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(values, i, const char *), wanted) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A list that, where it is, has to contain what is going to be used. */
static apr_status_t require_in_list(const work_t *work, const char *member, const char *wanted)
{
    apr_array_header_t *values;
    apr_status_t rv = get_list(&values, work, member);

    if (rv == APR_SUCCESS && values && !has(values, wanted)) {
        return rp_fail(work->env, RP_E_METADATA_UNSUPPORTED, "%s does not contain %s", member,
                       wanted);
    }
    return rv;
}

/* RFC 8414 3.3, Discovery 4.3: identical, code point by code point. */
static apr_status_t take_issuer(const work_t *work)
{
    const char *wanted = work->metadata->provider->issuer;
    const char *issuer;
    apr_status_t rv;

    work->metadata->issuer = wanted ? apr_pstrdup(work->pool, wanted) : NULL;
    if (!work->document) {
        return APR_SUCCESS;
    }
    rv = rp_json_string(&issuer, work->document, "issuer");
    if (rv == APR_EINVAL) {
        return wrong_type(work, "issuer");
    }
    if (rv != APR_SUCCESS) {
        return rp_fail(work->env, RP_E_METADATA_INVALID, "issuer is missing");
    }
    if (!wanted || strcmp(issuer, wanted) != 0) {
        return rp_fail(work->env, RP_E_METADATA_ISSUER, "the metadata's issuer is %s, not %s",
                       rp_log_escape(issuer, LOG_MAX, work->env->pool),
                       wanted ? wanted : "configured");
    }
    return APR_SUCCESS;
}

/* C52: https; plain http only where nobody is in between. */
static apr_status_t check_url(const work_t *work, const char *name, const char *text)
{
    rp_url_t url;

    if (rp_url_parse(&url, text, work->env->pool) != APR_SUCCESS) {
        return rp_fail(work->env, RP_E_METADATA_INVALID, "%s is not an absolute https URL", name);
    }
    if (strcmp(url.scheme, "https") != 0 && !rp_url_is_loopback(&url)) {
        return rp_fail(work->env, RP_E_METADATA_INVALID, "%s is not https", name);
    }
    return APR_SUCCESS;
}

static apr_status_t take_endpoint(const work_t *work, rp_endpoint_t endpoint)
{
    const char *member = rp_endpoint_member(endpoint);
    const char *text = work->metadata->provider->endpoints[endpoint];
    apr_status_t rv = APR_NOTFOUND;

    if (!text && work->document) {
        rv = rp_json_string(&text, work->document, member);
    }
    if (rv == APR_EINVAL) {
        return wrong_type(work, member);
    }
    if (!text) {
        return APR_SUCCESS;
    }
    work->metadata->endpoints[endpoint] = apr_pstrdup(work->pool, text);
    return check_url(work, member, text);
}

static apr_status_t require_endpoint(const work_t *work, rp_endpoint_t endpoint)
{
    if (work->metadata->endpoints[endpoint]) {
        return APR_SUCCESS;
    }
    return rp_fail(work->env, RP_E_METADATA_INVALID, "%s is missing; OAuthEndpoint %s can set it",
                   rp_endpoint_member(endpoint), rp_endpoint_name(endpoint));
}

static apr_status_t take_endpoints(const work_t *work)
{
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < RP_ENDPOINT_COUNT && rv == APR_SUCCESS; i++) {
        rv = take_endpoint(work, (rp_endpoint_t)i);
    }
    return rv == APR_SUCCESS ? require_endpoint(work, RP_ENDPOINT_TOKEN) : rv;
}

static apr_status_t check_identity(const work_t *work)
{
    return work->metadata->provider->profile == RP_PROFILE_OAUTH2
               ? require_endpoint(work, RP_ENDPOINT_USERINFO)
               : APR_SUCCESS;
}

static rp_alg_set_t algs_of(const apr_array_header_t *names)
{
    rp_alg_set_t algs = 0;
    rp_alg_t alg;

    for (int i = 0; i < names->nelts; i++) {
        if (rp_alg_find(&alg, APR_ARRAY_IDX(names, i, const char *)) == APR_SUCCESS) {
            algs |= 1u << alg;
        }
    }
    return algs;
}

static apr_status_t take_algs(const work_t *work)
{
    static const char member[] = "id_token_signing_alg_values_supported";
    rp_metadata_t *metadata = work->metadata;
    apr_array_header_t *names;
    apr_status_t rv = get_list(&names, work, member);

    metadata->id_token_algs = metadata->provider->signing_algs;
    if (!metadata->provider->client_secret.data) {
        metadata->id_token_algs &= ~RP_ALGS_SYMMETRIC;
    }
    if (rv != APR_SUCCESS || metadata->provider->profile != RP_PROFILE_OPENID) {
        return rv;
    }
    metadata->id_token_algs &= names ? algs_of(names) : ~0u;
    if (!metadata->id_token_algs) {
        return rp_fail(work->env, RP_E_METADATA_UNSUPPORTED,
                       "%s has no algorithm that OAuthSigningAlgs allows", member);
    }
    if (!(metadata->id_token_algs & RP_ALGS_ASYMMETRIC)) {
        return APR_SUCCESS;
    }
    return require_endpoint(work, RP_ENDPOINT_JWKS);
}

static apr_status_t take_client_auth(const work_t *work)
{
    static const char member[] = "token_endpoint_auth_methods_supported";
    static const char algs_member[] = "token_endpoint_auth_signing_alg_values_supported";
    const rp_provider_t *provider = work->metadata->provider;
    rp_client_auth_offer_t offer = {NULL, ~0u};
    apr_array_header_t *names;
    apr_status_t rv = get_list(&names, work, algs_member);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    offer.algs = names ? algs_of(names) : ~0u;
    work->metadata->client_auth_algs = offer.algs;
    rv = get_list(&names, work, member);
    offer.methods = names;
    if (rv == APR_SUCCESS &&
        rp_client_auth_choose(&work->metadata->client_auth, provider, &offer) != APR_SUCCESS) {
        return rp_fail(work->env, RP_E_METADATA_UNSUPPORTED,
                       "%s (or %s) has no method that is configured (OAuthClientAuth %s, %s "
                       "secret, %s key)",
                       member, algs_member, rp_client_auth_name(provider->client_auth),
                       provider->client_secret.data ? "with a" : "without a",
                       provider->client_keys ? "with a" : "without a");
    }
    return rv;
}

/* RFC 7636 4.2, C06: a list without S256 says that the code would not be protected; no list says
 * nothing. */
static apr_status_t check_pkce(const work_t *work)
{
    return require_in_list(work, "code_challenge_methods_supported", "S256");
}

static apr_status_t check_response(const work_t *work)
{
    const char *mode =
        work->metadata->provider->response_mode == RP_RESPONSE_FORM_POST ? "form_post" : "query";
    apr_status_t rv = require_in_list(work, "response_types_supported", "code");

    return rv != APR_SUCCESS ? rv : require_in_list(work, "response_modes_supported", mode);
}

/* A switch that is off when it is absent. */
static apr_status_t get_switch(int *value, const work_t *work, const char *member)
{
    apr_status_t rv = APR_NOTFOUND;

    *value = 0;
    if (work->document) {
        rv = rp_json_bool(value, work->document, member);
    }
    return rv == APR_EINVAL ? wrong_type(work, member) : APR_SUCCESS;
}

static apr_status_t take_iss_parameter(const work_t *work)
{
    return get_switch(&work->metadata->iss_parameter_supported, work,
                      "authorization_response_iss_parameter_supported");
}

/* C58: requests of another kind are demanded, so that each of ours would be refused. */
static apr_status_t check_demands(const work_t *work)
{
    static const char *const members[] = {"require_pushed_authorization_requests",
                                          "require_signed_request_object"};
    apr_status_t rv;
    int demanded;

    for (apr_size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        rv = get_switch(&demanded, work, members[i]);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (demanded) {
            return rp_fail(work->env, RP_E_METADATA_UNSUPPORTED, "the metadata says %s",
                           members[i]);
        }
    }
    return APR_SUCCESS;
}

static step_fn *const steps[] = {take_issuer, take_endpoints, take_client_auth};
static step_fn *const login_steps[] = {check_identity, take_algs,     check_pkce,
                                       check_response, check_demands, take_iss_parameter};

static apr_status_t take_steps(const work_t *work, step_fn *const *step, apr_size_t count)
{
    apr_status_t rv = APR_SUCCESS;

    for (apr_size_t i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = step[i](work);
    }
    return rv;
}

static apr_status_t build(rp_metadata_t **metadata, rp_env_t *env, const rp_provider_t *provider,
                          const json_t *document, apr_pool_t *pool)
{
    work_t work = {.env = env, .document = document, .pool = pool};
    apr_status_t rv;

    *metadata = NULL;
    work.metadata = apr_pcalloc(pool, sizeof(*work.metadata));
    work.metadata->provider = provider;
    rv = take_steps(&work, steps, sizeof(steps) / sizeof(steps[0]));
    /* RFC 8414 2: without it where no grant type uses it; such a provider signs nobody in. */
    if (rv == APR_SUCCESS && work.metadata->endpoints[RP_ENDPOINT_AUTHORIZATION]) {
        rv = take_steps(&work, login_steps, sizeof(login_steps) / sizeof(login_steps[0]));
    }
    if (rv == APR_SUCCESS) {
        *metadata = work.metadata;
    }
    return rv;
}

apr_status_t rp_metadata_parse_into(rp_metadata_t **metadata, rp_env_t *env,
                                    const rp_provider_t *provider, const char *text, apr_size_t len,
                                    apr_pool_t *pool)
{
    json_t *document;
    const char *why;

    *metadata = NULL;
    if (rp_json_parse(&document, text, len, RP_MAX_METADATA, env->pool, &why) != APR_SUCCESS) {
        return rp_fail(env, RP_E_METADATA_INVALID, "the metadata is no JSON object: %s", why);
    }
    return build(metadata, env, provider, document, pool);
}

apr_status_t rp_metadata_parse(rp_metadata_t **metadata, rp_env_t *env,
                               const rp_provider_t *provider, const char *text, apr_size_t len)
{
    return rp_metadata_parse_into(metadata, env, provider, text, len, env->pool);
}

apr_status_t rp_metadata_configured(rp_metadata_t **metadata, rp_env_t *env,
                                    const rp_provider_t *provider)
{
    return build(metadata, env, provider, NULL, env->pool);
}
