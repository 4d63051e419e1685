/* rp_jws_verify with everything accepted, so that an input gets as far as it can. The key set and
 * the secret are fixed; a token is good under them only if it is a seed. */
#include "fuzz_env.h"

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"
#include "../../src/jose/rp_jws.h"

/* The keys of RFC 7515 A.3 and RFC 8037 A.2, and the secret of RFC 7515 A.1. */
static const char keys_text[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
                                "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                                "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
                                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","
                                "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static const unsigned char secret[64] = {
    3,   35,  53, 75,  43,  15, 165, 188, 131, 126, 6,   101, 119, 123, 166, 143,
    90,  179, 40, 230, 240, 84, 201, 40,  169, 15,  132, 178, 210, 80,  46,  191,
    211, 251, 90, 146, 210, 6,  71,  239, 150, 138, 180, 195, 119, 98,  61,  34,
    61,  46,  33, 114, 5,   46, 79,  8,   192, 205, 154, 245, 103, 208, 128, 163};

static const rp_jwks_t *known_keys(apr_pool_t *pool)
{
    json_t *object;
    rp_jwks_t *set;
    const char *why;

    fuzz_check(rp_json_parse(&object, keys_text, strlen(keys_text), RP_MAX_JWKS, pool, &why) ==
               APR_SUCCESS);
    fuzz_check(rp_jwks_parse(&set, object, pool, &why) == APR_SUCCESS);
    fuzz_check(rp_jwks_count(set) == 2);
    return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const typs[] = {"JWT", NULL};
    rp_jws_expect_t expect = {.algs = RP_ALGS_ASYMMETRIC | RP_ALGS_SYMMETRIC,
                              .secret = secret,
                              .secret_len = sizeof(secret),
                              .typ = typs,
                              .typ_optional = 1};
    apr_pool_t *pool = fuzz_pool();
    rp_jws_t *jws;
    rp_jws_result_t result;

    fuzz_check(rp_crypto_init() == APR_SUCCESS);
    expect.keys = known_keys(pool);
    result = rp_jws_verify(&jws, (const char *)data, size, &expect, pool);
    fuzz_check((result == RP_JWS_OK) == (jws != NULL));
    fuzz_check(!jws || (json_is_object(jws->header) && json_is_object(jws->payload)));
    apr_pool_destroy(pool);
    return 0;
}
