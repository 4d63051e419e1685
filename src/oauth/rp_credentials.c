#include "rp_credentials.h"

#include <apr_strings.h>

apr_status_t rp_credentials_read_key(const rp_private_key_t **key, const rp_client_key_t *line,
                                     apr_pool_t *pool, const char **why)
{
    rp_private_key_t *made;
    rp_secret_t text;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    *key = NULL;
    if (rv == APR_SUCCESS) {
        rv = rp_secret_read_file(&text, line->file, scratch, why);
        *why = *why ? apr_pstrdup(pool, *why) : NULL;
        if (rv == APR_SUCCESS) {
            rv = rp_private_key_parse(&made, (const char *)text.data, text.len, &line->options,
                                      pool, why);
            *why = *why ? apr_pstrcat(pool, line->file, " ", *why, NULL) : NULL;
            *key = made;
        }
        apr_pool_destroy(scratch);
    }
    return rv;
}

const rp_secret_t *rp_credentials_secret(rp_env_t *env, const rp_provider_t *provider)
{
    (void)env;
    return &provider->client_secret;
}

const rp_private_key_t *rp_credentials_key(rp_env_t *env, const rp_provider_t *provider, int n)
{
    (void)env;
    return provider->client_keys && n < provider->client_keys->nelts
               ? APR_ARRAY_IDX(provider->client_keys, n, rp_client_key_t *)->key
               : NULL;
}
