/* The state parameter: base64url of a sealed box (jose/rp_seal.h) around
 *
 *    bytes
 *      1   version
 *      1   attempt
 *      8   issued, seconds since 1970, most significant byte first
 *     16   id, random
 *     16   hash of the provider's context
 *     16   hash of the login cookie's value
 *      8   check: which secret of the ring PKCE verifier and nonce come from
 *   2 + n  provider's name        \
 *   2 + n  scope                   |  length, most significant byte first, then the characters;
 *   2 + n  id of a kept POST       |  empty stands for none
 *   2 + n  return URL             /   (here: for "in the store, under the id")
 *
 * With everything at its longest it stays below 1,200 characters, which every provider takes. */
#include "rp_login_code.h"

#include <apr_strings.h>
#include <string.h>

#define VERSION 1
#define FIXED_BYTES 66
#define TEXTS 4

static void put_text(rp_buf_t *buf, const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;
    unsigned char prefix[2] = {(unsigned char)(len >> 8), (unsigned char)len};

    rp_buf_put(buf, prefix, sizeof(prefix));
    rp_buf_put(buf, text ? text : "", len);
}

static void put_fixed(rp_buf_t *buf, const rp_login_state_t *state)
{
    apr_uint64_t seconds = (apr_uint64_t)apr_time_sec(state->issued);

    rp_buf_putc(buf, VERSION);
    rp_buf_putc(buf, (char)state->attempt);
    for (int shift = 56; shift >= 0; shift -= 8) {
        rp_buf_putc(buf, (char)(unsigned char)(seconds >> shift));
    }
    rp_buf_put(buf, state->id, sizeof(state->id));
    rp_buf_put(buf, state->context_hash, sizeof(state->context_hash));
    rp_buf_put(buf, state->binding_hash, sizeof(state->binding_hash));
    rp_buf_put(buf, state->check, sizeof(state->check));
}

static apr_size_t text_size(const char *text)
{
    return text ? strlen(text) : 0;
}

apr_size_t rp_login_code_size(const rp_login_state_t *state)
{
    return FIXED_BYTES + TEXTS * 2 + text_size(state->provider) + text_size(state->scope) +
           text_size(state->preserved);
}

apr_status_t rp_login_encode(rp_buf_t *buf, const rp_login_state_t *state)
{
    put_fixed(buf, state);
    put_text(buf, state->provider);
    put_text(buf, state->scope);
    put_text(buf, state->preserved);
    put_text(buf, state->return_url);
    return rp_buf_status(buf);
}

/* Takes one text; 0 when there is none. */
static int take_text(const char **text, const unsigned char **at, const unsigned char *end,
                     apr_pool_t *pool)
{
    apr_size_t len;

    if (end - *at < 2) {
        return 0;
    }
    len = (apr_size_t)(*at)[0] << 8 | (*at)[1];
    *at += 2;
    if ((apr_size_t)(end - *at) < len) {
        return 0;
    }
    *text = len ? apr_pstrmemdup(pool, (const char *)*at, len) : NULL;
    *at += len;
    return 1;
}

static void take_bytes(unsigned char *out, const unsigned char **at, apr_size_t len)
{
    memcpy(out, *at, len);
    *at += len;
}

/* The box was sealed by us, but perhaps by another version of us. */
apr_status_t rp_login_decode(rp_login_state_t *state, const unsigned char *data, apr_size_t len,
                             apr_pool_t *pool)
{
    const unsigned char *at = data + 2;
    const unsigned char *end = data + len;
    apr_uint64_t seconds = 0;

    if (len < FIXED_BYTES || data[0] != VERSION) {
        return APR_EINVAL;
    }
    state->attempt = data[1];
    for (int i = 0; i < 8; i++) {
        seconds = seconds << 8 | *at++;
    }
    state->issued = apr_time_from_sec((apr_time_t)(seconds & 0xFFFFFFFFFFULL));
    take_bytes(state->id, &at, sizeof(state->id));
    take_bytes(state->context_hash, &at, sizeof(state->context_hash));
    take_bytes(state->binding_hash, &at, sizeof(state->binding_hash));
    take_bytes(state->check, &at, sizeof(state->check));
    if (!take_text(&state->provider, &at, end, pool) || !take_text(&state->scope, &at, end, pool) ||
        !take_text(&state->preserved, &at, end, pool) ||
        !take_text(&state->return_url, &at, end, pool)) {
        return APR_EINVAL;
    }
    if (!state->provider) {
        state->provider = "";
    }
    return at == end ? APR_SUCCESS : APR_EINVAL;
}
