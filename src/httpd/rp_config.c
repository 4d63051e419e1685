#include "rp_config.h"

#include <apr_strings.h>
#include <string.h>

#include "../flow/rp_export.h"
#include "rp_directive.h"

rp_provider_config_t *rp_config_provider_create(const char *name, apr_pool_t *pool)
{
    rp_provider_config_t *config = apr_pcalloc(pool, sizeof(*config));

    rp_directive_defaults(config, RP_TARGET_PROVIDER, pool);
    config->set = 0;
    config->provider.name = name;
    return config;
}

void *rp_config_server_create(apr_pool_t *pool, server_rec *server)
{
    rp_server_config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)server;
    rp_directive_defaults(config, RP_TARGET_SERVER, pool);
    config->unnamed = rp_config_provider_create("", pool);
    config->named = apr_array_make(pool, 2, sizeof(rp_provider_config_t *));
    config->uses = apr_array_make(pool, 2, sizeof(rp_mention_t));
    config->backends = apr_array_make(pool, 2, sizeof(rp_mention_t));
    config->bearers = apr_array_make(pool, 2, sizeof(rp_mention_t));
    config->audiences = apr_array_make(pool, 2, sizeof(rp_mention_t));
    config->protected = apr_array_make(pool, 2, sizeof(rp_mention_t));
    config->header_names = apr_array_make(pool, 2, sizeof(const char *));
    config->claims = apr_array_make(pool, 2, sizeof(const char *));
    return config;
}

static void merge_given(rp_where_t *given, const rp_where_t *more)
{
    for (int i = 0; i < RP_D_COUNT; i++) {
        if (more[i].file) {
            given[i] = more[i];
        }
    }
}

static rp_provider_config_t *merge_provider(rp_provider_config_t *base, rp_provider_config_t *more,
                                            apr_pool_t *pool)
{
    rp_provider_config_t *merged;

    if (more->set == 0) {
        return base;
    }
    merged = apr_pmemdup(pool, base, sizeof(*base));
    rp_directive_merge(merged, base, more, RP_TARGET_PROVIDER, pool);
    merged->where = more->where;
    merge_given(merged->given, more->given);
    return merged;
}

/* A provider of the virtual host lays itself over one of the main server that has its name. */
static apr_array_header_t *merge_named(const apr_array_header_t *base,
                                       const apr_array_header_t *more, apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_copy(pool, base);

    for (int i = 0; i < more->nelts; i++) {
        rp_provider_config_t *one = APR_ARRAY_IDX(more, i, rp_provider_config_t *);
        int at = 0;

        while (at < base->nelts &&
               strcmp(APR_ARRAY_IDX(base, at, rp_provider_config_t *)->provider.name,
                      one->provider.name) != 0) {
            at++;
        }
        if (at < base->nelts) {
            APR_ARRAY_IDX(all, at, rp_provider_config_t *) =
                merge_provider(APR_ARRAY_IDX(base, at, rp_provider_config_t *), one, pool);
        } else {
            APR_ARRAY_PUSH(all, rp_provider_config_t *) = one;
        }
    }
    return all;
}

void *rp_config_server_merge(apr_pool_t *pool, void *base_config, void *more_config)
{
    const rp_server_config_t *base = base_config;
    const rp_server_config_t *more = more_config;
    rp_server_config_t *merged = apr_pmemdup(pool, base, sizeof(*base));

    rp_directive_merge(merged, base, more, RP_TARGET_SERVER, pool);
    merged->unnamed = merge_provider(base->unnamed, more->unnamed, pool);
    merged->named = merge_named(base->named, more->named, pool);
    merged->uses = more->uses;
    merged->backends = more->backends;
    merged->bearers = more->bearers;
    merged->audiences = apr_array_append(pool, base->audiences, more->audiences);
    merged->protected = more->protected;
    merged->header_names = apr_array_append(pool, base->header_names, more->header_names);
    merged->claims = apr_array_append(pool, base->claims, more->claims);
    merged->longest = base->longest > more->longest ? base->longest : more->longest;
    merged->first = more->first.file ? more->first : base->first;
    merge_given(merged->given, more->given);
    return merged;
}

void *rp_config_dir_create(apr_pool_t *pool, char *path)
{
    rp_dir_config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)path;
    rp_directive_defaults(config, RP_TARGET_DIR, pool);
    config->set = 0;
    config->place.user_claim = config->user.claim;
    return config;
}

/* Runs for each section that applies to a request, so it does nothing where a section has nothing
 * of ours. */
void *rp_config_dir_merge(apr_pool_t *pool, void *base_config, void *more_config)
{
    rp_dir_config_t *base = base_config;
    rp_dir_config_t *more = more_config;
    rp_dir_config_t *merged;

    if (more->set == 0 && more->auth_type == RP_AUTH_TYPE_UNSET) {
        return base;
    }
    if (base->set == 0 && base->auth_type == RP_AUTH_TYPE_UNSET) {
        return more;
    }
    merged = apr_pmemdup(pool, base, sizeof(*base));
    rp_directive_merge(merged, base, more, RP_TARGET_DIR, pool);
    if (more->auth_type != RP_AUTH_TYPE_UNSET) {
        merged->auth_type = more->auth_type;
    }
    merged->local_headers = base->local_headers || more->local_headers;
    merged->place.user_claim = merged->user.claim;
    merged->place.scope = merged->scope;
    merged->place.resource = merged->resource;
    merged->place.authorization_parameters = merged->authorization_parameters;
    return merged;
}

static void complete_provider(rp_provider_config_t *config)
{
    rp_provider_t *provider = &config->provider;

    provider->client_auth = (rp_client_auth_t)config->client_auth.method;
    provider->client_audience = (rp_audience_t)config->client_auth.audience;
    provider->scope = config->scope;
    provider->resource = config->resource;
    provider->authorization_parameters = config->authorization_parameters;
    provider->http.ca_file = config->tls.ca;
    provider->http.proxy = config->tls.proxy;
    provider->http.tls_min = config->tls.min ? 13 : 12;
    provider->http.connect_timeout = config->timeout.connect;
    provider->http.total_timeout = config->timeout.total;
}

int rp_config_provider_given(const rp_provider_config_t *config)
{
    return (config->set &
            (RP_D_BIT(RP_D_ISSUER) | RP_D_BIT(RP_D_CLIENT_ID) | RP_D_BIT(RP_D_METADATA) |
             RP_D_BIT(RP_D_ENDPOINT) | RP_D_BIT(RP_D_CLIENT_SECRET))) != 0;
}

static rp_provider_t *const *list_providers(const rp_server_config_t *config, apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, config->named->nelts + 2, sizeof(rp_provider_t *));

    if (rp_config_provider_given(config->unnamed)) {
        complete_provider(config->unnamed);
        APR_ARRAY_PUSH(list, rp_provider_t *) = &config->unnamed->provider;
    }
    for (int i = 0; i < config->named->nelts; i++) {
        rp_provider_config_t *one = APR_ARRAY_IDX(config->named, i, rp_provider_config_t *);

        complete_provider(one);
        APR_ARRAY_PUSH(list, rp_provider_t *) = &one->provider;
    }
    APR_ARRAY_PUSH(list, rp_provider_t *) = NULL;
    return (rp_provider_t *const *)(void *)list->elts;
}

/* Every name that the module may set for a backend anywhere in the virtual host, and the claims
 * that are used to fill them. */
static void list_headers(rp_server_config_t *config, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_copy(pool, config->header_names);
    apr_array_header_t *claims = apr_array_copy(pool, config->claims);
    apr_size_t count;
    const rp_export_row_t *rows = rp_export_rows(&count);

    for (apr_size_t i = 0; i < count; i++) {
        APR_ARRAY_PUSH(names, const char *) = rows[i].header;
        if (rows[i].claim) {
            APR_ARRAY_PUSH(claims, const char *) = rows[i].claim;
        }
    }
    config->scrub = rp_header_set_make(names, pool);
    config->site.used_claims = claims;
}

const char *rp_config_cookie_name(const rp_server_config_t *config, int secure)
{
    if (config->cookie.name) {
        return config->cookie.name;
    }
    return secure ? "__Host-oauth" : "oauth";
}

/* Also where the store keeps the sessions: browsers may still have what they kept before. */
static const char *const *list_cookies(const rp_site_t *site, apr_pool_t *pool)
{
    const char **names = apr_pcalloc(pool, (RP_MAX_SESSION_COOKIES + 2) * sizeof(*names));

    names[0] = site->cookie_name;
    names[1] = site->login_cookie_name;
    for (int i = 1; i < RP_MAX_SESSION_COOKIES; i++) {
        names[1 + i] = apr_psprintf(pool, "%s.%d", site->cookie_name, i);
    }
    return names;
}

/* All cookies come in one header line, an eighth of which is left to the application. */
static rp_session_room_t make_room(const rp_site_t *site, apr_size_t header_limit, apr_pool_t *pool)
{
    rp_set_cookie_t empty = {.name = site->own_cookies[2],
                             .value = "",
                             .domain = site->cookie_domain,
                             .path = site->cookie_path,
                             .secure = site->secure,
                             .samesite = site->cookie_samesite,
                             .max_age = -1};
    const char *text = rp_cookie_format(&empty, pool);
    rp_session_room_t room = {
        /* Without a text the configuration check refuses the cookie anyway. */
        .part = RP_MAX_COOKIE - (text ? strlen(text) : 0),
        .overhead = strlen(empty.name) + strlen("=; "),
        .total = header_limit - header_limit / 8,
    };

    return room;
}

void rp_config_site_origin(rp_site_t *site, const rp_server_config_t *config, const char *base_url,
                           apr_pool_t *pool)
{
    const rp_cookie_options_t *cookie = &config->cookie;

    site->base_url = base_url;
    site->callback_url = apr_pstrcat(pool, base_url, config->path, "/callback", NULL);
    site->secure = strncmp(base_url, "https:", 6) == 0;
    site->cookie_name = rp_config_cookie_name(config, site->secure);
    site->login_cookie_name = apr_pstrcat(pool, site->cookie_name, "-login", NULL);
    site->own_cookies = list_cookies(site, pool);
    if (config->store_choice.row->in_cookies) {
        site->realm.room = make_room(site, config->header_limit, pool);
    }
    /* A cookie for a domain is there so that virtual hosts share their sessions. */
    site->realm.context =
        cookie->domain ? apr_pstrcat(pool, "domain ", cookie->domain, " ", site->cookie_name, NULL)
                       : base_url;
}

void rp_config_complete(server_rec *server, const char *base_url, apr_pool_t *pool)
{
    rp_server_config_t *config = rp_server_config(server);
    const rp_dir_config_t *defaults = rp_dir_config(server->lookup_defaults);
    rp_site_t *site = &config->site;

    config->header_limit = (apr_size_t)server->limit_req_fieldsize;
    site->providers = list_providers(config, pool);
    config->active = site->providers[0] != NULL;
    site->path = config->path;
    site->cookie_domain = config->cookie.domain;
    site->cookie_path = config->cookie.path ? config->cookie.path : "/";
    site->cookie_samesite = (rp_samesite_t)config->cookie.samesite;
    site->realm.longest =
        defaults->place.limits.max > config->longest ? defaults->place.limits.max : config->longest;
    site->return_to = config->return_to;
    site->logout_return = config->logout.destination;
    site->logout_revoke = config->logout.revoke;
    for (int i = 0; i < RP_TEMPLATES; i++) {
        site->templates[i] = config->templates[i].text;
    }
    if (base_url) {
        rp_config_site_origin(site, config, base_url, pool);
    }
    list_headers(config, pool);
}
