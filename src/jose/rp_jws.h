/* JSON Web Signature in compact form (RFC 7515), checked as RFC 8725 asks.
 *
 * Key idea: the caller states everything that it accepts (algorithms, keys, types, size), and the
 * message chooses nothing. The result names what was wrong, so that each caller can map it to the
 * error of its own purpose.
 *
 *     rp_jws_expect_t expect = {.algs = provider_algs, .keys = keys, .typ = id_token_typs};
 *     result = rp_jws_verify(&jws, token, strlen(token), &expect, pool);
 *     if (result == RP_JWS_KEY_UNKNOWN) ... fetch the keys again                               */
#ifndef RP_JWS_H
#define RP_JWS_H

#include <apr_pools.h>
#include <jansson.h>

#include "rp_jwk.h"

typedef enum {
    RP_JWS_OK,
    RP_JWS_MALFORMED,   /* not compact, not base64url, not JSON objects, too long, b64=false… */
    RP_JWS_ALG,         /* alg missing, unknown or not in the set */
    RP_JWS_TYP,         /* typ is there and not one of those accepted */
    RP_JWS_CRIT,        /* any crit at all: no extension is understood */
    RP_JWS_KEY_UNKNOWN, /* no key fits alg and kid */
    RP_JWS_SIGNATURE,   /* a key fits and says no */
    RP_JWS_RESULTS
} rp_jws_result_t;

typedef struct {
    rp_alg_set_t algs;
    const rp_jwks_t *keys; /* for asymmetric algorithms; NULL: none */
    const unsigned char
        *secret; /* for HS*: the octets; shorter than the hash is no key (RFC 7518 3.2) */
    apr_size_t secret_len;
    /* Accepted media types in typ, NULL-terminated, compared without case and without an
     * "application/" prefix; absence is accepted when typ_optional is not 0. */
    const char *const *typ;
    int typ_optional;
} rp_jws_expect_t;

typedef struct {
    rp_alg_t alg;
    const char *kid; /* NULL: none */
    json_t *header;
    json_t *payload; /* an object */
} rp_jws_t;

/* *jws (in pool) is set for RP_JWS_OK only. The payload is parsed after the signature was
 * verified, never before. */
rp_jws_result_t rp_jws_verify(rp_jws_t **jws, const char *token, apr_size_t len,
                              const rp_jws_expect_t *expect, apr_pool_t *pool);

/* Words for a log. */
const char *rp_jws_result_text(rp_jws_result_t result);

/* The left half of the hash that goes with alg, base64url, in pool: at_hash and c_hash
 * (OpenID Connect Core 3.1.3.6; SHA-512 for EdDSA). NULL when OpenSSL failed. */
const char *rp_jws_half_hash(rp_alg_t alg, const char *text, apr_pool_t *pool);

#endif
