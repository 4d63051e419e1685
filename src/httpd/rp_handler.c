#include "rp_handler.h"

#include <apr_strings.h>
#include <string.h>

#include "rp_forwarded.h"
#include "rp_headers.h"
#include "rp_translate.h"

int rp_handler_begin(request_rec *r)
{
    rp_visit_t *visit;

    if (!rp_server_config(r->server)->active) {
        return DECLINED;
    }
    visit = rp_visit(r);
    visit->site = rp_forwarded_site(r);
    rp_headers_clean(visit, r);
    return DECLINED;
}

int rp_handler_claim(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);

    if (!visit || !visit->site || r->main || r->prev || r->proxyreq || !r->uri) {
        return DECLINED;
    }
    visit->endpoint = rp_endpoint_find(&visit->at_endpoint, visit->site, r->uri);
    if (visit->endpoint || strcmp(r->uri, visit->site->path) == 0) {
        visit->at_endpoint = 1;
    }
    return visit->at_endpoint ? OK : DECLINED;
}

int rp_handler_translate(request_rec *r)
{
    const rp_visit_t *visit = rp_visit_find(r);

    if (!visit || !visit->at_endpoint || r->main || r->prev) {
        return DECLINED;
    }
    /* Modules look at the name; there is no file. */
    r->filename = apr_pstrdup(r->pool, r->uri);
    return OK;
}

int rp_handler_storage(request_rec *r)
{
    const rp_visit_t *visit = rp_visit_find(r);

    return visit && visit->at_endpoint ? OK : DECLINED;
}

static apr_status_t prepare(rp_visit_t *visit, request_rec *r)
{
    rp_translate_request(visit, r, &rp_dir_config(r->server->lookup_defaults)->place);
    if (r->method_number == M_POST && visit->endpoint && visit->endpoint->form) {
        return rp_translate_body(visit, r);
    }
    return APR_SUCCESS;
}

int rp_handler_run(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);
    rp_reply_t reply;
    rp_env_t *env;

    if (!visit || !visit->at_endpoint) {
        return DECLINED;
    }
    env = rp_visit_env(visit, r);
    memset(&reply, 0, sizeof(reply));
    if (prepare(visit, r) == APR_SUCCESS) {
        rp_endpoint_run(&reply, env, &visit->request, visit->endpoint);
    } else {
        rp_reply_fail(&reply, env, &visit->request);
    }
    return rp_translate_reply(r, visit, &reply, RP_FROM_HANDLER);
}
