/* Absolute http and https URLs (RFC 3986), and the one decision about where a browser may be sent.
 *
 * Key idea: parsed by the grammar, where only the case of scheme and host is free; nothing is
 * repaired. A return URL has to be in the canonical form to the last character. What was accepted
 * is written anew from its parts, so that what was checked is what is used. */
#ifndef RP_URL_H
#define RP_URL_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>

typedef struct {
    const char *scheme; /* "http" or "https" */
    const char *host;   /* lower case; an IPv6 address keeps its brackets */
    int port;           /* 1 to 65535; the scheme's own when none was given */
    const char *path;   /* begins with '/', still percent-encoded */
    const char *query;  /* without '?'; NULL when there is none */
    const char *origin; /* scheme://host[:port], the port only when it is not the scheme's own */
} rp_url_t;

/* Parses an absolute URL without userinfo and without fragment; parts in pool. APR_EINVAL, with
 * *url all zero, for anything else: other schemes, characters that RFC 3986 does not know, broken
 * percent sequences, an empty label in the host (also a trailing dot), an IPv4 address that is not
 * dotted decimal, an IPv6 address not written as RFC 5952 does, an empty port, one out of range or
 * with leading zeros. */
apr_status_t rp_url_parse(rp_url_t *url, const char *text, apr_pool_t *pool);

/* True when host is localhost, 127.0.0.0/8 in its canonical dotted form, or [::1]. */
int rp_url_is_loopback(const rp_url_t *url);

/* A place that a browser may be sent back to: exists only after rp_return_url_check. */
typedef struct rp_return_url_t rp_return_url_t;

/* Accepts a path of the own origin ("/..." but not "//" or "/\"), an absolute URL of the own
 * origin, or one whose origin is in allowed (array of const char * in the form of
 * rp_url_t.origin, as own_origin is; NULL: none). Everything else is APR_EINVAL (requirements D60
 * to D75): scheme relative, backslash, control or white space, userinfo, other schemes, non-ASCII,
 * an origin in another form than rp_url_t.origin has (case, default port, trailing dot), dot
 * segments plain or encoded, encoded controls in the path, and an encoded slash, backslash or
 * space, however many times encoded, at its start. Characters that browsers send unencoded
 * ([ ] { } | ^ `) are kept. A fragment is dropped. Longer than RP_MAX_RETURN_URL: APR_ENOSPC.
 * What rp_return_url_short() gives is accepted again, with the same result. Whether the place is
 * one of the module's own endpoints is for the caller to ask (D70). */
apr_status_t rp_return_url_check(rp_return_url_t **url, const char *text, const char *own_origin,
                                 const apr_array_header_t *allowed, apr_pool_t *pool);

/* The absolute URL, for a Location header: ASCII, no controls. */
const char *rp_return_url_text(const rp_return_url_t *url);

/* Without the origin when it is the own one ("/path?query"), else the absolute URL: the short
 * form that is kept in a state and checked again when it is used. */
const char *rp_return_url_short(const rp_return_url_t *url);

/* A request target as httpd received it ("/path?query"), with the characters that no URL has
 * (non-ASCII, controls, blanks, " # < > \ and a % that begins no sequence) as %XX, in pool. Some
 * browsers send such characters in a query; this makes rp_return_url_check accept them. Only for
 * the target of the request itself, whose meaning httpd has settled, never for a parameter. */
const char *rp_url_encode_target(const char *target, apr_pool_t *pool);

#endif
