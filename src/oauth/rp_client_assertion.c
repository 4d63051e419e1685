#include "rp_client_assertion.h"

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"

#define JTI_BYTES 16

/* One audience, as text and not as a list, which this server was configured with and no metadata
 * can change: what another provider gets is of no use at this one. Without an issuer there is no
 * metadata either, and the token endpoint comes from the configuration. */
static const char *audience_of(const rp_metadata_t *metadata)
{
    return metadata->issuer && metadata->provider->client_audience == RP_AUDIENCE_ISSUER
               ? metadata->issuer
               : metadata->endpoints[RP_ENDPOINT_TOKEN];
}

apr_status_t rp_client_assertion(const char **assertion, rp_env_t *env,
                                 const rp_metadata_t *metadata, const rp_jws_signer_t *signer)
{
    const char *client_id = metadata->provider->client_id;
    apr_int64_t now = apr_time_sec(rp_now(env));
    json_t *claims = rp_json_keep(json_object(), env->pool);
    unsigned char jti[JTI_BYTES];
    apr_status_t rv = rp_random(env, jti, sizeof(jti));

    *assertion = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    json_object_set_new(claims, "iss", json_string(client_id));
    json_object_set_new(claims, "sub", json_string(client_id));
    json_object_set_new(claims, "aud", json_string(audience_of(metadata)));
    json_object_set_new(claims, "iat", json_integer(now));
    json_object_set_new(claims, "exp", json_integer(now + RP_CLIENT_ASSERTION_SECONDS));
    json_object_set_new(claims, "jti",
                        json_string(rp_base64url_encode(jti, sizeof(jti), env->pool)));
    rv = rp_jws_sign(assertion, signer, claims, env->pool);
    if (rv == APR_EINVAL) {
        return rp_fail(env, RP_E_TOKEN_CLIENT, "the client's key or secret cannot sign with %s",
                       rp_alg_name(signer->alg));
    }
    return rv == APR_SUCCESS ? rv
                             : rp_fail(env, RP_E_CRYPTO, "a client assertion could not be signed");
}
