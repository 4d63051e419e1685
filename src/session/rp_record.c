/* The record, version 1. Numbers are little-endian; a string is followed by a NUL that its length
 * does not count; the length 0xFFFFFFFF says that there is none.
 *
 *     version (1)
 *     created, last_used, authenticated, auth_time, token_issued, token_expires (8 each)
 *     token_generation (4)
 *     provider, context, issuer, subject, sid, acr, scope: length (4) | bytes | NUL
 *     claims: length (4) | claim | claim | …
 *
 * The tokens are apart, because they are most of the bytes and few requests need them:
 *
 *     version (1)
 *     access_token, refresh_token, id_token: length (4) | bytes | NUL */
#include "rp_record.h"

#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../base/rp_reader.h"

#define VERSION 1
#define ABSENT 0xFFFFFFFFu
#define TIMES 6
#define STRINGS 7

static void put_string(rp_buf_t *buf, const char *text)
{
    apr_size_t len;

    if (!text) {
        rp_buf_put_number(buf, ABSENT, 4);
        return;
    }
    len = strlen(text);
    rp_buf_put_number(buf, len, 4);
    rp_buf_put(buf, text, len + 1);
}

static const char *take_string(rp_reader_t *reader)
{
    apr_size_t len = rp_reader_number(reader, 4);
    const unsigned char *at;

    if (len == ABSENT) {
        return NULL;
    }
    at = rp_reader_take(reader, len + 1);
    if (at && (at[len] != '\0' || memchr(at, '\0', len))) {
        reader->ok = 0;
        return NULL;
    }
    return (const char *)at;
}

apr_status_t rp_record_encode(unsigned char **data, apr_size_t *len, const rp_record_t *record,
                              apr_pool_t *pool)
{
    const apr_time_t times[TIMES] = {record->created,       record->last_used,
                                     record->authenticated, record->auth_time,
                                     record->token_issued,  record->token_expires};
    const char *const strings[STRINGS] = {record->provider, record->context, record->issuer,
                                          record->subject,  record->sid,     record->acr,
                                          record->scope};
    rp_buf_t buf;

    *data = NULL;
    *len = 0;
    rp_buf_init(&buf, RP_MAX_SESSION_RECORD, pool);
    rp_buf_putc(&buf, VERSION);
    for (int i = 0; i < TIMES; i++) {
        rp_buf_put_number(&buf, (apr_uint64_t)times[i], 8);
    }
    rp_buf_put_number(&buf, record->token_generation, 4);
    for (int i = 0; i < STRINGS; i++) {
        put_string(&buf, strings[i]);
    }
    rp_buf_put_number(&buf, record->claims_len, 4);
    rp_buf_put(&buf, record->claims, record->claims_len);
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        return APR_ENOSPC;
    }
    *data = (unsigned char *)buf.data;
    *len = buf.len;
    return APR_SUCCESS;
}

apr_status_t rp_record_decode(rp_record_t *record, const unsigned char *data, apr_size_t len)
{
    rp_reader_t reader = {data, len, 1};

    memset(record, 0, sizeof(*record));
    if (rp_reader_number(&reader, 1) != VERSION) {
        return APR_EINVAL;
    }
    record->created = (apr_time_t)rp_reader_number(&reader, 8);
    record->last_used = (apr_time_t)rp_reader_number(&reader, 8);
    record->authenticated = (apr_time_t)rp_reader_number(&reader, 8);
    record->auth_time = (apr_time_t)rp_reader_number(&reader, 8);
    record->token_issued = (apr_time_t)rp_reader_number(&reader, 8);
    record->token_expires = (apr_time_t)rp_reader_number(&reader, 8);
    record->token_generation = (apr_uint32_t)rp_reader_number(&reader, 4);
    record->provider = take_string(&reader);
    record->context = take_string(&reader);
    record->issuer = take_string(&reader);
    record->subject = take_string(&reader);
    record->sid = take_string(&reader);
    record->acr = take_string(&reader);
    record->scope = take_string(&reader);
    record->claims_len = rp_reader_number(&reader, 4);
    record->claims = rp_reader_take(&reader, record->claims_len);
    if (!reader.ok || reader.left != 0 || !record->provider || !record->subject) {
        memset(record, 0, sizeof(*record));
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t rp_record_encode_tokens(unsigned char **data, apr_size_t *len,
                                     const rp_record_t *record, apr_pool_t *pool)
{
    rp_buf_t buf;

    *data = NULL;
    *len = 0;
    rp_buf_init(&buf, RP_MAX_SESSION_RECORD, pool);
    rp_buf_putc(&buf, VERSION);
    put_string(&buf, record->access_token);
    put_string(&buf, record->refresh_token);
    put_string(&buf, record->id_token);
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        return APR_ENOSPC;
    }
    *data = (unsigned char *)buf.data;
    *len = buf.len;
    return APR_SUCCESS;
}

apr_status_t rp_record_decode_tokens(rp_record_t *record, const unsigned char *data, apr_size_t len)
{
    rp_reader_t reader = {data, len, 1};

    if (rp_reader_number(&reader, 1) != VERSION) {
        return APR_EINVAL;
    }
    record->access_token = take_string(&reader);
    record->refresh_token = take_string(&reader);
    record->id_token = take_string(&reader);
    if (!reader.ok || reader.left != 0) {
        record->access_token = NULL;
        record->refresh_token = NULL;
        record->id_token = NULL;
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}
