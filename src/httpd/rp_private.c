#include "rp_private.h"

#include <http_protocol.h>
#include <util_filter.h>

#define FILTER_NAME "OAUTH_PRIVATE"

static int says_something(apr_table_t *headers)
{
    return apr_table_get(headers, "Cache-Control") || apr_table_get(headers, "Expires");
}

static int is_for_one_user(const request_rec *r, apr_table_t *headers)
{
    const char *value = apr_table_get(headers, "Cache-Control");

    return value &&
           (ap_find_token(r->pool, value, "private") || ap_find_token(r->pool, value, "no-store"));
}

/* A response that renews the cookies of a session which the browser keeps carries that session: no
 * cache may hand it on, whatever the backend says of its part. Backends set theirs elsewhere. */
static int carries_session(const request_rec *r)
{
    return apr_table_get(r->err_headers_out, "Set-Cookie") != NULL;
}

static apr_status_t make_private(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    request_rec *r = filter->r;

    if (carries_session(r) && !is_for_one_user(r, r->headers_out) &&
        !is_for_one_user(r, r->err_headers_out)) {
        apr_table_unset(r->err_headers_out, "Cache-Control");
        apr_table_setn(r->headers_out, "Cache-Control", "private");
    } else if (!says_something(r->headers_out) && !says_something(r->err_headers_out)) {
        apr_table_setn(r->headers_out, "Cache-Control", "private");
    }
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

/* Before mod_cache's CACHE_SAVE (AP_FTYPE_CONTENT_SET - 1), after mod_expires (- 2, inserted
 * earlier). */
void rp_private_register(void)
{
    ap_register_output_filter(FILTER_NAME, make_private, NULL,
                              (ap_filter_type)(AP_FTYPE_CONTENT_SET - 2));
}

/* A filter is found by its name with a search that each request would pay for. */
void rp_private_prepare(server_rec *server)
{
    rp_server_config(server)->private_filter = ap_get_output_filter_handle(FILTER_NAME);
}

void rp_private_insert(request_rec *r)
{
    const rp_visit_t *visit = r->main ? NULL : rp_visit_find(r);

    if (visit && (visit->place || rp_visit_identity(r))) {
        ap_add_output_filter_handle(rp_server_config(r->server)->private_filter, NULL, r,
                                    r->connection);
    }
}
