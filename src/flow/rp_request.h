/* What a flow gets, and what it returns.
 *
 * Key idea: a flow knows nothing of httpd. One file of the module translates a request_rec into
 * rp_request_t and an rp_reply_t into a response; a unit test makes and reads them directly. After
 * anything but PASS nothing else of the request runs. */
#ifndef RP_REQUEST_H
#define RP_REQUEST_H

#include <apr_tables.h>

#include "rp_site.h"

typedef struct rp_request_t {
    const rp_site_t *site;
    const rp_place_t *place; /* for endpoints: the virtual host's own settings */
    const char *method;
    const char *target;        /* path and query as the browser sent them */
    const char *query;         /* raw, NULL: none */
    const char *cookies;       /* the Cookie header as it came, NULL: none */
    const char *authorization; /* the Authorization header as it came, NULL: none */
    const char *body; /* of a form POST to an endpoint (or one to be preserved); NULL: none */
    apr_size_t body_len;
    /* One request header, NULL when absent; not called on the hot path. */
    const char *(*header)(void *ctx, const char *name);
    /* For endpoints: the place that a path (and query) of the own origin lies in, whose settings a
     * login that leads there has. NULL, or returning NULL: not known. */
    const rp_place_t *(*place_of)(void *ctx, const char *target);
    void *header_ctx; /* handed to both */
} rp_request_t;

typedef enum {
    RP_PASS,       /* go on, with session or (OAuthUnauthenticated pass) without */
    RP_REDIRECT,   /* 303 to location */
    RP_PAGE,       /* an HTML page of ours with status */
    RP_JSON,       /* a JSON body with status */
    RP_CHALLENGE,  /* 401 with WWW-Authenticate, for programs */
    RP_FORBID,     /* 403: page for navigations, plain for programs */
    RP_UNAVAILABLE /* 5xx that concerns this request: page or plain, Retry-After */
} rp_outcome_t;

/* Handed to a flow with every byte zero. */
typedef struct {
    rp_outcome_t outcome;
    int status;                      /* HTTP status for all but PASS */
    const char *location;            /* REDIRECT */
    const char *body;                /* all but PASS and REDIRECT: complete; NUL-terminated */
    const char *content_type;        /* of body, set wherever body is; charset included */
    const char *cache_control;       /* NULL: no-store */
    const char *csp;                 /* an HTML body's Content-Security-Policy; else NULL */
    const char *allow;               /* 405: the methods; NULL otherwise */
    const char *challenge;           /* auth-params for WWW-Authenticate: Bearer beside the realm,
                                        which is then sent with any status; NULL: none */
    int retry_after;                 /* seconds; 0: not sent */
    const char *retry;               /* where an error page leads on: a checked URL; NULL: "/" */
    rp_session_t *session;           /* PASS: NULL for an anonymous one */
    const char *user;                /* PASS with session: from place->user_claim, else NULL */
    const char *backend_token;       /* PASS: for Authorization: Bearer; NULL: none */
    apr_array_header_t *set_cookies; /* of const char *: Set-Cookie values; NULL: none */
    /* The failure to log, with its reference; id RP_E_NONE: nothing to log. Ids of severity info
     * are logged at info. The page shows id and reference. */
    rp_error_t error;
    const char *reference; /* NULL when nothing failed */
} rp_reply_t;

/* A request header, NULL when it is absent. */
const char *rp_request_header(const rp_request_t *request, const char *name);

/* 1 when Accept names this media type itself, with a weight that is not zero. */
int rp_request_accepts(const rp_request_t *request, const char *type);

/* 1 when the body, if there is one, says that it is application/x-www-form-urlencoded. */
int rp_request_is_form(const rp_request_t *request);

/* Navigation by a browser: GET or HEAD, and Sec-Fetch-Mode: navigate with a document (or frame) as
 * destination where the browser says so, else an Accept that asks for text/html and no
 * X-Requested-With, Upgrade or CORS preflight. */
int rp_request_is_navigation(const rp_request_t *request);

/* Where the request comes from, by Sec-Fetch-Site, else Origin, else Referer. SAME covers the
 * own origin and, where Sec-Fetch-Site says so, the own site; DIRECT is what the user typed or
 * chose from a bookmark; an opaque origin ("null") is UNKNOWN. */
typedef enum { RP_SITE_UNKNOWN, RP_SITE_SAME, RP_SITE_CROSS, RP_SITE_DIRECT } rp_request_site_t;
rp_request_site_t rp_request_from(const rp_request_t *request);

/* 1 when the request comes from a page of this very origin (Sec-Fetch-Site, else Origin). */
int rp_request_is_same_origin(const rp_request_t *request);

/* Fills reply for the failure in env->error: PAGE for browsers, otherwise JSON with the status, a
 * fixed text, id and reference. Makes the reference; a 503 gets a Retry-After. allow and retry
 * are the caller's. */
void rp_reply_fail(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* Notes the failure in env->error for the log while the reply stays what it is, and forgets it. */
void rp_reply_note(rp_reply_t *reply, rp_env_t *env);

void rp_reply_redirect(rp_reply_t *reply, const char *location);

/* Adds a Set-Cookie. */
void rp_reply_cookie(rp_reply_t *reply, rp_env_t *env, const rp_set_cookie_t *cookie);

#endif
