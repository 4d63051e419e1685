#include "rp_store_cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rp_store_cache_internal.h"

typedef struct {
    rp_store_t base;
    rp_cache_t *cache;
    rp_store_t *apart; /* NULL: everything is in the cache */
    /* The last call's buffer, which is large, for the next call. */
    _Atomic(unsigned char *) spare;
} cache_store_t;

typedef enum { SET, ADD, CAS } how_t;

/* A value to be written, and when it is. */
typedef struct {
    how_t how;
    apr_uint64_t version; /* CAS: what it must be */
    const void *data;
    apr_size_t len;
    apr_interval_time_t ttl;
} change_t;

/* --- one call --- */

static apr_status_t lock(rp_cache_call_t *call)
{
    char why[120];
    apr_status_t rv = call->cache->ops->lock(call->cache);

    if (rv != APR_SUCCESS) {
        return rp_fail(call->env, RP_E_STORE, "the lock of the cache: %s",
                       apr_strerror(rv, why, sizeof(why)));
    }
    call->locked = 1;
    return APR_SUCCESS;
}

/* end() follows in any case. */
static apr_status_t begin(rp_cache_call_t *call, rp_store_t *base, rp_env_t *env,
                          const rp_store_key_t *key, int locked)
{
    cache_store_t *store = (cache_store_t *)base;
    apr_status_t rv;

    memset(call, 0, sizeof(*call));
    call->cache = store->cache;
    call->env = env;
    rv = rp_cache_name(call, key);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Not from the pool, which would keep it as long as the request lasts. */
    call->size = rp_cache_room(call->cache);
    call->spare = &store->spare;
    call->buffer = atomic_exchange(call->spare, NULL);
    if (!call->buffer) {
        call->buffer = malloc(call->size);
    }
    if (!call->buffer || apr_pool_create(&call->scratch, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_STORE, "no memory");
    }
    return locked ? lock(call) : APR_SUCCESS;
}

static void end(rp_cache_call_t *call)
{
    if (call->locked) {
        call->cache->ops->unlock(call->cache);
    }
    if (call->scratch) {
        apr_pool_destroy(call->scratch);
    }
    if (call->spare) {
        free(atomic_exchange(call->spare, call->buffer));
    }
}

static int lives(const rp_cache_call_t *call)
{
    return call->head.present && call->head.expires > rp_now(call->env);
}

/* --- operations --- */

static rp_store_t *elsewhere(const rp_store_t *base, const rp_store_key_t *key)
{
    return key->kind == RP_KIND_LOGIN || key->kind == RP_KIND_ENDED
               ? ((const cache_store_t *)base)->apart
               : NULL;
}

static apr_status_t read_value(rp_store_value_t *value, rp_store_t *base, rp_env_t *env,
                               const rp_store_key_t *key, int locked)
{
    rp_cache_call_t call;
    apr_status_t rv = begin(&call, base, env, key, locked);

    if (rv == APR_SUCCESS) {
        rv = rp_cache_look(&call);
    }
    if (rv == APR_SUCCESS) {
        rv = lives(&call) ? rp_cache_assemble(value, &call) : APR_NOTFOUND;
    }
    end(&call);
    return rv;
}

static apr_status_t cache_get(rp_store_t *base, rp_store_value_t *value, rp_env_t *env,
                              const rp_store_key_t *key)
{
    rp_store_t *other = elsewhere(base, key);
    int locked = ((const cache_store_t *)base)->cache->unsafe;
    apr_status_t rv;

    if (other) {
        return other->driver->get(other, value, env, key);
    }
    rv = read_value(value, base, env, key, locked);
    if (rv == RP_CACHE_TORN && !locked) {
        rv = read_value(value, base, env, key, 1);
    }
    /* Nobody writes: the cache forgot a part, and with it the value. */
    return rv == RP_CACHE_TORN ? APR_NOTFOUND : rv;
}

/* One more than before; where nothing was, a number that nobody can have seen, so that who read
 * what was deleted meanwhile does not overwrite what is new. */
static apr_status_t next_version(apr_uint64_t *version, rp_cache_call_t *call)
{
    apr_status_t rv = APR_SUCCESS;

    *version = call->head.version + 1;
    if (!call->head.present) {
        rv = rp_random(call->env, (unsigned char *)version, sizeof(*version));
    }
    *version += *version == 0;
    return rv;
}

static apr_status_t may_write(const rp_cache_call_t *call, const change_t *change)
{
    switch (change->how) {
    case ADD:
        return lives(call) ? RP_CONFLICT : APR_SUCCESS;
    case CAS:
        if (!lives(call)) {
            return APR_NOTFOUND;
        }
        return call->head.version == change->version ? APR_SUCCESS : RP_CONFLICT;
    case SET:
    default:
        return APR_SUCCESS;
    }
}

static apr_status_t write_value(rp_cache_call_t *call, const change_t *change)
{
    const apr_time_t now = rp_now(call->env);
    rp_cache_item_t item = {.data = change->data, .len = change->len, .ttl = change->ttl};
    apr_status_t rv = next_version(&item.version, call);

    item.expires = change->ttl > APR_INT64_MAX - now ? APR_INT64_MAX : now + change->ttl;
    return rv == APR_SUCCESS ? rp_cache_put(call, &item) : rv;
}

static apr_status_t change_value(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                                 const change_t *change)
{
    rp_cache_call_t call;
    apr_status_t rv = begin(&call, base, env, key, 1);

    if (rv == APR_SUCCESS) {
        rv = rp_cache_look(&call);
    }
    if (rv == APR_SUCCESS) {
        rv = may_write(&call, change);
    }
    if (rv == APR_SUCCESS) {
        rv = write_value(&call, change);
    }
    end(&call);
    return rv;
}

static apr_status_t cache_set(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                              const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    rp_store_t *other = elsewhere(base, key);
    const change_t change = {SET, 0, data, len, ttl};

    return other ? other->driver->set(other, env, key, data, len, ttl)
                 : change_value(base, env, key, &change);
}

static apr_status_t cache_add(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                              const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    rp_store_t *other = elsewhere(base, key);
    const change_t change = {ADD, 0, data, len, ttl};

    return other ? other->driver->add(other, env, key, data, len, ttl)
                 : change_value(base, env, key, &change);
}

/* One parameter more than usual, as the interface has it. */
/* NOLINTNEXTLINE(readability-function-size) */
static apr_status_t cache_cas(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                              apr_uint64_t version, const void *data, apr_size_t len,
                              apr_interval_time_t ttl)
{
    rp_store_t *other = elsewhere(base, key);
    const change_t change = {CAS, version, data, len, ttl};

    return other ? other->driver->cas(other, env, key, version, data, len, ttl)
                 : change_value(base, env, key, &change);
}

static apr_status_t cache_del(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key)
{
    rp_store_t *other = elsewhere(base, key);
    rp_cache_call_t call;
    apr_status_t rv;

    if (other) {
        return other->driver->del(other, env, key);
    }
    rv = begin(&call, base, env, key, 1);
    if (rv == APR_SUCCESS) {
        rv = rp_cache_look(&call);
    }
    if (rv == APR_SUCCESS) {
        rv = lives(&call) ? rp_cache_drop(&call) : APR_NOTFOUND;
    }
    end(&call);
    return rv;
}

static const rp_store_driver_t driver = {
    .name = "cache",
    .get = cache_get,
    .set = cache_set,
    .add = cache_add,
    .cas = cache_cas,
    .del = cache_del,
};

static apr_status_t free_spare(void *data)
{
    cache_store_t *store = data;

    free(atomic_exchange(&store->spare, NULL));
    return APR_SUCCESS;
}

rp_store_t *rp_store_cache_make(rp_cache_t *cache, rp_store_t *apart, apr_pool_t *pool)
{
    cache_store_t *store = apr_pcalloc(pool, sizeof(*store));

    store->base.driver = &driver;
    store->cache = cache;
    store->apart = apart;
    apr_pool_cleanup_register(pool, store, free_spare, apr_pool_cleanup_null);
    return &store->base;
}

rp_cache_t *rp_store_cache_of(rp_store_t *store)
{
    return ((cache_store_t *)store)->cache;
}
