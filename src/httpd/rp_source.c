#include "rp_source.h"

#include <apr_lib.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../flow/rp_export.h"

/* On a pool: an expression that lives there asks for a claim. */
#define MARK "auth_oauth: oauth_claim"

static int has_control(const char *text)
{
    for (; *text; text++) {
        if (apr_iscntrl(*text)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t evaluate(const char **value, request_rec *r, rp_env_t *env,
                             const ap_expr_info_t *expr)
{
    const char *why = NULL;
    const char *text = ap_expr_str_exec(r, expr, &why);

    *value = NULL;
    if (why || !text) {
        return rp_fail(env, RP_E_INTERNAL, "the expression in %s:%u failed: %s",
                       expr->filename ? expr->filename : "-", expr->line_number,
                       why ? why : "no value");
    }
    if (!*text) {
        return APR_NOTFOUND;
    }
    if (strlen(text) > RP_MAX_EXPORT_VALUE) {
        return rp_fail(env, RP_E_EXPORT_LIMIT, "the expression in %s:%u has a value too large",
                       expr->filename ? expr->filename : "-", expr->line_number);
    }
    /* D09: left out, as a claim with such a value is. */
    if (has_control(text)) {
        return APR_NOTFOUND;
    }
    *value = text;
    return APR_SUCCESS;
}

apr_status_t rp_source_value(const char **value, request_rec *r, rp_visit_t *visit,
                             const rp_source_t *source)
{
    rp_env_t *env = rp_visit_env(visit, r);

    if (source->expr) {
        return evaluate(value, r, env, source->expr);
    }
    return rp_export_claim(value, env, visit->reply.session, source->claim);
}

apr_status_t rp_source_user(const char **user, request_rec *r, rp_visit_t *visit,
                            const rp_source_t *source)
{
    rp_env_t *env = rp_visit_env(visit, r);
    apr_status_t rv = evaluate(user, r, env, source->expr);

    if (rv == APR_NOTFOUND) {
        return rp_fail(env, RP_E_USER_CLAIM, "OAuthUser's expression gives no value");
    }
    return rv;
}

/* The session that expressions of this request may ask: that of rp_visit_identity, and while
 * Require is looked at, and OAuthUser evaluated, the one that has been authenticated. */
static rp_visit_t *asked_visit(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);

    if (visit && visit->place && visit->reply.session) {
        return visit;
    }
    return rp_visit_identity(r);
}

static const char *oauth_claim(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg)
{
    rp_visit_t *own = ctx->r ? rp_visit_find(ctx->r) : NULL;
    rp_visit_t *visit = ctx->r ? asked_visit(ctx->r) : NULL;
    const char *value = NULL;
    rp_env_t *env;

    (void)data;
    if (own && own->evaluating) {
        own->claim_wanted = 1;
    }
    if (!visit || !arg) {
        return "";
    }
    env = rp_visit_env(visit, ctx->r);
    if (rp_export_claim(&value, env, visit->reply.session, arg) == RP_FAILED) {
        rp_forgive(env);
    }
    return value ? value : "";
}

static int is_marked(apr_pool_t *pool)
{
    void *mark = NULL;

    apr_pool_userdata_get(&mark, MARK, pool);
    return mark != NULL;
}

void rp_source_prepare(server_rec *server)
{
    rp_server_config(server)->claims_asked = is_marked(server->process->pconf);
}

int rp_source_in_use(request_rec *r)
{
    return rp_server_config(r->server)->claims_asked || is_marked(r->pool);
}

int rp_source_lookup(ap_expr_lookup_parms *parms)
{
    if (parms->type != AP_EXPR_FUNC_STRING || strcasecmp(parms->name, "oauth_claim") != 0) {
        return DECLINED;
    }
    /* The pool is that of the configuration, or of the request whose .htaccess is being read. */
    apr_pool_userdata_setn(MARK, MARK, NULL, parms->pool);
    *(ap_expr_string_func_t **)(void *)parms->func = oauth_claim;
    *parms->data = NULL;
    return OK;
}
