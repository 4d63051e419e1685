#include <stddef.h>
#include <string.h>

#include "rp_store_shm_internal.h"

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline uint64_t word_at(const unsigned char *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    return word;
}

/* Up to seven bytes; the rest of the word is zero. */
static inline uint64_t tail_at(const unsigned char *data, apr_size_t len)
{
    uint64_t word = 0;

    for (apr_size_t i = 0; i < len; i++) {
        word |= (uint64_t)data[i] << (8 * i);
    }
    return word;
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein); the kind is part of the key. */
uint64_t rp_shm_hash(const uint64_t seed[2], const rp_store_key_t *key)
{
    const unsigned char *data = key->data;
    apr_size_t whole = key->len & ~(apr_size_t)7;
    uint64_t k0 = seed[0] ^ (uint64_t)key->kind;
    uint64_t word;
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575ULL, seed[1] ^ 0x646f72616e646f6dULL,
                     k0 ^ 0x6c7967656e657261ULL, seed[1] ^ 0x7465646279746573ULL};

    for (apr_size_t i = 0; i < whole; i += 8) {
        word = word_at(data + i);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)key->len << 56 | tail_at(data + whole, key->len - whole);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline uint64_t absorb(uint64_t lane, uint64_t word)
{
    return rotate((lane ^ word) * 0x9e3779b97f4a7c15ULL, 29);
}

/* Four lanes, because one would wait for its own multiplication. Finds damage; it is no
 * authentication, which sealed values have above the store. */
static uint64_t digest(const uint64_t seed[2], const unsigned char *data, apr_size_t len)
{
    uint64_t a = seed[0];
    uint64_t b = seed[1];
    uint64_t c = ~seed[0];
    uint64_t d = ~seed[1] ^ len;

    for (; len >= 32; data += 32, len -= 32) {
        a = absorb(a, word_at(data));
        b = absorb(b, word_at(data + 8));
        c = absorb(c, word_at(data + 16));
        d = absorb(d, word_at(data + 24));
    }
    for (; len >= 8; data += 8, len -= 8) {
        a = absorb(a, word_at(data));
    }
    a = absorb(a, tail_at(data, len));
    a = absorb(absorb(absorb(a, b), c), d);
    a ^= a >> 33;
    a *= 0xff51afd7ed558ccdULL;
    return a ^ a >> 33;
}

uint32_t rp_shm_check(const uint64_t seed[2], const rp_shm_block_t *block)
{
    uint64_t fixed[3] = {(uint64_t)block->len << 32 | (uint32_t)block->kind << 8 | block->key_len,
                         block->version, (uint64_t)block->expires};
    uint64_t keyed[2] = {seed[0], digest(seed, (const unsigned char *)fixed, sizeof(fixed))};

    return (uint32_t)(digest(keyed, (const unsigned char *)block + sizeof(*block),
                             (apr_size_t)block->key_len + block->len) >>
                      32);
}

uint64_t rp_shm_file_check(const rp_shm_file_t *file)
{
    const uint64_t seed[2] = {RP_SHM_LIVE, RP_SHM_FREE};

    return digest(seed, (const unsigned char *)file, offsetof(rp_shm_file_t, check));
}
