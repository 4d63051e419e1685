/* The module's configuration in memory.
 *
 * Key idea: three structs, one for each place where a directive can stand (a virtual host, a
 * provider, a directory), whose members are named in rp_directive_rows.h. `set` has a bit for each
 * row that was given; everything else holds its default, so that no reader has to know defaults.
 * What the flows need (rp_site_t, rp_provider_t) is made from them once, when the configuration
 * is complete; rp_place_t is a member of the directory's struct and needs no making at all. */
#ifndef RP_CONFIG_H
#define RP_CONFIG_H

#include <httpd.h>

#include <ap_expr.h>
#include <apr_network_io.h>
#include <http_config.h>
#include <util_filter.h>

#include "../flow/rp_site.h"
#include "rp_directive.h"
#include "rp_header_set.h"
#include "rp_store_choice.h"

extern module AP_MODULE_DECLARE_DATA auth_oauth_module;

/* Where something was written; file is NULL when nowhere. */
typedef struct {
    const char *file;
    int line;
} rp_where_t;

/* A value that comes from a claim or from an expression. */
typedef struct {
    const char *claim;          /* NULL when it is an expression */
    const ap_expr_info_t *expr; /* NULL when it is a claim */
} rp_source_t;

/* A row of OAuthHeader. */
typedef struct {
    const char *name;
    rp_source_t source;
} rp_header_row_t;

typedef struct {
    const char *ca;
    const char *proxy;
    int min; /* 0: TLS 1.2, 1: TLS 1.3 */
} rp_tls_options_t;

typedef struct {
    apr_interval_time_t connect;
    apr_interval_time_t total;
} rp_timeout_options_t;

typedef struct {
    int method;   /* rp_client_auth_t */
    int audience; /* rp_audience_t */
} rp_client_auth_options_t;

typedef struct {
    const char *name; /* NULL: by scheme */
    const char *domain;
    const char *path;
    int samesite; /* rp_samesite_t */
} rp_cookie_options_t;

typedef struct {
    const char *destination; /* NULL: the built-in page */
    int revoke;
} rp_logout_options_t;

typedef struct {
    const char *file; /* NULL: built in */
    const char *text; /* its content, read by rp_config_check */
} rp_template_file_t;

typedef struct {
    apr_uint64_t set;
    int checked;      /* 1: rp_config_check has been here */
    rp_where_t where; /* of the section, or of the first directive of the unnamed provider */
    rp_where_t given[RP_D_COUNT]; /* where each directive stands */
    rp_tls_options_t tls;
    rp_timeout_options_t timeout;
    rp_client_auth_options_t client_auth;
    const apr_array_header_t *scope;
    const apr_array_header_t *resource;
    const apr_table_t *authorization_parameters;
    rp_provider_t provider; /* what the flows get; completed by rp_config_complete */
} rp_provider_config_t;

typedef enum { RP_AUTH_TYPE_UNSET, RP_AUTH_TYPE_OAUTH, RP_AUTH_TYPE_OTHER } rp_auth_type_t;

typedef struct rp_dir_config_t {
    apr_uint64_t set;
    rp_auth_type_t auth_type;
    rp_place_t place; /* handed to the flows as it is */
    rp_source_t user;
    int headers;                           /* 0: standard, 1: none */
    const apr_array_header_t *header_rows; /* of rp_header_row_t; NULL: none */
    int local_headers; /* 1: a row of header_rows is from .htaccess, unknown to the virtual host */
    const apr_array_header_t *scope;
    const apr_array_header_t *resource;
    const apr_table_t *authorization_parameters;
} rp_dir_config_t;

/* Something in a section that rp_config_check has to look at when everything is read. */
typedef struct {
    const char *section; /* "/app" */
    rp_where_t where;
    const char *directive;             /* what names providers */
    const apr_array_header_t *use;     /* the names; NULL: none is named */
    const char *kind;                  /* of section: "<Location"; "" outside of any */
    const struct rp_dir_config_t *dir; /* what the section says */
} rp_mention_t;

typedef struct {
    apr_uint64_t set;
    const char *path;
    const char *base_url;
    const apr_array_header_t *trusted_proxies; /* of apr_ipsubnet_t * */
    const apr_array_header_t *secrets;         /* of const char *; NULL: the one in the state dir */
    const char *state_dir;
    rp_store_choice_t store_choice;
    rp_cookie_options_t cookie;
    const apr_array_header_t *return_to;
    rp_template_file_t templates[RP_TEMPLATES];
    rp_logout_options_t logout;

    rp_provider_config_t *unnamed;
    apr_array_header_t *named; /* of rp_provider_config_t * */

    /* Noted while sections are read. */
    apr_array_header_t *uses;         /* of rp_mention_t: every OAuthUse of this server */
    apr_array_header_t *backends;     /* of rp_mention_t: every OAuthBackendToken service */
    apr_array_header_t *bearers;      /* of rp_mention_t: every OAuthAccept bearer */
    apr_array_header_t *audiences;    /* of rp_mention_t: every OAuthAudience, inherited ones too */
    apr_array_header_t *protected;    /* of rp_mention_t: every AuthType OAuth of this server */
    apr_array_header_t *header_names; /* of const char *: every OAuthHeader, inherited ones too */
    apr_array_header_t *claims;       /* of const char *: claims that directives use */
    apr_interval_time_t longest;      /* of OAuthSessionLifetime in any section */
    rp_where_t first;                 /* the first directive of ours */
    rp_where_t given[RP_D_COUNT];     /* where each directive of the server stands */

    /* Made by rp_config_complete. */
    int active;              /* 1: there is a provider; otherwise this virtual host is left alone */
    apr_size_t header_limit; /* LimitRequestFieldSize */
    rp_site_t site;
    const rp_header_set_t *scrub;           /* headers that clients may not send */
    const apr_array_header_t *secret_bytes; /* of rp_secret_bytes_t, read by rp_config_check */
    const struct rp_keyring_t *keyring;     /* made by rp_state, in post_config */
    rp_store_t *store;                      /* of the sessions; likewise */
    const module *authz_core;               /* for rp_quiet.c; NULL: not loaded */
    const struct ap_logconf *quiet_log;
    int claims_asked; /* for rp_source.c: 1: an expression of the configuration asks for one */
    ap_filter_rec_t *private_filter; /* for rp_private.c */
    ap_filter_rec_t *backend_filter; /* for rp_backend.c */
} rp_server_config_t;

static inline rp_server_config_t *rp_server_config(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &auth_oauth_module);
}

static inline rp_dir_config_t *rp_dir_config(ap_conf_vector_t *vector)
{
    return ap_get_module_config(vector, &auth_oauth_module);
}

/* The module's four functions for httpd. */
void *rp_config_server_create(apr_pool_t *pool, server_rec *server);
void *rp_config_server_merge(apr_pool_t *pool, void *base, void *more);
void *rp_config_dir_create(apr_pool_t *pool, char *path);
void *rp_config_dir_merge(apr_pool_t *pool, void *base, void *more);

rp_provider_config_t *rp_config_provider_create(const char *name, apr_pool_t *pool);

/* 1 when directives describe a provider here, be it well or badly. */
int rp_config_provider_given(const rp_provider_config_t *config);

/* Makes what the flows get from a complete configuration: providers, site, set of headers.
 * base_url is the origin of the virtual host, NULL when there is no provider. */
void rp_config_complete(server_rec *server, const char *base_url, apr_pool_t *pool);

/* OAuthCookie's name, else the default of the scheme. */
const char *rp_config_cookie_name(const rp_server_config_t *config, int secure);

/* Fills what of a site depends on its base URL (for rp_forwarded.c too). */
void rp_config_site_origin(rp_site_t *site, const rp_server_config_t *config, const char *base_url,
                           apr_pool_t *pool);

#endif
