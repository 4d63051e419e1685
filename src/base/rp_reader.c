#include "rp_reader.h"

#include <stddef.h>

const unsigned char *rp_reader_take(rp_reader_t *reader, apr_size_t len)
{
    const unsigned char *at = reader->data;

    if (!reader->ok || len > reader->left) {
        reader->ok = 0;
        return NULL;
    }
    reader->data += len;
    reader->left -= len;
    return at;
}

apr_uint64_t rp_reader_number(rp_reader_t *reader, int bytes)
{
    const unsigned char *at = rp_reader_take(reader, (apr_size_t)bytes);
    apr_uint64_t value = 0;

    for (int i = bytes; at && i > 0; i--) {
        value = value << 8 | at[i - 1];
    }
    return value;
}
