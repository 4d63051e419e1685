#include "rp_grant.h"

#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_json.h"
#include "../codec/rp_url.h"
#include "../oauth/rp_id_token.h"
#include "../oauth/rp_token.h"
#include "../oauth/rp_userinfo.h"

/* About the token, not about the user; sid is a member of the record. */
static const char *const protocol_claims[] = {
    "nonce", "at_hash", "c_hash",       "s_hash",         "jti", "exp", "iat", "nbf", "aud",
    "azp",   "sid",     "_claim_names", "_claim_sources", NULL};

/* What one grant has brought so far. */
typedef struct {
    rp_env_t *env;
    const rp_site_t *site;
    const rp_grant_t *grant;
    const rp_provider_t *provider;
    rp_token_response_t *tokens;
    rp_id_token_t *id_token; /* NULL: profile oauth2 */
    json_t *userinfo;        /* NULL: not asked */
    const char *subject;
} redeem_t;

static apr_status_t check_id_token(redeem_t *redeem)
{
    rp_id_token_expect_t expect = {.nonce = redeem->grant->secrets->nonce,
                                   .access_token = redeem->tokens->access_token};
    apr_status_t rv;

    if (redeem->provider->profile == RP_PROFILE_OAUTH2) {
        return APR_SUCCESS;
    }
    if (!redeem->tokens->id_token) {
        return rp_fail(redeem->env, RP_E_ID_TOKEN_MISSING, "scope '%s'",
                       redeem->tokens->scope ? redeem->tokens->scope : "");
    }
    rv = rp_id_token_check(&redeem->id_token, redeem->env, redeem->grant->metadata,
                           redeem->tokens->id_token, &expect);
    if (rv == APR_SUCCESS) {
        redeem->subject = rp_id_token_sub(redeem->id_token);
    }
    return rv;
}

/* Whether the ID Token has the claim, or for "address.locality" the claim "address". */
static int has_claim(const json_t *claims, const char *name, apr_pool_t *pool)
{
    return json_object_get(claims, name) != NULL ||
           json_object_get(claims, apr_pstrmemdup(pool, name, strcspn(name, "."))) != NULL;
}

static int is_complete(const redeem_t *redeem)
{
    const json_t *claims = rp_id_token_claims(redeem->id_token);
    const apr_array_header_t *used = redeem->site->used_claims;

    for (int i = 0; used && i < used->nelts; i++) {
        if (!has_claim(claims, APR_ARRAY_IDX(used, i, const char *), redeem->env->pool)) {
            return 0;
        }
    }
    return 1;
}

static int wants_userinfo(const redeem_t *redeem)
{
    if (!redeem->id_token) {
        return 1;
    }
    switch (redeem->provider->userinfo) {
    case RP_USERINFO_ON:
        return 1;
    case RP_USERINFO_OFF:
        return 0;
    default:
        return redeem->grant->metadata->endpoints[RP_ENDPOINT_USERINFO] != NULL &&
               !is_complete(redeem);
    }
}

static apr_status_t ask_userinfo(redeem_t *redeem)
{
    apr_status_t rv;

    if (!wants_userinfo(redeem)) {
        return APR_SUCCESS;
    }
    rv = rp_userinfo_fetch(&redeem->userinfo, redeem->env, redeem->grant->metadata,
                           redeem->tokens->access_token, redeem->subject);
    if (rv == APR_SUCCESS && !redeem->subject) {
        rv = rp_userinfo_subject(&redeem->subject, redeem->env, redeem->userinfo);
    }
    return rv;
}

apr_status_t rp_grant_claims(rp_record_t *record, rp_env_t *env, json_t *claims,
                             const char *const *without)
{
    int dropped;

    for (const char *const *name = without; *name; name++) {
        json_object_del(claims, *name);
    }
    if (rp_claims_encode(&record->claims, &record->claims_len, &dropped, claims, env->pool) !=
        APR_SUCCESS) {
        return rp_fail(env, RP_E_SESSION_LIMIT, "%" APR_SIZE_T_FMT " claims",
                       json_object_size(claims));
    }
    if (dropped) {
        rp_debug(env, "%d claims are not text that can be kept", dropped);
    }
    return APR_SUCCESS;
}

/* The ID Token's claims, with what userinfo adds to them: nothing that the ID Token says is
 * overridden (C85). */
static apr_status_t merge(rp_record_t *record, const redeem_t *redeem)
{
    json_t *claims = rp_json_keep(json_object(), redeem->env->pool);

    if (redeem->id_token) {
        json_object_update(claims, (json_t *)(intptr_t)rp_id_token_claims(redeem->id_token));
    }
    if (redeem->userinfo) {
        json_object_update_missing(claims, redeem->userinfo);
    }
    return rp_grant_claims(record, redeem->env, claims, protocol_claims);
}

apr_status_t rp_grant_issuer(const char **issuer, rp_env_t *env, const rp_metadata_t *metadata)
{
    const char *endpoint = metadata->endpoints[RP_ENDPOINT_AUTHORIZATION];
    rp_url_t url;

    *issuer = metadata->issuer;
    if (*issuer) {
        return APR_SUCCESS;
    }
    if (!endpoint) {
        endpoint = metadata->endpoints[RP_ENDPOINT_TOKEN];
    }
    if (!endpoint || rp_url_parse(&url, endpoint, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_METADATA_INVALID, "no issuer, no endpoint");
    }
    *issuer = url.origin;
    return APR_SUCCESS;
}

static void fill_tokens(rp_record_t *record, const redeem_t *redeem)
{
    const rp_token_response_t *tokens = redeem->tokens;

    record->token_issued = rp_now(redeem->env);
    if (tokens->expires_in >= 0) {
        record->token_expires = record->token_issued + apr_time_from_sec(tokens->expires_in);
    }
    record->access_token = tokens->access_token;
    record->refresh_token = tokens->refresh_token;
    record->id_token = redeem->id_token ? rp_id_token_text(redeem->id_token) : NULL;
    record->scope = tokens->scope ? tokens->scope : redeem->grant->scope;
}

static apr_status_t fill(rp_record_t *record, const redeem_t *redeem)
{
    apr_status_t rv = rp_grant_issuer(&record->issuer, redeem->env, redeem->grant->metadata);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    fill_tokens(record, redeem);
    record->provider = redeem->provider->name;
    record->context = redeem->provider->context;
    record->subject = redeem->subject;
    record->authenticated = rp_now(redeem->env);
    if (redeem->id_token) {
        apr_int64_t auth_time = rp_id_token_auth_time(redeem->id_token);

        record->sid = rp_id_token_sid(redeem->id_token);
        record->acr = rp_id_token_acr(redeem->id_token);
        /* One provider always says 0 (P05), which is no time at which anybody signed in. */
        if (auth_time > 0) {
            record->auth_time = apr_time_from_sec(auth_time);
            record->authenticated = record->auth_time;
        }
    }
    return merge(record, redeem);
}

apr_status_t rp_grant_redeem(rp_record_t *record, rp_env_t *env, const rp_site_t *site,
                             const rp_grant_t *grant)
{
    redeem_t redeem = {
        .env = env, .site = site, .grant = grant, .provider = grant->metadata->provider};
    apr_status_t rv;

    memset(record, 0, sizeof(*record));
    if ((rv = rp_token_code(&redeem.tokens, env, grant->metadata, grant->code, site->callback_url,
                            grant->secrets->code_verifier)) != APR_SUCCESS ||
        (rv = check_id_token(&redeem)) != APR_SUCCESS ||
        (rv = ask_userinfo(&redeem)) != APR_SUCCESS) {
        return rv;
    }
    return fill(record, &redeem);
}
