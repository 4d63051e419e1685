/* JSON: whatever is accepted answers every getter, and its text is accepted again. */
#include "fuzz_env.h"

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"

static void check_getters(const json_t *object, const char *name, apr_pool_t *pool)
{
    const apr_int64_t max = APR_INT64_C(1) << 53;
    apr_array_header_t *strings;
    const char *string;
    apr_int64_t seconds;
    json_t *member;
    int flag;

    fuzz_check((rp_json_string(&string, object, name) == APR_SUCCESS) == (string != NULL));
    fuzz_check((rp_json_object(&member, object, name) == APR_SUCCESS) == (member != NULL));
    fuzz_check((rp_json_array(&member, object, name) == APR_SUCCESS) == (member != NULL));
    fuzz_check(rp_json_bool(&flag, object, name) == APR_SUCCESS || !flag);
    fuzz_check((rp_json_strings(&strings, object, name, 1, pool) == APR_SUCCESS) ==
               (strings != NULL));
    fuzz_check(rp_json_seconds(&seconds, object, name) == APR_SUCCESS || !seconds);
    fuzz_check(seconds >= 0 && seconds <= max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *why;
    json_t *object;

    if (rp_json_parse(&object, (const char *)data, size, RP_MAX_METADATA, pool, &why) ==
        APR_SUCCESS) {
        const char *text = rp_json_text(object, pool);
        json_t *again;

        fuzz_check(!why);
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
            check_getters(object, json_object_iter_key(at), pool);
        }
        fuzz_check(rp_json_parse(&again, text, strlen(text), RP_MAX_METADATA * 6UL, pool, &why) ==
                   APR_SUCCESS);
        fuzz_check(json_equal(object, again));
    } else {
        fuzz_check(!object && why);
    }
    apr_pool_destroy(pool);
    return 0;
}
