/* The set, version 1; numbers are little-endian:
 *
 *     version (1) | generation (4) | issued (8) | expires (8) | scope | access | refresh | id
 *
 * each of the last four: number of pieces (1; 0xFF: there is none) | piece | piece | ...
 *
 *     piece: length (2) | bytes
 *
 * A piece is what stands between two dots. The highest bit of its length says that the bytes are
 * what the text is the base64url form of; otherwise they are the text. */
#include "rp_token_set.h"

#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../base/rp_reader.h"
#include "../codec/rp_base64.h"

#define VERSION 1
#define ABSENT 0xFF
#define PACKED 0x8000u
/* A JWE has five; a text with more dots is no such token and stays as it is. */
#define MAX_PIECES 8
#define TEXTS 4

static void put_piece(rp_buf_t *buf, const char *text, apr_size_t len, apr_pool_t *pool)
{
    unsigned char *data;
    apr_size_t data_len;

    /* What decodes is canonical, and so comes back as the same text (codec/rp_base64.h). */
    if (len > 0 && rp_base64url_decode(&data, &data_len, text, len, pool) == APR_SUCCESS) {
        rp_buf_put_number(buf, data_len | PACKED, 2);
        rp_buf_put(buf, data, data_len);
    } else {
        rp_buf_put_number(buf, len, 2);
        rp_buf_put(buf, text, len);
    }
}

/* 0: too long for a length of 15 bits. */
static int put_text(rp_buf_t *buf, const char *text, apr_pool_t *pool)
{
    int pieces = 1;
    const char *end;

    if (!text) {
        rp_buf_putc(buf, (char)ABSENT);
        return 1;
    }
    if (strlen(text) >= PACKED) {
        return 0;
    }
    for (const char *dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
        pieces++;
    }
    if (pieces > MAX_PIECES) {
        rp_buf_put_number(buf, 1, 1);
        rp_buf_put_number(buf, strlen(text), 2);
        rp_buf_puts(buf, text);
        return 1;
    }
    rp_buf_put_number(buf, (apr_uint64_t)pieces, 1);
    for (int i = 0; i < pieces; i++) {
        end = text + strcspn(text, ".");
        put_piece(buf, text, (apr_size_t)(end - text), pool);
        text = end + 1;
    }
    return 1;
}

apr_status_t rp_token_set_encode(unsigned char **data, apr_size_t *len, const rp_record_t *record,
                                 apr_pool_t *pool)
{
    const char *const texts[TEXTS] = {record->scope, record->access_token, record->refresh_token,
                                      record->id_token};
    rp_buf_t buf;

    *data = NULL;
    *len = 0;
    rp_buf_init(&buf, RP_MAX_SESSION_RECORD, pool);
    rp_buf_put_number(&buf, VERSION, 1);
    rp_buf_put_number(&buf, record->token_generation, 4);
    rp_buf_put_number(&buf, (apr_uint64_t)record->token_issued, 8);
    rp_buf_put_number(&buf, (apr_uint64_t)record->token_expires, 8);
    for (int i = 0; i < TEXTS; i++) {
        if (!put_text(&buf, texts[i], pool)) {
            return APR_ENOSPC;
        }
    }
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        return APR_ENOSPC;
    }
    *data = (unsigned char *)buf.data;
    *len = buf.len;
    return APR_SUCCESS;
}

static void take_piece(rp_buf_t *buf, rp_reader_t *reader, apr_pool_t *pool)
{
    apr_size_t head = (apr_size_t)rp_reader_number(reader, 2);
    apr_size_t len = head & ~(apr_size_t)PACKED;
    const unsigned char *at = rp_reader_take(reader, len);

    if (!at || (!(head & PACKED) && memchr(at, '\0', len))) {
        reader->ok = 0;
    } else if (head & PACKED) {
        rp_buf_puts(buf, rp_base64url_encode(at, len, pool));
    } else {
        rp_buf_put(buf, at, len);
    }
}

static const char *take_text(rp_reader_t *reader, apr_pool_t *pool)
{
    int pieces = (int)rp_reader_number(reader, 1);
    rp_buf_t buf;

    if (!reader->ok || pieces == ABSENT) {
        return NULL;
    }
    rp_buf_init(&buf, RP_MAX_SESSION_RECORD, pool);
    for (int i = 0; i < pieces && reader->ok; i++) {
        if (i > 0) {
            rp_buf_putc(&buf, '.');
        }
        take_piece(&buf, reader, pool);
    }
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        reader->ok = 0;
    }
    return rp_buf_text(&buf);
}

apr_status_t rp_token_set_decode(rp_record_t *record, const unsigned char *data, apr_size_t len,
                                 apr_pool_t *pool)
{
    rp_reader_t reader = {data, len, 1};
    rp_record_t read = *record;

    if (rp_reader_number(&reader, 1) != VERSION) {
        return APR_EINVAL;
    }
    read.token_generation = (apr_uint32_t)rp_reader_number(&reader, 4);
    read.token_issued = (apr_time_t)rp_reader_number(&reader, 8);
    read.token_expires = (apr_time_t)rp_reader_number(&reader, 8);
    read.scope = take_text(&reader, pool);
    read.access_token = take_text(&reader, pool);
    read.refresh_token = take_text(&reader, pool);
    read.id_token = take_text(&reader, pool);
    if (!reader.ok || reader.left != 0) {
        return APR_EINVAL;
    }
    *record = read;
    return APR_SUCCESS;
}
