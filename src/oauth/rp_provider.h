/* A provider and the client registered there, as configured.
 *
 * Key idea: plain read-only data, filled by the configuration and shared by all threads. What is
 * learnt from the provider at run time (metadata, keys) is behind `cache`, which each process owns.
 */
#ifndef RP_PROVIDER_H
#define RP_PROVIDER_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "../io/rp_http.h"
#include "../io/rp_secret.h"
#include "../jose/rp_private_key.h"

/* OAuthEndpoint's names; the metadata member is the name with _endpoint (jwks_uri for jwks). */
typedef enum {
    RP_ENDPOINT_AUTHORIZATION,
    RP_ENDPOINT_TOKEN,
    RP_ENDPOINT_USERINFO,
    RP_ENDPOINT_INTROSPECTION,
    RP_ENDPOINT_REVOCATION,
    RP_ENDPOINT_END_SESSION,
    RP_ENDPOINT_JWKS,
    RP_ENDPOINT_COUNT
} rp_endpoint_t;

/* The word in OAuthEndpoint, and the member in the metadata. */
const char *rp_endpoint_name(rp_endpoint_t endpoint);
const char *rp_endpoint_member(rp_endpoint_t endpoint);

typedef enum { RP_PROFILE_OPENID, RP_PROFILE_OAUTH2 } rp_profile_t;
typedef enum { RP_RESPONSE_QUERY, RP_RESPONSE_FORM_POST } rp_response_mode_t;
typedef enum { RP_USERINFO_AUTO, RP_USERINFO_ON, RP_USERINFO_OFF } rp_userinfo_mode_t;

/* Token endpoint authentication (RFC 6749 2.3.1); AUTO takes the strongest that both allow. */
typedef enum {
    RP_CLIENT_AUTH_AUTO,
    RP_CLIENT_AUTH_PRIVATE_KEY_JWT,
    RP_CLIENT_AUTH_SECRET_JWT,
    RP_CLIENT_AUTH_BASIC,
    RP_CLIENT_AUTH_POST,
    RP_CLIENT_AUTH_NONE
} rp_client_auth_t;

/* What a client assertion names as its audience. */
typedef enum { RP_AUDIENCE_ISSUER, RP_AUDIENCE_TOKEN_ENDPOINT } rp_audience_t;

/* One OAuthClientKey. */
typedef struct {
    const char *file;
    apr_uid_t user; /* whom the file may belong to, see rp_secret_read */
    rp_private_key_options_t options;
    /* As it was when httpd started; rp_credentials_key has the one of now. */
    const rp_private_key_t *key;
} rp_client_key_t;

typedef struct rp_provider_t {
    const char *name;         /* "" for the virtual host's unnamed provider */
    const char *display_name; /* NULL: the name, or the issuer's host */
    const char *issuer;       /* NULL only with metadata "none" and profile oauth2 */
    const char *metadata;     /* NULL: derived from issuer; a URL; "file:PATH"; "none" */
    const char *endpoints[RP_ENDPOINT_COUNT]; /* configured ones; NULL: from the metadata */
    const char *client_id;
    const char *client_secret_source; /* NULL: none */
    apr_uid_t client_secret_user;     /* whom its file may belong to, see rp_secret_read */
    /* As it was when httpd started (rp_credentials_secret has the one of now); data is NULL when
     * there is none. */
    rp_secret_t client_secret;
    const apr_array_header_t *client_keys; /* of rp_client_key_t *, the first signs; NULL: none */
    rp_client_auth_t client_auth;
    rp_audience_t client_audience;
    rp_profile_t profile;
    const apr_array_header_t *scope;             /* of const char *; NULL: the default */
    const apr_array_header_t *resource;          /* of const char *; NULL: none */
    const apr_table_t *authorization_parameters; /* NULL: none */
    rp_response_mode_t response_mode;
    rp_userinfo_mode_t userinfo;
    rp_alg_set_t signing_algs; /* what the provider's JWTs may be signed with */
    int clock_skew;            /* seconds */
    rp_http_policy_t http;
    /* Made by rp_provider_cache_make. The context is under what states and sessions remember this
     * provider and client: it changes when the issuer (or, without one, the token endpoint) or the
     * client id does. */
    const char *context;
    const char *host; /* of the issuer (without one, of the authorization endpoint); may be NULL */
    struct rp_provider_cache_t *cache;
    struct rp_credentials_t *credentials; /* likewise; NULL: files are not followed */
} rp_provider_t;

/* Makes the provider's cache, context and host, and follows its files (in pool, freed with it),
 * before the process serves requests. */
apr_status_t rp_provider_cache_make(rp_provider_t *provider, apr_pool_t *pool);

/* What users read: display_name, else name, else the issuer's host. Never NULL. */
const char *rp_provider_label(const rp_provider_t *provider);

#endif
