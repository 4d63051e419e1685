#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/oauth/rp_keys.h"
#include "oauth_groups.h"

#define JSON "application/json"

static rp_http_response_t *answer(oauth_t *oauth, const test_key_t *key)
{
    return test_http_answer(oauth->http, JWKS, 200, JSON,
                            test_sign_jwks(oauth->env->pool, key, NULL));
}

static const rp_jwks_t *get(oauth_t *oauth, const rp_metadata_t *metadata)
{
    const rp_jwks_t *keys = NULL;

    assert_int_equal(rp_keys_get(&keys, oauth->env, metadata), APR_SUCCESS);
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
    assert_non_null(keys);
    return keys;
}

static const rp_jwks_t *refetch(oauth_t *oauth, const rp_metadata_t *metadata)
{
    const rp_jwks_t *keys = NULL;

    assert_int_equal(rp_keys_refetch(&keys, oauth->env, metadata), APR_SUCCESS);
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
    assert_non_null(keys);
    return keys;
}

static int has(const rp_jwks_t *keys, const char *kid)
{
    return rp_jwks_select(keys, RP_ALG_RS256, kid, 0) != NULL;
}

static void calls(oauth_t *oauth, int count)
{
    assert_int_equal(test_http_calls_to(oauth->http, JWKS), count);
}

/* The provider as another process has it. */
static const rp_metadata_t *another_process(oauth_t *oauth)
{
    rp_provider_t *provider = apr_pmemdup(oauth->env->pool, &oauth->provider, sizeof(*provider));
    rp_metadata_t *metadata =
        apr_pmemdup(oauth->env->pool, oauth_metadata(oauth, NULL), sizeof(*metadata));

    assert_int_equal(rp_provider_cache_make(provider, oauth->env->pool), APR_SUCCESS);
    metadata->provider = provider;
    return metadata;
}

static void asks_for_keys_once_for_all_processes(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, NULL);

    answer(oauth, oauth->key);
    assert_true(has(get(oauth, metadata), "k1"));
    assert_true(has(get(oauth, metadata), "k1"));
    assert_true(has(get(oauth, another_process(oauth)), "k1"));
    calls(oauth, 1);
}

static void keys_of_another_address_are_other_keys(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, NULL);
    const rp_metadata_t *moved =
        oauth_metadata(oauth, "{\"jwks_uri\":\"https://op.example/keys2\"}");
    const test_key_t *other = test_key_make("RS256", "k2", 1, oauth->env->pool);

    answer(oauth, oauth->key);
    test_http_answer(oauth->http, "https://op.example/keys2", 200, JSON,
                     test_sign_jwks(oauth->env->pool, other, NULL));
    assert_true(has(get(oauth, metadata), "k1"));
    assert_false(has(get(oauth, moved), "k1"));
    assert_true(has(get(oauth, moved), "k2"));
}

typedef struct {
    const char *row;
    int status;
    const char *body;
    rp_error_id_t id;
} answer_row_t;

static const answer_row_t answers[] = {
    {"not there", 404, "{\"keys\":[]}", RP_E_KEYS_INVALID},
    {"a redirect", 302, "{\"keys\":[]}", RP_E_KEYS_INVALID},
    {"broken", 503, "{\"keys\":[]}", RP_E_PROVIDER_UNREACHABLE},
    {"no JSON", 200, "<html>", RP_E_KEYS_INVALID},
    {"no key set", 200, "{}", RP_E_KEYS_INVALID},
    {"keys no list", 200, "{\"keys\":{}}", RP_E_KEYS_INVALID},
};

static void refuses_what_is_no_key_set(void **state)
{
    oauth_t *oauth = *state;
    const rp_jwks_t *keys;

    for (size_t i = 0; i < COUNT(answers); i++) {
        test_http_answer(oauth->http, JWKS, answers[i].status, JSON, answers[i].body);
        assert_int_equal(rp_keys_get(&keys, oauth->env, another_process(oauth)), RP_FAILED);
        assert_null(keys);
        oauth_expect(oauth, answers[i].row, answers[i].id);
        test_env_advance(oauth->test, RP_METADATA_RETRY_SECONDS + 1);
    }
}

static void a_provider_without_key_set_has_no_keys(void **state)
{
    oauth_t *oauth = *state;
    rp_metadata_t metadata = *oauth_metadata(oauth, NULL);
    const rp_jwks_t *keys;

    metadata.endpoints[RP_ENDPOINT_JWKS] = NULL;
    assert_int_equal(rp_keys_get(&keys, oauth->env, &metadata), RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_KEYS_INVALID);
    assert_int_equal(rp_keys_refetch(&keys, oauth->env, &metadata), RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_KEYS_INVALID);
}

static void fetches_anew_once_for_all_processes_within_the_pause(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, NULL);
    const rp_metadata_t *other = another_process(oauth);
    const test_key_t *next = test_key_make("RS256", "k2", 1, oauth->env->pool);

    answer(oauth, oauth->key);
    get(oauth, metadata);
    get(oauth, other);
    answer(oauth, next);
    test_env_advance(oauth->test, 1);
    assert_true(has(refetch(oauth, metadata), "k2"));
    assert_true(has(get(oauth, metadata), "k2"));
    assert_false(has(get(oauth, other), "k2"));
    assert_true(has(refetch(oauth, other), "k2"));
    assert_true(has(refetch(oauth, other), "k2"));
    calls(oauth, 2);
    test_env_advance(oauth->test, RP_JWKS_REFETCH_SECONDS + 1);
    answer(oauth, next);
    refetch(oauth, other);
    calls(oauth, 3);
}

static void a_fetch_anew_that_fails_leaves_the_keys_and_counts(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, NULL);
    apr_time_t start = oauth->test->now;

    answer(oauth, oauth->key);
    get(oauth, metadata);
    test_http_answer_error(oauth->http, JWKS, RP_E_PROVIDER_TIMEOUT);
    assert_true(has(refetch(oauth, metadata), "k1"));
    assert_true(has(refetch(oauth, metadata), "k1"));
    calls(oauth, 2);
    assert_int_equal(oauth->test->now, start); /* nobody waited for what is over */
}

/* Another process that does not know the new key either, while the first one is asking. */
typedef struct {
    oauth_t *oauth;
    const rp_metadata_t *other;
    const test_key_t *next;
    int waited;
} second_t;

static apr_status_t ask_meanwhile(rp_http_response_t *response, rp_env_t *env,
                                  const rp_http_request_t *request, void *ctx)
{
    second_t *second = ctx;
    rp_env_t other = *env;
    apr_time_t start = second->oauth->test->now;
    const rp_jwks_t *keys;

    (void)request;
    assert_int_equal(rp_keys_refetch(&keys, &other, second->other), APR_SUCCESS);
    assert_true(has(keys, "k1"));
    second->waited = (int)apr_time_sec(second->oauth->test->now - start);
    response->body = test_sign_jwks(env->pool, second->next, NULL);
    response->body_len = strlen(response->body);
    return APR_SUCCESS;
}

static void waits_a_bounded_time_for_another_fetch_anew(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, NULL);
    second_t second = {oauth, another_process(oauth),
                       test_key_make("RS256", "k2", 1, oauth->env->pool), 0};

    answer(oauth, oauth->key);
    get(oauth, metadata);
    get(oauth, second.other);
    test_http_answer_with(oauth->http, JWKS, ask_meanwhile, &second);
    assert_true(has(refetch(oauth, metadata), "k2"));
    assert_in_range(second.waited, 5, 6);
    calls(oauth, 2);
}

static void keys_are_renewed_by_a_job(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata;
    const test_key_t *next = test_key_make("RS256", "k2", 1, oauth->env->pool);

    test_http_answer(oauth->http, WELL_KNOWN, 200, JSON, oauth_document(oauth, NULL));
    assert_int_equal(rp_metadata_get(&metadata, oauth->env, &oauth->provider), APR_SUCCESS);
    answer(oauth, oauth->key)->max_age = 1000;
    get(oauth, metadata);
    test_env_advance(oauth->test, 900);
    assert_true(has(get(oauth, metadata), "k1"));
    assert_int_equal(oauth->test->job_count, 1);
    answer(oauth, next);
    test_env_run_jobs(oauth->test);
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
    assert_true(has(get(oauth, metadata), "k2"));
    calls(oauth, 2);
}

static void an_empty_key_set_replaces_the_old_one(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata = oauth_metadata(oauth, NULL);

    answer(oauth, oauth->key)->max_age = 1000;
    get(oauth, metadata);
    test_env_advance(oauth->test, 1001);
    test_http_answer(oauth->http, JWKS, 200, JSON, "{\"keys\":[]}");
    assert_int_equal(rp_jwks_count(get(oauth, metadata)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_keys_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_for_keys_once_for_all_processes),
        TEST(keys_of_another_address_are_other_keys),
        TEST(refuses_what_is_no_key_set),
        TEST(a_provider_without_key_set_has_no_keys),
        TEST(fetches_anew_once_for_all_processes_within_the_pause),
        TEST(a_fetch_anew_that_fails_leaves_the_keys_and_counts),
        TEST(waits_a_bounded_time_for_another_fetch_anew),
        TEST(keys_are_renewed_by_a_job),
        TEST(an_empty_key_set_replaces_the_old_one),
    };

    return cmocka_run_group_tests_name("oauth keys", tests, NULL, NULL);
}
