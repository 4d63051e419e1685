#include "rp_forwarded.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_url.h"
#include "rp_directive.h"

/* Hosts and schemes are short; what is longer is no origin. */
#define MAX_VALUE 300

static int is_trusted(const request_rec *r, const apr_array_header_t *proxies)
{
    for (int i = 0; i < proxies->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(proxies, i, apr_ipsubnet_t *),
                              r->connection->client_addr)) {
            return 1;
        }
    }
    return 0;
}

/* The last element of a list: that of the nearest proxy, which is the one that is trusted. */
static const char *last_element(const char *value)
{
    const char *comma = value ? strrchr(value, ',') : NULL;

    value = comma ? comma + 1 : value;
    while (value && (*value == ' ' || *value == '\t')) {
        value++;
    }
    return value && strlen(value) <= MAX_VALUE ? value : NULL;
}

static const char *header(const request_rec *r, const char *name)
{
    const char *value = last_element(apr_table_get(r->headers_in, name));

    return value && *value ? value : NULL;
}

/* RFC 7239 4: the value of a parameter of one element, without quotes. */
static const char *parameter(const char *element, const char *name, apr_pool_t *pool)
{
    char *last = NULL;
    char *pair = element ? apr_strtok(apr_pstrdup(pool, element), "; \t", &last) : NULL;
    apr_size_t len = strlen(name);

    for (; pair; pair = apr_strtok(NULL, "; \t", &last)) {
        char *value = pair + len + 1;
        apr_size_t value_len;

        if (strncasecmp(pair, name, len) != 0 || pair[len] != '=') {
            continue;
        }
        value_len = strlen(value);
        if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"') {
            value[value_len - 1] = '\0';
            value++;
        }
        return value;
    }
    return NULL;
}

/* 1 when the host ends in ":port". */
static int has_port(const char *host)
{
    const char *colon = strrchr(host, ':');

    return colon && apr_isdigit(colon[1]) && (host[0] != '[' || colon[-1] == ']');
}

/* The origin that the proxy's browser used; NULL when the headers do not say it well-formed. */
static const char *forwarded_origin(request_rec *r, const rp_site_t *site)
{
    const char *element = header(r, "Forwarded");
    const char *proto = parameter(element, "proto", r->pool);
    const char *host = parameter(element, "host", r->pool);
    const char *port = header(r, "X-Forwarded-Port");
    rp_url_t url;

    proto = proto ? proto : header(r, "X-Forwarded-Proto");
    host = host ? host : header(r, "X-Forwarded-Host");
    if (!proto && !host) {
        return NULL;
    }
    proto = proto ? proto : site->secure ? "https" : "http";
    host = host ? host : header(r, "Host");
    if (!host) {
        return NULL;
    }
    if (port && !has_port(host)) {
        host = apr_pstrcat(r->pool, host, ":", port, NULL);
    }
    if (rp_url_parse(&url, apr_pstrcat(r->pool, proto, "://", host, "/", NULL), r->pool) !=
        APR_SUCCESS) {
        return NULL;
    }
    return url.origin;
}

const rp_site_t *rp_forwarded_site(request_rec *r)
{
    const rp_server_config_t *config = rp_server_config(r->server);
    const char *origin;
    rp_site_t *site;

    if (!config->trusted_proxies || config->base_url || !is_trusted(r, config->trusted_proxies)) {
        return &config->site;
    }
    origin = forwarded_origin(r, &config->site);
    if (!origin || strcmp(origin, config->site.base_url) == 0) {
        return &config->site;
    }
    site = apr_pmemdup(r->pool, &config->site, sizeof(*site));
    rp_config_site_origin(site, config, origin, r->pool);
    return site;
}
