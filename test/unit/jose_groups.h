/* The groups of jose_test.c, one file each, and what they share. Each run_ function returns the
 * number of failed tests. */
#ifndef JOSE_GROUPS_H
#define JOSE_GROUPS_H

#include <jansson.h>

#include "test_env.h"

int run_jose_crypto_tests(void);
int run_jose_jwk_tests(void);
int run_jose_jws_tests(void);
int run_jose_private_key_tests(void);
int run_jose_seal_tests(void);

/* Set up and tear down an environment for one test, with the algorithms fetched. */
int jose_setup(void **state);
int jose_teardown(void **state);

/* The "cases" of a file of test/vectors, at least one; released with the pool. */
json_t *jose_vectors(const char *file, apr_pool_t *pool);

/* A text member of a case, which must be there. */
const char *jose_text(const json_t *one, const char *name);

/* The octets of hexadecimal text, in pool. */
unsigned char *jose_hex(apr_size_t *len, const char *hex, apr_pool_t *pool);

#endif
