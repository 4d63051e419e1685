#include "shaky_provider.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <signal.h>

static struct {
    int fails;
    int dies;
} mood;

static const ap_socache_provider_t *steady(void)
{
    return ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb", AP_SOCACHE_PROVIDER_VERSION);
}

static const char *shaky_create(ap_socache_instance_t **instance, const char *arg,
                                apr_pool_t *ptemp, apr_pool_t *pool)
{
    return steady()->create(instance, arg, ptemp, pool);
}

static apr_status_t shaky_init(ap_socache_instance_t *instance, const char *name,
                               const struct ap_socache_hints *hints, server_rec *server,
                               apr_pool_t *pool)
{
    return steady()->init(instance, name, hints, server, pool);
}

static void shaky_destroy(ap_socache_instance_t *instance, server_rec *server)
{
    steady()->destroy(instance, server);
}

static apr_status_t shaky_store(ap_socache_instance_t *instance, server_rec *server,
                                const unsigned char *id, unsigned int id_len, apr_time_t expires,
                                unsigned char *data, unsigned int len, apr_pool_t *pool)
{
    if (mood.dies) {
        raise(SIGKILL);
    }
    return mood.fails ? APR_EGENERAL
                      : steady()->store(instance, server, id, id_len, expires, data, len, pool);
}

static apr_status_t shaky_retrieve(ap_socache_instance_t *instance, server_rec *server,
                                   const unsigned char *id, unsigned int id_len,
                                   unsigned char *data, unsigned int *len, apr_pool_t *pool)
{
    return mood.fails ? APR_EGENERAL
                      : steady()->retrieve(instance, server, id, id_len, data, len, pool);
}

static apr_status_t shaky_remove(ap_socache_instance_t *instance, server_rec *server,
                                 const unsigned char *id, unsigned int id_len, apr_pool_t *pool)
{
    return mood.fails ? APR_EGENERAL : steady()->remove(instance, server, id, id_len, pool);
}

static const ap_socache_provider_t provider = {
    .name = "shmcb", /* what rp_store_socache.c knows of shmcb holds here, too */
    .flags = AP_SOCACHE_FLAG_NOTMPSAFE,
    .create = shaky_create,
    .init = shaky_init,
    .destroy = shaky_destroy,
    .store = shaky_store,
    .retrieve = shaky_retrieve,
    .remove = shaky_remove,
};

void shaky_provider_register(apr_pool_t *pool)
{
    ap_register_provider(pool, AP_SOCACHE_PROVIDER_GROUP, "shaky", AP_SOCACHE_PROVIDER_VERSION,
                         &provider);
}

void shaky_provider_fail(int fails)
{
    mood.fails = fails;
}

void shaky_provider_die(void)
{
    mood.dies = 1;
}
