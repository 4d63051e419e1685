/* The entry: one byte for the state; after a pause's, the id of the cause (2 bytes, the most
 * significant first) and its detail. */
#include "rp_document_lease.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_buf.h"
#include "../io/rp_store.h"
#include "rp_document_copy.h"

#define BUSY 'b'
#define PAUSED 'p'
#define HEAD 3
#define DETAIL_MAX 512

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
    static const unsigned char busy[1] = {BUSY};
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;
    apr_status_t rv = make_key(&key, name, env, document, use);

    return rv != APR_SUCCESS ? rv : rp_store_add(env, &key, busy, sizeof(busy), ttl);
}

apr_status_t rp_document_lease_read(rp_document_lease_t *lease, rp_env_t *env,
                                    const rp_document_t *document, const char *use)
{
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_value_t value;
    rp_store_key_t key;
    apr_status_t rv;

    memset(lease, 0, sizeof(*lease));
    if ((rv = make_key(&key, name, env, document, use)) != APR_SUCCESS ||
        (rv = rp_store_get(&value, env, &key)) != APR_SUCCESS) {
        return rv;
    }
    lease->busy = value.len < HEAD || value.data[0] != PAUSED;
    if (!lease->busy) {
        lease->cause.id = (rp_error_id_t)(value.data[1] << 8 | value.data[2]);
        lease->cause.detail =
            apr_pstrmemdup(env->pool, (const char *)value.data + HEAD, value.len - HEAD);
    }
    return APR_SUCCESS;
}

void rp_document_lease_end(rp_env_t *env, const rp_document_t *document, const char *use)
{
    const rp_error_t before = env->error;
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;

    if (make_key(&key, name, env, document, use) == APR_SUCCESS) {
        rp_store_delete(env, &key);
    }
    env->error = before;
}

void rp_document_lease_pause(rp_env_t *env, const rp_document_t *document, const char *use,
                             apr_interval_time_t pause, const rp_error_t *cause)
{
    const rp_error_t before = env->error;
    const char *detail = cause->detail ? cause->detail : "";
    apr_size_t len = strlen(detail);
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key;
    rp_buf_t value;

    rp_buf_init(&value, HEAD + DETAIL_MAX, env->pool);
    rp_buf_putc(&value, PAUSED);
    rp_buf_putc(&value, (char)(cause->id >> 8));
    rp_buf_putc(&value, (char)(cause->id & 0xFF));
    rp_buf_put(&value, detail, len < DETAIL_MAX ? len : DETAIL_MAX);
    if (make_key(&key, name, env, document, use) == APR_SUCCESS) {
        rp_store_set(env, &key, value.data, value.len, pause);
    }
    env->error = before;
}
