#include "test_store.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"

typedef struct {
    unsigned char *data;
    apr_size_t len;
    apr_uint64_t version;
    apr_time_t expires;
} entry_t;

typedef struct {
    rp_store_t base;
    apr_pool_t *pool;
    apr_hash_t *entries; /* kind byte and key -> entry_t */
    apr_uint64_t version;
    int spoilt; /* 1: every call fails */
} test_store_t;

static apr_status_t outside(const rp_store_t *base, rp_env_t *env)
{
    if (test_env_outside(env->ctx) || ((const test_store_t *)base)->spoilt) {
        return rp_fail(env, RP_E_STORE, "the test's store fails this call");
    }
    return APR_SUCCESS;
}

static char *name_of(const rp_store_key_t *key, apr_pool_t *pool)
{
    char *name = apr_palloc(pool, key->len + 1);

    name[0] = (char)key->kind;
    memcpy(name + 1, key->data, key->len);
    return name;
}

static entry_t *find(const test_store_t *store, rp_env_t *env, const rp_store_key_t *key)
{
    char name[1 + RP_MAX_STORE_KEY];
    entry_t *entry;

    assert_true(key->len <= RP_MAX_STORE_KEY);
    name[0] = (char)key->kind;
    memcpy(name + 1, key->data, key->len);
    entry = apr_hash_get(store->entries, name, (apr_ssize_t)(key->len + 1));
    return entry && entry->expires > rp_now(env) ? entry : NULL;
}

static void put(test_store_t *store, rp_env_t *env, const rp_store_key_t *key, const void *data,
                apr_size_t len, apr_interval_time_t ttl)
{
    entry_t *entry = apr_pcalloc(store->pool, sizeof(*entry));

    entry->data = apr_palloc(store->pool, len + 1);
    if (len) {
        memcpy(entry->data, data, len);
    }
    entry->len = len;
    entry->version = ++store->version;
    entry->expires = ttl > APR_INT64_MAX - rp_now(env) ? APR_INT64_MAX : rp_now(env) + ttl;
    apr_hash_set(store->entries, name_of(key, store->pool), (apr_ssize_t)(key->len + 1), entry);
}

static apr_status_t test_get(rp_store_t *base, rp_store_value_t *value, rp_env_t *env,
                             const rp_store_key_t *key)
{
    test_store_t *store = (test_store_t *)base;
    entry_t *entry;

    if (outside(base, env) != APR_SUCCESS) {
        return RP_FAILED;
    }
    entry = find(store, env, key);
    if (!entry) {
        return APR_NOTFOUND;
    }
    value->data = apr_palloc(env->pool, entry->len + 1);
    memcpy(value->data, entry->data, entry->len);
    value->data[entry->len] = '\0';
    value->len = entry->len;
    value->version = entry->version;
    return APR_SUCCESS;
}

static apr_status_t test_get_newer(rp_store_t *base, rp_store_value_t *value, rp_env_t *env,
                                   const rp_store_key_t *key, apr_uint64_t version)
{
    apr_status_t rv = test_get(base, value, env, key);

    if (rv == APR_SUCCESS && value->version == version) {
        value->data = NULL;
        value->len = 0;
    }
    return rv;
}

static apr_status_t test_set(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                             const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    if (outside(base, env) != APR_SUCCESS) {
        return RP_FAILED;
    }
    put((test_store_t *)base, env, key, data, len, ttl);
    return APR_SUCCESS;
}

static apr_status_t test_add(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                             const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    test_store_t *store = (test_store_t *)base;

    if (outside(base, env) != APR_SUCCESS) {
        return RP_FAILED;
    }
    if (find(store, env, key)) {
        return RP_CONFLICT;
    }
    put(store, env, key, data, len, ttl);
    return APR_SUCCESS;
}

static apr_status_t test_cas(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key,
                             apr_uint64_t version, const void *data, apr_size_t len,
                             apr_interval_time_t ttl)
{
    test_store_t *store = (test_store_t *)base;
    entry_t *entry;

    if (outside(base, env) != APR_SUCCESS) {
        return RP_FAILED;
    }
    entry = find(store, env, key);
    if (!entry) {
        return APR_NOTFOUND;
    }
    if (entry->version != version) {
        return RP_CONFLICT;
    }
    put(store, env, key, data, len, ttl);
    return APR_SUCCESS;
}

static apr_status_t test_del(rp_store_t *base, rp_env_t *env, const rp_store_key_t *key)
{
    test_store_t *store = (test_store_t *)base;
    apr_status_t rv;

    if (outside(base, env) != APR_SUCCESS) {
        return RP_FAILED;
    }
    rv = find(store, env, key) ? APR_SUCCESS : APR_NOTFOUND;
    apr_hash_set(store->entries, name_of(key, env->pool), (apr_ssize_t)(key->len + 1), NULL);
    return rv;
}

static const rp_store_driver_t driver = {
    .name = "test",
    .get = test_get,
    .set = test_set,
    .add = test_add,
    .cas = test_cas,
    .del = test_del,
    .get_newer = test_get_newer,
};

rp_store_t *test_store_make(apr_pool_t *pool)
{
    test_store_t *store = apr_pcalloc(pool, sizeof(*store));

    store->base.driver = &driver;
    store->pool = pool;
    store->entries = apr_hash_make(pool);
    return &store->base;
}

void test_store_spoil(rp_store_t *base, int spoilt)
{
    ((test_store_t *)base)->spoilt = spoilt;
}

int test_store_count(const rp_store_t *base, const rp_env_t *env, rp_store_kind_t kind)
{
    const test_store_t *store = (const test_store_t *)base;
    int count = 0;

    for (apr_hash_index_t *i = apr_hash_first(env->pool, store->entries); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_key(i);
        const entry_t *entry = apr_hash_this_val(i);

        if (name[0] == (char)kind && entry->expires > rp_now(env)) {
            count++;
        }
    }
    return count;
}

void test_store_damage(rp_store_t *base, const rp_env_t *env, rp_store_kind_t kind)
{
    test_store_t *store = (test_store_t *)base;

    for (apr_hash_index_t *i = apr_hash_first(env->pool, store->entries); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_key(i);
        entry_t *entry = apr_hash_this_val(i);

        if (name[0] == (char)kind && entry->len > 0) {
            entry->data[entry->len - 1] ^= 1;
        }
    }
}
