/* A set of header names, asked for every header of every request.
 *
 * Key idea: names are the same when some backend cannot tell them apart (rp_export_same_header).
 * Most names that come are told apart by their length and first character alone; for the others
 * it takes one pass over the name and one look into a table. Read-only once made. */
#ifndef RP_HEADER_SET_H
#define RP_HEADER_SET_H

#include <apr_pools.h>
#include <apr_tables.h>

typedef struct rp_header_set_t rp_header_set_t;

/* Makes a set from names (array of const char *), which it keeps. */
const rp_header_set_t *rp_header_set_make(const apr_array_header_t *names, apr_pool_t *pool);

/* 1 or 0. */
int rp_header_set_has(const rp_header_set_t *set, const char *name);

#endif
