#include "rp_buf.h"

#include <string.h>

#define FIRST_SIZE 256

void rp_buf_init(rp_buf_t *buf, apr_size_t cap, apr_pool_t *pool)
{
    buf->pool = pool;
    buf->data = NULL;
    buf->len = 0;
    buf->size = 0;
    buf->cap = cap;
    buf->status = APR_SUCCESS;
}

/* Makes room for len more bytes and a NUL; doubling keeps appends linear. */
static void grow(rp_buf_t *buf, apr_size_t len)
{
    apr_size_t need = buf->len + len + 1;
    apr_size_t size = buf->size ? buf->size : FIRST_SIZE;
    char *data;

    if (need <= buf->size) {
        return;
    }
    while (size < need) {
        size *= 2;
    }
    data = apr_palloc(buf->pool, size);
    if (buf->len) {
        memcpy(data, buf->data, buf->len);
    }
    buf->data = data;
    buf->size = size;
}

apr_status_t rp_buf_put(rp_buf_t *buf, const void *data, apr_size_t len)
{
    if (buf->status != APR_SUCCESS) {
        return buf->status;
    }
    if (len > buf->cap - buf->len) {
        buf->status = APR_ENOSPC;
        return APR_ENOSPC;
    }
    grow(buf, len);
    if (len) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
    return APR_SUCCESS;
}

apr_status_t rp_buf_puts(rp_buf_t *buf, const char *text)
{
    return rp_buf_put(buf, text, strlen(text));
}

apr_status_t rp_buf_putc(rp_buf_t *buf, char c)
{
    return rp_buf_put(buf, &c, 1);
}

apr_status_t rp_buf_put_number(rp_buf_t *buf, apr_uint64_t value, int bytes)
{
    unsigned char data[8];

    for (int i = 0; i < bytes; i++) {
        data[i] = (unsigned char)(value & 0xFF);
        value >>= 8;
    }
    return rp_buf_put(buf, data, (apr_size_t)bytes);
}

apr_status_t rp_buf_status(const rp_buf_t *buf)
{
    return buf->status;
}

const char *rp_buf_text(const rp_buf_t *buf)
{
    return buf->data ? buf->data : "";
}
