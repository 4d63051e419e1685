#include "rp_jws_sign.h"

#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "rp_crypto.h"

#define JTI_BYTES 16

apr_status_t rp_jws_claims(json_t **claims, rp_env_t *env, const char *iss, const char *sub,
                           const char *aud, int seconds)
{
    apr_int64_t now = apr_time_sec(rp_now(env));
    json_t *made = rp_json_keep(json_object(), env->pool);
    unsigned char jti[JTI_BYTES];
    apr_status_t rv = rp_random(env, jti, sizeof(jti));

    *claims = made;
    json_object_set_new(made, "iss", json_string(iss));
    json_object_set_new(made, "sub", json_string(sub));
    json_object_set_new(made, "aud", json_string(aud));
    json_object_set_new(made, "iat", json_integer(now));
    json_object_set_new(made, "exp", json_integer(now + seconds));
    if (rv == APR_SUCCESS) {
        json_object_set_new(made, "jti",
                            json_string(rp_base64url_encode(jti, sizeof(jti), env->pool)));
    }
    return rv;
}

static const char *encode(const json_t *object, apr_pool_t *pool)
{
    const char *text = rp_json_text(object, pool);

    return rp_base64url_encode(text, strlen(text), pool);
}

static const char *make_header(const rp_jws_signer_t *signer, apr_pool_t *pool)
{
    json_t *header = rp_json_keep(json_object(), pool);

    json_object_set_new(header, "alg", json_string(rp_alg_name(signer->alg)));
    json_object_set_new(header, "typ", json_string(signer->typ));
    if (signer->key) {
        json_object_set_new(header, "kid", json_string(rp_private_key_kid(signer->key)));
    }
    return encode(header, pool);
}

static apr_status_t sign(unsigned char signature[RP_SIGNATURE_MAX], apr_size_t *len,
                         const rp_jws_signer_t *signer, const char *input)
{
    const rp_alg_row_t *row = rp_alg_row(signer->alg);

    if (row->family != RP_ALG_FAMILY_HMAC) {
        return signer->key ? rp_private_key_sign(signature, len, signer->key, signer->alg, input,
                                                 strlen(input))
                           : APR_EINVAL;
    }
    if (signer->key || !signer->secret || signer->secret_len < (apr_size_t)row->hash) {
        return APR_EINVAL;
    }
    *len = row->hash;
    return rp_hmac(signature, row->hash, signer->secret, signer->secret_len, input, strlen(input));
}

apr_status_t rp_jws_sign(const char **token, const rp_jws_signer_t *signer, const json_t *payload,
                         apr_pool_t *pool)
{
    unsigned char signature[RP_SIGNATURE_MAX];
    apr_size_t len;
    const char *input;
    apr_status_t rv;

    *token = NULL;
    if ((unsigned)signer->alg >= RP_ALG_COUNT) {
        return APR_EINVAL;
    }
    input = apr_pstrcat(pool, make_header(signer, pool), ".", encode(payload, pool), NULL);
    rv = sign(signature, &len, signer, input);
    if (rv == APR_SUCCESS) {
        *token = apr_pstrcat(pool, input, ".", rp_base64url_encode(signature, len, pool), NULL);
    }
    return rv;
}
