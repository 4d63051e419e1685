/* Every outside call of a whole login fails once: random numbers, HTTP, the store. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <string.h>

#include "../../src/base/rp_limits.h"

/* More calls than a login makes. */
#define CALLS_MAX 200

#define LONG_URL_LEN 2000

typedef struct {
    const char *name;
    rp_userinfo_mode_t userinfo;
    int long_url;
    int old_session; /* the browser is signed in already, as somebody else */
    int form;        /* a preserved POST */
} story_t;

static const story_t stories[] = {
    {"plain", RP_USERINFO_OFF, 0, 0, 0},
    {"userinfo and a long URL", RP_USERINFO_ON, 1, 0, 0},
    {"over an old session", RP_USERINFO_OFF, 0, 1, 0},
    {"with a preserved form", RP_USERINFO_OFF, 0, 0, 1},
};

/* What a failed reply must be: one cause with an id, a reference, and nothing of a session. */
static void expect_clean_failure(flow_t *flow, const rp_reply_t *reply)
{
    const rp_error_row_t *row = rp_error_row(reply->error.id);

    if (reply->error.id == RP_E_NONE) {
        fail_msg("call %d: neither an answer nor a cause", flow->test->fail_at);
    }
    if (row->id == RP_E_INTERNAL) {
        fail_msg("call %d: %s", flow->test->fail_at, reply->error.detail);
    }
    assert_int_equal(reply->status, row->status);
    assert_non_null(reply->reference);
    assert_non_null(reply->body);
    assert_null(reply->session);
    assert_null(reply->location);
    /* The one that is logged is the only one recorded. */
    assert_int_equal(flow->test->env.error.id, reply->error.id);
    if (flow_set_cookie(reply, FLOW_SESSION_COOKIE)) {
        assert_non_null(strstr(flow_set_cookie(reply, FLOW_SESSION_COOKIE), "Max-Age=0"));
    }
}

static rp_reply_t begin(flow_t *flow, const story_t *story)
{
    static char url[LONG_URL_LEN + 1];

    if (story->old_session) {
        return flow_open(flow, "/oauth/login?return_to=/app");
    }
    if (story->form) {
        return flow_request(flow, "POST", "/app", "a=b");
    }
    if (!story->long_url) {
        return flow_open(flow, "/app");
    }
    memset(url, 'u', LONG_URL_LEN);
    url[0] = '/';
    return flow_open(flow, url);
}

/* Runs the story. 1 when it went through; 0 when it failed, cleanly. */
static int run_story(flow_t *flow, const story_t *story)
{
    const char *before = apr_table_get(flow->jar, FLOW_SESSION_COOKIE);
    rp_reply_t reply = begin(flow, story);
    const char *after;

    if (reply.outcome != RP_REDIRECT) {
        expect_clean_failure(flow, &reply);
        return 0;
    }
    reply = flow_come_back(flow, reply.location);
    after = apr_table_get(flow->jar, FLOW_SESSION_COOKIE);
    if (reply.outcome != RP_REDIRECT) {
        expect_clean_failure(flow, &reply);
        assert_true(after == before || strcmp(after, before) == 0);
        return 0;
    }
    assert_int_equal(reply.error.id, RP_E_NONE);
    assert_non_null(after);
    reply = flow_open(flow, "/app");
    if (reply.outcome != RP_PASS) {
        expect_clean_failure(flow, &reply);
        return 0;
    }
    assert_string_equal(reply.user, "alice");
    return 1;
}

/* A new world for each n, as of a server that was just started. Returns 1 when nothing failed. */
static int run_with_fault(const story_t *story, int n, int *failures)
{
    flow_t *flow = flow_make();
    int calls;
    int passed;

    flow->provider.userinfo = story->userinfo;
    if (story->old_session) {
        flow->subject = "bob";
        flow_sign_in(flow);
        flow->subject = "alice";
    }
    if (story->form) {
        flow->place.preserve_post = 1;
        apr_table_set(flow->headers, "Content-Type", "application/x-www-form-urlencoded");
    }
    flow->test->calls = 0;
    flow->test->fail_at = n;
    passed = run_story(flow, story);
    calls = flow->test->calls;
    *failures += !passed;
    test_env_destroy(flow->test);
    /* Passing in spite of a failure is fine where there is another way (a last good copy, a
     * lease); the story is over when there is no n-th call any more. */
    return passed && calls < n;
}

static void fails_cleanly_whichever_outside_call_of_a_login_fails(void **state)
{
    (void)state;
    for (apr_size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        int failures = 0;
        int n = 1;

        while (!run_with_fault(&stories[i], n, &failures)) {
            n++;
            if (n > CALLS_MAX) {
                fail_msg("story '%s' has no end", stories[i].name);
            }
        }
        print_message("    %s: %d outside calls, %d of them fatal when they fail\n",
                      stories[i].name, n - 1, failures);
        assert_true(failures > 5);
    }
}

static void explains_when_answers_come_twice_and_no_session_is_kept(void **state)
{
    flow_t *flow = *state;
    rp_reply_t reply = flow_open(flow, "/app");

    for (int attempt = 1; attempt <= RP_LOGIN_ATTEMPTS; attempt++) {
        const char *target = flow_authorize(flow, reply.location);
        const char *binding = apr_table_get(flow->jar, FLOW_LOGIN_COOKIE);

        reply = flow_open(flow, target);
        flow_expect_redirect(&reply, FLOW_BASE "/app");
        apr_table_clear(flow->jar);
        apr_table_set(flow->jar, FLOW_LOGIN_COOKIE, binding);
        reply = flow_open(flow, target);
        if (attempt < RP_LOGIN_ATTEMPTS) {
            flow_expect_provider(&reply);
        }
    }
    flow_expect_error(&reply, RP_E_STATE_USED);
    assert_int_equal(flow->codes_redeemed, RP_LOGIN_ATTEMPTS);
}

int run_flow_fault_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(explains_when_answers_come_twice_and_no_session_is_kept,
                                        flow_setup, flow_teardown),
        cmocka_unit_test(fails_cleanly_whichever_outside_call_of_a_login_fails),
    };

    return cmocka_run_group_tests_name("flow: faults", tests, NULL, NULL);
}
