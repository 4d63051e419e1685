#include "rp_headers.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../flow/rp_export.h"
#include "rp_backend.h"
#include "rp_source.h"
#include "rp_translate.h"

#define CLAIM_VARIABLE "OAUTH_CLAIM_"

/* --- what clients send --- */

/* Removes every header of the set; linear in what the client sent. */
static void scrub(apr_table_t *headers, const rp_header_set_t *set)
{
    const apr_array_header_t *all = apr_table_elts(headers);
    int i = 0;

    while (i < all->nelts) {
        const char *key = APR_ARRAY_IDX(all, i, apr_table_entry_t).key;

        if (rp_header_set_has(set, key)) {
            apr_table_unset(headers, key); /* moves the rest up */
        } else {
            i++;
        }
    }
}

/* 1 when a proxy would drop a header of ours because of this word (RFC 9110 7.6.1). */
static int is_ours(const char *word, const rp_header_set_t *set)
{
    return rp_header_set_has(set, word) || strcasecmp(word, "Authorization") == 0;
}

/* F1: what the Connection header names, mod_proxy_http drops, our headers included. */
static void scrub_connection(request_rec *r, const rp_header_set_t *set)
{
    const char *value = apr_table_get(r->headers_in, "Connection");
    const char *kept = NULL;
    int changed = 0;
    char *word;
    char *last = NULL;

    if (!value || strcasecmp(value, "keep-alive") == 0 || strcasecmp(value, "close") == 0) {
        return;
    }
    word = apr_strtok(apr_pstrdup(r->pool, value), ", \t", &last);
    while (word) {
        if (is_ours(word, set)) {
            changed = 1;
        } else {
            kept = kept ? apr_pstrcat(r->pool, kept, ", ", word, NULL) : word;
        }
        word = apr_strtok(NULL, ", \t", &last);
    }
    if (changed && kept) {
        apr_table_setn(r->headers_in, "Connection", kept);
    } else if (changed) {
        apr_table_unset(r->headers_in, "Connection");
    }
}

static void strip_cookies(rp_visit_t *visit, request_rec *r)
{
    const char *rest;

    visit->cookies = apr_table_get(r->headers_in, "Cookie");
    if (!visit->cookies) {
        return;
    }
    rest = rp_cookie_strip(visit->cookies, visit->site->own_cookies, r->pool);
    if (!rest) {
        apr_table_unset(r->headers_in, "Cookie");
    } else if (rest != visit->cookies) {
        apr_table_setn(r->headers_in, "Cookie", rest);
    }
}

void rp_headers_clean(rp_visit_t *visit, request_rec *r)
{
    const rp_header_set_t *set = rp_server_config(r->server)->scrub;

    scrub(r->headers_in, set);
    scrub_connection(r, set);
    strip_cookies(visit, r);
}

/* --- what an earlier place set --- */

static void unset_rows(apr_table_t *headers, const rp_dir_config_t *dir)
{
    apr_size_t count;
    const rp_export_row_t *rows = rp_export_rows(&count);

    for (apr_size_t i = 0; i < count; i++) {
        apr_table_unset(headers, rows[i].header);
    }
    for (int i = 0; dir->header_rows && i < dir->header_rows->nelts; i++) {
        apr_table_unset(headers, APR_ARRAY_IDX(dir->header_rows, i, rp_header_row_t).name);
    }
}

/* The variables of a request that was redirected have REDIRECT_ before their names. */
static void unset_variables(apr_table_t *variables)
{
    const apr_array_header_t *all = apr_table_elts(variables);
    int i = 0;

    while (i < all->nelts) {
        const char *key = APR_ARRAY_IDX(all, i, apr_table_entry_t).key;
        const char *name = key;

        while (strncmp(name, "REDIRECT_", 9) == 0) {
            name += 9;
        }
        if (strncmp(name, CLAIM_VARIABLE, sizeof(CLAIM_VARIABLE) - 1) == 0 ||
            strcmp(name, "OAUTH_ISSUER") == 0) {
            apr_table_unset(variables, key);
        } else {
            i++;
        }
    }
}

static void unset_what(request_rec *r, const rp_visit_t *visit)
{
    if (visit->shared) {
        unset_rows(r->headers_in, visit->shared);
    }
    if (visit->backend_token) {
        apr_table_unset(r->headers_in, "Authorization");
    }
}

/* The headers of a request are those of the request that it comes from. */
static void forget_earlier(request_rec *r)
{
    const request_rec *origin = r->main ? r->main : r->prev;
    int found = 0;

    for (; origin; origin = origin->main ? origin->main : origin->prev) {
        const rp_visit_t *visit = rp_visit_find(origin);

        if (!visit || (!visit->shared && !visit->backend_token)) {
            continue;
        }
        if (!found && r->main) {
            /* Its headers are still the main request's, which goes on afterwards. */
            r->headers_in = apr_table_copy(r->pool, r->headers_in);
        }
        found = 1;
        unset_what(r, visit);
    }
    if (found) {
        unset_variables(r->subprocess_env);
    }
}

/* Names that only a .htaccess brought in are not in the virtual host's set. */
static void scrub_local(request_rec *r, const rp_dir_config_t *dir)
{
    apr_array_header_t *names = apr_array_make(r->pool, 4, sizeof(const char *));

    for (int i = 0; i < dir->header_rows->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *) =
            APR_ARRAY_IDX(dir->header_rows, i, rp_header_row_t).name;
    }
    scrub(r->headers_in, rp_header_set_make(names, r->pool));
}

/* --- what this place sets --- */

/* Counts what all headers together have. */
static apr_status_t put(request_rec *r, rp_env_t *env, apr_size_t *total, const char *name,
                        const char *value)
{
    *total += strlen(value);
    if (*total > RP_MAX_EXPORT_TOTAL) {
        return rp_fail(env, RP_E_EXPORT_LIMIT,
                       "%s and the headers before it have %" APR_SIZE_T_FMT " bytes", name, *total);
    }
    apr_table_setn(r->headers_in, name, value);
    return APR_SUCCESS;
}

static apr_status_t set_standard(request_rec *r, rp_visit_t *visit, rp_env_t *env,
                                 apr_size_t *total)
{
    apr_size_t count;
    const rp_export_row_t *rows = rp_export_rows(&count);

    for (apr_size_t i = 0; i < count; i++) {
        const char *value = r->user;
        apr_status_t rv = APR_SUCCESS;

        if (rows[i].claim) {
            rv = rp_export_claim(&value, env, visit->reply.session, rows[i].claim);
        }
        if (rv == APR_SUCCESS && value) {
            rv = put(r, env, total, rows[i].header, value);
        }
        if (rv == RP_FAILED) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t set_rows(request_rec *r, rp_visit_t *visit, const rp_dir_config_t *dir,
                             apr_size_t *total)
{
    rp_env_t *env = rp_visit_env(visit, r);

    for (int i = 0; dir->header_rows && i < dir->header_rows->nelts; i++) {
        const rp_header_row_t *row = &APR_ARRAY_IDX(dir->header_rows, i, rp_header_row_t);
        const char *value;
        apr_status_t rv = rp_source_value(&value, r, visit, &row->source);

        if (rv == APR_SUCCESS) {
            rv = put(r, env, total, row->name, value);
        }
        if (rv == RP_FAILED) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* The values stay where they are, in the session's record. */
static void set_variables(request_rec *r, const rp_visit_t *visit)
{
    const rp_record_t *record = &visit->reply.session->record;
    apr_size_t position = 0;
    rp_claim_t claim;

    if (record->issuer) {
        apr_table_addn(r->subprocess_env, "OAUTH_ISSUER", record->issuer);
    }
    while (rp_claim_next(&claim, &position, record)) {
        if (claim.variable) {
            apr_table_addn(r->subprocess_env, claim.variable, claim.value);
        }
    }
}

static int refuse(request_rec *r, rp_visit_t *visit, const rp_dir_config_t *dir)
{
    rp_env_t *env = rp_visit_env(visit, r);
    rp_reply_t reply;

    memset(&reply, 0, sizeof(reply));
    unset_rows(r->headers_in, dir);
    rp_reply_fail(&reply, env, &visit->request);
    return rp_translate_reply(r, visit, &reply, RP_FROM_HOOK);
}

static int share(request_rec *r, rp_visit_t *visit, rp_visit_t *own, const rp_dir_config_t *dir)
{
    rp_env_t *env = rp_visit_env(visit, r);
    apr_size_t total = 0;
    apr_status_t rv = APR_SUCCESS;

    own->shared = dir;
    if (dir->headers == 0) {
        rv = set_standard(r, visit, env, &total);
    }
    if (rv == APR_SUCCESS) {
        rv = set_rows(r, visit, dir, &total);
    }
    if (rv != APR_SUCCESS) {
        return refuse(r, visit, dir);
    }
    set_variables(r, visit);
    return OK;
}

int rp_headers_fixup(request_rec *r)
{
    const rp_dir_config_t *dir;
    rp_visit_t *identity;
    rp_visit_t *own;
    int rv;

    if (!rp_server_config(r->server)->active) {
        return DECLINED;
    }
    own = rp_visit(r);
    dir = rp_dir_config(r->per_dir_config);
    if (r->main || r->prev) {
        forget_earlier(r);
    }
    if (dir->local_headers) {
        scrub_local(r, dir);
    }
    /* A forward proxy's request goes wherever the client wants (D92). */
    if (r->proxyreq == PROXYREQ_PROXY) {
        return DECLINED;
    }
    identity = rp_visit_identity(r);
    rv = identity ? share(r, identity, own, dir) : OK;
    return rv == OK ? rp_backend_fixup(r, identity) : rv;
}
