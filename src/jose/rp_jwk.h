/* Public keys of a provider: JSON Web Key and key set (RFC 7517, RFC 7518 6, RFC 8037).
 *
 * Key idea: a set keeps only what can verify a signature. Unknown kty, crv or alg, use=enc,
 * symmetric keys, private members, RSA keys of a size outside rp_limits.h and EC points off their
 * curve are left out (counted, not an error); selection is by algorithm first, then kid, never by a
 * header's jku, jwk, x5c or x5u. */
#ifndef RP_JWK_H
#define RP_JWK_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

#include "rp_alg.h"

typedef struct rp_jwk_t rp_jwk_t;
typedef struct rp_jwks_t rp_jwks_t;

/* Parses {"keys":[…]}. APR_SUCCESS also when no key is usable; APR_EINVAL with *why (words for a
 * log) when it is not a key set or has more than RP_MAX_JWKS_KEYS keys. Keys are freed with pool
 * and may be used by any number of threads. */
apr_status_t rp_jwks_parse(rp_jwks_t **set, const json_t *object, apr_pool_t *pool,
                           const char **why);

/* How many keys of the set can be used, and how many were left out. */
int rp_jwks_count(const rp_jwks_t *set);
int rp_jwks_ignored(const rp_jwks_t *set);

/* The n-th key (from 0) that fits the algorithm and, when kid is not NULL, has that kid (a key
 * without kid fits none then). NULL when there is no n-th. */
const rp_jwk_t *rp_jwks_select(const rp_jwks_t *set, rp_alg_t alg, const char *kid, int n);

/* RFC 7638 SHA-256 thumbprint, base64url, in pool. NULL when OpenSSL failed. */
const char *rp_jwk_thumbprint(const rp_jwk_t *key, apr_pool_t *pool);

/* Verifies a raw JWS signature over data. APR_SUCCESS or APR_EINVAL: wrong, of the wrong length
 * (ECDSA is r||s, never DER), empty, all zero, or alg is not one of this key's. */
apr_status_t rp_jwk_verify(const rp_jwk_t *key, rp_alg_t alg, const void *data, apr_size_t len,
                           const unsigned char *signature, apr_size_t signature_len);

#endif
