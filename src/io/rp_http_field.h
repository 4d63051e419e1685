/* What is read from an answer's header fields. Whatever does not follow the grammar counts as
 * absent: none of these fields decides about trust. */
#ifndef RP_HTTP_FIELD_H
#define RP_HTTP_FIELD_H

#include <apr_pools.h>
#include <apr_time.h>

/* The media type of a Content-Type value in lower case, without parameters (RFC 9110 8.3); "" when
 * value is NULL or is none. In pool. */
const char *rp_http_media_type(const char *value, apr_pool_t *pool);

/* Takes one Cache-Control value (RFC 9111 5.2) into *max_age, which begins as -1: seconds, the
 * least of several; no-store and no-cache are 0. */
void rp_http_cache_control(apr_int64_t *max_age, const char *value);

/* Retry-After (RFC 9110 10.2.3), seconds or a date, as seconds from now; -1 when value is NULL or
 * is neither. A date that has passed is 0. */
apr_int64_t rp_http_retry_after(const char *value, apr_time_t now);

#endif
