#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_url.h"

struct rp_return_url_t {
    const char *text;
    const char *brief;
};

/* Besides what RFC 3986 allows, these are what browsers leave as they are in a path or a query
 * (URL Standard, percent-encode sets); to refuse them would refuse deep links that work. */
#define LEFT_RAW "[]{}|^`"

static int is_allowed(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~!$&'()*+,;=:@/?" LEFT_RAW, c));
}

static int is_percent_sequence(const char *text)
{
    return text[0] == '%' && apr_isxdigit(text[1]) && apr_isxdigit(text[2]);
}

static int hex_value(char c)
{
    if (c <= '9') {
        return c - '0';
    }
    return (c | 0x20) - 'a' + 10;
}

static int percent_value(const char *text)
{
    return hex_value(text[1]) * 16 + hex_value(text[2]);
}

static int is_well_formed(const char *text)
{
    while (*text) {
        if (is_percent_sequence(text)) {
            text += 3;
        } else if (is_allowed(*text)) {
            text++;
        } else {
            return 0;
        }
    }
    return 1;
}

/* What stands behind the first slash could make another host of the path for somebody who decodes
 * once more than we do, however many times it was encoded. */
static int starts_safely(const char *path)
{
    const char *p = path + 1;
    int value;

    if (*p == '/') {
        return 0;
    }
    if (!is_percent_sequence(p)) {
        return 1;
    }
    while (p[1] == '2' && p[2] == '5' && apr_isxdigit(p[3]) && apr_isxdigit(p[4])) {
        p += 2;
    }
    value = percent_value(p);
    return value > ' ' && value != 0x7F && value != '/' && value != '\\';
}

/* The length of a dot, plain or encoded, at text; 0 when there is none. */
static apr_size_t dot_len(const char *text)
{
    if (*text == '.') {
        return 1;
    }
    return is_percent_sequence(text) && percent_value(text) == '.' ? 3 : 0;
}

static int is_dot_segment(const char *segment, apr_size_t len)
{
    apr_size_t first = dot_len(segment);

    return first && (first == len || first + dot_len(segment + first) == len);
}

static int has_dot_segment(const char *path)
{
    while (*path == '/') {
        apr_size_t len = strcspn(path + 1, "/?");

        if (is_dot_segment(path + 1, len)) {
            return 1;
        }
        path += len + 1;
    }
    return 0;
}

static int has_encoded_control(const char *path)
{
    for (; *path && *path != '?'; path++) {
        if (is_percent_sequence(path) &&
            (percent_value(path) < 0x20 || percent_value(path) == 0x7F)) {
            return 1;
        }
    }
    return 0;
}

static int is_path(const char *path)
{
    return *path == '/' && is_well_formed(path) && starts_safely(path) && !has_dot_segment(path) &&
           !has_encoded_control(path);
}

static int is_listed(const char *origin, const apr_array_header_t *allowed)
{
    for (int i = 0; allowed && i < allowed->nelts; i++) {
        if (strcmp(origin, APR_ARRAY_IDX(allowed, i, const char *)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Splits an absolute URL behind its origin, which must be written as we would write it. */
static apr_status_t split(const char **origin, const char **path, const char *text,
                          apr_pool_t *pool)
{
    const char *authority = strstr(text, "://");
    const char *slash = authority ? strchr(authority + 3, '/') : NULL;
    const char *head = slash ? apr_pstrmemdup(pool, text, (apr_size_t)(slash - text)) : text;
    rp_url_t url;

    *origin = NULL;
    *path = slash ? slash : "/";
    if (rp_url_parse(&url, head, pool) != APR_SUCCESS || strcmp(url.origin, head) != 0) {
        return APR_EINVAL;
    }
    *origin = url.origin;
    return APR_SUCCESS;
}

/* Visible ASCII only, also in a fragment, which is then dropped. */
static int is_visible(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || *text == '\\') {
            return 0;
        }
    }
    return 1;
}

static rp_return_url_t *make(const char *origin, const char *path, int own, apr_pool_t *pool)
{
    rp_return_url_t *made = apr_palloc(pool, sizeof(*made));

    made->text = apr_pstrcat(pool, origin, path, NULL);
    made->brief = own ? made->text + strlen(origin) : made->text;
    return made;
}

apr_status_t rp_return_url_check(rp_return_url_t **url, const char *text, const char *own_origin,
                                 const apr_array_header_t *allowed, apr_pool_t *pool)
{
    const char *origin = own_origin;
    const char *path;
    int own;

    *url = NULL;
    if (strnlen(text, RP_MAX_RETURN_URL + 1) > RP_MAX_RETURN_URL) {
        return APR_ENOSPC;
    }
    if (!is_visible(text)) {
        return APR_EINVAL;
    }
    path = apr_pstrmemdup(pool, text, strcspn(text, "#"));
    if (*path != '/' && split(&origin, &path, path, pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    own = strcmp(origin, own_origin) == 0;
    if ((!own && !is_listed(origin, allowed)) || !is_path(path)) {
        return APR_EINVAL;
    }
    *url = make(origin, path, own, pool);
    return APR_SUCCESS;
}

const char *rp_return_url_text(const rp_return_url_t *url)
{
    return url->text;
}

const char *rp_return_url_short(const rp_return_url_t *url)
{
    return url->brief;
}

const char *rp_url_encode_target(const char *target, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = apr_palloc(pool, strlen(target) * 3 + 1);
    char *p = out;

    for (; *target; target++) {
        if (is_allowed(*target) || is_percent_sequence(target)) {
            *p++ = *target;
            continue;
        }
        *p++ = '%';
        *p++ = digits[(unsigned char)*target >> 4];
        *p++ = digits[(unsigned char)*target & 0x0F];
    }
    *p = '\0';
    return out;
}
