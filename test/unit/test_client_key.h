/* Lines of OAuthClientKey for the unit tests that have a provider. */
#ifndef TEST_CLIENT_KEY_H
#define TEST_CLIENT_KEY_H

#include "../../src/oauth/rp_provider.h"

/* A private key for alg, with number as test_key_make() has it, in pool. kid NULL: the
 * thumbprint. */
rp_client_key_t *test_client_key_make(const char *alg, int number, const char *kid,
                                      apr_pool_t *pool);

#endif
