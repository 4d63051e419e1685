/* The fields of a form that is sent again: in their order, repeated names and line breaks
 * included, which rp_form_parse (made for protocol parameters) refuses. */
#ifndef RP_FIELDS_H
#define RP_FIELDS_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>

/* *fields is an array of rp_page_field_t in pool. APR_EINVAL: a broken percent sequence, a NUL,
 * text that is not UTF-8, or too many fields. Linear. */
apr_status_t rp_fields_parse(apr_array_header_t **fields, const char *body, apr_size_t len,
                             apr_pool_t *pool);

#endif
