/* The entry: one byte for the state; after a pause's, the id of the cause (2 bytes, the most
 * significant first) and its detail. */
#include "rp_lease.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_buf.h"

#define BUSY 'b'
#define PAUSED 'p'
#define HEAD 3
#define DETAIL_MAX 512

apr_status_t rp_lease_take(rp_env_t *env, const rp_store_key_t *key, apr_interval_time_t ttl)
{
    static const unsigned char busy[1] = {BUSY};

    return rp_store_add(env, key, busy, sizeof(busy), ttl);
}

apr_status_t rp_lease_read(rp_lease_t *lease, rp_env_t *env, const rp_store_key_t *key)
{
    rp_store_value_t value;
    apr_status_t rv;

    memset(lease, 0, sizeof(*lease));
    rv = rp_store_get(&value, env, key);
    if (rv != APR_SUCCESS) {
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

void rp_lease_end(rp_env_t *env, const rp_store_key_t *key)
{
    const rp_error_t before = env->error;

    rp_store_delete(env, key);
    env->error = before;
}

void rp_lease_pause(rp_env_t *env, const rp_store_key_t *key, apr_interval_time_t pause,
                    const rp_error_t *cause)
{
    const rp_error_t before = env->error;
    const char *detail = cause->detail ? cause->detail : "";
    apr_size_t len = strlen(detail);
    rp_buf_t value;

    rp_buf_init(&value, HEAD + DETAIL_MAX, env->pool);
    rp_buf_putc(&value, PAUSED);
    rp_buf_putc(&value, (char)(cause->id >> 8));
    rp_buf_putc(&value, (char)(cause->id & 0xFF));
    rp_buf_put(&value, detail, len < DETAIL_MAX ? len : DETAIL_MAX);
    rp_store_set(env, key, value.data, value.len, pause);
    env->error = before;
}
