#include "rp_authn.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>
#include <string.h>

#include "../flow/rp_access.h"
#include "../flow/rp_access_session.h"
#include "../flow/rp_backend_token.h"
#include "../flow/rp_bearer.h"
#include "../flow/rp_preserve.h"
#include "rp_log.h"
#include "rp_quiet.h"
#include "rp_source.h"
#include "rp_translate.h"

static int fail(request_rec *r, rp_visit_t *visit)
{
    rp_reply_t reply;

    memset(&reply, 0, sizeof(reply));
    rp_reply_fail(&reply, rp_visit_env(visit, r), &visit->request);
    return rp_translate_reply(r, visit, &reply, RP_FROM_HOOK);
}

/* F5: TRACE would show the client what is meant for the backend. */
static int refuse_trace(request_rec *r, rp_visit_t *visit)
{
    rp_env_t *env = rp_visit_env(visit, r);
    rp_reply_t reply;

    memset(&reply, 0, sizeof(reply));
    rp_fail(env, RP_E_TRACE, "TRACE on a protected place");
    rp_reply_fail(&reply, env, &visit->request);
    reply.allow = "GET, HEAD, OPTIONS, POST";
    return rp_translate_reply(r, visit, &reply, RP_FROM_HOOK);
}

static int refuse_place(request_rec *r, const char *why)
{
    rp_log_request(r, APLOG_ERR,
                   apr_psprintf(r->pool, "OA-%d: AuthType OAuth: %s. %s",
                                (int)RP_E_CONFIG_NO_PROVIDER, why,
                                rp_error_row(RP_E_CONFIG_NO_PROVIDER)->admin));
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* 1 also for one that is malformed. */
static int brings_bearer(rp_env_t *env, const rp_request_t *request)
{
    const char *token;
    apr_status_t rv;

    if (!(request->place->accept & RP_ACCEPT_BEARER)) {
        return 0;
    }
    rv = rp_bearer_read(&token, env, request);
    rp_forgive(env);
    return rv != APR_NOTFOUND;
}

/* A form is read ahead of its handler only when it would be lost otherwise. */
static apr_status_t read_preserved(request_rec *r, rp_visit_t *visit)
{
    rp_env_t *env = rp_visit_env(visit, r);
    rp_session_t *session = NULL;
    apr_status_t rv;

    /* A program's form goes to the application, or nowhere. */
    if (!rp_preserve_applies(&visit->request) || brings_bearer(env, &visit->request)) {
        return APR_SUCCESS;
    }
    rv = rp_access_session(&session, env, &visit->request);
    rp_forgive(env);
    return rv == APR_SUCCESS ? APR_SUCCESS : rp_translate_body(visit, r);
}

/* A subrequest refreshes nothing (F12); it has what its main request got. */
static void ask_for_part(request_rec *r, rp_visit_t *visit, const rp_dir_config_t *dir)
{
    rp_place_t *place = apr_pmemdup(r->pool, &dir->place, sizeof(*place));
    const rp_visit_t *whole = r->main ? rp_visit_find(r->main) : NULL;

    place->backend.kind = RP_BACKEND_NONE;
    visit->request.place = place;
    rp_access(&visit->reply, rp_visit_env(visit, r), &visit->request);
    if (whole && whole->place && visit->reply.session &&
        rp_backend_token_is_same(&whole->place->place, &dir->place)) {
        visit->reply.backend_token = whole->reply.backend_token;
    }
}

static int is_usable(const char *user)
{
    apr_size_t len = user ? strlen(user) : 0;

    return len > 0 && user[0] != ' ' && user[len - 1] != ' ';
}

static int set_user(request_rec *r, rp_visit_t *visit, const rp_dir_config_t *dir)
{
    const char *user = visit->reply.user;

    if (!visit->reply.session) {
        /* What httpd's authz modules take for "there is a user": who may pass anonymously satisfies
         * `Require valid-user`, and has no name that `Require user` could match. */
        visit->anonymous = 1;
        r->user = apr_pstrdup(r->pool, "");
        return OK;
    }
    if (dir->user.expr && rp_source_user(&user, r, visit, &dir->user) != APR_SUCCESS) {
        return fail(r, visit);
    }
    if (!is_usable(user)) {
        rp_fail(rp_visit_env(visit, r), RP_E_USER_CLAIM,
                "the user is empty or begins or ends with "
                "a space, which a header would lose");
        return fail(r, visit);
    }
    /* Copies, because httpd lets other modules write there. */
    r->user = apr_pstrdup(r->pool, user);
    r->ap_auth_type = apr_pstrdup(r->pool, "OAuth");
    return OK;
}

/* Nobody else may get this from a cache, whatever the backend says about it (D96). */
static void keep_out_of_caches(request_rec *r)
{
    apr_table_setn(r->subprocess_env, "no-cache", "1");
}

/* A credential that was meant for this server is not the backend's. Whatever follows from this
 * request (a subrequest, a redirect) finds it in its visit. */
static void take_bearer(request_rec *r, rp_visit_t *visit)
{
    visit->authorization = visit->request.authorization;
    if (r->main) {
        /* The main request's headers are its own, and it goes on afterwards. */
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
    }
    apr_table_unset(r->headers_in, "Authorization");
}

static int admit(request_rec *r, rp_visit_t *visit, const rp_dir_config_t *dir)
{
    rp_translate_log(r, &visit->reply);
    if (rp_visit_is_main(r)) {
        rp_translate_cookies(r, &visit->reply);
    }
    if (visit->reply.session && visit->reply.session->bearer) {
        take_bearer(r, visit);
    }
    keep_out_of_caches(r);
    return set_user(r, visit, dir);
}

static int answer(request_rec *r, rp_visit_t *visit)
{
    rp_outcome_t outcome = visit->reply.outcome;

    /* An ErrorDocument in a protected place cannot lead to a login instead of the error. */
    if (!rp_visit_is_main(r) && !r->main && outcome != RP_FORBID) {
        return HTTP_UNAUTHORIZED;
    }
    return rp_translate_reply(r, visit, &visit->reply, RP_FROM_HOOK);
}

/* An endpoint wants to know how this place is configured, and nothing else. */
static int is_looked_up(const request_rec *r)
{
    const rp_visit_t *whole = r->main ? rp_visit_find(r->main) : NULL;

    return whole && whole->at_endpoint;
}

int rp_authn_check(request_rec *r)
{
    rp_dir_config_t *dir = rp_dir_config(r->per_dir_config);
    rp_visit_t *visit;

    if (!rp_visit_is_protected(r)) {
        return DECLINED;
    }
    if (!rp_server_config(r->server)->active) {
        return refuse_place(r, "this virtual host has no provider");
    }
    if (r->proxyreq == PROXYREQ_PROXY) {
        return refuse_place(r, "a forward proxy cannot be protected by a sign-in");
    }
    if (is_looked_up(r)) {
        return HTTP_UNAUTHORIZED;
    }
    visit = rp_visit(r);
    rp_translate_request(visit, r, &dir->place);
    visit->place = dir;
    if (r->method_number == M_TRACE) {
        return refuse_trace(r, visit);
    }
    if (!rp_visit_is_main(r)) {
        ask_for_part(r, visit, dir);
    } else if (dir->place.preserve_post && read_preserved(r, visit) != APR_SUCCESS) {
        return fail(r, visit);
    } else {
        rp_access(&visit->reply, rp_visit_env(visit, r), &visit->request);
    }
    return visit->reply.outcome == RP_PASS ? admit(r, visit, dir) : answer(r, visit);
}

int rp_authn_access(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);
    const struct ap_logconf *log = r->log;
    int rv;

    if (visit && visit->at_endpoint) {
        return OK;
    }
    if (!rp_source_in_use(r) || !rp_visit_is_protected(r)) {
        return DECLINED;
    }
    visit = rp_visit(r);
    if (visit->evaluating) {
        return DECLINED;
    }
    /* Without a user every claim is empty, so a refusal says nothing as long as one was asked for.
     */
    visit->evaluating = 1;
    visit->claim_wanted = 0;
    r->log = rp_quiet_log(r);
    rv = ap_run_access_checker_ex(r);
    r->log = log;
    visit->evaluating = 0;
    return rv == HTTP_FORBIDDEN && visit->claim_wanted ? OK : DECLINED;
}

int rp_authn_force(request_rec *r)
{
    const rp_visit_t *visit = rp_visit_find(r);

    if (!visit || visit->at_endpoint || !rp_visit_is_protected(r)) {
        return DECLINED;
    }
    /* Who lets everybody pass still wants to know who it is. */
    return visit->claim_wanted || rp_dir_config(r->per_dir_config)->place.unauthenticated ==
                                      RP_UNAUTHENTICATED_PASS
               ? OK
               : DECLINED;
}

int rp_authn_trace(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);

    if (r->method_number != M_TRACE || !visit || !visit->site || r->proxyreq || !r->filename) {
        return DECLINED;
    }
    if (ap_directory_walk(r) != OK || ap_file_walk(r) != OK || ap_location_walk(r) != OK ||
        ap_if_walk(r) != OK || !rp_visit_is_protected(r)) {
        return DECLINED;
    }
    rp_translate_request(visit, r, &rp_dir_config(r->per_dir_config)->place);
    return refuse_trace(r, visit);
}

static int refuse(request_rec *r, rp_visit_t *visit, const char *user)
{
    rp_env_t *env = rp_visit_env(visit, r);
    rp_reply_t reply;

    /* What httpd noted for a dialogue that nobody shall see. */
    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    if (!rp_visit_is_main(r)) {
        return visit->anonymous ? HTTP_UNAUTHORIZED : HTTP_FORBIDDEN;
    }
    memset(&reply, 0, sizeof(reply));
    if (visit->anonymous) {
        rp_access_refused(&reply, env, &visit->request);
    } else if (visit->scope_wanted) {
        rp_access_scope(&reply, env, &visit->request, visit->scope_wanted);
    } else {
        rp_access_forbidden(&reply, env, &visit->request, user);
    }
    return rp_translate_reply(r, visit, &reply, RP_FROM_HOOK);
}

int rp_authn_authz(request_rec *r)
{
    rp_visit_t *visit = rp_visit_find(r);
    const struct ap_logconf *log = r->log;
    int rv;

    if (!visit || !visit->place || visit->evaluating) {
        return DECLINED;
    }
    visit->evaluating = 1;
    r->log = rp_quiet_log(r);
    rv = ap_run_auth_checker(r);
    r->log = log;
    if (rv != OK && rv != HTTP_UNAUTHORIZED && rv != HTTP_FORBIDDEN) {
        /* Something is wrong with the rules themselves: httpd says what. */
        rv = ap_run_auth_checker(r);
    }
    visit->evaluating = 0;
    if (rv == HTTP_UNAUTHORIZED || rv == HTTP_FORBIDDEN) {
        const char *user = r->user;

        r->user = visit->anonymous ? NULL : r->user;
        return refuse(r, visit, user);
    }
    visit->granted = rv == OK;
    r->user = visit->anonymous ? NULL : r->user;
    return rv;
}
