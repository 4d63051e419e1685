/* A provider's key set, and the choice among its keys. */
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_json.h"
#include "rp_jwk_key.h"

struct rp_jwks_t {
    rp_jwk_t *keys;
    int count;
    int ignored;
};

apr_status_t rp_jwks_parse(rp_jwks_t **out, const json_t *object, apr_pool_t *pool,
                           const char **why)
{
    rp_jwks_t *set;
    json_t *keys;
    json_t *member;
    size_t i;

    *out = NULL;
    *why = NULL;
    if (rp_json_array(&keys, object, "keys") != APR_SUCCESS) {
        *why = "keys is missing or no array";
        return APR_EINVAL;
    }
    if (json_array_size(keys) > RP_MAX_JWKS_KEYS) {
        *why = "too many keys";
        return APR_EINVAL;
    }
    set = apr_pcalloc(pool, sizeof(*set));
    set->keys = apr_pcalloc(pool, (json_array_size(keys) + 1) * sizeof(*set->keys));
    json_array_foreach(keys, i, member)
    {
        if (!json_is_object(member)) {
            *why = "a key is no object";
            return APR_EINVAL;
        }
        if (rp_jwk_parse(&set->keys[set->count], member, pool) == APR_SUCCESS) {
            set->count++;
        } else {
            memset(&set->keys[set->count], 0, sizeof(set->keys[set->count]));
            set->ignored++;
        }
    }
    *out = set;
    return APR_SUCCESS;
}

int rp_jwks_count(const rp_jwks_t *set)
{
    return set->count;
}

int rp_jwks_ignored(const rp_jwks_t *set)
{
    return set->ignored;
}

static int fits(const rp_jwk_t *key, rp_alg_t alg, const char *kid)
{
    return (key->algs & (1u << alg)) && (!kid || (key->kid && !strcmp(key->kid, kid)));
}

const rp_jwk_t *rp_jwks_select(const rp_jwks_t *set, rp_alg_t alg, const char *kid, int n)
{
    for (int i = 0; i < set->count; i++) {
        if (fits(&set->keys[i], alg, kid) && n-- == 0) {
            return &set->keys[i];
        }
    }
    return NULL;
}
