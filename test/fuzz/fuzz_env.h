/* What every fuzz target of this directory needs: a pool for one input, the input as a string, and
 * a check that stays in force whatever NDEBUG says. */
#ifndef FUZZ_ENV_H
#define FUZZ_ENV_H

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(int condition)
{
    if (!condition) {
        abort();
    }
}

/* A pool of its own for this input; initialising APR again only counts. */
static inline apr_pool_t *fuzz_pool(void)
{
    apr_pool_t *pool;

    fuzz_check(apr_initialize() == APR_SUCCESS);
    fuzz_check(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

/* The input up to its first NUL, in memory of exactly that size, so that reading past the end is
 * seen. To be freed. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    size_t len = strnlen((const char *)data, size);
    char *text = malloc(len + 1);

    fuzz_check(text != NULL);
    if (len) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    return text;
}

#endif
