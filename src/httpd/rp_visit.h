/* What the module remembers of one request, from hook to hook.
 *
 * Key idea: a subrequest and an internal redirect have visits of their own, but share the first
 * request's headers; so what was taken out of the headers (the cookies as they came) is handed on,
 * and who the user is is found by asking rp_visit_identity, which knows when httpd itself treats
 * two of them as one. */
#ifndef RP_VISIT_H
#define RP_VISIT_H

#include "../flow/rp_endpoint.h"
#include "../flow/rp_request.h"
#include "rp_config.h"

typedef struct {
    const rp_site_t *site;     /* NULL: this virtual host has no provider, or is left alone */
    const char *cookies;       /* the Cookie header as it came */
    const char *authorization; /* likewise, once it was taken out for it was used here; else NULL */
    rp_env_t env;              /* made by the first rp_visit_env */
    int has_env;

    const rp_endpoint_row_t *endpoint;
    int at_endpoint; /* 1: below OAuthPath, with or without an endpoint of that name */

    rp_request_t request;          /* what rp_access was asked */
    rp_reply_t reply;              /* and what it said */
    const rp_dir_config_t *place;  /* where; NULL: it was not asked */
    int anonymous;                 /* 1: passed without a session (OAuthUnauthenticated pass) */
    int evaluating;                /* 1: Require is being looked at, on behalf of a hook of ours */
    int claim_wanted;              /* 1: an expression asked for a claim before authentication */
    int granted;                   /* 1: Require let it through */
    const char *scope_wanted;      /* what Require asked of a bearer token in vain; NULL: nothing */
    const char *backend_token;     /* what was put into Authorization; NULL: nothing was */
    int watched;                   /* 1: rp_backend_run is at it */
    const rp_dir_config_t *shared; /* whose headers were set; NULL: none were */
} rp_visit_t;

/* The request's visit, made when there is none. */
rp_visit_t *rp_visit(request_rec *r);

/* The visit, NULL when there is none. */
rp_visit_t *rp_visit_find(const request_rec *r);

/* Its environment, valid as long as the request. */
rp_env_t *rp_visit_env(rp_visit_t *visit, request_rec *r);

/* The visit that says who the user of this request is: its own, or that of the request it comes
 * from when httpd takes the answer over from there (same configuration, no second
 * authentication). Only one that Require let through counts; NULL when there is none. */
rp_visit_t *rp_visit_identity(const request_rec *r);

/* 1 when this is what the browser asked for, or stands for it: no subrequest, and no
 * ErrorDocument. Only such a request may start a login (F12). */
int rp_visit_is_main(const request_rec *r);

/* 1 when AuthType OAuth is in force for the request. */
int rp_visit_is_protected(request_rec *r);

#endif
