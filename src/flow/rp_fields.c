#include "rp_fields.h"

#include <apr_lib.h>
#include <string.h>

#include "../codec/rp_utf8.h"
#include "rp_page.h"

#define FIELDS_MAX 2048

static int hex_value(char c)
{
    if (apr_isdigit(c)) {
        return c - '0';
    }
    return apr_isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* The character at text, and how many characters stand for it; 0 for a broken sequence. */
static apr_size_t decode_one(char *out, const char *text, apr_size_t len)
{
    if (*text == '+') {
        *out = ' ';
        return 1;
    }
    if (*text != '%') {
        *out = *text;
        return 1;
    }
    if (len < 3 || hex_value(text[1]) < 0 || hex_value(text[2]) < 0) {
        return 0;
    }
    *out = (char)(hex_value(text[1]) * 16 + hex_value(text[2]));
    return 3;
}

static apr_status_t decode(const char **value, const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, len + 1);
    apr_size_t out_len = 0;

    *value = NULL;
    for (apr_size_t i = 0; i < len; out_len++) {
        apr_size_t step = decode_one(out + out_len, text + i, len - i);

        if (step == 0 || out[out_len] == '\0') {
            return APR_EINVAL;
        }
        i += step;
    }
    out[out_len] = '\0';
    *value = out;
    return rp_utf8_valid(out, out_len) ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t add(apr_array_header_t *fields, const char *text, apr_size_t len,
                        apr_pool_t *pool)
{
    const char *equals = memchr(text, '=', len);
    apr_size_t name_len = equals ? (apr_size_t)(equals - text) : len;
    apr_size_t skip = equals ? name_len + 1 : len;
    rp_page_field_t field;

    if (fields->nelts == FIELDS_MAX || decode(&field.name, text, name_len, pool) != APR_SUCCESS ||
        decode(&field.value, text + skip, len - skip, pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    APR_ARRAY_PUSH(fields, rp_page_field_t) = field;
    return APR_SUCCESS;
}

apr_status_t rp_fields_parse(apr_array_header_t **fields, const char *body, apr_size_t len,
                             apr_pool_t *pool)
{
    const char *end = body + len;

    *fields = apr_array_make(pool, 16, sizeof(rp_page_field_t));
    while (body < end) {
        const char *amp = memchr(body, '&', (apr_size_t)(end - body));
        const char *stop = amp ? amp : end;

        if (stop > body && add(*fields, body, (apr_size_t)(stop - body), pool) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        body = amp ? amp + 1 : end;
    }
    return APR_SUCCESS;
}
