/* A provider's signing keys (jwks_uri), shared and renewed like its metadata. */
#ifndef RP_KEYS_H
#define RP_KEYS_H

#include "../jose/rp_jwk.h"
#include "rp_metadata.h"

/* The current set, valid as long as env->pool. RP_FAILED with RP_E_KEYS_INVALID or a 11xx. */
apr_status_t rp_keys_get(const rp_jwks_t **keys, rp_env_t *env, const rp_metadata_t *metadata);

/* For an unknown kid (C55): fetches anew unless any process of the server did within
 * RP_JWKS_REFETCH_SECONDS for that reason; then, or when the fetch fails, the set there is. Waits
 * for a request that is fetching for the same reason. */
apr_status_t rp_keys_refetch(const rp_jwks_t **keys, rp_env_t *env, const rp_metadata_t *metadata);

#endif
