#include <string.h>

#include "../base/rp_limits.h"
#include "rp_store_shm_internal.h"

/* A walk through a shard that makes a gapless row of records and free blocks again. */
typedef struct {
    const rp_shm_shard_t *shard;
    rp_shm_census_t *census;
    apr_time_t now;
    uint32_t gap;     /* where what is no record began; 0: nowhere */
    uint32_t last;    /* the record in front of here; 0: none */
    uint64_t version; /* highest of a whole record */
} walk_t;

static void clear_index(const rp_shm_shard_t *shard)
{
    rp_shm_head_t *head = shard->head;

    memset(shard->buckets, 0, shard->bucket_count * sizeof(*shard->buckets));
    memset(head->filled, 0, sizeof(head->filled));
    memset(head->bins, 0, sizeof(head->bins));
    head->entries = 0;
    head->used = 0;
}

static void make_free(const rp_shm_shard_t *shard, uint32_t at, uint32_t size)
{
    rp_shm_block_t *block = rp_shm_at(shard, at);

    block->size = size;
    __atomic_store_n(&block->state, RP_SHM_FREE, __ATOMIC_SEQ_CST);
}

void rp_shm_format(const rp_shm_shard_t *shard, apr_time_t now)
{
    clear_index(shard);
    shard->head->version = (uint64_t)now;
    shard->head->hand = 1;
    shard->head->sweep = 1;
    make_free(shard, 1, shard->limit - 1);
    rp_shm_at(shard, 1)->before = 0;
    rp_shm_bin_insert(shard, 1);
}

/* The units of a whole record at a place; 0: there is none. Its size may exceed what it needs by
 * a remainder that was too small for a block. */
static uint32_t whole(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_block_t *block = rp_shm_block(shard, at);
    uint32_t need;

    if (!block || block->state != RP_SHM_LIVE || block->key_len < 1 ||
        block->key_len > RP_MAX_STORE_KEY || block->len > RP_MAX_STORE_VALUE) {
        return 0;
    }
    need = rp_shm_units(block->key_len, block->len);
    if (need > shard->limit - at || block->check != rp_shm_check(shard->seed, block)) {
        return 0;
    }
    if (block->size < need || block->size - need >= RP_SHM_MIN_BLOCK ||
        block->size > shard->limit - at) {
        block->size = need;
    }
    return block->size;
}

/* How far to go on from what is no record. A free block is skipped as a whole only when what
 * follows confirms its size; else a damaged size could hide records. */
static uint32_t skip(const walk_t *walk, uint32_t at)
{
    const rp_shm_shard_t *shard = walk->shard;
    const rp_shm_block_t *block = rp_shm_sized_block(shard, at);
    const rp_shm_block_t *following;

    if (!block || block->state != RP_SHM_FREE) {
        return 1;
    }
    if (block->size == shard->limit - at) {
        return block->size;
    }
    following = rp_shm_sized_block(shard, at + block->size);
    if (following && following->before == block->size &&
        (following->state == RP_SHM_LIVE || following->state == RP_SHM_FREE)) {
        return block->size;
    }
    return 1;
}

/* Makes what lies between the last record and end a free block, or a part of that record when it
 * is too small to be one. */
static void close_gap(walk_t *walk, uint32_t end)
{
    uint32_t size = end - walk->gap;

    if (!walk->gap) {
        return;
    }
    if (size >= RP_SHM_MIN_BLOCK) {
        make_free(walk->shard, walk->gap, size);
    } else {
        rp_shm_at(walk->shard, walk->last)->size += size;
    }
    walk->gap = 0;
}

/* Drops the older of two records with one key: a process died between making the new one and
 * freeing the old one. Returns 1 when the one at hand is to go. */
static int drop_older(walk_t *walk, uint32_t at, const rp_store_key_t *key, uint64_t hash)
{
    const rp_shm_shard_t *shard = walk->shard;
    rp_shm_block_t *block = rp_shm_at(shard, at);
    rp_shm_block_t *other;
    uint32_t twin;

    if (rp_shm_find(&twin, shard, key, hash) != APR_SUCCESS) {
        return 0;
    }
    other = rp_shm_at(shard, twin);
    if (other->version > block->version) {
        return 1;
    }
    /* The older one's place in the bucket goes to the newer one; the walk over all blocks that
     * follows makes its memory free for use. */
    rp_shm_unlink(shard, twin, hash);
    make_free(shard, twin, other->size);
    return 0;
}

static void take_record(walk_t *walk, uint32_t at)
{
    const rp_shm_shard_t *shard = walk->shard;
    rp_shm_block_t *block = rp_shm_at(shard, at);
    rp_store_key_t key = {(rp_store_kind_t)block->kind, rp_shm_key(block), block->key_len};
    uint64_t hash = rp_shm_hash(shard->seed, &key);

    if (block->version > walk->version) {
        walk->version = block->version;
    }
    if (block->expires <= walk->now) {
        walk->census->dropped++;
        make_free(shard, at, block->size);
    } else if (drop_older(walk, at, &key, hash)) {
        make_free(shard, at, block->size);
    } else {
        block->touched = block->touched != 0;
        rp_shm_link(shard, at, hash);
    }
}

/* A header of a record that is not whole, or was never finished. */
static int torn(const walk_t *walk, uint32_t at)
{
    const rp_shm_block_t *block = rp_shm_block(walk->shard, at);

    return block && (block->state == RP_SHM_LIVE || block->state == RP_SHM_WRITING);
}

static void take_records(walk_t *walk)
{
    uint32_t at = 1;
    uint32_t size;

    while (at < walk->shard->limit) {
        size = whole(walk->shard, at);
        /* A record that begins where no block can end in front of it is none of ours. */
        if (size && walk->gap && !walk->last && at - walk->gap < RP_SHM_MIN_BLOCK) {
            size = 0;
        }
        if (size) {
            close_gap(walk, at);
            take_record(walk, at);
            walk->last = at;
            at += size;
            continue;
        }
        walk->census->dropped += torn(walk, at) ? 1U : 0U;
        walk->gap = walk->gap ? walk->gap : at;
        at += skip(walk, at);
    }
    close_gap(walk, walk->shard->limit);
}

/* Makes the free blocks that follow a free one a part of it. */
static void absorb(const rp_shm_shard_t *shard, uint32_t at)
{
    rp_shm_block_t *block = rp_shm_at(shard, at);
    rp_shm_block_t *following = rp_shm_block(shard, at + block->size);

    while (following && following->state == RP_SHM_FREE) {
        block->size += following->size;
        following = rp_shm_block(shard, at + block->size);
    }
}

/* Joins free neighbours, fills the bins, counts what is used, and puts both cursors on the start of
 * a block. */
static void take_free(const rp_shm_shard_t *shard)
{
    rp_shm_head_t *head = shard->head;
    uint32_t hand = head->hand;
    uint32_t sweep = head->sweep;
    uint32_t before = 0;
    rp_shm_block_t *block;

    head->hand = 1;
    head->sweep = 1;
    head->used = 0;
    for (uint32_t at = 1; at < shard->limit; at += before) {
        block = rp_shm_at(shard, at);
        block->before = before;
        if (block->state == RP_SHM_FREE) {
            absorb(shard, at);
            rp_shm_bin_insert(shard, at);
        } else {
            head->used += block->size;
        }
        before = block->size;
        head->hand = hand >= at && hand - at < before ? at : head->hand;
        head->sweep = sweep >= at && sweep - at < before ? at : head->sweep;
    }
}

void rp_shm_rebuild(rp_shm_census_t *census, const rp_shm_shard_t *shard, int fresh, apr_time_t now)
{
    rp_shm_head_t *head = shard->head;
    walk_t walk = {.shard = shard, .census = census, .now = now};

    census->kept = 0;
    census->dropped = 0;
    clear_index(shard);
    take_records(&walk);
    take_free(shard);
    census->kept = head->entries;
    /* A version must not come again, also not of a record that is gone. Microseconds run faster
     * than writes do. */
    if (fresh || head->version < walk.version) {
        head->version = walk.version > (uint64_t)now ? walk.version : (uint64_t)now;
    }
}
