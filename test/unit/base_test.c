#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_buf.h"

/* Fails the running test, naming the row of the catalogue. */
static void fail_row(const char *name)
{
    fail_msg("row: %s", name);
}

static int setup(void **state)
{
    *state = test_env_make();
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

static void collects_what_is_appended(void **state)
{
    test_env_t *test = *state;
    rp_buf_t buf;

    rp_buf_init(&buf, 100, test->env.pool);
    assert_string_equal(rp_buf_text(&buf), "");
    assert_int_equal(rp_buf_puts(&buf, "ab"), APR_SUCCESS);
    assert_int_equal(rp_buf_putc(&buf, 'c'), APR_SUCCESS);
    assert_int_equal(rp_buf_put(&buf, "d\0e", 3), APR_SUCCESS);
    assert_int_equal(rp_buf_put(&buf, NULL, 0), APR_SUCCESS);
    assert_int_equal(buf.len, 6);
    assert_memory_equal(rp_buf_text(&buf), "abcd\0e", 7);
}

static void reaches_its_cap_exactly_and_stays_full_after_it(void **state)
{
    test_env_t *test = *state;
    rp_buf_t buf;

    rp_buf_init(&buf, 4, test->env.pool);
    assert_int_equal(rp_buf_puts(&buf, "abcd"), APR_SUCCESS);
    assert_int_equal(rp_buf_status(&buf), APR_SUCCESS);
    assert_int_equal(rp_buf_putc(&buf, 'e'), APR_ENOSPC);
    assert_int_equal(rp_buf_puts(&buf, ""), APR_ENOSPC);
    assert_int_equal(rp_buf_status(&buf), APR_ENOSPC);
    assert_string_equal(rp_buf_text(&buf), "abcd");
}

static void keeps_what_it_had_when_an_append_is_too_long(void **state)
{
    test_env_t *test = *state;
    rp_buf_t buf;

    rp_buf_init(&buf, 4, test->env.pool);
    assert_int_equal(rp_buf_puts(&buf, "abc"), APR_SUCCESS);
    assert_int_equal(rp_buf_puts(&buf, "de"), APR_ENOSPC);
    assert_int_equal(rp_buf_putc(&buf, 'd'), APR_ENOSPC);
    assert_string_equal(rp_buf_text(&buf), "abc");
    assert_int_equal(buf.len, 3);
}

static void holds_nothing_with_a_cap_of_nothing(void **state)
{
    test_env_t *test = *state;
    rp_buf_t buf;

    rp_buf_init(&buf, 0, test->env.pool);
    assert_int_equal(rp_buf_puts(&buf, ""), APR_SUCCESS);
    assert_int_equal(rp_buf_putc(&buf, 'a'), APR_ENOSPC);
    assert_string_equal(rp_buf_text(&buf), "");
}

static void keeps_every_byte_while_it_grows(void **state)
{
    test_env_t *test = *state;
    const apr_size_t size = 100000;
    rp_buf_t buf;

    rp_buf_init(&buf, size, test->env.pool);
    for (apr_size_t i = 0; i < size; i++) {
        assert_int_equal(rp_buf_putc(&buf, (char)('a' + i % 26)), APR_SUCCESS);
    }
    for (apr_size_t i = 0; i < size; i++) {
        assert_int_equal(rp_buf_text(&buf)[i], 'a' + i % 26);
    }
    assert_int_equal(rp_buf_text(&buf)[size], '\0');
    assert_int_equal(rp_buf_putc(&buf, 'x'), APR_ENOSPC);
}

static void lists_errors_by_ascending_ids_of_four_digits(void **state)
{
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    (void)state;
    assert_true(count > 0);
    for (apr_size_t i = 0; i < count; i++) {
        assert_in_range(rows[i].id, 1000, 9999);
        if (i && rows[i].id <= rows[i - 1].id) {
            fail_row(rows[i].name);
        }
    }
}

static void gives_each_error_a_name_of_its_own(void **state)
{
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    (void)state;
    for (apr_size_t i = 0; i < count; i++) {
        for (apr_size_t j = i + 1; j < count; j++) {
            assert_string_not_equal(rows[i].name, rows[j].name);
        }
    }
}

static int is_sentence(const char *text)
{
    apr_size_t len = strlen(text);

    return len > 10 && text[len - 1] == '.' && text[0] != ' ' && !strstr(text, "  ");
}

/* A failed revocation is logged, and the logout goes on: nobody reads a page about it. */
static int is_read_by_users(const rp_error_row_t *row)
{
    return row->status != 0 && row->id != RP_E_REVOCATION;
}

static void tells_the_administrator_what_to_do_and_the_user_what_happened(void **state)
{
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    (void)state;
    for (apr_size_t i = 0; i < count; i++) {
        if (!is_sentence(rows[i].admin)) {
            fail_row(rows[i].name);
        }
        if (is_read_by_users(&rows[i]) ? !is_sentence(rows[i].user) : *rows[i].user) {
            fail_row(rows[i].name);
        }
    }
}

/* The page escapes nothing of the fixed catalogue away, and a log line stays one line. */
static void words_errors_without_markup_or_controls(void **state)
{
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    (void)state;
    for (apr_size_t i = 0; i < count; i++) {
        assert_null(strpbrk(rows[i].user, "<>&\"\r\n\t"));
        assert_null(strpbrk(rows[i].admin, "\r\n\t"));
    }
}

static void answers_errors_with_a_status_that_fits_whose_fault_it_is(void **state)
{
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    (void)state;
    for (apr_size_t i = 0; i < count; i++) {
        const rp_error_row_t *row = &rows[i];

        assert_non_null(rp_fault_name(row->fault));
        assert_true(*rp_fault_name(row->fault));
        /* No request fails because of what the server tells its administrator. */
        assert_int_equal(row->status == 0, row->id < 1100 || row->id == RP_E_STORE_FULL ||
                                               row->id == RP_E_SECRET_CHANGED);
        if (row->status != 0 && (row->status < 400 || row->status > 599)) {
            fail_row(row->name);
        }
        if ((row->fault == RP_FAULT_BROWSER || row->fault == RP_FAULT_USER) && row->status >= 500) {
            fail_row(row->name);
        }
    }
}

static void finds_the_row_of_each_error_and_an_internal_one_for_others(void **state)
{
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    (void)state;
    for (apr_size_t i = 0; i < count; i++) {
        assert_ptr_equal(rp_error_row(rows[i].id), &rows[i]);
    }
    assert_string_equal(rp_error_row(RP_E_STATE_INVALID)->name, "STATE_INVALID");
    assert_int_equal(rp_error_row(RP_E_STATE_INVALID)->id, 1201);
    assert_int_equal(rp_error_row(RP_E_NONE)->id, RP_E_INTERNAL);
    assert_int_equal(rp_error_row((rp_error_id_t)9999)->id, RP_E_INTERNAL);
}

static void keeps_the_first_cause_until_it_is_forgiven(void **state)
{
    test_env_t *test = *state;
    rp_env_t *env = &test->env;

    assert_int_equal(env->error.id, RP_E_NONE);
    assert_int_equal(rp_fail(env, RP_E_STATE_EXPIRED, "issued %d s ago", 700), RP_FAILED);
    assert_int_equal(rp_fail(env, RP_E_STORE, "later"), RP_FAILED);
    assert_int_equal(env->error.id, RP_E_STATE_EXPIRED);
    assert_string_equal(env->error.detail, "issued 700 s ago");
    rp_forgive(env);
    assert_int_equal(env->error.id, RP_E_NONE);
    assert_null(env->error.detail);
    assert_int_equal(rp_fail(env, RP_E_STORE, "later"), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
}

static void tells_the_time_that_the_operations_tell(void **state)
{
    test_env_t *test = *state;
    apr_time_t before = rp_now(&test->env);

    assert_int_equal(before, apr_time_from_sec(APR_TIME_C(1767225600)));
    test_env_advance(test, 30);
    assert_int_equal(rp_now(&test->env) - before, apr_time_from_sec(30));
}

static void fails_when_there_are_no_random_bytes(void **state)
{
    test_env_t *test = *state;
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};

    assert_int_equal(rp_random(&test->env, first, sizeof(first)), APR_SUCCESS);
    assert_int_equal(rp_random(&test->env, second, sizeof(second)), APR_SUCCESS);
    assert_memory_not_equal(first, second, sizeof(first));
    test->fail_at = test->calls + 1;
    assert_int_equal(rp_random(&test->env, first, sizeof(first)), RP_FAILED);
    assert_string_equal(test->env.error.detail, "no 32 random bytes");
    test_env_expect_error(test, RP_E_RANDOM);
}

static void keep_line(void *ctx, const char *line)
{
    *(const char **)ctx = line;
}

static void formats_debug_lines_for_those_who_listen_only(void **state)
{
    test_env_t *test = *state;
    const rp_env_ops_t listening = {.debug = keep_line};
    const rp_env_ops_t deaf = {.debug = NULL};
    const char *line = NULL;
    rp_env_t env = {.ops = &listening, .ctx = &line, .pool = test->env.pool};

    rp_debug(&env, "%d of %s", 3, "four");
    assert_string_equal(line, "3 of four");
    line = NULL;
    env.ops = &deaf;
    rp_debug(&env, "%d", 3);
    assert_null(line);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(collects_what_is_appended),
        TEST(reaches_its_cap_exactly_and_stays_full_after_it),
        TEST(keeps_what_it_had_when_an_append_is_too_long),
        TEST(holds_nothing_with_a_cap_of_nothing),
        TEST(keeps_every_byte_while_it_grows),
        TEST(lists_errors_by_ascending_ids_of_four_digits),
        TEST(gives_each_error_a_name_of_its_own),
        TEST(tells_the_administrator_what_to_do_and_the_user_what_happened),
        TEST(words_errors_without_markup_or_controls),
        TEST(answers_errors_with_a_status_that_fits_whose_fault_it_is),
        TEST(finds_the_row_of_each_error_and_an_internal_one_for_others),
        TEST(keeps_the_first_cause_until_it_is_forgiven),
        TEST(tells_the_time_that_the_operations_tell),
        TEST(fails_when_there_are_no_random_bytes),
        TEST(formats_debug_lines_for_those_who_listen_only),
    };
#undef TEST

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
