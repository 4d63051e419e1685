#include "rp_form.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_utf8.h"

typedef struct {
    const char *name;
    const char *value;
} field_t;

struct rp_form_t {
    apr_array_header_t *fields; /* of field_t, in the order in which they came */
};

static int is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that *text begins with, decoded, or -1; *text goes behind what it took. */
static int take_byte(const char **text, const char *end)
{
    const char *p = *text;
    int high;
    int low;

    *text = p + 1;
    if (*p == '+') {
        return ' ';
    }
    if (*p != '%') {
        return (unsigned char)*p;
    }
    if (end - p < 3) {
        return -1;
    }
    *text = p + 3;
    high = hex_value(p[1]);
    low = hex_value(p[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decodes text up to end to *out, which goes behind the NUL. Decoding never makes longer, and each
 * NUL takes the place of the separator, so one buffer of the form's own size holds everything. */
static apr_status_t decode(char **out, const char *text, const char *end)
{
    char *start = *out;
    char *p = start;

    while (text < end) {
        int c = take_byte(&text, end);

        if (c < 0x20 || c == 0x7F) {
            return APR_EINVAL;
        }
        *p++ = (char)c;
    }
    *p = '\0';
    *out = p + 1;
    return rp_utf8_valid(start, (apr_size_t)(p - start)) ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t take_field(rp_form_t *form, char **out, const char *text, const char *end)
{
    const char *equals = memchr(text, '=', (apr_size_t)(end - text));
    field_t *field;
    apr_status_t rv;

    if (form->fields->nelts == RP_MAX_FORM_FIELDS) {
        return APR_EINVAL;
    }
    field = apr_array_push(form->fields);
    field->name = *out;
    field->value = "";
    rv = decode(out, text, equals ? equals : end);
    if (rv == APR_SUCCESS && equals) {
        field->value = *out;
        rv = decode(out, equals + 1, end);
    }
    return rv;
}

apr_status_t rp_form_parse(rp_form_t **form, const char *text, apr_size_t len, apr_pool_t *pool)
{
    rp_form_t *made = apr_palloc(pool, sizeof(*made));
    const char *end = text + len;
    char *out;

    *form = NULL;
    if (len > RP_MAX_FORM_BODY) {
        return APR_EINVAL;
    }
    out = apr_palloc(pool, len + 1);
    made->fields = apr_array_make(pool, 8, sizeof(field_t));
    while (text < end) {
        const char *stop = memchr(text, '&', (apr_size_t)(end - text));

        stop = stop ? stop : end;
        if (stop > text && take_field(made, &out, text, stop) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        text = stop == end ? end : stop + 1;
    }
    *form = made;
    return APR_SUCCESS;
}

apr_status_t rp_form_get(const char **value, const rp_form_t *form, const char *name)
{
    const char *found = NULL;

    *value = NULL;
    for (int i = 0; i < form->fields->nelts; i++) {
        const field_t *field = &APR_ARRAY_IDX(form->fields, i, field_t);

        if (strcmp(field->name, name) != 0) {
            continue;
        }
        if (found) {
            return APR_EINVAL;
        }
        found = field->value;
    }
    *value = found;
    return found ? APR_SUCCESS : APR_NOTFOUND;
}

/* Writes %XX or the character itself; returns the end. */
static char *encode_char(char *out, char c)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_unreserved(c)) {
        *out++ = c;
        return out;
    }
    *out++ = '%';
    *out++ = digits[(unsigned char)c >> 4];
    *out++ = digits[(unsigned char)c & 0x0F];
    return out;
}

const char *rp_percent_encode(const char *text, apr_pool_t *pool)
{
    apr_size_t len = 0;
    char *out;
    char *p;

    for (const char *c = text; *c; c++) {
        len += is_unreserved(*c) ? 1 : 3;
    }
    out = apr_palloc(pool, len + 1);
    p = out;
    for (; *text; text++) {
        p = encode_char(p, *text);
    }
    *p = '\0';
    return out;
}

static void append_encoded(rp_buf_t *buf, const char *text)
{
    char piece[3];

    while (*text) {
        apr_size_t plain = 0;

        while (is_unreserved(text[plain])) {
            plain++;
        }
        rp_buf_put(buf, text, plain);
        text += plain;
        if (*text) {
            rp_buf_put(buf, piece, (apr_size_t)(encode_char(piece, *text++) - piece));
        }
    }
}

void rp_form_append(rp_buf_t *buf, const char *name, const char *value)
{
    if (buf->len && !strchr("?&", buf->data[buf->len - 1])) {
        rp_buf_putc(buf, '&');
    }
    append_encoded(buf, name);
    rp_buf_putc(buf, '=');
    append_encoded(buf, value);
}

const char *rp_url_add_query(const char *url, const char *query, apr_pool_t *pool)
{
    apr_size_t len = strcspn(url, "#");
    const char *mark = memchr(url, '?', len);
    const char *join = "?";

    if (!*query) {
        return apr_pstrdup(pool, url);
    }
    if (mark) {
        join = strchr("?&", url[len - 1]) ? "" : "&";
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, url, len), join, query, url + len, NULL);
}
