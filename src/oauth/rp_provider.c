#include "rp_provider.h"

#include "rp_provider_cache.h"

typedef struct {
    const char *name;
    const char *member;
} endpoint_row_t;

static const endpoint_row_t rows[RP_ENDPOINT_COUNT] = {
    [RP_ENDPOINT_AUTHORIZATION] = {"authorization", "authorization_endpoint"},
    [RP_ENDPOINT_TOKEN] = {"token", "token_endpoint"},
    [RP_ENDPOINT_USERINFO] = {"userinfo", "userinfo_endpoint"},
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
    if (provider->cache) {
        return rp_provider_cache_host(provider->cache);
    }
    return provider->issuer ? provider->issuer : "";
}
