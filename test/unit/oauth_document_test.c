/* How metadata is got, shared, renewed and outlived. What counts is how often the provider is
 * asked, and what a request gets meanwhile. */
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/io/rp_store.h"
#include "../../src/oauth/rp_provider_cache.h"
#include "oauth_groups.h"
#include "test_store.h"

#define JSON "application/json"

static void asks_the_provider_once_for_all_processes(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *first;

    oauth_answer(oauth, NULL);
    first = oauth_get(oauth, &oauth->provider);
    assert_string_equal(oauth_token_endpoint(first), TOKEN);
    assert_ptr_equal(oauth_get(oauth, &oauth->provider), first);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, oauth_another_process(oauth))),
                        TOKEN);
    oauth_calls(oauth, 1);
    assert_string_equal(test_http_call(oauth->http, 0)->method, "GET");
    assert_string_equal(test_http_call(oauth->http, 0)->url, WELL_KNOWN);
    assert_ptr_equal(test_http_call(oauth->http, 0)->policy, &oauth->provider.http);
    assert_int_equal(test_store_count(oauth->env->store, oauth->env, RP_KIND_LEASE), 0);
}

static void providers_of_one_issuer_with_other_addresses_do_not_share(void **state)
{
    oauth_t *oauth = *state;
    rp_provider_t *other = oauth_another_process(oauth);

    other->metadata = "https://op.example/other.json";
    oauth_answer(oauth, NULL);
    test_http_answer(oauth->http, other->metadata, 200, JSON, oauth_document(oauth, NULL));
    oauth_get(oauth, &oauth->provider);
    oauth_get(oauth, other);
    oauth_calls(oauth, 2);
}

typedef struct {
    const char *row;
    apr_int64_t max_age;
    int seconds; /* the copy serves so long, to the second */
} life_row_t;

static const life_row_t lives[] = {
    {"not said", -1, RP_METADATA_DEFAULT_SECONDS},
    {"no-store", 0, RP_METADATA_MIN_SECONDS},
    {"as said", 1000, 1000},
    {"too long", APR_INT64_MAX, RP_METADATA_MAX_SECONDS},
};

static void keeps_a_copy_as_long_as_is_said_within_bounds(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(lives); i++) {
        rp_provider_t *late = oauth_another_process(oauth);
        int before = test_http_calls(oauth->http);

        oauth->env->store = test_store_make(oauth->env->pool);
        oauth_answer(oauth, NULL)->max_age = lives[i].max_age;
        oauth_get(oauth, late);
        test_env_advance(oauth->test, lives[i].seconds - 1);
        oauth_get(oauth, late);
        oauth_calls(oauth, before + 1);
        oauth->test->job_count = 0;
        test_env_advance(oauth->test, 20);
        oauth_answer(oauth, NULL);
        oauth_get(oauth, late);
        test_env_run_jobs(oauth->test);
        oauth_calls(oauth, before + 2);
        test_http_expect_all_used(oauth->http);
    }
}

static void renews_before_the_end_by_one_request_that_does_not_wait(void **state)
{
    oauth_t *oauth = *state;
    rp_provider_t *other = oauth_another_process(oauth);

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    oauth_get(oauth, other);
    test_env_advance(oauth->test, 801);
    oauth_get(oauth, &oauth->provider);
    oauth_get(oauth, &oauth->provider);
    oauth_get(oauth, other);
    assert_int_equal(oauth->test->job_count, 1);
    oauth_calls(oauth, 1);
    oauth_answer(oauth, "{\"token_endpoint\":\"https://op.example/token2\"}")->max_age = 1000;
    test_env_run_jobs(oauth->test);
    oauth_calls(oauth, 2);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)),
                        "https://op.example/token2");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, other)), "https://op.example/token2");
    test_env_advance(oauth->test, 700);
    oauth_get(oauth, other);
    assert_int_equal(oauth->test->job_count, 0);
    oauth_calls(oauth, 2);
}

static void leaves_a_renewal_that_cannot_be_deferred_to_a_later_request(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 900);
    oauth->test->job_count = TEST_JOBS_MAX;
    oauth_get(oauth, &oauth->provider);
    oauth_calls(oauth, 1);
    oauth->test->job_count = 0;
    oauth_get(oauth, &oauth->provider);
    assert_int_equal(oauth->test->job_count, 1);
}

static void nobody_waits_for_the_renewal_of_metadata_that_expired_today(void **state)
{
    oauth_t *oauth = *state;
    apr_time_t start;

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 1000 + RP_METADATA_STALE_SECONDS - 1);
    start = oauth->test->now;
    for (int i = 0; i < 3; i++) {
        /* The first has it renewed, which hangs; the others find that out. */
        assert_string_equal(oauth_token_endpoint(oauth_get(oauth, oauth_another_process(oauth))),
                            TOKEN);
        assert_int_equal(oauth->test->job_count, 1);
    }
    oauth_calls(oauth, 1);
    assert_int_equal(oauth->test->now, start);
    test_env_advance(oauth->test, 1);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_TIMEOUT);
    test_env_run_jobs(oauth->test);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)), TOKEN);
    oauth_calls(oauth, 2);
}

static void a_failed_renewal_disturbs_nobody_and_pauses(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 810);
    oauth_get(oauth, &oauth->provider);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_UNREACHABLE);
    test_env_run_jobs(oauth->test);
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
    oauth_get(oauth, oauth_another_process(oauth));
    assert_int_equal(oauth->test->job_count, 0);
    test_env_advance(oauth->test, RP_METADATA_PAUSE_SECONDS);
    oauth_get(oauth, &oauth->provider);
    assert_int_equal(oauth->test->job_count, 1);
}

static void the_last_good_copy_serves_while_the_provider_is_down(void **state)
{
    oauth_t *oauth = *state;
    rp_provider_t *other = oauth_another_process(oauth);

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 5 * 86400);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_TIMEOUT);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)), TOKEN);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, other)), TOKEN);
    test_env_advance(oauth->test, RP_METADATA_PAUSE_SECONDS - 1);
    oauth_get(oauth, &oauth->provider);
    oauth_calls(oauth, 2);
    test_env_advance(oauth->test, 2);
    oauth_answer(oauth, "{\"token_endpoint\":\"https://op.example/token2\"}");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, other)), "https://op.example/token2");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)),
                        "https://op.example/token2");
    oauth_calls(oauth, 3);
}

static void a_copy_serves_no_longer_than_its_thirty_days(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, RP_METADATA_KEEP_SECONDS + 1);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_TLS);
    oauth_get_fails(oauth, &oauth->provider, RP_E_PROVIDER_TLS);
}

static void a_copy_from_a_future_that_was_corrected_does_not_serve(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, -86400);
    oauth_answer(oauth, "{\"token_endpoint\":\"https://op.example/token2\"}");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)),
                        "https://op.example/token2");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)),
                        "https://op.example/token2");
    oauth_calls(oauth, 2);
}

static void a_bad_new_document_does_not_push_out_the_good_one(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 1001 + RP_METADATA_STALE_SECONDS);
    oauth_answer(oauth, "{\"issuer\":\"https://evil.example\"}");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)), TOKEN);
    oauth_calls(oauth, 2);
}

static void without_a_copy_a_failure_is_repeated_without_asking_for_a_moment(void **state)
{
    oauth_t *oauth = *state;

    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_TLS);
    oauth_get_fails(oauth, &oauth->provider, RP_E_PROVIDER_TLS);
    oauth_get_fails(oauth, &oauth->provider, RP_E_PROVIDER_TLS);
    test_env_advance(oauth->test, RP_METADATA_RETRY_SECONDS - 1);
    oauth_get_fails(oauth, oauth_another_process(oauth), RP_E_PROVIDER_TLS);
    oauth_calls(oauth, 1);
    test_env_advance(oauth->test, 1);
    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    oauth_calls(oauth, 2);
}

/* Another request that comes while the first one is asking. */
typedef struct {
    oauth_t *oauth;
    rp_provider_t *other;
    rp_error_id_t id;
} second_t;

static apr_status_t ask_meanwhile(rp_http_response_t *response, rp_env_t *env,
                                  const rp_http_request_t *request, void *ctx)
{
    second_t *second = ctx;
    rp_env_t other = *env;
    const rp_metadata_t *metadata;

    (void)request;
    assert_int_equal(rp_metadata_get(&metadata, &other, second->other), RP_FAILED);
    second->id = other.error.id;
    response->body = oauth_document(second->oauth, NULL);
    response->body_len = strlen(response->body);
    return APR_SUCCESS;
}

static void who_waits_for_another_fetch_waits_no_longer_than_the_timeout(void **state)
{
    oauth_t *oauth = *state;
    second_t second = {oauth, oauth_another_process(oauth), RP_E_NONE};
    apr_time_t start = oauth->test->now;

    test_http_answer_with(oauth->http, WELL_KNOWN, ask_meanwhile, &second);
    oauth_get(oauth, &oauth->provider);
    assert_int_equal(second.id, RP_E_PROVIDER_TIMEOUT);
    oauth_calls(oauth, 1);
    assert_in_range(oauth->test->now - start, apr_time_from_sec(5), apr_time_from_sec(6));
    oauth_get(oauth, second.other);
    oauth_calls(oauth, 1);
}

/* Sleep lets the deferred renewal run, as another thread would meanwhile. */
static void sleep_and_let_run(void *ctx, apr_interval_time_t duration)
{
    test_env_t *test = ctx;
    rp_env_t own = test->env;

    test->now += duration;
    rp_forgive(&test->env);
    test_env_run_jobs(test);
    test->env.error = own.error;
}

/* The copy comes to the end of its use while its renewal is under way. */
static void begin_late_renewal(oauth_t *oauth)
{
    rp_env_ops_t *ops = apr_pmemdup(oauth->env->pool, oauth->env->ops, sizeof(*ops));

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 995 + RP_METADATA_STALE_SECONDS);
    oauth_get(oauth, &oauth->provider);
    assert_int_equal(oauth->test->job_count, 1);
    test_env_advance(oauth->test, 6);
    ops->sleep = sleep_and_let_run;
    oauth->env->ops = ops;
}

static void who_waits_for_another_fetch_gets_what_it_brings(void **state)
{
    oauth_t *oauth = *state;

    begin_late_renewal(oauth);
    oauth_answer(oauth, "{\"token_endpoint\":\"https://op.example/token2\"}");
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, oauth_another_process(oauth))),
                        "https://op.example/token2");
    oauth_calls(oauth, 2);
}

static void who_waits_for_another_fetch_that_fails_takes_the_last_good_copy(void **state)
{
    oauth_t *oauth = *state;

    begin_late_renewal(oauth);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_UNREACHABLE);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, oauth_another_process(oauth))),
                        TOKEN);
    oauth_calls(oauth, 2);
}

static void a_lease_of_a_process_that_died_lapses(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 995 + RP_METADATA_STALE_SECONDS);
    oauth_get(oauth, &oauth->provider);
    oauth->test->job_count = 0; /* dies with the job */
    test_env_advance(oauth->test, 12);
    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    oauth_calls(oauth, 2);
}

static void a_store_that_fails_refuses_unless_the_process_knows(void **state)
{
    oauth_t *oauth = *state;

    oauth_answer(oauth, NULL)->max_age = 1000;
    oauth_get(oauth, &oauth->provider);
    oauth->env->store = NULL;
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 900);
    oauth_get(oauth, &oauth->provider);
    oauth_get_fails(oauth, oauth_another_process(oauth), RP_E_STORE);
    test_env_advance(oauth->test, 200);
    oauth_get_fails(oauth, &oauth->provider, RP_E_STORE);
}

static void every_outside_call_may_fail_once(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata;
    apr_status_t rv = RP_FAILED;
    int n = 0;

    while (rv != APR_SUCCESS || oauth->test->calls >= n) {
        rp_provider_t *provider = oauth_another_process(oauth);

        assert_in_range(++n, 1, 20);
        oauth->env->store = test_store_make(oauth->env->pool);
        test_http_reset(oauth->http);
        oauth_answer(oauth, NULL);
        oauth->test->calls = 0;
        oauth->test->fail_at = n;
        rv = rp_metadata_get(&metadata, oauth->env, provider);
        assert_int_equal(rv == APR_SUCCESS, metadata != NULL);
        assert_int_equal(rv == APR_SUCCESS, oauth->env->error.id == RP_E_NONE);
        rp_forgive(oauth->env);
    }
    assert_true(n > 3);
}

static void a_copy_of_another_configuration_is_fetched_anew(void **state)
{
    oauth_t *oauth = *state;
    rp_provider_t *other = oauth_another_process(oauth);

    other->response_mode = RP_RESPONSE_FORM_POST;
    oauth_answer(oauth, "{\"response_modes_supported\":[\"query\"]}");
    oauth_get(oauth, &oauth->provider);
    oauth_answer(oauth, "{\"response_modes_supported\":[\"query\",\"form_post\"]}");
    oauth_get(oauth, other);
    oauth_calls(oauth, 2);
}

static void a_request_keeps_what_it_reads_through_a_renewal(void **state)
{
    oauth_t *oauth = *state;
    rp_env_t request = *oauth->env;
    const rp_metadata_t *old;

    apr_pool_create(&request.pool, oauth->env->pool);
    oauth_answer(oauth, NULL)->max_age = 1000;
    assert_int_equal(rp_metadata_get(&old, &request, &oauth->provider), APR_SUCCESS);
    for (int i = 0; i < 3; i++) {
        test_env_advance(oauth->test, 1001);
        oauth_answer(oauth, "{\"token_endpoint\":\"https://op.example/token2\"}")->max_age = 1000;
        oauth_get(oauth, &oauth->provider);
        test_env_run_jobs(oauth->test);
    }
    assert_string_equal(oauth_token_endpoint(old), TOKEN);
    apr_pool_destroy(request.pool);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)),
                        "https://op.example/token2");
}

#define THREADS 4
#define ROUNDS 2000

static void *APR_THREAD_FUNC churn(apr_thread_t *thread, void *data)
{
    rp_provider_cache_t *cache = data;
    const rp_generation_t *known;
    rp_generation_t *made;
    apr_pool_t *pool;

    for (int i = 0; i < ROUNDS; i++) {
        apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
        made = rp_generation_make("a", pool);
        made->fetched = i;
        made->parsed = apr_pstrdup(made->pool, "parsed");
        rp_provider_cache_put(cache, RP_CACHED_KEYS, made);
        rp_generation_drop(made);
        known = rp_provider_cache_get(cache, RP_CACHED_KEYS, "a", pool);
        if (!known || strcmp(known->parsed, "parsed") != 0) {
            apr_thread_exit(thread, APR_EGENERAL);
        }
        apr_pool_destroy(pool);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void threads_renew_and_read_at_the_same_time(void **state)
{
    oauth_t *oauth = *state;
    apr_thread_t *threads[THREADS];
    apr_status_t result;
    apr_status_t rv;

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(
            apr_thread_create(&threads[i], NULL, churn, oauth->provider.cache, oauth->env->pool),
            APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) {
        rv = apr_thread_join(&result, threads[i]);
        assert_int_equal(rv, APR_SUCCESS);
        assert_int_equal(result, APR_SUCCESS);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_document_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_the_provider_once_for_all_processes),
        TEST(providers_of_one_issuer_with_other_addresses_do_not_share),
        TEST(keeps_a_copy_as_long_as_is_said_within_bounds),
        TEST(renews_before_the_end_by_one_request_that_does_not_wait),
        TEST(leaves_a_renewal_that_cannot_be_deferred_to_a_later_request),
        TEST(nobody_waits_for_the_renewal_of_metadata_that_expired_today),
        TEST(a_failed_renewal_disturbs_nobody_and_pauses),
        TEST(the_last_good_copy_serves_while_the_provider_is_down),
        TEST(a_copy_serves_no_longer_than_its_thirty_days),
        TEST(a_copy_from_a_future_that_was_corrected_does_not_serve),
        TEST(a_bad_new_document_does_not_push_out_the_good_one),
        TEST(without_a_copy_a_failure_is_repeated_without_asking_for_a_moment),
        TEST(who_waits_for_another_fetch_waits_no_longer_than_the_timeout),
        TEST(who_waits_for_another_fetch_gets_what_it_brings),
        TEST(who_waits_for_another_fetch_that_fails_takes_the_last_good_copy),
        TEST(a_lease_of_a_process_that_died_lapses),
        TEST(a_store_that_fails_refuses_unless_the_process_knows),
        TEST(every_outside_call_may_fail_once),
        TEST(a_copy_of_another_configuration_is_fetched_anew),
        TEST(a_request_keeps_what_it_reads_through_a_renewal),
        TEST(threads_renew_and_read_at_the_same_time),
    };

    return cmocka_run_group_tests_name("oauth document", tests, NULL, NULL);
}
