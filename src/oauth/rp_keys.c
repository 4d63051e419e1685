#include "rp_keys.h"

#include <apr_strings.h>

#include "../base/rp_limits.h"
#include "../codec/rp_json.h"
#include "rp_document.h"

/* jwks_uri may be served with any content type (RFC 7517 8.5 registers one, and hardly anybody
 * uses it): the text itself says whether it is a key set. */
static apr_status_t fetch(rp_document_text_t *text, rp_env_t *env, const rp_document_t *document)
{
    rp_http_request_t request = {.method = "GET",
                                 .url = document->source,
                                 .accept = "application/json, application/jwk-set+json",
                                 .policy = &document->provider->http,
                                 .max_body = RP_MAX_JWKS};
    rp_http_response_t *response;
    apr_status_t rv = rp_http_perform(&response, env, &request);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (response->status == 429 || response->status >= 500) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE, "%s answers with status %d",
                       document->source, response->status);
    }
    if (response->status != 200) {
        return rp_fail(env, RP_E_KEYS_INVALID, "%s answers with status %d", document->source,
                       response->status);
    }
    text->data = response->body;
    text->len = response->body_len;
    text->max_age = response->max_age;
    return APR_SUCCESS;
}

static apr_status_t parse(const void **parsed, rp_env_t *env, const rp_document_t *document,
                          const rp_document_text_t *text, apr_pool_t *pool)
{
    rp_jwks_t *keys = NULL;
    json_t *object;
    const char *why;

    *parsed = NULL;
    if (rp_json_parse(&object, text->data, text->len, RP_MAX_JWKS, env->pool, &why) !=
            APR_SUCCESS ||
        rp_jwks_parse(&keys, object, pool, &why) != APR_SUCCESS) {
        return rp_fail(env, RP_E_KEYS_INVALID, "%s: %s", document->source, why);
    }
    rp_debug(env, "%s: %d keys, %d of no use here", document->source, rp_jwks_count(keys),
             rp_jwks_ignored(keys));
    *parsed = keys;
    return APR_SUCCESS;
}

static rp_job_fn renew;

static const rp_document_type_t type = {
    .slot = RP_CACHED_KEYS, .what = "keys", .fetch = fetch, .parse = parse, .renew = renew};

/* RP_FAILED when the provider has no key set. */
static apr_status_t document_of(rp_document_t *document, rp_env_t *env,
                                const rp_metadata_t *metadata)
{
    document->type = &type;
    document->provider = metadata->provider;
    document->source = metadata->endpoints[RP_ENDPOINT_JWKS];
    document->local = 0;
    return document->source ? APR_SUCCESS
                            : rp_fail(env, RP_E_KEYS_INVALID, "the provider has no jwks_uri");
}

static void renew(rp_env_t *env, const void *data)
{
    const rp_document_job_t *job = data;
    const rp_error_t before = env->error;
    const rp_metadata_t *metadata;
    rp_document_t document;

    if (rp_metadata_get(&metadata, env, job->provider) == APR_SUCCESS &&
        document_of(&document, env, metadata) == APR_SUCCESS) {
        rp_document_renew(env, &document);
    }
    env->error = before;
}

apr_status_t rp_keys_get(const rp_jwks_t **keys, rp_env_t *env, const rp_metadata_t *metadata)
{
    const void *parsed = NULL;
    rp_document_t document;
    apr_status_t rv = document_of(&document, env, metadata);

    if (rv == APR_SUCCESS) {
        rv = rp_document_get(&parsed, env, &document);
    }
    *keys = parsed;
    return rv;
}

apr_status_t rp_keys_refetch(const rp_jwks_t **keys, rp_env_t *env, const rp_metadata_t *metadata)
{
    const void *parsed = NULL;
    rp_document_t document;
    apr_status_t rv = document_of(&document, env, metadata);

    if (rv == APR_SUCCESS) {
        rv = rp_document_refetch(&parsed, env, &document);
    }
    *keys = parsed;
    return rv;
}
