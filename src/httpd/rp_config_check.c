#include "rp_config_check.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <unixd.h>

#include "../base/rp_limits.h"
#include "../codec/rp_url.h"
#include "../flow/rp_page.h"
#include "../io/rp_file.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"
#include "rp_config_tree.h"
#include "rp_directive.h"
#include "rp_log.h"

/* The least that a secret of ours needs to be worth deriving keys from (rp_keyring_make). */
#define MIN_SECRET 16

static const char *describe(const rp_check_t *check, const rp_where_t *where)
{
    const server_rec *server = check->server;
    const char *file = where ? where->file : NULL;
    const char *host =
        server->is_virtual
            ? apr_pstrcat(check->ptemp, "the <VirtualHost> of ",
                          server->server_hostname ? server->server_hostname : "no name", NULL)
            : "the main server";

    if (file) {
        return apr_psprintf(check->ptemp, "%s (%s:%d)", host, file, where->line);
    }
    if (server->is_virtual && server->defn_name) {
        return apr_psprintf(check->ptemp, "%s (%s:%u)", host, server->defn_name,
                            server->defn_line_number);
    }
    return host;
}

void rp_check_error(rp_check_t *check, rp_error_id_t id, const rp_where_t *where,
                    const char *format, ...)
{
    va_list args;
    const char *message;

    va_start(args, format);
    message = apr_pvsprintf(check->ptemp, format, args);
    va_end(args);
    check->errors++;
    rp_log_server(check->server, APLOG_ERR | APLOG_STARTUP, 0,
                  apr_psprintf(check->ptemp, "OA-%d: %s; in %s: %s", (int)id, message,
                               describe(check, where), rp_error_row(id)->admin));
}

apr_uid_t rp_check_user(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : (apr_uid_t)-1;
}

int rp_check_secret(rp_check_t *check, rp_secret_t *secret, const char *source,
                    const char *directive, const rp_where_t *where)
{
    const char *why = NULL;

    if (rp_secret_read(secret, source, rp_check_user(), check->pool, &why) != APR_SUCCESS) {
        rp_check_error(check, RP_E_CONFIG_SECRET, where, "%s: %s", directive,
                       why ? why : "the secret cannot be read");
        return 0;
    }
    if (secret->literal) {
        rp_log_server(check->server, APLOG_WARNING | APLOG_STARTUP, 0,
                      apr_psprintf(check->ptemp,
                                   "OA-%d: %s in %s is the secret itself; whoever reads the "
                                   "configuration knows it. Put it into a file that only the user "
                                   "who starts httpd can read, and write file:PATH",
                                   (int)RP_E_CONFIG_SECRET, directive, describe(check, where)));
    }
    return 1;
}

static void check_secrets(rp_check_t *check, rp_server_config_t *config)
{
    apr_array_header_t *bytes;

    if (!config->secrets || config->secret_bytes) {
        return;
    }
    bytes = apr_array_make(check->pool, config->secrets->nelts, sizeof(rp_secret_bytes_t));
    for (int i = 0; i < config->secrets->nelts; i++) {
        const char *source = APR_ARRAY_IDX(config->secrets, i, const char *);
        rp_secret_bytes_t *one;
        rp_secret_t secret;

        if (!rp_check_secret(check, &secret, source, "OAuthSecret", &config->given[RP_D_SECRET])) {
            continue;
        }
        if (secret.len < MIN_SECRET) {
            rp_check_error(check, RP_E_CONFIG_SECRET, &config->given[RP_D_SECRET],
                           "OAuthSecret: secret %d has %" APR_SIZE_T_FMT
                           " bytes, and at least %d are needed",
                           i + 1, secret.len, MIN_SECRET);
            continue;
        }
        one = apr_array_push(bytes);
        one->data = secret.data;
        one->len = secret.len;
    }
    config->secret_bytes = bytes;
}

static int starts_with(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* RFC 6265bis 5.1.3, for a name that is no address. */
static int domain_matches(const char *host, const char *domain)
{
    apr_size_t host_len = strlen(host);
    apr_size_t len;

    domain += *domain == '.';
    len = strlen(domain);
    return len > 0 && len <= host_len && strcasecmp(host + host_len - len, domain) == 0 &&
           (len == host_len || host[host_len - len - 1] == '.');
}

static void check_cookie_domain(rp_check_t *check, const rp_server_config_t *config,
                                const char *base_url)
{
    const char *domain = config->cookie.domain;
    rp_url_t url;

    if (domain && rp_url_parse(&url, base_url, check->ptemp) == APR_SUCCESS &&
        !domain_matches(url.host, domain)) {
        rp_check_error(check, RP_E_CONFIG_COOKIE, &config->given[RP_D_COOKIE],
                       "OAuthCookie: domain=%s does not cover %s, so browsers would not take the "
                       "cookie",
                       domain, url.host);
    }
}

/* RFC 6265bis 4.1.3: what a browser demands of a name with a prefix. NULL, or what is wrong. */
static const char *judge_cookie(const rp_set_cookie_t *cookie, const char *base_url,
                                apr_pool_t *pool)
{
    int is_host = starts_with(cookie->name, "__Host-");

    if (is_host && cookie->domain) {
        return apr_psprintf(pool, "the name %s contradicts domain=%s", cookie->name,
                            cookie->domain);
    }
    if (is_host && cookie->path && strcmp(cookie->path, "/") != 0) {
        return apr_psprintf(pool, "the name %s contradicts path=%s", cookie->name, cookie->path);
    }
    if (!cookie->secure && (is_host || starts_with(cookie->name, "__Secure-"))) {
        return apr_psprintf(pool, "browsers take the name %s from https only, and the site is %s",
                            cookie->name, base_url);
    }
    if (!cookie->secure && cookie->samesite == RP_SAMESITE_NONE) {
        return apr_psprintf(pool, "browsers take samesite=none from https only, and the site is %s",
                            base_url);
    }
    return rp_cookie_format(cookie, pool)
               ? NULL
               : "name, domain or path has a character that a cookie cannot have";
}

static void check_cookie(rp_check_t *check, const rp_server_config_t *config, const char *base_url)
{
    const rp_cookie_options_t *cookie = &config->cookie;
    int secure = starts_with(base_url, "https:");
    rp_set_cookie_t sample = {.name = rp_config_cookie_name(config, secure),
                              .value = "x",
                              .domain = cookie->domain,
                              .path = cookie->path,
                              .secure = secure,
                              .samesite = (rp_samesite_t)cookie->samesite,
                              .max_age = -1};
    const char *why = judge_cookie(&sample, base_url, check->ptemp);

    if (why) {
        rp_check_error(check, RP_E_CONFIG_COOKIE, &config->given[RP_D_COOKIE], "OAuthCookie: %s",
                       why);
    }
}

static void check_callback(rp_check_t *check, const rp_server_config_t *config)
{
    const ap_directive_t *other =
        rp_config_tree_mapping(check->server, check->main_server, config->path, check->ptemp);

    if (other) {
        rp_where_t where = {other->filename, other->line_num};

        rp_check_error(check, RP_E_CONFIG_CALLBACK, &where,
                       "OAuthPath: the endpoints below %s collide with %s %s", config->path,
                       other->directive, other->args);
    }
}

static void check_templates(rp_check_t *check, rp_server_config_t *config)
{
    for (int i = 0; i < RP_TEMPLATES; i++) {
        rp_template_file_t *template = &config->templates[i];
        const char *why;
        char *text;
        apr_size_t len;
        apr_status_t rv;

        if (!template->file || template->text) {
            continue;
        }
        rv = rp_file_read(&text, &len, template->file, RP_MAX_TEMPLATE, check->pool);
        why = rv != APR_SUCCESS     ? "it cannot be read, or is too large"
              : strlen(text) != len ? "it has a NUL byte"
                                    : rp_page_template_check((rp_template_t)i, text, check->ptemp);
        if (why) {
            rp_check_error(check, RP_E_CONFIG_TEMPLATE, &config->given[RP_D_TEMPLATE],
                           "OAuthTemplate %s: %s", template->file, why);
        } else {
            template->text = text;
        }
    }
}

static int names_provider(const rp_server_config_t *config, const char *name)
{
    for (int i = 0; i < config->named->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(config->named, i, rp_provider_config_t *)->provider.name, name) ==
            0) {
            return 1;
        }
    }
    return 0;
}

static void check_use(rp_check_t *check, const rp_server_config_t *config, const rp_mention_t *one)
{
    for (int n = 0; one->use && n < one->use->nelts; n++) {
        const char *name = APR_ARRAY_IDX(one->use, n, const char *);

        if (!names_provider(config, name)) {
            rp_check_error(check, RP_E_CONFIG_PROVIDER_UNKNOWN, &one->where,
                           "%s: there is no <OAuthProvider %s>, which %s uses", one->directive,
                           name, *one->section ? one->section : "the server");
        }
    }
}

static void check_uses(rp_check_t *check, const rp_server_config_t *config)
{
    for (int i = 0; i < config->uses->nelts; i++) {
        check_use(check, config, &APR_ARRAY_IDX(config->uses, i, rp_mention_t));
    }
    for (int i = 0; i < config->backends->nelts; i++) {
        check_use(check, config, &APR_ARRAY_IDX(config->backends, i, rp_mention_t));
    }
}

/* A section of which the path says all. */
static int is_plain_location(const rp_mention_t *one)
{
    return strcasecmp(one->kind, "<Location") == 0 && !strpbrk(one->section, "*?[~");
}

/* 1 unless it is certain that what other says is never in force where one is. */
static int may_meet(const rp_mention_t *other, const rp_mention_t *one)
{
    apr_size_t len = strlen(other->section);

    if (other->dir == one->dir || !is_plain_location(other) || !is_plain_location(one)) {
        return 1;
    }
    return strncmp(other->section, one->section, len) == 0 &&
           (len == 0 || other->section[len - 1] == '/' || one->section[len] == '/' ||
            one->section[len] == '\0');
}

/* Sections meet when a request comes; here only what can never work is told. */
static void check_audience(rp_check_t *check, const rp_server_config_t *config,
                           const rp_mention_t *one)
{
    /* A later line of the same section may have taken bearer back. */
    if (!(one->dir->place.accept & RP_ACCEPT_BEARER)) {
        return;
    }
    for (int i = 0; i < config->audiences->nelts; i++) {
        if (may_meet(&APR_ARRAY_IDX(config->audiences, i, rp_mention_t), one)) {
            return;
        }
    }
    rp_check_error(check, RP_E_CONFIG_AUDIENCE, &one->where,
                   "OAuthAccept bearer: %s has no OAuthAudience", one->section);
}

static void check_audiences(rp_check_t *check, const rp_server_config_t *config)
{
    for (int i = 0; i < config->bearers->nelts; i++) {
        check_audience(check, config, &APR_ARRAY_IDX(config->bearers, i, rp_mention_t));
    }
}

static void check_protected(rp_check_t *check, const rp_server_config_t *config)
{
    for (int i = 0; i < config->protected->nelts; i++) {
        const rp_mention_t *one = &APR_ARRAY_IDX(config->protected, i, rp_mention_t);

        rp_check_error(check, RP_E_CONFIG_NO_PROVIDER, &one->where,
                       "AuthType OAuth: %s is protected, but there is no provider to sign in at",
                       one->section);
    }
    for (int i = 0; i < config->backends->nelts; i++) {
        const rp_mention_t *one = &APR_ARRAY_IDX(config->backends, i, rp_mention_t);

        rp_check_error(
            check, RP_E_CONFIG_NO_PROVIDER, &one->where,
            "OAuthBackendToken: %s asks for a token, but there is no provider to give one",
            one->section);
    }
}

static void check_logout(rp_check_t *check, const rp_server_config_t *config)
{
    const char *destination = config->logout.destination;
    rp_url_t url;

    if (destination && !(destination[0] == '/' && destination[1] != '/') &&
        rp_url_parse(&url, destination, check->ptemp) != APR_SUCCESS) {
        rp_check_error(check, RP_E_CONFIG_VALUE, &config->given[RP_D_LOGOUT],
                       "OAuthLogout: return=%s is neither a path nor an absolute URL", destination);
    }
}

static void check_site(rp_check_t *check, rp_server_config_t *config, const char *base_url)
{
    if (!base_url) {
        rp_check_error(check, RP_E_CONFIG_BASE_URL, &config->first,
                       "OAuthBaseURL: the address of the virtual host is not known");
        return;
    }
    check_cookie(check, config, base_url);
    check_cookie_domain(check, config, base_url);
    check_callback(check, config);
    check_logout(check, config);
}

static void check_server(rp_check_t *check)
{
    rp_server_config_t *config = rp_server_config(check->server);
    int given = rp_config_provider_given(config->unnamed);
    const char *base_url = config->base_url;

    if (given) {
        rp_check_provider(check, config->unnamed);
    }
    for (int i = 0; i < config->named->nelts; i++) {
        rp_check_provider(check, APR_ARRAY_IDX(config->named, i, rp_provider_config_t *));
    }
    check_secrets(check, config);
    check_templates(check, config);
    check_uses(check, config);
    check_audiences(check, config);
    if (given || config->named->nelts > 0) {
        if (!base_url) {
            base_url = rp_config_tree_origin(check->server, check->main_server, check->pool);
        }
        check_site(check, config, base_url);
    } else {
        check_protected(check, config);
    }
    rp_config_complete(check->server, base_url, check->pool);
}

/* The first virtual host that has the directive; NULL when none has. */
static const rp_server_config_t *first_with(const server_rec *server, rp_directive_id_t id)
{
    while (server && !(rp_server_config(server)->set & RP_D_BIT(id))) {
        server = server->next;
    }
    return server ? rp_server_config(server) : NULL;
}

/* Keys and sessions belong to the server as a whole: two virtual hosts may not disagree. */
static void check_shared(rp_check_t *check, const rp_server_config_t *config)
{
    const rp_server_config_t *dir = first_with(check->main_server, RP_D_STATE_DIR);
    const rp_server_config_t *store = first_with(check->main_server, RP_D_SESSION_STORE);

    if (dir && (config->set & RP_D_BIT(RP_D_STATE_DIR)) &&
        strcmp(dir->state_dir, config->state_dir) != 0) {
        rp_check_error(check, RP_E_CONFIG_STATE_DIR, &config->given[RP_D_STATE_DIR],
                       "OAuthStateDir: %s and %s, but there is one for the whole server",
                       dir->state_dir, config->state_dir);
    }
    if (store && (config->set & RP_D_BIT(RP_D_SESSION_STORE)) && store->store_choice.size > 0 &&
        config->store_choice.size > 0 && store->store_choice.size != config->store_choice.size) {
        rp_check_error(check, RP_E_CONFIG_VALUE, &config->given[RP_D_SESSION_STORE],
                       "OAuthSessionStore: two sizes, but the whole server has one shared memory");
    }
}

int rp_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server)
{
    rp_check_t check = {main_server, main_server, pconf, ptemp, 0};

    (void)plog;
    if (rp_crypto_init() != APR_SUCCESS) {
        rp_check_error(&check, RP_E_CRYPTO, NULL, "OpenSSL cannot be used");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (server_rec *server = main_server; server; server = server->next) {
        check.server = server;
        check_server(&check);
        check_shared(&check, rp_server_config(server));
    }
    rp_check_keys(&check);
    return check.errors ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
