/* The Cookie request header and Set-Cookie (RFC 6265bis).
 *
 * Key idea: one tolerant scanner serves finding and removing, so that both see the same cookies.
 * It copes with what browsers, httpd and HTTP/2 make of them: "; " and ", " joins (httpd joins two
 * Cookie lines with ", "), empty pieces, no '=', quotes (part of the value), repeated names. Names
 * are compared exactly. Linear in the header's length.
 *
 * A comma is a separator that nobody may be let in by: browsers keep commas in values, so that a
 * sibling domain could set a harmless cookie to "x, __Host-oauth=theirs" and get round what the
 * prefix promises. What stands behind a comma is removed like everything else, and refused, not
 * believed, when it is nowhere else. */
#ifndef RP_COOKIE_H
#define RP_COOKIE_H

#include <apr_errno.h>
#include <apr_pools.h>

typedef struct {
    const char *value; /* points into the header, not NUL-terminated */
    apr_size_t len;
} rp_cookie_value_t;

/* The value of the cookie called name, without the blanks around it. APR_NOTFOUND when there is
 * none; APR_EINVAL when it is there several times with different values (identical ones count as
 * one), or behind a comma only. header may be NULL. No allocation. */
apr_status_t rp_cookie_find(rp_cookie_value_t *value, const char *header, const char *name);

/* The header without the cookies called any of the names (NULL-terminated array), each with one of
 * the separators beside it, in pool; every other byte is kept as it came. Returns header itself
 * when there was nothing to remove, NULL when nothing remains. */
const char *rp_cookie_strip(const char *header, const char *const *names, apr_pool_t *pool);

typedef enum { RP_SAMESITE_LAX, RP_SAMESITE_STRICT, RP_SAMESITE_NONE } rp_samesite_t;

typedef struct {
    const char *name;
    const char *value;  /* only characters of cookie-octet */
    const char *domain; /* NULL: host-only */
    const char *path;   /* "/" when NULL */
    int secure;         /* 0 or 1 */
    rp_samesite_t samesite;
    int max_age; /* seconds; 0: delete now; below 0: until the browser ends */
} rp_set_cookie_t;

/* The Set-Cookie value, always HttpOnly, in pool; NULL when it would be longer than
 * RP_MAX_COOKIE or has a character that a cookie cannot have, or a path without a leading slash. */
const char *rp_cookie_format(const rp_set_cookie_t *cookie, apr_pool_t *pool);

#endif
