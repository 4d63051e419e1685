#include "rp_credentials.h"

#include <apr_strings.h>

#include "rp_followed.h"

/* Of one process. */
struct rp_credentials_t {
    rp_followed_t *secret; /* NULL: none, or not from a file */
    rp_followed_t **keys;  /* of each OAuthClientKey */
    int count;
};

apr_status_t rp_credentials_read_key(const rp_private_key_t **key, const rp_client_key_t *line,
                                     apr_pool_t *pool, const char **why)
{
    rp_private_key_t *made = NULL;
    rp_secret_t text;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    *key = NULL;
    *why = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_secret_read_file(&text, line->file, line->user, scratch, why);
    *why = *why ? apr_pstrdup(pool, *why) : NULL;
    if (rv == APR_SUCCESS) {
        rv = rp_private_key_parse(&made, (const char *)text.data, text.len, &line->options, pool,
                                  why);
        *why = *why ? apr_pstrcat(pool, line->file, " ", *why, NULL) : NULL;
    }
    apr_pool_destroy(scratch);
    *key = made;
    return rv;
}

/* --- following --- */

static apr_status_t read_secret(const void **value, const void *ctx, apr_pool_t *pool,
                                const char **why)
{
    const rp_provider_t *provider = ctx;
    rp_secret_t *secret = apr_palloc(pool, sizeof(*secret));

    *value = secret;
    return rp_secret_read(secret, provider->client_secret_source, provider->client_secret_user,
                          pool, why);
}

static apr_status_t read_key(const void **value, const void *ctx, apr_pool_t *pool,
                             const char **why)
{
    const rp_private_key_t *key;
    apr_status_t rv = rp_credentials_read_key(&key, ctx, pool, why);

    *value = key;
    return rv;
}

static apr_status_t follow_secret(rp_followed_t **followed, const rp_provider_t *provider,
                                  apr_pool_t *pool)
{
    const char *source = provider->client_secret_source;
    rp_followed_subject_t subject = {.directive = "OAuthClientSecret",
                                     .path = source ? rp_secret_path(source, pool) : NULL,
                                     .read = read_secret,
                                     .ctx = provider,
                                     .first = &provider->client_secret};

    *followed = NULL;
    return subject.path ? rp_followed_make(followed, &subject, pool) : APR_SUCCESS;
}

static apr_status_t follow_keys(struct rp_credentials_t *made, const rp_provider_t *provider,
                                apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    made->count = provider->client_keys ? provider->client_keys->nelts : 0;
    made->keys = apr_pcalloc(pool, sizeof(rp_followed_t *) * (apr_size_t)(made->count + 1));
    for (int i = 0; i < made->count && rv == APR_SUCCESS; i++) {
        const rp_client_key_t *line = APR_ARRAY_IDX(provider->client_keys, i, rp_client_key_t *);
        rp_followed_subject_t subject = {.directive = "OAuthClientKey",
                                         .path = line->file,
                                         .read = read_key,
                                         .ctx = line,
                                         .first = line->key};

        rv = line->file ? rp_followed_make(&made->keys[i], &subject, pool) : APR_SUCCESS;
    }
    return rv;
}

apr_status_t rp_credentials_follow(rp_provider_t *provider, apr_pool_t *pool)
{
    struct rp_credentials_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = follow_secret(&made->secret, provider, pool);

    if (rv == APR_SUCCESS) {
        rv = follow_keys(made, provider, pool);
    }
    if (rv == APR_SUCCESS) {
        provider->credentials = made;
    }
    return rv;
}

/* --- what there is --- */

const rp_secret_t *rp_credentials_secret(rp_env_t *env, const rp_provider_t *provider)
{
    struct rp_credentials_t *mine = provider->credentials;

    return mine && mine->secret ? rp_followed_value(env, mine->secret) : &provider->client_secret;
}

const rp_private_key_t *rp_credentials_key(rp_env_t *env, const rp_provider_t *provider, int n)
{
    struct rp_credentials_t *mine = provider->credentials;

    if (!provider->client_keys || n >= provider->client_keys->nelts) {
        return NULL;
    }
    return mine && n < mine->count && mine->keys[n]
               ? rp_followed_value(env, mine->keys[n])
               : APR_ARRAY_IDX(provider->client_keys, n, rp_client_key_t *)->key;
}
