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
} rp_token_response_t;

/* The status decides first, then the content type, then the content (P06). grant is the error that
 * invalid_grant becomes: RP_E_TOKEN_GRANT or RP_E_REFRESH_GRANT. The result is in env->pool. */
apr_status_t rp_token_response_read(rp_token_response_t **response, rp_env_t *env,
                                    const rp_http_response_t *answer, rp_error_id_t grant);

/* Why an answer that is no success is none: the error code when it is one that is known (C35), else
 * what kind of answer it was. Words for a log. */
const char *rp_token_response_problem(rp_env_t *env, const rp_http_response_t *answer);

#endif
