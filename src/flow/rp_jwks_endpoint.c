#include "rp_jwks_endpoint.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_json.h"
#include "../oauth/rp_credentials.h"

static int has_kid(const json_t *keys, const char *kid)
{
    size_t i;
    json_t *key;

    json_array_foreach(keys, i, key)
    {
        if (strcmp(json_string_value(json_object_get(key, "kid")), kid) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_keys(json_t *keys, rp_env_t *env, const rp_provider_t *provider)
{
    const rp_private_key_t *key;

    for (int n = 0; (key = rp_credentials_key(env, provider, n)) != NULL; n++) {
        if (!has_kid(keys, rp_private_key_kid(key))) {
            json_array_append_new(keys, json_deep_copy(rp_private_key_public(key)));
        }
    }
}

void rp_jwks_endpoint(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    json_t *set = rp_json_keep(json_object(), env->pool);
    json_t *keys = json_array();

    json_object_set_new(set, "keys", keys);
    for (rp_provider_t *const *provider = request->site->providers; *provider; provider++) {
        add_keys(keys, env, *provider);
    }
    reply->outcome = RP_JSON;
    reply->status = 200;
    reply->body = rp_json_text(set, env->pool);
    /* Not application/jwk-set+json (RFC 7517 8.5.2): what the large providers publish is
     * application/json, so that whoever looks at the type at all looks for that. */
    reply->content_type = "application/json";
    reply->cache_control = apr_psprintf(env->pool, "public, max-age=%d", RP_JWKS_MAX_AGE_SECONDS);
}
