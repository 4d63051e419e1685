#include "rp_login.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_form.h"
#include "../oauth/rp_authorization.h"
#include "rp_page.h"
#include "rp_preserve.h"

#define BINDING_BYTES 32
/* A longer scope is not carried through the login; see RP_SCOPE_UNKNOWN. */
#define SCOPE_MAX 512

/* A form that the provider lets the browser post back comes with cookies of SameSite=None only,
 * which browsers take over https only (C201). */
static rp_samesite_t samesite_for(const rp_site_t *site, const rp_provider_t *provider)
{
    return site->secure && provider && provider->response_mode == RP_RESPONSE_FORM_POST
               ? RP_SAMESITE_NONE
               : RP_SAMESITE_LAX;
}

static rp_set_cookie_t binding_cookie(const rp_site_t *site, const char *value,
                                      rp_samesite_t samesite, int max_age)
{
    rp_set_cookie_t cookie = {.name = site->login_cookie_name,
                              .value = value,
                              .path = "/",
                              .secure = site->secure,
                              .samesite = samesite,
                              .max_age = max_age};

    return cookie;
}

/* One login cookie however many tabs: the one that came, else a new one; its time starts anew. */
static apr_status_t bind_browser(const char **binding, rp_reply_t *reply, rp_env_t *env,
                                 const rp_request_t *request, rp_samesite_t samesite)
{
    unsigned char bytes[BINDING_BYTES];
    rp_set_cookie_t cookie;
    apr_status_t rv;

    if (rp_login_binding_read(binding, request, env->pool) != APR_SUCCESS) {
        rv = rp_random(env, bytes, sizeof(bytes));
        if (rv != APR_SUCCESS) {
            return rv;
        }
        *binding = rp_base64url_encode(bytes, sizeof(bytes), env->pool);
    }
    cookie = binding_cookie(request->site, *binding, samesite, RP_LOGIN_SECONDS);
    rp_reply_cookie(reply, env, &cookie);
    return APR_SUCCESS;
}

void rp_login_forget(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_set_cookie_t cookie = binding_cookie(request->site, "", RP_SAMESITE_LAX, 0);

    rp_reply_cookie(reply, env, &cookie);
}

static const apr_array_header_t *scope_list(const char *scope, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(const char *));

    while (*scope) {
        apr_size_t len = strcspn(scope, " ");

        if (len) {
            APR_ARRAY_PUSH(list, const char *) = apr_pstrmemdup(pool, scope, len);
        }
        scope += len;
        scope += *scope == ' ';
    }
    return list;
}

/* The state, and with it the URL of the authorization request. */
static apr_status_t make_location(const char **location, rp_env_t *env, const rp_request_t *request,
                                  const rp_login_t *login, const char *binding)
{
    const rp_place_t *place = request->place;
    rp_authorization_request_t wanted = {.redirect_uri = request->site->callback_url,
                                         .scope = place->scope,
                                         .resource = place->resource,
                                         .parameters = place->authorization_parameters};
    const rp_metadata_t *metadata;
    rp_login_secrets_t secrets;
    apr_status_t rv;

    if ((rv = rp_metadata_get(&metadata, env, login->provider)) != APR_SUCCESS ||
        (rv = rp_login_state_make(&wanted.state, &secrets, env, request->site, login, binding)) !=
            APR_SUCCESS) {
        return rv;
    }
    if (login->scope && strcmp(login->scope, RP_SCOPE_UNKNOWN) != 0) {
        wanted.scope = scope_list(login->scope, env->pool);
    }
    wanted.nonce = secrets.nonce;
    wanted.code_verifier = secrets.code_verifier;
    return rp_authorization_url(location, env, metadata, &wanted);
}

static void go(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
               const rp_login_t *login, const char *binding)
{
    const char *location;

    if (make_location(&location, env, request, login, binding) == APR_SUCCESS) {
        rp_reply_redirect(reply, location);
    } else {
        reply->retry = rp_return_url_short(login->return_url);
        rp_reply_fail(reply, env, request);
    }
}

void rp_login_start(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                    const rp_login_t *login)
{
    const char *binding;
    rp_samesite_t samesite = samesite_for(request->site, login->provider);

    if (bind_browser(&binding, reply, env, request, samesite) == APR_SUCCESS) {
        go(reply, env, request, login, binding);
    } else {
        reply->retry = rp_return_url_short(login->return_url);
        rp_reply_fail(reply, env, request);
    }
}

/* The place's own scope, to be remembered through the login; NULL: the provider's. */
static const char *place_scope(const rp_place_t *place, apr_pool_t *pool)
{
    const char *scope = place->scope ? apr_array_pstrcat(pool, place->scope, ' ') : NULL;

    return scope && strlen(scope) > SCOPE_MAX ? RP_SCOPE_UNKNOWN : scope;
}

rp_request_t rp_login_bound_for(const rp_request_t *request, const rp_return_url_t *url)
{
    rp_request_t bound = *request;
    const char *target = rp_return_url_short(url);
    const rp_place_t *place = NULL;

    if (request->place_of && target[0] == '/') {
        place = request->place_of(request->header_ctx, target);
    }
    if (place) {
        bound.place = place;
    }
    return bound;
}

/* What a login from a place starts with, besides the provider: where to come back to, the login
 * cookie, and the form that has to wait. */
static apr_status_t prepare(rp_login_t *login, const char **binding, rp_reply_t *reply,
                            rp_env_t *env, const rp_request_t *request)
{
    rp_return_url_t *url;
    const char *target = rp_url_encode_target(request->target, env->pool);
    apr_status_t rv = rp_site_return_url(&url, env, request->site, target);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    login->return_url = url;
    login->scope = place_scope(request->place, env->pool);
    rv = bind_browser(binding, reply, env, request, samesite_for(request->site, login->provider));
    if (rv != APR_SUCCESS || !request->body) {
        return rv;
    }
    rv = rp_preserve_keep(&login->preserved, env, request, *binding);
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

void rp_login_from_place(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    const rp_provider_t **providers =
        rp_site_place_providers(request->site, request->place, env->pool);
    rp_login_t login = {.provider = providers[0]};
    const char *binding;

    if (!providers[0]) {
        rp_fail(env, RP_E_PROVIDER_NONE, "of those that OAuthUse names for this place");
        rp_reply_fail(reply, env, request);
        return;
    }
    if (prepare(&login, &binding, reply, env, request) != APR_SUCCESS) {
        rp_reply_fail(reply, env, request);
        return;
    }
    if (providers[1]) {
        rp_page_choice_t choice = {.providers = providers,
                                   .return_url = rp_return_url_short(login.return_url),
                                   .preserved = login.preserved};

        rp_page_choice(reply, env, request, &choice);
        return;
    }
    go(reply, env, request, &login, binding);
}

/* Parameters of the login endpoint; NULL when absent. */
typedef struct {
    const char *return_to;
    const char *provider;
    const char *preserved;
} parameters_t;

static apr_status_t read_parameters(parameters_t *parameters, rp_env_t *env,
                                    const rp_request_t *request)
{
    const char *query = request->query ? request->query : "";
    rp_form_t *form;

    if (rp_form_parse(&form, query, strlen(query), env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "query of %" APR_SIZE_T_FMT " characters",
                       strlen(query));
    }
    if (rp_form_get(&parameters->return_to, form, "return_to") == APR_EINVAL ||
        rp_form_get(&parameters->provider, form, "provider") == APR_EINVAL ||
        rp_form_get(&parameters->preserved, form, "preserved") == APR_EINVAL) {
        return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "a parameter of login is repeated");
    }
    if (parameters->preserved && strlen(parameters->preserved) != RP_PRESERVE_ID_CHARS) {
        return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "preserved is no id");
    }
    return APR_SUCCESS;
}

/* The named provider; without a name those of the virtual host's own OAuthUse, else all. */
static apr_status_t find_providers(const rp_provider_t *const **providers, rp_env_t *env,
                                   const rp_request_t *request, const char *name)
{
    const rp_site_t *site = request->site;
    const rp_provider_t **found;

    *providers = NULL;
    if (name) {
        found = apr_pcalloc(env->pool, 2 * sizeof(void *));
        found[0] = rp_site_provider(site, name);
        *providers = found;
        return found[0] ? APR_SUCCESS
                        : rp_fail(env, RP_E_PROVIDER_CHOICE,
                                  "name of %" APR_SIZE_T_FMT " characters", strlen(name));
    }
    found = rp_site_place_providers(site, request->place, env->pool);
    *providers = found[0] ? (const rp_provider_t *const *)found
                          : (const rp_provider_t *const *)site->providers;
    return (*providers)[0] ? APR_SUCCESS
                           : rp_fail(env, RP_E_PROVIDER_NONE, "for this virtual host");
}

void rp_login_endpoint(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    parameters_t parameters = {0};
    const rp_provider_t *const *providers;
    rp_return_url_t *url;

    if (read_parameters(&parameters, env, request) != APR_SUCCESS ||
        rp_site_return_url(&url, env, request->site,
                           parameters.return_to ? parameters.return_to : "/") != APR_SUCCESS ||
        find_providers(&providers, env, request, parameters.provider) != APR_SUCCESS) {
        rp_reply_fail(reply, env, request);
        return;
    }
    if (providers[1]) {
        rp_page_choice_t choice = {.providers = providers,
                                   .return_url = rp_return_url_short(url),
                                   .preserved = parameters.preserved};

        rp_page_choice(reply, env, request, &choice);
    } else {
        rp_request_t bound = rp_login_bound_for(request, url);
        rp_login_t login = {.provider = providers[0],
                            .return_url = url,
                            .preserved = parameters.preserved,
                            .scope = place_scope(bound.place, env->pool)};

        rp_login_start(reply, env, &bound, &login);
    }
}
