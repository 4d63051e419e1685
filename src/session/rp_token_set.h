/* The tokens of a session as bytes that are few, for sessions that the browser keeps.
 *
 * Key idea: most tokens are base64url text with dots, and a cookie is base64url once more; so what
 * is base64url is packed into the bytes that it stands for, and comes back as it was, character by
 * character. That is no compression: the size depends on nothing but lengths and alphabets.
 *
 * Besides the tokens it says what changes with them. Drawn at the top of rp_token_set.c. */
#ifndef RP_TOKEN_SET_H
#define RP_TOKEN_SET_H

#include "rp_record.h"

/* Encodes the three tokens, token_generation, token_issued, token_expires and scope of the record.
 * APR_ENOSPC when it would be larger than RP_MAX_SESSION_RECORD. */
apr_status_t rp_token_set_encode(unsigned char **data, apr_size_t *len, const rp_record_t *record,
                                 apr_pool_t *pool);

/* Sets them, in pool, and leaves the rest of *record alone. APR_EINVAL for another version or
 * anything that does not add up; *record is then as it was. */
apr_status_t rp_token_set_decode(rp_record_t *record, const unsigned char *data, apr_size_t len,
                                 apr_pool_t *pool);

#endif
