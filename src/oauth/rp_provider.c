#include "rp_provider.h"

#include <apr_strings.h>

#include "../codec/rp_url.h"
#include "rp_credentials.h"
#include "rp_provider_cache.h"

typedef struct {
    const char *name;
    const char *member;
} endpoint_row_t;

static const endpoint_row_t rows[RP_ENDPOINT_COUNT] = {
    [RP_ENDPOINT_AUTHORIZATION] = {"authorization", "authorization_endpoint"},
    [RP_ENDPOINT_TOKEN] = {"token", "token_endpoint"},
    [RP_ENDPOINT_USERINFO] = {"userinfo", "userinfo_endpoint"},
    [RP_ENDPOINT_INTROSPECTION] = {"introspection", "introspection_endpoint"},
    [RP_ENDPOINT_REVOCATION] = {"revocation", "revocation_endpoint"},
    [RP_ENDPOINT_END_SESSION] = {"end_session", "end_session_endpoint"},
    [RP_ENDPOINT_JWKS] = {"jwks", "jwks_uri"},
};

const char *rp_endpoint_name(rp_endpoint_t endpoint)
{
    return rows[endpoint].name;
}

const char *rp_endpoint_member(rp_endpoint_t endpoint)
{
    return rows[endpoint].member;
}

const char *rp_provider_label(const rp_provider_t *provider)
{
    if (provider->display_name && *provider->display_name) {
        return provider->display_name;
    }
    if (provider->name && *provider->name) {
        return provider->name;
    }
    if (provider->host) {
        return provider->host;
    }
    return provider->issuer ? provider->issuer : "";
}

/* A URL has no space, so that no other pair has the same text. */
static const char *make_context(const rp_provider_t *provider, apr_pool_t *pool)
{
    const char *whose =
        provider->issuer ? provider->issuer : provider->endpoints[RP_ENDPOINT_TOKEN];
    const char *client_id = provider->client_id;

    return apr_pstrcat(pool, whose ? whose : "", " ", client_id ? client_id : "", NULL);
}

static const char *find_host(const rp_provider_t *provider, apr_pool_t *pool)
{
    const char *url = provider->issuer;
    rp_url_t parts;

    if (!url) {
        url = provider->endpoints[RP_ENDPOINT_AUTHORIZATION];
    }
    return url && rp_url_parse(&parts, url, pool) == APR_SUCCESS ? parts.host : url;
}

apr_status_t rp_provider_cache_make(rp_provider_t *provider, apr_pool_t *pool)
{
    apr_status_t rv = rp_credentials_follow(provider, pool);

    provider->context = make_context(provider, pool);
    provider->host = find_host(provider, pool);
    return rv == APR_SUCCESS ? rp_provider_cache_create(&provider->cache, pool) : rv;
}
