/* What the two files of the store in a cache know of each other; nobody else includes this.
 * rp_store_cache.c has the operations, rp_store_cache_entry.c the entries and how they are laid
 * out. */
#ifndef RP_STORE_CACHE_INTERNAL_H
#define RP_STORE_CACHE_INTERNAL_H

#include "rp_store_cache.h"

/* A value was read while it was replaced: read again, with the lock. */
#define RP_CACHE_TORN APR_INCOMPLETE

/* The value that a key has now. */
typedef struct {
    int present; /* 1: there is one, though its time may have come */
    apr_uint64_t version;
    apr_time_t expires; /* by the environment's clock */
    apr_size_t len;     /* of the whole value */
    apr_size_t here;    /* so many bytes of it are in the buffer; the others are in parts */
} rp_cache_head_t;

/* One operation on one key. */
typedef struct {
    rp_cache_t *cache;
    rp_env_t *env;
    apr_pool_t *scratch;
    int locked;
    unsigned char name[RP_CACHE_ID];
    unsigned char *buffer;           /* the entry as it was retrieved */
    _Atomic(unsigned char *) *spare; /* where the buffer comes from and goes */
    apr_size_t size;                 /* of the buffer */
    apr_size_t filled;
    rp_cache_head_t head;
} rp_cache_call_t;

/* A value to be written. */
typedef struct {
    const unsigned char *data;
    apr_size_t len;
    apr_uint64_t version;
    apr_time_t expires;
    apr_interval_time_t ttl;
} rp_cache_item_t;

/* The largest entry that a value makes in this cache. */
apr_size_t rp_cache_room(const rp_cache_t *cache);

/* RP_E_CRYPTO when it cannot be hashed. */
apr_status_t rp_cache_name(rp_cache_call_t *call, const rp_store_key_t *key);

/* Retrieves the first entry of the value into call->head and the buffer. APR_SUCCESS, also when
 * there is none (head.present); RP_FAILED when the cache cannot say. */
apr_status_t rp_cache_look(rp_cache_call_t *call);

/* Puts the value that was looked up together, in the environment's pool. RP_CACHE_TORN when a part
 * is missing. */
apr_status_t rp_cache_assemble(rp_store_value_t *value, rp_cache_call_t *call);

/* Writes a value over the one that was looked up, which stays when that fails. Needs the lock. */
apr_status_t rp_cache_put(rp_cache_call_t *call, const rp_cache_item_t *item);

/* Removes the value that was looked up. Needs the lock. */
apr_status_t rp_cache_drop(rp_cache_call_t *call);

#endif
