#include "rp_store.h"

#include "../base/rp_limits.h"

static rp_store_t *store_of(const rp_env_t *env, const rp_store_key_t *key)
{
    return key->kind == RP_KIND_METADATA && env->local ? env->local : env->store;
}

static apr_status_t check_key(rp_env_t *env, const rp_store_key_t *key)
{
    if (!store_of(env, key)) {
        return rp_fail(env, RP_E_STORE, "no store is open");
    }
    if (key->len < 1 || key->len > RP_MAX_STORE_KEY) {
        return rp_fail(env, RP_E_INTERNAL, "store key of %" APR_SIZE_T_FMT " bytes", key->len);
    }
    return APR_SUCCESS;
}

static apr_status_t check_write(rp_env_t *env, const rp_store_key_t *key, apr_size_t len,
                                apr_interval_time_t ttl)
{
    apr_status_t rv = check_key(env, key);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (len > RP_MAX_STORE_VALUE) {
        return rp_fail(env, RP_E_STORE_TOO_LARGE, "value of %" APR_SIZE_T_FMT " bytes", len);
    }
    if (ttl <= 0) {
        return rp_fail(env, RP_E_INTERNAL, "time to live of %" APR_TIME_T_FMT, ttl);
    }
    return APR_SUCCESS;
}

apr_status_t rp_store_get(rp_store_value_t *value, rp_env_t *env, const rp_store_key_t *key)
{
    rp_store_t *store = store_of(env, key);
    apr_status_t rv = check_key(env, key);

    value->data = NULL;
    value->len = 0;
    value->version = 0;
    return rv != APR_SUCCESS ? rv : store->driver->get(store, value, env, key);
}

apr_status_t rp_store_get_newer(rp_store_value_t *value, rp_env_t *env, const rp_store_key_t *key,
                                apr_uint64_t version)
{
    rp_store_t *store = store_of(env, key);
    apr_status_t rv = check_key(env, key);

    if (rv != APR_SUCCESS || !store->driver->get_newer) {
        return rp_store_get(value, env, key);
    }
    value->data = NULL;
    value->len = 0;
    value->version = 0;
    return store->driver->get_newer(store, value, env, key, version);
}

apr_status_t rp_store_set(rp_env_t *env, const rp_store_key_t *key, const void *data,
                          apr_size_t len, apr_interval_time_t ttl)
{
    rp_store_t *store = store_of(env, key);
    apr_status_t rv = check_write(env, key, len, ttl);

    return rv != APR_SUCCESS ? rv : store->driver->set(store, env, key, data, len, ttl);
}

apr_status_t rp_store_add(rp_env_t *env, const rp_store_key_t *key, const void *data,
                          apr_size_t len, apr_interval_time_t ttl)
{
    rp_store_t *store = store_of(env, key);
    apr_status_t rv = check_write(env, key, len, ttl);

    return rv != APR_SUCCESS ? rv : store->driver->add(store, env, key, data, len, ttl);
}

apr_status_t rp_store_cas(rp_env_t *env, const rp_store_key_t *key, apr_uint64_t version,
                          const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    rp_store_t *store = store_of(env, key);
    apr_status_t rv = check_write(env, key, len, ttl);

    return rv != APR_SUCCESS ? rv : store->driver->cas(store, env, key, version, data, len, ttl);
}

apr_status_t rp_store_delete(rp_env_t *env, const rp_store_key_t *key)
{
    rp_store_t *store = store_of(env, key);
    apr_status_t rv = check_key(env, key);

    return rv != APR_SUCCESS ? rv : store->driver->del(store, env, key);
}
