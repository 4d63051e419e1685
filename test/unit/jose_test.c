#include <apr_strings.h>
#include <string.h>

#include "../../src/jose/rp_crypto.h"
#include "jose_groups.h"

/* The build names the directory; this is the one seen from the top of the sources. */
#ifndef TEST_VECTORS
#define TEST_VECTORS "test/vectors"
#endif

int jose_setup(void **state)
{
    *state = test_env_make();
    return rp_crypto_init() == APR_SUCCESS ? 0 : -1;
}

int jose_teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

static apr_status_t release(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

json_t *jose_vectors(const char *file, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, TEST_VECTORS "/", file, NULL);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    json_t *cases;

    if (!root) {
        fail_msg("%s: %s", path, error.text);
    }
    apr_pool_cleanup_register(pool, root, release, apr_pool_cleanup_null);
    cases = json_object_get(root, "cases");
    assert_true(json_array_size(cases) > 0);
    return cases;
}

const char *jose_text(const json_t *one, const char *name)
{
    const char *text = json_string_value(json_object_get(one, name));

    assert_non_null(text);
    return text;
}

static unsigned char nibble(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, c);

    assert_non_null(at);
    return (unsigned char)(at - digits);
}

unsigned char *jose_hex(apr_size_t *len, const char *hex, apr_pool_t *pool)
{
    unsigned char *data = apr_palloc(pool, strlen(hex) / 2 + 1);

    *len = strlen(hex) / 2;
    for (apr_size_t i = 0; i < *len; i++) {
        data[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    }
    return data;
}

int main(void)
{
    int failed = run_jose_crypto_tests();

    failed += run_jose_jwk_tests();
    failed += run_jose_jws_tests();
    failed += run_jose_private_key_tests();
    failed += run_jose_seal_tests();
    rp_crypto_cleanup();
    return failed ? 1 : 0;
}
