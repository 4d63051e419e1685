#include "rp_token_cache.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../base/rp_mix.h"

/* bytes: the wish, then the token's value with its NUL. */
typedef struct {
    char *bytes; /* NULL: the entry is free */
    apr_size_t wish_len;
    apr_size_t value_len;
    unsigned int hash;
    unsigned int uses; /* when it was used last, on the cache's clock */
    int used;          /* since it was put */
    rp_shared_token_t token;
} entry_t;

/* An entry can stand in one set only, which its hash tells: so a lookup compares few, however many
 * users there are. */
#define SET 16
#define SETS (RP_MAX_KEPT_TOKENS / SET)

struct rp_token_cache_t {
    apr_thread_mutex_t *mutex;
    unsigned int clock; /* counts uses */
    entry_t entries[RP_MAX_KEPT_TOKENS];
};

static void clear(entry_t *entry)
{
    if (entry->bytes) {
        rp_wipe(entry->bytes, entry->wish_len + entry->value_len + 1);
        free(entry->bytes);
    }
    memset(entry, 0, sizeof(*entry));
}

static apr_status_t forget(void *data)
{
    rp_token_cache_t *cache = data;

    for (int i = 0; i < RP_MAX_KEPT_TOKENS; i++) {
        clear(&cache->entries[i]);
    }
    return APR_SUCCESS;
}

rp_token_cache_t *rp_token_cache_make(apr_pool_t *pool)
{
    rp_token_cache_t *cache = apr_pcalloc(pool, sizeof(*cache));

    if (apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS) {
        return NULL;
    }
    apr_pool_cleanup_register(pool, cache, forget, apr_pool_cleanup_null);
    return cache;
}

static unsigned int hash_of(const char *wish, apr_size_t len)
{
    return (unsigned int)(rp_mix(wish, len) >> 16);
}

static entry_t *set_of(rp_token_cache_t *cache, unsigned int hash)
{
    return &cache->entries[(apr_size_t)(hash % SETS) * SET];
}

/* NULL when it is not there. With the mutex held. */
static entry_t *find(rp_token_cache_t *cache, const void *wish, apr_size_t len, unsigned int hash)
{
    entry_t *set = set_of(cache, hash);

    for (int i = 0; i < SET; i++) {
        entry_t *entry = &set[i];

        if (entry->hash == hash && entry->bytes && entry->wish_len == len &&
            memcmp(entry->bytes, wish, len) == 0) {
            return entry;
        }
    }
    return NULL;
}

apr_status_t rp_token_cache_get(rp_shared_token_t *token, rp_token_cache_t *cache, const void *wish,
                                apr_size_t wish_len, apr_pool_t *pool)
{
    entry_t *entry;

    memset(token, 0, sizeof(*token));
    if (!cache) {
        return APR_NOTFOUND;
    }
    apr_thread_mutex_lock(cache->mutex);
    entry = find(cache, wish, wish_len, hash_of(wish, wish_len));
    if (entry) {
        char *value = apr_palloc(pool, entry->value_len + 1);

        memcpy(value, entry->bytes + entry->wish_len, entry->value_len + 1);
        *token = entry->token;
        token->value = value;
        entry->uses = ++cache->clock;
        entry->used = 1;
    }
    apr_thread_mutex_unlock(cache->mutex);
    return entry ? APR_SUCCESS : APR_NOTFOUND;
}

/* A free entry, or the one that was not used for longest. */
static entry_t *victim(rp_token_cache_t *cache, unsigned int hash)
{
    entry_t *set = set_of(cache, hash);
    entry_t *oldest = &set[0];

    for (int i = 0; i < SET; i++) {
        entry_t *entry = &set[i];

        if (!entry->bytes) {
            return entry;
        }
        if (cache->clock - entry->uses > cache->clock - oldest->uses) {
            oldest = entry;
        }
    }
    return oldest;
}

static void fill(entry_t *entry, const void *wish, apr_size_t wish_len,
                 const rp_shared_token_t *token)
{
    apr_size_t value_len = strlen(token->value);
    char *bytes = malloc(wish_len + value_len + 1);

    clear(entry);
    if (!bytes) {
        return;
    }
    memcpy(bytes, wish, wish_len);
    memcpy(bytes + wish_len, token->value, value_len + 1);
    entry->bytes = bytes;
    entry->wish_len = wish_len;
    entry->value_len = value_len;
    entry->hash = hash_of(wish, wish_len);
    entry->token = *token;
    entry->token.value = NULL;
}

void rp_token_cache_put(rp_token_cache_t *cache, const void *wish, apr_size_t wish_len,
                        const rp_shared_token_t *token, int used)
{
    unsigned int hash = hash_of(wish, wish_len);
    entry_t *entry;

    if (!cache) {
        return;
    }
    apr_thread_mutex_lock(cache->mutex);
    entry = find(cache, wish, wish_len, hash);
    if (!entry) {
        entry = victim(cache, hash);
    }
    fill(entry, wish, wish_len, token);
    entry->uses = ++cache->clock;
    entry->used = used;
    apr_thread_mutex_unlock(cache->mutex);
}

void rp_token_cache_drop(rp_token_cache_t *cache, const void *wish, apr_size_t wish_len)
{
    entry_t *entry;

    if (!cache) {
        return;
    }
    apr_thread_mutex_lock(cache->mutex);
    entry = find(cache, wish, wish_len, hash_of(wish, wish_len));
    if (entry) {
        clear(entry);
    }
    apr_thread_mutex_unlock(cache->mutex);
}

apr_status_t rp_token_cache_visit(void **wish, rp_shared_token_t *token, rp_token_cache_t *cache,
                                  int n, apr_pool_t *pool)
{
    const entry_t *entry;
    apr_status_t rv = APR_EAGAIN;

    *wish = NULL;
    memset(token, 0, sizeof(*token));
    if (!cache || n >= RP_MAX_KEPT_TOKENS) {
        return APR_NOTFOUND;
    }
    entry = &cache->entries[n];
    apr_thread_mutex_lock(cache->mutex);
    if (entry->bytes && entry->used) {
        *wish = apr_pmemdup(pool, entry->bytes, entry->wish_len);
        *token = entry->token;
        rv = APR_SUCCESS;
    }
    apr_thread_mutex_unlock(cache->mutex);
    return rv;
}
