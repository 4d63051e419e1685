#include "rp_request.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

const char *rp_request_header(const rp_request_t *request, const char *name)
{
    return request->header ? request->header(request->header_ctx, name) : NULL;
}

/* Whether a header that is a list of media types has this one, with a weight that is not zero
 * (RFC 9110 12.5.1). */
static int accepts(const char *accept, const char *type)
{
    apr_size_t len = strlen(type);

    while (*accept) {
        apr_size_t item = strcspn(accept, ",");
        apr_size_t blank = strspn(accept, " \t");

        if (blank + len <= item && strncasecmp(accept + blank, type, len) == 0) {
            apr_size_t rest = blank + len + strspn(accept + blank + len, " \t");

            return accept[rest] == '\0' || accept[rest] == ',' ||
                   (accept[rest] == ';' && strncmp(accept + rest, ";q=0,", 5) != 0 &&
                    strcmp(accept + rest, ";q=0") != 0);
        }
        accept += item;
        accept += *accept == ',';
    }
    return 0;
}

int rp_request_accepts(const rp_request_t *request, const char *type)
{
    const char *accept = rp_request_header(request, "Accept");

    return accept && accepts(accept, type);
}

int rp_request_is_form(const rp_request_t *request)
{
    const char *type = rp_request_header(request, "Content-Type");
    apr_size_t len = strlen(FORM_TYPE);

    if (!type) {
        return request->body_len == 0;
    }
    return strncasecmp(type, FORM_TYPE, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || apr_isspace(type[len]));
}

static int is_document(const char *destination)
{
    return !destination || strcmp(destination, "document") == 0 ||
           strcmp(destination, "iframe") == 0 || strcmp(destination, "frame") == 0;
}

int rp_request_is_navigation(const rp_request_t *request)
{
    const char *mode;

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        return 0;
    }
    if (rp_request_header(request, "Upgrade")) {
        return 0;
    }
    mode = rp_request_header(request, "Sec-Fetch-Mode");
    if (mode) {
        return strcmp(mode, "navigate") == 0 &&
               is_document(rp_request_header(request, "Sec-Fetch-Dest"));
    }
    return !rp_request_header(request, "X-Requested-With") &&
           rp_request_accepts(request, "text/html");
}

static rp_request_site_t from_fetch_site(const char *site)
{
    if (strcmp(site, "same-origin") == 0 || strcmp(site, "same-site") == 0) {
        return RP_SITE_SAME;
    }
    if (strcmp(site, "none") == 0) {
        return RP_SITE_DIRECT;
    }
    return strcmp(site, "cross-site") == 0 ? RP_SITE_CROSS : RP_SITE_UNKNOWN;
}

/* Whether url is origin itself or something below it. */
static int has_origin(const char *url, const char *origin)
{
    apr_size_t len = strlen(origin);

    return strncmp(url, origin, len) == 0 && (url[len] == '\0' || url[len] == '/');
}

rp_request_site_t rp_request_from(const rp_request_t *request)
{
    const char *site = rp_request_header(request, "Sec-Fetch-Site");
    const char *origin;

    if (site) {
        return from_fetch_site(site);
    }
    origin = rp_request_header(request, "Origin");
    if (origin && strcmp(origin, "null") == 0) {
        return RP_SITE_UNKNOWN;
    }
    if (!origin) {
        origin = rp_request_header(request, "Referer");
    }
    if (!origin) {
        return RP_SITE_UNKNOWN;
    }
    return has_origin(origin, request->site->base_url) ? RP_SITE_SAME : RP_SITE_CROSS;
}

int rp_request_is_same_origin(const rp_request_t *request)
{
    const char *site = rp_request_header(request, "Sec-Fetch-Site");
    const char *origin = rp_request_header(request, "Origin");

    if (site) {
        return strcmp(site, "same-origin") == 0;
    }
    return origin && strcmp(origin, request->site->base_url) == 0;
}
