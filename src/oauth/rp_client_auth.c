#include "rp_client_auth.h"

#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_base64.h"
#include "../codec/rp_form.h"
#include "rp_client_assertion.h"
#include "rp_credentials.h"

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
/* draft-ietf-oauth-rfc7523bis: its own type, so that nothing else that the key signs can be it. */
#define ASSERTION_TYP "client-authentication+jwt"

typedef apr_status_t apply_fn(rp_env_t *env, const rp_metadata_t *metadata, apr_table_t *headers,
                              rp_buf_t *form);

/* RFC 6749 2.3.1: both are form-encoded before they are joined. */
static apr_status_t apply_basic(rp_env_t *env, const rp_metadata_t *metadata, apr_table_t *headers,
                                rp_buf_t *form)
{
    const rp_provider_t *provider = metadata->provider;
    const char *secret = (const char *)rp_credentials_secret(env, provider)->data;
    const char *pair = apr_pstrcat(env->pool, rp_percent_encode(provider->client_id, env->pool),
                                   ":", rp_percent_encode(secret, env->pool), NULL);

    (void)form;
    apr_table_setn(
        headers, "Authorization",
        apr_pstrcat(env->pool, "Basic ", rp_base64_encode(pair, strlen(pair), env->pool), NULL));
    return APR_SUCCESS;
}

static apr_status_t apply_none(rp_env_t *env, const rp_metadata_t *metadata, apr_table_t *headers,
                               rp_buf_t *form)
{
    (void)env;
    (void)headers;
    rp_form_append(form, "client_id", metadata->provider->client_id);
    return APR_SUCCESS;
}

static apr_status_t apply_post(rp_env_t *env, const rp_metadata_t *metadata, apr_table_t *headers,
                               rp_buf_t *form)
{
    const rp_provider_t *provider = metadata->provider;

    (void)headers;
    rp_form_append(form, "client_id", provider->client_id);
    rp_form_append(form, "client_secret", (const char *)rp_credentials_secret(env, provider)->data);
    return APR_SUCCESS;
}

/* RFC 7521 4.2: client_id may be left out, and some providers look the client up by it. */
static apr_status_t apply_assertion(rp_env_t *env, const rp_metadata_t *metadata,
                                    const rp_jws_signer_t *signer, rp_buf_t *form)
{
    const char *assertion;
    apr_status_t rv = rp_client_assertion(&assertion, env, metadata, signer);

    if (rv == APR_SUCCESS) {
        rp_form_append(form, "client_id", metadata->provider->client_id);
        rp_form_append(form, "client_assertion_type", ASSERTION_TYPE);
        rp_form_append(form, "client_assertion", assertion);
    }
    return rv;
}

static apr_status_t apply_private_key_jwt(rp_env_t *env, const rp_metadata_t *metadata,
                                          apr_table_t *headers, rp_buf_t *form)
{
    rp_jws_signer_t signer = {.typ = ASSERTION_TYP};

    (void)headers;
    signer.key = rp_credentials_key(env, metadata->provider, 0);
    if (!signer.key) {
        return rp_fail(env, RP_E_TOKEN_CLIENT, "private_key_jwt needs OAuthClientKey");
    }
    signer.alg = rp_private_key_alg(signer.key, metadata->client_auth_algs);
    return apply_assertion(env, metadata, &signer, form);
}

/* The strongest hash would need the longest secret; the first that fits is strong enough. */
static rp_alg_t secret_alg(const rp_secret_t *secret, rp_alg_set_t accepted)
{
    for (int alg = RP_ALG_HS256; alg <= RP_ALG_HS512; alg++) {
        if ((accepted & (1u << alg)) &&
            secret->len >= (apr_size_t)rp_alg_row((rp_alg_t)alg)->hash) {
            return (rp_alg_t)alg;
        }
    }
    return RP_ALG_COUNT;
}

static apr_status_t apply_secret_jwt(rp_env_t *env, const rp_metadata_t *metadata,
                                     apr_table_t *headers, rp_buf_t *form)
{
    const rp_secret_t *secret = rp_credentials_secret(env, metadata->provider);
    rp_jws_signer_t signer = {.alg = secret_alg(secret, metadata->client_auth_algs),
                              .secret = secret->data,
                              .secret_len = secret->len,
                              .typ = ASSERTION_TYP};

    (void)headers;
    return apply_assertion(env, metadata, &signer, form);
}

/* What a method needs of the configuration. */
typedef enum { NEEDS_NOTHING, NEEDS_SECRET, NEEDS_LONG_SECRET, NEEDS_KEY } need_t;

typedef struct {
    rp_client_auth_t method;
    const char *name;
    need_t need;
    int unlisted; /* 1: many providers have it without saying so in their metadata */
    int on_order; /* 1: never taken by auto */
    apply_fn *apply;
} row_t;

/* The strongest first. "none" is allowed to the clients that were registered for it, which a
 * provider that registers some need not announce. client_secret_jwt is offered by many a provider
 * at which a client with a secret is registered for client_secret_basic all the same, which is what
 * a registration that does not say has (RFC 7591 2); a key, in contrast, is there to be used. */
/* clang-format off */
static const row_t rows[] = {
    {RP_CLIENT_AUTH_PRIVATE_KEY_JWT, "private_key_jwt",     NEEDS_KEY,         0, 0, apply_private_key_jwt},
    {RP_CLIENT_AUTH_SECRET_JWT,      "client_secret_jwt",   NEEDS_LONG_SECRET, 0, 1, apply_secret_jwt},
    {RP_CLIENT_AUTH_BASIC,           "client_secret_basic", NEEDS_SECRET,      0, 0, apply_basic},
    {RP_CLIENT_AUTH_POST,            "client_secret_post",  NEEDS_SECRET,      0, 0, apply_post},
    {RP_CLIENT_AUTH_NONE,            "none",                NEEDS_NOTHING,     1, 0, apply_none},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const row_t *find_row(rp_client_auth_t method)
{
    for (apr_size_t i = 0; i < ROWS; i++) {
        if (rows[i].method == method) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *rp_client_auth_name(rp_client_auth_t method)
{
    const row_t *row = find_row(method);

    return row ? row->name : "auto";
}

apr_status_t rp_client_auth_find(rp_client_auth_t *method, const char *name)
{
    *method = RP_CLIENT_AUTH_AUTO;
    for (apr_size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *method = rows[i].method;
            return APR_SUCCESS;
        }
    }
    return APR_NOTFOUND;
}

static int is_listed(const apr_array_header_t *offered, const char *name)
{
    for (int i = 0; i < offered->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(offered, i, const char *), name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A provider that says nothing has client_secret_basic (RFC 8414 2); what else it has, only the
 * administrator can know. */
static int is_offered(const row_t *row, const apr_array_header_t *offered, int chosen)
{
    if (row->unlisted && chosen) {
        return 1;
    }
    return offered ? is_listed(offered, row->name) : chosen || row->method == RP_CLIENT_AUTH_BASIC;
}

static int is_possible(const row_t *row, const rp_provider_t *provider, rp_alg_set_t algs)
{
    const rp_secret_t *secret = &provider->client_secret;
    const apr_array_header_t *keys = provider->client_keys;
    const rp_private_key_t *key =
        keys && keys->nelts > 0 ? APR_ARRAY_IDX(keys, 0, rp_client_key_t *)->key : NULL;

    switch (row->need) {
    case NEEDS_KEY:
        return key && rp_private_key_alg(key, algs) != RP_ALG_COUNT;
    case NEEDS_LONG_SECRET:
        return secret->data && secret_alg(secret, algs) != RP_ALG_COUNT;
    case NEEDS_SECRET:
        return secret->data != NULL;
    default:
        return 1;
    }
}

static int is_wanted(const row_t *row, const rp_provider_t *provider)
{
    return provider->client_auth == RP_CLIENT_AUTH_AUTO ? !row->on_order
                                                        : provider->client_auth == row->method;
}

apr_status_t rp_client_auth_choose(rp_client_auth_t *method, const rp_provider_t *provider,
                                   const rp_client_auth_offer_t *offer)
{
    /* Without a secret there is no default that a provider could mean by saying nothing; what is
     * configured is the choice. */
    int chosen = provider->client_auth != RP_CLIENT_AUTH_AUTO || !provider->client_secret.data;

    *method = RP_CLIENT_AUTH_AUTO;
    for (apr_size_t i = 0; i < ROWS; i++) {
        if (is_wanted(&rows[i], provider) && is_possible(&rows[i], provider, offer->algs) &&
            is_offered(&rows[i], offer->methods, chosen)) {
            *method = rows[i].method;
            return APR_SUCCESS;
        }
    }
    return APR_NOTFOUND;
}

apr_status_t rp_client_auth_apply(rp_env_t *env, const rp_metadata_t *metadata,
                                  apr_table_t *headers, rp_buf_t *form)
{
    const rp_secret_t *secret = rp_credentials_secret(env, metadata->provider);
    const row_t *row = find_row(metadata->client_auth);

    if (!row) {
        return rp_fail(env, RP_E_INTERNAL, "no client authentication method was chosen");
    }
    if (row->need == NEEDS_SECRET &&
        (!secret->data || strlen((const char *)secret->data) != secret->len)) {
        return rp_fail(env, RP_E_TOKEN_CLIENT, "%s needs a client secret without a NUL byte",
                       row->name);
    }
    return row->apply(env, metadata, headers, form);
}
