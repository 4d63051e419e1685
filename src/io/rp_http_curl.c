#include "rp_http_curl.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_http_call.h"
#include "rp_http_field.h"
#include "rp_http_handles.h"

typedef struct {
    rp_http_t http; /* first, so that it can be cast */
    rp_http_gate_t gate;
    rp_http_handles_t *handles;
} curl_http_t;

static rp_error_id_t error_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return RP_E_PROVIDER_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        return RP_E_PROVIDER_TLS;
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return RP_E_INTERNAL;
    default:
        return RP_E_PROVIDER_UNREACHABLE;
    }
}

/* What a call says about whether somebody is there. An answer of any status does, also one that
 * cannot be used, or none that can be trusted: it came at once and held nobody up. */
static rp_http_call_end_t end_of(CURLcode code, const rp_http_request_t *request)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        /* The provider is not to blame for what was left of a request's time. */
        return request->time_limit < request->policy->total_timeout / 2 ? RP_CALL_UNKNOWN
                                                                        : RP_CALL_UNANSWERED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return RP_CALL_UNANSWERED;
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_OUT_OF_MEMORY:
        return RP_CALL_UNKNOWN;
    default:
        return RP_CALL_ANSWERED;
    }
}

/* libcurl's words, made fit for a line of a log. They never hold what was sent. */
static const char *words_of(rp_http_call_t *call, CURLcode code)
{
    char *words = call->words;

    if (!*words) {
        return curl_easy_strerror(code);
    }
    for (char *c = words; *c; c++) {
        if (!apr_isprint(*c)) {
            *c = '?';
        }
    }
    return words;
}

static apr_status_t fail(rp_env_t *env, rp_http_call_t *call, CURLcode code)
{
    const rp_url_t *url = call->url;

    if (call->header_too_large) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "%s:%d: the header of the answer is larger than %d bytes", url->host,
                       url->port, RP_MAX_HTTP_HEADER);
    }
    if (code == CURLE_FILESIZE_EXCEEDED || rp_buf_status(&call->body) != APR_SUCCESS) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "%s:%d: the answer is larger than %" APR_SIZE_T_FMT " bytes", url->host,
                       url->port, call->request->max_body);
    }
    return rp_fail(env, error_of(code), "%s:%d: %s", url->host, url->port, words_of(call, code));
}

/* The value of a field of the answer proper (not of an interim one, nor a trailer); NULL when it
 * is absent, or when there is not one alone and the field is one that has one value. */
static const char *field(CURL *curl, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        header->amount != 1) {
        return NULL;
    }
    return header->value;
}

static apr_int64_t max_age(CURL *curl)
{
    struct curl_header *header;
    apr_int64_t seconds = -1;

    for (size_t i = 0;
         curl_easy_header(curl, "Cache-Control", i, CURLH_HEADER, -1, &header) == CURLHE_OK; i++) {
        rp_http_cache_control(&seconds, header->value);
    }
    return seconds;
}

static apr_status_t read_answer(rp_http_response_t **response, rp_env_t *env, rp_http_call_t *call)
{
    rp_http_response_t *made = apr_pcalloc(env->pool, sizeof(*made));
    const char *encoding = field(call->curl, "Content-Encoding");
    const char *location = field(call->curl, "Location");
    long status = 0;

    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 100 || status > 599) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE, "%s:%d: HTTP status %ld is none",
                       call->url->host, call->url->port, status);
    }
    if (encoding && strcasecmp(encoding, "identity") != 0) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "%s:%d: the answer is compressed, which was not asked for", call->url->host,
                       call->url->port);
    }
    made->status = (int)status;
    made->content_type = rp_http_media_type(field(call->curl, "Content-Type"), env->pool);
    made->location = location ? apr_pstrdup(env->pool, location) : NULL;
    made->max_age = max_age(call->curl);
    made->retry_after = rp_http_retry_after(field(call->curl, "Retry-After"), rp_now(env));
    made->body = rp_buf_text(&call->body);
    made->body_len = call->body.len;
    *response = made;
    return APR_SUCCESS;
}

static void note(rp_env_t *env, const rp_http_call_t *call, CURLcode code)
{
    curl_off_t elapsed = 0;
    long connects = 0;
    long status = 0;

    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->curl, CURLINFO_TOTAL_TIME_T, &elapsed);
    curl_easy_getinfo(call->curl, CURLINFO_NUM_CONNECTS, &connects);
    rp_debug(env, "%s %s%s: curl %d, status %ld, %" APR_SIZE_T_FMT " bytes, %ld ms, %s connection",
             call->request->method, call->url->origin, call->url->path, (int)code, status,
             call->body.len, (long)(elapsed / 1000), connects ? "new" : "kept");
}

static apr_status_t run(rp_http_response_t **response, rp_http_call_end_t *end, rp_env_t *env,
                        rp_http_call_t *call)
{
    CURLcode code = curl_easy_perform(call->curl);

    note(env, call, code);
    *end = end_of(code, call->request);
    /* libcurl is content with a header that the end of the connection cut off. */
    if (code == CURLE_OK && !call->header_ended) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "%s:%d: the connection ended within the header of the answer",
                       call->url->host, call->url->port);
    }
    return code == CURLE_OK ? read_answer(response, env, call) : fail(env, call, code);
}

static apr_status_t run_with_handle(rp_http_response_t **response, rp_http_call_end_t *end,
                                    rp_env_t *env, rp_http_handles_t *handles, rp_http_call_t *call)
{
    CURL *curl;
    apr_status_t rv = rp_http_handles_take(&curl, env, handles);

    *end = RP_CALL_UNKNOWN;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_http_call_begin(call, env, call->request, call->url, curl);
    if (rv == APR_SUCCESS) {
        rv = run(response, end, env, call);
    }
    rp_http_handles_give(handles, curl);
    /* Only now: until then the handle may point to it. */
    rp_http_call_end(call);
    return rv;
}

static apr_status_t perform(rp_http_t *http, rp_http_response_t **response, rp_env_t *env,
                            const rp_http_request_t *request)
{
    curl_http_t *self = (curl_http_t *)http;
    rp_http_request_t rest = *request;
    rp_http_call_end_t end;
    rp_http_turn_t turn;
    rp_http_call_t call = {.request = &rest};
    apr_time_t began = rp_now(env);
    rp_url_t url;
    apr_status_t rv;

    *response = NULL;
    if (rp_url_parse(&url, request->url, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_INTERNAL, "a URL that was not checked");
    }
    call.url = &url;
    rv = rp_http_turn_take(&turn, env, &self->gate, url.origin, request->time_limit);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Waiting for room is part of the time. */
    rest.time_limit -= rp_now(env) - began;
    rv = run_with_handle(response, &end, env, self->handles, &call);
    rp_http_turn_give(&turn, env, end);
    return rv;
}

apr_status_t rp_http_curl_make(rp_http_t **http, const rp_http_gate_t *gate, apr_pool_t *pool)
{
    curl_http_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = rp_http_handles_make(&made->handles, pool);

    *http = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    made->gate = *gate;
    made->http.perform = perform;
    *http = &made->http;
    return APR_SUCCESS;
}
