#include "rp_base64.h"

#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char basic_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes the characters of len bytes, without padding and without a NUL; returns their end. */
static char *encode(char *out, const void *data, apr_size_t len, const char *alphabet)
{
    const unsigned char *byte = data;
    apr_uint32_t bits = 0;
    unsigned int count = 0;

    for (apr_size_t i = 0; i < len; i++) {
        bits = (bits << 8) | byte[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            *out++ = alphabet[(bits >> count) & 0x3F];
        }
    }
    if (count) {
        *out++ = alphabet[(bits << (6 - count)) & 0x3F];
    }
    return out;
}

static int url_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : -1;
}

/* Bytes that text_len characters stand for, when that is a possible length. */
static apr_size_t decoded_len(apr_size_t text_len)
{
    return text_len / 4 * 3 + text_len % 4 * 3 / 4;
}

static apr_status_t decode(unsigned char *out, const char *text, apr_size_t text_len)
{
    apr_uint32_t bits = 0;
    unsigned int count = 0;

    /* One character over whole groups of four holds six bits, which is no byte. */
    if (text_len % 4 == 1) {
        return APR_EINVAL;
    }
    for (apr_size_t i = 0; i < text_len; i++) {
        int value = url_value(text[i]);

        if (value < 0) {
            return APR_EINVAL;
        }
        bits = (bits << 6) | (apr_uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = (unsigned char)((bits >> count) & 0xFF);
        }
    }
    /* RFC 4648 3.5: were other trailing bits accepted, a value would have several texts. */
    return bits & ((1U << count) - 1) ? APR_EINVAL : APR_SUCCESS;
}

void rp_base64url_encode_into(char *out, const void *data, apr_size_t len)
{
    *encode(out, data, len, url_alphabet) = '\0';
}

const char *rp_base64url_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, RP_BASE64URL_LEN(len) + 1);

    rp_base64url_encode_into(out, data, len);
    return out;
}

apr_status_t rp_base64url_decode(unsigned char **data, apr_size_t *len, const char *text,
                                 apr_size_t text_len, apr_pool_t *pool)
{
    apr_size_t out_len = decoded_len(text_len);
    unsigned char *out = apr_palloc(pool, out_len + 1);

    *data = NULL;
    *len = 0;
    if (decode(out, text, text_len) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    out[out_len] = '\0';
    *data = out;
    *len = out_len;
    return APR_SUCCESS;
}

apr_status_t rp_base64url_decode_into(unsigned char *out, apr_size_t out_len, const char *text,
                                      apr_size_t text_len)
{
    if (decoded_len(text_len) == out_len && decode(out, text, text_len) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    memset(out, 0, out_len);
    return APR_EINVAL;
}

const char *rp_base64_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, (len + 2) / 3 * 4 + 1);
    char *end = encode(out, data, len, basic_alphabet);

    while ((end - out) % 4) {
        *end++ = '=';
    }
    *end = '\0';
    return out;
}
