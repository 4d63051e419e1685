/* A pending login.
 *
 * Key idea: the server keeps nothing while the user is at the provider. All of it is in the sealed
 * `state`; one cookie, however many tabs, binds it to the browser; PKCE verifier and nonce are
 * derived from both with a server key, so that neither alone is worth anything. Only a return URL
 * longer than RP_MAX_INLINE_RETURN_URL is put in the store.
 *
 * The layout is drawn at the top of rp_login_state.c. */
#ifndef RP_LOGIN_STATE_H
#define RP_LOGIN_STATE_H

#include "../codec/rp_url.h"
#include "rp_request.h"

#define RP_STATE_ID_BYTES 16
#define RP_STATE_HASH_BYTES 16
#define RP_STATE_CHECK_BYTES 8

/* Characters of the login cookie's value: base64url of 32 random bytes. */
#define RP_BINDING_CHARS 43

/* Stands for a scope that is too long to be remembered: what was granted is not known then, unless
 * the provider says so. */
#define RP_SCOPE_UNKNOWN " "

/* What a login is started with. */
typedef struct {
    const rp_provider_t *provider;
    const rp_return_url_t *return_url;
    int attempt;           /* 0 for the first, counts restarts of the same login */
    const char *preserved; /* id of a preserved POST, NULL: none (rp_preserve.h) */
    const char *scope;     /* asked for instead of the provider's, spaces between; or NULL */
} rp_login_t;

typedef struct {
    unsigned char id[RP_STATE_ID_BYTES];
    apr_time_t issued; /* to the second */
    int attempt;
    const char *provider;   /* name */
    const char *return_url; /* short form, to be checked again when used; NULL: in the store */
    const char *preserved;  /* id of a preserved POST; NULL: none */
    const char *scope;      /* NULL: the provider's */
    /* SHA-256, cut: of rp_provider_context() when it was started, and of the login cookie. */
    unsigned char context_hash[RP_STATE_HASH_BYTES];
    unsigned char binding_hash[RP_STATE_HASH_BYTES];
    /* Tells which secret of the ring the login's secrets were derived from. */
    unsigned char check[RP_STATE_CHECK_BYTES];
} rp_login_state_t;

/* Secrets of one login, derived from state id and binding. */
typedef struct {
    const char *code_verifier; /* 43 characters */
    const char *nonce;         /* 43 characters */
} rp_login_secrets_t;

/* The login cookie's value, in pool. APR_NOTFOUND when none came, or none that can be ours. */
apr_status_t rp_login_binding_read(const char **binding, const rp_request_t *request,
                                   apr_pool_t *pool);

/* Makes and seals a state for the browser with this login cookie. APR_SUCCESS, or RP_FAILED. */
apr_status_t rp_login_state_make(const char **state, rp_login_secrets_t *secrets, rp_env_t *env,
                                 const rp_site_t *site, const rp_login_t *login,
                                 const char *binding);

/* Opens. RP_FAILED with RP_E_STATE_INVALID for what this virtual host did not make. Says nothing
 * about time, use or binding, which have ways back (see below). */
apr_status_t rp_login_state_open(rp_login_state_t **state, rp_env_t *env, const rp_site_t *site,
                                 const char *text);

/* Where the login was going, checked again (D75): "/" when it is no longer known or allowed.
 * RP_FAILED when the store cannot say. */
apr_status_t rp_login_state_return_url(rp_return_url_t **url, rp_env_t *env, const rp_site_t *site,
                                       const rp_login_state_t *state);

/* The provider of the state, or NULL when the virtual host no longer has it or has it for another
 * issuer or client. */
const rp_provider_t *rp_login_state_provider(rp_env_t *env, const rp_site_t *site,
                                             const rp_login_state_t *state);

/* Whether the state belongs to this login cookie value (constant time). 1 or 0. */
int rp_login_state_bound(const rp_login_state_t *state, const char *binding);

/* 1 when it is older than RP_LOGIN_SECONDS, or from the future. */
int rp_login_state_expired(const rp_env_t *env, const rp_login_state_t *state);

/* Marks the state as used. RP_CONFLICT: it was; RP_FAILED: the store cannot say (refuse). */
apr_status_t rp_login_state_use(rp_env_t *env, const rp_login_state_t *state);

/* Derives the secrets again, with the secret of the ring that they were first derived from.
 * RP_FAILED with RP_E_STATE_INVALID when it is no longer there. */
apr_status_t rp_login_state_secrets(rp_login_secrets_t *secrets, rp_env_t *env,
                                    const rp_login_state_t *state, const char *binding);

#endif
