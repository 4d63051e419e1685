#include "rp_document_lease.h"

#include "rp_document_copy.h"

static apr_status_t make_key(rp_store_key_t *key, unsigned char name[RP_DOCUMENT_NAME_BYTES],
                             rp_env_t *env, const rp_document_t *document, const char *use)
{
    key->kind = RP_KIND_METADATA;
    key->data = name;
    key->len = RP_DOCUMENT_NAME_BYTES;
    return rp_document_name(name, env, document, use);
}

apr_status_t rp_document_lease_take(rp_env_t *env, const rp_document_t *document, const char *use,
                                    apr_interval_time_t ttl)
{
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;
    apr_status_t rv = make_key(&key, name, env, document, use);

    return rv != APR_SUCCESS ? rv : rp_lease_take(env, &key, ttl);
}

apr_status_t rp_document_lease_read(rp_lease_t *lease, rp_env_t *env, const rp_document_t *document,
                                    const char *use)
{
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;
    apr_status_t rv = make_key(&key, name, env, document, use);

    return rv != APR_SUCCESS ? rv : rp_lease_read(lease, env, &key);
}

void rp_document_lease_end(rp_env_t *env, const rp_document_t *document, const char *use)
{
    const rp_error_t before = env->error;
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;

    if (make_key(&key, name, env, document, use) == APR_SUCCESS) {
        rp_lease_end(env, &key);
    }
    env->error = before;
}

void rp_document_lease_pause(rp_env_t *env, const rp_document_t *document, const char *use,
                             apr_interval_time_t pause, const rp_error_t *cause)
{
    const rp_error_t before = env->error;
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;

    if (make_key(&key, name, env, document, use) == APR_SUCCESS) {
        rp_lease_pause(env, &key, pause, cause);
    }
    env->error = before;
}
