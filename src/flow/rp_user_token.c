#include "rp_user_token.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../jose/rp_crypto.h"
#include "../session/rp_shared_token.h"
#include "rp_refresh.h"

/* In rp_token_wish_t.words. */
enum { KIND, SCOPE, AUDIENCE, RESOURCE, TAG };

/* --- getting one; a wish's subject is an rp_refresh_t --- */

static rp_token_target_t target_of(const rp_token_wish_t *wish)
{
    rp_token_target_t target = {.scope = wish->words[SCOPE],
                                .audience = wish->words[AUDIENCE],
                                .resource = wish->words[RESOURCE]};

    return target;
}

/* The user's access token, as the provider knows it now. */
static apr_status_t find_subject_token(const char **token, rp_env_t *env, rp_refresh_t *refresh)
{
    apr_status_t rv;

    *token = NULL;
    /* This may have waited for another request, and the session may have ended meanwhile. */
    if ((rv = rp_session_reload(env, &refresh->realm, refresh->session)) != APR_SUCCESS ||
        (rv = rp_refresh_first(env, refresh)) != APR_SUCCESS) {
        return rv;
    }
    *token = refresh->session->record.access_token;
    return *token ? APR_SUCCESS
                  : rp_fail(env, RP_E_BACKEND_TOKEN, "the session has no access token to exchange");
}

static apr_status_t fetch_exchange(rp_token_response_t **response, rp_env_t *env,
                                   const rp_token_wish_t *wish)
{
    rp_token_target_t target = target_of(wish);
    rp_refresh_t *refresh = wish->subject;
    const rp_metadata_t *metadata;
    const char *subject_token;
    apr_status_t rv;

    *response = NULL;
    if ((rv = find_subject_token(&subject_token, env, refresh)) != APR_SUCCESS ||
        (rv = rp_metadata_get(&metadata, env, wish->provider)) != APR_SUCCESS ||
        (rv = rp_token_exchange(response, env, metadata, subject_token, &target)) != APR_SUCCESS) {
        return rv;
    }
    return rp_refresh_confirm(env, refresh, metadata, *response);
}

/* The subject is the bearer token itself, which nothing here can renew. */
static apr_status_t fetch_for_bearer(rp_token_response_t **response, rp_env_t *env,
                                     const rp_token_wish_t *wish)
{
    rp_token_target_t target = target_of(wish);
    const rp_metadata_t *metadata;
    apr_status_t rv = rp_metadata_get(&metadata, env, wish->provider);

    *response = NULL;
    return rv != APR_SUCCESS ? rv
                             : rp_token_exchange(response, env, metadata, wish->subject, &target);
}

static apr_status_t pack_bearer(unsigned char **data, apr_size_t *len, rp_env_t *env,
                                const rp_token_wish_t *wish)
{
    *len = strlen(wish->subject) + 1;
    *data = apr_pmemdup(env->pool, wish->subject, *len);
    return APR_SUCCESS;
}

static apr_status_t unpack_bearer(rp_token_wish_t *wish, rp_env_t *env, const void *data,
                                  apr_size_t len)
{
    wish->subject = apr_pstrmemdup(env->pool, data, len);
    return APR_SUCCESS;
}

static apr_status_t fetch_resource(rp_token_response_t **response, rp_env_t *env,
                                   const rp_token_wish_t *wish)
{
    rp_token_target_t target = target_of(wish);

    return rp_refresh_target(response, env, wish->subject, &target);
}

static apr_status_t pack(unsigned char **data, apr_size_t *len, rp_env_t *env,
                         const rp_token_wish_t *wish)
{
    return rp_refresh_pack(data, len, env, wish->subject);
}

static apr_status_t unpack(rp_token_wish_t *wish, rp_env_t *env, const void *data, apr_size_t len)
{
    rp_refresh_t *refresh = apr_pcalloc(env->pool, sizeof(*refresh));

    wish->subject = refresh;
    return rp_refresh_unpack(refresh, env, data, len);
}

/* Metadata, a wait for somebody's refresh that may be two calls long, and the call itself. */
#define CALLS 4

static const rp_token_kind_t exchange = {
    fetch_exchange, pack, unpack, CALLS, RP_E_EXCHANGE_FAILED, RP_E_EXCHANGE_UNAVAILABLE};
static const rp_token_kind_t exchange_bearer = {fetch_for_bearer,     pack_bearer,
                                                unpack_bearer,        2,
                                                RP_E_EXCHANGE_FAILED, RP_E_EXCHANGE_UNAVAILABLE};
static const rp_token_kind_t resource = {
    fetch_resource, pack, unpack, CALLS, RP_E_EXCHANGE_FAILED, RP_E_EXCHANGE_UNAVAILABLE};

/* --- which one --- */

int rp_user_token_applies(const rp_site_t *site, const rp_place_t *place,
                          const rp_session_t *session)
{
    const rp_provider_t *provider = rp_site_provider(site, session->record.provider);

    if (place->backend.kind != RP_BACKEND_USER) {
        return place->backend.kind == RP_BACKEND_EXCHANGE;
    }
    return place->backend.resource ||
           (place->resource && provider && !rp_is_same_list(place->resource, provider->resource));
}

/* 1 when the scopes, separated by spaces, have this one. */
static int has_scope(const char *scopes, const char *scope)
{
    apr_size_t len = strlen(scope);

    for (const char *at = scopes; (at = strstr(at, scope)); at += len) {
        if ((at == scopes || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) {
            return 1;
        }
    }
    return 0;
}

static int count_scopes(const char *scopes)
{
    int count = 0;

    while (*(scopes += strspn(scopes, " "))) {
        scopes += strcspn(scopes, " ");
        count++;
    }
    return count;
}

/* What the place asks for of what was granted, as a refresh may not ask for more (RFC 6749 6).
 * NULL: no less than all, which goes without saying. */
static const char *narrow_scope(const rp_place_t *place, const rp_record_t *record,
                                apr_pool_t *pool)
{
    apr_array_header_t *list;

    if (!place->scope || !record->scope) {
        return NULL;
    }
    list = apr_array_make(pool, place->scope->nelts, sizeof(const char *));
    for (int i = 0; i < place->scope->nelts; i++) {
        const char *scope = APR_ARRAY_IDX(place->scope, i, const char *);

        if (has_scope(record->scope, scope)) {
            APR_ARRAY_PUSH(list, const char *) = scope;
        }
    }
    return list->nelts > 0 && list->nelts < count_scopes(record->scope)
               ? apr_array_pstrcat(pool, list, ' ')
               : NULL;
}

static void describe(rp_token_wish_t *wish, const rp_request_t *request,
                     const rp_session_t *session, apr_pool_t *pool)
{
    const rp_place_t *place = request->place;
    const rp_backend_token_t *backend = &place->backend;

    wish->words[AUDIENCE] = backend->audience;
    wish->words[RESOURCE] = backend->resource;
    wish->words[SCOPE] = backend->scope;
    if (backend->kind == RP_BACKEND_EXCHANGE) {
        wish->kind = &exchange;
        wish->words[KIND] = "exchange";
        return;
    }
    wish->kind = &resource;
    wish->words[KIND] = "resource";
    wish->words[SCOPE] = narrow_scope(place, &session->record, pool);
    if (!backend->resource) {
        wish->words[RESOURCE] = apr_array_pstrcat(pool, place->resource, ' ');
    }
}

/* It is this very token's, as a session's is the session's. */
static apr_status_t make_bearers_wish(rp_token_wish_t *wish, rp_env_t *env,
                                      const rp_request_t *request, rp_session_t *session)
{
    const char *token = session->record.access_token;
    const char *hash = rp_sha256_text(token, env->pool);
    apr_time_t expires = session->record.token_expires;

    wish->kind = &exchange_bearer;
    wish->provider = rp_site_provider(request->site, session->record.provider);
    wish->subject = apr_pstrdup(env->pool, token);
    wish->until = expires ? expires : rp_now(env) + apr_time_from_sec(RP_TOKEN_DEFAULT_SECONDS);
    wish->words[TAG] = hash ? apr_pstrcat(env->pool, "bearer ", hash, NULL) : NULL;
    if (!wish->provider) {
        return rp_fail(env, RP_E_CONFIGURATION_CHANGED, "provider of the bearer token");
    }
    return hash ? APR_SUCCESS : rp_fail(env, RP_E_CRYPTO, "hash of a bearer token");
}

static apr_status_t make_wish(rp_token_wish_t *wish, rp_env_t *env, const rp_request_t *request,
                              rp_session_t *session)
{
    rp_refresh_t *refresh = apr_pcalloc(env->pool, sizeof(*refresh));
    apr_status_t rv;

    memset(wish, 0, sizeof(*wish));
    describe(wish, request, session, env->pool);
    if (session->bearer) {
        return make_bearers_wish(wish, env, request, session);
    }
    rv = rp_refresh_begin(refresh, env, request->site, session);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    wish->provider = refresh->provider;
    wish->subject = refresh;
    wish->until = session->record.created + request->site->realm.longest;
    return rp_session_tag(&wish->words[TAG], env, session);
}

apr_status_t rp_user_token(const char **token, rp_env_t *env, const rp_request_t *request,
                           rp_session_t *session)
{
    rp_token_wish_t wish;
    apr_status_t rv = make_wish(&wish, env, request, session);

    *token = NULL;
    return rv != APR_SUCCESS ? rv : rp_shared_token_get(token, env, &wish);
}

apr_status_t rp_user_token_replace(const char **token, rp_env_t *env, const rp_request_t *request,
                                   rp_session_t *session, const char *used)
{
    rp_token_wish_t wish;
    apr_status_t rv = make_wish(&wish, env, request, session);

    *token = NULL;
    return rv != APR_SUCCESS ? rv : rp_shared_token_replace(token, env, &wish, used);
}
