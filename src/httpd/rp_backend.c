#include "rp_backend.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>
#include <util_filter.h>

#include "../flow/rp_backend_token.h"
#include "rp_translate.h"

#define FILTER_NAME "OAUTH_BACKEND"

typedef enum {
    PENDING, /* nothing came from the backend yet */
    LET_BY,  /* the response is the client's */
    AGAIN,   /* swallowed: there is another token */
    FAILED   /* swallowed: there is none */
} verdict_t;

typedef struct {
    request_rec *r;
    rp_visit_t *visit;
    const rp_visit_t *user; /* who says who the user is; NULL: the token is nobody's */
    int repeatable;         /* 1: the request can be sent once more */
    verdict_t verdict;
    rp_reply_t reply; /* what became of the token */
} watch_t;

static const rp_place_t *place_of(const request_rec *r)
{
    return &rp_dir_config(r->per_dir_config)->place;
}

static int has_service_token(const request_rec *r, const rp_visit_t *visit)
{
    return place_of(r)->backend.kind == RP_BACKEND_SERVICE && visit->site && !visit->at_endpoint;
}

/* What a token takes that is nobody's. */
static rp_request_t service_request(const request_rec *r, const rp_visit_t *visit)
{
    rp_request_t request = {.site = visit->site, .place = place_of(r)};

    return request;
}

static void set_token(request_rec *r, rp_visit_t *visit, const char *token)
{
    const char *header = place_of(r)->backend.header;

    visit->backend_token = token;
    visit->backend_header = header ? header : "Authorization";
    apr_table_setn(r->headers_in, visit->backend_header,
                   header ? token : apr_pstrcat(r->pool, "Bearer ", token, NULL));
}

static int refuse(request_rec *r, rp_visit_t *visit, rp_from_t from)
{
    rp_env_t *env = rp_visit_env(visit, r);
    rp_reply_t reply;

    apr_table_unset(r->headers_in, "Authorization");
    if (!visit->place) {
        rp_translate_request(visit, r, place_of(r));
    }
    memset(&reply, 0, sizeof(reply));
    rp_reply_fail(&reply, env, &visit->request);
    return rp_translate_reply(r, visit, &reply, from);
}

static int set_service_token(request_rec *r, rp_visit_t *visit)
{
    rp_request_t request = service_request(r, visit);
    rp_reply_t reply;

    memset(&reply, 0, sizeof(reply));
    if (rp_backend_token(&reply, rp_visit_env(visit, r), &request) != APR_SUCCESS) {
        return refuse(r, visit, RP_FROM_HOOK);
    }
    set_token(r, visit, reply.backend_token);
    return OK;
}

int rp_backend_fixup(request_rec *r, const rp_visit_t *user)
{
    rp_visit_t *visit = rp_visit(r);

    if (has_service_token(r, visit)) {
        return set_service_token(r, visit);
    }
    if (user && user->reply.backend_token) {
        set_token(r, visit, user->reply.backend_token);
        return OK;
    }
    /* Nobody has signed in, and may pass all the same: what the client wrote is no token of ours.
     */
    if (rp_backend_token_is_users(place_of(r)->backend.kind) && !place_of(r)->backend.header &&
        rp_visit_is_protected(r)) {
        apr_table_unset(r->headers_in, "Authorization");
    }
    return DECLINED;
}

/* --- a refusal --- */

static int is_repeatable(request_rec *r)
{
    int plain = r->method_number == M_GET || r->method_number == M_OPTIONS ||
                r->method_number == M_DELETE || apr_table_get(r->headers_in, "Content-Length");

    return plain && !ap_request_has_body(r) && !apr_table_get(r->headers_in, "Upgrade");
}

static apr_status_t replace(watch_t *watch)
{
    rp_visit_t *visit = watch->visit;
    rp_request_t request = watch->user ? watch->user->request : service_request(watch->r, visit);

    memset(&watch->reply, 0, sizeof(watch->reply));
    watch->reply.session = watch->user ? watch->user->reply.session : NULL;
    return rp_backend_token_replace(&watch->reply, rp_visit_env(visit, watch->r), &request,
                                    visit->backend_token);
}

static verdict_t judge(watch_t *watch)
{
    rp_env_t *env = rp_visit_env(watch->visit, watch->r);
    apr_status_t rv = replace(watch);

    if (rv == APR_NOTFOUND || !watch->repeatable) {
        /* This response is all that the client can have, though the token may be another now. */
        if (env->error.id != RP_E_NONE) {
            rp_reply_note(&watch->reply, env);
        }
        return LET_BY;
    }
    if (rv != APR_SUCCESS) {
        return FAILED;
    }
    rp_debug(env, "the backend refused a token; once more with another");
    return AGAIN;
}

/* Once nothing of the response is the backend's: what the browser has to know of its session. */
static void tell_browser(const watch_t *watch)
{
    rp_translate_log(watch->r, &watch->reply);
    rp_translate_cookies(watch->r, &watch->reply);
}

static apr_status_t filter(ap_filter_t *self, apr_bucket_brigade *brigade)
{
    watch_t *watch = self->ctx;

    if (watch->verdict == PENDING) {
        watch->verdict = self->r->status == HTTP_UNAUTHORIZED ? judge(watch) : LET_BY;
        if (watch->verdict == LET_BY) {
            tell_browser(watch);
        }
    }
    if (watch->verdict == LET_BY) {
        ap_remove_output_filter(self);
        return ap_pass_brigade(self->next, brigade);
    }
    return apr_brigade_cleanup(brigade);
}

/* A response as no backend has touched it. */
typedef struct {
    apr_table_t *headers_out;
    apr_table_t *err_headers_out;
} blank_t;

static blank_t remember(const request_rec *r)
{
    blank_t blank = {apr_table_copy(r->pool, r->headers_out),
                     apr_table_copy(r->pool, r->err_headers_out)};

    return blank;
}

static void restore(request_rec *r, const blank_t *blank)
{
    r->headers_out = blank->headers_out;
    r->err_headers_out = blank->err_headers_out;
    r->status = HTTP_OK;
    r->status_line = NULL;
    r->content_type = NULL;
    r->content_encoding = NULL;
    r->content_languages = NULL;
}

static int run_watched(request_rec *r, watch_t *watch)
{
    ap_filter_t *self = ap_add_output_filter_handle(rp_server_config(r->server)->backend_filter,
                                                    watch, r, r->connection);
    int rv = ap_run_handler(r);

    if (watch->verdict == PENDING && rv == HTTP_UNAUTHORIZED) {
        /* ProxyErrorOverride: the handler says it in place of the backend. */
        watch->verdict = judge(watch);
        if (watch->verdict == LET_BY) {
            tell_browser(watch);
        }
    }
    if (watch->verdict != LET_BY) {
        ap_remove_output_filter(self);
    }
    return rv;
}

/* 1 when a refusal by the backend may lead to another token. */
static int is_watched(watch_t *watch)
{
    request_rec *r = watch->r;
    const rp_visit_t *visit = watch->visit;
    rp_backend_kind_t kind = place_of(r)->backend.kind;

    if (!visit || !visit->backend_token || visit->watched || r->main ||
        r->proxyreq != PROXYREQ_REVERSE || kind == RP_BACKEND_ID || kind == RP_BACKEND_ASSERTION) {
        return 0;
    }
    watch->user = rp_backend_token_is_users(kind) ? rp_visit_identity(r) : NULL;
    return watch->user || has_service_token(r, visit);
}

static int run_again(request_rec *r, watch_t *watch)
{
    if (watch->verdict == FAILED) {
        return refuse(r, watch->visit, RP_FROM_HANDLER);
    }
    set_token(r, watch->visit, watch->reply.backend_token);
    return ap_run_handler(r);
}

int rp_backend_run(request_rec *r)
{
    watch_t watch = {.r = r, .visit = rp_visit_find(r)};
    blank_t blank;
    int rv;

    if (!is_watched(&watch)) {
        return DECLINED;
    }
    watch.visit->watched = 1;
    watch.repeatable = is_repeatable(r);
    blank = remember(r);
    rv = run_watched(r, &watch);
    if (watch.verdict == AGAIN || watch.verdict == FAILED) {
        restore(r, &blank);
        tell_browser(&watch);
        return run_again(r, &watch);
    }
    return rv;
}

/* Nothing else that looks at a response may stand before it. */
void rp_backend_register(void)
{
    ap_register_output_filter(FILTER_NAME, filter, NULL, (ap_filter_type)(AP_FTYPE_RESOURCE - 1));
}

void rp_backend_prepare(server_rec *server)
{
    rp_server_config(server)->backend_filter = ap_get_output_filter_handle(FILTER_NAME);
}
