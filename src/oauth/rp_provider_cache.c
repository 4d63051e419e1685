#include "rp_provider_cache.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <string.h>

struct rp_provider_cache_t {
    apr_thread_mutex_t *mutex; /* guards slots, never held across anything that waits */
    rp_generation_t *slots[RP_CACHED_COUNT];
};

rp_generation_t *rp_generation_make(const char *source, apr_pool_t *pool)
{
    rp_generation_t *generation;
    apr_pool_t *own;

    /* Unmanaged, with an allocator of its own: generations come and go on any thread, and the list
     * of children of a shared parent is not safe for that. */
    if (apr_pool_create_unmanaged_ex(&own, apr_pool_abort_get(pool), NULL) != APR_SUCCESS) {
        return NULL;
    }
    generation = apr_pcalloc(own, sizeof(*generation));
    generation->pool = own;
    generation->source = apr_pstrdup(own, source);
    apr_atomic_set32(&generation->holders, 1);
    return generation;
}

void rp_generation_drop(rp_generation_t *generation)
{
    if (apr_atomic_dec32(&generation->holders) == 0) {
        apr_pool_destroy(generation->pool);
    }
}

static apr_status_t drop_lent(void *generation)
{
    rp_generation_drop(generation);
    return APR_SUCCESS;
}

const rp_generation_t *rp_generation_lend(rp_generation_t *generation, apr_pool_t *pool)
{
    apr_pool_cleanup_register(pool, generation, drop_lent, apr_pool_cleanup_null);
    return generation;
}

const rp_generation_t *rp_provider_cache_get(rp_provider_cache_t *cache, rp_cached_t slot,
                                             const char *source, apr_pool_t *pool)
{
    rp_generation_t *generation;

    if (!cache) {
        return NULL;
    }
    apr_thread_mutex_lock(cache->mutex);
    generation = cache->slots[slot];
    if (generation && strcmp(generation->source, source) == 0) {
        apr_atomic_inc32(&generation->holders);
    } else {
        generation = NULL;
    }
    apr_thread_mutex_unlock(cache->mutex);
    return generation ? rp_generation_lend(generation, pool) : NULL;
}

void rp_provider_cache_put(rp_provider_cache_t *cache, rp_cached_t slot,
                           rp_generation_t *generation)
{
    rp_generation_t *old;

    if (!cache) {
        return;
    }
    apr_atomic_inc32(&generation->holders);
    apr_thread_mutex_lock(cache->mutex);
    old = cache->slots[slot];
    cache->slots[slot] = generation;
    apr_thread_mutex_unlock(cache->mutex);
    if (old) {
        rp_generation_drop(old);
    }
}

static apr_status_t let_go(void *data)
{
    rp_provider_cache_t *cache = data;

    for (int i = 0; i < RP_CACHED_COUNT; i++) {
        if (cache->slots[i]) {
            rp_generation_drop(cache->slots[i]);
            cache->slots[i] = NULL;
        }
    }
    return APR_SUCCESS;
}

apr_status_t rp_provider_cache_create(rp_provider_cache_t **cache, apr_pool_t *pool)
{
    rp_provider_cache_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    *cache = NULL;
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(pool, made, let_go, apr_pool_cleanup_null);
        *cache = made;
    }
    return rv;
}
