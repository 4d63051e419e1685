#include "test_client_key.h"

#include <string.h>

#include "test_env.h"
#include "test_sign.h"

rp_client_key_t *test_client_key_make(const char *alg, int number, const char *kid,
                                      apr_pool_t *pool)
{
    rp_client_key_t *line = apr_pcalloc(pool, sizeof(*line));
    const char *text = test_sign_pem(test_key_make(alg, NULL, number, pool), pool);
    rp_private_key_t *key;
    const char *why;

    line->options.kid = kid;
    assert_int_equal(rp_private_key_parse(&key, text, strlen(text), &line->options, pool, &why),
                     APR_SUCCESS);
    line->key = key;
    return line;
}
