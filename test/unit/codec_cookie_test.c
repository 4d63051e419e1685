#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_buf.h"
#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_cookie.h"
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

/* What the cookie called sid is; value is NULL unless status is APR_SUCCESS. */
typedef struct {
    const char *header;
    apr_status_t status;
    const char *value;
} find_row_t;

static void check_find(const find_row_t *rows, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        const find_row_t *row = &rows[i];
        rp_cookie_value_t value = {"unset", 5};
        apr_status_t rv = rp_cookie_find(&value, row->header, "sid");

        if (rv != row->status) {
            fail_row(row->header ? row->header : "(none)");
        }
        if (!row->value) {
            assert_null(value.value);
            assert_int_equal(value.len, 0);
            continue;
        }
        assert_int_equal(value.len, strlen(row->value));
        assert_memory_equal(value.value, row->value, value.len);
    }
}

static void finds_a_cookie_wherever_it_stands(void **state)
{
    static const find_row_t rows[] = {
        {"sid=x", APR_SUCCESS, "x"},
        {"a=1; sid=x", APR_SUCCESS, "x"},
        {"sid=x; a=1", APR_SUCCESS, "x"},
        {"a=1; sid=x; b=2", APR_SUCCESS, "x"},
        {"a=1;sid=x;b=2", APR_SUCCESS, "x"},
        {"  sid=x  ; a=1", APR_SUCCESS, "x"},
        {"\tsid=\tx\t", APR_SUCCESS, "x"},
        {"; ;; sid=x;;", APR_SUCCESS, "x"},
        {"=; ==; sid=x", APR_SUCCESS, "x"},
        {"novalue; sid=x", APR_SUCCESS, "x"},
        {"\xC3\xA4=\xFF; sid=x", APR_SUCCESS, "x"},
        {"sid=", APR_SUCCESS, ""},
        {"sid=a=b==", APR_SUCCESS, "a=b=="},
        {"sid=\"x\"", APR_SUCCESS, "\"x\""},
        {"a=\"; sid=x; b=\"", APR_SUCCESS, "x"},
    };

    (void)state;
    check_find(rows, COUNT(rows));
}

static void finds_no_cookie_of_a_name_that_is_only_like_it(void **state)
{
    static const find_row_t rows[] = {
        {NULL, APR_NOTFOUND, NULL},
        {"", APR_NOTFOUND, NULL},
        {";", APR_NOTFOUND, NULL},
        {"=", APR_NOTFOUND, NULL},
        {"==", APR_NOTFOUND, NULL},
        {"sid", APR_NOTFOUND, NULL},
        {"=sid", APR_NOTFOUND, NULL},
        {"=sid=x", APR_NOTFOUND, NULL},
        {"sid2=x", APR_NOTFOUND, NULL},
        {"xsid=x", APR_NOTFOUND, NULL},
        {"SID=x", APR_NOTFOUND, NULL},
        {"Sid=x", APR_NOTFOUND, NULL},
        {"si=x", APR_NOTFOUND, NULL},
        {"sid =x", APR_NOTFOUND, NULL},
        {"\"sid\"=x", APR_NOTFOUND, NULL},
        {"a=sid=x", APR_NOTFOUND, NULL},
        {"a=1 sid=x", APR_NOTFOUND, NULL},
        {"\xC2\xA0sid=x", APR_NOTFOUND, NULL},
        {"$Version=1; $sid=x", APR_NOTFOUND, NULL},
        {"\x0Bsid=x", APR_NOTFOUND, NULL},
    };

    (void)state;
    check_find(rows, COUNT(rows));
}

static void takes_equal_copies_for_one_and_refuses_different_ones(void **state)
{
    static const find_row_t rows[] = {
        {"sid=x; sid=x", APR_SUCCESS, "x"}, {"sid=x; a=1; sid= x ;sid=x", APR_SUCCESS, "x"},
        {"sid=x, sid=x", APR_SUCCESS, "x"}, {"sid=x; sid=y", APR_EINVAL, NULL},
        {"sid=x, sid=y", APR_EINVAL, NULL}, {"sid=x; sid=", APR_EINVAL, NULL},
        {"sid=; sid=x", APR_EINVAL, NULL},  {"sid=x; sid=xy", APR_EINVAL, NULL},
        {"sid=x; sid=X", APR_EINVAL, NULL}, {"sid=x; a=1; sid=x; sid=y", APR_EINVAL, NULL},
    };

    (void)state;
    check_find(rows, COUNT(rows));
}

static void refuses_a_cookie_that_another_cookies_value_may_have_brought(void **state)
{
    static const find_row_t rows[] = {
        {"a=1, sid=x", APR_EINVAL, NULL},        {"a=1,sid=x", APR_EINVAL, NULL},
        {", sid=x", APR_EINVAL, NULL},           {"a=1, sid=x, sid=x", APR_EINVAL, NULL},
        {"a=1, sid=x; sid=y", APR_EINVAL, NULL}, {"a=1, sid=x; sid=x", APR_SUCCESS, "x"},
        {"sid=x; a=1, sid=x", APR_SUCCESS, "x"}, {"sid=x, a=1", APR_SUCCESS, "x"},
        {"a=1, b=2; sid=x", APR_SUCCESS, "x"},   {"a=1, b=2", APR_NOTFOUND, NULL},
    };

    (void)state;
    check_find(rows, COUNT(rows));
}

typedef struct {
    const char *header;
    const char *left; /* NULL: nothing */
} strip_row_t;

static void check_strip(test_env_t *test, const strip_row_t *rows, apr_size_t count)
{
    static const char *const names[] = {"sid", "__Host-oauth_login", NULL};

    for (apr_size_t i = 0; i < count; i++) {
        const char *left = rp_cookie_strip(rows[i].header, names, test->env.pool);

        if (!rows[i].left != !left) {
            fail_row(rows[i].header);
        }
        if (left) {
            assert_string_equal(left, rows[i].left);
        }
    }
}

static void removes_its_cookies_and_keeps_the_other_bytes(void **state)
{
    static const strip_row_t rows[] = {
        {"sid=x", NULL},
        {"sid=", NULL},
        {" sid=x ", NULL},
        {"sid=x;", NULL},
        {"; sid=x; ;", NULL},
        {"sid=x, sid=y", NULL},
        {"sid=x; __Host-oauth_login=y", NULL},
        {"sid=x; a=1", "a=1"},
        {"a=1; sid=x", "a=1"},
        {"a=1; sid=x; b=2", "a=1; b=2"},
        {"a=1;sid=x;b=2", "a=1;b=2"},
        {"a=1; sid=x; __Host-oauth_login=y; b=2", "a=1; b=2"},
        {"a=1, sid=x", "a=1"},
        {"a=1,sid=x", "a=1"},
        {"sid=x, a=1", "a=1"},
        {"a=1, sid=x, b=2", "a=1, b=2"},
        {"sid=x; a=1; sid=y; b=2; sid=z", "a=1; b=2"},
        {"a=1; ; sid=x; b=2", "a=1; ; b=2"},
        {"a=\"1; sid=x; b=2\"", "a=\"1; b=2\""},
        {"a=1;  sid=x;  b=\xC3\xA4", "a=1;  b=\xC3\xA4"},
        {"sid=x;  a = 1 ,2", "a = 1 ,2"},
        {"novalue; sid=x", "novalue"},
        {"sid; sid=x", "sid"},
        {"=; sid=x", "="},
    };

    check_strip(*state, rows, COUNT(rows));
}

static void returns_the_header_itself_when_nothing_is_to_be_removed(void **state)
{
    static const char *const rows[] = {
        "",
        ";",
        "=",
        "==",
        "sid",
        "=sid=x",
        "sid2=x",
        "xsid=x",
        "SID=x",
        "a=1; ; b=2",
        "a=1, b=2",
        "a=\"x, y\"; c",
        "\tsid",
        "sid =x",
        "a=1;;;",
        "__Host-oauth=x",
        "__host-oauth_login=x",
        "a=sid=x",
        "\xFF\xFE",
    };
    static const char *const names[] = {"sid", "__Host-oauth_login", NULL};
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        if (rp_cookie_strip(rows[i], names, test->env.pool) != rows[i]) {
            fail_row(rows[i]);
        }
    }
}

/* Both walk 500 cookies of a header as long as httpd lets through, and every one is seen. */
static void copes_with_five_hundred_cookies(void **state)
{
    static const char *const names[] = {"sid", NULL};
    test_env_t *test = *state;
    rp_buf_t with;
    rp_buf_t without;
    rp_cookie_value_t value;

    rp_buf_init(&with, RP_MAX_COOKIE_HEADER, test->env.pool);
    rp_buf_init(&without, RP_MAX_COOKIE_HEADER, test->env.pool);
    for (int i = 0; i < 500; i++) {
        const char *cookie = apr_psprintf(test->env.pool, "%sc%d=value", i ? "; " : "", i);

        rp_buf_puts(&with, cookie);
        rp_buf_puts(&without, cookie);
        if (i % 100 == 50) {
            rp_buf_puts(&with, "; sid=x");
        }
    }
    assert_int_equal(rp_buf_status(&with), APR_SUCCESS);
    assert_int_equal(rp_cookie_find(&value, rp_buf_text(&with), "sid"), APR_SUCCESS);
    assert_int_equal(rp_cookie_find(&value, rp_buf_text(&with), "c499"), APR_SUCCESS);
    assert_string_equal(rp_cookie_strip(rp_buf_text(&with), names, test->env.pool),
                        rp_buf_text(&without));
}

/* What is stripped cannot be found, and stripping again changes nothing. */
static void finds_nothing_in_what_stripping_left(void **state)
{
    static const char *const names[] = {"sid", NULL};
    static const char pieces[] = ";, =sidx";
    test_env_t *test = *state;
    apr_pool_t *pool;

    apr_pool_create(&pool, test->env.pool);
    for (unsigned int n = 0; n < 20000; n++) {
        unsigned char random[14];
        char header[15] = "";
        const char *left;
        rp_cookie_value_t value;

        assert_int_equal(rp_random(&test->env, random, sizeof(random)), APR_SUCCESS);
        for (apr_size_t i = 0; i < sizeof(random); i++) {
            header[i] = pieces[random[i] % (sizeof(pieces) - 1)];
        }
        for (apr_size_t i = 0; i < 4; i++) {
            header[n % 10 + i] = "sid="[i];
        }
        left = rp_cookie_strip(header, names, pool);
        if (rp_cookie_find(&value, left, "sid") != APR_NOTFOUND ||
            (left && rp_cookie_strip(left, names, pool) != left)) {
            fail_row(header);
        }
        apr_pool_clear(pool);
    }
}

static const struct {
    rp_set_cookie_t cookie;
    const char *text; /* NULL: refused */
} formats[] = {
    {{"__Host-oauth", "abc", NULL, NULL, 1, RP_SAMESITE_LAX, -1},
     "__Host-oauth=abc; Path=/; HttpOnly; Secure; SameSite=Lax"},
    {{"oauth", "", NULL, NULL, 0, RP_SAMESITE_STRICT, 0},
     "oauth=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"},
    {{"oauth", "a", "example.com", "/app", 1, RP_SAMESITE_NONE, 600},
     "oauth=a; Path=/app; Domain=example.com; Max-Age=600; HttpOnly; Secure; SameSite=None"},
    {{"", "a", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a b", "a", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a=b", "a", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a;b", "a", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a\r\n", "a", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a;b", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a,b", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a b", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a\"", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a\\", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a\r\nSet-Cookie: b", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "\xC3\xA4", NULL, NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a", "x;y", NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a", "x\ny", NULL, 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a", NULL, "/;x", 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a", NULL, "/\r", 0, RP_SAMESITE_LAX, -1}, NULL},
    {{"a", "a", NULL, "app", 0, RP_SAMESITE_LAX, -1}, NULL},
};

static void writes_a_cookie_or_refuses_what_no_cookie_can_have(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(formats); i++) {
        const char *text = rp_cookie_format(&formats[i].cookie, test->env.pool);

        if (formats[i].text) {
            assert_non_null(text);
            assert_string_equal(text, formats[i].text);
        } else if (text) {
            fail_row(text);
        }
    }
}

static void refuses_a_cookie_longer_than_browsers_keep(void **state)
{
    test_env_t *test = *state;
    const apr_size_t rest = strlen("a=; Path=/; HttpOnly; SameSite=Lax");
    char *value = apr_pcalloc(test->env.pool, RP_MAX_COOKIE + 1);
    rp_set_cookie_t cookie = {"a", value, NULL, NULL, 0, RP_SAMESITE_LAX, -1};
    const char *text;

    memset(value, 'v', RP_MAX_COOKIE - rest);
    text = rp_cookie_format(&cookie, test->env.pool);
    assert_non_null(text);
    assert_int_equal(strlen(text), RP_MAX_COOKIE);
    value[RP_MAX_COOKIE - rest] = 'v';
    assert_null(rp_cookie_format(&cookie, test->env.pool));
}

int run_codec_cookie_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_cookie_wherever_it_stands),
        cmocka_unit_test(finds_no_cookie_of_a_name_that_is_only_like_it),
        cmocka_unit_test(takes_equal_copies_for_one_and_refuses_different_ones),
        cmocka_unit_test(refuses_a_cookie_that_another_cookies_value_may_have_brought),
        cmocka_unit_test_setup_teardown(removes_its_cookies_and_keeps_the_other_bytes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(returns_the_header_itself_when_nothing_is_to_be_removed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(copes_with_five_hundred_cookies, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_nothing_in_what_stripping_left, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_a_cookie_or_refuses_what_no_cookie_can_have, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_a_cookie_longer_than_browsers_keep, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("codec/cookie", tests, NULL, NULL);
}
