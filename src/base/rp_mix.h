/* A hash to find things by within one process.
 *
 * Key idea: fast on some hundred bytes that every request brings, eight at a time. It keeps no
 * secret and withstands nobody who looks for collisions, so whoever uses it compares the whole text
 * afterwards; and it is of this machine's byte order, so it is never stored.                  */
#ifndef RP_MIX_H
#define RP_MIX_H

#include <apr.h>

apr_uint64_t rp_mix(const void *bytes, apr_size_t len);

#endif
