#include "test_env.h"

#include <string.h>

#include "../../src/codec/rp_html.h"
#include "codec_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define REPLACED "\xEF\xBF\xBD"

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

static void escapes_for_html_content_and_attributes(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"plain text", "plain text"},
        {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
        {"\" onload=\"x", "&quot; onload=&quot;x"},
        {"a&amp;b", "a&amp;amp;b"},
        {"\r\n\t", "&#x0D;&#x0A;&#x09;"},
        {"\x01\x1F\x7F", "&#x01;&#x1F;&#x7F;"},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"a\xFFz", "a" REPLACED "z"},
        {"\xC3", REPLACED},
        {"\xC0\xBC", REPLACED REPLACED},
        {"\xE0\x80\xBC<", REPLACED REPLACED REPLACED "&lt;"},
        {"\xC3<", REPLACED "&lt;"},
        {"\xED\xA0\x80", REPLACED REPLACED REPLACED},
    };
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(rp_html_escape(rows[i][0], test->env.pool), rows[i][1]);
    }
}

static const struct {
    const char *text;
    apr_size_t max;
    const char *escaped;
} lines[] = {
    {"", 10, ""},
    {"", 0, ""},
    {"plain text", 100, "plain text"},
    {"plain text", 10, "plain text"},
    {"plain text", 9, "plain tex..."},
    {"plain text", 0, "..."},
    {"a\r\nb", 100, "a\\x0D\\x0Ab"},
    {"\x1B[2J", 100, "\\x1B[2J"},
    {"\"a'\\", 100, "\\x22a\\x27\\x5C"},
    {"\x7F", 100, "\\x7F"},
    {"\xC2\x9B"
     "31m",
     100, "\\xC2\\x9B31m"},
    {"\xC2\xA0", 100, "\xC2\xA0"},
    {"\xC3\xA4", 100, "\xC3\xA4"},
    {"\xC3\xA4", 1, "..."},
    {"\xFF", 100, "\\xFF"},
    {"ab\n", 5, "ab..."},
    {"ab\n", 6, "ab\\x0A"},
    {"a\xC2\x9B", 8, "a..."},
};

static void escapes_and_cuts_for_a_log_line(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(lines); i++) {
        assert_string_equal(rp_log_escape(lines[i].text, lines[i].max, test->env.pool),
                            lines[i].escaped);
    }
}

/* RFC 3629 4 at each of its borders. */
static const struct {
    const char *text;
    apr_size_t len;
} characters[] = {
    {"\x7F", 1},
    {"\xC2\x80", 2},
    {"\xDF\xBF", 2},
    {"\xE0\xA0\x80", 3},
    {"\xED\x9F\xBF", 3},
    {"\xEE\x80\x80", 3},
    {"\xEF\xBF\xBF", 3},
    {"\xF0\x90\x80\x80", 4},
    {"\xF4\x8F\xBF\xBF", 4},
    {"\x80", 0},
    {"\xC0\x80", 0},
    {"\xC1\xBF", 0},
    {"\xC2\x7F", 0},
    {"\xC2\xC0", 0},
    {"\xE0\x9F\xBF", 0},
    {"\xED\xA0\x80", 0},
    {"\xE1\x80\xC0", 0},
    {"\xF0\x8F\xBF\xBF", 0},
    {"\xF1\x80\x80\x7F", 0},
    {"\xF4\x90\x80\x80", 0},
    {"\xF5\x80\x80\x80", 0},
    {"\xFE", 0},
    {"\xFF", 0},
};

static void knows_utf8_at_each_border(void **state)
{
    (void)state;
    for (apr_size_t i = 0; i < COUNT(characters); i++) {
        apr_size_t len = strlen(characters[i].text);

        if (rp_utf8_length(characters[i].text, len) != characters[i].len) {
            fail_row(characters[i].text);
        }
        assert_int_equal(rp_utf8_valid(characters[i].text, len), characters[i].len != 0);
        if (characters[i].len > 1) {
            assert_int_equal(rp_utf8_length(characters[i].text, len - 1), 0);
            assert_int_equal(rp_utf8_valid(characters[i].text, len - 1), 0);
        }
    }
    assert_int_equal(rp_utf8_length("a", 0), 0);
    assert_int_equal(rp_utf8_valid("", 0), 1);
    assert_int_equal(rp_utf8_valid("a\0b", 3), 1);
    assert_int_equal(rp_utf8_valid("abc\xC3\xA4xyz\xFF", 9), 0);
}

int run_codec_html_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(escapes_for_html_content_and_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(escapes_and_cuts_for_a_log_line, setup, teardown),
        cmocka_unit_test(knows_utf8_at_each_border),
    };

    return cmocka_run_group_tests_name("codec/html", tests, NULL, NULL);
}
