#include "rp_store_shm_internal.h"

/* How many blocks of the bin that holds smaller ones too are looked at for one that fits. */
#define TRIES 4

/* One bin for each size below 16 units, then eight for each doubling. */
static uint32_t bin_of(uint32_t size)
{
    uint32_t log;

    if (size < 16) {
        return size;
    }
    log = 31U - (uint32_t)__builtin_clz(size);
    return 16 + (log - 4) * 8 + (size >> (log - 3) & 7U);
}

rp_shm_block_t *rp_shm_sized_block(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_block_t *block = rp_shm_block(shard, at);

    if (!block || block->size < RP_SHM_MIN_BLOCK || block->size > shard->limit - at) {
        return NULL;
    }
    return block;
}

static rp_shm_block_t *free_block(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_block_t *block = rp_shm_sized_block(shard, at);

    return block && block->state == RP_SHM_FREE ? block : NULL;
}

void rp_shm_bin_insert(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_head_t *head = shard->head;
    rp_shm_block_t *block = rp_shm_at(shard, at);
    uint32_t bin = bin_of(block->size);
    rp_shm_block_t *first = rp_shm_block(shard, head->bins[bin]);

    block->back = 0;
    block->next = first ? head->bins[bin] : 0;
    if (first && first->state == RP_SHM_FREE) {
        first->back = at;
    }
    head->bins[bin] = at;
    head->filled[bin / 64] |= 1ULL << bin % 64;
}

static apr_status_t bin_remove(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_head_t *head = shard->head;
    rp_shm_block_t *block = rp_shm_at(shard, at);
    rp_shm_block_t *next = free_block(shard, block->next);
    rp_shm_block_t *back = free_block(shard, block->back);
    uint32_t bin = bin_of(block->size);

    if (block->next && (!next || next->back != at)) {
        return RP_SHM_DAMAGED;
    }
    if (block->back ? !back || back->next != at : head->bins[bin] != at) {
        return RP_SHM_DAMAGED;
    }
    if (next) {
        next->back = block->back;
    }
    if (back) {
        back->next = block->next;
    } else {
        head->bins[bin] = block->next;
    }
    if (!head->bins[bin]) {
        head->filled[bin / 64] &= ~(1ULL << bin % 64);
    }
    return APR_SUCCESS;
}

/* The first bin from here on that is not empty; RP_SHM_BINS: there is none. */
static uint32_t filled_bin(const rp_shm_head_t *head, uint32_t bin)
{
    uint64_t bits;

    while (bin < RP_SHM_BINS) {
        bits = head->filled[bin / 64] >> bin % 64;
        if (bits) {
            return bin + (uint32_t)__builtin_ctzll(bits);
        }
        bin = (bin / 64 + 1) * 64;
    }
    return RP_SHM_BINS;
}

apr_status_t rp_shm_find_free(uint32_t *at, const rp_shm_shard_t *shard, uint32_t units)
{
    const rp_shm_head_t *head = shard->head;
    uint32_t bin = bin_of(units);
    uint32_t place = head->bins[bin];
    const rp_shm_block_t *block;

    *at = 0;
    for (int i = 0; place && i < TRIES; i++) {
        block = free_block(shard, place);
        if (!block) {
            return RP_SHM_DAMAGED;
        }
        if (block->size >= units) {
            *at = place;
            return APR_SUCCESS;
        }
        place = block->next;
    }
    bin = filled_bin(head, bin + 1);
    if (bin >= RP_SHM_BINS) {
        return APR_SUCCESS;
    }
    block = free_block(shard, head->bins[bin]);
    if (!block || block->size < units) {
        return RP_SHM_DAMAGED;
    }
    *at = head->bins[bin];
    return APR_SUCCESS;
}

/* Tells the block that follows how large this one is. */
static void set_before(const rp_shm_shard_t *shard, uint32_t at, uint32_t size)
{
    rp_shm_block_t *following = rp_shm_block(shard, at + size);

    if (following) {
        following->before = size;
    }
}

apr_status_t rp_shm_take(const rp_shm_shard_t *shard, uint32_t at, uint32_t units)
{
    rp_shm_block_t *block = free_block(shard, at);
    rp_shm_block_t *rest;
    uint32_t left;

    if (!block || block->size < units || bin_remove(shard, at) != APR_SUCCESS) {
        return RP_SHM_DAMAGED;
    }
    left = block->size - units;
    if (left >= RP_SHM_MIN_BLOCK) {
        rest = rp_shm_at(shard, at + units);
        rest->size = left;
        rest->before = units;
        rest->state = RP_SHM_FREE;
        set_before(shard, at + units, left);
        block->size = units;
        rp_shm_bin_insert(shard, at + units);
    }
    __atomic_store_n(&block->state, RP_SHM_WRITING, __ATOMIC_SEQ_CST);
    return APR_SUCCESS;
}

/* The blocks at first and second become one. */
static void join(const rp_shm_shard_t *shard, uint32_t first, uint32_t second)
{
    rp_shm_head_t *head = shard->head;

    rp_shm_at(shard, first)->size += rp_shm_at(shard, second)->size;
    if (head->hand == second) {
        head->hand = first;
    }
    if (head->sweep == second) {
        head->sweep = first;
    }
}

apr_status_t rp_shm_free(const rp_shm_shard_t *shard, uint32_t *at)
{
    rp_shm_block_t *block = rp_shm_sized_block(shard, *at);
    uint32_t before;
    uint32_t behind;

    if (!block) {
        return RP_SHM_DAMAGED;
    }
    /* Nothing of the block may change before this is seen. */
    __atomic_store_n(&block->state, RP_SHM_FREE, __ATOMIC_SEQ_CST);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    behind = *at + block->size;
    if (free_block(shard, behind)) {
        if (bin_remove(shard, behind) != APR_SUCCESS) {
            return RP_SHM_DAMAGED;
        }
        join(shard, *at, behind);
    }
    before = block->before;
    if (before >= *at) {
        return RP_SHM_DAMAGED;
    }
    block = before ? free_block(shard, *at - before) : NULL;
    if (block) {
        if (block->size != before || bin_remove(shard, *at - before) != APR_SUCCESS) {
            return RP_SHM_DAMAGED;
        }
        join(shard, *at - before, *at);
        *at -= before;
    }
    set_before(shard, *at, rp_shm_at(shard, *at)->size);
    rp_shm_bin_insert(shard, *at);
    return APR_SUCCESS;
}
