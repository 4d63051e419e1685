/* Cookie: finding and stripping see the same cookies. */
#include "fuzz_env.h"

#include "../../src/codec/rp_cookie.h"

static void check(const char *header, apr_pool_t *pool)
{
    static const char *const names[] = {"sid", "__Host-oauth", NULL};
    const char *left = rp_cookie_strip(header, names, pool);
    apr_size_t len = strlen(header);
    int found = 0;

    for (int i = 0; names[i]; i++) {
        rp_cookie_value_t value;
        apr_status_t rv = rp_cookie_find(&value, header, names[i]);

        found = found || rv != APR_NOTFOUND;
        fuzz_check((rv == APR_SUCCESS) == (value.value != NULL));
        if (rv == APR_SUCCESS) {
            fuzz_check(value.value >= header && value.value + value.len <= header + len);
            fuzz_check(!memchr(value.value, ';', value.len) &&
                       !memchr(value.value, ',', value.len));
        }
        fuzz_check(rp_cookie_find(&value, left, names[i]) == APR_NOTFOUND);
    }
    fuzz_check(found == (left != header));
    if (left && found) {
        fuzz_check(strlen(left) < len);
        fuzz_check(rp_cookie_strip(left, names, pool) == left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *header = fuzz_string(data, size);

    check(header, pool);
    free(header);
    apr_pool_destroy(pool);
    return 0;
}
