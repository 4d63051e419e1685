/* rp_jwks_parse, and with each key that came out of it a thumbprint and a verification. */
#include "fuzz_env.h"

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_jwk.h"

/* Longer than any signature that a key of the largest size has. */
static const unsigned char signature[RP_MAX_RSA_BITS / 8 + 1] = {1, 2, 3};

static void use(const rp_jwk_t *key, rp_alg_t alg, apr_pool_t *pool)
{
    static const apr_size_t lengths[] = {64, 96, 132, 256};

    fuzz_check(strlen(rp_jwk_thumbprint(key, pool)) == 43);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        fuzz_check(rp_jwk_verify(key, alg, "text", 4, signature, lengths[i]) == APR_EINVAL);
    }
}

static void use_all(const rp_jwks_t *set, apr_pool_t *pool)
{
    for (int alg = 0; alg < RP_ALG_COUNT; alg++) {
        const rp_jwk_t *key = rp_jwks_select(set, (rp_alg_t)alg, NULL, 0);

        if (key) {
            use(key, (rp_alg_t)alg, pool);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    json_t *object;
    rp_jwks_t *set;
    const char *why;

    fuzz_check(rp_crypto_init() == APR_SUCCESS);
    if (rp_json_parse(&object, (const char *)data, size, RP_MAX_JWKS, pool, &why) == APR_SUCCESS) {
        if (rp_jwks_parse(&set, object, pool, &why) == APR_SUCCESS) {
            fuzz_check(rp_jwks_count(set) + rp_jwks_ignored(set) <= RP_MAX_JWKS_KEYS);
            use_all(set, pool);
        } else {
            fuzz_check(!set && why);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
