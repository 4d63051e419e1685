#include "rp_seal_bench.h"

#include <stdlib.h>
#include <string.h>

#include "rp_ossl.h"

void rp_seal_bench_free(rp_seal_bench_t *bench)
{
    if (bench) {
        EVP_CIPHER_CTX_free(bench->chain);
        EVP_CIPHER_CTX_free(bench->aead);
        free(bench);
    }
}

/* From malloc and not from a pool: it outlives the request, and threads make them side by side. */
static rp_seal_bench_t *make(void)
{
    const rp_ossl_t *ossl = rp_ossl();
    rp_seal_bench_t *bench = calloc(1, sizeof(*bench));

    if (!bench) {
        return NULL;
    }
    bench->chain = EVP_CIPHER_CTX_new();
    bench->aead = EVP_CIPHER_CTX_new();
    if (!ossl || !bench->chain || !bench->aead ||
        EVP_EncryptInit_ex2(bench->chain, ossl->cbc, NULL, NULL, NULL) != 1 ||
        EVP_EncryptInit_ex2(bench->aead, ossl->gcm, NULL, NULL, NULL) != 1) {
        rp_seal_bench_free(bench);
        return NULL;
    }
    return bench;
}

rp_seal_bench_t *rp_seal_bench_take(rp_slots_t *idle)
{
    rp_seal_bench_t *bench = rp_slots_take(idle);

    return bench ? bench : make();
}

void rp_seal_bench_give(rp_slots_t *idle, rp_seal_bench_t *bench)
{
    if (!rp_slots_give(idle, bench)) {
        rp_seal_bench_free(bench);
    }
}

static int key_chain(rp_seal_bench_t *bench, const unsigned char *key)
{
    static const unsigned char zero[RP_BENCH_BLOCK] = {0};

    bench->keyed_for = NULL;
    if (EVP_EncryptInit_ex2(bench->chain, NULL, key, zero, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(bench->chain, 0) != 1) {
        return 0;
    }
    memset(bench->last, 0, sizeof(bench->last));
    bench->keyed_for = key;
    return 1;
}

int rp_seal_bench_chain(unsigned char *out, rp_seal_bench_t *bench, const unsigned char *key,
                        unsigned char *in, size_t len)
{
    int out_len = 0;

    if (bench->keyed_for != key && !key_chain(bench, key)) {
        return 0;
    }
    for (size_t i = 0; i < RP_BENCH_BLOCK; i++) {
        in[i] = (unsigned char)(in[i] ^ bench->last[i]);
    }
    if (EVP_EncryptUpdate(bench->chain, out, &out_len, in, (int)len) != 1 || out_len != (int)len) {
        return 0;
    }
    memcpy(bench->last, out + len - RP_BENCH_BLOCK, RP_BENCH_BLOCK);
    return 1;
}
