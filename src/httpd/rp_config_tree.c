#include "rp_config_tree.h"

#include <ap_listen.h>
#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_url.h"

static int is(const ap_directive_t *node, const char *name)
{
    return strcasecmp(node->directive, name) == 0;
}

/* The first directive of a virtual host, or of the main server. */
static const ap_directive_t *first_of(const server_rec *server)
{
    if (!server->is_virtual) {
        return ap_conftree;
    }
    for (const ap_directive_t *node = ap_conftree; node; node = node->next) {
        if (is(node, "<VirtualHost") && node->line_num == (int)server->defn_line_number &&
            strcmp(node->filename, server->defn_name) == 0) {
            return node->first_child;
        }
    }
    return NULL;
}

/* The last one counts, as it does for httpd. */
static const ap_directive_t *last_of(const server_rec *server, const char *name)
{
    const ap_directive_t *found = NULL;

    for (const ap_directive_t *node = first_of(server); node; node = node->next) {
        if (is(node, name)) {
            found = node;
        }
    }
    return found;
}

static const char *first_word(const ap_directive_t *node, apr_pool_t *pool)
{
    const char *args = node->args;

    return ap_getword_conf(pool, &args);
}

static int has_tls(const server_rec *server, const server_rec *main_server, apr_pool_t *pool)
{
    const ap_directive_t *node = last_of(server, "SSLEngine");

    if (!node && server != main_server) {
        node = last_of(main_server, "SSLEngine");
    }
    return node && strcasecmp(first_word(node, pool), "on") == 0;
}

/* The port that the virtual host listens on; 0 when it is not known. */
static apr_port_t own_port(const server_rec *server)
{
    if (server->is_virtual && server->addrs) {
        return server->addrs->host_port;
    }
    return ap_listeners && ap_listeners->bind_addr ? ap_listeners->bind_addr->port : 0;
}

const char *rp_config_tree_origin(const server_rec *server, const server_rec *main_server,
                                  apr_pool_t *pool)
{
    const ap_directive_t *node = last_of(server, "ServerName");
    int inherited = !node;
    apr_port_t port;
    const char *scheme;
    rp_url_t url;

    /* httpd lets a virtual host without a name of its own have the main server's. */
    node = node ? node : last_of(main_server, "ServerName");
    if (!node || !server->server_hostname) {
        return NULL;
    }
    /* A port belongs to the origin when ServerName has it, or has no scheme of its own. */
    scheme = inherited ? NULL : server->server_scheme;
    port = inherited ? 0 : server->port;
    if (port == 0 && !scheme) {
        port = own_port(server);
    }
    if (!scheme) {
        scheme = has_tls(server, main_server, pool) || port == 443 ? "https" : "http";
    }
    if (rp_url_parse(&url,
                     port ? apr_psprintf(pool, "%s://%s:%d/", scheme, server->server_hostname, port)
                          : apr_psprintf(pool, "%s://%s/", scheme, server->server_hostname),
                     pool) != APR_SUCCESS) {
        return NULL;
    }
    return url.origin;
}

/* 1 when mapped is path or below it; a slash at the end of mapped makes no difference. */
static int at_or_below(const char *mapped, const char *path)
{
    apr_size_t len = strlen(path);

    return strncmp(mapped, path, len) == 0 && (mapped[len] == '\0' || mapped[len] == '/');
}

/* The URL path that a directive with these arguments maps away; NULL when it maps none. */
static const char *mapped_path(const ap_directive_t *node, apr_pool_t *pool)
{
    static const char *const first[] = {
        "Alias", "ScriptAlias", "ProxyPass", "RedirectPermanent", "RedirectTemp", "Redirect", NULL};
    const char *args = node->args;
    const char *word;

    for (const char *const *name = first; *name; name++) {
        if (!is(node, *name)) {
            continue;
        }
        word = ap_getword_conf(pool, &args);
        if (is(node, "Redirect") && word[0] != '/') {
            word = ap_getword_conf(pool, &args);
        }
        /* "ProxyPass /path !" leaves the path alone. */
        return strncmp(args, "!", 1) == 0 ? NULL : word;
    }
    return NULL;
}

/* A directive in a <Location> that hands its requests to something else. */
static const ap_directive_t *taken_location(const ap_directive_t *location, apr_pool_t *pool)
{
    for (const ap_directive_t *node = location->first_child; node; node = node->next) {
        const char *word = first_word(node, pool);

        if ((is(node, "SetHandler") && strcasecmp(word, "none") != 0) ||
            (is(node, "ProxyPass") && strcmp(word, "!") != 0) || is(node, "Alias") ||
            is(node, "ScriptAlias") || is(node, "Redirect")) {
            return node;
        }
    }
    return NULL;
}

static const char *location_path(const ap_directive_t *node, apr_pool_t *pool)
{
    const char *args = node->args;
    char *word = ap_getword_conf(pool, &args);
    char *end = strrchr(word, '>');

    if (end) {
        *end = '\0';
    }
    return word;
}

static const ap_directive_t *mapping_in(const server_rec *server, const char *path,
                                        apr_pool_t *pool)
{
    for (const ap_directive_t *node = first_of(server); node; node = node->next) {
        const char *mapped = mapped_path(node, pool);
        const ap_directive_t *taken = NULL;

        if (mapped && at_or_below(mapped, path)) {
            return node;
        }
        if (is(node, "<Location") && at_or_below(location_path(node, pool), path)) {
            taken = taken_location(node, pool);
        }
        if (taken) {
            return taken;
        }
    }
    return NULL;
}

const ap_directive_t *rp_config_tree_mapping(const server_rec *server,
                                             const server_rec *main_server, const char *path,
                                             apr_pool_t *pool)
{
    const ap_directive_t *node = mapping_in(server, path, pool);

    return node || server == main_server ? node : mapping_in(main_server, path, pool);
}
