#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_form.h"
#include "codec_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

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

static const struct {
    const char *text;
    const char *name;
    apr_status_t status;
    const char *value;
} fields[] = {
    {"code=x", "code", APR_SUCCESS, "x"},
    {"code=x&state=y", "state", APR_SUCCESS, "y"},
    {"code=x&state=y", "iss", APR_NOTFOUND, NULL},
    {"", "code", APR_NOTFOUND, NULL},
    {"&", "", APR_NOTFOUND, NULL},
    {"&&code=x&&", "code", APR_SUCCESS, "x"},
    {"code", "code", APR_SUCCESS, ""},
    {"code=", "code", APR_SUCCESS, ""},
    {"=x", "", APR_SUCCESS, "x"},
    {"code=a=b", "code", APR_SUCCESS, "a=b"},
    {"code=a+b%20c%2Bd", "code", APR_SUCCESS, "a b c+d"},
    {"c%6Fde=%41%7e%7E", "code", APR_SUCCESS, "A~~"},
    {"code=%26%3D%25", "code", APR_SUCCESS, "&=%"},
    {"code=a%2541", "code", APR_SUCCESS, "a%41"},
    {"code=%C3%A4", "code", APR_SUCCESS, "\xC3\xA4"},
    {"code=\xC3\xA4", "code", APR_SUCCESS, "\xC3\xA4"},
    {"code=%F0%9F%98%80", "code", APR_SUCCESS, "\xF0\x9F\x98\x80"},
    {"Code=x", "code", APR_NOTFOUND, NULL},
    {"code2=x&xcode=y", "code", APR_NOTFOUND, NULL},
    {"code=x;state=y", "state", APR_NOTFOUND, NULL},
    {"unknown=1&code=x&also_unknown", "code", APR_SUCCESS, "x"},
    /* C30: repeated, in whatever spelling */
    {"code=x&code=y", "code", APR_EINVAL, NULL},
    {"code=x&code=x", "code", APR_EINVAL, NULL},
    {"code=&code=x", "code", APR_EINVAL, NULL},
    {"code&code=x", "code", APR_EINVAL, NULL},
    {"code=x&c%6fde=y", "code", APR_EINVAL, NULL},
    {"state=x&a=1&state=y", "state", APR_EINVAL, NULL},
    {"iss=x&a=1&iss=y", "iss", APR_EINVAL, NULL},
    {"error=x&a=1&error=x", "error", APR_EINVAL, NULL},
    {"id_token=x&a=1&id_token=x", "id_token", APR_EINVAL, NULL},
    {"logout_token=x&a=1&logout_token=x", "logout_token", APR_EINVAL, NULL},
    {"a=1&code=x&a=2", "code", APR_SUCCESS, "x"},
};

static void tells_present_absent_and_repeated_apart(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(fields); i++) {
        const char *value = "unset";
        rp_form_t *form;

        assert_int_equal(
            rp_form_parse(&form, fields[i].text, strlen(fields[i].text), test->env.pool),
            APR_SUCCESS);
        if (rp_form_get(&value, form, fields[i].name) != fields[i].status) {
            fail_row(fields[i].text);
        }
        if (fields[i].value) {
            assert_string_equal(value, fields[i].value);
        } else {
            assert_null(value);
        }
    }
}

static const char *const broken[] = {
    "code=%",
    "code=%4",
    "code=%G1",
    "code=%1G",
    "code=%%41",
    "code=%u0041",
    "%=x",
    "a=1&b=%2",
    "code=%00",
    "code=a%00b",
    "co%00de=x",
    "code=%0A",
    "code=%0d%0a",
    "code=%09",
    "code=\t",
    "code=x\r\n",
    "code=%7F",
    "code=%1b[0m",
    "code=%C3",
    "code=%C3%28",
    "code=%C0%80",
    "code=%C0%AF",
    "code=%E0%80%AF",
    "code=%ED%A0%80",
    "code=%ED%BF%BF",
    "code=%F4%90%80%80",
    "code=%F5%80%80%80",
    "code=%FF",
    "code=%80",
    "code=\xE4",
    "code=%E2%82",
    "co%C3de=%A4",
    "code=%C3&x=%A4",
    "x=1&\xFF",
    "a=1&b=%4&c=1",
};

static void refuses_a_form_with_anything_broken_in_it(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(broken); i++) {
        rp_form_t *form = (rp_form_t *)test;

        if (rp_form_parse(&form, broken[i], strlen(broken[i]), test->env.pool) != APR_EINVAL) {
            fail_row(broken[i]);
        }
        assert_null(form);
    }
}

static void refuses_a_raw_nul(void **state)
{
    test_env_t *test = *state;
    rp_form_t *form;

    assert_int_equal(rp_form_parse(&form, "a=\0b", 4, test->env.pool), APR_EINVAL);
    assert_int_equal(rp_form_parse(&form, "a=b\0", 3, test->env.pool), APR_SUCCESS);
}

static void reads_nothing_behind_the_length_it_was_given(void **state)
{
    test_env_t *test = *state;
    const char *value;
    rp_form_t *form;

    assert_int_equal(rp_form_parse(&form, "a=%41", 4, test->env.pool), APR_EINVAL);
    assert_int_equal(rp_form_parse(&form, "a=%41", 3, test->env.pool), APR_EINVAL);
    assert_int_equal(rp_form_parse(&form, "a=\xC3\xA4", 3, test->env.pool), APR_EINVAL);
    assert_int_equal(rp_form_parse(&form, "a=bc&a=d", 3, test->env.pool), APR_SUCCESS);
    assert_int_equal(rp_form_get(&value, form, "a"), APR_SUCCESS);
    assert_string_equal(value, "b");
}

static void counts_fields_up_to_the_limit(void **state)
{
    test_env_t *test = *state;
    rp_form_t *form;
    rp_buf_t buf;

    rp_buf_init(&buf, RP_MAX_QUERY, test->env.pool);
    for (int i = 0; i < RP_MAX_FORM_FIELDS; i++) {
        rp_buf_puts(&buf, apr_psprintf(test->env.pool, "f%d=%d&", i, i));
    }
    assert_int_equal(rp_form_parse(&form, rp_buf_text(&buf), buf.len, test->env.pool), APR_SUCCESS);
    rp_buf_puts(&buf, "one=more");
    assert_int_equal(rp_form_parse(&form, rp_buf_text(&buf), buf.len, test->env.pool), APR_EINVAL);
}

static void measures_the_text_up_to_the_limit(void **state)
{
    test_env_t *test = *state;
    char *text = apr_palloc(test->env.pool, RP_MAX_FORM_BODY + 2);
    const char *value;
    rp_form_t *form;

    memset(text, 'a', RP_MAX_FORM_BODY + 2);
    text[1] = '=';
    assert_int_equal(rp_form_parse(&form, text, RP_MAX_FORM_BODY, test->env.pool), APR_SUCCESS);
    assert_int_equal(rp_form_get(&value, form, "a"), APR_SUCCESS);
    assert_int_equal(strlen(value), RP_MAX_FORM_BODY - 2);
    assert_int_equal(rp_form_parse(&form, text, RP_MAX_FORM_BODY + 1, test->env.pool), APR_EINVAL);
}

static void encodes_everything_but_unreserved_characters(void **state)
{
    test_env_t *test = *state;

    /* RFC 6749 appendix B, with %20 for its +. */
    assert_string_equal(rp_percent_encode(" %&+\xC2\xA3\xE2\x82\xAC", test->env.pool),
                        "%20%25%26%2B%C2%A3%E2%82%AC");
    assert_string_equal(rp_percent_encode("AZaz09-._~", test->env.pool), "AZaz09-._~");
    assert_string_equal(rp_percent_encode("", test->env.pool), "");
    assert_string_equal(rp_percent_encode("\x01\x7F/?#[]@!$'()*,;=:\"<>\\^`{|}", test->env.pool),
                        "%01%7F%2F%3F%23%5B%5D%40%21%24%27%28%29%2A%2C%3B%3D%3A%22%3C%3E%5C%5E%60"
                        "%7B%7C%7D");
}

static void reads_what_it_appends(void **state)
{
    test_env_t *test = *state;
    const char *value;
    rp_form_t *form;
    rp_buf_t buf;

    rp_buf_init(&buf, RP_MAX_QUERY, test->env.pool);
    rp_form_append(&buf, "scope", "openid profile");
    rp_form_append(&buf, "a&b", "=%+\xC3\xA4");
    rp_form_append(&buf, "empty", "");
    assert_string_equal(rp_buf_text(&buf), "scope=openid%20profile&a%26b=%3D%25%2B%C3%A4&empty=");
    assert_int_equal(rp_form_parse(&form, rp_buf_text(&buf), buf.len, test->env.pool), APR_SUCCESS);
    assert_int_equal(rp_form_get(&value, form, "a&b"), APR_SUCCESS);
    assert_string_equal(value, "=%+\xC3\xA4");
}

static void appends_to_a_url_without_a_needless_separator(void **state)
{
    static const char *const rows[][2] = {
        {"", "n=v"},
        {"/p?", "/p?n=v"},
        {"/p?a=1", "/p?a=1&n=v"},
        {"/p?a=1&", "/p?a=1&n=v"},
    };
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        rp_buf_t buf;

        rp_buf_init(&buf, RP_MAX_QUERY, test->env.pool);
        rp_buf_puts(&buf, rows[i][0]);
        rp_form_append(&buf, "n", "v");
        assert_string_equal(rp_buf_text(&buf), rows[i][1]);
    }
}

static void leaves_a_full_buffer_marked_as_full(void **state)
{
    test_env_t *test = *state;
    rp_buf_t buf;

    rp_buf_init(&buf, 8, test->env.pool);
    rp_form_append(&buf, "name", "value");
    assert_int_equal(rp_buf_status(&buf), APR_ENOSPC);
    assert_true(buf.len <= 8);
}

static void adds_a_query_to_any_url(void **state)
{
    static const char *const rows[][3] = {
        {"https://op/a", "x=1", "https://op/a?x=1"},
        {"https://op/a?", "x=1", "https://op/a?x=1"},
        {"https://op/a?y=2", "x=1", "https://op/a?y=2&x=1"},
        {"https://op/a?y=2&", "x=1", "https://op/a?y=2&x=1"},
        {"https://op/a?y=2", "", "https://op/a?y=2"},
        {"https://op/a#f", "x=1", "https://op/a?x=1#f"},
        {"https://op/a?y=2#f?g", "x=1", "https://op/a?y=2&x=1#f?g"},
    };
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(rp_url_add_query(rows[i][0], rows[i][1], test->env.pool), rows[i][2]);
    }
}

int run_codec_form_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_present_absent_and_repeated_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_form_with_anything_broken_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_raw_nul, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_nothing_behind_the_length_it_was_given, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(counts_fields_up_to_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(measures_the_text_up_to_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(encodes_everything_but_unreserved_characters, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(reads_what_it_appends, setup, teardown),
        cmocka_unit_test_setup_teardown(appends_to_a_url_without_a_needless_separator, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(leaves_a_full_buffer_marked_as_full, setup, teardown),
        cmocka_unit_test_setup_teardown(adds_a_query_to_any_url, setup, teardown),
    };

    return cmocka_run_group_tests_name("codec/form", tests, NULL, NULL);
}
