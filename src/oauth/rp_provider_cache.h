/* What one process has learnt from a provider, parsed: one slot for the metadata, one for the keys.
 *
 * Key idea: a slot holds a generation, which has a pool of its own and counts who holds it: the
 * cache, and every request that reads it until that request's pool goes. A renewal puts another
 * generation into the slot; the old one is destroyed by whoever lets go of it last.
 *
 *     generation = rp_generation_make(url, env->pool);
 *     ... parse into generation->pool, set parsed and the times ...
 *     rp_provider_cache_put(provider->cache, RP_CACHED_KEYS, generation);
 *     known = rp_generation_lend(generation, env->pool);                                        */
#ifndef RP_PROVIDER_CACHE_H
#define RP_PROVIDER_CACHE_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

typedef struct rp_provider_cache_t rp_provider_cache_t;

typedef enum { RP_CACHED_METADATA, RP_CACHED_KEYS, RP_CACHED_COUNT } rp_cached_t;

typedef struct {
    apr_pool_t *pool;              /* has no parent; everything below lives in it */
    volatile apr_uint32_t holders; /* references, see above */
    const char *source;            /* what it was made from, "" for a slot with one source only */
    apr_time_t fetched;
    apr_time_t expires;
    const void *parsed;
} rp_generation_t;

/* A generation that the caller holds; every holder lets go of it by rp_generation_drop, directly or
 * through rp_generation_lend. Its pool aborts as pool does when memory runs out; NULL when it could
 * not even be made. */
rp_generation_t *rp_generation_make(const char *source, apr_pool_t *pool);
void rp_generation_drop(rp_generation_t *generation);

/* Gives the caller's reference to pool, which drops it when it goes. Returns generation. */
const rp_generation_t *rp_generation_lend(rp_generation_t *generation, apr_pool_t *pool);

/* The slot's generation when it was made from source, lent to pool; else NULL. cache may be NULL.
 */
const rp_generation_t *rp_provider_cache_get(rp_provider_cache_t *cache, rp_cached_t slot,
                                             const char *source, apr_pool_t *pool);

/* Puts a generation into the slot. The caller keeps its own reference. cache may be NULL. */
void rp_provider_cache_put(rp_provider_cache_t *cache, rp_cached_t slot,
                           rp_generation_t *generation);

/* An empty cache in pool, which lets go of its generations with it. Made before the fork, each
 * child process has its own. */
apr_status_t rp_provider_cache_create(rp_provider_cache_t **cache, apr_pool_t *pool);

#endif
