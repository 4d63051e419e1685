/* Base64url: what is accepted is the one text of its value, and both decoders agree. */
#include "fuzz_env.h"

#include "../../src/codec/rp_base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    apr_pool_t *pool = fuzz_pool();
    unsigned char *decoded;
    apr_size_t len;

    if (rp_base64url_decode(&decoded, &len, text, size, pool) == APR_SUCCESS) {
        const char *again = rp_base64url_encode(decoded, len, pool);
        unsigned char *into = apr_palloc(pool, len + 1);

        fuzz_check(strlen(again) == size && RP_BASE64URL_LEN(len) == size);
        fuzz_check(!size || memcmp(again, text, size) == 0);
        fuzz_check(rp_base64url_decode_into(into, len, text, size) == APR_SUCCESS);
        fuzz_check(memcmp(into, decoded, len) == 0);
    } else {
        fuzz_check(!decoded && !len);
    }
    fuzz_check(strlen(rp_base64_encode(data, size, pool)) == (size + 2) / 3 * 4);
    apr_pool_destroy(pool);
    return 0;
}
