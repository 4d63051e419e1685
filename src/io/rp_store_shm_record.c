#include <string.h>

#include "../base/rp_limits.h"
#include "rp_store_shm_internal.h"

uint32_t rp_shm_units(apr_size_t key_len, apr_size_t len)
{
    return (uint32_t)((sizeof(rp_shm_block_t) + key_len + len + RP_SHM_UNIT - 1) / RP_SHM_UNIT);
}

rp_shm_block_t *rp_shm_record(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_block_t *block = rp_shm_sized_block(shard, at);

    if (!block || block->state != RP_SHM_LIVE || block->key_len < 1 ||
        block->key_len > RP_MAX_STORE_KEY || block->len > RP_MAX_STORE_VALUE ||
        rp_shm_units(block->key_len, block->len) > block->size) {
        return NULL;
    }
    return block;
}

/* Shard, bucket and tag use different bits of the hash. */
static uint32_t *bucket_of(const rp_shm_shard_t *shard, uint64_t hash)
{
    return &shard->buckets[((hash & 0xffffffffU) * shard->bucket_count) >> 32];
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 16);
}

static int is_key(rp_shm_block_t *block, const rp_store_key_t *key, uint32_t tag)
{
    return block->back == tag && block->kind == (uint8_t)key->kind && block->key_len == key->len &&
           memcmp(rp_shm_key(block), key->data, key->len) == 0;
}

apr_status_t rp_shm_find(uint32_t *at, const rp_shm_shard_t *shard, const rp_store_key_t *key,
                         uint64_t hash)
{
    uint32_t tag = tag_of(hash);
    uint32_t place = *bucket_of(shard, hash);
    rp_shm_block_t *block;

    *at = 0;
    /* No chain is longer than the shard has room for records: a longer one is a circle. */
    for (uint32_t left = shard->limit / RP_SHM_MIN_BLOCK; place && left; left--) {
        block = rp_shm_record(shard, place);
        if (!block) {
            return RP_SHM_DAMAGED;
        }
        if (is_key(block, key, tag)) {
            *at = place;
            return APR_SUCCESS;
        }
        place = block->next;
    }
    return place ? RP_SHM_DAMAGED : APR_NOTFOUND;
}

void rp_shm_fill(const rp_shm_shard_t *shard, uint32_t at, const rp_shm_item_t *item, uint64_t hash)
{
    rp_shm_block_t *block = rp_shm_at(shard, at);

    block->len = (uint32_t)item->len;
    block->kind = (uint8_t)item->key.kind;
    block->key_len = (uint8_t)item->key.len;
    block->touched = item->touched != 0;
    block->unused = 0;
    block->back = tag_of(hash);
    block->next = 0;
    block->version = ++shard->head->version;
    block->expires = item->expires;
    memcpy(rp_shm_key(block), item->key.data, item->key.len);
    if (item->len) {
        memcpy(rp_shm_value(block), item->data, item->len);
    }
    block->check = rp_shm_check(shard->seed, block);
    __atomic_store_n(&block->state, RP_SHM_LIVE, __ATOMIC_SEQ_CST);
}

void rp_shm_link(const rp_shm_shard_t *shard, uint32_t at, uint64_t hash)
{
    rp_shm_block_t *block = rp_shm_at(shard, at);
    uint32_t *bucket = bucket_of(shard, hash);

    block->back = tag_of(hash);
    block->next = *bucket;
    *bucket = at;
    shard->head->entries++;
    shard->head->used += block->size;
}

apr_status_t rp_shm_unlink(const rp_shm_shard_t *shard, uint32_t at, uint64_t hash)
{
    uint32_t *link = bucket_of(shard, hash);
    rp_shm_block_t *block;

    /* cppcheck-suppress uninitvar ; what link points to is in the arena */
    for (uint32_t left = shard->limit / RP_SHM_MIN_BLOCK; *link && left; left--) {
        block = rp_shm_record(shard, *link);
        if (!block) {
            return RP_SHM_DAMAGED;
        }
        if (*link == at) {
            *link = block->next;
            shard->head->entries--;
            shard->head->used -= block->size;
            return APR_SUCCESS;
        }
        link = &block->next;
    }
    return RP_SHM_DAMAGED;
}

apr_status_t rp_shm_remove(const rp_shm_shard_t *shard, uint32_t *at)
{
    rp_shm_block_t *block = rp_shm_record(shard, *at);
    rp_store_key_t key;

    if (!block) {
        return RP_SHM_DAMAGED;
    }
    key.kind = (rp_store_kind_t)block->kind;
    key.data = rp_shm_key(block);
    key.len = block->key_len;
    if (rp_shm_unlink(shard, *at, rp_shm_hash(shard->seed, &key)) != APR_SUCCESS) {
        return RP_SHM_DAMAGED;
    }
    return rp_shm_free(shard, at);
}
