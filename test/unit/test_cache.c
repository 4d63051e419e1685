#include "test_cache.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "test_env.h"

typedef struct {
    unsigned char id[RP_CACHE_ID];
    apr_size_t len;
    int used;
    unsigned int age;
} slot_t;

/* The slots follow, then the bytes of each. */
struct test_cache_memory_t {
    pthread_mutex_t mutex;
    int seen; /* slots that were ever used */
    unsigned int clock;
};

static slot_t *slot(const test_cache_t *cache, int n)
{
    return (slot_t *)(cache->memory + 1) + n;
}

static unsigned char *bytes(const test_cache_t *cache, int n)
{
    return (unsigned char *)slot(cache, cache->options.slots) +
           (apr_size_t)n * cache->options.slot_size;
}

static int find(const test_cache_t *cache, const unsigned char *id)
{
    apr_size_t len = cache->id_bytes ? cache->id_bytes : RP_CACHE_ID;

    for (int i = 0; i < cache->memory->seen; i++) {
        if (slot(cache, i)->used && memcmp(slot(cache, i)->id, id, len) == 0) {
            return i;
        }
    }
    return -1;
}

/* A free slot, else the oldest. */
static int make_room(test_cache_t *cache)
{
    int oldest = 0;

    for (int i = 0; i < cache->memory->seen; i++) {
        if (!slot(cache, i)->used) {
            return i;
        }
        if (slot(cache, i)->age < slot(cache, oldest)->age) {
            oldest = i;
        }
    }
    return cache->memory->seen < cache->options.slots ? cache->memory->seen++ : oldest;
}

static apr_status_t cache_store(rp_cache_t *base, const unsigned char *id, const void *data,
                                apr_size_t len, apr_interval_time_t ttl, apr_pool_t *scratch)
{
    test_cache_t *cache = (test_cache_t *)base;
    int at = find(cache, id);

    (void)scratch;
    if (cache->dead) {
        return cache->options.vague ? APR_NOTFOUND : APR_EGENERAL;
    }
    if (len > cache->options.slot_size) {
        if (at >= 0 && cache->forgets_replaced) {
            slot(cache, at)->used = 0;
        }
        return APR_ENOSPC;
    }
    if (at < 0) {
        at = make_room(cache);
    }
    memcpy(slot(cache, at)->id, id, RP_CACHE_ID);
    memcpy(bytes(cache, at), data, len);
    slot(cache, at)->len = len;
    slot(cache, at)->used = 1;
    slot(cache, at)->age = ++cache->memory->clock;
    cache->shortest = cache->shortest && cache->shortest < ttl ? cache->shortest : ttl;
    cache->longest = cache->longest > ttl ? cache->longest : ttl;
    return APR_SUCCESS;
}

static apr_status_t cache_retrieve(rp_cache_t *base, const unsigned char *id, unsigned char *data,
                                   apr_size_t *len, apr_pool_t *scratch)
{
    test_cache_t *cache = (test_cache_t *)base;
    void (*meanwhile)(void *data) = cache->meanwhile;
    int at = find(cache, id);
    apr_size_t there;

    (void)scratch;
    if (cache->dead) {
        return cache->options.vague ? APR_NOTFOUND : APR_EGENERAL;
    }
    if (at < 0) {
        return APR_NOTFOUND;
    }
    there = slot(cache, at)->len - cache->cuts;
    if (there > *len) {
        return APR_NOTFOUND; /* as mod_socache_shmcb says it */
    }
    memcpy(data, bytes(cache, at), there);
    *len = there;
    cache->meanwhile = NULL;
    if (meanwhile) {
        meanwhile(cache->meanwhile_data);
    }
    return APR_SUCCESS;
}

static apr_status_t cache_remove(rp_cache_t *base, const unsigned char *id, apr_pool_t *scratch)
{
    test_cache_t *cache = (test_cache_t *)base;
    int at = find(cache, id);

    (void)scratch;
    if (cache->dead) {
        return cache->options.vague ? APR_NOTFOUND : APR_EGENERAL;
    }
    if (at < 0) {
        return APR_NOTFOUND;
    }
    slot(cache, at)->used = 0;
    return APR_SUCCESS;
}

static apr_status_t cache_lock(rp_cache_t *base)
{
    test_cache_t *cache = (test_cache_t *)base;

    if (cache->lock_fails) {
        return APR_TIMEUP;
    }
    cache->locks++;
    return APR_FROM_OS_ERROR(pthread_mutex_lock(&cache->memory->mutex));
}

static void cache_unlock(rp_cache_t *base)
{
    pthread_mutex_unlock(&((test_cache_t *)base)->memory->mutex);
}

static const rp_cache_ops_t ops = {cache_store, cache_retrieve, cache_remove, cache_lock,
                                   cache_unlock};

static apr_status_t unmap(void *data)
{
    test_cache_t *cache = data;

    munmap(cache->memory,
           (apr_size_t)(bytes(cache, cache->options.slots) - (unsigned char *)cache->memory));
    return APR_SUCCESS;
}

test_cache_t *test_cache_make(const test_cache_options_t *options, apr_pool_t *pool)
{
    test_cache_t *cache = apr_pcalloc(pool, sizeof(*cache));
    apr_size_t size =
        sizeof(*cache->memory) + (apr_size_t)options->slots * (sizeof(slot_t) + options->slot_size);
    pthread_mutexattr_t attributes;

    cache->base.ops = &ops;
    cache->base.part = options->part;
    cache->base.unsafe = options->unsafe;
    cache->base.vague = options->vague;
    cache->options = *options;
    cache->memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(cache->memory != MAP_FAILED);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&cache->memory->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    apr_pool_cleanup_register(pool, cache, unmap, apr_pool_cleanup_null);
    return cache;
}

int test_cache_count(const test_cache_t *cache)
{
    int count = 0;

    for (int i = 0; i < cache->memory->seen; i++) {
        count += slot(cache, i)->used;
    }
    return count;
}

static int number(const test_cache_t *cache, int n)
{
    for (int i = 0; i < cache->memory->seen; i++) {
        if (slot(cache, i)->used && n-- == 0) {
            return i;
        }
    }
    fail_msg("the cache has no entry of that number");
    return 0;
}

unsigned char *test_cache_entry(test_cache_t *cache, int n, apr_size_t **len)
{
    int at = number(cache, n);

    *len = &slot(cache, at)->len;
    return bytes(cache, at);
}

void test_cache_forget(test_cache_t *cache, int n)
{
    slot(cache, number(cache, n))->used = 0;
}
