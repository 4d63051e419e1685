/* What the files of the shared-memory store know of each other; nobody else includes this. The
 * layout that these types describe is drawn at the top of rp_store_shm.c.
 *
 * Key idea: the arena holds numbers, never pointers, and a number read from it is checked before
 * it is used. A function that meets a number that cannot be right returns RP_SHM_DAMAGED; whoever
 * holds the lock then rebuilds the shard from the records that are whole and tries once more.
 *
 * Everything here that takes a shard wants its lock held, unless it says otherwise. */
#ifndef RP_STORE_SHM_INTERNAL_H
#define RP_STORE_SHM_INTERNAL_H

#include <pthread.h>
#include <stdint.h>

#include "rp_store.h"
#include "rp_store_shm.h"

#define RP_SHM_DAMAGED APR_EGENERAL

#define RP_SHM_PAGE 4096U
#define RP_SHM_MIN_SIZE ((apr_size_t)1024 * 1024)
#define RP_SHM_MAGIC "RPSHM\r\n" /* and its NUL */
/* Counts up with every change of the layout; a file of another layout is not read. */
#define RP_SHM_LAYOUT 2U

#define RP_SHM_UNIT 16U /* bytes; sizes and places of blocks are counted in units */
#define RP_SHM_BINS 240U
#define RP_SHM_MIN_BLOCK 4U
/* How long a request waits for a lock whose holder is alive but does not move. */
#define RP_SHM_LOCK_SECONDS 2
/* The largest record is this part of its shard. */
#define RP_SHM_LARGEST_PART 3U

/* Words that are unlikely in zeroed, random or textual memory. */
#define RP_SHM_FREE 0x9e46f2eeU
#define RP_SHM_WRITING 0x97c3a1d7U
#define RP_SHM_LIVE 0x91b3e7f5U

/* The first page of the file. */
typedef struct {
    unsigned char magic[8];
    uint32_t layout;    /* RP_SHM_LAYOUT */
    uint32_t head_size; /* sizeof(rp_shm_head_t): differs between C libraries */
    uint64_t size;      /* of the whole file */
    uint64_t seed[2];   /* keys the hash and the checks, so that nobody can aim at a bucket */
    uint64_t check;     /* over the members before */
} rp_shm_file_t;

/* The beginning of a shard. Buckets follow, then the blocks. */
typedef struct {
    union {
        pthread_mutex_t mutex;
        unsigned char line[64];
    } lock;
    uint64_t version;   /* the last one given to a record */
    uint64_t entries;   /* live records */
    uint64_t used;      /* units they occupy */
    uint64_t evicted;   /* pushed out before their time */
    uint64_t recovered; /* locks taken over from a dead holder, and damage met on the way */
    uint32_t hand;      /* where eviction looks next: the start of a block */
    uint32_t sweep;     /* where the sweep for expired records looks next */
    uint64_t filled[4]; /* one bit a bin: 1 when it is not empty */
    uint32_t bins[RP_SHM_BINS];
} rp_shm_head_t;

/* The beginning of a block. In a record (RP_SHM_LIVE), key and value follow. */
typedef struct {
    uint32_t size;   /* units, with this header */
    uint32_t before; /* units of the block in front; 0: this is the first */
    uint32_t state;
    uint32_t next;   /* record: next in its bucket; free: next in its bin; 0: none */
    uint32_t back;   /* record: a part of the hash; free: previous in its bin; 0: none */
    uint32_t len;    /* bytes of the value */
    uint32_t check;  /* over key, value and what is fixed with them */
    uint8_t kind;    /* rp_store_kind_t */
    uint8_t key_len; /* bytes */
    uint8_t touched; /* 1: used since the hand came by */
    uint8_t unused;
    uint64_t version;
    int64_t expires; /* microseconds since 1970 */
} rp_shm_block_t;

/* A shard as this process sees it. */
typedef struct {
    rp_shm_head_t *head;
    uint32_t *buckets;
    unsigned char *blocks; /* unit 0, which no block occupies */
    uint32_t bucket_count;
    uint32_t limit; /* first unit behind the last block */
    uint64_t seed[2];
} rp_shm_shard_t;

/* Kinds that must not push each other out lie in different parts. */
enum { RP_SHM_GENERAL, RP_SHM_LOGIN, RP_SHM_ENDED, RP_SHM_PARTS };

typedef struct {
    uint32_t first;   /* shard */
    uint32_t count;   /* of shards */
    apr_size_t bytes; /* of one shard */
} rp_shm_part_t;

typedef struct {
    rp_store_t base;
    unsigned char *map;
    apr_size_t size;
    int fd; /* -1: anonymous memory. Carries the shared lock of everybody who is attached. */
    rp_shm_part_t parts[RP_SHM_PARTS];
    uint32_t shard_count; /* of all parts */
    rp_shm_shard_t *shards;
} rp_shm_t;

/* What rebuilding found. */
typedef struct {
    uint64_t kept;
    uint64_t dropped;
} rp_shm_census_t;

/* A record to be written. */
typedef struct {
    rp_store_key_t key;
    const void *data;
    apr_size_t len;
    apr_time_t expires;
    int touched; /* 1: gets a second chance from the start */
} rp_shm_item_t;

/* --- rp_store_shm_hash.c: no lock needed --- */

uint64_t rp_shm_hash(const uint64_t seed[2], const rp_store_key_t *key);
uint32_t rp_shm_check(const uint64_t seed[2], const rp_shm_block_t *block);
uint64_t rp_shm_file_check(const rp_shm_file_t *file);

/* --- rp_store_shm_block.c --- */

/* The header at a place that was already found to be right. */
static inline rp_shm_block_t *rp_shm_at(const rp_shm_shard_t *shard, uint32_t at)
{
    return (void *)(shard->blocks + (apr_size_t)at * RP_SHM_UNIT);
}

/* The header at a place, or NULL when no block can be there. */
static inline rp_shm_block_t *rp_shm_block(const rp_shm_shard_t *shard, uint32_t at)
{
    if (at < 1 || at >= shard->limit || shard->limit - at < RP_SHM_MIN_BLOCK) {
        return NULL;
    }
    return rp_shm_at(shard, at);
}

/* The same when the block also ends inside the shard. */
rp_shm_block_t *rp_shm_sized_block(const rp_shm_shard_t *shard, uint32_t at);

/* Where the walk through all blocks goes on behind this one: at 1 again behind the last. */
static inline uint32_t rp_shm_after(const rp_shm_shard_t *shard, uint32_t at, uint32_t size)
{
    return at + size < shard->limit ? at + size : 1;
}

/* *at: a free block of at least units, or 0 when there is none (found without a search). */
apr_status_t rp_shm_find_free(uint32_t *at, const rp_shm_shard_t *shard, uint32_t units);

/* Takes a free block out of its bin, cuts it to units and marks it RP_SHM_WRITING. */
apr_status_t rp_shm_take(const rp_shm_shard_t *shard, uint32_t at, uint32_t units);

/* Marks the block at *at free and joins it with free neighbours; *at: where the joined block
 * begins. */
apr_status_t rp_shm_free(const rp_shm_shard_t *shard, uint32_t *at);

/* Puts a block that is already marked free into its bin. */
void rp_shm_bin_insert(const rp_shm_shard_t *shard, uint32_t at);

/* --- rp_store_shm_record.c --- */

/* The units a record needs; fits 32 bits for every key and value that rp_store.h allows. */
uint32_t rp_shm_units(apr_size_t key_len, apr_size_t len);

/* The record at a place, or NULL when there is none or its lengths do not fit its block. */
rp_shm_block_t *rp_shm_record(const rp_shm_shard_t *shard, uint32_t at);

static inline unsigned char *rp_shm_key(rp_shm_block_t *block)
{
    return (unsigned char *)block + sizeof(*block);
}

static inline unsigned char *rp_shm_value(rp_shm_block_t *block)
{
    return rp_shm_key(block) + block->key_len;
}

/* APR_SUCCESS with *at, APR_NOTFOUND, or RP_SHM_DAMAGED. Says nothing of expiry. */
apr_status_t rp_shm_find(uint32_t *at, const rp_shm_shard_t *shard, const rp_store_key_t *key,
                         uint64_t hash);

/* Writes an item into a block that was taken for it and makes it a record. From then on it
 * survives the death of this process; before that it never was. */
void rp_shm_fill(const rp_shm_shard_t *shard, uint32_t at, const rp_shm_item_t *item,
                 uint64_t hash);

/* Puts a record into its bucket and counts it; takes it out again. */
void rp_shm_link(const rp_shm_shard_t *shard, uint32_t at, uint64_t hash);
apr_status_t rp_shm_unlink(const rp_shm_shard_t *shard, uint32_t at, uint64_t hash);

/* Ends a record; *at: the free block that it became part of. */
apr_status_t rp_shm_remove(const rp_shm_shard_t *shard, uint32_t *at);

/* --- rp_store_shm_write.c --- */

/* Frees what has expired among the next blocks; their number is small. */
apr_status_t rp_shm_sweep(const rp_shm_shard_t *shard, int blocks, apr_time_t now);

/* Writes an item in place of what was there, pushing others out when there is no room.
 * APR_ENOSPC when it is larger than a record of this shard may be. */
apr_status_t rp_shm_write(const rp_shm_shard_t *shard, const rp_shm_item_t *item, uint64_t hash,
                          apr_time_t now);

/* --- rp_store_shm_rebuild.c --- */

/* Makes an empty shard of zeroed memory. */
void rp_shm_format(const rp_shm_shard_t *shard, apr_time_t now);

/* Makes a working shard of whatever is there: keeps the records that are whole and not expired,
 * and trusts nothing else. Can be interrupted and begun again at any instruction. fresh: nobody
 * else is attached, so that not even the last version given need be believed. */
void rp_shm_rebuild(rp_shm_census_t *census, const rp_shm_shard_t *shard, int fresh,
                    apr_time_t now);

/* --- rp_store_shm_lock.c --- */

/* Makes the lock anew, whatever its memory holds; only while nobody else is attached. */
apr_status_t rp_shm_lock_make(const rp_shm_shard_t *shard);

/* Takes the lock, from a dead holder too. Other than APR_SUCCESS: the system's status. */
apr_status_t rp_shm_lock(const rp_shm_shard_t *shard, apr_time_t now);
void rp_shm_unlock(const rp_shm_shard_t *shard);

/* --- rp_store_shm.c --- */

extern const rp_store_driver_t rp_shm_driver;

/* Divides an arena of this size; no lock needed. */
void rp_shm_divide(rp_shm_t *shm, apr_size_t size);

/* Sets up the view of the shards of a mapped and divided arena. */
void rp_shm_view(rp_shm_t *shm, apr_pool_t *pool);

/* The shard a key belongs to. */
const rp_shm_shard_t *rp_shm_shard_of(const rp_shm_t *shm, rp_store_kind_t kind, uint64_t hash);

#endif
