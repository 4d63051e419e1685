#include "rp_http_call.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "../base/rp_limits.h"

typedef struct {
    CURLoption option;
    long value;
} long_option_t;

/* The same for every call. */
static const long_option_t always[] = {
    /* Signals belong to httpd; time limits work without them. */
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_NOPROGRESS, 1},
    /* RFC 9700 4.12: credentials must not travel on with a redirect. */
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_PROXY_SSL_VERIFYPEER, 1},
    {CURLOPT_PROXY_SSL_VERIFYHOST, 2},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_AUTOREFERER, 0},
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    /* A name server that does not answer must not hold the call longer than its time: libcurl would
     * wait for the thread that asks it. */
    {CURLOPT_QUICK_EXIT, 1},
    /* The URL was checked as it stands. */
    {CURLOPT_PATH_AS_IS, 1},
    /* The proxy's own answer to CONNECT is not the provider's. */
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    /* Idle connections are dropped before a server or a firewall forgets them. */
    {CURLOPT_MAXCONNECTS, 4},
    {CURLOPT_MAXAGE_CONN, 60},
};

#define ALWAYS_COUNT (sizeof(always) / sizeof(always[0]))

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    rp_http_call_t *call = ctx;

    return rp_buf_put(&call->body, data, size * count) == APR_SUCCESS ? size * count : 0;
}

static size_t take_header(char *data, size_t size, size_t count, void *ctx)
{
    rp_http_call_t *call = ctx;

    if (size * count > RP_MAX_HTTP_HEADER - call->header_bytes) {
        call->header_too_large = 1;
        return 0;
    }
    call->header_bytes += size * count;
    if (size * count <= 2) {
        call->header_ended = 1;
    } else if (size * count > 5 && memcmp(data, "HTTP/", 5) == 0) {
        /* What ended before was an interim answer. */
        call->header_ended = 0;
    }
    return size * count;
}

/* Programs that httpd starts (CGI) must not inherit connections to the provider. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)ctx;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* libcurl takes 0 for no limit. */
static long milliseconds(apr_interval_time_t duration)
{
    apr_int64_t ms = apr_time_as_msec(duration);

    return ms < 1 ? 1 : (long)(ms > 3600000 ? 3600000 : ms);
}

static CURLcode first(CURLcode before, CURLcode now)
{
    return before != CURLE_OK ? before : now;
}

static CURLcode set_safety(CURL *curl)
{
    CURLcode code = CURLE_OK;

    for (apr_size_t i = 0; i < ALWAYS_COUNT; i++) {
        code = first(code, curl_easy_setopt(curl, always[i].option, always[i].value));
    }
    code = first(code, curl_easy_setopt(curl, CURLOPT_USERAGENT, "mod_auth_oauth"));
    return first(code, curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket));
}

/* An authority that was configured is the only one that is trusted: without the second option the
 * system's directory of authorities would stay in force beside it. */
static CURLcode set_authority(CURL *curl, const char *file)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_CAINFO, file);

    code = first(code, curl_easy_setopt(curl, CURLOPT_CAPATH, NULL));
    code = first(code, curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, file));
    return first(code, curl_easy_setopt(curl, CURLOPT_PROXY_CAPATH, NULL));
}

static CURLcode set_policy(CURL *curl, const rp_http_request_t *request, int loopback)
{
    const rp_http_policy_t *policy = request->policy;
    long tls = policy->tls_min == 13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;
    const char *proxy = policy->proxy && !loopback ? policy->proxy : "";
    CURLcode code = curl_easy_setopt(curl, CURLOPT_SSLVERSION, tls);

    /* Set in any case, as empty strings too: libcurl reads the environment otherwise. */
    code = first(code, curl_easy_setopt(curl, CURLOPT_PROXY, proxy));
    code = first(code, curl_easy_setopt(curl, CURLOPT_NOPROXY, ""));
    code = first(code, curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                                        milliseconds(policy->connect_timeout)));
    code =
        first(code, curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds(request->time_limit)));
    return policy->ca_file ? first(code, set_authority(curl, policy->ca_file)) : code;
}

static CURLcode set_request(CURL *curl, const rp_http_request_t *request, const rp_url_t *url)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, request->url);

    code = first(code, curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, url->scheme));
    code = first(code,
                 curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_body));
    if (strcmp(request->method, "POST") != 0) {
        return first(code, curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L));
    }
    /* curl sends a request once more when a connection that it reused was closed before the answer;
     * a code or a rotating refresh token must never be sent twice. */
    code = first(code, curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L));
    code = first(code, curl_easy_setopt(curl, CURLOPT_POST, 1L));
    code = first(code, curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t)(request->body ? request->body_len : 0)));
    return first(code,
                 curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : ""));
}

static CURLcode set_answer(CURL *curl, rp_http_call_t *call)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);

    code = first(code, curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)call));
    code = first(code, curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header));
    code = first(code, curl_easy_setopt(curl, CURLOPT_HEADERDATA, (void *)call));
    return first(code, curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->words));
}

typedef struct {
    struct curl_slist *list;
    apr_pool_t *pool;
    int failed;
} fields_t;

static int add_field(void *ctx, const char *name, const char *value)
{
    fields_t *fields = ctx;
    /* libcurl would take "Name:" for a field to leave out. */
    const char *line = *value ? apr_pstrcat(fields->pool, name, ": ", value, NULL)
                              : apr_pstrcat(fields->pool, name, ";", NULL);
    struct curl_slist *list = curl_slist_append(fields->list, line);

    if (!list) {
        fields->failed = 1;
        return 0;
    }
    fields->list = list;
    return 1;
}

static CURLcode set_fields(rp_http_call_t *call, apr_pool_t *pool)
{
    const rp_http_request_t *request = call->request;
    fields_t fields = {NULL, pool, 0};

    add_field(&fields, "Accept", request->accept ? request->accept : "application/json");
    if (strcmp(request->method, "POST") == 0) {
        add_field(&fields, "Content-Type", "application/x-www-form-urlencoded");
    }
    if (request->headers) {
        apr_table_do(add_field, &fields, request->headers, NULL);
    }
    call->fields = fields.list;
    if (fields.failed) {
        return CURLE_OUT_OF_MEMORY;
    }
    return curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->fields);
}

apr_status_t rp_http_call_begin(rp_http_call_t *call, rp_env_t *env,
                                const rp_http_request_t *request, const rp_url_t *url, CURL *curl)
{
    CURLcode code;

    memset(call, 0, sizeof(*call));
    call->curl = curl;
    call->request = request;
    call->url = url;
    rp_buf_init(&call->body, request->max_body, env->pool);
    code = set_safety(curl);
    code = first(code, set_policy(curl, request, rp_url_is_loopback(url)));
    code = first(code, set_request(curl, request, url));
    code = first(code, set_answer(curl, call));
    code = first(code, set_fields(call, env->pool));
    if (code != CURLE_OK) {
        return rp_fail(env, RP_E_INTERNAL, "libcurl refuses an option: %s",
                       curl_easy_strerror(code));
    }
    return APR_SUCCESS;
}

void rp_http_call_end(rp_http_call_t *call)
{
    curl_slist_free_all(call->fields);
    call->fields = NULL;
}
