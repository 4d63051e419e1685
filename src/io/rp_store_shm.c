/* The arena: one file (or piece of anonymous memory), divided by its size alone.
 *
 *     +--------+---------+---------+-----+---------+---------+---------+-----+
 *     | file   | shard 0 | shard 1 | ... | login 0 | ...     | ended 0 | ... |
 *     | 4 KiB  |         |         |     |         |         |         |     |
 *     +--------+---------+---------+-----+---------+---------+---------+-----+
 *
 *     file     magic, layout, size, random seed of the hashes, check (rp_shm_file_t)
 *     shard    a store of its own behind a lock of its own, 3.5 MiB or more of it where the arena
 *              allows. The keyed hash of kind and key chooses the shard.
 *     login    the same for RP_KIND_LOGIN, with a sixteenth of the arena (an eighth of a small
 *              one), so that started logins push out nothing but started logins.
 *     ended    a sixteenth for RP_KIND_ENDED, so that nothing else pushes out what says that a
 *              cookie is of no use any more.
 *
 * A shard:
 *
 *     +------+-----------------+---------------------------------------------------+
 *     | head | buckets         | block | block | block | ...                       |
 *     +------+-----------------+---------------------------------------------------+
 *
 *     head     robust mutex, last version given, counters, the two cursors (hand, sweep), the
 *              first free block of each bin (rp_shm_head_t)
 *     buckets  a 32-bit place each: the first record of a chain
 *     blocks   lie side by side without a gap; sizes and places count units of 16 bytes, place 0
 *              means none. Each begins with a rp_shm_block_t:
 *
 *       0      4        8       12     16     20    24      28     32        40        48
 *       +------+--------+-------+------+------+-----+-------+------+---------+---------+-----+-------+
 *       | size | before | state | next | back | len | check | kind | version | expires | key |
 * value | |      |        |       |      |      |     |       | key_len        |         |     | |
 *       |      |        |       |      |      |     |       | touched        |         |     | |
 *       +------+--------+-------+------+------+-----+-------+------+---------+---------+-----+-------+
 *
 *              A free block (RP_SHM_FREE) is in the bin of its size by next and back; two free
 *              ones are never neighbours. A record (RP_SHM_LIVE) is in its bucket by next.
 *
 * Key idea: only records count. A record is written into a block marked RP_SHM_WRITING and becomes
 * one with the single store of RP_SHM_LIVE; it never changes afterwards (a new value is a new
 * record, and the old one is freed when the new one is there); it ends with the single store of
 * RP_SHM_FREE. Everything else, buckets, bins, sizes of free blocks, counters, can be made again
 * from the records, and is (rp_store_shm_rebuild.c), when a process has died with the lock in its
 * hands, when a number turns out to be impossible, and when the file is attached by the first one.
 *
 * No operation searches: a bucket holds less than one record on average (sessions; small records
 * a few), free blocks are found by bin, and evicting goes round like the hand of a clock. */
#include "rp_store_shm.h"

#include <string.h>

#include "../base/rp_limits.h"
#include "rp_store_shm_internal.h"

#define MIB ((apr_size_t)1024 * 1024)
/* Holds the largest value that rp_store.h allows, three times. */
#define SHARD_BYTES (MIB / 2 * 7)
#define MIN_SHARDS 4U
#define MAX_SHARDS 256U
#define BYTES_PER_BUCKET 512U

/* One operation on its way to a shard. */
typedef struct {
    rp_env_t *env;
    const rp_store_key_t *key;
    uint64_t hash;
    apr_time_t now;
    rp_store_value_t *value; /* get */
    uint64_t version;        /* compare-and-set; get: one that need not be copied, or 0 */
    rp_shm_item_t item;      /* set, add and compare-and-set */
} call_t;

typedef apr_status_t action_fn(const rp_shm_shard_t *shard, call_t *call);

static uint32_t clamp(apr_size_t count, uint32_t low, uint32_t high)
{
    return count < low ? low : count > high ? high : (uint32_t)count;
}

static void add_part(rp_shm_t *shm, int which, apr_size_t bytes, uint32_t count)
{
    shm->parts[which].first = shm->shard_count;
    shm->parts[which].count = count;
    shm->parts[which].bytes = bytes / count / RP_SHM_PAGE * RP_SHM_PAGE;
    shm->shard_count += count;
}

void rp_shm_divide(rp_shm_t *shm, apr_size_t size)
{
    apr_size_t area = size - RP_SHM_PAGE;
    apr_size_t ended = area / 16;
    apr_size_t login = ended;
    apr_size_t general;

    if (login < MIB) {
        login = area / 8 < MIB ? area / 8 : MIB;
    }
    general = area - login - ended;
    shm->size = size;
    shm->shard_count = 0;
    add_part(shm, RP_SHM_GENERAL, general, clamp(general / SHARD_BYTES, MIN_SHARDS, MAX_SHARDS));
    add_part(shm, RP_SHM_LOGIN, login, clamp(login / MIB, 1, MAX_SHARDS));
    add_part(shm, RP_SHM_ENDED, ended, clamp(ended / MIB, 1, MAX_SHARDS));
}

static void view_shard(rp_shm_shard_t *shard, unsigned char *memory, apr_size_t bytes)
{
    apr_size_t index;

    shard->head = (void *)memory;
    shard->buckets = (void *)(memory + sizeof(rp_shm_head_t));
    shard->bucket_count = (uint32_t)(bytes / BYTES_PER_BUCKET);
    index = sizeof(rp_shm_head_t) + shard->bucket_count * sizeof(uint32_t);
    index = (index + RP_SHM_UNIT - 1) / RP_SHM_UNIT * RP_SHM_UNIT;
    shard->blocks = memory + index;
    shard->limit = (uint32_t)((bytes - index) / RP_SHM_UNIT);
}

void rp_shm_view(rp_shm_t *shm, apr_pool_t *pool)
{
    const rp_shm_file_t *file = (void *)shm->map;
    unsigned char *memory = shm->map + RP_SHM_PAGE;

    shm->shards = apr_pcalloc(pool, shm->shard_count * sizeof(*shm->shards));
    for (int which = 0; which < RP_SHM_PARTS; which++) {
        const rp_shm_part_t *part = &shm->parts[which];

        for (uint32_t i = part->first; i < part->first + part->count; i++) {
            view_shard(&shm->shards[i], memory, part->bytes);
            memcpy(shm->shards[i].seed, file->seed, sizeof(file->seed));
            memory += part->bytes;
        }
    }
}

const rp_shm_shard_t *rp_shm_shard_of(const rp_shm_t *shm, rp_store_kind_t kind, uint64_t hash)
{
    const rp_shm_part_t *part = &shm->parts[kind == RP_KIND_LOGIN   ? RP_SHM_LOGIN
                                            : kind == RP_KIND_ENDED ? RP_SHM_ENDED
                                                                    : RP_SHM_GENERAL];

    return &shm->shards[part->first + ((hash >> 32) * part->count >> 32)];
}

/* Does an action under the lock of the key's shard, after a rebuild once more. */
static apr_status_t run(rp_store_t *store, call_t *call, action_fn *action)
{
    const rp_shm_t *shm = (const rp_shm_t *)store;
    const rp_shm_shard_t *shard = shm->shards;
    rp_shm_census_t census;
    apr_status_t rv;

    call->now = rp_now(call->env);
    call->hash = rp_shm_hash(shard->seed, call->key);
    shard = rp_shm_shard_of(shm, call->key->kind, call->hash);
    rv = rp_shm_lock(shard, call->now);
    if (rv != APR_SUCCESS) {
        return rp_fail(call->env, RP_E_STORE, "shared memory: no lock within %d s (%d)",
                       RP_SHM_LOCK_SECONDS, rv);
    }
    rv = action(shard, call);
    if (rv == RP_SHM_DAMAGED) {
        rp_shm_rebuild(&census, shard, 0, call->now);
        shard->head->recovered++;
        rv = action(shard, call);
    }
    rp_shm_unlock(shard);
    if (rv == APR_ENOSPC) {
        return rp_fail(call->env, RP_E_STORE_TOO_LARGE,
                       "value of %" APR_SIZE_T_FMT " bytes, shared memory of %" APR_SIZE_T_FMT,
                       call->item.len, shm->size);
    }
    if (rv == RP_SHM_DAMAGED) {
        return rp_fail(call->env, RP_E_STORE, "shared memory is damaged");
    }
    return rv;
}

/* The record of the call's key, unless its time has come: then it goes. */
static apr_status_t find_current(uint32_t *at, const rp_shm_shard_t *shard, const call_t *call)
{
    apr_status_t rv = rp_shm_find(at, shard, call->key, call->hash);

    if (rv == APR_SUCCESS && rp_shm_at(shard, *at)->expires <= call->now) {
        rv = rp_shm_remove(shard, at);
        *at = 0;
        return rv == APR_SUCCESS ? APR_NOTFOUND : rv;
    }
    return rv;
}

static apr_status_t do_get(const rp_shm_shard_t *shard, call_t *call)
{
    uint32_t at;
    apr_status_t rv = find_current(&at, shard, call);
    rp_shm_block_t *block;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    block = rp_shm_at(shard, at);
    if (!block->touched) {
        block->touched = 1;
    }
    call->value->version = block->version;
    if (block->version == call->version) {
        return APR_SUCCESS;
    }
    call->value->data = apr_palloc(call->env->pool, (apr_size_t)block->len + 1);
    memcpy(call->value->data, rp_shm_value(block), block->len);
    call->value->data[block->len] = '\0';
    call->value->len = block->len;
    return APR_SUCCESS;
}

static apr_status_t do_set(const rp_shm_shard_t *shard, call_t *call)
{
    uint32_t at;
    apr_status_t rv = find_current(&at, shard, call);

    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return rv;
    }
    call->item.touched = rv == APR_SUCCESS;
    return rp_shm_write(shard, &call->item, call->hash, call->now);
}

static apr_status_t do_add(const rp_shm_shard_t *shard, call_t *call)
{
    uint32_t at;
    apr_status_t rv = find_current(&at, shard, call);

    if (rv != APR_NOTFOUND) {
        return rv == APR_SUCCESS ? RP_CONFLICT : rv;
    }
    return rp_shm_write(shard, &call->item, call->hash, call->now);
}

static apr_status_t do_cas(const rp_shm_shard_t *shard, call_t *call)
{
    uint32_t at;
    apr_status_t rv = find_current(&at, shard, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rp_shm_at(shard, at)->version != call->version) {
        return RP_CONFLICT;
    }
    call->item.touched = 1;
    return rp_shm_write(shard, &call->item, call->hash, call->now);
}

static apr_status_t do_delete(const rp_shm_shard_t *shard, call_t *call)
{
    uint32_t at;
    apr_status_t rv = find_current(&at, shard, call);

    return rv == APR_SUCCESS ? rp_shm_remove(shard, &at) : rv;
}

static rp_shm_item_t item_of(const rp_env_t *env, const rp_store_key_t *key, const void *data,
                             apr_size_t len, apr_interval_time_t ttl)
{
    apr_time_t now = rp_now(env);
    apr_time_t expires = ttl > APR_INT64_MAX - now ? APR_INT64_MAX : now + ttl;
    rp_shm_item_t item = {.key = *key, .data = data, .len = len, .expires = expires};

    return item;
}

static apr_status_t shm_get(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                            const rp_store_key_t *key)
{
    call_t call = {.env = env, .key = key, .value = value};

    return run(store, &call, do_get);
}

static apr_status_t shm_get_newer(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                                  const rp_store_key_t *key, apr_uint64_t version)
{
    call_t call = {.env = env, .key = key, .value = value, .version = version};

    return run(store, &call, do_get);
}

static apr_status_t shm_set(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                            const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    call_t call = {.env = env, .key = key, .item = item_of(env, key, data, len, ttl)};

    return run(store, &call, do_set);
}

static apr_status_t shm_add(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                            const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    call_t call = {.env = env, .key = key, .item = item_of(env, key, data, len, ttl)};

    return run(store, &call, do_add);
}

/* One parameter more than usual, as the interface has it. */
/* NOLINTNEXTLINE(readability-function-size) */
static apr_status_t shm_cas(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                            apr_uint64_t version, const void *data, apr_size_t len,
                            apr_interval_time_t ttl)
{
    call_t call = {
        .env = env, .key = key, .version = version, .item = item_of(env, key, data, len, ttl)};

    return run(store, &call, do_cas);
}

static apr_status_t shm_delete(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key)
{
    call_t call = {.env = env, .key = key};

    return run(store, &call, do_delete);
}

const rp_store_driver_t rp_shm_driver = {
    .name = "shm",
    .get = shm_get,
    .set = shm_set,
    .add = shm_add,
    .cas = shm_cas,
    .del = shm_delete,
    .get_newer = shm_get_newer,
};

void rp_store_shm_stats(rp_store_shm_stats_t *stats, rp_store_t *store)
{
    const rp_shm_t *shm = (const rp_shm_t *)store;
    const rp_shm_shard_t *shard;

    memset(stats, 0, sizeof(*stats));
    for (uint32_t i = 0; i < shm->shard_count; i++) {
        shard = &shm->shards[i];
        stats->bytes_total += (apr_uint64_t)(shard->limit - 1) * RP_SHM_UNIT;
        if (rp_shm_lock(shard, 0) != APR_SUCCESS) {
            continue;
        }
        stats->entries += shard->head->entries;
        stats->bytes_used += shard->head->used * RP_SHM_UNIT;
        stats->evicted += shard->head->evicted;
        stats->recovered += shard->head->recovered;
        rp_shm_unlock(shard);
    }
}

static apr_uint64_t evicted_from(const rp_shm_t *shm, int which)
{
    const rp_shm_part_t *part = &shm->parts[which];
    apr_uint64_t sum = 0;

    for (uint32_t i = part->first; i < part->first + part->count; i++) {
        sum += __atomic_load_n(&shm->shards[i].head->evicted, __ATOMIC_RELAXED);
    }
    return sum;
}

void rp_store_shm_evicted(rp_store_shm_evicted_t *evicted, const rp_store_t *store)
{
    const rp_shm_t *shm = (const rp_shm_t *)store;

    evicted->sessions = evicted_from(shm, RP_SHM_GENERAL);
    evicted->logins = evicted_from(shm, RP_SHM_LOGIN);
    evicted->ended = evicted_from(shm, RP_SHM_ENDED);
}
