/* Reads a stored binary format piece by piece; rp_buf_put_number is how such a format is written.
 *
 * Key idea: whatever does not add up turns ok to 0 once and for all, so that a chain of reads needs
 * one check at its end. What is returned meanwhile is harmless: NULL or 0.
 *
 *     rp_reader_t reader = {data, len, 1};
 *     version = rp_reader_number(&reader, 1);
 *     name = rp_reader_take(&reader, rp_reader_number(&reader, 4));
 *     if (!reader.ok || reader.left != 0) ...                                                */
#ifndef RP_READER_H
#define RP_READER_H

#include <apr.h>

typedef struct {
    const unsigned char *data; /* the next byte */
    apr_size_t left;
    int ok; /* 1 at the start */
} rp_reader_t;

/* The next len bytes, which stay where they are; NULL when there are fewer. */
const unsigned char *rp_reader_take(rp_reader_t *reader, apr_size_t len);

/* A little-endian number of 1 to 8 bytes. */
apr_uint64_t rp_reader_number(rp_reader_t *reader, int bytes);

#endif
