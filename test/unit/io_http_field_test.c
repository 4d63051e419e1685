#include "test_env.h"

#include <apr_strings.h>

#include "../../src/io/rp_http_field.h"
#include "io_http_test.h"

static void expect_seconds(apr_int64_t seconds, const char *value, apr_int64_t expected)
{
    if (seconds != expected) {
        fail_msg("%s: %ld, not %ld", value, (long)seconds, (long)expected);
    }
}

static void reads_the_media_type(void **state)
{
    static const struct {
        const char *value;
        const char *type;
    } rows[] = {
        {NULL, ""},
        {"", ""},
        {"application/json", "application/json"},
        {"Application/JSON", "application/json"},
        {"application/json; charset=utf-8", "application/json"},
        {"application/json;charset=utf-8", "application/json"},
        {" application/json ;x", "application/json"},
        {"application/jwt", "application/jwt"},
        {"application/vnd.x+json", "application/vnd.x+json"},
        {"json", ""},
        {"application/", ""},
        {"/json", ""},
        {"application json", ""},
        {"application/json, text/html", ""},
        {"application/json text/html", ""},
        {"text/html/x", ""},
    };
    test_env_t *test = test_env_make();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(rp_http_media_type(rows[i].value, test->env.pool), rows[i].type);
    }
    test_env_destroy(test);
}

static void reads_how_long_an_answer_may_be_kept(void **state)
{
    static const struct {
        const char *value;
        apr_int64_t max_age;
    } rows[] = {
        {"", -1},
        {"max-age=3600", 3600},
        {"Max-Age=3600", 3600},
        {"public, max-age=60, must-revalidate", 60},
        {"max-age=\"60\"", 60},
        {"max-age=0", 0},
        {"no-store", 0},
        {"max-age=60, no-store", 0},
        {"no-cache", 0},
        {"no-cache=\"set-cookie\", max-age=9", 0},
        {"max-age=60, max-age=30", 30},
        {"s-maxage=60", -1},
        {"max-age", -1},
        {"max-age=", -1},
        {"max-age=-1", -1},
        {"max-age=x", -1},
        {"max-age =60", -1},
        {"ext=\"max-age=5, no-store\", max-age=7", 7},
        {"ext=\"\\\", max-age=5\", max-age=7", 7},
        {"ext=\"max-age=5", -1},
        {"max-age=99999999999999999999999999", APR_INT64_C(2147483648)},
        {",,, max-age=5,,", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_int64_t max_age = -1;

        rp_http_cache_control(&max_age, rows[i].value);
        expect_seconds(max_age, rows[i].value, rows[i].max_age);
    }
}

static void the_least_of_several_fields_counts(void **state)
{
    apr_int64_t max_age = -1;

    (void)state;
    rp_http_cache_control(&max_age, "max-age=60");
    rp_http_cache_control(&max_age, "max-age=20");
    rp_http_cache_control(&max_age, "max-age=40");
    assert_int_equal(max_age, 20);
}

static void reads_when_to_come_back(void **state)
{
    /* 2026-01-01 was a Thursday. */
    static const struct {
        const char *value;
        apr_int64_t seconds;
    } rows[] = {
        {NULL, -1},
        {"", -1},
        {"0", 0},
        {"120", 120},
        {"99999999999999999999", APR_INT64_C(2147483648)},
        {"-5", -1},
        {"5s", -1},
        {"1.5", -1},
        {"soon", -1},
        {"Thu, 01 Jan 2026 00:01:00 GMT", 60},
        {"Wed, 31 Dec 2025 00:00:00 GMT", 0},
        {"Fri, 01 Jan 2106 00:00:00 GMT", APR_INT64_C(2147483648)},
        {"2026-01-01", -1},
    };
    test_env_t *test = test_env_make();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_int64_t seconds = rp_http_retry_after(rows[i].value, test->now);

        expect_seconds(seconds, rows[i].value ? rows[i].value : "none", rows[i].seconds);
    }
    test_env_destroy(test);
}

int run_io_http_field_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_media_type),
        cmocka_unit_test(reads_how_long_an_answer_may_be_kept),
        cmocka_unit_test(the_least_of_several_fields_counts),
        cmocka_unit_test(reads_when_to_come_back),
    };

    return cmocka_run_group_tests_name("io: HTTP fields", tests, NULL, NULL);
}
