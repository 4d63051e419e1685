/* The hot path and the refresh of access tokens: rp_access, rp_refresh. */
#include "flow_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_access.h"
#include "../../src/flow/rp_access_session.h"
#include "../../src/flow/rp_backend_token.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_seal.h"
#include "test_http.h"
#include "test_store.h"

#define TOKEN_URL "https://op.example/token"

/* clang-format off */
static const char metadata[] =
    "{\"issuer\":\"https://op.example\","
    "\"authorization_endpoint\":\"https://op.example/authorize\","
    "\"token_endpoint\":\"" TOKEN_URL "\","
    "\"jwks_uri\":\"https://op.example/jwks\"}";
/* clang-format on */

typedef struct {
    test_env_t *test;
    test_http_t *http;
    rp_provider_t provider;
    rp_provider_t *providers[2];
    rp_site_t site;
    rp_place_t place;
    rp_request_t request;
    apr_table_t *headers;
    const char *cookie; /* of the session, once there is one */
} fixture_t;

static const char *header(void *ctx, const char *name)
{
    return apr_table_get(ctx, name);
}

static void fill_site(fixture_t *f)
{
    f->provider = (rp_provider_t){.name = "",
                                  .issuer = "https://op.example",
                                  .client_id = "client",
                                  .client_auth = RP_CLIENT_AUTH_NONE,
                                  .signing_algs = RP_ALGS_ASYMMETRIC,
                                  .clock_skew = 30,
                                  .http = {.tls_min = 12,
                                           .connect_timeout = apr_time_from_sec(2),
                                           .total_timeout = apr_time_from_sec(5)}};
    assert_int_equal(rp_provider_cache_make(&f->provider, f->test->env.pool), APR_SUCCESS);
    f->providers[0] = &f->provider;
    f->site = (rp_site_t){.base_url = "https://www.example",
                          .path = "/oauth",
                          .callback_url = "https://www.example/oauth/callback",
                          .secure = 1,
                          .providers = f->providers,
                          .cookie_name = "__Host-oauth",
                          .login_cookie_name = "__Host-oauth-login",
                          .cookie_path = "/",
                          .realm = {"https://www.example", apr_time_from_sec(8 * 3600), {0}}};
    f->place = (rp_place_t){.accept = RP_ACCEPT_SESSION,
                            .limits = {apr_time_from_sec(8 * 3600), apr_time_from_sec(1800)},
                            .user_claim = "sub"};
}

static int setup(void **state)
{
    static const unsigned char secret[32] = "a secret of thirty-two character";
    test_env_t *test = test_env_make();
    fixture_t *f = apr_pcalloc(test->env.pool, sizeof(*f));
    apr_array_header_t *secrets = apr_array_make(test->env.pool, 1, sizeof(rp_secret_bytes_t));
    rp_secret_bytes_t bytes = {secret, sizeof(secret)};
    rp_keyring_t *ring;

    rp_crypto_init();
    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) = bytes;
    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_SUCCESS);
    test->env.keyring = ring;
    test->env.store = test_store_make(test->env.pool);
    f->test = test;
    f->http = test_http_make(test);
    fill_site(f);
    f->headers = apr_table_make(test->env.pool, 4);
    f->request = (rp_request_t){.site = &f->site,
                                .place = &f->place,
                                .method = "GET",
                                .target = "/app/page?x=1",
                                .header = header,
                                .header_ctx = f->headers};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

/* Makes a session and puts its cookies into the request. */
static void have_session(fixture_t *f, const rp_record_t *record)
{
    rp_session_cookies_t cookies;
    rp_session_t *session;

    assert_int_equal(rp_session_create(&session, &f->test->env, &f->site.realm, record),
                     APR_SUCCESS);
    assert_int_equal(rp_session_cookies(&cookies, &f->test->env, &f->site.realm, session),
                     APR_SUCCESS);
    f->cookie = apr_pstrmemdup(f->test->env.pool, cookies.values[0].value, cookies.values[0].len);
    f->request.cookies = apr_pstrcat(f->test->env.pool, "other=1; __Host-oauth=", f->cookie, NULL);
}

/* Signs alice in, with tokens that live for seconds (0: not said). */
static void sign_in(fixture_t *f, int seconds)
{
    rp_record_t record = {.provider = "",
                          .context = f->provider.context,
                          .issuer = "https://op.example",
                          .subject = "alice",
                          .id_token = "id-token",
                          .access_token = "access-1",
                          .refresh_token = "refresh-1",
                          .token_issued = f->test->now};

    if (seconds) {
        record.token_expires = f->test->now + apr_time_from_sec(seconds);
    }
    have_session(f, &record);
}

static rp_reply_t run(fixture_t *f)
{
    rp_reply_t reply;

    rp_access(&reply, &f->test->env, &f->request);
    return reply;
}

static void navigate(fixture_t *f)
{
    apr_table_set(f->headers, "Sec-Fetch-Mode", "navigate");
    apr_table_set(f->headers, "Sec-Fetch-Dest", "document");
    apr_table_set(f->headers, "Accept", "text/html,*/*");
}

static void provider_is_there(fixture_t *f)
{
    test_http_answer(f->http, "https://op.example/.well-known/", 200, "application/json", metadata);
}

static void token_answer(fixture_t *f, int status, const char *body)
{
    test_http_answer(f->http, TOKEN_URL, status, "application/json", body);
}

static void a_live_session_passes_without_a_call_to_the_provider(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    reply = run(f);
    assert_int_equal(reply.outcome, RP_PASS);
    assert_string_equal(reply.user, "alice");
    assert_null(reply.backend_token);
    assert_int_equal(reply.error.id, RP_E_NONE);
    assert_int_equal(test_http_calls(f->http), 0);
}

static void a_navigation_without_a_session_goes_to_the_provider(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    navigate(f);
    provider_is_there(f);
    reply = run(f);
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_ptr_equal(strstr(reply.location, "https://op.example/authorize?"), reply.location);
}

static void a_program_without_a_session_gets_a_challenge(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply = run(f);

    assert_int_equal(reply.outcome, RP_CHALLENGE);
    assert_int_equal(reply.status, 401);
    assert_int_equal(reply.error.id, RP_E_UNAUTHENTICATED);
    assert_int_equal(test_http_calls(f->http), 0);
}

static void the_place_decides_what_happens_without_a_session(void **state)
{
    fixture_t *f = *state;

    f->place.unauthenticated = RP_UNAUTHENTICATED_PASS;
    assert_int_equal(run(f).outcome, RP_PASS);
    assert_null(run(f).session);
    f->place.unauthenticated = RP_UNAUTHENTICATED_LOGIN;
    provider_is_there(f);
    assert_int_equal(run(f).outcome, RP_REDIRECT);
    f->place.unauthenticated = RP_UNAUTHENTICATED_CHALLENGE;
    navigate(f);
    assert_int_equal(run(f).outcome, RP_CHALLENGE);
}

static void two_different_session_cookies_are_refused(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    f->request.cookies =
        apr_pstrcat(f->test->env.pool, f->request.cookies, "; __Host-oauth=another", NULL);
    reply = run(f);
    assert_int_equal(reply.error.id, RP_E_COOKIE_AMBIGUOUS);
    assert_int_equal(reply.status, 400);
    assert_null(reply.session);
    assert_non_null(reply.set_cookies);
}

static void a_store_that_is_down_lets_nobody_through(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    f->place.unauthenticated = RP_UNAUTHENTICATED_PASS;
    f->test->calls = 0;
    f->test->fail_at = 1;
    reply = run(f);
    assert_int_not_equal(reply.outcome, RP_PASS);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.error.id, RP_E_STORE);
}

static void a_session_of_another_provider_or_client_is_not_signed_in_here(void **state)
{
    static const char *const other[] = {"corp"};
    fixture_t *f = *state;
    apr_array_header_t *use = apr_array_make(f->test->env.pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(use, const char *) = other[0];
    sign_in(f, 300);
    f->place.use = use;
    assert_int_equal(run(f).outcome, RP_CHALLENGE);
    f->place.use = NULL;
    assert_int_equal(run(f).outcome, RP_PASS);
    f->provider.context = "another client";
    assert_int_equal(run(f).outcome, RP_CHALLENGE);
}

static void a_user_without_the_claim_is_refused_and_not_sent_to_the_login(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    navigate(f);
    sign_in(f, 300);
    f->place.user_claim = "preferred_username";
    reply = run(f);
    assert_int_equal(reply.status, 403);
    assert_int_equal(reply.error.id, RP_E_USER_CLAIM);
}

static void the_backend_gets_the_token_that_was_asked_for(void **state)
{
    fixture_t *f = *state;

    sign_in(f, 300);
    f->place.backend.kind = RP_BACKEND_USER;
    assert_string_equal(run(f).backend_token, "access-1");
    f->place.backend.kind = RP_BACKEND_ID;
    assert_string_equal(run(f).backend_token, "id-token");
    assert_int_equal(test_http_calls(f->http), 0);
}

static void a_token_that_soon_expires_is_refreshed_without_waiting(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    f->place.backend.kind = RP_BACKEND_USER;
    test_env_advance(f->test, 245);
    provider_is_there(f);
    token_answer(f, 200,
                 "{\"access_token\":\"access-2\",\"token_type\":\"Bearer\","
                 "\"expires_in\":300,\"refresh_token\":\"refresh-2\"}");
    reply = run(f);
    assert_int_equal(reply.outcome, RP_PASS);
    assert_string_equal(reply.backend_token, "access-1");
    assert_int_equal(test_http_calls_to(f->http, TOKEN_URL), 0);
    assert_int_equal(f->test->job_count, 1);
    /* Another request meanwhile starts no second refresh. */
    assert_string_equal(run(f).backend_token, "access-1");
    assert_int_equal(f->test->job_count, 1);
    test_env_run_jobs(f->test);
    assert_int_equal(test_http_calls_to(f->http, TOKEN_URL), 1);
    reply = run(f);
    assert_string_equal(reply.backend_token, "access-2");
    assert_string_equal(reply.session->record.refresh_token, "refresh-2");
}

/* Metadata, keys and the refresh may each take as long as OAuthTimeout says. */
static void a_refresh_is_given_up_for_lost_when_it_cannot_be_running_any_more(void **state)
{
    fixture_t *f = *state;

    sign_in(f, 300);
    f->provider.http.total_timeout = apr_time_from_sec(10);
    f->place.backend.kind = RP_BACKEND_USER;
    test_env_advance(f->test, 245);
    assert_string_equal(run(f).backend_token, "access-1");
    test_env_advance(f->test, 30);
    assert_string_equal(run(f).backend_token, "access-1");
    assert_int_equal(f->test->job_count, 1);
    test_env_advance(f->test, 6);
    assert_string_equal(run(f).backend_token, "access-1");
    assert_int_equal(f->test->job_count, 2);
}

/* Behind a trusted proxy the site is made for the request, and goes with it. */
static void a_deferred_refresh_needs_nothing_of_its_request(void **state)
{
    fixture_t *f = *state;
    rp_site_t *site = apr_pmemdup(f->test->env.pool, &f->site, sizeof(*site));
    char *context = apr_pstrdup(f->test->env.pool, f->site.realm.context);

    sign_in(f, 300);
    site->realm.context = context;
    f->request.site = site;
    f->place.backend.kind = RP_BACKEND_USER;
    provider_is_there(f);
    token_answer(f, 200,
                 "{\"access_token\":\"access-2\",\"token_type\":\"Bearer\",\"expires_in\":300}");
    test_env_advance(f->test, 250);
    assert_string_equal(run(f).backend_token, "access-1");
    assert_int_equal(f->test->job_count, 1);
    memset(context, 'x', strlen(context));
    memset(site, 0x55, sizeof(*site));
    test_env_run_jobs(f->test);
    f->request.site = &f->site;
    assert_string_equal(run(f).backend_token, "access-2");
}

static void a_token_that_has_expired_is_refreshed_first(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    f->place.backend.kind = RP_BACKEND_USER;
    test_env_advance(f->test, 301);
    provider_is_there(f);
    token_answer(f, 200, "{\"access_token\":\"access-2\",\"token_type\":\"bEARER\"}");
    reply = run(f);
    assert_int_equal(reply.outcome, RP_PASS);
    assert_string_equal(reply.backend_token, "access-2");
    assert_string_equal(reply.session->record.refresh_token, "refresh-1");
}

static void invalid_grant_ends_the_session_and_the_user_signs_in_again(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    navigate(f);
    sign_in(f, 300);
    f->place.backend.kind = RP_BACKEND_USER;
    test_env_advance(f->test, 301);
    provider_is_there(f);
    token_answer(f, 400, "{\"error\":\"invalid_grant\"}");
    reply = run(f);
    assert_int_equal(reply.outcome, RP_REDIRECT);
    assert_int_equal(reply.error.id, RP_E_REFRESH_GRANT);
    f->place.backend.kind = RP_BACKEND_NONE;
    assert_int_equal(run(f).outcome, RP_REDIRECT);
}

typedef struct {
    int status;
    const char *body;
    rp_error_id_t error;
} refusal_row_t;

/* clang-format off */
static const refusal_row_t refusals[] = {
    {500, "{\"error\":\"server_error\"}", RP_E_REFRESH_FAILED},
    {400, "<html>", RP_E_REFRESH_FAILED},
    {400, "", RP_E_REFRESH_FAILED},
    {400, "{\"error\":\"invalid_client\"}", RP_E_REFRESH_FAILED},
    {401, "{\"error\":\"unauthorized_client\"}", RP_E_REFRESH_FAILED},
    {200, "{\"token_type\":\"Bearer\"}", RP_E_REFRESH_FAILED},
    {200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", RP_E_REFRESH_FAILED},
};
/* clang-format on */

static void no_other_refusal_ends_the_session(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    f->place.backend.kind = RP_BACKEND_USER;
    provider_is_there(f);
    test_env_advance(f->test, 301);
    for (apr_size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        token_answer(f, refusals[i].status, refusals[i].body);
        reply = run(f);
        assert_int_not_equal(reply.outcome, RP_PASS);
        assert_true(reply.status == 502 || reply.status == 503);
        assert_null(reply.backend_token);
        assert_string_equal(rp_error_row(reply.error.id)->name,
                            rp_error_row(refusals[i].error)->name);
        rp_forgive(&f->test->env);
        test_env_advance(f->test, RP_REFRESH_PAUSE_SECONDS + 1);
    }
    f->place.backend.kind = RP_BACKEND_NONE;
    assert_int_equal(run(f).outcome, RP_PASS);
}

static void a_provider_that_hangs_costs_the_token_and_not_the_session(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    sign_in(f, 300);
    f->place.backend.kind = RP_BACKEND_USER;
    provider_is_there(f);
    test_http_answer_error(f->http, TOKEN_URL, RP_E_PROVIDER_TIMEOUT);
    test_env_advance(f->test, 250);
    assert_string_equal(run(f).backend_token, "access-1");
    test_env_run_jobs(f->test);
    rp_forgive(&f->test->env);
    assert_string_equal(run(f).backend_token, "access-1");
    test_env_advance(f->test, 51);
    test_http_answer_error(f->http, TOKEN_URL, RP_E_PROVIDER_TIMEOUT);
    reply = run(f);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.error.id, RP_E_REFRESH_UNAVAILABLE);
    rp_forgive(&f->test->env);
    /* Within the pause nobody asks again. */
    reply = run(f);
    assert_int_equal(reply.error.id, RP_E_REFRESH_UNAVAILABLE);
    assert_int_equal(test_http_calls_to(f->http, TOKEN_URL), 2);
}

/* It read the session before the other's refresh, and takes the lease after it was given back. */
static void a_request_that_comes_late_to_a_refresh_does_not_use_the_old_token_again(void **state)
{
    fixture_t *f = *state;
    rp_env_t *env = &f->test->env;
    rp_session_tokens_t tokens = {.access_token = "access-2", .refresh_token = "refresh-2"};
    rp_reply_t late = {.session = NULL};
    rp_session_t *other;

    sign_in(f, 300);
    test_env_advance(f->test, 301);
    assert_int_equal(rp_access_session(&late.session, env, &f->request), APR_SUCCESS);
    assert_int_equal(rp_access_session(&other, env, &f->request), APR_SUCCESS);
    assert_int_equal(rp_session_renew(env, &f->site.realm, other, &tokens), APR_SUCCESS);
    f->place.backend.kind = RP_BACKEND_USER;
    assert_int_equal(rp_backend_token(&late, env, &f->request), APR_SUCCESS);
    assert_string_equal(late.backend_token, "access-2");
    assert_int_equal(test_http_calls_to(f->http, TOKEN_URL), 0);
    /* Nobody is kept from refreshing by it. */
    assert_int_equal(rp_session_lease_take(env, late.session, apr_time_from_sec(20)), APR_SUCCESS);
    rp_session_lease_end(env, late.session, 0);
    /* And when the session has ended meanwhile, there is none. */
    assert_int_equal(rp_access_session(&late.session, env, &f->request), APR_SUCCESS);
    late.session->record.token_expires = 1;
    assert_int_equal(rp_session_end(env, &f->site.realm, other), APR_SUCCESS);
    assert_int_equal(rp_backend_token(&late, env, &f->request), APR_NOTFOUND);
    assert_int_equal(test_http_calls_to(f->http, TOKEN_URL), 0);
}

static void without_a_refresh_token_an_expired_token_asks_for_a_new_login(void **state)
{
    fixture_t *f = *state;
    rp_record_t record = {.provider = "",
                          .context = f->provider.context,
                          .subject = "alice",
                          .access_token = "access-1",
                          .token_issued = f->test->now,
                          .token_expires = f->test->now + apr_time_from_sec(60)};

    have_session(f, &record);
    f->place.backend.kind = RP_BACKEND_USER;
    assert_string_equal(run(f).backend_token, "access-1");
    test_env_advance(f->test, 60);
    assert_int_equal(run(f).outcome, RP_CHALLENGE);
}

static void a_token_that_the_session_does_not_have_is_no_token(void **state)
{
    fixture_t *f = *state;
    rp_record_t record = {.provider = "", .context = f->provider.context, .subject = "alice"};
    rp_reply_t reply;

    have_session(f, &record);
    f->place.backend.kind = RP_BACKEND_ID;
    reply = run(f);
    assert_int_equal(reply.status, 502);
    assert_int_equal(reply.error.id, RP_E_BACKEND_TOKEN);
}

static void signed_in_but_not_allowed_is_forbidden_and_no_login(void **state)
{
    fixture_t *f = *state;
    rp_reply_t reply;

    navigate(f);
    rp_access_forbidden(&reply, &f->test->env, &f->request, "bob");
    assert_int_equal(reply.outcome, RP_FORBID);
    assert_int_equal(reply.status, 403);
    assert_int_equal(reply.error.id, RP_E_FORBIDDEN);
    assert_non_null(reply.reference);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int run_flow_access_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_live_session_passes_without_a_call_to_the_provider),
        TEST(a_navigation_without_a_session_goes_to_the_provider),
        TEST(a_program_without_a_session_gets_a_challenge),
        TEST(the_place_decides_what_happens_without_a_session),
        TEST(two_different_session_cookies_are_refused),
        TEST(a_store_that_is_down_lets_nobody_through),
        TEST(a_session_of_another_provider_or_client_is_not_signed_in_here),
        TEST(a_user_without_the_claim_is_refused_and_not_sent_to_the_login),
        TEST(the_backend_gets_the_token_that_was_asked_for),
        TEST(a_token_that_soon_expires_is_refreshed_without_waiting),
        TEST(a_refresh_is_given_up_for_lost_when_it_cannot_be_running_any_more),
        TEST(a_deferred_refresh_needs_nothing_of_its_request),
        TEST(a_token_that_has_expired_is_refreshed_first),
        TEST(invalid_grant_ends_the_session_and_the_user_signs_in_again),
        TEST(no_other_refusal_ends_the_session),
        TEST(a_provider_that_hangs_costs_the_token_and_not_the_session),
        TEST(a_request_that_comes_late_to_a_refresh_does_not_use_the_old_token_again),
        TEST(without_a_refresh_token_an_expired_token_asks_for_a_new_login),
        TEST(a_token_that_the_session_does_not_have_is_no_token),
        TEST(signed_in_but_not_allowed_is_forbidden_and_no_login),
    };

    return cmocka_run_group_tests_name("flow: access and refresh", tests, NULL, NULL);
}
