/* A growing byte buffer with a cap.
 *
 * Key idea: whatever is collected from outside, or built from what came from outside, stops at a
 * limit that was chosen beforehand. Appending past it fails once and for all: the buffer keeps
 * what it had and every further call returns APR_ENOSPC, so that a chain of appends needs one
 * check at its end.
 *
 *     rp_buf_t buf;
 *     rp_buf_init(&buf, RP_MAX_QUERY, pool);
 *     rp_buf_puts(&buf, "a=");
 *     rp_buf_put(&buf, data, len);
 *     if (rp_buf_status(&buf) != APR_SUCCESS) ...
 *     text = rp_buf_text(&buf);                                                          */
#ifndef RP_BUF_H
#define RP_BUF_H

#include <apr_errno.h>
#include <apr_pools.h>

typedef struct {
    apr_pool_t *pool;
    char *data;      /* always followed by a NUL that len does not count */
    apr_size_t len;  /* bytes in use */
    apr_size_t size; /* bytes allocated */
    apr_size_t cap;  /* most bytes that len may reach */
    apr_status_t status;
} rp_buf_t;

/* Makes an empty buffer whose memory comes from pool. */
void rp_buf_init(rp_buf_t *buf, apr_size_t cap, apr_pool_t *pool);

/* Each returns APR_SUCCESS, or APR_ENOSPC when the cap would be passed (now or before). */
apr_status_t rp_buf_put(rp_buf_t *buf, const void *data, apr_size_t len);
apr_status_t rp_buf_puts(rp_buf_t *buf, const char *text);
apr_status_t rp_buf_putc(rp_buf_t *buf, char c);

/* The lowest bytes (1 to 8) of value, little-endian, as rp_reader.h reads them; returns the same.
 */
apr_status_t rp_buf_put_number(rp_buf_t *buf, apr_uint64_t value, int bytes);

apr_status_t rp_buf_status(const rp_buf_t *buf);

/* The bytes so far as a NUL-terminated string; valid until the next append. */
const char *rp_buf_text(const rp_buf_t *buf);

#endif
