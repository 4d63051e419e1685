#include "rp_backend_token.h"

#include <string.h>

#include "rp_access_cookie.h"
#include "rp_assertion.h"
#include "rp_refresh.h"
#include "rp_service.h"
#include "rp_user_token.h"

int rp_backend_token_is_users(rp_backend_kind_t kind)
{
    return kind == RP_BACKEND_USER || kind == RP_BACKEND_ID || kind == RP_BACKEND_EXCHANGE ||
           kind == RP_BACKEND_ASSERTION;
}

/* --- the same --- */

static int is_same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

int rp_backend_token_is_same(const rp_place_t *one, const rp_place_t *other)
{
    const rp_backend_token_t *a = &one->backend;
    const rp_backend_token_t *b = &other->backend;

    if (a->kind != b->kind || !is_same_text(a->provider, b->provider) ||
        !is_same_text(a->scope, b->scope) || !is_same_text(a->audience, b->audience) ||
        !is_same_text(a->resource, b->resource) || !is_same_text(a->header, b->header) ||
        !is_same_text(a->claims, b->claims)) {
        return 0;
    }
    return a->kind != RP_BACKEND_USER || (rp_is_same_list(one->resource, other->resource) &&
                                          rp_is_same_list(one->scope, other->scope));
}

/* --- the session's own --- */

static apr_status_t take_own(rp_reply_t *reply, rp_env_t *env, rp_backend_kind_t kind)
{
    const rp_record_t *record = &reply->session->record;

    reply->backend_token = kind == RP_BACKEND_ID ? record->id_token : record->access_token;
    if (!reply->backend_token) {
        return rp_fail(env, RP_E_BACKEND_TOKEN, "the session has no %s",
                       kind == RP_BACKEND_ID ? "ID Token" : "access token");
    }
    return APR_SUCCESS;
}

static apr_status_t get_own(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_refresh_t refresh;
    apr_status_t rv = rp_refresh_begin(&refresh, env, request->site, reply->session);

    if (rv == APR_SUCCESS) {
        rv = rp_refresh_keep(env, &refresh);
    }
    return rv == APR_SUCCESS ? take_own(reply, env, request->place->backend.kind) : rv;
}

static apr_status_t replace_own(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                                const char *used)
{
    rp_refresh_t refresh;
    apr_status_t rv = rp_refresh_begin(&refresh, env, request->site, reply->session);

    if (rv == APR_SUCCESS) {
        rv = rp_refresh_replace(env, &refresh, used);
    }
    return rv == APR_SUCCESS ? take_own(reply, env, RP_BACKEND_USER) : rv;
}

/* --- of a bearer token, which is all that its holder has: no refresh token, no ID Token --- */

static apr_status_t get_bearers(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_session_t *session = reply->session;

    if (request->place->backend.kind == RP_BACKEND_EXCHANGE) {
        return rp_user_token(&reply->backend_token, env, request, session);
    }
    if (request->place->backend.kind == RP_BACKEND_USER &&
        !rp_user_token_applies(request->site, request->place, session)) {
        reply->backend_token = session->record.access_token;
        return APR_SUCCESS;
    }
    return rp_fail(env, RP_E_BACKEND_TOKEN, "a bearer token comes without %s",
                   request->place->backend.kind == RP_BACKEND_ID
                       ? "an ID Token"
                       : "a refresh token, which a token for a resource takes");
}

/* --- whatever kind --- */

apr_status_t rp_backend_token(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_backend_kind_t kind = request->place->backend.kind;

    if (kind == RP_BACKEND_NONE) {
        return APR_SUCCESS;
    }
    if (!rp_backend_token_is_users(kind)) {
        return rp_service_token(&reply->backend_token, env, request->site, request->place);
    }
    if (kind == RP_BACKEND_ASSERTION) {
        return rp_assertion(&reply->backend_token, env, request, reply->session);
    }
    if (reply->session->bearer) {
        return get_bearers(reply, env, request);
    }
    if (rp_user_token_applies(request->site, request->place, reply->session)) {
        return rp_user_token(&reply->backend_token, env, request, reply->session);
    }
    return get_own(reply, env, request);
}

static apr_status_t replace_users(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                                  const char *used)
{
    rp_backend_kind_t kind = request->place->backend.kind;

    if (kind == RP_BACKEND_ID || kind == RP_BACKEND_ASSERTION ||
        (reply->session->bearer && kind != RP_BACKEND_EXCHANGE)) {
        return APR_NOTFOUND;
    }
    if (rp_user_token_applies(request->site, request->place, reply->session)) {
        return rp_user_token_replace(&reply->backend_token, env, request, reply->session, used);
    }
    return replace_own(reply, env, request, used);
}

apr_status_t rp_backend_token_replace(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                                      const char *used)
{
    rp_backend_kind_t kind = request->place->backend.kind;
    rp_error_t cause;
    apr_status_t rv;

    reply->backend_token = NULL;
    if (!rp_backend_token_is_users(kind)) {
        return kind == RP_BACKEND_NONE ? APR_NOTFOUND
                                       : rp_service_replace(&reply->backend_token, env,
                                                            request->site, request->place, used);
    }
    rv = replace_users(reply, env, request, used);
    cause = env->error;
    rp_forgive(env);
    rp_access_cookies_update(reply, env, request);
    env->error = cause;
    return rv;
}
