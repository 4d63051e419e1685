#include "rp_access_session.h"

#include <string.h>

#include "rp_access_cookie.h"

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
    rp_session_cookies_t cookies;
    apr_status_t rv = rp_access_cookies(&cookies, env, request);

    *session = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_session_load(session, env, &site->realm, &cookies, &request->place->limits);
    if (rv == APR_SUCCESS && !rp_access_session_provider(site, *session)) {
        rp_debug(env, "session of a provider or client that is no longer configured");
        *session = NULL;
        return APR_NOTFOUND;
    }
    return rv;
}
