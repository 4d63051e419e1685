#include "rp_signed.h"

#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "rp_credentials.h"
#include "rp_keys.h"

/* Whether the header names a key. Only asked about a token whose header was found well-formed. */
static int names_key(rp_env_t *env, const char *text)
{
    apr_size_t len = strcspn(text, ".");
    unsigned char *data;
    json_t *header;
    const char *why;

    return rp_base64url_decode(&data, &len, text, len, env->pool) == APR_SUCCESS &&
           rp_json_parse(&header, (const char *)data, len, RP_MAX_JWT, env->pool, &why) ==
               APR_SUCCESS &&
           json_object_get(header, "kid");
}

static int is_worth_another_fetch(rp_jws_result_t result, rp_env_t *env, const rp_signed_t *what)
{
    return result == RP_JWS_KEY_UNKNOWN ||
           (result == RP_JWS_SIGNATURE && !names_key(env, what->text));
}

apr_status_t rp_signed_verify(rp_jws_t **jws, rp_jws_result_t *result, rp_env_t *env,
                              const rp_metadata_t *metadata, const rp_signed_t *what)
{
    const rp_secret_t *secret = rp_credentials_secret(env, metadata->provider);
    apr_size_t len = strlen(what->text);
    rp_jws_expect_t expect = {.algs = what->algs,
                              .secret = secret->data,
                              .secret_len = secret->data ? secret->len : 0,
                              .typ = what->typ,
                              .typ_optional = !what->typ_required};
    const rp_jwks_t *first;
    apr_status_t rv;

    /* Without keys first: what is refused for its form, or is symmetric, costs no fetch. */
    *result = rp_jws_verify(jws, what->text, len, &expect, env->pool);
    if (*result != RP_JWS_KEY_UNKNOWN || !metadata->endpoints[RP_ENDPOINT_JWKS]) {
        return APR_SUCCESS;
    }
    rv = rp_keys_get(&first, env, metadata);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    expect.keys = first;
    *result = rp_jws_verify(jws, what->text, len, &expect, env->pool);
    if (!is_worth_another_fetch(*result, env, what)) {
        return APR_SUCCESS;
    }
    rv = rp_keys_refetch(&expect.keys, env, metadata);
    if (rv == APR_SUCCESS && expect.keys != first) {
        *result = rp_jws_verify(jws, what->text, len, &expect, env->pool);
    }
    return rv;
}
