/* JSON from outside, through typed getters (RFC 8259, on jansson).
 *
 * Key idea: present, absent and wrong are three results. A member of another type than asked for
 * is an error, never an absence. Parsing refuses duplicate members at any level, embedded NULs,
 * invalid UTF-8, lone surrogates, a byte order mark, anything after the value, and whatever is
 * deeper, longer or more numerous than rp_limits.h allows. Values live in a pool (json_decref is
 * its cleanup).
 *
 *     rv = rp_json_parse(&root, body, len, RP_MAX_METADATA, pool, &why);
 *     rv = rp_json_string(&issuer, root, "issuer");   APR_SUCCESS, APR_NOTFOUND or APR_EINVAL  */
#ifndef RP_JSON_H
#define RP_JSON_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

/* Parses a text whose top level must be an object. APR_EINVAL with *why saying what is wrong in
 * words for a log (never a piece of the text), or when it is longer than max bytes; *why is NULL
 * otherwise. The object is released with pool. Integers must fit 64 bits, reals a double. */
apr_status_t rp_json_parse(json_t **object, const char *text, apr_size_t len, apr_size_t max,
                           apr_pool_t *pool, const char **why);

/* Ties a reference that the caller owns to pool. Returns json. */
json_t *rp_json_keep(json_t *json, apr_pool_t *pool);

/* Each: APR_SUCCESS; APR_NOTFOUND when there is no such member; APR_EINVAL when it has another type
 * (null included) or is out of bounds, or when object is none. The output is NULL or 0 whenever it
 * is not APR_SUCCESS. Strings, objects and arrays point into the object. */
apr_status_t rp_json_string(const char **value, const json_t *object, const char *name);
apr_status_t rp_json_bool(int *value, const json_t *object, const char *name);
apr_status_t rp_json_object(json_t **value, const json_t *object, const char *name);
apr_status_t rp_json_array(json_t **value, const json_t *object, const char *name);

/* An array of strings; or a single string, as JWT's aud has it, when single is not 0. *values is
 * an array of const char * in pool. */
apr_status_t rp_json_strings(apr_array_header_t **values, const json_t *object, const char *name,
                             int single, apr_pool_t *pool);

/* A NumericDate (RFC 7519 2) or duration in seconds, integer or fraction (cut off), 0 to 2^53;
 * what is below 0 is refused, also between -1 and 0. */
apr_status_t rp_json_seconds(apr_int64_t *value, const json_t *object, const char *name);

/* The value, of any type, as compact JSON text with sorted members, in pool; "" for NULL. */
const char *rp_json_text(const json_t *json, apr_pool_t *pool);

#endif
