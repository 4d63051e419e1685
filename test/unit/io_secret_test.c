#include "io_secret_test.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/rp_limits.h"
#include "../../src/io/rp_secret.h"

#define NOBODY ((apr_uid_t)-1)

const char *scratch_make(test_env_t *test)
{
    char *dir = apr_pstrdup(test->env.pool, "/tmp/io_secret_test.XXXXXX");

    assert_non_null(mkdtemp(dir));
    return dir;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void scratch_destroy(const char *dir)
{
    assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *scratch_file(test_env_t *test, const char *dir, const char *name, const char *content,
                         size_t len, mode_t mode)
{
    const char *path = apr_pstrcat(test->env.pool, dir, "/", name, NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static void expect_secret(test_env_t *test, const char *source, const char *data, size_t len)
{
    rp_secret_t secret;
    const char *why;
    apr_status_t rv = rp_secret_read(&secret, source, NOBODY, test->env.pool, &why);

    if (rv != APR_SUCCESS) {
        fail_msg("%s: %s", source, why);
    }
    assert_null(why);
    assert_int_equal(secret.len, len);
    assert_memory_equal(secret.data, data, len);
    assert_int_equal(secret.data[len], 0);
}

/* The message has to name each of the two. */
static void expect_refusal(test_env_t *test, const char *source, const char *one, const char *two)
{
    rp_secret_t secret;
    const char *why;
    apr_status_t rv = rp_secret_read(&secret, source, NOBODY, test->env.pool, &why);

    if (rv == APR_SUCCESS) {
        fail_msg("%s was accepted", source);
    }
    assert_null(secret.data);
    assert_int_equal(secret.len, 0);
    assert_non_null(why);
    if (!strstr(why, one) || !strstr(why, two)) {
        fail_msg("%s: %s", source, why);
    }
}

static void expect_file_refusal(test_env_t *test, const char *path, const char *word)
{
    rp_secret_t secret;
    const char *why;

    assert_int_not_equal(rp_secret_read_file(&secret, path, NOBODY, test->env.pool, &why),
                         APR_SUCCESS);
    assert_null(secret.data);
    assert_non_null(strstr(why, word));
}

static void drops_one_newline_and_nothing_else(void **state)
{
    static const struct {
        const char *content;
        size_t len;
        size_t secret_len;
    } rows[] = {
        {"secret", 6, 6},       {"secret\n", 7, 6}, {"secret\r\n", 8, 6}, {"secret\n\n", 8, 7},
        {" secret \n", 9, 8},   {"\nsecret", 7, 7}, {"se\ncret\n", 8, 7}, {"secret\r", 7, 7},
        {"\0\1\377\0\n", 5, 4}, {"x", 1, 1},
    };
    test_env_t *test = test_env_make();
    const char *dir = scratch_make(test);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name = apr_psprintf(test->env.pool, "s%d", (int)i);
        const char *path = scratch_file(test, dir, name, rows[i].content, rows[i].len, 0600);

        expect_secret(test, apr_pstrcat(test->env.pool, "file:", path, NULL), rows[i].content,
                      rows[i].secret_len);
    }
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void accepts_no_file_that_others_can_reach(void **state)
{
    static const struct {
        mode_t mode;
        int accepted;
    } rows[] = {
        {0400, 1}, {0600, 1}, {0700, 1}, {0604, 0}, {0602, 0}, {0601, 0}, {0640, 0},
        {0620, 0}, {0610, 0}, {0644, 0}, {0666, 0}, {0777, 0}, {0440, 0}, {0004, 0},
    };
    test_env_t *test = test_env_make();
    const char *dir = scratch_make(test);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name = apr_psprintf(test->env.pool, "s%d", (int)i);
        const char *path = scratch_file(test, dir, name, "secret", 6, rows[i].mode | 0400);
        const char *source = apr_pstrcat(test->env.pool, "file:", path, NULL);

        if (rows[i].accepted) {
            expect_secret(test, source, "secret", 6);
        } else {
            expect_refusal(test, source, path, "chmod 600");
        }
    }
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void judges_what_a_symbolic_link_leads_to(void **state)
{
    test_env_t *test = test_env_make();
    apr_pool_t *pool = test->env.pool;
    const char *dir = scratch_make(test);
    const char *link_path = apr_pstrcat(pool, dir, "/link", NULL);
    const char *source = apr_pstrcat(pool, "file:", link_path, NULL);

    (void)state;
    assert_int_equal(symlink("target", link_path), 0);
    expect_refusal(test, source, link_path, "No such file");
    scratch_file(test, dir, "target", "secret", 6, 0600);
    expect_secret(test, source, "secret", 6);
    assert_int_equal(chmod(apr_pstrcat(pool, dir, "/target", NULL), 0644), 0);
    expect_refusal(test, source, link_path, "0644");
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void accepts_no_file_of_another_user(void **state)
{
    test_env_t *test = test_env_make();
    const char *dir = scratch_make(test);
    const char *path = scratch_file(test, dir, "s", "secret", 6, 0600);
    rp_secret_t secret;
    const char *why;

    (void)state;
    if (geteuid() != 0) {
        scratch_destroy(dir);
        test_env_destroy(test);
        skip();
    }
    assert_int_equal(chown(path, 12345, 0), 0);
    expect_refusal(test, apr_pstrcat(test->env.pool, "file:", path, NULL), path, "12345");
    assert_int_equal(rp_secret_read_file(&secret, path, NOBODY, test->env.pool, &why), APR_EINVAL);
    /* The user of the child processes may have it. */
    assert_int_equal(rp_secret_read_file(&secret, path, 12345, test->env.pool, &why), APR_SUCCESS);
    assert_int_equal(rp_secret_read(&secret, apr_pstrcat(test->env.pool, "file:", path, NULL),
                                    12345, test->env.pool, &why),
                     APR_SUCCESS);
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void accepts_nothing_that_is_no_file_of_a_sensible_size(void **state)
{
    static char large[RP_MAX_SECRET + 2];
    test_env_t *test = test_env_make();
    apr_pool_t *pool = test->env.pool;
    const char *dir = scratch_make(test);
    const char *fifo = apr_pstrcat(pool, dir, "/fifo", NULL);
    const char *path;

    (void)state;
    memset(large, 'x', sizeof(large));
    large[RP_MAX_SECRET] = '\n';
    path = scratch_file(test, dir, "largest", large, RP_MAX_SECRET + 1, 0600);
    expect_secret(test, apr_pstrcat(pool, "file:", path, NULL), large, RP_MAX_SECRET);
    large[RP_MAX_SECRET] = 'x';
    path = scratch_file(test, dir, "large", large, RP_MAX_SECRET + 1, 0600);
    expect_refusal(test, apr_pstrcat(pool, "file:", path, NULL), path, "longer than 4096");
    path = scratch_file(test, dir, "empty", "", 0, 0600);
    expect_refusal(test, apr_pstrcat(pool, "file:", path, NULL), path, "empty");
    path = scratch_file(test, dir, "newline", "\r\n", 2, 0600);
    expect_refusal(test, apr_pstrcat(pool, "file:", path, NULL), path, "empty");
    expect_refusal(test, apr_pstrcat(pool, "file:", dir, NULL), dir, "not a regular file");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_refusal(test, apr_pstrcat(pool, "file:", fifo, NULL), fifo, "not a regular file");
    expect_refusal(test, "file:relative/path", "relative/path", "absolute");
    expect_refusal(test, "file:", "file:", "absolute");
    expect_refusal(test, "file:/nonexistent/secret", "/nonexistent/secret", "No such file");
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void reads_an_environment_variable(void **state)
{
    static char large[RP_MAX_SECRET + 2];
    test_env_t *test = test_env_make();

    (void)state;
    memset(large, 'x', RP_MAX_SECRET + 1);
    setenv("TEST_SECRET", "from the environment\n", 1);
    expect_secret(test, "env:TEST_SECRET", "from the environment", 20);
    setenv("TEST_SECRET", "", 1);
    expect_refusal(test, "env:TEST_SECRET", "TEST_SECRET", "empty");
    setenv("TEST_SECRET", large, 1);
    expect_refusal(test, "env:TEST_SECRET", "TEST_SECRET", "longer");
    unsetenv("TEST_SECRET");
    expect_refusal(test, "env:TEST_SECRET", "TEST_SECRET", "not set");
    expect_refusal(test, "env:", "env:", "name");
    expect_refusal(test, "env:A=B", "env:", "name");
    expect_refusal(test, "env:1A", "env:", "name");
    test_env_destroy(test);
}

static void takes_what_a_program_prints(void **state)
{
    test_env_t *test = test_env_make();

    (void)state;
    expect_secret(test, "exec:/bin/echo one two", "one two", 7);
    expect_secret(test, "exec:/bin/echo 'one  two' \"three\"", "one  two three", 14);
    expect_secret(test, "exec:/usr/bin/printf a\\\\nb", "a\nb", 3);
    /* No shell reads the command line. */
    expect_secret(test, "exec:/bin/echo $HOME;id", "$HOME;id", 8);
    test_env_destroy(test);
}

static void lets_no_program_ask_at_standard_input(void **state)
{
    test_env_t *test = test_env_make();
    const char *dir = scratch_make(test);
    int input = open(scratch_file(test, dir, "typed", "typed", 5, 0600), O_RDONLY);
    int before = dup(STDIN_FILENO);

    (void)state;
    assert_true(input >= 0 && before >= 0);
    assert_int_equal(dup2(input, STDIN_FILENO), STDIN_FILENO);
    expect_secret(test, "exec:/bin/sh -c \"cat; echo end\"", "end", 3);
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
    close(input);
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void takes_nothing_from_a_program_that_fails(void **state)
{
    static const struct {
        const char *source;
        const char *one;
        const char *two;
    } rows[] = {
        {"exec:/bin/false", "/bin/false", "exit with 0"},
        {"exec:/bin/sh -c \"echo s; exit 3\"", "/bin/sh", "exit with 0"},
        {"exec:/bin/sh -c \"echo s; kill -9 $$\"", "/bin/sh", "exit with 0"},
        {"exec:/bin/true", "prints", "empty"},
        {"exec:/bin/sh -c \"head -c 5000 /dev/zero\"", "/bin/sh", "more than"},
        {"exec:/usr/bin/yes", "/usr/bin/yes", "more than"},
        {"exec:/nonexistent/program", "/nonexistent/program", "cannot be run"},
        {"exec:echo s", "absolute path", "exec:"},
        {"exec:", "absolute path", "exec:"},
    };
    test_env_t *test = test_env_make();
    rp_secret_t secret;
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_refusal(test, rows[i].source, rows[i].one, rows[i].two);
    }
    assert_int_not_equal(
        rp_secret_read(&secret, "exec:/bin/false confidential", NOBODY, test->env.pool, &why),
        APR_SUCCESS);
    assert_null(strstr(why, "confidential"));
    test_env_destroy(test);
}

static void reads_a_credential_of_the_service(void **state)
{
    test_env_t *test = test_env_make();
    const char *dir = scratch_make(test);

    (void)state;
    scratch_file(test, dir, "oauth", "from systemd\n", 13, 0440);
    scratch_file(test, dir, "open", "from systemd\n", 13, 0444);
    unsetenv("CREDENTIALS_DIRECTORY");
    expect_refusal(test, "credential:oauth", "LoadCredential=oauth:", "systemd");
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    expect_secret(test, "credential:oauth", "from systemd", 12);
    expect_refusal(test, "credential:open", dir, "0444");
    expect_refusal(test, "credential:missing", dir, "No such file");
    expect_refusal(test, "credential:../oauth", "credential:", "slash");
    expect_refusal(test, "credential:..", "credential:", "slash");
    expect_refusal(test, "credential:", "credential:", "slash");
    unsetenv("CREDENTIALS_DIRECTORY");
    scratch_destroy(dir);
    test_env_destroy(test);
}

static void says_when_the_secret_stands_in_the_configuration(void **state)
{
    static char large[RP_MAX_SECRET + 2];
    test_env_t *test = test_env_make();
    rp_secret_t secret;
    const char *why;

    (void)state;
    memset(large, 'x', RP_MAX_SECRET + 1);
    assert_int_equal(rp_secret_read(&secret, "vault:s3cret\n", NOBODY, test->env.pool, &why),
                     APR_SUCCESS);
    assert_int_equal(secret.literal, 1);
    assert_int_equal(secret.len, 13);
    assert_string_equal((const char *)secret.data, "vault:s3cret\n");
    assert_int_equal(rp_secret_read(&secret, "exec:/bin/echo x", NOBODY, test->env.pool, &why),
                     APR_SUCCESS);
    assert_int_equal(secret.literal, 0);
    expect_refusal(test, "", "the secret", "empty");
    expect_refusal(test, large, "the secret", "longer");
    test_env_destroy(test);
}

/* Run as a cleanup of the same pool, after the secret's own: the memory is still there. */
static apr_status_t expect_zeros(void *data)
{
    static const unsigned char zeros[6];
    const rp_secret_t *secret = data;

    assert_memory_equal(secret->data, zeros, sizeof(zeros));
    return APR_SUCCESS;
}

static void wipes_a_secret_with_its_pool(void **state)
{
    test_env_t *test = test_env_make();
    rp_secret_t secret = {NULL, 0, 0};
    const char *why;
    apr_pool_t *pool;

    (void)state;
    assert_int_equal(apr_pool_create(&pool, test->env.pool), APR_SUCCESS);
    apr_pool_cleanup_register(pool, &secret, expect_zeros, apr_pool_cleanup_null);
    assert_int_equal(rp_secret_read(&secret, "secret", NOBODY, pool, &why), APR_SUCCESS);
    assert_string_equal((const char *)secret.data, "secret");
    apr_pool_destroy(pool);
    test_env_destroy(test);
}

static void reads_a_file_as_it_is_under_the_same_rules(void **state)
{
    test_env_t *test = test_env_make();
    const char *dir = scratch_make(test);
    char *large = apr_palloc(test->env.pool, RP_MAX_KEY_FILE + 1);
    rp_secret_t secret;
    const char *why;

    (void)state;
    memset(large, 'x', RP_MAX_KEY_FILE + 1);
    assert_int_equal(rp_secret_read_file(&secret,
                                         scratch_file(test, dir, "good", "a\nb\n", 4, 0600), NOBODY,
                                         test->env.pool, &why),
                     APR_SUCCESS);
    assert_null(why);
    assert_int_equal(secret.len, 4);
    assert_string_equal((const char *)secret.data, "a\nb\n");
    assert_int_equal(
        rp_secret_read_file(&secret, scratch_file(test, dir, "most", large, RP_MAX_KEY_FILE, 0600),
                            NOBODY, test->env.pool, &why),
        APR_SUCCESS);
    assert_int_equal(secret.len, RP_MAX_KEY_FILE);
    expect_file_refusal(test, scratch_file(test, dir, "open", "a", 1, 0640), "0640");
    expect_file_refusal(test, scratch_file(test, dir, "empty", "", 0, 0600), "empty");
    expect_file_refusal(test, scratch_file(test, dir, "large", large, RP_MAX_KEY_FILE + 1, 0600),
                        "longer");
    expect_file_refusal(test, dir, "regular file");
    expect_file_refusal(test, "/nowhere/key", "/nowhere/key");
    scratch_destroy(dir);
    test_env_destroy(test);
}

int run_io_secret_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_one_newline_and_nothing_else),
        cmocka_unit_test(accepts_no_file_that_others_can_reach),
        cmocka_unit_test(judges_what_a_symbolic_link_leads_to),
        cmocka_unit_test(accepts_no_file_of_another_user),
        cmocka_unit_test(accepts_nothing_that_is_no_file_of_a_sensible_size),
        cmocka_unit_test(reads_an_environment_variable),
        cmocka_unit_test(takes_what_a_program_prints),
        cmocka_unit_test(lets_no_program_ask_at_standard_input),
        cmocka_unit_test(takes_nothing_from_a_program_that_fails),
        cmocka_unit_test(reads_a_credential_of_the_service),
        cmocka_unit_test(says_when_the_secret_stands_in_the_configuration),
        cmocka_unit_test(reads_a_file_as_it_is_under_the_same_rules),
        cmocka_unit_test(wipes_a_secret_with_its_pool),
    };
    int failed = cmocka_run_group_tests_name("io: secrets", tests, NULL, NULL);

    return failed + run_io_file_tests();
}
