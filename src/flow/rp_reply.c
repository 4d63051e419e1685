#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_json.h"
#include "rp_page.h"

#define RETRY_AFTER_SECONDS 30
#define REFERENCE_BYTES 8

/* Random, so that it says nothing; the time when there is no random number to be had. */
static const char *make_reference(rp_env_t *env)
{
    unsigned char bytes[REFERENCE_BYTES];
    apr_uint64_t now = (apr_uint64_t)rp_now(env);
    rp_error_t cause = env->error;

    if (rp_random(env, bytes, sizeof(bytes)) != APR_SUCCESS) {
        memcpy(bytes, &now, sizeof(bytes));
    }
    env->error = cause;
    return apr_psprintf(env->pool, "%02x%02x-%02x%02x-%02x%02x-%02x%02x", bytes[0], bytes[1],
                        bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
}

/* Endpoints are for browsers, except these. */
static const char *const program_endpoints[] = {"session", "jwks.json", NULL};

static int is_page_endpoint(const rp_request_t *request)
{
    apr_size_t len = strlen(request->site->path);
    const char *name;

    if (!request->target || strncmp(request->target, request->site->path, len) != 0 ||
        request->target[len] != '/') {
        return 0;
    }
    name = request->target + len + 1;
    len = strcspn(name, "?");
    for (const char *const *other = program_endpoints; *other; other++) {
        if (strlen(*other) == len && strncmp(name, *other, len) == 0) {
            return 0;
        }
    }
    return 1;
}

static int wants_page(const rp_request_t *request)
{
    const char *mode = rp_request_header(request, "Sec-Fetch-Mode");

    if (rp_request_is_navigation(request) || (mode && strcmp(mode, "navigate") == 0)) {
        return 1;
    }
    if (rp_request_accepts(request, "text/html")) {
        return !mode && !rp_request_header(request, "X-Requested-With");
    }
    return is_page_endpoint(request) && !rp_request_accepts(request, "application/json");
}

static void fail_json(rp_reply_t *reply, rp_env_t *env)
{
    const rp_error_row_t *row = rp_error_row(reply->error.id);
    json_t *body = rp_json_keep(json_object(), env->pool);

    json_object_set_new(body, "error", json_sprintf("OA-%d", (int)row->id));
    json_object_set_new(body, "message", json_string(row->user));
    json_object_set_new(body, "reference", json_string(reply->reference));
    reply->outcome = RP_JSON;
    reply->body = rp_json_text(body, env->pool);
    reply->content_type = "application/json";
    reply->csp = NULL;
}

static void take_cause(rp_reply_t *reply, rp_env_t *env)
{
    if (env->error.id == RP_E_NONE) {
        rp_fail(env, RP_E_INTERNAL, "a failure without a cause");
    }
    reply->error = env->error;
    reply->reference = make_reference(env);
}

void rp_reply_fail(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    take_cause(reply, env);
    reply->session = NULL;
    reply->user = NULL;
    reply->backend_token = NULL;
    reply->location = NULL;
    reply->cache_control = NULL;
    reply->status = rp_error_row(reply->error.id)->status;
    if (reply->status == 0) {
        reply->status = 500;
    }
    reply->retry_after = reply->status == 503 ? RETRY_AFTER_SECONDS : 0;
    if (wants_page(request)) {
        rp_page_error(reply, env, request);
    } else {
        fail_json(reply, env);
    }
}

void rp_reply_note(rp_reply_t *reply, rp_env_t *env)
{
    take_cause(reply, env);
    rp_forgive(env);
}

void rp_reply_redirect(rp_reply_t *reply, const char *location)
{
    /* 303, so that a POST is never sent on (C21). */
    reply->outcome = RP_REDIRECT;
    reply->status = 303;
    reply->location = location;
}

void rp_reply_cookie(rp_reply_t *reply, rp_env_t *env, const rp_set_cookie_t *cookie)
{
    const char *text = rp_cookie_format(cookie, env->pool);

    if (!text) {
        rp_debug(env, "cookie %s has a value or attribute that no cookie can have", cookie->name);
        return;
    }
    if (!reply->set_cookies) {
        reply->set_cookies = apr_array_make(env->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(reply->set_cookies, const char *) = text;
}
