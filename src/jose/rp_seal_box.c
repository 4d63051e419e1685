#include "rp_seal.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "rp_crypto.h"
#include "rp_keyring.h"
#include "rp_seal_bench.h"

/* The box:
 *
 *     0        1          5           21               len - 16
 *     | version | key id   | salt      | ciphertext ... | tag      |
 *
 * Its key, 32 bytes, is made by the feedback mode of NIST SP 800-108 (4.2) with CMAC-AES-256 under
 * the purpose's key. The input of each of the two steps has a fixed form and length, four blocks:
 *
 *     step (1) | version (1) | key id (4) | binding length (1) | 0 (7) | 256, big-endian (2)
 *     salt (16)
 *     binding, padded with 0 (32)
 *
 * AES-256-GCM then runs with that key, which no other box has, an all-zero nonce, and the context
 * as associated data. What stands before the ciphertext has already shaped the key. */
#define VERSION 1
#define SALT_LEN 16
#define TAG_LEN 16
#define ID_AT 1
#define SALT_AT (ID_AT + RP_KEY_ID_LEN)
#define TEXT_AT (SALT_AT + SALT_LEN)

#define BLOCK RP_BENCH_BLOCK
#define INPUT_LEN (4 * BLOCK)
#define CHAIN_LEN (10 * BLOCK)
#define BINDING_MAX 32u

/* A box's key and the way to it, wiped together. */
typedef struct {
    unsigned char in[CHAIN_LEN];
    unsigned char out[CHAIN_LEN];
    unsigned char key[RP_KEY_LEN];
} derivation_t;

typedef struct {
    const rp_ring_key_t *key;
    const unsigned char *salt;
    const rp_seal_for_t *seal_for;
} box_key_t;

/* Writes the input of both steps as one chain. A fifth block, zero, makes the first CMAC the head
 * of the second one's input; a tenth leaves something else than key material in the context. */
static void lay_out(unsigned char in[CHAIN_LEN], const box_key_t *box, const rp_subkey_t *subkey)
{
    const rp_seal_for_t *seal_for = box->seal_for;
    unsigned char *last = in + INPUT_LEN - BLOCK;
    unsigned char *second = in + INPUT_LEN + BLOCK;

    memset(in, 0, CHAIN_LEN);
    in[0] = 1;
    in[1] = VERSION;
    memcpy(in + 2, box->key->id, RP_KEY_ID_LEN);
    in[6] = (unsigned char)seal_for->binding_len;
    in[14] = RP_KEY_LEN * 8 >> 8;
    memcpy(in + BLOCK, box->salt, SALT_LEN);
    if (seal_for->binding_len) {
        memcpy(in + 2 * BLOCK, seal_for->binding, seal_for->binding_len);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        last[i] = (unsigned char)(last[i] ^ subkey->cmac_k1[i]);
    }
    memcpy(second, in, INPUT_LEN);
    second[0] = 2;
}

static int derive(derivation_t *work, rp_seal_bench_t *bench, const box_key_t *box)
{
    const rp_subkey_t *subkey = &box->key->subkeys[box->seal_for->purpose];

    lay_out(work->in, box, subkey);
    if (!rp_seal_bench_chain(work->out, bench, subkey->derive, work->in, CHAIN_LEN)) {
        return 0;
    }
    memcpy(work->key, work->out + INPUT_LEN - BLOCK, BLOCK);
    memcpy(work->key + BLOCK, work->out + 2 * INPUT_LEN, BLOCK);
    return 1;
}

/* Keys bench->aead for one box. encrypt: 1 or 0. */
static int start(rp_seal_bench_t *bench, const box_key_t *box, int encrypt)
{
    static const unsigned char nonce[12] = {0};
    const char *context = box->seal_for->context;
    derivation_t work;
    int len = 0;
    int ok = derive(&work, bench, box) &&
             EVP_CipherInit_ex2(bench->aead, NULL, work.key, nonce, encrypt, NULL) == 1;

    rp_wipe(&work, sizeof(work));
    if (!ok || !context || !*context) {
        return ok;
    }
    return EVP_CipherUpdate(bench->aead, NULL, &len, (const unsigned char *)context,
                            (int)strlen(context)) == 1;
}

static int encrypt_box(rp_seal_bench_t *bench, unsigned char *box, const unsigned char *data,
                       int data_len)
{
    unsigned char *text = box + TEXT_AT;
    int len = 0;

    return (!data_len || EVP_EncryptUpdate(bench->aead, text, &len, data, data_len) == 1) &&
           len == data_len && EVP_EncryptFinal_ex(bench->aead, text + len, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(bench->aead, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, text + data_len) == 1;
}

/* 1 opened, 0 the tag does not fit, -1 OpenSSL failed. */
static int decrypt_box(rp_seal_bench_t *bench, unsigned char *data, const unsigned char *box,
                       int data_len)
{
    const unsigned char *text = box + TEXT_AT;
    unsigned char tag[TAG_LEN];
    int len = 0;

    memcpy(tag, text + data_len, TAG_LEN);
    if ((data_len && EVP_DecryptUpdate(bench->aead, data, &len, text, data_len) != 1) ||
        len != data_len ||
        EVP_CIPHER_CTX_ctrl(bench->aead, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1) {
        return -1;
    }
    return EVP_DecryptFinal_ex(bench->aead, data + data_len, &len) == 1;
}

static apr_status_t check(rp_env_t *env, const rp_seal_for_t *seal_for)
{
    if (!env->keyring) {
        return rp_fail(env, RP_E_CRYPTO, "no key ring");
    }
    if ((unsigned)seal_for->purpose >= RP_SEAL_PURPOSES || seal_for->binding_len > BINDING_MAX ||
        (seal_for->binding_len && !seal_for->binding)) {
        return rp_fail(env, RP_E_CRYPTO, "purpose %d with a binding of %" APR_SIZE_T_FMT " bytes",
                       (int)seal_for->purpose, seal_for->binding_len);
    }
    return APR_SUCCESS;
}

/* After a failed operation the contexts are in no known state. */
static apr_status_t broken(rp_env_t *env, rp_seal_bench_t *bench, const char *what)
{
    rp_seal_bench_free(bench);
    ERR_clear_error();
    return rp_fail(env, RP_E_CRYPTO, "%s", what);
}

apr_status_t rp_seal(unsigned char **out, apr_size_t *out_len, rp_env_t *env,
                     const rp_seal_for_t *seal_for, const void *data, apr_size_t len)
{
    apr_status_t rv = check(env, seal_for);
    unsigned char *box;
    box_key_t key;
    rp_seal_bench_t *bench;

    *out = NULL;
    *out_len = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (len > INT_MAX - RP_SEAL_OVERHEAD) {
        return rp_fail(env, RP_E_CRYPTO, "sealing %" APR_SIZE_T_FMT " bytes", len);
    }
    box = apr_palloc(env->pool, len + RP_SEAL_OVERHEAD);
    key.key = &env->keyring->keys[0];
    key.salt = box + SALT_AT;
    key.seal_for = seal_for;
    box[0] = VERSION;
    memcpy(box + ID_AT, key.key->id, RP_KEY_ID_LEN);
    rv = rp_random(env, box + SALT_AT, SALT_LEN);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    bench = rp_seal_bench_take(env->keyring->benches);
    if (!bench || !start(bench, &key, 1) || !encrypt_box(bench, box, data, (int)len)) {
        return broken(env, bench, "sealing failed");
    }
    rp_seal_bench_give(env->keyring->benches, bench);
    *out = box;
    *out_len = len + RP_SEAL_OVERHEAD;
    return APR_SUCCESS;
}

/* Tries one secret of the ring. */
static apr_status_t open_with(unsigned char *data, rp_env_t *env, const box_key_t *key,
                              const unsigned char *box, int data_len)
{
    rp_seal_bench_t *bench = rp_seal_bench_take(env->keyring->benches);
    int opened = bench && start(bench, key, 0) ? decrypt_box(bench, data, box, data_len) : -1;

    if (opened < 0) {
        return broken(env, bench, "opening failed");
    }
    rp_seal_bench_give(env->keyring->benches, bench);
    if (!opened) {
        rp_wipe(data, (apr_size_t)data_len);
        ERR_clear_error();
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t rp_open(unsigned char **out, apr_size_t *out_len, rp_env_t *env,
                     const rp_seal_for_t *seal_for, const void *box, apr_size_t box_len)
{
    const unsigned char *bytes = box;
    apr_status_t rv = check(env, seal_for);
    unsigned char *data = NULL;
    apr_size_t len;

    *out = NULL;
    *out_len = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (box_len < RP_SEAL_OVERHEAD || box_len > INT_MAX || bytes[0] != VERSION) {
        return APR_EINVAL;
    }
    len = box_len - RP_SEAL_OVERHEAD;
    rv = APR_EINVAL;
    /* Two secrets may share an id, so one that does not fit is not the end. */
    for (int i = 0; i < env->keyring->count && rv == APR_EINVAL; i++) {
        box_key_t key = {&env->keyring->keys[i], bytes + SALT_AT, seal_for};

        if (memcmp(key.key->id, bytes + ID_AT, RP_KEY_ID_LEN) != 0) {
            continue;
        }
        if (!data) {
            data = apr_palloc(env->pool, len + 1);
        }
        rv = open_with(data, env, &key, bytes, (int)len);
    }
    if (rv == APR_SUCCESS) {
        data[len] = '\0';
        *out = data;
        *out_len = len;
    }
    return rv;
}
