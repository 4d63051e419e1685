/* What a virtual host and a protected place are configured to do, as the flows need it.
 *
 * Key idea: plain read-only data. The module's directives fill it; a unit test fills it by hand.
 */
#ifndef RP_SITE_H
#define RP_SITE_H

#include <apr_tables.h>

#include "../codec/rp_cookie.h"
#include "../codec/rp_url.h"
#include "../oauth/rp_provider.h"
#include "../session/rp_session.h"

typedef enum {
    RP_TEMPLATE_LOGIN,
    RP_TEMPLATE_ERROR,
    RP_TEMPLATE_LOGOUT,
    RP_TEMPLATES
} rp_template_t;

/* A virtual host. */
typedef struct {
    const char *base_url;     /* origin under which browsers reach it: "https://www.example.com" */
    const char *path;         /* OAuthPath: "/oauth" */
    const char *callback_url; /* base_url + path + "/callback" */
    int secure;               /* 1 when base_url is https */
    rp_provider_t *const *providers; /* NULL-terminated; the unnamed one, if any, first */
    const char *cookie_name;         /* of the session */
    const char *login_cookie_name;   /* of the browser binding while logins are pending */
    /* Every cookie of ours, NULL-terminated: these two, then the further ones of a session that
     * takes several. */
    const char *const *own_cookies;
    const char *cookie_domain; /* NULL: host-only */
    const char *cookie_path;   /* "/" */
    rp_samesite_t cookie_samesite;
    rp_session_realm_t realm;
    const apr_array_header_t *return_to; /* allowed origins beside the own one; NULL: none */
    const char *templates[RP_TEMPLATES]; /* text; NULL: built in */
    const char *logout_return;           /* NULL: the built-in page */
    int logout_revoke;                   /* 1: tokens are revoked */
    /* Names (const char *) of the claims that directives of this virtual host use, which decide
     * whether OAuthUserinfo auto calls the userinfo endpoint; NULL: none. */
    const apr_array_header_t *used_claims;
} rp_site_t;

typedef enum {
    RP_UNAUTHENTICATED_AUTO,
    RP_UNAUTHENTICATED_LOGIN,
    RP_UNAUTHENTICATED_CHALLENGE,
    RP_UNAUTHENTICATED_PASS
} rp_unauthenticated_t;

/* Whose token the backend gets; the order is that of the words in the directive's row. */
typedef enum {
    RP_BACKEND_NONE,
    RP_BACKEND_USER,     /* the signed-in user's access token, or one for a resource */
    RP_BACKEND_ID,       /* the user's ID Token */
    RP_BACKEND_SERVICE,  /* the server's own, from the client credentials flow */
    RP_BACKEND_EXCHANGE, /* one that is exchanged for the user's access token (RFC 8693) */
    RP_BACKEND_ASSERTION /* a JWT about the user that this server signs */
} rp_backend_kind_t;

/* OAuthBackendToken. What a kind has no use for is NULL. */
typedef struct {
    rp_backend_kind_t kind;
    const char *provider; /* name; NULL: the place's */
    const char *scope;    /* separated by spaces; NULL: not sent */
    const char *audience;
    const char *resource; /* RFC 8707 */
    const char *header;   /* where the token goes by itself; NULL: Authorization: Bearer */
    const char *claims;   /* names, separated by spaces; NULL: rp_assertion.h's */
} rp_backend_token_t;

/* OAuthAccept: what a request may bring; bits in the order of the words in the directive's row. */
#define RP_ACCEPT_SESSION 1
#define RP_ACCEPT_BEARER 2

/* A protected place: the merged configuration that applies to one request. */
typedef struct {
    const apr_array_header_t *use;      /* names of providers; NULL: the unnamed one */
    int accept;                         /* RP_ACCEPT_* */
    const apr_array_header_t *audience; /* OAuthAudience, of const char *; NULL: none */
    rp_unauthenticated_t unauthenticated;
    rp_session_limits_t limits;
    const char *user_claim; /* OAuthUser; NULL when it is an expression, which the caller knows */
    int preserve_post;
    rp_backend_token_t backend;
    const apr_array_header_t *scope;             /* NULL: the provider's */
    const apr_array_header_t *resource;          /* NULL: the provider's; of URIs */
    const apr_table_t *authorization_parameters; /* NULL: none */
} rp_place_t;

/* The one decision about where this virtual host sends a browser: rp_return_url_check with the
 * site's origins, and no endpoint of our own (D70: that would be a loop, or a logout). RP_FAILED
 * with RP_E_RETURN_URL or RP_E_RETURN_URL_TOO_LONG. Result in env->pool. */
apr_status_t rp_site_return_url(rp_return_url_t **url, rp_env_t *env, const rp_site_t *site,
                                const char *text);

/* The provider of that name, NULL when there is none. */
const rp_provider_t *rp_site_provider(const rp_site_t *site, const char *name);

/* The place's providers, NULL-terminated, in pool. An unknown name is left out (the configuration
 * check refuses it, .htaccess excepted). */
const rp_provider_t **rp_site_place_providers(const rp_site_t *site, const rp_place_t *place,
                                              apr_pool_t *pool);

/* 1 when both have the same texts (const char *) in the same order, or both are NULL. */
int rp_is_same_list(const apr_array_header_t *one, const apr_array_header_t *other);

#endif
