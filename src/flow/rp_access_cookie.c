#include "rp_access_cookie.h"

#include <apr_strings.h>

#include "../io/rp_lease.h"

/* Where the further cookies of a session begin in rp_site_t.own_cookies. */
#define FURTHER 2
#define NOTE_EVERY apr_time_from_sec(60)

/* NULL past the last. */
static const char *name_of(const rp_site_t *site, int at)
{
    if (at == 0) {
        return site->cookie_name;
    }
    return at < RP_MAX_SESSION_COOKIES && site->own_cookies ? site->own_cookies[FURTHER + at - 1]
                                                            : NULL;
}

apr_status_t rp_access_cookies(rp_session_cookies_t *cookies, rp_env_t *env,
                               const rp_request_t *request)
{
    const rp_site_t *site = request->site;
    apr_status_t rv = APR_SUCCESS;

    cookies->count = 1;
    for (int i = 0; i < cookies->count; i++) {
        const char *name = name_of(site, i);

        rv = rp_cookie_find(&cookies->values[i], request->cookies, name);
        if (rv == APR_EINVAL) {
            return rp_fail(env, RP_E_COOKIE_AMBIGUOUS, "several different cookies %s", name);
        }
        if (i == 0) {
            cookies->count =
                rv == APR_SUCCESS ? rp_session_cookie_count(&site->realm, &cookies->values[0]) : 0;
        }
    }
    return cookies->count > 0 ? APR_SUCCESS : APR_NOTFOUND;
}

/* max_age: -1 until the browser ends, 0 now. */
static void set(rp_reply_t *reply, rp_env_t *env, const rp_site_t *site, int at,
                const rp_cookie_value_t *value)
{
    rp_set_cookie_t cookie = {.name = name_of(site, at),
                              .value = "",
                              .domain = site->cookie_domain,
                              .path = site->cookie_path,
                              .secure = site->secure,
                              .samesite = site->cookie_samesite,
                              .max_age = value ? -1 : 0};

    if (value) {
        cookie.value = apr_pstrmemdup(env->pool, value->value, value->len);
    }
    rp_reply_cookie(reply, env, &cookie);
}

static void delete_from(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request, int at)
{
    rp_cookie_value_t value;

    for (; name_of(request->site, at); at++) {
        if (rp_cookie_find(&value, request->cookies, name_of(request->site, at)) != APR_NOTFOUND) {
            set(reply, env, request->site, at, NULL);
        }
    }
}

apr_status_t rp_access_cookies_send(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                                    rp_session_t *session)
{
    rp_session_cookies_t cookies;
    apr_status_t rv = rp_session_cookies(&cookies, env, &request->site->realm, session);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int i = 0; i < cookies.count; i++) {
        if (cookies.values[i].value) {
            set(reply, env, request->site, i, &cookies.values[i]);
        }
    }
    delete_from(reply, env, request, cookies.count);
    return APR_SUCCESS;
}

/* Tokens that have grown too large stay in the store alone, and each request of their session comes
 * here again: one of them a minute says so. */
static int is_known(rp_env_t *env)
{
    rp_store_key_t key = {RP_KIND_LEASE, "session cookies", sizeof("session cookies") - 1};
    rp_error_t cause = env->error;
    int known =
        cause.id == RP_E_STORE_TOO_LARGE && rp_lease_take(env, &key, NOTE_EVERY) == RP_CONFLICT;

    env->error = cause;
    return known;
}

void rp_access_cookies_update(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    if (!reply->session->unsent ||
        rp_access_cookies_send(reply, env, request, reply->session) == APR_SUCCESS) {
        return;
    }
    if (is_known(env)) {
        rp_forgive(env);
    } else {
        rp_reply_note(reply, env);
    }
}

void rp_access_cookies_delete(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    delete_from(reply, env, request, 0);
}
