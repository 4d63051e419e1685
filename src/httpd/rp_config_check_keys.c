/* What only shows when the keys of all providers are seen together. */
#include "rp_config_check.h"

#include <string.h>

#include "rp_directive.h"

/* A key and whose it is. */
typedef struct {
    server_rec *server;
    const rp_provider_t *provider;
    const rp_client_key_t *line;
} owned_t;

static void gather_provider(apr_array_header_t *all, server_rec *server,
                            const rp_provider_t *provider)
{
    const apr_array_header_t *keys = provider->client_keys;

    for (int i = 0; keys && i < keys->nelts; i++) {
        owned_t one = {server, provider, APR_ARRAY_IDX(keys, i, rp_client_key_t *)};

        if (one.line->key) {
            APR_ARRAY_PUSH(all, owned_t) = one;
        }
    }
}

static apr_array_header_t *gather(const rp_check_t *check)
{
    apr_array_header_t *all = apr_array_make(check->ptemp, 4, sizeof(owned_t));

    for (server_rec *server = check->main_server; server; server = server->next) {
        rp_provider_t *const *provider = rp_server_config(server)->site.providers;

        for (; provider && *provider; provider++) {
            gather_provider(all, server, *provider);
        }
    }
    return all;
}

static int is_same_key(const owned_t *a, const owned_t *b)
{
    return strcmp(rp_private_key_thumbprint(a->line->key),
                  rp_private_key_thumbprint(b->line->key)) == 0;
}

static int is_same_issuer(const rp_provider_t *a, const rp_provider_t *b)
{
    return a == b || (a->issuer && b->issuer && strcmp(a->issuer, b->issuer) == 0);
}

/* An endpoint is whatever the metadata says, and a hostile provider may name another's: with a key
 * that both know it could use there what was addressed to it here (audience injection). */
static void check_audience(rp_check_t *check, const owned_t *one, const owned_t *other)
{
    if (one->provider->client_audience == RP_AUDIENCE_TOKEN_ENDPOINT && one->provider->issuer &&
        !is_same_issuer(one->provider, other->provider) && is_same_key(one, other)) {
        check->server = one->server;
        rp_check_error(check, RP_E_CONFIG_CLIENT_KEY, NULL,
                       "OAuthClientKey: %s is used for %s with aud=token_endpoint, and for "
                       "another provider (%s) too; with this audience each needs a key of its own",
                       one->line->file, rp_provider_label(one->provider),
                       rp_provider_label(other->provider));
    }
}

/* Who verifies looks a key up by its kid. */
static void check_kid(rp_check_t *check, const owned_t *one, const owned_t *other)
{
    const char *kid = rp_private_key_kid(one->line->key);

    if (one->server == other->server && strcmp(kid, rp_private_key_kid(other->line->key)) == 0 &&
        !is_same_key(one, other)) {
        check->server = one->server;
        rp_check_error(check, RP_E_CONFIG_CLIENT_KEY, NULL,
                       "OAuthClientKey: %s and %s are different keys with the same kid %s",
                       one->line->file, other->line->file, kid);
    }
}

void rp_check_keys(rp_check_t *check)
{
    const apr_array_header_t *all = gather(check);

    for (int i = 0; i < all->nelts; i++) {
        const owned_t *one = &APR_ARRAY_IDX(all, i, owned_t);

        for (int k = 0; k < all->nelts; k++) {
            const owned_t *other = &APR_ARRAY_IDX(all, k, owned_t);

            check_audience(check, one, other);
        }
        for (int k = i + 1; k < all->nelts; k++) {
            check_kid(check, one, &APR_ARRAY_IDX(all, k, owned_t));
        }
    }
}
