#include "rp_cookie.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"

/* What stands between two separators, white space included. */
typedef struct {
    const char *start;
    const char *end;
    const char *name;   /* NULL without '=' */
    const char *equals; /* the first '=' */
} piece_t;

/* Looked through at once. */
#define CHUNK 256

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the next separator or the NUL stands. The C library looks at many characters at once, which
 * pays on the hot path; in chunks, because each separator is looked for by itself, and a header
 * full of the one would otherwise be read to its end for the other again and again. */
static const char *find_end(const char *text)
{
    for (;;) {
        apr_size_t len = strnlen(text, CHUNK);
        const char *semicolon = memchr(text, ';', len);
        const char *comma = memchr(text, ',', semicolon ? (apr_size_t)(semicolon - text) : len);

        if (comma || semicolon) {
            return comma ? comma : semicolon;
        }
        text += len;
        if (len < CHUNK) {
            return text;
        }
    }
}

/* Reads the piece at text; returns its end, where a separator or the NUL stands. */
static const char *take_piece(piece_t *piece, const char *text)
{
    const char *name = text;

    while (is_blank(*name)) {
        name++;
    }
    piece->start = text;
    piece->end = find_end(name);
    piece->equals = memchr(name, '=', (apr_size_t)(piece->end - name));
    piece->name = piece->equals ? name : NULL;
    return piece->end;
}

static int is_named(const piece_t *piece, const char *name, apr_size_t len)
{
    return piece->name && (apr_size_t)(piece->equals - piece->name) == len &&
           memcmp(piece->name, name, len) == 0;
}

static void take_value(rp_cookie_value_t *value, const piece_t *piece)
{
    const char *start = piece->equals + 1;
    const char *end = piece->end;

    while (start < end && is_blank(*start)) {
        start++;
    }
    while (end > start && is_blank(end[-1])) {
        end--;
    }
    value->value = start;
    value->len = (apr_size_t)(end - start);
}

static int is_same(const rp_cookie_value_t *a, const rp_cookie_value_t *b)
{
    return a->len == b->len && memcmp(a->value, b->value, a->len) == 0;
}

/* What the walk has come across so far. */
typedef struct {
    rp_cookie_value_t value;
    int trusted;   /* 1: it stood elsewhere than behind a comma at least once */
    int ambiguous; /* 1: there are different values */
} found_t;

static void note(found_t *found, const piece_t *piece, int after_comma)
{
    rp_cookie_value_t value;

    take_value(&value, piece);
    if (found->value.value && !is_same(&found->value, &value)) {
        found->ambiguous = 1;
    }
    if (!after_comma) {
        found->trusted = 1;
    }
    found->value = value;
}

apr_status_t rp_cookie_find(rp_cookie_value_t *value, const char *header, const char *name)
{
    apr_size_t len = strlen(name);
    found_t found = {.trusted = 0};
    const char *p = header;
    piece_t piece;

    value->value = NULL;
    value->len = 0;
    while (p && *p) {
        int after_comma = p > header && p[-1] == ',';

        p = take_piece(&piece, p);
        if (is_named(&piece, name, len)) {
            note(&found, &piece, after_comma);
        }
        p += *p ? 1 : 0;
    }
    if (!found.value.value) {
        return APR_NOTFOUND;
    }
    if (found.ambiguous || !found.trusted) {
        return APR_EINVAL;
    }
    *value = found.value;
    return APR_SUCCESS;
}

static int is_any(const piece_t *piece, const char *const *names)
{
    for (; *names; names++) {
        if (is_named(piece, *names, strlen(*names))) {
            return 1;
        }
    }
    return 0;
}

/* Whether there is anything but separators and blanks. */
static int has_cookie(const char *header)
{
    return header[strspn(header, ";, \t")] != '\0';
}

/* A kept piece stays behind the separator that it had. The first one has none, nor the blanks that
 * followed what was before it. */
static char *keep_piece(char *out, const char *begin, const char *header, const piece_t *piece)
{
    const char *from = piece->start;

    if (from > header && out > begin) {
        from--;
    } else if (from > header) {
        from += strspn(from, " \t");
    }
    memcpy(out, from, (apr_size_t)(piece->end - from));
    return out + (piece->end - from);
}

/* Copies the pieces that stay to begin, which has room for the whole header and a NUL. */
static void copy_kept(char *begin, const char *header, const char *const *names)
{
    const char *p = header;
    char *out = begin;
    piece_t piece;

    for (;;) {
        p = take_piece(&piece, p);
        if (!is_any(&piece, names)) {
            out = keep_piece(out, begin, header, &piece);
        }
        if (!*p) {
            break;
        }
        p++;
    }
    *out = '\0';
}

const char *rp_cookie_strip(const char *header, const char *const *names, apr_pool_t *pool)
{
    const char *p = header;
    piece_t piece;
    char *out;

    for (;;) {
        p = take_piece(&piece, p);
        if (is_any(&piece, names)) {
            break;
        }
        if (!*p) {
            return header;
        }
        p++;
    }
    out = apr_palloc(pool, strlen(header) + 1);
    copy_kept(out, header, names);
    return has_cookie(out) ? out : NULL;
}

/* RFC 6265 4.1.1 cookie-octet; none of them needs quoting anywhere. */
static int is_octets(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || strchr("\",;\\", *text)) {
            return 0;
        }
    }
    return 1;
}

/* RFC 9110 5.6.2 token, not empty. */
static int is_token(const char *text)
{
    return *text && is_octets(text) && !strpbrk(text, "()/:<=>?@[]{}");
}

/* RFC 6265 4.1.1: any character but controls and ';'. Blanks and non-ASCII are refused as well,
 * since a path is compared with the percent-encoded one. */
static int is_attribute(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || *text == ';') {
            return 0;
        }
    }
    return 1;
}

static const char *samesite_name(rp_samesite_t samesite)
{
    switch (samesite) {
    case RP_SAMESITE_STRICT:
        return "Strict";
    case RP_SAMESITE_NONE:
        return "None";
    case RP_SAMESITE_LAX:
    default:
        return "Lax";
    }
}

static void put_attribute(rp_buf_t *buf, const char *name, const char *value)
{
    rp_buf_puts(buf, "; ");
    rp_buf_puts(buf, name);
    rp_buf_puts(buf, value);
}

const char *rp_cookie_format(const rp_set_cookie_t *cookie, apr_pool_t *pool)
{
    const char *path = cookie->path ? cookie->path : "/";
    rp_buf_t buf;

    if (!is_token(cookie->name) || !is_octets(cookie->value) || *path != '/' ||
        !is_attribute(path) || (cookie->domain && !is_attribute(cookie->domain))) {
        return NULL;
    }
    rp_buf_init(&buf, RP_MAX_COOKIE, pool);
    rp_buf_puts(&buf, cookie->name);
    rp_buf_puts(&buf, "=");
    rp_buf_puts(&buf, cookie->value);
    put_attribute(&buf, "Path=", path);
    if (cookie->domain) {
        put_attribute(&buf, "Domain=", cookie->domain);
    }
    if (cookie->max_age >= 0) {
        put_attribute(&buf, "Max-Age=", apr_itoa(pool, cookie->max_age));
    }
    put_attribute(&buf, "HttpOnly", "");
    if (cookie->secure) {
        put_attribute(&buf, "Secure", "");
    }
    put_attribute(&buf, "SameSite=", samesite_name(cookie->samesite));
    return rp_buf_status(&buf) == APR_SUCCESS ? rp_buf_text(&buf) : NULL;
}
