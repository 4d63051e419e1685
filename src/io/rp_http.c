#include "rp_http.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_url.h"

/* Plain http may carry nothing that others can read or change, hence loopback only. */
static apr_status_t check_url(rp_url_t *url, rp_env_t *env, const char *text)
{
    if (!text || rp_url_parse(url, text, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "the address to call is not an absolute http or https URL");
    }
    if (strcmp(url->scheme, "https") != 0 && !rp_url_is_loopback(url)) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "refused to call %s: plain http is for loopback addresses only",
                       url->origin);
    }
    return APR_SUCCESS;
}

static int has_control(const char *text)
{
    while ((unsigned char)*text >= 0x20 && *text != 0x7f) {
        text++;
    }
    return *text != '\0';
}

/* A field that could end its line would let its value become other fields. */
static int check_field(void *bad, const char *name, const char *value)
{
    if (!*name || strpbrk(name, ": ") || has_control(name) || has_control(value)) {
        *(int *)bad = 1;
        return 0;
    }
    return 1;
}

static apr_status_t check_headers(rp_env_t *env, const rp_http_request_t *request)
{
    int bad = 0;

    if (request->headers) {
        apr_table_do(check_field, &bad, request->headers, NULL);
    }
    if (request->accept) {
        check_field(&bad, "Accept", request->accept);
    }
    if (bad) {
        return rp_fail(env, RP_E_INTERNAL, "a request header for the provider is not well-formed");
    }
    return APR_SUCCESS;
}

/* One call after the other would add up to more than anybody waits for a page. */
static apr_status_t limit_time(rp_http_request_t *request, rp_env_t *env)
{
    apr_interval_time_t total = request->policy->total_timeout;
    apr_interval_time_t left = RP_CALLS_IN_ALL * total - env->spent;

    request->time_limit = left < total ? left : total;
    if (request->time_limit <= 0) {
        return rp_fail(env, RP_E_PROVIDER_TIMEOUT,
                       "calls for this request have taken %" APR_TIME_T_FMT " ms already",
                       apr_time_as_msec(env->spent));
    }
    return APR_SUCCESS;
}

apr_status_t rp_http_perform(rp_http_response_t **response, rp_env_t *env,
                             const rp_http_request_t *request)
{
    rp_http_request_t checked = *request;
    rp_url_t url = {0};
    apr_time_t began;
    apr_status_t rv;

    *response = NULL;
    rv = check_url(&url, env, request->url);
    if (rv == APR_SUCCESS) {
        rv = check_headers(env, request);
    }
    if (rv == APR_SUCCESS) {
        rv = limit_time(&checked, env);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* What was checked is what is called. */
    checked.url = apr_pstrcat(env->pool, url.origin, url.path, url.query ? "?" : "",
                              url.query ? url.query : "", NULL);
    began = rp_now(env);
    rv = env->http->perform(env->http, response, env, &checked);
    env->spent += rp_now(env) - began;
    return rv;
}
