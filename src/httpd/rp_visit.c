#include "rp_visit.h"

#include <http_core.h>
#include <http_request.h>
#include <string.h>

#include "rp_state.h"

rp_visit_t *rp_visit_find(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &auth_oauth_module);
}

rp_visit_t *rp_visit(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);
    const request_rec *origin = r->main ? r->main : r->prev;
    const rp_visit_t *earlier;

    if (visit) {
        return visit;
    }
    visit = apr_pcalloc(r->pool, sizeof(*visit));
    earlier = origin ? rp_visit_find(origin) : NULL;
    if (earlier) {
        visit->site = earlier->site;
        visit->cookies = earlier->cookies;
        visit->authorization = earlier->authorization;
    }
    ap_set_module_config(r->request_config, &auth_oauth_module, visit);
    return visit;
}

rp_env_t *rp_visit_env(rp_visit_t *visit, request_rec *r)
{
    if (!visit->has_env) {
        rp_state_request_env(&visit->env, r);
        visit->has_env = 1;
    }
    return &visit->env;
}

rp_visit_t *rp_visit_identity(const request_rec *r)
{
    while (r) {
        rp_visit_t *visit = rp_visit_find(r);
        const request_rec *origin = r->main ? r->main : r->prev;

        if (visit && visit->place) {
            return visit->granted && visit->reply.session ? visit : NULL;
        }
        if (!origin || origin->per_dir_config != r->per_dir_config) {
            return NULL;
        }
        r = origin;
    }
    return NULL;
}

int rp_visit_is_main(const request_rec *r)
{
    return r->main == NULL && (r->prev == NULL || r->prev->status < HTTP_BAD_REQUEST);
}

int rp_visit_is_protected(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && strcasecmp(type, "OAuth") == 0;
}
