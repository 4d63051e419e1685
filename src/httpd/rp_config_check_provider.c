/* The check of one provider. */
#include "rp_config_check.h"

#include <apr_strings.h>
#include <string.h>

#include "../oauth/rp_credentials.h"
#include "rp_directive.h"

/* RFC 7518 3.2: a key as long as the hash, here the shortest one. */
#define MIN_HMAC_SECRET 32

static const char *name_of(const rp_provider_t *provider)
{
    return provider->name[0] ? provider->name : "the unnamed provider";
}

static int without_metadata(const rp_provider_t *provider)
{
    return provider->metadata && strcmp(provider->metadata, "none") == 0;
}

static void check_identity(rp_check_t *check, const rp_provider_config_t *config)
{
    const rp_provider_t *provider = &config->provider;

    if (!provider->client_id) {
        rp_check_error(check, RP_E_CONFIG_CLIENT_ID, &config->where,
                       "OAuthClientID is missing for %s", name_of(provider));
    }
    if (!provider->issuer &&
        !(provider->profile == RP_PROFILE_OAUTH2 && without_metadata(provider))) {
        rp_check_error(check, RP_E_CONFIG_NO_PROVIDER, &config->where,
                       "OAuthIssuer is missing for %s (only OAuthProfile oauth2 with OAuthMetadata "
                       "none can do without)",
                       name_of(provider));
    }
}

/* OpenID Connect Core 3.1.2.1. The flows would add it; that it is not there hints at a provider
 * that needs the other profile. */
static void check_scope(rp_check_t *check, const rp_provider_config_t *config)
{
    if (config->provider.profile != RP_PROFILE_OPENID || !config->scope) {
        return;
    }
    for (int i = 0; i < config->scope->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->scope, i, const char *), "openid") == 0) {
            return;
        }
    }
    rp_check_error(check, RP_E_CONFIG_VALUE, &config->given[RP_D_SCOPE],
                   "OAuthScope: openid is missing for %s; without OpenID Connect, set OAuthProfile "
                   "oauth2",
                   name_of(&config->provider));
}

static int has_logins(const rp_server_config_t *config)
{
    for (int i = 0; i < config->protected->nelts; i++) {
        const rp_mention_t *one = &APR_ARRAY_IDX(config->protected, i, rp_mention_t);

        if (one->dir->place.accept != RP_ACCEPT_BEARER) {
            return 1;
        }
    }
    return 0;
}

/* A virtual host where nobody signs in may have a provider for tokens alone. */
static void check_endpoints(rp_check_t *check, const rp_provider_config_t *config)
{
    const rp_provider_t *provider = &config->provider;
    int login = provider->endpoints[RP_ENDPOINT_AUTHORIZATION] ||
                has_logins(rp_server_config(check->server));
    int needed[RP_ENDPOINT_COUNT] = {0};

    if (!without_metadata(provider)) {
        return;
    }
    needed[RP_ENDPOINT_TOKEN] = 1;
    needed[RP_ENDPOINT_AUTHORIZATION] = login;
    needed[RP_ENDPOINT_USERINFO] =
        login && (provider->profile == RP_PROFILE_OAUTH2 || provider->userinfo == RP_USERINFO_ON);
    needed[RP_ENDPOINT_JWKS] = login && provider->profile == RP_PROFILE_OPENID &&
                               (provider->signing_algs & RP_ALGS_ASYMMETRIC) != 0;
    for (int i = 0; i < RP_ENDPOINT_COUNT; i++) {
        if (needed[i] && !provider->endpoints[i]) {
            rp_check_error(check, RP_E_CONFIG_ENDPOINTS, &config->where,
                           "OAuthEndpoint %s is missing for %s, which has no metadata",
                           rp_endpoint_name((rp_endpoint_t)i), name_of(provider));
        }
    }
}

static void read_keys(rp_check_t *check, const rp_provider_config_t *config)
{
    const apr_array_header_t *keys = config->provider.client_keys;
    const char *why;

    for (int i = 0; keys && i < keys->nelts; i++) {
        rp_client_key_t *line = APR_ARRAY_IDX(keys, i, rp_client_key_t *);

        line->user = rp_check_user();
        if (!line->key &&
            rp_credentials_read_key(&line->key, line, check->pool, &why) != APR_SUCCESS) {
            rp_check_error(check, RP_E_CONFIG_CLIENT_KEY, &config->given[RP_D_CLIENT_KEY],
                           "OAuthClientKey: %s", why ? why : line->file);
        }
    }
}

/* What OAuthClientAuth asks for, and is not there; NULL: nothing. */
static const char *missing_for(const rp_provider_config_t *config, apr_pool_t *pool)
{
    const rp_secret_t *secret = &config->provider.client_secret;

    switch ((rp_client_auth_t)config->client_auth.method) {
    case RP_CLIENT_AUTH_PRIVATE_KEY_JWT:
        return config->provider.client_keys ? NULL
                                            : "private_key_jwt needs OAuthClientKey, which is "
                                              "missing";
    case RP_CLIENT_AUTH_SECRET_JWT:
        return secret->len >= MIN_HMAC_SECRET
                   ? NULL
                   : apr_psprintf(pool,
                                  "client_secret_jwt needs an OAuthClientSecret of at least %d "
                                  "bytes, and there are %" APR_SIZE_T_FMT,
                                  MIN_HMAC_SECRET, secret->len);
    case RP_CLIENT_AUTH_BASIC:
    case RP_CLIENT_AUTH_POST:
        return secret->data ? NULL : "the method needs OAuthClientSecret, which is missing";
    default:
        return NULL;
    }
}

static void check_client(rp_check_t *check, rp_provider_config_t *config)
{
    rp_provider_t *provider = &config->provider;
    rp_secret_t *secret = &provider->client_secret;
    const char *missing;

    read_keys(check, config);
    provider->client_secret_user = rp_check_user();
    if (provider->client_secret_source && !secret->data &&
        !rp_check_secret(check, secret, provider->client_secret_source, "OAuthClientSecret",
                         &config->given[RP_D_CLIENT_SECRET])) {
        return;
    }
    missing = missing_for(config, check->ptemp);
    if (missing) {
        rp_check_error(check, RP_E_CONFIG_CLIENT_AUTH, &config->given[RP_D_CLIENT_AUTH],
                       "OAuthClientAuth: %s for %s", missing, name_of(provider));
    }
    if ((provider->signing_algs & RP_ALGS_SYMMETRIC) && secret->len < MIN_HMAC_SECRET) {
        rp_check_error(check, RP_E_CONFIG_VALUE, &config->given[RP_D_SIGNING_ALGS],
                       "OAuthSigningAlgs: an HS algorithm needs an OAuthClientSecret of at least "
                       "%d bytes, and that of %s has %" APR_SIZE_T_FMT,
                       MIN_HMAC_SECRET, name_of(provider), secret->len);
    }
}

void rp_check_provider(rp_check_t *check, rp_provider_config_t *config)
{
    /* Virtual hosts share what they inherit, and one message about it is enough. */
    if (config->checked) {
        return;
    }
    config->checked = 1;
    check_identity(check, config);
    check_scope(check, config);
    check_endpoints(check, config);
    check_client(check, config);
}
