/* Calls to a provider.
 *
 * Key idea: an interface of one function, so that tests can script the answers. Whatever answers,
 * redirects are never followed, only https (and http to loopback) is spoken, certificates are
 * always verified, and size and time are capped. A response of any status is success here; the
 * caller decides what it means.
 *
 *     rp_http_request_t request = {.method = "GET", .url = url, .policy = &provider->http,
 *                                  .max_body = RP_MAX_METADATA};
 *     rv = rp_http_perform(&response, env, &request);                                          */
#ifndef RP_HTTP_H
#define RP_HTTP_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "../base/rp_env.h"

/* How calls to one provider are made; from the configuration, read-only. */
typedef struct {
    const char *ca_file; /* NULL: the system's trust */
    const char *proxy;   /* NULL: none (the environment's proxy variables are not read) */
    int tls_min;         /* 12 or 13 */
    apr_interval_time_t connect_timeout; /* microseconds */
    apr_interval_time_t total_timeout; /* of one call, from looking up the name to the last byte */
} rp_http_policy_t;

typedef struct {
    const char *method; /* "GET" or "POST" */
    const char *url;
    const apr_table_t *headers; /* NULL: none besides Accept */
    const char *accept;         /* NULL: application/json */
    const char *body;           /* NULL: none; else application/x-www-form-urlencoded */
    apr_size_t body_len;
    const rp_http_policy_t *policy;
    apr_size_t max_body;            /* of the answer */
    apr_interval_time_t time_limit; /* for rp_http_t.perform; rp_http_perform sets it */
} rp_http_request_t;

typedef struct {
    int status;               /* 100 to 599 */
    const char *content_type; /* media type in lower case without parameters; "" when absent */
    const char *location;     /* NULL: none */
    apr_int64_t max_age;      /* seconds of Cache-Control: max-age; -1: none; 0 also for no-store */
    apr_int64_t retry_after;  /* seconds; -1: none */
    const char *body;         /* followed by a NUL that len does not count */
    apr_size_t body_len;
} rp_http_response_t;

typedef struct rp_http_t rp_http_t;

struct rp_http_t {
    apr_status_t (*perform)(rp_http_t *http, rp_http_response_t **response, rp_env_t *env,
                            const rp_http_request_t *request);
};

/* APR_SUCCESS with *response in env->pool, or RP_FAILED with RP_E_PROVIDER_UNREACHABLE,
 * RP_E_PROVIDER_TIMEOUT, RP_E_PROVIDER_TLS, RP_E_PROVIDER_BUSY, RP_E_PROVIDER_PAUSED, or
 * RP_E_METADATA_INVALID's kin left to the caller: an answer larger than max_body is
 * RP_E_PROVIDER_UNREACHABLE with a detail. The calls of one environment may take RP_CALLS_IN_ALL
 * times total_timeout together. Neither the URL's query nor any header or body reaches the log. */
apr_status_t rp_http_perform(rp_http_response_t **response, rp_env_t *env,
                             const rp_http_request_t *request);

#endif
