/* Percent-encoding (RFC 3986 2.1) and application/x-www-form-urlencoded, of queries and bodies.
 *
 * Key idea: a parameter is present once, absent, or repeated, and the three are different results:
 * RFC 6749 3.1 forbids repetition, and guessing which one was meant is how filters are bypassed.
 *
 *     rv = rp_form_parse(&form, text, len, pool);
 *     rv = rp_form_get(&code, form, "code");    APR_SUCCESS, APR_NOTFOUND or APR_EINVAL        */
#ifndef RP_FORM_H
#define RP_FORM_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "../base/rp_buf.h"

typedef struct rp_form_t rp_form_t;

/* Parses len characters; + stands for a space. APR_EINVAL: a broken percent sequence, a control
 * character (below 0x20, or 0x7F) after decoding, invalid UTF-8, more than RP_MAX_FORM_BODY
 * characters or RP_MAX_FORM_FIELDS fields. Nothing between two & is no field. Linear. */
apr_status_t rp_form_parse(rp_form_t **form, const char *text, apr_size_t len, apr_pool_t *pool);

/* APR_SUCCESS with the decoded value, which is "" when it was given without one; APR_NOTFOUND:
 * absent, *value is NULL; APR_EINVAL: given more than once (with equal values too), *value is
 * NULL. */
apr_status_t rp_form_get(const char **value, const rp_form_t *form, const char *name);

/* Everything but A-Z a-z 0-9 - . _ ~ becomes %XX (upper-case); right for a path segment, a query
 * value and RFC 6749 appendix B alike, since a space becomes %20. Result in pool. */
const char *rp_percent_encode(const char *text, apr_pool_t *pool);

/* Appends name=value, both encoded, preceded by & unless the buffer is empty or ends in ? or &. */
void rp_form_append(rp_buf_t *buf, const char *name, const char *value);

/* Adds the parameters in query (already encoded) to a URL that may have a query of its own; before
 * its fragment when it has one. Result in pool. */
const char *rp_url_add_query(const char *url, const char *query, apr_pool_t *pool);

#endif
