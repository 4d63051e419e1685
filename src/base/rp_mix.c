#include "rp_mix.h"

#include <string.h>

apr_uint64_t rp_mix(const void *bytes, apr_size_t len)
{
    const char *at = bytes;
    apr_uint64_t hash = len;

    for (apr_size_t left = len; left > 0;) {
        apr_size_t step = left < sizeof(hash) ? left : sizeof(hash);
        apr_uint64_t piece = 0;

        memcpy(&piece, at, step);
        hash = (hash ^ piece) * APR_UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
        at += step;
        left -= step;
    }
    return hash;
}
