/* A private key of this server's own, with which it signs: read, judged, and shown in public.
 *
 * Key idea: a key is good or refused once, when it is read, with words for the administrator: of a
 * type and size that signs something here, private, one in the file, not encrypted, and its private
 * half fits the public one (proved by a signature). What is published is made from the public half
 * alone, so that no private member can be in it.
 *
 *     rv = rp_private_key_parse(&key, text, len, &options, pool, &why);
 *     alg = rp_private_key_alg(key, algs_of_the_provider);
 *     jwks = rp_private_key_public(key);                                                       */
#ifndef RP_PRIVATE_KEY_H
#define RP_PRIVATE_KEY_H

#include "rp_jwk.h"

/* Octets of the longest signature: RSA of RP_MAX_RSA_BITS. */
#define RP_SIGNATURE_MAX 1024

typedef struct rp_private_key_t rp_private_key_t;

/* What the administrator says about the key; each goes before what a JWK says itself. */
typedef struct {
    const char *kid; /* NULL: the JWK's own, else the thumbprint (RFC 7638) */
    const char *alg; /* NULL: the JWK's own, else whatever the key can do */
} rp_private_key_options_t;

/* Reads PEM (PKCS#8 or the older form of each type) or a JWK (RFC 7517): RSA of RP_MIN_RSA_BITS to
 * RP_MAX_RSA_BITS, EC on P-256, P-384 or P-521, Ed25519. APR_EINVAL with *why, words that go on
 * after the file's name ("has an RSA key of 1024 bits; …"), for anything else; else *why is NULL.
 * The key, in pool, may be used by any number of threads. */
apr_status_t rp_private_key_parse(rp_private_key_t **key, const char *text, apr_size_t len,
                                  const rp_private_key_options_t *options, apr_pool_t *pool,
                                  const char **why);

const char *rp_private_key_kid(const rp_private_key_t *key);

/* RFC 7638 SHA-256 thumbprint: equal for the same key whatever its kid. */
const char *rp_private_key_thumbprint(const rp_private_key_t *key);

/* What it signs with; one algorithm where there is no choice. Never empty. */
rp_alg_set_t rp_private_key_algs(const rp_private_key_t *key);

/* The algorithm of the key to use where these are accepted: of several the first of rp_alg_t, so
 * that an RSA key is RS256 unless its alg says otherwise, for that is what every party has.
 * RP_ALG_COUNT: none. */
rp_alg_t rp_private_key_alg(const rp_private_key_t *key, rp_alg_set_t accepted);

/* The public key as a JWK: its public members, kid, use=sig, and alg when there is one only. */
const json_t *rp_private_key_public(const rp_private_key_t *key);

/* The raw JWS signature (ECDSA: r||s). APR_EINVAL: alg is not one of this key's; RP_FAILED: OpenSSL
 * failed. */
apr_status_t rp_private_key_sign(unsigned char signature[RP_SIGNATURE_MAX],
                                 apr_size_t *signature_len, const rp_private_key_t *key,
                                 rp_alg_t alg, const void *data, apr_size_t len);

#endif
