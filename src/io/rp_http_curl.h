/* HTTP by libcurl. Handles (and with them connections, TLS sessions and DNS answers) are kept in
 * a pool per process and reused. A proxy is not asked for loopback addresses. */
#ifndef RP_HTTP_CURL_H
#define RP_HTTP_CURL_H

#include "rp_http.h"
#include "rp_http_turn.h"

/* Makes the client, once per child process after the fork; it may be used by all its threads and
 * ends with pool, when no call is under way any more. Every call passes the gate, which outlives
 * pool. */
apr_status_t rp_http_curl_make(rp_http_t **http, const rp_http_gate_t *gate, apr_pool_t *pool);

#endif
