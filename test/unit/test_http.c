#include "test_http.h"

#include <apr_strings.h>
#include <string.h>

typedef struct {
    const char *url; /* NULL: any */
    rp_http_response_t response;
    rp_error_id_t error;
    test_http_fn *fn;
    void *ctx;
    int repeat;
    int used;
} answer_t;

struct test_http_t {
    rp_http_t http; /* first, so that it can be cast */
    test_env_t *test;
    answer_t answers[TEST_HTTP_MAX];
    int answer_count;
    test_http_call_t calls[TEST_HTTP_MAX];
    int call_count;
};

static int begins_with(const char *text, const char *start)
{
    return !start || strncmp(text, start, strlen(start)) == 0;
}

static answer_t *find_answer(test_http_t *http, const char *url)
{
    for (int i = 0; i < http->answer_count; i++) {
        answer_t *answer = &http->answers[i];

        if ((answer->repeat || !answer->used) && begins_with(url, answer->url)) {
            return answer;
        }
    }
    return NULL;
}

static void log_call(test_http_t *http, const rp_http_request_t *request)
{
    apr_pool_t *pool = http->test->env.pool;
    test_http_call_t *call;

    assert_true(http->call_count < TEST_HTTP_MAX);
    call = &http->calls[http->call_count++];
    call->method = apr_pstrdup(pool, request->method);
    call->url = apr_pstrdup(pool, request->url);
    call->body = request->body ? apr_pstrmemdup(pool, request->body, request->body_len) : "";
    call->headers =
        request->headers ? apr_table_clone(pool, request->headers) : apr_table_make(pool, 1);
    call->authorization = apr_table_get(call->headers, "Authorization");
    call->accept = request->accept ? apr_pstrdup(pool, request->accept) : "application/json";
    call->max_body = request->max_body;
    call->policy = request->policy;
}

/* As the real client does: an answer that is too large is none. */
static apr_status_t finish(rp_http_response_t **result, rp_env_t *env, rp_http_response_t *response,
                           const rp_http_request_t *request)
{
    if (response->body_len > request->max_body) {
        return rp_fail(env, RP_E_PROVIDER_UNREACHABLE,
                       "scripted answer of %" APR_SIZE_T_FMT " bytes, %" APR_SIZE_T_FMT
                       " are allowed",
                       response->body_len, request->max_body);
    }
    *result = response;
    return APR_SUCCESS;
}

static apr_status_t perform(rp_http_t *self, rp_http_response_t **result, rp_env_t *env,
                            const rp_http_request_t *request)
{
    test_http_t *http = (test_http_t *)self;
    rp_http_response_t *response;
    answer_t *answer;

    *result = NULL;
    assert_non_null(request->policy);
    assert_true(request->max_body > 0);
    log_call(http, request);
    if (test_env_outside(http->test)) {
        return rp_fail(env, RP_E_PROVIDER_TIMEOUT, "scripted failure of outside call %d",
                       http->test->calls);
    }
    answer = find_answer(http, request->url);
    if (!answer) {
        fail_msg("unexpected call: %s %s", request->method, request->url);
        return rp_fail(env, RP_E_INTERNAL, "unexpected call");
    }
    answer->used = 1;
    if (answer->error != RP_E_NONE) {
        return rp_fail(env, answer->error, "scripted error");
    }
    response = apr_pmemdup(env->pool, &answer->response, sizeof(*response));
    if (answer->fn) {
        apr_status_t rv = answer->fn(response, env, request, answer->ctx);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return finish(result, env, response, request);
}

test_http_t *test_http_make(test_env_t *test)
{
    test_http_t *http = apr_pcalloc(test->env.pool, sizeof(*http));

    http->http.perform = perform;
    http->test = test;
    test->env.http = &http->http;
    return http;
}

static answer_t *push(test_http_t *http, const char *url)
{
    answer_t *answer;

    assert_true(http->answer_count < TEST_HTTP_MAX);
    answer = &http->answers[http->answer_count++];
    memset(answer, 0, sizeof(*answer));
    answer->url = url ? apr_pstrdup(http->test->env.pool, url) : NULL;
    answer->response.status = 200;
    answer->response.content_type = "application/json";
    answer->response.max_age = -1;
    answer->response.retry_after = -1;
    answer->response.body = "";
    return answer;
}

rp_http_response_t *test_http_answer(test_http_t *http, const char *url, int status,
                                     const char *content_type, const char *body)
{
    apr_pool_t *pool = http->test->env.pool;
    answer_t *answer = push(http, url);

    answer->response.status = status;
    answer->response.content_type = content_type ? apr_pstrdup(pool, content_type) : "";
    answer->response.body = body ? apr_pstrdup(pool, body) : "";
    answer->response.body_len = strlen(answer->response.body);
    return &answer->response;
}

void test_http_answer_error(test_http_t *http, const char *url, rp_error_id_t error)
{
    push(http, url)->error = error;
}

void test_http_answer_with(test_http_t *http, const char *url, test_http_fn *fn, void *ctx)
{
    answer_t *answer = push(http, url);

    answer->fn = fn;
    answer->ctx = ctx;
}

void test_http_repeat(test_http_t *http)
{
    assert_true(http->answer_count > 0);
    http->answers[http->answer_count - 1].repeat = 1;
}

void test_http_reset(test_http_t *http)
{
    http->answer_count = 0;
    http->call_count = 0;
}

int test_http_calls(const test_http_t *http)
{
    return http->call_count;
}

const test_http_call_t *test_http_call(const test_http_t *http, int n)
{
    assert_true(n >= 0 && n < http->call_count);
    return &http->calls[n];
}

int test_http_calls_to(const test_http_t *http, const char *url)
{
    int count = 0;

    for (int i = 0; i < http->call_count; i++) {
        count += begins_with(http->calls[i].url, url);
    }
    return count;
}

static void expect_used(const answer_t *answer)
{
    if (!answer->used && !answer->repeat) {
        fail_msg("no call took the answer for %s", answer->url ? answer->url : "any URL");
    }
}

void test_http_expect_all_used(const test_http_t *http)
{
    for (int i = 0; i < http->answer_count; i++) {
        expect_used(&http->answers[i]);
    }
}
