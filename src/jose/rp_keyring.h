/* The inside of a key ring, for rp_keyring.c and rp_seal_box.c only; see rp_seal.h. */
#ifndef RP_KEYRING_H
#define RP_KEYRING_H

#include "rp_seal.h"
#include "rp_slots.h"

#define RP_KEY_ID_LEN 4
#define RP_KEY_LEN 32 /* AES-256 */

/* What one secret gives for one purpose. */
typedef struct {
    unsigned char derive[RP_KEY_LEN]; /* CMAC key, from which each box's own key is derived */
    unsigned char cmac_k1[16];        /* its subkey K1 (RFC 4493 2.3) */
    unsigned char mac[32];            /* HMAC key of rp_keyring_mac */
} rp_subkey_t;

typedef struct {
    unsigned char id[RP_KEY_ID_LEN];
    rp_subkey_t subkeys[RP_SEAL_PURPOSES];
} rp_ring_key_t;

struct rp_keyring_t {
    int count;           /* secrets; the first one seals */
    rp_ring_key_t *keys; /* in the ring's pool, wiped with it */
    rp_slots_t *benches; /* idle rp_seal_bench_t, freed with the ring */
};

#endif
