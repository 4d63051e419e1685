/* In place of TLS to Redis, where configure found no hiredis_ssl. */
#include "rp_store_redis_internal.h"

const char *rp_redis_tls_missing(void)
{
    return "rediss:// needs hiredis with TLS (libhiredis_ssl), and this module was built without; "
           "use a tunnel, or build it with hiredis 1.0 or newer";
}

struct ssl_ctx_st *rp_redis_tls_context(const char *ca, apr_pool_t *pool)
{
    (void)ca;
    (void)pool;
    return NULL;
}

apr_status_t rp_redis_tls_start(rp_redis_op_t *op, rp_redis_link_t *link, struct ssl_ctx_st *tls,
                                const char *host)
{
    (void)link;
    (void)tls;
    (void)host;
    return rp_redis_trouble(op, rp_redis_tls_missing(), 0);
}
