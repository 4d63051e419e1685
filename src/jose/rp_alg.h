/* JWS algorithms (RFC 7518 3.1, RFC 8037), one row each. "none" does not exist. */
#ifndef RP_ALG_H
#define RP_ALG_H

#include <apr_errno.h>

#include "rp_crypto.h"

typedef enum {
    RP_ALG_RS256,
    RP_ALG_RS384,
    RP_ALG_RS512,
    RP_ALG_PS256,
    RP_ALG_PS384,
    RP_ALG_PS512,
    RP_ALG_ES256,
    RP_ALG_ES384,
    RP_ALG_ES512,
    RP_ALG_EDDSA, /* Ed25519 only */
    RP_ALG_HS256,
    RP_ALG_HS384,
    RP_ALG_HS512,
    RP_ALG_COUNT
} rp_alg_t;

/* A set of algorithms: bit 1 << rp_alg_t. */
typedef unsigned int rp_alg_set_t;

#define RP_ALGS_SYMMETRIC ((1u << RP_ALG_HS256) | (1u << RP_ALG_HS384) | (1u << RP_ALG_HS512))
#define RP_ALGS_ASYMMETRIC (((1u << RP_ALG_COUNT) - 1u) & ~RP_ALGS_SYMMETRIC)

/* How a signature is made, and so which type of key it needs. */
typedef enum {
    RP_ALG_FAMILY_RSA_PKCS1, /* RSASSA-PKCS1-v1_5 (RFC 7518 3.3) */
    RP_ALG_FAMILY_RSA_PSS,   /* RSASSA-PSS, salt as long as the hash (RFC 7518 3.5) */
    RP_ALG_FAMILY_ECDSA,     /* RFC 7518 3.4 */
    RP_ALG_FAMILY_EDDSA,     /* RFC 8037 3.1 */
    RP_ALG_FAMILY_HMAC       /* RFC 7518 3.2 */
} rp_alg_family_t;

typedef struct {
    const char *name;
    rp_alg_family_t family;
    rp_hash_t hash; /* of the signature; for EdDSA the one that Ed25519 has inside */
} rp_alg_row_t;

/* Exact, case-sensitive name; APR_NOTFOUND for any other. */
apr_status_t rp_alg_find(rp_alg_t *alg, const char *name);

const char *rp_alg_name(rp_alg_t alg);

/* The row of an algorithm; never NULL. */
const rp_alg_row_t *rp_alg_row(rp_alg_t alg);

#endif
