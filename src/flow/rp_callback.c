#include "rp_callback.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_form.h"
#include "../oauth/rp_authorization.h"
#include "rp_access_cookie.h"
#include "rp_access_session.h"
#include "rp_grant.h"
#include "rp_login.h"
#include "rp_page.h"
#include "rp_preserve.h"

/* One answer, as far as it is known. */
typedef struct {
    rp_reply_t *reply;
    rp_env_t *env;
    const rp_request_t *request;
    const rp_site_t *site;
    rp_authorization_response_t response;
    rp_login_state_t *state;
    const rp_provider_t *provider;
    const rp_metadata_t *metadata;
    rp_return_url_t *return_url;
    const char *binding; /* NULL: the login cookie did not come */
} callback_t;

static int is_post(const callback_t *callback)
{
    return strcmp(callback->request->method, "POST") == 0;
}

/* HEAD would use up the code without anybody to give the session to. */
static apr_status_t check_method(callback_t *callback)
{
    if (strcmp(callback->request->method, "HEAD") != 0) {
        return APR_SUCCESS;
    }
    callback->reply->allow = "GET, POST";
    return rp_fail(callback->env, RP_E_CALLBACK_METHOD, "HEAD");
}

/* Only the query of a GET and only the body of a POST are read (C33). */
static apr_status_t read_response(callback_t *callback)
{
    const rp_request_t *request = callback->request;
    const char *text = is_post(callback) ? request->body : request->query;
    apr_size_t len = 0;
    rp_form_t *form;
    apr_status_t rv;

    if (text) {
        len = is_post(callback) ? request->body_len : strlen(text);
    }
    if (rp_form_parse(&form, text ? text : "", len, callback->env->pool) != APR_SUCCESS) {
        return rp_fail(callback->env, RP_E_CALLBACK_PARAMETERS,
                       "%" APR_SIZE_T_FMT " bytes that are no form", len);
    }
    rv = rp_authorization_response_read(&callback->response, callback->env, form);
    if (rv == APR_SUCCESS && !callback->response.state) {
        return rp_fail(callback->env, RP_E_STATE_MISSING, "no state");
    }
    return rv;
}

/* What the state says, which was sealed by us. */
static apr_status_t open_state(callback_t *callback)
{
    rp_env_t *env = callback->env;
    apr_status_t rv =
        rp_login_state_open(&callback->state, env, callback->site, callback->response.state);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    callback->provider = rp_login_state_provider(env, callback->site, callback->state);
    if (!callback->provider) {
        return rp_fail(env, RP_E_CONFIGURATION_CHANGED, "provider '%s'", callback->state->provider);
    }
    if ((callback->provider->response_mode == RP_RESPONSE_FORM_POST) != is_post(callback)) {
        callback->reply->allow = is_post(callback) ? "GET" : "POST";
        return rp_fail(env, RP_E_CALLBACK_METHOD, "%s, which the response mode does not use",
                       callback->request->method);
    }
    rv = rp_login_state_return_url(&callback->return_url, env, callback->site, callback->state);
    if (rv == APR_SUCCESS) {
        callback->reply->retry = rp_return_url_short(callback->return_url);
        rp_login_binding_read(&callback->binding, callback->request, env->pool);
    }
    return rv;
}

/* Why the answer is not acted on: RP_E_NONE when it may be. */
static rp_error_id_t obstacle(const callback_t *callback)
{
    if (!rp_login_state_bound(callback->state, callback->binding)) {
        return RP_E_STATE_UNBOUND;
    }
    return rp_login_state_expired(callback->env, callback->state) ? RP_E_STATE_EXPIRED : RP_E_NONE;
}

/* Sends the browser on to where the login was going; in any case to a page of this origin first
 * where the session cookie would not survive a redirect chain that another site began. */
static void go_on(callback_t *callback, const char *url)
{
    if (callback->site->cookie_samesite == RP_SAMESITE_STRICT) {
        rp_page_continue(callback->reply, callback->env, url);
    } else {
        rp_reply_redirect(callback->reply, url);
    }
}

/* 1 when the browser has a live session of this provider. */
static apr_status_t has_session(int *has, const callback_t *callback)
{
    rp_session_t *session;
    apr_status_t rv = rp_access_session(&session, callback->env, callback->request);

    *has = rv == APR_SUCCESS && strcmp(session->record.provider, callback->provider->name) == 0;
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* For an answer that came late, twice or without its cookie: the back button, a second tab, a
 * restored one. */
static apr_status_t way_back(callback_t *callback, rp_error_id_t why)
{
    rp_login_t login = {.provider = callback->provider,
                        .return_url = callback->return_url,
                        .attempt = callback->state->attempt + 1,
                        .preserved = callback->state->preserved,
                        .scope = callback->state->scope};
    rp_request_t bound;
    int has;
    apr_status_t rv = has_session(&has, callback);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (has) {
        go_on(callback, rp_return_url_text(callback->return_url));
        return APR_SUCCESS;
    }
    if (login.attempt >= RP_LOGIN_ATTEMPTS) {
        return rp_fail(callback->env, why, "attempt %d of %d, login cookie %s", login.attempt,
                       RP_LOGIN_ATTEMPTS, callback->binding ? "of another login" : "not sent");
    }
    rp_debug(callback->env, "login is started again (%s)", rp_error_row(why)->name);
    bound = rp_login_bound_for(callback->request, callback->return_url);
    rp_login_start(callback->reply, callback->env, &bound, &login);
    return APR_SUCCESS;
}

/* A login replaces whatever session the browser had (C206). */
static apr_status_t end_old_session(const callback_t *callback)
{
    rp_place_t place = *callback->request->place;
    rp_request_t request = *callback->request;
    rp_session_t *old;
    apr_status_t rv;

    /* Also one that only a place with a longer lifetime would still take. */
    place.limits.max = callback->site->realm.longest;
    place.limits.idle = 0;
    request.place = &place;
    rv = rp_access_session(&old, callback->env, &request);
    if (rv == APR_SUCCESS) {
        return rp_session_end(callback->env, &callback->site->realm, old);
    }
    if (rv == RP_FAILED && callback->env->error.id == RP_E_COOKIE_AMBIGUOUS) {
        rp_forgive(callback->env);
        return APR_SUCCESS;
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* A provider that does not say what it granted granted what was asked for (RFC 6749 5.1). */
static const char *requested_scope(const callback_t *callback)
{
    const apr_array_header_t *scope = callback->provider->scope;

    if (callback->state->scope) {
        return strcmp(callback->state->scope, RP_SCOPE_UNKNOWN) != 0 ? callback->state->scope
                                                                     : NULL;
    }
    if (callback->request->place->scope) {
        scope = callback->request->place->scope;
    }
    if (!scope) {
        return callback->provider->profile == RP_PROFILE_OPENID ? "openid profile email" : NULL;
    }
    return apr_array_pstrcat(callback->env->pool, scope, ' ');
}

static const char *resume_url(const callback_t *callback, const rp_session_t *session)
{
    const rp_site_t *site = callback->site;
    const char *id = callback->state->preserved;

    if (!id ||
        rp_preserve_adopt(callback->env, site, id, callback->binding, session) != APR_SUCCESS) {
        /* Without the form the login is still a login. */
        rp_forgive(callback->env);
        return NULL;
    }
    return apr_pstrcat(callback->env->pool, site->base_url, site->path, "/resume?id=", id, NULL);
}

static apr_status_t sign_in(callback_t *callback, const rp_record_t *record)
{
    rp_env_t *env = callback->env;
    rp_session_t *session;
    const char *url;
    apr_status_t rv;

    if ((rv = end_old_session(callback)) != APR_SUCCESS ||
        (rv = rp_session_create(&session, env, &callback->site->realm, record)) != APR_SUCCESS ||
        (rv = rp_access_cookies_send(callback->reply, env, callback->request, session)) !=
            APR_SUCCESS) {
        return rv;
    }
    url = resume_url(callback, session);
    rp_login_forget(callback->reply, env, callback->request);
    go_on(callback, url ? url : rp_return_url_text(callback->return_url));
    return APR_SUCCESS;
}

/* The answer is ours to act on; from here on it works or the login is over. */
static apr_status_t act(callback_t *callback)
{
    rp_env_t *env = callback->env;
    rp_login_secrets_t secrets;
    rp_grant_t grant = {.metadata = callback->metadata,
                        .code = callback->response.code,
                        .secrets = &secrets,
                        .scope = requested_scope(callback)};
    rp_record_t record;
    apr_status_t rv;

    if ((rv = rp_authorization_response_check(env, &callback->response, callback->metadata)) !=
            APR_SUCCESS ||
        (rv = rp_login_state_secrets(&secrets, env, callback->state, callback->binding)) !=
            APR_SUCCESS ||
        (rv = rp_grant_redeem(&record, env, callback->site, &grant)) != APR_SUCCESS) {
        return rv;
    }
    return sign_in(callback, &record);
}

static apr_status_t run(callback_t *callback)
{
    rp_error_id_t why;
    apr_status_t rv;

    if ((rv = check_method(callback)) != APR_SUCCESS ||
        (rv = read_response(callback)) != APR_SUCCESS ||
        (rv = open_state(callback)) != APR_SUCCESS) {
        return rv;
    }
    why = obstacle(callback);
    if (why != RP_E_NONE) {
        return way_back(callback, why);
    }
    /* Before the state is used up: a provider that cannot be reached just now leaves the browser
     * the chance to load this address again. */
    if ((rv = rp_metadata_get(&callback->metadata, callback->env, callback->provider)) !=
        APR_SUCCESS) {
        return rv;
    }
    rv = rp_login_state_use(callback->env, callback->state);
    if (rv == RP_CONFLICT) {
        return way_back(callback, RP_E_STATE_USED);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = act(callback);
    if (rv != APR_SUCCESS) {
        rp_login_forget(callback->reply, callback->env, callback->request);
    }
    return rv;
}

void rp_callback(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    callback_t callback = {.reply = reply, .env = env, .request = request, .site = request->site};

    if (run(&callback) != APR_SUCCESS) {
        rp_reply_fail(reply, env, request);
    }
}
