/* Reading what a token endpoint answers (RFC 6749 5.1 and 5.2). */
#ifndef RP_TOKEN_RESPONSE_H
#define RP_TOKEN_RESPONSE_H

#include "../io/rp_http.h"

typedef struct {
    const char *access_token;
    const char *refresh_token; /* NULL: none */
    const char *id_token;      /* NULL: none; not checked yet */
    const char *scope;         /* NULL: as requested */
    apr_int64_t expires_in;    /* seconds; -1: not said */
    /* RFC 8693 2.2.1; NULL: none, or no string. For whoever asked for an exchange to check. */
    const char *issued_token_type;
} rp_token_response_t;

/* What a refusal becomes: that says whose fault it is, and what to do. A provider in trouble
 * (status 500 and above) is believed neither. */
typedef struct {
    rp_error_id_t grant;   /* invalid_grant: of what was presented */
    rp_error_id_t request; /* invalid_target, invalid_scope, access_denied, invalid_request: of what
                              was asked for */
} rp_token_refusal_t;

/* The status decides first, then the content type, then the content (P06). The result is in
 * env->pool. */
apr_status_t rp_token_response_read(rp_token_response_t **response, rp_env_t *env,
                                    const rp_http_response_t *answer,
                                    const rp_token_refusal_t *refusal);

/* Why an answer that is no success is none: the error code when it is one that is known (C35), else
 * what kind of answer it was. Words for a log. */
const char *rp_token_response_problem(rp_env_t *env, const rp_http_response_t *answer);

#endif
