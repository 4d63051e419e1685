#include "rp_refresh_grant.h"

#include <string.h>

#include "../oauth/rp_id_token.h"

/* What a job gets, followed by realm.context with its NUL, and the packed session. */
typedef struct {
    const rp_provider_t *provider;
    rp_session_realm_t realm;
    int revoke;
} head_t;

apr_status_t rp_refresh_begin(rp_refresh_t *refresh, rp_env_t *env, const rp_site_t *site,
                              rp_session_t *session)
{
    refresh->provider = rp_site_provider(site, session->record.provider);
    refresh->realm = site->realm;
    refresh->revoke = site->logout_revoke;
    refresh->session = session;
    return refresh->provider ? APR_SUCCESS
                             : rp_fail(env, RP_E_CONFIGURATION_CHANGED, "provider of the session");
}

apr_status_t rp_refresh_pack(unsigned char **data, apr_size_t *len, rp_env_t *env,
                             const rp_refresh_t *refresh)
{
    const head_t head = {refresh->provider, refresh->realm, refresh->revoke};
    apr_size_t context_len = strlen(head.realm.context) + 1;
    unsigned char *packed;
    apr_size_t packed_len;
    apr_status_t rv;

    *data = NULL;
    *len = 0;
    if ((rv = rp_session_open_tokens(env, &refresh->realm, refresh->session)) != APR_SUCCESS ||
        (rv = rp_session_pack(&packed, &packed_len, env, &refresh->realm, refresh->session)) !=
            APR_SUCCESS) {
        return rv;
    }
    *len = sizeof(head) + context_len + packed_len;
    *data = apr_palloc(env->pool, *len);
    memcpy(*data, &head, sizeof(head));
    memcpy(*data + sizeof(head), head.realm.context, context_len);
    memcpy(*data + sizeof(head) + context_len, packed, packed_len);
    return APR_SUCCESS;
}

apr_status_t rp_refresh_unpack(rp_refresh_t *refresh, rp_env_t *env, const void *data,
                               apr_size_t len)
{
    const char *context = (const char *)data + sizeof(head_t);
    apr_size_t context_len = strlen(context) + 1;
    head_t head;

    memcpy(&head, data, sizeof(head));
    refresh->provider = head.provider;
    refresh->realm = head.realm;
    refresh->realm.context = context;
    refresh->revoke = head.revoke;
    return rp_session_unpack(&refresh->session, env, &refresh->realm,
                             (const unsigned char *)context + context_len,
                             len - sizeof(head) - context_len);
}

/* A refreshed ID Token must continue the session (OpenID Connect Core 12.2). */
static apr_status_t check_id_token(rp_env_t *env, const rp_metadata_t *metadata,
                                   const rp_session_t *session, const rp_token_response_t *response)
{
    const rp_record_t *record = &session->record;
    rp_id_token_previous_t previous = {
        .issuer = record->issuer,
        .sub = record->subject,
        .id_token = record->id_token,
        .auth_time = record->auth_time ? apr_time_sec(record->auth_time) : -1};
    rp_id_token_expect_t expect = {.access_token = response->access_token, .previous = &previous};
    rp_id_token_t *id_token;
    rp_error_t cause;

    if (!response->id_token || metadata->provider->profile != RP_PROFILE_OPENID) {
        return APR_SUCCESS;
    }
    if (rp_id_token_check(&id_token, env, metadata, response->id_token, &expect) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    cause = env->error;
    rp_forgive(env);
    return rp_fail(env, RP_E_REFRESH_ID_TOKEN, "OA-%d: %s", (int)cause.id, cause.detail);
}

/* Logout was quicker and revoked the tokens that it knew; these are newer. */
static void give_back(rp_env_t *env, const rp_refresh_t *refresh, const rp_metadata_t *metadata,
                      const rp_token_response_t *response)
{
    const char *token = response->refresh_token;

    if (refresh->revoke) {
        rp_token_revoke(env, metadata, token ? token : response->access_token,
                        token ? "refresh_token" : "access_token");
        rp_forgive(env);
    }
}

static apr_status_t renew(rp_env_t *env, rp_refresh_t *refresh, const rp_token_response_t *response)
{
    rp_session_tokens_t tokens = {.access_token = response->access_token,
                                  .refresh_token = response->refresh_token,
                                  .id_token = response->id_token,
                                  .scope = response->scope};

    if (response->expires_in >= 0) {
        tokens.expires = rp_now(env) + apr_time_from_sec(response->expires_in);
    }
    return rp_session_renew(env, &refresh->realm, refresh->session, &tokens);
}

/* Asks the provider and keeps what it gave. APR_NOTFOUND: the session ended meanwhile. */
static apr_status_t ask_own(rp_env_t *env, rp_refresh_t *refresh)
{
    rp_session_t *session = refresh->session;
    const rp_metadata_t *metadata;
    rp_token_response_t *response;
    apr_status_t rv;

    if ((rv = rp_session_open_tokens(env, &refresh->realm, session)) != APR_SUCCESS ||
        (rv = rp_metadata_get(&metadata, env, refresh->provider)) != APR_SUCCESS ||
        (rv = rp_token_refresh(&response, env, metadata, session->record.refresh_token, NULL)) !=
            APR_SUCCESS ||
        (rv = check_id_token(env, metadata, session, response)) != APR_SUCCESS) {
        return rv;
    }
    rv = renew(env, refresh, response);
    if (rv == APR_NOTFOUND) {
        give_back(env, refresh, metadata, response);
    }
    return rv;
}

/* invalid_grant, for a token of this generation. Another process may have used the token that this
 * one had read: then APR_SUCCESS, with what is there now. */
static apr_status_t lose_grant(rp_env_t *env, rp_refresh_t *refresh, apr_uint32_t generation)
{
    apr_status_t rv = rp_session_reload(env, &refresh->realm, refresh->session);

    if (rv == APR_SUCCESS && refresh->session->record.token_generation == generation) {
        rv = rp_session_end(env, &refresh->realm, refresh->session);
        rv = rv == APR_SUCCESS ? APR_NOTFOUND : rv;
    }
    return rv;
}

/* Who used the refresh token may have been after a part of the grant only. */
static apr_status_t expect_other(rp_env_t *env, rp_refresh_t *refresh, const char *access_token)
{
    const rp_record_t *record = &refresh->session->record;
    apr_status_t rv = rp_session_open_tokens(env, &refresh->realm, refresh->session);

    if (rv == APR_SUCCESS && access_token && record->access_token &&
        strcmp(record->access_token, access_token) == 0) {
        rv = RP_FAILED;
    }
    return rv;
}

/* failed: 1 when nobody shall try again for a while. */
static void give_lease(rp_env_t *env, const rp_session_t *session, int failed)
{
    rp_session_lease_end(env, session, failed);
    rp_forgive(env);
}

apr_status_t rp_refresh_own(rp_env_t *env, rp_refresh_t *refresh)
{
    apr_uint32_t generation = refresh->session->record.token_generation;
    const char *access_token;
    rp_error_t cause;
    apr_status_t rv = rp_session_open_tokens(env, &refresh->realm, refresh->session);

    access_token = refresh->session->record.access_token;
    if (rv == APR_SUCCESS) {
        rv = ask_own(env, refresh);
    }
    cause = env->error;
    rp_forgive(env);
    if (rv == RP_FAILED && cause.id == RP_E_REFRESH_GRANT) {
        rv = lose_grant(env, refresh, generation);
        if (rv == APR_SUCCESS) {
            rv = expect_other(env, refresh, access_token);
        }
    }
    give_lease(env, refresh->session, rv == RP_FAILED);
    if (rv != APR_SUCCESS) {
        env->error = cause;
    }
    return rv;
}

apr_status_t rp_refresh_confirm(rp_env_t *env, rp_refresh_t *refresh, const rp_metadata_t *metadata,
                                const rp_token_response_t *response)
{
    apr_status_t rv = rp_session_reload(env, &refresh->realm, refresh->session);

    if (rv == APR_NOTFOUND) {
        give_back(env, refresh, metadata, response);
    }
    return rv;
}

/* A provider that does not rotate may well send the same one again. */
static int is_rotated(const rp_record_t *record, const rp_token_response_t *response)
{
    return response->refresh_token && strcmp(response->refresh_token, record->refresh_token) != 0;
}

static apr_status_t ask_part(rp_token_response_t **response, rp_env_t *env, rp_refresh_t *refresh,
                             const rp_token_target_t *target)
{
    rp_session_t *session = refresh->session;
    const rp_metadata_t *metadata;
    apr_status_t rv;

    if ((rv = rp_session_open_tokens(env, &refresh->realm, session)) != APR_SUCCESS ||
        (rv = rp_metadata_get(&metadata, env, refresh->provider)) != APR_SUCCESS ||
        (rv = rp_token_refresh(response, env, metadata, session->record.refresh_token, target)) !=
            APR_SUCCESS) {
        return rv;
    }
    if (!is_rotated(&session->record, *response)) {
        (*response)->refresh_token = NULL;
        return rp_refresh_confirm(env, refresh, metadata, *response);
    }
    rv = rp_session_rotate(env, &refresh->realm, session, (*response)->refresh_token);
    if (rv == APR_NOTFOUND) {
        give_back(env, refresh, metadata, *response);
    }
    return rv;
}

apr_status_t rp_refresh_part(rp_token_response_t **response, rp_env_t *env, rp_refresh_t *refresh,
                             const rp_token_target_t *target)
{
    apr_uint32_t generation = refresh->session->record.token_generation;
    rp_error_t cause;
    apr_status_t rv;

    *response = NULL;
    rv = ask_part(response, env, refresh, target);
    cause = env->error;
    rp_forgive(env);
    if (rv == RP_FAILED && cause.id == RP_E_REFRESH_GRANT) {
        rv = lose_grant(env, refresh, generation);
        rv = rv == APR_SUCCESS ? RP_FAILED : rv;
    }
    /* That there is no token for this target is no reason for the session's own to wait. */
    give_lease(env, refresh->session, 0);
    if (rv != APR_SUCCESS) {
        *response = NULL;
        env->error = cause;
    }
    return rv;
}
