#include "rp_client_auth.h"

#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_base64.h"
#include "../codec/rp_form.h"

typedef apr_status_t apply_fn(rp_env_t *env, const rp_provider_t *provider, apr_table_t *headers,
                              rp_buf_t *form);

/* RFC 6749 2.3.1: both are form-encoded before they are joined. */
static apr_status_t apply_basic(rp_env_t *env, const rp_provider_t *provider, apr_table_t *headers,
                                rp_buf_t *form)
{
    const char *secret = (const char *)provider->client_secret.data;
    const char *pair = apr_pstrcat(env->pool, rp_percent_encode(provider->client_id, env->pool),
                                   ":", rp_percent_encode(secret, env->pool), NULL);

    (void)form;
    apr_table_setn(
        headers, "Authorization",
        apr_pstrcat(env->pool, "Basic ", rp_base64_encode(pair, strlen(pair), env->pool), NULL));
    return APR_SUCCESS;
}

static apr_status_t apply_none(rp_env_t *env, const rp_provider_t *provider, apr_table_t *headers,
                               rp_buf_t *form)
{
    (void)env;
    (void)headers;
    rp_form_append(form, "client_id", provider->client_id);
    return APR_SUCCESS;
}

static apr_status_t apply_post(rp_env_t *env, const rp_provider_t *provider, apr_table_t *headers,
                               rp_buf_t *form)
{
    (void)env;
    (void)headers;
    rp_form_append(form, "client_id", provider->client_id);
    rp_form_append(form, "client_secret", (const char *)provider->client_secret.data);
    return APR_SUCCESS;
}

typedef struct {
    rp_client_auth_t method;
    const char *name;
    int secret;   /* 1: needs the client secret */
    int unlisted; /* 1: many providers have it without saying so in their metadata */
    apply_fn *apply;
} row_t;

/* The strongest first. "none" is allowed to the clients that were registered for it, which a
 * provider that registers some need not announce. */
/* clang-format off */
static const row_t rows[] = {
    {RP_CLIENT_AUTH_BASIC, "client_secret_basic", 1, 0, apply_basic},
    {RP_CLIENT_AUTH_POST,  "client_secret_post",  1, 0, apply_post},
    {RP_CLIENT_AUTH_NONE,  "none",                0, 1, apply_none},
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

apr_status_t rp_client_auth_choose(rp_client_auth_t *method, const rp_provider_t *provider,
                                   const apr_array_header_t *offered)
{
    int secret = provider->client_secret.data != NULL;
    /* Without a secret there is one method only, which makes it a choice. */
    int chosen = provider->client_auth != RP_CLIENT_AUTH_AUTO || !secret;

    *method = RP_CLIENT_AUTH_AUTO;
    for (apr_size_t i = 0; i < ROWS; i++) {
        if ((provider->client_auth == RP_CLIENT_AUTH_AUTO ||
             provider->client_auth == rows[i].method) &&
            (secret || !rows[i].secret) && is_offered(&rows[i], offered, chosen)) {
            *method = rows[i].method;
            return APR_SUCCESS;
        }
    }
    return APR_NOTFOUND;
}

apr_status_t rp_client_auth_apply(rp_env_t *env, const rp_metadata_t *metadata,
                                  apr_table_t *headers, rp_buf_t *form)
{
    const rp_provider_t *provider = metadata->provider;
    const row_t *row = find_row(metadata->client_auth);

    if (!row) {
        return rp_fail(env, RP_E_INTERNAL, "no client authentication method was chosen");
    }
    if (row->secret &&
        (!provider->client_secret.data ||
         strlen((const char *)provider->client_secret.data) != provider->client_secret.len)) {
        return rp_fail(env, RP_E_TOKEN_CLIENT, "%s needs a client secret without a NUL byte",
                       row->name);
    }
    return row->apply(env, provider, headers, form);
}
