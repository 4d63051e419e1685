#include "rp_access.h"

#include <string.h>

#include "rp_access_cookie.h"
#include "rp_access_session.h"
#include "rp_backend_token.h"
#include "rp_bearer.h"
#include "rp_export.h"
#include "rp_login.h"

static int place_uses(const rp_place_t *place, const rp_provider_t *provider)
{
    if (!place->use) {
        return provider->name[0] == '\0';
    }
    for (int i = 0; i < place->use->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(place->use, i, const char *), provider->name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The session of the cookies, where the place accepts one. */
static apr_status_t find_session(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    apr_status_t rv = rp_access_session(&reply->session, env, request);

    if (rv == APR_SUCCESS &&
        !place_uses(request->place, rp_access_session_provider(request->site, reply->session))) {
        rp_debug(env, "session of provider '%s', which this place does not use",
                 reply->session->record.provider);
        reply->session = NULL;
        return APR_NOTFOUND;
    }
    return rv;
}

/* Who brings a bearer token, and nothing else (RFC 6750 2). */
static apr_status_t find_bearer(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    const rp_place_t *place = request->place;
    const char *token;
    apr_status_t rv;

    if (!place->audience || place->audience->nelts == 0) {
        return rp_fail(env, RP_E_CONFIG_AUDIENCE, "OAuthAccept bearer without OAuthAudience");
    }
    rv = rp_bearer_read(&token, env, request);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (place->accept & RP_ACCEPT_SESSION) {
        rv = find_session(reply, env, request);
        if (rv == APR_SUCCESS) {
            return rp_fail(env, RP_E_BEARER_REQUEST, "a session and a bearer token");
        }
        if (rv != APR_NOTFOUND) {
            return rv;
        }
    }
    return rp_bearer_session(&reply->session, env, request, token);
}

/* By what the place accepts. APR_NOTFOUND: no credential came, or none that is alive. */
static apr_status_t identify(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    apr_status_t rv = APR_NOTFOUND;

    if (request->place->accept & RP_ACCEPT_BEARER) {
        rv = find_bearer(reply, env, request);
    }
    return rv == APR_NOTFOUND && (request->place->accept & RP_ACCEPT_SESSION)
               ? find_session(reply, env, request)
               : rv;
}

/* Notes the use. APR_NOTFOUND when the session turns out to have ended. */
static apr_status_t touch(rp_session_t *session, rp_env_t *env, const rp_request_t *request)
{
    apr_status_t rv =
        rp_session_touch(env, &request->site->realm, session, &request->place->limits);

    if (rv == APR_NOTFOUND) {
        return rv;
    }
    /* A use that could not be noted costs the user idle time, not this request. */
    rp_forgive(env);
    return APR_SUCCESS;
}

/* Everything that an identity is asked for; APR_NOTFOUND when it turns out to have ended. */
static apr_status_t admit(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    const rp_place_t *place = request->place;
    apr_status_t rv = reply->session->bearer ? APR_SUCCESS : touch(reply->session, env, request);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (place->user_claim) {
        rv = rp_export_user(&reply->user, env, reply->session, place->user_claim);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (!rp_backend_token_is_users(place->backend.kind)) {
        return APR_SUCCESS;
    }
    rv = rp_backend_token(reply, env, request);
    if (rv == APR_NOTFOUND && env->error.id != RP_E_NONE) {
        reply->error = env->error;
        rp_forgive(env);
    }
    return rv;
}

static void challenge(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    if (reply->error.id != RP_E_NONE) {
        /* Why the session that was there has ended. */
        env->error = reply->error;
    }
    rp_fail(env, RP_E_UNAUTHENTICATED, "%s without a session", request->method);
    rp_reply_fail(reply, env, request);
    reply->outcome = RP_CHALLENGE;
}

/* A form that may be kept over the login (OAuthPreservePost), or a navigation; where a session
 * would be of use. */
static int may_go_to_login(const rp_request_t *request)
{
    return (request->place->accept & RP_ACCEPT_SESSION) &&
           (rp_request_is_navigation(request) ||
            (request->place->preserve_post && request->body != NULL));
}

void rp_access_refused(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    if (may_go_to_login(request)) {
        rp_login_from_place(reply, env, request);
    } else {
        challenge(reply, env, request);
    }
}

static void unauthenticated(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    reply->session = NULL;
    reply->user = NULL;
    switch (request->place->unauthenticated) {
    case RP_UNAUTHENTICATED_PASS:
        reply->outcome = RP_PASS;
        break;
    case RP_UNAUTHENTICATED_LOGIN:
        if (request->place->accept & RP_ACCEPT_SESSION) {
            rp_login_from_place(reply, env, request);
        } else {
            challenge(reply, env, request);
        }
        break;
    case RP_UNAUTHENTICATED_CHALLENGE:
        challenge(reply, env, request);
        break;
    default:
        rp_access_refused(reply, env, request);
        break;
    }
}

static void fail(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    reply->challenge = rp_bearer_challenge(env);
    if (env->error.id == RP_E_COOKIE_AMBIGUOUS) {
        rp_access_cookies_delete(reply, env, request);
    }
    rp_reply_fail(reply, env, request);
    if (reply->status == 401) {
        reply->outcome = RP_CHALLENGE;
    }
}

void rp_access(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    apr_status_t rv;

    memset(reply, 0, sizeof(*reply));
    rv = identify(reply, env, request);
    if (rv == APR_SUCCESS) {
        rv = admit(reply, env, request);
    }
    if (rv == APR_SUCCESS) {
        rp_access_cookies_update(reply, env, request);
        reply->outcome = RP_PASS;
    } else if (rv == APR_NOTFOUND) {
        unauthenticated(reply, env, request);
    } else {
        fail(reply, env, request);
    }
}

void rp_access_forbidden(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                         const char *user)
{
    memset(reply, 0, sizeof(*reply));
    rp_fail(env, RP_E_FORBIDDEN, "user %s", user);
    rp_reply_fail(reply, env, request);
    reply->outcome = RP_FORBID;
}

void rp_access_scope(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                     const char *scope)
{
    memset(reply, 0, sizeof(*reply));
    rp_fail(env, RP_E_BEARER_SCOPE, "scope %s", scope);
    reply->challenge = rp_bearer_challenge_scope(scope, env->pool);
    rp_reply_fail(reply, env, request);
    reply->outcome = RP_FORBID;
}
