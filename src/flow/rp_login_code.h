/* The bytes that a pending login is sealed from, and back. */
#ifndef RP_LOGIN_CODE_H
#define RP_LOGIN_CODE_H

#include "../base/rp_buf.h"
#include "rp_login_state.h"

/* Most bytes: sealed and in base64url they stay below 1,200 characters. */
#define RP_LOGIN_CODE_MAX 840

/* Bytes that the state takes, its return URL left out. */
apr_size_t rp_login_code_size(const rp_login_state_t *state);

/* Appends. APR_ENOSPC when it does not fit. */
apr_status_t rp_login_encode(rp_buf_t *buf, const rp_login_state_t *state);

/* Texts are in pool. APR_EINVAL: another version, or bytes that do not add up. */
apr_status_t rp_login_decode(rp_login_state_t *state, const unsigned char *data, apr_size_t len,
                             apr_pool_t *pool);

#endif
