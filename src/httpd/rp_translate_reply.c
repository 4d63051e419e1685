#include "rp_translate.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>
#include <string.h>

#include "rp_log.h"

void rp_translate_log(request_rec *r, const rp_reply_t *reply)
{
    const rp_error_row_t *row;
    int level;

    if (reply->error.id == RP_E_NONE) {
        return;
    }
    row = rp_error_row(reply->error.id);
    level = row->severity == RP_SEVERITY_ERROR     ? APLOG_ERR
            : row->severity == RP_SEVERITY_WARNING ? APLOG_WARNING
                                                   : APLOG_INFO;
    rp_log_request(r, level,
                   apr_psprintf(r->pool, "OA-%d [%s] %s: %s; fault: %s; %s", (int)reply->error.id,
                                reply->reference ? reply->reference : "-", row->name,
                                reply->error.detail ? reply->error.detail : "no detail",
                                rp_fault_name(row->fault), row->admin));
}

/* Error headers, because those stay whatever httpd does with the response. */
void rp_translate_cookies(request_rec *r, const rp_reply_t *reply)
{
    for (int i = 0; reply->set_cookies && i < reply->set_cookies->nelts; i++) {
        apr_table_addn(r->err_headers_out, "Set-Cookie",
                       APR_ARRAY_IDX(reply->set_cookies, i, const char *));
    }
}

static void set_common_headers(request_rec *r, const rp_reply_t *reply)
{
    apr_table_t *headers = r->err_headers_out;

    apr_table_setn(headers, "Cache-Control",
                   reply->cache_control ? reply->cache_control : "no-store");
    apr_table_setn(headers, "Referrer-Policy", "no-referrer");
    if (reply->allow) {
        apr_table_setn(headers, "Allow", reply->allow);
    }
    if (reply->retry_after > 0) {
        apr_table_setn(headers, "Retry-After", apr_itoa(r->pool, reply->retry_after));
    }
}

/* A scheme that no browser shows a dialogue for (RFC 6750 3). */
static void set_challenge(request_rec *r, const char *params)
{
    const char *realm = ap_auth_name(r);

    if (!realm) {
        realm = ap_get_server_name(r);
    }
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   apr_pstrcat(r->pool, "Bearer realm=\"", ap_escape_quotes(r->pool, realm), "\"",
                               params ? ", " : NULL, params, NULL));
}

static void set_body_headers(request_rec *r, const rp_reply_t *reply)
{
    apr_table_t *headers = r->err_headers_out;

    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
    if (reply->csp) {
        apr_table_setn(headers, "Content-Security-Policy", reply->csp);
        apr_table_setn(headers, "X-Frame-Options", "DENY");
    }
}

/* The administrator's own page for this status, which then is told what happened (OAUTH_ERROR and
 * OAUTH_REFERENCE reach it as REDIRECT_OAUTH_…). */
static int has_own_page(request_rec *r, const rp_reply_t *reply)
{
    if (reply->error.id == RP_E_NONE || reply->outcome == RP_JSON || r->prev ||
        !ap_response_code_string(r, ap_index_of_response(reply->status))) {
        return 0;
    }
    apr_table_setn(r->subprocess_env, "OAUTH_ERROR",
                   apr_psprintf(r->pool, "OA-%d", (int)reply->error.id));
    if (reply->reference) {
        apr_table_setn(r->subprocess_env, "OAUTH_REFERENCE", reply->reference);
    }
    return 1;
}

/* Writes the response from here. Nothing of the protected place may follow, so the filters that
 * were meant for its content go, those for errors come, and the hook answers DONE. */
static int write_body(request_rec *r, const rp_reply_t *reply, rp_from_t from)
{
    apr_size_t len = strlen(reply->body);
    int rv;

    /* First, so that no 100 (Continue) is sent for a body that nobody wants. */
    r->status = reply->status;
    rv = ap_discard_request_body(r);
    if (rv != OK) {
        return rv;
    }
    r->status_line = NULL;
    r->no_local_copy = 1;
    apr_table_unset(r->headers_in, "Range");
    apr_table_unset(r->headers_in, "If-Range");
    r->output_filters = r->proto_output_filters;
    ap_run_insert_error_filter(r);
    apr_table_clear(r->headers_out);
    set_body_headers(r, reply);
    ap_set_content_type(r, reply->content_type ? reply->content_type : "text/plain; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)len);
    ap_rwrite(reply->body, (int)len, r);
    return from == RP_FROM_HANDLER ? OK : DONE;
}

static int redirect(request_rec *r, const rp_reply_t *reply)
{
    apr_table_setn(r->headers_out, "Location", reply->location);
    return HTTP_SEE_OTHER;
}

int rp_translate_reply(request_rec *r, const rp_visit_t *visit, const rp_reply_t *reply,
                       rp_from_t from)
{
    (void)visit;
    if (r->main) {
        /* What a subrequest answers is the business of the request that asks. */
        rp_translate_log(r, reply);
        return reply->outcome == RP_REDIRECT || reply->outcome == RP_CHALLENGE ? HTTP_UNAUTHORIZED
                                                                               : reply->status;
    }
    rp_translate_log(r, reply);
    rp_translate_cookies(r, reply);
    set_common_headers(r, reply);
    if (reply->outcome == RP_CHALLENGE || reply->challenge) {
        set_challenge(r, reply->challenge);
    }
    if (reply->outcome == RP_REDIRECT) {
        return redirect(r, reply);
    }
    if (!reply->body || has_own_page(r, reply)) {
        return reply->status;
    }
    return write_body(r, reply, from);
}
