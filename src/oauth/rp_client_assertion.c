#include "rp_client_assertion.h"

#include "../base/rp_limits.h"

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
    json_t *claims;
    apr_status_t rv = rp_jws_claims(&claims, env, client_id, client_id, audience_of(metadata),
                                    RP_CLIENT_ASSERTION_SECONDS);

    *assertion = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_jws_sign(assertion, signer, claims, env->pool);
    if (rv == APR_EINVAL) {
        return rp_fail(env, RP_E_TOKEN_CLIENT, "the client's key or secret cannot sign with %s",
                       rp_alg_name(signer->alg));
    }
    return rv == APR_SUCCESS ? rv
                             : rp_fail(env, RP_E_CRYPTO, "a client assertion could not be signed");
}
