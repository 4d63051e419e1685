/* Authorization server metadata (OpenID Connect Discovery 1.0, RFC 8414).
 *
 * Key idea: fetched once for all processes and kept as text in the store; each process keeps the
 * parsed form. Renewed before it expires, by one request; the last good copy (store, then file
 * below the state directory) serves while the provider is down. Endpoints from the configuration
 * override those of the metadata. */
#ifndef RP_METADATA_H
#define RP_METADATA_H

#include "../base/rp_env.h"
#include "rp_provider.h"

typedef struct {
    const rp_provider_t *provider;
    const char *issuer; /* NULL only for oauth2 without an issuer */
    /* NULL: not offered. Without the authorization endpoint nobody can sign in, and what is below
     * that is for signing in was not looked at. */
    const char *endpoints[RP_ENDPOINT_COUNT];
    rp_client_auth_t client_auth;  /* resolved: never AUTO */
    rp_alg_set_t client_auth_algs; /* what the provider verifies client assertions with */
    int iss_parameter_supported;   /* RFC 9207 3 */
    rp_alg_set_t id_token_algs;    /* configured, and offered if the metadata says */
} rp_metadata_t;

/* The metadata, valid as long as env->pool. Fetches when nothing usable is known. RP_FAILED with
 * the 11xx cause. */
apr_status_t rp_metadata_get(const rp_metadata_t **metadata, rp_env_t *env,
                             const rp_provider_t *provider);

/* Parses and checks one document, in env->pool (exposed for tests and fuzzing). Nothing is asked of
 * clock, store or provider. RP_FAILED with RP_E_METADATA_INVALID, RP_E_METADATA_ISSUER or
 * RP_E_METADATA_UNSUPPORTED. */
apr_status_t rp_metadata_parse(rp_metadata_t **metadata, rp_env_t *env,
                               const rp_provider_t *provider, const char *text, apr_size_t len);

/* The same with the result, and all that it points to but the provider, in pool. */
apr_status_t rp_metadata_parse_into(rp_metadata_t **metadata, rp_env_t *env,
                                    const rp_provider_t *provider, const char *text, apr_size_t len,
                                    apr_pool_t *pool);

/* What the configuration alone says, for OAuthMetadata none; in env->pool. RP_FAILED as above. */
apr_status_t rp_metadata_configured(rp_metadata_t **metadata, rp_env_t *env,
                                    const rp_provider_t *provider);

#endif
