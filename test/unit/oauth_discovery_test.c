/* Where metadata comes from: the well-known addresses, a file, and the last good copy on disk. */
#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/rp_limits.h"
#include "oauth_groups.h"
#include "test_store.h"

#define HTML "text/html"
#define JSON "application/json"

static void the_repeated_failure_keeps_its_detail(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata;

    test_http_answer(oauth->http, WELL_KNOWN, 301, HTML, "")->location = "/right\n";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rp_metadata_get(&metadata, oauth->env, &oauth->provider), RP_FAILED);
        assert_int_equal(oauth->env->error.id, RP_E_METADATA_REDIRECT);
        assert_non_null(strstr(oauth->env->error.detail, "/right"));
        assert_null(strchr(oauth->env->error.detail, '\n'));
        rp_forgive(oauth->env);
    }
    oauth_calls(oauth, 1);
}

static const oauth_answer_t answers[] = {
    {"a redirect", 302, JSON, "{}", RP_E_METADATA_REDIRECT},
    {"a permanent redirect", 308, JSON, "{}", RP_E_METADATA_REDIRECT},
    {"another success", 204, JSON, "", RP_E_METADATA_INVALID},
    {"broken", 500, JSON, "{}", RP_E_PROVIDER_UNREACHABLE},
    {"overloaded", 429, JSON, "{}", RP_E_PROVIDER_UNREACHABLE},
    {"HTML", 200, HTML, "{}", RP_E_METADATA_INVALID},
    {"no content type", 200, "", "{}", RP_E_METADATA_INVALID},
    {"no JSON", 200, JSON, "<html>", RP_E_METADATA_INVALID},
    {"nothing", 200, JSON, "", RP_E_METADATA_INVALID},
    {"another issuer", 200, JSON, "{\"issuer\":\"https://evil.example\"}", RP_E_METADATA_ISSUER},
};

static void get_anew(oauth_t *oauth)
{
    int calls = test_http_calls(oauth->http);
    const rp_metadata_t *metadata;

    oauth->env->store = test_store_make(oauth->env->pool);
    assert_int_equal(rp_metadata_get(&metadata, oauth->env, oauth_another_process(oauth)),
                     RP_FAILED);
    oauth_calls(oauth, calls + 1);
}

static void stops_after_an_answer_that_cannot_be_used(void **state)
{
    oauth_each_answer(*state, WELL_KNOWN, answers, COUNT(answers), get_anew);
}

static void falls_back_to_the_other_well_known_address(void **state)
{
    static const int statuses[] = {404, 400, 403, 410};
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(statuses); i++) {
        oauth->env->store = test_store_make(oauth->env->pool);
        test_http_answer(oauth->http, WELL_KNOWN, statuses[i], HTML, "no");
        test_http_answer(oauth->http, WELL_KNOWN_OAUTH, 200, JSON, oauth_document(oauth, NULL));
        oauth_get(oauth, oauth_another_process(oauth));
        oauth_calls(oauth, 2 * (int)i + 2);
    }
}

static void plain_oauth_asks_the_other_way_round(void **state)
{
    oauth_t *oauth = *state;

    oauth->provider.profile = RP_PROFILE_OAUTH2;
    test_http_answer(oauth->http, WELL_KNOWN_OAUTH, 404, HTML, "no");
    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    assert_string_equal(test_http_call(oauth->http, 0)->url, WELL_KNOWN_OAUTH);
    assert_string_equal(test_http_call(oauth->http, 1)->url, WELL_KNOWN);
}

static void says_so_when_neither_address_has_metadata(void **state)
{
    oauth_t *oauth = *state;

    test_http_answer(oauth->http, WELL_KNOWN, 404, HTML, "no");
    test_http_answer(oauth->http, WELL_KNOWN_OAUTH, 404, HTML, "no");
    oauth_get_fails(oauth, &oauth->provider, RP_E_METADATA_INVALID);
}

static void a_configured_address_has_no_fallback(void **state)
{
    oauth_t *oauth = *state;

    oauth->provider.metadata = "https://op.example/metadata.json";
    test_http_answer(oauth->http, oauth->provider.metadata, 404, HTML, "no");
    oauth_get_fails(oauth, &oauth->provider, RP_E_METADATA_INVALID);
    oauth_calls(oauth, 1);
}

static char *make_state_dir(oauth_t *oauth)
{
    char *dir = apr_pstrdup(oauth->env->pool, "/tmp/oauth_document_test.XXXXXX");

    assert_non_null(mkdtemp(dir));
    oauth->env->state_dir = dir;
    return dir;
}

/* Removes the directory; returns how many files there were. */
static int remove_state_dir(const char *dir, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_dir_t *open;
    int count = 0;

    assert_int_equal(apr_dir_open(&open, dir, pool), APR_SUCCESS);
    while (apr_dir_read(&info, APR_FINFO_NAME | APR_FINFO_TYPE, open) == APR_SUCCESS) {
        if (info.filetype == APR_REG) {
            count++;
            apr_file_remove(apr_pstrcat(pool, dir, "/", info.name, NULL), pool);
        }
    }
    apr_dir_close(open);
    assert_int_equal(rmdir(dir), 0);
    return count;
}

static void the_last_good_copy_survives_the_store(void **state)
{
    oauth_t *oauth = *state;
    const char *dir = make_state_dir(oauth);

    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    test_env_advance(oauth->test, 10 * 86400);
    oauth->env->store = test_store_make(oauth->env->pool);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_UNREACHABLE);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, oauth_another_process(oauth))),
                        TOKEN);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, oauth_another_process(oauth))),
                        TOKEN);
    oauth_calls(oauth, 2);
    test_env_advance(oauth->test, 20 * 86400 + 1);
    oauth->env->store = test_store_make(oauth->env->pool);
    test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_UNREACHABLE);
    oauth_get_fails(oauth, oauth_another_process(oauth), RP_E_PROVIDER_UNREACHABLE);
    assert_int_equal(remove_state_dir(dir, oauth->env->pool), 1);
}

static void a_damaged_file_is_no_copy(void **state)
{
    static const char *const damages[] = {"", "\1", "\2 twenty bytes of junk", "\1 more than that"};
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const char *dir = make_state_dir(oauth);
    apr_finfo_t info;
    apr_dir_t *open;
    apr_file_t *file;

    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
    assert_int_equal(apr_dir_open(&open, dir, pool), APR_SUCCESS);
    do {
        assert_int_equal(apr_dir_read(&info, APR_FINFO_NAME | APR_FINFO_TYPE, open), APR_SUCCESS);
    } while (info.filetype != APR_REG);
    for (size_t i = 0; i < COUNT(damages); i++) {
        assert_int_equal(apr_file_open(&file, apr_pstrcat(pool, dir, "/", info.name, NULL),
                                       APR_WRITE | APR_TRUNCATE, APR_OS_DEFAULT, pool),
                         APR_SUCCESS);
        assert_int_equal(apr_file_puts(damages[i], file), APR_SUCCESS);
        apr_file_close(file);
        oauth->env->store = test_store_make(pool);
        test_http_answer_error(oauth->http, WELL_KNOWN, RP_E_PROVIDER_UNREACHABLE);
        oauth_get_fails(oauth, oauth_another_process(oauth), RP_E_PROVIDER_UNREACHABLE);
    }
    apr_dir_close(open);
    assert_int_equal(remove_state_dir(dir, pool), 1);
}

static void a_state_directory_that_cannot_be_written_costs_no_login(void **state)
{
    oauth_t *oauth = *state;

    oauth->env->state_dir = "/nonexistent/state";
    oauth_answer(oauth, NULL);
    oauth_get(oauth, &oauth->provider);
}

static void metadata_can_be_a_file_that_is_read_again(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    char *dir = make_state_dir(oauth);
    const char *path = apr_pstrcat(pool, dir, "/op.json", NULL);
    apr_file_t *file;

    oauth->env->state_dir = NULL;
    oauth->env->store = NULL;
    oauth->provider.metadata = apr_pstrcat(pool, "file:", path, NULL);
    oauth_get_fails(oauth, &oauth->provider, RP_E_METADATA_INVALID);
    assert_int_equal(apr_file_open(&file, path, APR_WRITE | APR_CREATE, APR_OS_DEFAULT, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_file_puts(oauth_document(oauth, NULL), file), APR_SUCCESS);
    apr_file_close(file);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)), TOKEN);
    assert_int_equal(remove_state_dir(dir, pool), 1);
    test_env_advance(oauth->test, RP_METADATA_MIN_SECONDS + 1);
    assert_string_equal(oauth_token_endpoint(oauth_get(oauth, &oauth->provider)), TOKEN);
    oauth_calls(oauth, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_discovery_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_repeated_failure_keeps_its_detail),
        TEST(stops_after_an_answer_that_cannot_be_used),
        TEST(falls_back_to_the_other_well_known_address),
        TEST(plain_oauth_asks_the_other_way_round),
        TEST(says_so_when_neither_address_has_metadata),
        TEST(a_configured_address_has_no_fallback),
        TEST(the_last_good_copy_survives_the_store),
        TEST(a_damaged_file_is_no_copy),
        TEST(a_state_directory_that_cannot_be_written_costs_no_login),
        TEST(metadata_can_be_a_file_that_is_read_again),
    };

    return cmocka_run_group_tests_name("oauth discovery", tests, NULL, NULL);
}
