/* HTTP by libcurl. Handles (and with them connections, TLS sessions and DNS answers) are kept in
 * a pool per process and reused; calls in flight are limited per origin. A proxy is not asked for
 * loopback addresses. */
#ifndef RP_HTTP_CURL_H
#define RP_HTTP_CURL_H

#include "rp_http.h"

/* Makes the client, once per child process after the fork; it may be used by all its threads and
 * ends with pool, when no call is under way any more. max_per_host: calls in flight to one origin;
 * one more waits a second at most and is then refused with RP_E_PROVIDER_BUSY. */
apr_status_t rp_http_curl_make(rp_http_t **http, int max_per_host, apr_pool_t *pool);

#endif
