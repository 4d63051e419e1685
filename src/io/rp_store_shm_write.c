#include "rp_store_shm_internal.h"

/* Blocks looked at for expired records: by every write, and before anything live is evicted. */
#define SWEEP_WRITE 3
#define SWEEP_FULL 16
/* Records that one eviction passes over because they were used; then it takes what comes. This
 * bounds the work of a write when everything was used since the hand came by last. */
#define SECOND_CHANCES 64

static int expired(const rp_shm_block_t *block, apr_time_t now)
{
    return block->expires <= now;
}

apr_status_t rp_shm_sweep(const rp_shm_shard_t *shard, int blocks, apr_time_t now)
{
    rp_shm_head_t *head = shard->head;
    rp_shm_block_t *block;
    apr_status_t rv;
    uint32_t at;

    for (; blocks > 0; blocks--) {
        at = head->sweep;
        block = rp_shm_sized_block(shard, at);
        if (!block) {
            return RP_SHM_DAMAGED;
        }
        rv = APR_SUCCESS;
        if (block->state == RP_SHM_LIVE && expired(block, now)) {
            rv = rp_shm_remove(shard, &at);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        head->sweep = rp_shm_after(shard, at, rp_shm_at(shard, at)->size);
    }
    return APR_SUCCESS;
}

/* One step of the hand: *at, and how large the free block there is; 0: there is none. */
static apr_status_t step(uint32_t *at, uint32_t *size, const rp_shm_shard_t *shard, int *chances,
                         apr_time_t now)
{
    rp_shm_head_t *head = shard->head;
    rp_shm_block_t *block = rp_shm_sized_block(shard, head->hand);
    int live;

    *at = head->hand;
    *size = 0;
    if (!block) {
        return RP_SHM_DAMAGED;
    }
    if (block->state == RP_SHM_LIVE) {
        live = !expired(block, now);
        if (live && block->touched && *chances > 0) {
            block->touched = 0;
            (*chances)--;
            head->hand = rp_shm_after(shard, *at, block->size);
            return APR_SUCCESS;
        }
        if (rp_shm_remove(shard, at) != APR_SUCCESS) {
            return RP_SHM_DAMAGED;
        }
        head->evicted += live ? 1U : 0U;
        block = rp_shm_at(shard, *at);
    } else if (block->state != RP_SHM_FREE) {
        return RP_SHM_DAMAGED;
    }
    *size = block->size;
    head->hand = rp_shm_after(shard, *at, block->size);
    return APR_SUCCESS;
}

/* Clock: the hand walks through the blocks in the order of their places. What was used since it
 * came by last is spared once, the rest is freed, and neighbours that are freed one after the
 * other make the room for a record that is larger than each of them. */
static apr_status_t make_room(uint32_t *at, const rp_shm_shard_t *shard, uint32_t units,
                              apr_time_t now)
{
    int chances = SECOND_CHANCES;
    uint32_t size;

    /* Two turns free everything; more are a sign of damage. */
    for (uint32_t left = shard->limit / RP_SHM_MIN_BLOCK * 2 + SECOND_CHANCES; left; left--) {
        if (step(at, &size, shard, &chances, now) != APR_SUCCESS) {
            return RP_SHM_DAMAGED;
        }
        if (size >= units) {
            return APR_SUCCESS;
        }
    }
    return RP_SHM_DAMAGED;
}

/* Takes a block of at least units for writing. */
static apr_status_t reserve(uint32_t *at, const rp_shm_shard_t *shard, uint32_t units,
                            apr_time_t now)
{
    apr_status_t rv = rp_shm_find_free(at, shard, units);

    if (rv == APR_SUCCESS && !*at) {
        rv = rp_shm_sweep(shard, SWEEP_FULL, now);
        if (rv == APR_SUCCESS) {
            rv = rp_shm_find_free(at, shard, units);
        }
        if (rv == APR_SUCCESS && !*at) {
            rv = make_room(at, shard, units, now);
        }
    }
    return rv == APR_SUCCESS ? rp_shm_take(shard, *at, units) : rv;
}

apr_status_t rp_shm_write(const rp_shm_shard_t *shard, const rp_shm_item_t *item, uint64_t hash,
                          apr_time_t now)
{
    uint32_t units = rp_shm_units(item->key.len, item->len);
    apr_status_t rv;
    uint32_t at;
    uint32_t old;

    if (units > shard->limit / RP_SHM_LARGEST_PART) {
        return APR_ENOSPC;
    }
    rv = rp_shm_sweep(shard, SWEEP_WRITE, now);
    if (rv == APR_SUCCESS) {
        rv = reserve(&at, shard, units, now);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Looked up only now, since making room may have taken it. While both are there, the higher
     * version is the one that counts. */
    rv = rp_shm_find(&old, shard, &item->key, hash);
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return rv;
    }
    rp_shm_fill(shard, at, item, hash);
    rp_shm_link(shard, at, hash);
    return old ? rp_shm_remove(shard, &old) : APR_SUCCESS;
}
