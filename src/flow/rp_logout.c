#include "rp_logout.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_form.h"
#include "../oauth/rp_metadata.h"
#include "rp_access_cookie.h"
#include "rp_access_session.h"
#include "rp_logout_state.h"
#include "rp_page.h"
#include "rp_revoke.h"

/* A longer URL is not sent to the provider: its server, or a proxy before it, would answer 414. */
#define URL_MAX 7000

typedef struct {
    rp_reply_t *reply;
    rp_env_t *env;
    const rp_request_t *request;
    const rp_site_t *site;
    const char *return_to;       /* parameters; NULL: absent */
    const char *state;           /* of a logout that comes back from the provider */
    const char *token;           /* of the confirmation page */
    rp_return_url_t *return_url; /* from return_to; NULL: none */
    rp_session_t *session;       /* NULL: none */
} logout_t;

static int is_post(const logout_t *logout)
{
    return strcmp(logout->request->method, "POST") == 0;
}

static apr_status_t read_parameters(logout_t *logout)
{
    const rp_request_t *request = logout->request;
    const char *text = is_post(logout) ? request->body : request->query;
    apr_size_t len = 0;
    rp_form_t *form;

    if (text) {
        len = is_post(logout) ? request->body_len : strlen(text);
    }
    if (rp_form_parse(&form, text ? text : "", len, logout->env->pool) != APR_SUCCESS) {
        return rp_fail(logout->env, RP_E_ENDPOINT_PARAMETERS,
                       "%" APR_SIZE_T_FMT " bytes that are no form", len);
    }
    if (rp_form_get(&logout->return_to, form, "return_to") == APR_EINVAL ||
        rp_form_get(&logout->state, form, "state") == APR_EINVAL ||
        rp_form_get(&logout->token, form, "token") == APR_EINVAL) {
        return rp_fail(logout->env, RP_E_ENDPOINT_PARAMETERS, "a parameter of logout is repeated");
    }
    return APR_SUCCESS;
}

/* return_to travels in the state of RP-initiated logout, so it has to be short. */
static apr_status_t check_return_to(logout_t *logout)
{
    if (!logout->return_to) {
        return APR_SUCCESS;
    }
    if (strlen(logout->return_to) > RP_MAX_INLINE_RETURN_URL) {
        return rp_fail(logout->env, RP_E_RETURN_URL_TOO_LONG,
                       "%" APR_SIZE_T_FMT " characters after a logout", strlen(logout->return_to));
    }
    return rp_site_return_url(&logout->return_url, logout->env, logout->site, logout->return_to);
}

/* The page after a logout: where the user wanted, else where the administrator wants, else ours. */
static void land(const logout_t *logout, const rp_return_url_t *url)
{
    const char *configured = logout->site->logout_return;

    if (url) {
        rp_reply_redirect(logout->reply, rp_return_url_text(url));
    } else if (configured && configured[0] == '/') {
        rp_reply_redirect(logout->reply,
                          apr_pstrcat(logout->env->pool, logout->site->base_url, configured, NULL));
    } else if (configured) {
        rp_reply_redirect(logout->reply, configured);
    } else {
        rp_page_logged_out(logout->reply, logout->env, logout->request);
    }
}

/* Nobody wants a page fetched ahead of a click to sign the user out. */
static int is_prefetch(const rp_request_t *request)
{
    const char *purpose = rp_request_header(request, "Sec-Purpose");

    if (!purpose) {
        purpose = rp_request_header(request, "Purpose");
    }
    return purpose && strncmp(purpose, "prefetch", strlen("prefetch")) == 0;
}

/* Any session that could still be used at some place, whatever its lifetime there. */
static apr_status_t find_session(logout_t *logout)
{
    rp_place_t place = *logout->request->place;
    rp_request_t request = *logout->request;

    place.limits.max = logout->site->realm.longest;
    place.limits.idle = 0;
    request.place = &place;
    return rp_access_session(&logout->session, logout->env, &request);
}

typedef enum { LOGOUT_GO, LOGOUT_ASK, LOGOUT_REFUSE } decision_t;

/* Whether the user himself wants it (C253). */
static decision_t decide(const logout_t *logout)
{
    rp_request_site_t from = rp_request_from(logout->request);

    if (logout->session && logout->token && is_post(logout) &&
        rp_logout_token_valid(logout->env, logout->site, logout->session, logout->token)) {
        return LOGOUT_GO;
    }
    if (is_post(logout)) {
        return from == RP_SITE_CROSS ? LOGOUT_REFUSE : LOGOUT_GO;
    }
    if (strcmp(logout->request->method, "HEAD") == 0 || is_prefetch(logout->request)) {
        return LOGOUT_ASK;
    }
    return from == RP_SITE_SAME || from == RP_SITE_DIRECT ? LOGOUT_GO : LOGOUT_ASK;
}

/* The provider and client that the session came from, as rp_access_session has found it to be
 * still configured; with its metadata, or NULL when that cannot be had (the cause is noted). */
static const rp_metadata_t *find_metadata(const logout_t *logout)
{
    const rp_provider_t *provider =
        rp_site_provider(logout->site, logout->session->record.provider);
    const rp_metadata_t *metadata;

    if (!provider) {
        return NULL;
    }
    if (rp_metadata_get(&metadata, logout->env, provider) != APR_SUCCESS) {
        rp_reply_note(logout->reply, logout->env);
        return NULL;
    }
    return metadata;
}

static const char *origin_of(const char *text, apr_pool_t *pool)
{
    rp_url_t url;

    return text && rp_url_parse(&url, text, pool) == APR_SUCCESS ? url.origin : NULL;
}

static apr_status_t ask(const logout_t *logout)
{
    rp_env_t *env = logout->env;
    rp_page_logout_t page = {0};
    const rp_metadata_t *metadata;
    apr_status_t rv;

    if (logout->return_url) {
        page.return_url = rp_return_url_short(logout->return_url);
        page.return_origin = origin_of(rp_return_url_text(logout->return_url), env->pool);
    }
    if (logout->session) {
        rv = rp_logout_token_make(&page.token, env, logout->site, logout->session);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        metadata = find_metadata(logout);
        page.provider_origin =
            metadata ? origin_of(metadata->endpoints[RP_ENDPOINT_END_SESSION], env->pool) : NULL;
    }
    rp_page_logout_confirm(logout->reply, env, logout->request, &page);
    return APR_SUCCESS;
}

static const char *end_session_url(const logout_t *logout, const rp_metadata_t *metadata,
                                   const char *state, const char *id_token)
{
    const rp_site_t *site = logout->site;
    apr_pool_t *pool = logout->env->pool;
    rp_buf_t query;

    rp_buf_init(&query, RP_MAX_JWT, pool);
    if (id_token) {
        rp_form_append(&query, "id_token_hint", id_token);
    } else {
        rp_form_append(&query, "logout_hint", logout->session->record.subject);
    }
    rp_form_append(&query, "client_id", metadata->provider->client_id);
    rp_form_append(&query, "post_logout_redirect_uri",
                   apr_pstrcat(pool, site->base_url, site->path, "/logout", NULL));
    rp_form_append(&query, "state", state);
    if (rp_buf_status(&query) != APR_SUCCESS) {
        return NULL;
    }
    return rp_url_add_query(metadata->endpoints[RP_ENDPOINT_END_SESSION], rp_buf_text(&query),
                            pool);
}

/* OpenID Connect RP-Initiated Logout 1.0 2. NULL: the provider has none, or cannot be asked. */
static const char *provider_logout(const logout_t *logout, const rp_metadata_t *metadata)
{
    const char *id_token = logout->session->record.id_token;
    const char *state;
    const char *url;

    if (!metadata || !metadata->endpoints[RP_ENDPOINT_END_SESSION]) {
        return NULL;
    }
    if (rp_logout_state_make(&state, logout->env, logout->site, logout->return_url) !=
        APR_SUCCESS) {
        rp_reply_note(logout->reply, logout->env);
        return NULL;
    }
    url = end_session_url(logout, metadata, state, id_token);
    if (id_token && (!url || strlen(url) > URL_MAX)) {
        url = end_session_url(logout, metadata, state, NULL);
    }
    return url;
}

/* The session first, then what the provider can do (C251). */
static apr_status_t sign_out(const logout_t *logout)
{
    rp_env_t *env = logout->env;
    const rp_metadata_t *metadata;
    const char *url;
    apr_status_t rv = rp_session_end(env, &logout->site->realm, logout->session);

    rp_access_cookies_delete(logout->reply, logout->env, logout->request);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rp_session_open_tokens(env, &logout->site->realm, logout->session) != APR_SUCCESS) {
        /* Nothing to revoke then, and no hint for the provider. */
        rp_reply_note(logout->reply, env);
    }
    metadata = find_metadata(logout);
    if (metadata && logout->site->logout_revoke &&
        rp_revoke(env, metadata->provider, logout->session) != APR_SUCCESS) {
        rp_reply_note(logout->reply, env);
    }
    url = provider_logout(logout, metadata);
    if (url) {
        rp_reply_redirect(logout->reply, url);
    } else {
        land(logout, logout->return_url);
    }
    return APR_SUCCESS;
}

/* Back from the provider, or nobody was signed in: nothing ends here. A state that is not ours is
 * as good as none (A45, A46). */
static apr_status_t arrive(const logout_t *logout)
{
    rp_access_cookies_delete(logout->reply, logout->env, logout->request);
    land(logout, logout->return_url);
    return APR_SUCCESS;
}

/* A strict cookie does not come with a request from another site: there may be a session. */
static int may_have_session(const logout_t *logout)
{
    return logout->session ||
           (logout->site->cookie_samesite == RP_SAMESITE_STRICT && !logout->state);
}

static apr_status_t leave(const logout_t *logout)
{
    switch (decide(logout)) {
    case LOGOUT_REFUSE:
        return rp_fail(logout->env, RP_E_LOGOUT_CROSS_SITE, "POST from another site");
    case LOGOUT_ASK:
        if (may_have_session(logout)) {
            return ask(logout);
        }
        break;
    default:
        break;
    }
    return logout->session ? sign_out(logout) : arrive(logout);
}

static apr_status_t run(logout_t *logout)
{
    rp_return_url_t *url;
    apr_status_t rv;

    if ((rv = read_parameters(logout)) != APR_SUCCESS ||
        (rv = check_return_to(logout)) != APR_SUCCESS) {
        return rv;
    }
    if (logout->state && !is_post(logout)) {
        rv = rp_logout_state_open(&url, logout->env, logout->site, logout->state);
        if (rv == APR_SUCCESS) {
            land(logout, url);
        }
        if (rv != APR_NOTFOUND) {
            return rv;
        }
    }
    rv = find_session(logout);
    if (rv == RP_FAILED) {
        /* The browser at least shall forget what cannot be ended here just now. */
        rp_access_cookies_delete(logout->reply, logout->env, logout->request);
        return rv;
    }
    return leave(logout);
}

void rp_logout(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    logout_t logout = {.reply = reply, .env = env, .request = request, .site = request->site};

    if (run(&logout) != APR_SUCCESS) {
        rp_reply_fail(reply, env, request);
    }
}
