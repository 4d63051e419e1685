/* rp_metadata_parse with a provider that can use most of what a document may offer. Whatever is
 * accepted has the configured issuer, and endpoints that may be called. */
#include "fuzz_env.h"

#include "../../src/codec/rp_url.h"
#include "../../src/oauth/rp_metadata.h"

static apr_time_t now(void *ctx)
{
    (void)ctx;
    return 0;
}

static const rp_env_ops_t ops = {.now = now};

static void check_endpoint(const char *text, apr_pool_t *pool)
{
    rp_url_t url;

    if (text) {
        fuzz_check(rp_url_parse(&url, text, pool) == APR_SUCCESS);
        fuzz_check(strcmp(url.scheme, "https") == 0 || rp_url_is_loopback(&url));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char secret[] = "0123456789abcdef0123456789abcdef";
    apr_pool_t *pool = fuzz_pool();
    rp_env_t env = {.ops = &ops, .pool = pool};
    rp_provider_t provider = {.name = "",
                              .issuer = "https://op.example",
                              .client_id = "client",
                              .client_secret = {.data = secret, .len = sizeof(secret) - 1},
                              .signing_algs = RP_ALGS_ASYMMETRIC | RP_ALGS_SYMMETRIC};
    rp_metadata_t *metadata;
    apr_status_t rv = rp_metadata_parse(&metadata, &env, &provider, (const char *)data, size);

    fuzz_check((rv == APR_SUCCESS) == (metadata != NULL));
    fuzz_check((rv == APR_SUCCESS) == (env.error.id == RP_E_NONE));
    if (metadata) {
        fuzz_check(strcmp(metadata->issuer, provider.issuer) == 0);
        fuzz_check(metadata->client_auth != RP_CLIENT_AUTH_AUTO);
        /* A provider of tokens alone signs nobody in: no ID Token of it is ever accepted. */
        fuzz_check((metadata->id_token_algs != 0) ==
                   (metadata->endpoints[RP_ENDPOINT_AUTHORIZATION] != NULL));
        fuzz_check(metadata->endpoints[RP_ENDPOINT_TOKEN] != NULL);
        for (int i = 0; i < RP_ENDPOINT_COUNT; i++) {
            check_endpoint(metadata->endpoints[i], pool);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
