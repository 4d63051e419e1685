#include "rp_crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../base/rp_error.h"
#include "../codec/rp_base64.h"
#include "rp_ossl.h"
#include "rp_slots.h"

#define HKDF_MAX ((apr_size_t)255 * RP_SHA256)

/* The one piece of static mutable data of the core. It is all zero in a freshly loaded module,
 * filled once under the lock, read-only from then on but for the idle digest contexts, which have
 * their own atomic places, and all zero again after rp_crypto_cleanup. No destructor, exit
 * handler or thread-specific key points here, so that httpd may unload the module and load it
 * again at another address. */
static struct {
    pthread_mutex_t lock; /* around init and cleanup */
    atomic_int ready;
    rp_ossl_t ossl;
    rp_slots_t digests[3]; /* idle EVP_MD_CTX, one row for each hash */
    rp_slots_t macs[3];    /* idle EVP_MAC_CTX, likewise */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int hash_index(rp_hash_t hash)
{
    return hash == RP_SHA256 ? 0 : hash == RP_SHA384 ? 1 : 2;
}

const char *rp_ossl_hash_name(unsigned int octets)
{
    static const char *const names[] = {"SHA2-256", "SHA2-384", "SHA2-512"};

    return names[hash_index((rp_hash_t)octets)];
}

const rp_ossl_t *rp_ossl(void)
{
    return atomic_load_explicit(&state.ready, memory_order_acquire) ? &state.ossl : NULL;
}

/* A failed call leaves reasons in a queue that mod_ssl, in the same thread, would take for its
 * own. */
static apr_status_t failed(void)
{
    ERR_clear_error();
    return RP_FAILED;
}

static void release(rp_ossl_t *ossl)
{
    for (int i = 0; i < 3; i++) {
        EVP_MD_free(ossl->md[i]);
    }
    EVP_MAC_free(ossl->hmac);
    EVP_KDF_free(ossl->hkdf);
    EVP_CIPHER_free(ossl->gcm);
    EVP_CIPHER_free(ossl->cbc);
    memset(ossl, 0, sizeof(*ossl));
}

static int fetch(rp_ossl_t *ossl)
{
    for (int i = 0; i < 3; i++) {
        static const rp_hash_t hashes[] = {RP_SHA256, RP_SHA384, RP_SHA512};

        ossl->md[i] = EVP_MD_fetch(NULL, rp_ossl_hash_name(hashes[i]), NULL);
    }
    ossl->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ossl->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    ossl->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    ossl->cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    return ossl->md[0] && ossl->md[1] && ossl->md[2] && ossl->hmac && ossl->hkdf && ossl->gcm &&
           ossl->cbc;
}

apr_status_t rp_crypto_init(void)
{
    apr_status_t rv = APR_SUCCESS;

    pthread_mutex_lock(&state.lock);
    if (!atomic_load_explicit(&state.ready, memory_order_relaxed)) {
        if (fetch(&state.ossl)) {
            atomic_store_explicit(&state.ready, 1, memory_order_release);
        } else {
            release(&state.ossl);
            rv = failed();
        }
    }
    pthread_mutex_unlock(&state.lock);
    return rv;
}

void rp_crypto_cleanup(void)
{
    pthread_mutex_lock(&state.lock);
    atomic_store_explicit(&state.ready, 0, memory_order_release);
    for (int i = 0; i < 3; i++) {
        EVP_MD_CTX *ctx;
        EVP_MAC_CTX *mac;

        while ((ctx = rp_slots_take(&state.digests[i])) != NULL) {
            EVP_MD_CTX_free(ctx);
        }
        while ((mac = rp_slots_take(&state.macs[i])) != NULL) {
            EVP_MAC_CTX_free(mac);
        }
    }
    release(&state.ossl);
    pthread_mutex_unlock(&state.lock);
}

apr_status_t rp_crypto_random(unsigned char *out, apr_size_t len)
{
    if (len > INT_MAX || RAND_bytes(out, (int)len) != 1) {
        return failed();
    }
    return APR_SUCCESS;
}

apr_status_t rp_hash(unsigned char *out, rp_hash_t hash, const void *data, apr_size_t len)
{
    const rp_ossl_t *ossl = rp_ossl();
    const int index = hash_index(hash);
    EVP_MD_CTX *ctx;

    memset(out, 0, hash);
    if (!ossl) {
        return RP_FAILED;
    }
    ctx = rp_slots_take(&state.digests[index]);
    if (!ctx) {
        ctx = EVP_MD_CTX_new();
    }
    if (!ctx || EVP_DigestInit_ex2(ctx, ossl->md[index], NULL) != 1 ||
        EVP_DigestUpdate(ctx, data, len) != 1 || EVP_DigestFinal_ex(ctx, out, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        memset(out, 0, hash);
        return failed();
    }
    if (!rp_slots_give(&state.digests[index], ctx)) {
        EVP_MD_CTX_free(ctx);
    }
    return APR_SUCCESS;
}

/* One that knows its hash already, which OpenSSL would look up by name each time. It goes on to
 * hold what it made of the last key, whose owner holds the key itself as long. */
static EVP_MAC_CTX *take_mac(const rp_ossl_t *ossl, rp_hash_t hash)
{
    EVP_MAC_CTX *ctx = rp_slots_take(&state.macs[hash_index(hash)]);
    char name[sizeof("SHA2-256")];
    OSSL_PARAM params[2];

    if (ctx) {
        return ctx;
    }
    memcpy(name, rp_ossl_hash_name(hash), sizeof(name));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    ctx = EVP_MAC_CTX_new(ossl->hmac);
    if (ctx && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

apr_status_t rp_hmac(unsigned char *out, rp_hash_t hash, const void *key, apr_size_t key_len,
                     const void *data, apr_size_t len)
{
    const rp_ossl_t *ossl = rp_ossl();
    EVP_MAC_CTX *ctx;
    size_t out_len = 0;
    int ok;

    memset(out, 0, hash);
    if (!ossl) {
        return RP_FAILED;
    }
    ctx = take_mac(ossl, hash);
    /* A NULL key would mean "the previous one". */
    ok = ctx && EVP_MAC_init(ctx, key_len ? key : (const void *)"", key_len, NULL) == 1 &&
         EVP_MAC_update(ctx, data, len) == 1 && EVP_MAC_final(ctx, out, &out_len, hash) == 1 &&
         out_len == (size_t)hash;
    if (!ok) {
        EVP_MAC_CTX_free(ctx);
        memset(out, 0, hash);
        return failed();
    }
    if (!rp_slots_give(&state.macs[hash_index(hash)], ctx)) {
        EVP_MAC_CTX_free(ctx);
    }
    return APR_SUCCESS;
}

/* OSSL_PARAM has no const, though OpenSSL only reads what is given here. */
static void *without_const(const void *data)
{
    union {
        const void *in;
        void *out;
    } pointer = {data};

    return pointer.out;
}

apr_status_t rp_hkdf(unsigned char *out, apr_size_t out_len, const void *key, apr_size_t key_len,
                     const char *info)
{
    const rp_ossl_t *ossl = rp_ossl();
    char name[sizeof("SHA2-256")];
    OSSL_PARAM params[4];
    EVP_KDF_CTX *ctx;
    int ok;

    if (!ossl || !key_len || !out_len || out_len > HKDF_MAX) {
        return RP_FAILED;
    }
    memcpy(name, rp_ossl_hash_name(RP_SHA256), sizeof(name));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, without_const(key), key_len);
    params[2] =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, without_const(info), strlen(info));
    params[3] = OSSL_PARAM_construct_end();
    ctx = EVP_KDF_CTX_new(ossl->hkdf);
    ok = ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    if (!ok) {
        rp_wipe(out, out_len);
        return failed();
    }
    return APR_SUCCESS;
}

const char *rp_sha256_text(const char *text, apr_pool_t *pool)
{
    unsigned char digest[RP_SHA256];

    if (rp_hash(digest, RP_SHA256, text, strlen(text)) != APR_SUCCESS) {
        return NULL;
    }
    return rp_base64url_encode(digest, sizeof(digest), pool);
}

int rp_equal(const void *a, const void *b, apr_size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

int rp_equal_text(const char *a, const char *b)
{
    const apr_size_t len = strlen(b);
    unsigned int difference = 0;
    apr_size_t at = 0;

    /* The end of b is compared as well; the end of a is never passed. */
    for (apr_size_t i = 0; i <= len; i++) {
        difference |= (unsigned int)((unsigned char)a[at] ^ (unsigned char)b[i]);
        at += a[at] != '\0';
    }
    return difference == 0;
}

void rp_wipe(void *data, apr_size_t len)
{
    OPENSSL_cleanse(data, len);
}
