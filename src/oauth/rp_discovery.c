#include "rp_discovery.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_html.h"
#include "../codec/rp_url.h"

#define OPENID_SUFFIX "/.well-known/openid-configuration"
#define OAUTH_SUFFIX "/.well-known/oauth-authorization-server"
#define LOG_MAX 300

/* Appended to the issuer, or put before its path; a terminating slash goes in both (Discovery 4.1,
 * RFC 8414 3.1). */
static void derive(const char **openid, const char **oauth, const rp_url_t *issuer,
                   apr_pool_t *pool)
{
    apr_size_t len = strlen(issuer->path);
    const char *path;

    path = apr_pstrmemdup(pool, issuer->path, len && issuer->path[len - 1] == '/' ? len - 1 : len);
    *openid = apr_pstrcat(pool, issuer->origin, path, OPENID_SUFFIX, NULL);
    *oauth = apr_pstrcat(pool, issuer->origin, OAUTH_SUFFIX, path, NULL);
}

int rp_discovery_urls(const char *urls[RP_DISCOVERY_MAX_URLS], const rp_provider_t *provider,
                      apr_pool_t *pool)
{
    int first = provider->profile == RP_PROFILE_OAUTH2;
    rp_url_t issuer;

    if (provider->metadata) {
        urls[0] = provider->metadata;
        return 1;
    }
    if (!provider->issuer || rp_url_parse(&issuer, provider->issuer, pool) != APR_SUCCESS ||
        issuer.query) {
        return 0;
    }
    derive(&urls[first], &urls[!first], &issuer, pool);
    return RP_DISCOVERY_MAX_URLS;
}

int rp_discovery_is_json(const char *content_type)
{
    apr_size_t len = strlen(content_type);

    return strcmp(content_type, "application/json") == 0 ||
           (len > 5 && strcmp(content_type + len - 5, "+json") == 0);
}

static apr_status_t refuse_redirect(rp_env_t *env, const char *url,
                                    const rp_http_response_t *response)
{
    const char *target = response->location ? response->location : "nowhere";

    return rp_fail(env, RP_E_METADATA_REDIRECT, "%s redirects (status %d) to %s", url,
                   response->status, rp_log_escape(target, LOG_MAX, env->pool));
}

/* APR_SUCCESS, APR_NOTFOUND when the provider has nothing there, or RP_FAILED. */
static apr_status_t judge(rp_env_t *env, const char *url, const rp_http_response_t *response)
{
    int status = response->status;

    if (status >= 300 && status < 400) {
        return refuse_redirect(env, url, response);
    }
    if (status >= 400 && status < 500 && status != 429) {
        return APR_NOTFOUND;
    }
    if (status == 429 || status >= 500) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE, "%s answers with status %d", url, status);
    }
    if (status != 200) {
        return rp_fail(env, RP_E_METADATA_INVALID, "%s answers with status %d", url, status);
    }
    if (!rp_discovery_is_json(response->content_type)) {
        return rp_fail(env, RP_E_METADATA_INVALID, "%s answers with %s instead of JSON", url,
                       *response->content_type
                           ? rp_log_escape(response->content_type, LOG_MAX, env->pool)
                           : "no content type");
    }
    return APR_SUCCESS;
}

static apr_status_t ask(rp_http_response_t **response, rp_env_t *env, const rp_provider_t *provider,
                        const char *url)
{
    rp_http_request_t request = {
        .method = "GET", .url = url, .policy = &provider->http, .max_body = RP_MAX_METADATA};
    apr_status_t rv = rp_http_perform(response, env, &request);

    return rv != APR_SUCCESS ? rv : judge(env, url, *response);
}

apr_status_t rp_discovery_fetch(rp_document_text_t *text, rp_env_t *env,
                                const rp_provider_t *provider)
{
    const char *urls[RP_DISCOVERY_MAX_URLS] = {NULL};
    int count = rp_discovery_urls(urls, provider, env->pool);
    rp_http_response_t *response;
    apr_status_t rv;

    if (count == 0) {
        return rp_fail(env, RP_E_METADATA_INVALID,
                       "no metadata address follows from the issuer %s: it has to be a URL without "
                       "query and fragment",
                       provider->issuer ? provider->issuer : "(none)");
    }
    rv = ask(&response, env, provider, urls[0]);
    if (rv == APR_NOTFOUND && count > 1) {
        rv = ask(&response, env, provider, urls[1]);
    }
    if (rv == APR_NOTFOUND) {
        return rp_fail(env, RP_E_METADATA_INVALID, "%s%s%s: status %d", urls[0],
                       count > 1 ? " and " : "", count > 1 ? urls[1] : "", response->status);
    }
    if (rv == APR_SUCCESS) {
        text->data = response->body;
        text->len = response->body_len;
        text->max_age = response->max_age;
    }
    return rv;
}
