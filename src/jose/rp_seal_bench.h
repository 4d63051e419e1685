/* The tools of one sealing or opening, kept for the next one. Internal to jose/.
 *
 * Key idea: setting up a CBC context again costs more than the ten blocks that it is wanted for
 * here. So it stays keyed for the key it served last, and instead of setting its chaining value
 * to zero, that value (the last block that came out) is remembered and cancelled from the next
 * input. The GCM context only keeps its algorithm. */
#ifndef RP_SEAL_BENCH_H
#define RP_SEAL_BENCH_H

#include <openssl/evp.h>
#include <stddef.h>

#include "rp_slots.h"

#define RP_BENCH_BLOCK ((size_t)16)

typedef struct {
    EVP_CIPHER_CTX *chain;              /* AES-256-CBC without padding */
    EVP_CIPHER_CTX *aead;               /* AES-256-GCM */
    const unsigned char *keyed_for;     /* the key that chain has; NULL: none */
    unsigned char last[RP_BENCH_BLOCK]; /* chaining value of chain */
} rp_seal_bench_t;

/* One that was idle, or a new one; NULL when OpenSSL or memory failed. It belongs to the caller
 * until it is given back, or freed when its contexts are in no known state. */
rp_seal_bench_t *rp_seal_bench_take(rp_slots_t *idle);
void rp_seal_bench_give(rp_slots_t *idle, rp_seal_bench_t *bench);
void rp_seal_bench_free(rp_seal_bench_t *bench);

/* Runs len octets (whole blocks) through CBC under key (32 octets, at an address of its own for
 * each key) as if from a zero chaining value. Changes the first block of in. 1 when it went
 * well. */
int rp_seal_bench_chain(unsigned char *out, rp_seal_bench_t *bench, const unsigned char *key,
                        unsigned char *in, size_t len);

#endif
