/* In place of the Redis store, where configure found no hiredis. */
#include "rp_store_redis.h"

const char *rp_store_redis_missing(const rp_redis_address_t *address)
{
    (void)address;
    return "this module was built without hiredis; install libhiredis-dev, and configure and build "
           "it again";
}

apr_status_t rp_store_redis_open(rp_store_t **store, rp_env_t *env,
                                 const rp_redis_address_t *address, apr_pool_t *pool)
{
    (void)pool;
    *store = NULL;
    return rp_fail(env, RP_E_STORE, "Redis at %s: %s", address->name,
                   rp_store_redis_missing(address));
}
