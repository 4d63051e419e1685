#include "rp_access_session.h"

#include <string.h>

const rp_provider_t *rp_access_session_provider(const rp_site_t *site, const rp_session_t *session)
{
    const rp_provider_t *provider = rp_site_provider(site, session->record.provider);

    if (!provider || !session->record.context ||
        strcmp(session->record.context, provider->context) != 0) {
        return NULL;
    }
    return provider;
}

apr_status_t rp_access_session(rp_session_t **session, rp_env_t *env, const rp_request_t *request)
{
    const rp_site_t *site = request->site;
    rp_cookie_value_t cookie;
    apr_status_t rv;

    *session = NULL;
    rv = rp_cookie_find(&cookie, request->cookies, site->cookie_name);
    if (rv == APR_EINVAL) {
        return rp_fail(env, RP_E_COOKIE_AMBIGUOUS, "several different cookies %s",
                       site->cookie_name);
    }
    if (rv != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    rv = rp_session_load(session, env, &site->realm, cookie.value, cookie.len,
                         &request->place->limits);
    if (rv == APR_SUCCESS && !rp_access_session_provider(site, *session)) {
        rp_debug(env, "session of a provider or client that is no longer configured");
        *session = NULL;
        return APR_NOTFOUND;
    }
    return rv;
}
