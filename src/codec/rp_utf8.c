#include "rp_utf8.h"

typedef struct {
    unsigned char first, last; /* the leading byte */
    unsigned char len;         /* bytes in all */
    unsigned char low, high;   /* the second byte; the others are 80 to BF */
} lead_t;

/* clang-format off */
static const lead_t leads[] = {
    {0xC2, 0xDF, 2, 0x80, 0xBF},
    {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F},
    {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF},
    {0xF4, 0xF4, 4, 0x80, 0x8F},
};
/* clang-format on */

static const lead_t *find_lead(unsigned char c)
{
    for (apr_size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (c >= leads[i].first && c <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

apr_size_t rp_utf8_length(const char *text, apr_size_t len)
{
    const unsigned char *byte = (const unsigned char *)text;
    const lead_t *lead;

    if (!len) {
        return 0;
    }
    if (byte[0] < 0x80) {
        return 1;
    }
    lead = find_lead(byte[0]);
    if (!lead || len < lead->len || byte[1] < lead->low || byte[1] > lead->high) {
        return 0;
    }
    for (apr_size_t i = 2; i < lead->len; i++) {
        if (byte[i] < 0x80 || byte[i] > 0xBF) {
            return 0;
        }
    }
    return lead->len;
}

int rp_utf8_valid(const char *text, apr_size_t len)
{
    apr_size_t pos = 0;

    while (pos < len) {
        apr_size_t step = rp_utf8_length(text + pos, len - pos);

        if (!step) {
            return 0;
        }
        pos += step;
    }
    return 1;
}
