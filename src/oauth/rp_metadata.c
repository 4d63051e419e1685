#include "rp_metadata.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../io/rp_file.h"
#include "rp_discovery.h"
#include "rp_document.h"

#define FILE_PREFIX "file:"

static int is_file(const rp_provider_t *provider)
{
    return provider->metadata &&
           strncmp(provider->metadata, FILE_PREFIX, sizeof(FILE_PREFIX) - 1) == 0;
}

static apr_status_t read_file(rp_document_text_t *text, rp_env_t *env, const char *path)
{
    char *data;
    apr_status_t rv = rp_file_read(&data, &text->len, path, RP_MAX_METADATA, env->pool);
    char words[120];

    if (rv != APR_SUCCESS) {
        return rp_fail(env, RP_E_METADATA_INVALID, "%s cannot be read: %s", path,
                       apr_strerror(rv, words, sizeof(words)));
    }
    text->data = data;
    /* The time after which a changed file is noticed. */
    text->max_age = RP_METADATA_MIN_SECONDS;
    return APR_SUCCESS;
}

static apr_status_t fetch(rp_document_text_t *text, rp_env_t *env, const rp_document_t *document)
{
    if (document->local) {
        return read_file(text, env, document->provider->metadata + sizeof(FILE_PREFIX) - 1);
    }
    return rp_discovery_fetch(text, env, document->provider);
}

static apr_status_t parse(const void **parsed, rp_env_t *env, const rp_document_t *document,
                          const rp_document_text_t *text, apr_pool_t *pool)
{
    rp_metadata_t *metadata;
    apr_status_t rv =
        rp_metadata_parse_into(&metadata, env, document->provider, text->data, text->len, pool);

    *parsed = metadata;
    return rv;
}

static rp_job_fn renew;

static const rp_document_type_t type = {.slot = RP_CACHED_METADATA,
                                        .what = "metadata",
                                        .stale = RP_METADATA_STALE_SECONDS,
                                        .fetch = fetch,
                                        .parse = parse,
                                        .renew = renew};

static rp_document_t document_of(const rp_provider_t *provider)
{
    rp_document_t document = {.type = &type,
                              .provider = provider,
                              .source = provider->metadata ? provider->metadata : "",
                              .local = is_file(provider)};

    return document;
}

static void renew(rp_env_t *env, const void *data)
{
    const rp_document_job_t *job = data;
    rp_document_t document = document_of(job->provider);

    rp_document_renew(env, &document);
}

apr_status_t rp_metadata_get(const rp_metadata_t **metadata, rp_env_t *env,
                             const rp_provider_t *provider)
{
    rp_document_t document = document_of(provider);
    rp_metadata_t *configured;
    const void *parsed;
    apr_status_t rv;

    if (provider->metadata && strcmp(provider->metadata, "none") == 0) {
        rv = rp_metadata_configured(&configured, env, provider);
        *metadata = configured;
        return rv;
    }
    rv = rp_document_get(&parsed, env, &document);
    *metadata = parsed;
    return rv;
}
