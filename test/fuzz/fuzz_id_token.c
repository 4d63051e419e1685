/* rp_id_token_check of a token whose payload is the input, signed by the client's secret: the
 * claims are judged behind a good signature, which an input could not make by itself. */
#include "fuzz_env.h"

#include "../../src/codec/rp_base64.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/oauth/rp_id_token.h"

#define NOW APR_TIME_C(1767225600)

static apr_time_t now(void *ctx)
{
    (void)ctx;
    return apr_time_from_sec(NOW);
}

static const rp_env_ops_t ops = {.now = now};

static const char *sign(const uint8_t *data, size_t size, const rp_secret_t *secret,
                        apr_pool_t *pool)
{
    unsigned char mac[RP_SHA256];
    const char *header = "{\"alg\":\"HS256\"}";
    const char *input = apr_pstrcat(pool, rp_base64url_encode(header, strlen(header), pool), ".",
                                    rp_base64url_encode(data, size, pool), NULL);

    fuzz_check(rp_hmac(mac, RP_SHA256, secret->data, secret->len, input, strlen(input)) ==
               APR_SUCCESS);
    return apr_pstrcat(pool, input, ".", rp_base64url_encode(mac, sizeof(mac), pool), NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const rp_id_token_expect_t expect = {.nonce = "nonce", .access_token = "token"};
    unsigned char secret[] = "0123456789abcdef0123456789abcdef";
    apr_pool_t *pool = fuzz_pool();
    rp_env_t env = {.ops = &ops, .pool = pool};
    rp_provider_t provider = {.client_id = "client",
                              .client_secret = {.data = secret, .len = sizeof(secret) - 1},
                              .clock_skew = 30};
    rp_metadata_t metadata = {
        .provider = &provider, .issuer = "https://op.example", .id_token_algs = 1u << RP_ALG_HS256};
    rp_id_token_t *id_token;
    apr_status_t rv;

    fuzz_check(rp_crypto_init() == APR_SUCCESS);
    rv = rp_id_token_check(&id_token, &env, &metadata,
                           sign(data, size, &provider.client_secret, pool), &expect);
    fuzz_check((rv == APR_SUCCESS) == (id_token != NULL));
    fuzz_check((rv == APR_SUCCESS) == (env.error.id == RP_E_NONE));
    if (id_token) {
        const json_t *nonce = json_object_get(rp_id_token_claims(id_token), "nonce");

        fuzz_check(strcmp(json_string_value(nonce), "nonce") == 0);
        fuzz_check(*rp_id_token_sub(id_token) != '\0');
        fuzz_check(rp_id_token_auth_time(id_token) != 0);
    }
    apr_pool_destroy(pool);
    return 0;
}
