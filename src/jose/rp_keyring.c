#include "rp_keyring.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "../base/rp_error.h"
#include "rp_crypto.h"
#include "rp_ossl.h"
#include "rp_seal_bench.h"

#define SECRET_MIN 16

/* Names, not numbers, go into the keys: a purpose keeps its keys when the enum grows. */
static const char *const purpose_names[RP_SEAL_PURPOSES] = {
    [RP_SEAL_SESSION] = "session",
    [RP_SEAL_TOKENS] = "session tokens",
    [RP_SEAL_COOKIE] = "session cookie",
    [RP_SEAL_COOKIE_TOKENS] = "session cookie tokens",
    [RP_SEAL_RENEWED] = "renewed tokens",
    [RP_SEAL_LOGIN_STATE] = "login state",
    [RP_SEAL_LOGIN_URL] = "login url",
    [RP_SEAL_LOGOUT_STATE] = "logout state",
    [RP_SEAL_CSRF] = "csrf",
    [RP_SEAL_SHARED_TOKEN] = "shared token",
    [RP_SEAL_BEARER] = "bearer",
};

static apr_status_t forget(void *data)
{
    rp_keyring_t *ring = data;
    rp_seal_bench_t *bench;

    while ((bench = rp_slots_take(ring->benches)) != NULL) {
        rp_seal_bench_free(bench);
    }
    rp_wipe(ring->keys, (apr_size_t)ring->count * sizeof(*ring->keys));
    ring->count = 0;
    return APR_SUCCESS;
}

/* K1 of RFC 4493 2.3: the encrypted zero block, doubled in GF(2^128). */
static apr_status_t make_cmac_k1(unsigned char k1[16], const unsigned char *key)
{
    static const unsigned char zero[16] = {0};
    const rp_ossl_t *ossl = rp_ossl();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    unsigned char block[16] = {0};
    int len = 0;
    int ok = ctx && ossl && EVP_EncryptInit_ex2(ctx, ossl->cbc, key, zero, NULL) == 1 &&
             EVP_EncryptUpdate(ctx, block, &len, zero, sizeof(zero)) == 1 &&
             len == (int)sizeof(block);

    EVP_CIPHER_CTX_free(ctx);
    if (!ok) {
        ERR_clear_error();
        return RP_FAILED;
    }
    for (int i = 0; i < 15; i++) {
        k1[i] = (unsigned char)(block[i] << 1 | block[i + 1] >> 7);
    }
    k1[15] = (unsigned char)(block[15] << 1 ^ (block[0] >> 7) * 0x87);
    rp_wipe(block, sizeof(block));
    return APR_SUCCESS;
}

static apr_status_t derive_subkey(rp_subkey_t *subkey, const rp_secret_bytes_t *secret,
                                  const char *purpose, apr_pool_t *pool)
{
    apr_status_t rv = rp_hkdf(subkey->derive, sizeof(subkey->derive), secret->data, secret->len,
                              apr_pstrcat(pool, "auth_oauth 1 seal ", purpose, NULL));

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_hkdf(subkey->mac, sizeof(subkey->mac), secret->data, secret->len,
                 apr_pstrcat(pool, "auth_oauth 1 mac ", purpose, NULL));
    return rv != APR_SUCCESS ? rv : make_cmac_k1(subkey->cmac_k1, subkey->derive);
}

static apr_status_t derive_key(rp_ring_key_t *key, const rp_secret_bytes_t *secret,
                               apr_pool_t *pool)
{
    apr_status_t rv =
        rp_hkdf(key->id, sizeof(key->id), secret->data, secret->len, "auth_oauth 1 key id");

    for (int i = 0; i < RP_SEAL_PURPOSES && rv == APR_SUCCESS; i++) {
        rv = derive_subkey(&key->subkeys[i], secret, purpose_names[i], pool);
    }
    return rv;
}

apr_status_t rp_keyring_make(rp_keyring_t **out, const apr_array_header_t *secrets,
                             apr_pool_t *pool)
{
    rp_keyring_t *ring = apr_pcalloc(pool, sizeof(*ring));

    *out = NULL;
    if (secrets->nelts < 1) {
        return APR_EINVAL;
    }
    ring->count = secrets->nelts;
    ring->keys = apr_pcalloc(pool, (apr_size_t)ring->count * sizeof(*ring->keys));
    ring->benches = apr_pcalloc(pool, sizeof(*ring->benches));
    apr_pool_cleanup_register(pool, ring, forget, apr_pool_cleanup_null);
    for (int i = 0; i < secrets->nelts; i++) {
        const rp_secret_bytes_t *secret = &APR_ARRAY_IDX(secrets, i, rp_secret_bytes_t);
        apr_status_t rv =
            secret->len < SECRET_MIN ? APR_EINVAL : derive_key(&ring->keys[i], secret, pool);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    *out = ring;
    return APR_SUCCESS;
}

apr_status_t rp_keyring_mac(unsigned char out[32], const rp_keyring_t *ring, int index,
                            rp_seal_purpose_t purpose, const void *data, apr_size_t len)
{
    const rp_subkey_t *subkey;

    if (index < 0 || index >= ring->count || (unsigned)purpose >= RP_SEAL_PURPOSES) {
        return APR_NOTFOUND;
    }
    subkey = &ring->keys[index].subkeys[purpose];
    return rp_hmac(out, RP_SHA256, subkey->mac, sizeof(subkey->mac), data, len);
}
