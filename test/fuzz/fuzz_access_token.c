/* What an introspection endpoint says about a token, which goes through the same checks as the
 * claims of a JWT; and the input as a token, whose issuer is peeked at. */
#include "fuzz_env.h"

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"
#include "../../src/oauth/rp_access_token.h"

#define API "https://api.example"

static apr_time_t now(void *ctx)
{
    (void)ctx;
    return apr_time_from_sec(APR_TIME_C(1767225600));
}

static const rp_env_ops_t ops = {.now = now};

static void judge(rp_env_t *env, json_t *claims)
{
    rp_provider_t provider = {.client_id = "client", .clock_skew = 30};
    rp_metadata_t metadata = {.provider = &provider, .issuer = "https://op.example"};
    apr_array_header_t *audience = apr_array_make(env->pool, 1, sizeof(const char *));
    rp_access_token_t *token;
    apr_status_t rv;

    APR_ARRAY_PUSH(audience, const char *) = API;
    rv = rp_access_token_introspected(&token, env, &metadata, claims, audience);
    fuzz_check((rv == APR_SUCCESS) == (token != NULL));
    fuzz_check((rv == APR_SUCCESS) == (env->error.id == RP_E_NONE));
    if (token) {
        fuzz_check(*rp_access_token_sub(token) != '\0');
        fuzz_check(rp_access_token_exp(token) == -1 || rp_access_token_exp(token) > 1767225570);
        fuzz_check(!json_object_get(claims, "cnf"));
        fuzz_check(json_object_get(claims, "aud") != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    rp_env_t env = {.ops = &ops, .pool = pool};
    const char *text = apr_pstrmemdup(pool, (const char *)data, size);
    const char *issuer;
    json_t *claims;
    const char *why;

    if (rp_json_parse(&claims, text, size, RP_MAX_JWT, pool, &why) == APR_SUCCESS) {
        judge(&env, claims);
    }
    fuzz_check((rp_access_token_issuer(&issuer, &env, text) == APR_SUCCESS) == (issuer != NULL));
    apr_pool_destroy(pool);
    return 0;
}
