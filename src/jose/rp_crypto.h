/* Hashes, MACs, random numbers and comparison, on OpenSSL 3. jose/ is the only folder that knows
 * OpenSSL. Algorithms are fetched once per process; every function may be called by any thread.
 * Failing OpenSSL calls empty its error queue and return RP_FAILED or a status, never a partial
 * result. */
#ifndef RP_CRYPTO_H
#define RP_CRYPTO_H

#include <apr_errno.h>
#include <apr_pools.h>

typedef enum { RP_SHA256 = 32, RP_SHA384 = 48, RP_SHA512 = 64 } rp_hash_t;

#define RP_HASH_MAX 64

/* Fetches algorithms; before any other function of jose/ (again is harmless, also in a process
 * forked afterwards). Nothing is registered with the C library or OpenSSL that would outlive the
 * module. RP_FAILED when OpenSSL lacks one. */
apr_status_t rp_crypto_init(void);

/* Gives back what rp_crypto_init took, before the module is unloaded. No other thread may be in
 * a function of jose/, and key rings and key sets must be gone. rp_crypto_init starts anew. */
void rp_crypto_cleanup(void);

/* Cryptographically secure bytes from OpenSSL; the module's rp_env_ops_t.random. */
apr_status_t rp_crypto_random(unsigned char *out, apr_size_t len);

/* out has room for as many bytes as the enum's value. */
apr_status_t rp_hash(unsigned char *out, rp_hash_t hash, const void *data, apr_size_t len);

apr_status_t rp_hmac(unsigned char *out, rp_hash_t hash, const void *key, apr_size_t key_len,
                     const void *data, apr_size_t len);

/* HKDF-SHA256 (RFC 5869) with an empty salt; out_len at most 255 * 32, key_len at least 1. */
apr_status_t rp_hkdf(unsigned char *out, apr_size_t out_len, const void *key, apr_size_t key_len,
                     const char *info);

/* Base64url of SHA-256 of a text, 43 characters, in pool (PKCE S256, RFC 7636 4.2). NULL when
 * OpenSSL failed. */
const char *rp_sha256_text(const char *text, apr_pool_t *pool);

/* 1 when equal. Time depends on len only. */
int rp_equal(const void *a, const void *b, apr_size_t len);

/* 1 when two strings are equal; time depends on the length of the second only. */
int rp_equal_text(const char *a, const char *b);

/* Overwrites in a way the compiler keeps. */
void rp_wipe(void *data, apr_size_t len);

#endif
