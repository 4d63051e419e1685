/* The endpoints below OAuthPath, one row each: callback, login, logout, session, resume,
 * jwks.json. */
#ifndef RP_ENDPOINT_H
#define RP_ENDPOINT_H

#include "rp_request.h"

typedef struct {
    const char *name;    /* "callback" */
    const char *methods; /* "GET, POST", for Allow; HEAD goes with GET */
    int form;            /* 1: a POST brings a form body that has to be read first */
    void (*run)(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);
} rp_endpoint_row_t;

/* The row for a decoded path, when it is exactly site->path + "/" + name. NULL when the path is
 * not below site->path; *below is then 0, and 1 when it is but no endpoint has that name. */
const rp_endpoint_row_t *rp_endpoint_find(int *below, const rp_site_t *site, const char *path);

/* Checks the method and runs; row may be NULL (RP_E_ENDPOINT_UNKNOWN). */
void rp_endpoint_run(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                     const rp_endpoint_row_t *row);

const rp_endpoint_row_t *rp_endpoint_rows(apr_size_t *count);

#endif
