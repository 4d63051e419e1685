#include "rp_translate.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#include "../base/rp_limits.h"

static const char *header(void *ctx, const char *name)
{
    const request_rec *r = ctx;

    return apr_table_get(r->headers_in, name);
}

/* Path and query of what the browser asked for. The request line may have them in absolute form
 * (RFC 9112 3.2.2), whose host is not believed (F8). */
static const char *target_of(const request_rec *r)
{
    const char *target;
    const char *scheme;

    while (r->prev) {
        r = r->prev;
    }
    target = r->unparsed_uri ? r->unparsed_uri : "/";
    if (target[0] == '/') {
        return target;
    }
    scheme = strstr(target, "://");
    target = scheme ? strchr(scheme + 3, '/') : NULL;
    return target ? target : "/";
}

/* The merged configuration of a path, as a request for it would have it. Only looked up: nothing
 * is asked of the place itself, and what would refuse does so silently (rp_authn.c). */
static const rp_place_t *place_of(void *ctx, const char *target)
{
    request_rec *r = ctx;
    const char *path = apr_pstrndup(r->pool, target, strcspn(target, "?"));
    const request_rec *part = ap_sub_req_lookup_uri(path, r, NULL);

    return part && part->per_dir_config ? &rp_dir_config(part->per_dir_config)->place : NULL;
}

void rp_translate_request(rp_visit_t *visit, request_rec *r, const rp_place_t *place)
{
    rp_request_t *request = &visit->request;

    memset(request, 0, sizeof(*request));
    request->site = visit->site;
    request->place = place;
    request->method = r->method;
    request->target = target_of(r);
    request->query = r->args;
    request->cookies = visit->cookies;
    request->authorization =
        visit->authorization ? visit->authorization : apr_table_get(r->headers_in, "Authorization");
    request->header = header;
    request->place_of = visit->at_endpoint ? place_of : NULL;
    request->header_ctx = r;
}

static apr_status_t refuse_body(rp_env_t *env, const char *why)
{
    return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "%s", why);
}

/* Reads all of the body into buffer, which has room for one byte more than may come. */
static apr_status_t read_all(char *buffer, apr_size_t *len, request_rec *r, rp_env_t *env)
{
    long got = 1;

    *len = 0;
    while (got > 0) {
        got = ap_get_client_block(r, buffer + *len, RP_MAX_FORM_BODY + 1 - *len);
        if (got < 0) {
            return refuse_body(env, "the body did not arrive whole");
        }
        *len += (apr_size_t)got;
        if (*len > RP_MAX_FORM_BODY) {
            return refuse_body(env, "the body is too large");
        }
    }
    return APR_SUCCESS;
}

apr_status_t rp_translate_body(rp_visit_t *visit, request_rec *r)
{
    rp_env_t *env = rp_visit_env(visit, r);
    apr_size_t len;
    char *buffer;
    apr_status_t rv;

    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
        return refuse_body(env, "the body's framing is not understood");
    }
    if (!ap_should_client_block(r)) {
        return APR_SUCCESS;
    }
    if (r->remaining > RP_MAX_FORM_BODY) {
        return refuse_body(env, "the body is too large");
    }
    buffer = apr_palloc(r->pool, RP_MAX_FORM_BODY + 2);
    rv = read_all(buffer, &len, r, env);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    buffer[len] = '\0';
    visit->request.body = buffer;
    visit->request.body_len = len;
    return APR_SUCCESS;
}
