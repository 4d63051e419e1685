/* The secret and the keys of a process that runs while their files change. */
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/oauth/rp_credentials.h"
#include "oauth_groups.h"

#define SECONDS 1

/* A provider whose secret is in a file, as a process that serves has it. */
typedef struct {
    oauth_t *oauth;
    const char *dir;
    const char *file;
} followed_t;

/* As an administrator replaces a file: the name leads to the new one at once. */
static void write_file(const followed_t *it, const char *file, const char *content, mode_t mode)
{
    const char *temporary = apr_pstrcat(it->oauth->env->pool, file, ".new", NULL);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    assert_int_equal(rename(temporary, file), 0);
}

static void start(followed_t *it)
{
    const char *why;
    rp_provider_t *provider = &it->oauth->provider;

    assert_int_equal(rp_secret_read(&provider->client_secret, provider->client_secret_source,
                                    (apr_uid_t)-1, it->oauth->env->pool, &why),
                     APR_SUCCESS);
    assert_int_equal(rp_credentials_follow(provider, it->oauth->env->pool), APR_SUCCESS);
}

static int setup(void **state)
{
    followed_t *it;
    oauth_t *oauth;
    char *dir;

    oauth_setup(state);
    oauth = *state;
    it = apr_pcalloc(oauth->env->pool, sizeof(*it));
    it->oauth = oauth;
    dir = apr_pstrdup(oauth->env->pool, "/tmp/oauth_credentials_test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    it->dir = dir;
    it->file = apr_pstrcat(oauth->env->pool, dir, "/secret", NULL);
    oauth->provider.client_secret_source = apr_pstrcat(oauth->env->pool, "file:", it->file, NULL);
    oauth->provider.client_secret_user = (apr_uid_t)-1;
    /* Files are made now, which is long after the time of the tests. */
    write_file(it, it->file, "first\n", 0600);
    start(it);
    *state = it;
    return 0;
}

static int teardown(void **state)
{
    followed_t *it = *state;
    const char *dir = strdup(it->dir);
    const char *file = strdup(it->file);

    *state = it->oauth;
    oauth_teardown(state);
    unlink(file);
    rmdir(dir);
    free((void *)(uintptr_t)dir);
    free((void *)(uintptr_t)file);
    return 0;
}

static const char *secret(const followed_t *it)
{
    return (const char *)rp_credentials_secret(it->oauth->env, &it->oauth->provider)->data;
}

static void later(const followed_t *it)
{
    test_env_advance(it->oauth->test, SECONDS);
}

/* Runs the jobs; how many of them had something to report. */
static int reports(const followed_t *it)
{
    test_env_t *test = it->oauth->test;
    int count = 0;

    for (int i = 0; i < test->job_count; i++) {
        test->jobs[i].fn(&test->env, test->jobs[i].data);
        if (test->env.error.id != RP_E_NONE) {
            assert_non_null(strstr(test->env.error.detail, "OAuthClientSecret"));
            assert_non_null(strstr(test->env.error.detail, it->file));
            test_env_expect_error(test, RP_E_SECRET_CHANGED);
            count++;
        }
    }
    test->job_count = 0;
    return count;
}

static void a_changed_secret_is_used_within_a_second(void **state)
{
    followed_t *it = *state;

    assert_string_equal(secret(it), "first");
    write_file(it, it->file, "second\n", 0600);
    assert_string_equal(secret(it), "first");
    later(it);
    assert_string_equal(secret(it), "second");
    assert_int_equal(reports(it), 0);
}

static void a_request_keeps_the_secret_that_it_took(void **state)
{
    followed_t *it = *state;
    rp_env_t *env = it->oauth->env;
    apr_pool_t *own = env->pool;
    const rp_secret_t *taken;

    write_file(it, it->file, "second\n", 0600);
    taken = rp_credentials_secret(env, &it->oauth->provider);
    assert_string_equal((const char *)taken->data, "second");
    for (int i = 0; i < 3; i++) {
        write_file(it, it->file, i % 2 ? "another one\n" : "third\n", 0600);
        later(it);
        apr_pool_create(&env->pool, own);
        assert_string_equal(secret(it), i % 2 ? "another one" : "third");
        apr_pool_destroy(env->pool);
        env->pool = own;
    }
    assert_string_equal((const char *)taken->data, "second");
}

static void what_others_can_read_is_refused_once(void **state)
{
    followed_t *it = *state;

    assert_string_equal(secret(it), "first");
    write_file(it, it->file, "second\n", 0644);
    for (int i = 0; i < 3; i++) {
        later(it);
        assert_string_equal(secret(it), "first");
    }
    assert_int_equal(reports(it), 1);
    /* The rights alone have changed, which is a change as well. */
    assert_int_equal(chmod(it->file, 0600), 0);
    later(it);
    assert_string_equal(secret(it), "second");
    assert_int_equal(chmod(it->file, 0640), 0);
    later(it);
    assert_string_equal(secret(it), "second");
    assert_int_equal(reports(it), 1);
}

static void another_process_does_not_report_the_same_again(void **state)
{
    followed_t *it = *state;
    rp_provider_t *other = oauth_another_process(it->oauth);

    assert_string_equal(secret(it), "first");
    write_file(it, it->file, "", 0600);
    later(it);
    assert_string_equal(secret(it), "first");
    assert_string_equal((const char *)rp_credentials_secret(it->oauth->env, other)->data, "first");
    assert_int_equal(it->oauth->test->job_count, 2);
    assert_int_equal(reports(it), 1);
}

static void what_could_not_be_reported_is_looked_at_again(void **state)
{
    followed_t *it = *state;
    test_env_t *test = it->oauth->test;

    secret(it);
    write_file(it, it->file, "", 0600);
    test->job_count = TEST_JOBS_MAX;
    later(it);
    assert_string_equal(secret(it), "first");
    test->job_count = 0;
    later(it);
    assert_string_equal(secret(it), "first");
    assert_int_equal(reports(it), 1);
}

static void a_file_that_is_gone_is_missed_and_may_come_back(void **state)
{
    followed_t *it = *state;

    assert_string_equal(secret(it), "first");
    assert_int_equal(unlink(it->file), 0);
    later(it);
    assert_string_equal(secret(it), "first");
    assert_int_equal(reports(it), 1);
    write_file(it, it->file, "second\n", 0600);
    later(it);
    assert_string_equal(secret(it), "second");
}

/* The clock of the test is set to when the file is written. */
static void a_file_that_is_being_written_is_not_judged_yet(void **state)
{
    followed_t *it = *state;
    test_env_t *test = it->oauth->test;
    struct stat st;

    assert_string_equal(secret(it), "first");
    write_file(it, it->file, "", 0600);
    assert_int_equal(stat(it->file, &st), 0);
    test->now = apr_time_from_sec(st.st_mtim.tv_sec + 1);
    assert_string_equal(secret(it), "first");
    assert_int_equal(reports(it), 0);
    later(it);
    later(it);
    assert_string_equal(secret(it), "first");
    assert_int_equal(reports(it), 1);
}

static void what_only_root_may_read_is_not_missed(void **state)
{
    followed_t *it = *state;
    int root = geteuid() == 0;

    assert_int_equal(chmod(it->file, root ? 0600 : 0), 0);
    if (root) {
        assert_int_equal(chmod(it->dir, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    assert_int_equal(rp_credentials_follow(&it->oauth->provider, it->oauth->env->pool),
                     APR_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(secret(it), "first");
        later(it);
    }
    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(it->oauth->test->job_count, 0);
}

static void only_files_are_followed(void **state)
{
    followed_t *it = *state;
    apr_pool_t *pool = it->oauth->env->pool;

    assert_string_equal(rp_secret_path("file:/a", pool), "/a");
    assert_null(rp_secret_path("env:A", pool));
    assert_null(rp_secret_path("exec:/bin/a", pool));
    assert_null(rp_secret_path("/a", pool));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/c", 1), 0);
    assert_string_equal(rp_secret_path("credential:a", pool), "/run/c/a");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_null(rp_secret_path("credential:a", pool));
}

static void a_changed_key_signs(void **state)
{
    followed_t *it = *state;
    oauth_t *oauth = it->oauth;
    apr_pool_t *pool = oauth->env->pool;
    const apr_array_header_t *keys = oauth_client_keys(oauth, "ES256", NULL);
    rp_client_key_t *line = APR_ARRAY_IDX(keys, 0, rp_client_key_t *);
    const char *first = rp_private_key_kid(line->key);
    const rp_private_key_t *key;

    line->file = it->file;
    line->user = (apr_uid_t)-1;
    oauth->provider.client_keys = keys;
    oauth->provider.client_secret_source = NULL;
    write_file(it, it->file, "no key", 0600);
    assert_int_equal(rp_credentials_follow(&oauth->provider, pool), APR_SUCCESS);
    key = rp_credentials_key(oauth->env, &oauth->provider, 0);
    assert_string_equal(rp_private_key_kid(key), first);
    assert_null(rp_credentials_key(oauth->env, &oauth->provider, 1));
    test_env_run_jobs(oauth->test);
    assert_non_null(strstr(oauth->env->error.detail, "OAuthClientKey"));
    test_env_expect_error(oauth->test, RP_E_SECRET_CHANGED);
    write_file(it, it->file, test_sign_pem(test_key_make("EdDSA", NULL, 2, pool), pool), 0600);
    later(it);
    key = rp_credentials_key(oauth->env, &oauth->provider, 0);
    assert_string_not_equal(rp_private_key_kid(key), first);
    assert_int_equal(rp_private_key_algs(key), 1u << RP_ALG_EDDSA);
}

/* --- threads --- */

#define ROUNDS 400

static void *APR_THREAD_FUNC ask(apr_thread_t *thread, void *data)
{
    const followed_t *it = data;
    rp_env_t env = *it->oauth->env;
    test_env_t own = *it->oauth->test;
    apr_size_t wrong = 0;

    env.ctx = &own;
    for (int i = 0; i < ROUNDS; i++) {
        const rp_secret_t *found;
        const char *text;

        own.now += apr_time_from_sec(1);
        own.job_count = 0;
        apr_pool_create(&env.pool, NULL);
        found = rp_credentials_secret(&env, &it->oauth->provider);
        text = (const char *)found->data;
        wrong +=
            strlen(text) != found->len || strspn(text, *text == 'f' ? "first" : "ab") != found->len;
        apr_pool_destroy(env.pool);
    }
    apr_thread_exit(thread, wrong ? APR_EGENERAL : APR_SUCCESS);
    return NULL;
}

static void threads_see_whole_secrets_only(void **state)
{
    followed_t *it = *state;
    apr_thread_t *threads[4];

    for (int i = 0; i < 4; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, ask, it, it->oauth->env->pool),
                         APR_SUCCESS);
    }
    for (int i = 0; i < ROUNDS / 4; i++) {
        write_file(it, it->file, i % 2 ? "aaaaaaaaaaaaaaaa\n" : "bbbbbbbb\n", 0600);
    }
    for (int i = 0; i < 4; i++) {
        apr_status_t result;

        assert_int_equal(apr_thread_join(&result, threads[i]), APR_SUCCESS);
        assert_int_equal(result, APR_SUCCESS);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int run_oauth_credentials_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_changed_secret_is_used_within_a_second),
        TEST(a_request_keeps_the_secret_that_it_took),
        TEST(what_others_can_read_is_refused_once),
        TEST(another_process_does_not_report_the_same_again),
        TEST(what_could_not_be_reported_is_looked_at_again),
        TEST(a_file_that_is_gone_is_missed_and_may_come_back),
        TEST(a_file_that_is_being_written_is_not_judged_yet),
        TEST(what_only_root_may_read_is_not_missed),
        TEST(only_files_are_followed),
        TEST(a_changed_key_signs),
        TEST(threads_see_whole_secrets_only),
    };

    return cmocka_run_group_tests_name("oauth credentials", tests, NULL, NULL);
}
