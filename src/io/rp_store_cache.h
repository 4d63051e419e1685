/* A store in a cache that knows no more than store, retrieve and remove, and is guarded by a lock:
 * what httpd's socache providers offer (httpd/rp_store_socache.h).
 *
 * Key idea: a cache is not believed. It may cut ids and values short, forget early, hold what
 * another program wrote, or say "not found" when it means "I do not know". So each entry carries
 * the hash of the whole key, its own length, version and time, and what does not fit together is
 * absent. Compare-and-set, which caches lack, is a retrieve and a store under the lock: it holds
 * among the processes that share the lock, that is on one machine.
 *
 *     static const rp_cache_ops_t ops = {my_store, my_retrieve, my_remove, my_lock, my_unlock};
 *     my->cache.ops = &ops;
 *     store = rp_store_cache_make(&my->cache, local, pool);
 *
 * Times to live end by the environment's clock; the cache's own clock only cleans up. */
#ifndef RP_STORE_CACHE_H
#define RP_STORE_CACHE_H

#include "rp_store.h"

/* Bytes of an id: SHA-256. */
#define RP_CACHE_ID 32

typedef struct rp_cache_t rp_cache_t;

/* scratch is for temporary memory and goes when the call of the store ends. */
typedef struct {
    /* Keeps data for at least ttl (at least 2 seconds). Any other status than APR_SUCCESS: it is
     * not kept, and what was there before may be gone too. APR_ENOSPC: it is too large. */
    apr_status_t (*store)(rp_cache_t *cache, const unsigned char *id, const void *data,
                          apr_size_t len, apr_interval_time_t ttl, apr_pool_t *scratch);
    /* *len is the room at data, then the bytes written. APR_NOTFOUND: there is none. */
    apr_status_t (*retrieve)(rp_cache_t *cache, const unsigned char *id, unsigned char *data,
                             apr_size_t *len, apr_pool_t *scratch);
    apr_status_t (*remove)(rp_cache_t *cache, const unsigned char *id, apr_pool_t *scratch);
    /* One thread of all processes at a time. */
    apr_status_t (*lock)(rp_cache_t *cache);
    void (*unlock)(rp_cache_t *cache);
} rp_cache_ops_t;

/* A cache's own struct begins with this. */
struct rp_cache_t {
    const rp_cache_ops_t *ops;
    /* The most bytes in one entry: larger values are split. At least 128; 0: any size. */
    apr_size_t part;
    int unsafe; /* 1: even a retrieve needs the lock */
    int vague;  /* 1: APR_NOTFOUND may also mean that nobody answered */
};

/* The store in cache; both live as long as pool. apart: where entries go that must not be pushed
 * out by others, nor push others out: what anyone can cause to be written, and who has signed out
 * (RP_KIND_LOGIN, RP_KIND_ENDED); NULL: into the cache like the rest. */
rp_store_t *rp_store_cache_make(rp_cache_t *cache, rp_store_t *apart, apr_pool_t *pool);

/* The cache that a store of rp_store_cache_make is in. */
rp_cache_t *rp_store_cache_of(rp_store_t *store);

#endif
