/* Scripted HTTP for the unit tests of the upper folders.
 *
 * Key idea: a test says beforehand what the provider answers. A call takes the first answer that
 * is not used up and whose URL fits; a call without such an answer fails the test. Every call is
 * logged, and counted with test_env_outside(), so that the n-th outside call can be the one that
 * fails (with RP_E_PROVIDER_TIMEOUT).
 *
 *     test_env_t *test = test_env_make();
 *     test_http_t *http = test_http_make(test);
 *     test_http_answer(http, "https://op.example/token", 200, "application/json", "{...}");
 *     ... what is tested ...
 *     assert_string_equal(test_http_call(http, 0)->method, "POST");
 *     test_http_expect_all_used(http);                                                        */
#ifndef TEST_HTTP_H
#define TEST_HTTP_H

#include "../../src/io/rp_http.h"
#include "test_env.h"

/* Answers that a test can queue, and calls that are logged. */
#define TEST_HTTP_MAX 256

typedef struct test_http_t test_http_t;

/* One call that was made; the texts are copies in the test environment's pool. */
typedef struct {
    const char *method;
    const char *url;
    const char *body;          /* "" when there was none */
    const char *authorization; /* NULL: the header was not sent */
    const char *accept; /* what was asked for; application/json when the caller left it out */
    const apr_table_t *headers; /* never NULL */
    apr_size_t max_body;
    const rp_http_policy_t *policy; /* the caller's own */
} test_http_call_t;

/* Computes an answer. response has the defaults of test_http_answer (status 200,
 * application/json, empty body) and pool is the asking environment's. Returns APR_SUCCESS, or
 * what rp_fail returns to let the call fail. */
typedef apr_status_t test_http_fn(rp_http_response_t *response, rp_env_t *env,
                                  const rp_http_request_t *request, void *ctx);

/* Makes the scripted HTTP and plugs it into test->env.http. Lives as long as test. */
test_http_t *test_http_make(test_env_t *test);

/* Each queues one answer. url is the beginning of the URLs that it is for; NULL: any.
 * The result can be changed until it is used (location, max_age, retry_after). */
rp_http_response_t *test_http_answer(test_http_t *http, const char *url, int status,
                                     const char *content_type, const char *body);

/* The call fails with this error. */
void test_http_answer_error(test_http_t *http, const char *url, rp_error_id_t error);

void test_http_answer_with(test_http_t *http, const char *url, test_http_fn *fn, void *ctx);

/* Lets the answer that was queued last serve any number of calls, none included. */
void test_http_repeat(test_http_t *http);

/* Forgets the answers that were not used, and the log. */
void test_http_reset(test_http_t *http);

/* How many calls were made, and the n-th (from 0), which must exist. */
int test_http_calls(const test_http_t *http);
const test_http_call_t *test_http_call(const test_http_t *http, int n);

/* How many calls were made to URLs that begin with url. */
int test_http_calls_to(const test_http_t *http, const char *url);

/* Fails the test when an answer, other than a repeated one, was not used. */
void test_http_expect_all_used(const test_http_t *http);

#endif
