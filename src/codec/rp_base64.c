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

/* Value of each character of the URL alphabet, plus one; 0 for all others. */
/* clang-format off */
static const unsigned char url_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};
/* clang-format on */

/* Bytes that text_len characters stand for, when that is a possible length. */
static apr_size_t decoded_len(apr_size_t text_len)
{
    return text_len / 4 * 3 + text_len % 4 * 3 / 4;
}

/* The six bits of a character; a character of no alphabet sets a bit above them. */
static inline apr_uint32_t six_bits(char c)
{
    return (apr_uint32_t)url_values[(unsigned char)c] - 1;
}

/* Whole groups of four characters, three bytes each, in one go: a sealed cookie has thousands of
 * characters. Not 0: some character is of no alphabet. */
static apr_uint32_t decode_groups(unsigned char *out, const char *text, apr_size_t groups)
{
    apr_uint32_t wrong = 0;

    for (; groups > 0; groups--, text += 4, out += 3) {
        apr_uint32_t a = six_bits(text[0]);
        apr_uint32_t b = six_bits(text[1]);
        apr_uint32_t c = six_bits(text[2]);
        apr_uint32_t d = six_bits(text[3]);

        wrong |= a | b | c | d;
        out[0] = (unsigned char)(a << 2 | b >> 4);
        out[1] = (unsigned char)(b << 4 | c >> 2);
        out[2] = (unsigned char)(c << 6 | d);
    }
    return wrong & ~0x3FU;
}

static apr_status_t decode(unsigned char *out, const char *text, apr_size_t text_len)
{
    apr_size_t whole = text_len / 4;
    apr_size_t rest = text_len % 4;
    apr_uint32_t bits = 0;

    /* One character over whole groups of four holds six bits, which is no byte. */
    if (rest == 1 || decode_groups(out, text, whole) != 0) {
        return APR_EINVAL;
    }
    text += whole * 4;
    out += whole * 3;
    for (apr_size_t i = 0; i < rest; i++) {
        apr_uint32_t value = six_bits(text[i]);

        if (value > 0x3F) {
            return APR_EINVAL;
        }
        bits = bits << 6 | value;
    }
    if (rest == 2) {
        out[0] = (unsigned char)(bits >> 4);
    } else if (rest == 3) {
        out[0] = (unsigned char)(bits >> 10);
        out[1] = (unsigned char)(bits >> 2 & 0xFF);
    }
    /* RFC 4648 3.5: were other trailing bits accepted, a value would have several texts. */
    return (rest == 2 && bits & 0x0F) || (rest == 3 && bits & 0x03) ? APR_EINVAL : APR_SUCCESS;
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
