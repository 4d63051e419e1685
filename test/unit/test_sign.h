/* Signed tokens and key sets for the unit tests, made with OpenSSL directly, so that what is
 * tested is not tested with itself.
 *
 *     test_key_t *key = test_key_make("RS256", "k1", 0, pool);
 *     jwks = test_sign_jwks(pool, key, NULL);
 *     token = test_sign_jwt(key, NULL, "{\"iss\":\"https://op.example\"}", pool);             */
#ifndef TEST_SIGN_H
#define TEST_SIGN_H

#include <apr_pools.h>

typedef struct test_key_t test_key_t;

/* Key pairs of one type that test_key_make can tell apart. */
#define TEST_KEYS_MAX 4

/* A private key for alg: RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA. kid NULL:
 * none. number (0 to TEST_KEYS_MAX - 1) tells key pairs of one type apart: the same number is the
 * same key pair in the whole process, so that a test can rotate keys, or forge with another key
 * under the same kid. RSA keys are generated once per process, for they take long. */
test_key_t *test_key_make(const char *alg, const char *kid, int number, apr_pool_t *pool);

/* A symmetric key for HS256 HS384 HS512. */
test_key_t *test_key_secret(const char *alg, const char *kid, const void *secret, apr_size_t len,
                            apr_pool_t *pool);

/* A JWT in compact form. header_json NULL: alg, typ JWT and the key's kid. A given header is
 * taken as it is, whatever alg it names; the signature is always made with the key's own. */
const char *test_sign_jwt(const test_key_t *key, const char *header_json, const char *payload_json,
                          apr_pool_t *pool);

/* The raw JWS signature over data: ECDSA as r||s. In pool. */
unsigned char *test_sign_bytes(apr_size_t *len, const test_key_t *key, const void *data,
                               apr_size_t data_len, apr_pool_t *pool);

/* The public key as a JWK with use=sig, alg and kid; of a symmetric key the secret (kty oct). */
const char *test_sign_jwk(const test_key_t *key, apr_pool_t *pool);

/* The private key as PEM (PKCS#8), in pool. */
const char *test_sign_pem(const test_key_t *key, apr_pool_t *pool);

/* {"keys":[…]} of the given keys, NULL-terminated. */
const char *test_sign_jwks(apr_pool_t *pool, ...) __attribute__((sentinel));

/* Base64url without padding, for tokens built by hand. */
const char *test_sign_base64url(const void *data, apr_size_t len, apr_pool_t *pool);

#endif
