#include "rp_service.h"

#include "../session/rp_shared_token.h"

/* In rp_token_wish_t.words. */
enum { KIND, SCOPE, AUDIENCE, RESOURCE };

static apr_status_t fetch(rp_token_response_t **response, rp_env_t *env,
                          const rp_token_wish_t *wish)
{
    rp_token_target_t target = {.scope = wish->words[SCOPE],
                                .audience = wish->words[AUDIENCE],
                                .resource = wish->words[RESOURCE]};
    const rp_metadata_t *metadata;
    apr_status_t rv = rp_metadata_get(&metadata, env, wish->provider);

    *response = NULL;
    return rv != APR_SUCCESS ? rv : rp_token_client(response, env, metadata, &target);
}

static const rp_token_kind_t service = {.fetch = fetch,
                                        .calls = 2,
                                        .failed = RP_E_SERVICE_TOKEN,
                                        .unavailable = RP_E_SERVICE_UNAVAILABLE};

/* The provider of the directive, else the one of the place. */
static const rp_provider_t *provider_of(const rp_site_t *site, const rp_place_t *place)
{
    const char *name = place->backend.provider;

    if (!name && place->use && place->use->nelts > 0) {
        name = APR_ARRAY_IDX(place->use, 0, const char *);
    }
    return rp_site_provider(site, name ? name : "");
}

static apr_status_t make_wish(rp_token_wish_t *wish, rp_env_t *env, const rp_site_t *site,
                              const rp_place_t *place)
{
    const rp_backend_token_t *backend = &place->backend;
    const rp_token_wish_t made = {.kind = &service,
                                  .provider = provider_of(site, place),
                                  .words = {[KIND] = "service",
                                            [SCOPE] = backend->scope,
                                            [AUDIENCE] = backend->audience,
                                            [RESOURCE] = backend->resource}};

    *wish = made;
    return wish->provider
               ? APR_SUCCESS
               : rp_fail(env, RP_E_PROVIDER_NONE, "OAuthBackendToken service has no provider");
}

apr_status_t rp_service_token(const char **token, rp_env_t *env, const rp_site_t *site,
                              const rp_place_t *place)
{
    rp_token_wish_t wish;
    apr_status_t rv = make_wish(&wish, env, site, place);

    *token = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return rp_shared_token_get(token, env, &wish);
}

apr_status_t rp_service_replace(const char **token, rp_env_t *env, const rp_site_t *site,
                                const rp_place_t *place, const char *used)
{
    rp_token_wish_t wish;
    apr_status_t rv = make_wish(&wish, env, site, place);

    *token = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return rp_shared_token_replace(token, env, &wish, used);
}
