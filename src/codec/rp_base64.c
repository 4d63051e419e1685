#include "rp_base64.h"

#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char basic_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes the characters of len bytes, without padding and without a NUL; returns their end. */
static char *encode(char *out, const void *data, apr_size_t len, const char *alphabet)
{
    const unsigned char *byte = data;
    apr_uint32_t bits = 0;
    unsigned int count = 0;

    for (apr_size_t i = 0; i < len; i++) {
        bits = (bits << 8) | byte[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            *out++ = alphabet[(bits >> count) & 0x3F];
        }
    }
    if (count) {
        *out++ = alphabet[(bits << (6 - count)) & 0x3F];
    }
    return out;
}

/* The URL alphabet: character and value. */
/* clang-format off */
#define URL_ROWS(ROW) \
    ROW('A', 0) ROW('B', 1) ROW('C', 2) ROW('D', 3) ROW('E', 4) ROW('F', 5) ROW('G', 6) ROW('H', 7) \
    ROW('I', 8) ROW('J', 9) ROW('K', 10) ROW('L', 11) ROW('M', 12) ROW('N', 13) ROW('O', 14) ROW('P', 15) \
    ROW('Q', 16) ROW('R', 17) ROW('S', 18) ROW('T', 19) ROW('U', 20) ROW('V', 21) ROW('W', 22) ROW('X', 23) \
    ROW('Y', 24) ROW('Z', 25) ROW('a', 26) ROW('b', 27) ROW('c', 28) ROW('d', 29) ROW('e', 30) ROW('f', 31) \
    ROW('g', 32) ROW('h', 33) ROW('i', 34) ROW('j', 35) ROW('k', 36) ROW('l', 37) ROW('m', 38) ROW('n', 39) \
    ROW('o', 40) ROW('p', 41) ROW('q', 42) ROW('r', 43) ROW('s', 44) ROW('t', 45) ROW('u', 46) ROW('v', 47) \
    ROW('w', 48) ROW('x', 49) ROW('y', 50) ROW('z', 51) ROW('0', 52) ROW('1', 53) ROW('2', 54) ROW('3', 55) \
    ROW('4', 56) ROW('5', 57) ROW('6', 58) ROW('7', 59) ROW('8', 60) ROW('9', 61) ROW('-', 62) ROW('_', 63)
/* clang-format on */

/* A character's bits where they belong in a group of four, and above the group's 24 bits one that
 * says that there are any. */
#define FOUND(place) (1U << (24 + (place)))
#define FIRST(c, value) [c] = FOUND(0) | (value) << 18,
#define SECOND(c, value) [c] = FOUND(1) | (value) << 12,
#define THIRD(c, value) [c] = FOUND(2) | (value) << 6,
#define FOURTH(c, value) [c] = FOUND(3) | (value),
#define ALL_FOUND (FOUND(0) | FOUND(1) | FOUND(2) | FOUND(3))

static const apr_uint32_t url_bits[4][256] = {
    {URL_ROWS(FIRST)}, {URL_ROWS(SECOND)}, {URL_ROWS(THIRD)}, {URL_ROWS(FOURTH)}};

/* Bytes that text_len characters stand for, when that is a possible length. */
static apr_size_t decoded_len(apr_size_t text_len)
{
    return text_len / 4 * 3 + text_len % 4 * 3 / 4;
}

static inline apr_uint32_t bits_of(int place, char c)
{
    return url_bits[place][(unsigned char)c];
}

/* Whole groups of four characters, three bytes each: a sealed cookie has thousands of characters.
 * 0 when some character is of no alphabet. */
static int decode_groups(unsigned char *out, const char *text, apr_size_t groups)
{
    apr_uint32_t found = ALL_FOUND;

    for (; groups > 0; groups--, text += 4, out += 3) {
        apr_uint32_t bits =
            bits_of(0, text[0]) | bits_of(1, text[1]) | bits_of(2, text[2]) | bits_of(3, text[3]);

        found &= bits;
        out[0] = (unsigned char)(bits >> 16);
        out[1] = (unsigned char)(bits >> 8);
        out[2] = (unsigned char)bits;
    }
    return found == ALL_FOUND;
}

/* Two or three characters at the end, one or two bytes. */
static int decode_rest(unsigned char *out, const char *text, apr_size_t rest)
{
    apr_uint32_t third = rest == 3 ? bits_of(2, text[2]) : FOUND(2);
    apr_uint32_t bits = bits_of(0, text[0]) | bits_of(1, text[1]) | third | FOUND(3);
    apr_uint32_t trailing = rest == 3 ? 0xFF : 0xFFFF;

    out[0] = (unsigned char)(bits >> 16);
    if (rest == 3) {
        out[1] = (unsigned char)(bits >> 8);
    }
    /* RFC 4648 3.5: were other trailing bits accepted, a value would have several texts. */
    return (bits & ALL_FOUND) == ALL_FOUND && !(bits & trailing);
}

static apr_status_t decode(unsigned char *out, const char *text, apr_size_t text_len)
{
    apr_size_t groups = text_len / 4;
    apr_size_t rest = text_len % 4;

    /* One character over whole groups of four holds six bits, which is no byte. */
    if (rest == 1 || !decode_groups(out, text, groups)) {
        return APR_EINVAL;
    }
    if (rest && !decode_rest(out + groups * 3, text + groups * 4, rest)) {
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

void rp_base64url_encode_into(char *out, const void *data, apr_size_t len)
{
    *encode(out, data, len, url_alphabet) = '\0';
}

const char *rp_base64url_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, RP_BASE64URL_LEN(len) + 1);

    rp_base64url_encode_into(out, data, len);
    return out;
}

apr_status_t rp_base64url_decode(unsigned char **data, apr_size_t *len, const char *text,
                                 apr_size_t text_len, apr_pool_t *pool)
{
    apr_size_t out_len = decoded_len(text_len);
    unsigned char *out = apr_palloc(pool, out_len + 1);

    *data = NULL;
    *len = 0;
    if (decode(out, text, text_len) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    out[out_len] = '\0';
    *data = out;
    *len = out_len;
    return APR_SUCCESS;
}

apr_status_t rp_base64url_decode_into(unsigned char *out, apr_size_t out_len, const char *text,
                                      apr_size_t text_len)
{
    if (decoded_len(text_len) == out_len && decode(out, text, text_len) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    memset(out, 0, out_len);
    return APR_EINVAL;
}

const char *rp_base64_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, (len + 2) / 3 * 4 + 1);
    char *end = encode(out, data, len, basic_alphabet);

    while ((end - out) % 4) {
        *end++ = '=';
    }
    *end = '\0';
    return out;
}
