/* Base64url without padding (RFC 4648 5, RFC 7515 2), and Base64 for HTTP Basic (RFC 4648 4).
 *
 * Key idea: decoding is strict. Padding, white space, other characters, an impossible length and
 * non-zero trailing bits are all refused, so that a value has exactly one text. */
#ifndef RP_BASE64_H
#define RP_BASE64_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Characters that len bytes become, without the NUL. */
#define RP_BASE64URL_LEN(len) (((len)*4 + 2) / 3)

/* The text of len bytes, in pool. */
const char *rp_base64url_encode(const void *data, apr_size_t len, apr_pool_t *pool);

/* Writes RP_BASE64URL_LEN(len) characters and a NUL to out. */
void rp_base64url_encode_into(char *out, const void *data, apr_size_t len);

/* APR_SUCCESS with *data in pool (followed by a NUL that *len does not count), or APR_EINVAL. */
apr_status_t rp_base64url_decode(unsigned char **data, apr_size_t *len, const char *text,
                                 apr_size_t text_len, apr_pool_t *pool);

/* Decodes text that must stand for exactly out_len bytes; APR_EINVAL otherwise. No allocation. */
apr_status_t rp_base64url_decode_into(unsigned char *out, apr_size_t out_len, const char *text,
                                      apr_size_t text_len);

/* Padded Base64 with the standard alphabet, in pool. */
const char *rp_base64_encode(const void *data, apr_size_t len, apr_pool_t *pool);

#endif
