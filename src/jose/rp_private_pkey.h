/* From the text of a private key to OpenSSL's, and to the members of its public half. Internal to
 * rp_private_key.c. */
#ifndef RP_PRIVATE_PKEY_H
#define RP_PRIVATE_PKEY_H

#include <apr_pools.h>
#include <jansson.h>
#include <openssl/evp.h>

/* Each: NULL with *why in words as of rp_private_key_parse. The caller releases the key. */
EVP_PKEY *rp_private_pkey_pem(const char *text, apr_size_t len, apr_pool_t *pool, const char **why);
EVP_PKEY *rp_private_pkey_jwk(const json_t *object, apr_pool_t *pool, const char **why);

/* The public half: kty, and the members that belong to it, released with pool. NULL with *why when
 * the key is of a type, curve or size that is not used here. */
json_t *rp_private_pkey_public(EVP_PKEY *pkey, apr_pool_t *pool, const char **why);

#endif
