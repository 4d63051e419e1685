/* One call by libcurl: what is asked of it, and what it hands back.
 *
 * Key idea: everything that makes a call safe is set for every call anew, on a blank handle, so
 * that no call depends on what an earlier one left behind. */
#ifndef RP_HTTP_CALL_H
#define RP_HTTP_CALL_H

#include <curl/curl.h>

#include "../base/rp_buf.h"
#include "../codec/rp_url.h"
#include "rp_http.h"

typedef struct {
    CURL *curl;
    const rp_http_request_t *request;
    const rp_url_t *url;
    struct curl_slist *fields; /* released with rp_http_call_end */
    rp_buf_t body;             /* the answer's, at most request->max_body */
    apr_size_t header_bytes;   /* of the answer */
    int header_too_large;
    int header_ended;            /* by its empty line, rather than with the connection */
    char words[CURL_ERROR_SIZE]; /* libcurl's own, when it fails */
} rp_http_call_t;

/* Sets every option. call must stay where it is until its handle was reset, and has then to be
 * ended, in any case. RP_FAILED with RP_E_INTERNAL when libcurl refuses an option. */
apr_status_t rp_http_call_begin(rp_http_call_t *call, rp_env_t *env,
                                const rp_http_request_t *request, const rp_url_t *url, CURL *curl);

void rp_http_call_end(rp_http_call_t *call);

#endif
