/* The algorithms that rp_crypto_init fetched from OpenSSL, for the files of jose/ only;
 * kept in rp_crypto.c.
 *
 * Key idea: fetching by name costs thousands of instructions and takes locks, so it is done once;
 * what is here is read-only afterwards and shared by all threads. */
#ifndef RP_OSSL_H
#define RP_OSSL_H

#include <openssl/evp.h>
#include <openssl/kdf.h>

typedef struct {
    EVP_MD *md[3]; /* SHA-256, SHA-384, SHA-512 */
    EVP_MAC *hmac;
    EVP_KDF *hkdf;
    EVP_CIPHER *gcm; /* AES-256-GCM */
    EVP_CIPHER *cbc; /* AES-256-CBC, as the chain of a CMAC */
} rp_ossl_t;

/* NULL before rp_crypto_init succeeded. */
const rp_ossl_t *rp_ossl(void);

/* OpenSSL's name of the SHA-2 hash with that many octets: 32, 48 or 64 (rp_hash_t). */
const char *rp_ossl_hash_name(unsigned int octets);

#endif
