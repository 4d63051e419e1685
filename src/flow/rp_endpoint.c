#include "rp_endpoint.h"

#include <string.h>

#include "../base/rp_limits.h"
#include "rp_callback.h"
#include "rp_jwks_endpoint.h"
#include "rp_login.h"
#include "rp_logout.h"
#include "rp_preserve.h"
#include "rp_session_endpoint.h"

static const rp_endpoint_row_t rows[] = {
    {"callback", "GET, POST", 1, rp_callback}, {"login", "GET", 0, rp_login_endpoint},
    {"logout", "GET, POST", 1, rp_logout},     {"session", "GET", 0, rp_session_endpoint},
    {"resume", "GET", 0, rp_preserve_resume},  {"jwks.json", "GET", 0, rp_jwks_endpoint},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const rp_endpoint_row_t *rp_endpoint_rows(apr_size_t *count)
{
    *count = ROW_COUNT;
    return rows;
}

const rp_endpoint_row_t *rp_endpoint_find(int *below, const rp_site_t *site, const char *path)
{
    apr_size_t len = strlen(site->path);

    *below = strncmp(path, site->path, len) == 0 && path[len] == '/';
    for (apr_size_t i = 0; *below && i < ROW_COUNT; i++) {
        if (strcmp(path + len + 1, rows[i].name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int has_method(const char *methods, const char *method)
{
    apr_size_t len = strlen(method);

    while (*methods) {
        apr_size_t word = strcspn(methods, ",");

        if (word == len && strncmp(methods, method, len) == 0) {
            return 1;
        }
        methods += word;
        methods += strspn(methods, ", ");
    }
    return 0;
}

static int is_allowed(const rp_endpoint_row_t *row, const char *method)
{
    return has_method(row->methods, strcmp(method, "HEAD") == 0 ? "GET" : method);
}

static apr_status_t check(rp_env_t *env, const rp_request_t *request, const rp_endpoint_row_t *row)
{
    if (!row) {
        return rp_fail(env, RP_E_ENDPOINT_UNKNOWN, "below %s", request->site->path);
    }
    if (!is_allowed(row, request->method)) {
        return rp_fail(env, RP_E_ENDPOINT_METHOD, "method of %" APR_SIZE_T_FMT " characters at %s",
                       strlen(request->method), row->name);
    }
    if (request->body_len > RP_MAX_FORM_BODY ||
        (request->query && strlen(request->query) > RP_MAX_QUERY)) {
        return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "too long, at %s", row->name);
    }
    if (row->form && strcmp(request->method, "POST") == 0 && !rp_request_is_form(request)) {
        return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "body is no form, at %s", row->name);
    }
    return APR_SUCCESS;
}

void rp_endpoint_run(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                     const rp_endpoint_row_t *row)
{
    memset(reply, 0, sizeof(*reply));
    if (check(env, request, row) != APR_SUCCESS) {
        reply->allow = env->error.id == RP_E_ENDPOINT_METHOD ? row->methods : NULL;
        rp_reply_fail(reply, env, request);
        return;
    }
    row->run(reply, env, request);
}
