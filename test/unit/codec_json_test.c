#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_buf.h"
#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"
#include "../../src/codec/rp_json_build.h"
#include "codec_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MAX 262144UL

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

static json_t *parse(test_env_t *test, const char *text)
{
    const char *why;
    json_t *object;

    if (rp_json_parse(&object, text, strlen(text), MAX, test->env.pool, &why) != APR_SUCCESS) {
        fail_msg("%s: %s", text, why);
    }
    assert_null(why);
    return object;
}

static void refuse(test_env_t *test, const char *text, apr_size_t len, const char *because)
{
    const char *why = NULL;
    json_t *object = (json_t *)test;

    if (rp_json_parse(&object, text, len, MAX, test->env.pool, &why) != APR_EINVAL) {
        fail_msg("accepted %s", text);
    }
    assert_null(object);
    assert_non_null(why);
    if (strncmp(why, because, strlen(because)) != 0) {
        fail_msg("%s: %s", text, why);
    }
}

typedef struct {
    const char *text;
    const char *because; /* how the reason begins */
} refused_row_t;

static void refuse_all(test_env_t *test, const refused_row_t *rows, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        refuse(test, rows[i].text, strlen(rows[i].text), rows[i].because);
    }
}

static void refuses_duplicate_members_at_any_level(void **state)
{
    static const refused_row_t rows[] = {
        {"{\"a\":1,\"a\":1}", "a member appears twice"},
        {"{\"a\":1,\"b\":2,\"a\":null}", "a member appears twice"},
        {"{\"a\":1,\"\\u0061\":2}", "a member appears twice"},
        {"{\"\":1,\"\":2}", "a member appears twice"},
        {"{\"o\":{\"a\":1,\"a\":2}}", "a member appears twice"},
        {"{\"o\":[[{\"a\":1,\"a\":2}]]}", "a member appears twice"},
    };

    refuse_all(*state, rows, COUNT(rows));
    parse(*state, "{\"a\":1,\"A\":1,\"o\":{\"a\":1}}");
}

static void refuses_what_is_not_utf8(void **state)
{
    static const refused_row_t rows[] = {
        {"{\"a\":\"\xFF\"}", "not valid UTF-8"},
        {"{\"a\":\"\xC3\"}", "not valid UTF-8"},
        {"{\"a\":\"\xC0\x80\"}", "not valid UTF-8"},
        {"{\"a\":\"\xC0\xAF\"}", "not valid UTF-8"},
        {"{\"a\":\"\xE0\x80\xAF\"}", "not valid UTF-8"},
        {"{\"a\":\"\xED\xA0\x80\"}", "not valid UTF-8"},
        {"{\"a\":\"\xF4\x90\x80\x80\"}", "not valid UTF-8"},
        {"{\"\xE4\":1}", "not valid UTF-8"},
        {"{\"a\":\"\\ud800\"}", "not well-formed"},
        {"{\"a\":\"\\udc00\"}", "not well-formed"},
        {"{\"a\":\"\\ud800\\ud800\"}", "not well-formed"},
        {"{\"a\":\"\\ud800x\"}", "not well-formed"},
        {"{\"\\udfff\":1}", "not well-formed"},
        {"\xEF\xBB\xBF{}", "not well-formed"},
        {"\xFF\xFE{}", "not valid UTF-8"},
        {"\xFE\xFF{}", "not valid UTF-8"},
    };
    test_env_t *test = *state;

    refuse_all(test, rows, COUNT(rows));
    refuse(test,
           "{\0\"\0a\0\"\0:\0"
           "1\0}\0",
           14, "ends too early");
    refuse(test, "\0{\0}", 4, "ends too early");
    parse(test, "{\"a\":\"\\ud83d\\ude00\xF0\x9F\x98\x80\"}");
}

static void refuses_nul_in_strings_and_text(void **state)
{
    static const refused_row_t rows[] = {
        {"{\"a\":\"\\u0000\"}", "a string contains NUL"},
        {"{\"sub\":\"alice\\u0000bob\"}", "a string contains NUL"},
        {"{\"a\\u0000\":1}", "a string contains NUL"},
        {"{\"o\":[{\"a\":\"\\u0000\"}]}", "a string contains NUL"},
    };
    test_env_t *test = *state;

    refuse_all(test, rows, COUNT(rows));
    refuse(test, "{\"a\":\"x\0y\"}", 11, "not well-formed");
    refuse(test, "{}\0", 3, "something follows the value");
}

/* Most texts are read in a quick way, which must take nothing that jansson refuses, and build what
 * jansson builds. */
static void reads_quickly_what_jansson_reads(void **state)
{
    static const char *const rows[] = {
        "{}",
        " { } ",
        "[ ]",
        "[[],{},[[]]]",
        "{\"a\":\"\",\"b\":\"x y\",\"\":\"\xC3\xA4\xF0\x9F\x98\x80\"}",
        "{\"a\" : [ 1 , -1 , 0 , -0 , 123456789012345678 , 1234567890123456789 ] }",
        "{\"a\":[9223372036854775807,-9223372036854775808,9223372036854775808]}",
        "{\"a\":[1.5,1e3,1E-2,0.1,-2.5e+10,1e400]}",
        "{\"a\":[00,01,1.,.5,+1,-,--1,1-1,1e,0x1]}",
        "{\"a\":01}",
        "{\"a\":[true,false,null]}",
        "{\"a\":truex}",
        "{\"a\":tru",
        "{\"a\":\"\\u00e4\\n\\\"\\\\\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\\u0062\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"a\":1,\"a\":1}",
        "{\"o\":{\"a\":1,\"b\":[{\"a\":1,\"a\":2}]}}",
        "{\"a\":\"\xFF\"}",
        "{\"\xFF\":1}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\x7F\"}",
        "{\"a\":1,}",
        "{,}",
        "[1,]",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":\"x",
        "{\"a\":\"x\\",
        "[1}",
        "{1:2}",
        "{} {}",
        "",
        " ",
        "1",
        "\"x\"",
        "null",
    };
    int quick = 0;

    (void)state;
    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        json_error_t error;
        json_t *built = rp_json_build(rows[i], strlen(rows[i]));
        json_t *loaded = json_loadb(rows[i], strlen(rows[i]), JSON_REJECT_DUPLICATES, &error);

        if (built && !json_equal(built, loaded)) {
            fail_msg("%s is read in two ways", rows[i]);
        }
        quick += built != NULL;
        json_decref(built);
        json_decref(loaded);
    }
    assert_in_range(quick, 8, COUNT(rows));
}

/* Cut anywhere, or with another character anywhere: still the same. */
static void reads_quickly_no_more_than_jansson(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5,true,null,{}],\"b\":{\"c\":\"x\\u00e4\xC3\xA4\"},\"d\":[\"\",[]],\"e\":10}";
    static const char others[] = "\"\\,:{}[]0-x \x01\xFF";
    char changed[sizeof(text)];

    (void)state;
    for (apr_size_t i = 0; i < sizeof(text) - 1; i++) {
        for (apr_size_t j = 0; j < sizeof(others); j++) {
            apr_size_t len = others[j] ? sizeof(text) - 1 : i;
            json_error_t error;
            json_t *built;
            json_t *loaded;

            memcpy(changed, text, sizeof(text));
            changed[i] = others[j];
            built = rp_json_build(changed, len);
            loaded = json_loadb(changed, len, JSON_REJECT_DUPLICATES, &error);
            if (built && !json_equal(built, loaded)) {
                fail_msg("read in two ways: %s", changed);
            }
            json_decref(built);
            json_decref(loaded);
        }
    }
}

static void refuses_what_is_not_one_object(void **state)
{
    static const refused_row_t rows[] = {
        {"", "ends too early"},
        {" ", "ends too early"},
        {"[]", "not an object"},
        {"[{}]", "not an object"},
        {"null", "not well-formed"},
        {"\"{}\"", "not well-formed"},
        {"1", "not well-formed"},
        {"{}x", "something follows the value"},
        {"{}{}", "something follows the value"},
        {"{},", "something follows the value"},
        {"{", "ends too early"},
        {"{\"a\":", "ends too early"},
        {"{\"a\":\"", "ends too early"},
        {"{\"a\":\"\\", "not well-formed"},
        {"}", "not well-formed"},
        {"{}]", "not well-formed"},
        {"{]", "not well-formed"},
        {"{\"a\":1,}", "not well-formed"},
        {"{'a':1}", "not well-formed"},
        {"{a:1}", "not well-formed"},
        {"{\"a\":01}", "not well-formed"},
        {"{\"a\":+1}", "not well-formed"},
        {"{\"a\":.5}", "not well-formed"},
        {"{\"a\":NaN}", "not well-formed"},
        {"{\"a\":Infinity}", "not well-formed"},
        {"{\"a\":-}", "not well-formed"},
        {"{\"a\":0x10}", "not well-formed"},
        {"{\"a\":1}//", "something follows the value"},
        {"/**/{}", "not well-formed"},
        {"{\"a\":\"\t\"}", "not well-formed"},
        {"{\"a\":\"\\x41\"}", "not well-formed"},
        {"{\"a\":1e400}", "a number is too large"},
        {"{\"a\":-1e400}", "a number is too large"},
        {"{\"a\":9223372036854775808}", "a number is too large"},
        {"{\"a\":-9223372036854775809}", "a number is too large"},
    };

    refuse_all(*state, rows, COUNT(rows));
    parse(*state, " \t\r\n{ } \n");
}

static void never_says_a_piece_of_the_text_in_its_reason(void **state)
{
    static const char *const rows[] = {
        "{\"access_token\":\"secret\"secret",
        "{\"secret\":1,\"secret\":2}",
        "{secret}",
        "secret",
        "{\"a\":\"secret\\u0000\"}",
        "{} secret",
        "{\"a\":\"secret",
        "{\"a\":\"secret\xFF\"}",
    };
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        const char *why;
        json_t *object;

        assert_int_equal(
            rp_json_parse(&object, rows[i], strlen(rows[i]), MAX, test->env.pool, &why),
            APR_EINVAL);
        assert_null(strstr(why, "secret"));
    }
}

/* before, count times piece, then after. */
static const char *repeat(test_env_t *test, const char *before, const char *piece, int count,
                          const char *after)
{
    rp_buf_t buf;

    rp_buf_init(&buf, MAX * 2, test->env.pool);
    rp_buf_puts(&buf, before);
    for (int i = 0; i < count; i++) {
        rp_buf_puts(&buf, piece);
    }
    rp_buf_puts(&buf, after);
    assert_int_equal(rp_buf_status(&buf), APR_SUCCESS);
    return rp_buf_text(&buf);
}

static void refuses_what_is_nested_deeper_than_the_limit(void **state)
{
    test_env_t *test = *state;
    const int inner = RP_MAX_JSON_DEPTH - 1;
    const char *text;

    text = repeat(test, "{\"a\":", "[", inner, repeat(test, "", "]", inner, "}"));
    parse(test, text);
    text = repeat(test, "{\"a\":", "[", inner + 1, repeat(test, "", "]", inner + 1, "}"));
    refuse(test, text, strlen(text), "nested too deeply");
    text = repeat(test, "", "{\"a\":", (int)MAX / 5, "");
    refuse(test, text, strlen(text), "nested too deeply");
    text = repeat(test, "", "[", (int)MAX, "");
    refuse(test, text, strlen(text), "nested too deeply");
    parse(test, repeat(test, "{\"a\":\"", "[", 100, "\"}"));
}

static void refuses_more_members_than_the_limit(void **state)
{
    test_env_t *test = *state;
    const char *text;

    parse(test, repeat(test, "{\"a\":[", "1,", RP_MAX_JSON_MEMBERS - 1, "1]}"));
    text = repeat(test, "{\"a\":[", "1,", RP_MAX_JSON_MEMBERS, "1]}");
    refuse(test, text, strlen(text), "too many members");
    text = repeat(test, "{", "\"a\":1,", RP_MAX_JSON_MEMBERS, "\"b\":1}");
    refuse(test, text, strlen(text), "too many members");
    text = repeat(test, "{\"a\":[", "[[],[]],", RP_MAX_JSON_MEMBERS - 1, "1]}");
    parse(test, text);
    text = repeat(test, "{\"a\":[", "[[],[],[],[],[]],", RP_MAX_JSON_MEMBERS - 1, "1]}");
    refuse(test, text, strlen(text), "too many values");
    parse(test, repeat(test, "{\"a\":\"", ",", RP_MAX_JSON_MEMBERS * 2, "\"}"));
}

static void refuses_a_string_longer_than_the_limit(void **state)
{
    test_env_t *test = *state;
    const char *text;

    parse(test, repeat(test, "{\"a\":\"", "x", RP_MAX_JSON_STRING, "\"}"));
    text = repeat(test, "{\"a\":\"", "x", RP_MAX_JSON_STRING + 1, "\"}");
    refuse(test, text, strlen(text), "a string is too long");
    text = repeat(test, "{\"", "x", RP_MAX_JSON_STRING + 1, "\":1}");
    refuse(test, text, strlen(text), "a string is too long");
    text = repeat(test, "{\"a\":\"", "\\\"", RP_MAX_JSON_STRING, "\"}");
    refuse(test, text, strlen(text), "a string is too long");
}

static void refuses_a_text_longer_than_the_caller_allows(void **state)
{
    test_env_t *test = *state;
    const char *why;
    json_t *object;

    assert_int_equal(rp_json_parse(&object, "{}   ", 5, 5, test->env.pool, &why), APR_SUCCESS);
    assert_int_equal(rp_json_parse(&object, "{}   ", 5, 4, test->env.pool, &why), APR_EINVAL);
    assert_string_equal(why, "too long");
    assert_null(object);
}

static void tells_present_absent_and_wrong_strings_apart(void **state)
{
    test_env_t *test = *state;
    const json_t *object = parse(test, "{\"s\":\"x\",\"e\":\"\",\"n\":null,\"i\":1,\"o\":{}}");
    const char *value = "unset";

    assert_int_equal(rp_json_string(&value, object, "s"), APR_SUCCESS);
    assert_string_equal(value, "x");
    assert_int_equal(rp_json_string(&value, object, "e"), APR_SUCCESS);
    assert_string_equal(value, "");
    assert_int_equal(rp_json_string(&value, object, "S"), APR_NOTFOUND);
    assert_null(value);
    value = "unset";
    assert_int_equal(rp_json_string(&value, object, "n"), APR_EINVAL);
    assert_null(value);
    assert_int_equal(rp_json_string(&value, object, "i"), APR_EINVAL);
    assert_int_equal(rp_json_string(&value, object, "o"), APR_EINVAL);
    assert_int_equal(rp_json_string(&value, json_object_get(object, "s"), "s"), APR_EINVAL);
    assert_int_equal(rp_json_string(&value, NULL, "s"), APR_EINVAL);
}

static void tells_present_absent_and_wrong_booleans_apart(void **state)
{
    test_env_t *test = *state;
    const json_t *object =
        parse(test, "{\"t\":true,\"f\":false,\"n\":null,\"s\":\"true\",\"i\":1}");
    int value = 7;

    assert_int_equal(rp_json_bool(&value, object, "t"), APR_SUCCESS);
    assert_int_equal(value, 1);
    assert_int_equal(rp_json_bool(&value, object, "f"), APR_SUCCESS);
    assert_int_equal(value, 0);
    value = 7;
    assert_int_equal(rp_json_bool(&value, object, "absent"), APR_NOTFOUND);
    assert_int_equal(value, 0);
    assert_int_equal(rp_json_bool(&value, object, "n"), APR_EINVAL);
    assert_int_equal(rp_json_bool(&value, object, "s"), APR_EINVAL);
    value = 7;
    assert_int_equal(rp_json_bool(&value, object, "i"), APR_EINVAL);
    assert_int_equal(value, 0);
}

static void tells_present_absent_and_wrong_containers_apart(void **state)
{
    test_env_t *test = *state;
    json_t *object = parse(test, "{\"o\":{},\"a\":[1],\"n\":null}");
    json_t *value;

    assert_int_equal(rp_json_object(&value, object, "o"), APR_SUCCESS);
    assert_true(json_is_object(value));
    assert_int_equal(rp_json_object(&value, object, "a"), APR_EINVAL);
    assert_null(value);
    assert_int_equal(rp_json_object(&value, object, "x"), APR_NOTFOUND);
    assert_null(value);
    assert_int_equal(rp_json_array(&value, object, "a"), APR_SUCCESS);
    assert_int_equal(json_array_size(value), 1);
    assert_int_equal(rp_json_array(&value, object, "o"), APR_EINVAL);
    assert_int_equal(rp_json_array(&value, object, "n"), APR_EINVAL);
    assert_null(value);
    assert_int_equal(rp_json_array(&value, object, "x"), APR_NOTFOUND);
}

static const struct {
    const char *text;
    int single;
    apr_status_t status;
    int count;
} string_arrays[] = {
    {"{\"a\":[\"x\",\"y\"]}", 0, APR_SUCCESS, 2},
    {"{\"a\":[\"x\"]}", 1, APR_SUCCESS, 1},
    {"{\"a\":[]}", 0, APR_SUCCESS, 0},
    {"{\"a\":\"x\"}", 1, APR_SUCCESS, 1},
    {"{\"a\":\"x\"}", 0, APR_EINVAL, 0},
    {"{\"a\":[\"x\",1]}", 0, APR_EINVAL, 0},
    {"{\"a\":[\"x\",null]}", 1, APR_EINVAL, 0},
    {"{\"a\":[[\"x\"]]}", 1, APR_EINVAL, 0},
    {"{\"a\":null}", 1, APR_EINVAL, 0},
    {"{\"a\":1}", 1, APR_EINVAL, 0},
    {"{\"a\":{\"x\":\"y\"}}", 1, APR_EINVAL, 0},
    {"{}", 1, APR_NOTFOUND, 0},
    {"{}", 0, APR_NOTFOUND, 0},
};

static void reads_arrays_of_strings_and_the_single_form_of_aud(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(string_arrays); i++) {
        json_t *object = parse(test, string_arrays[i].text);
        apr_array_header_t *values = (apr_array_header_t *)test;

        if (rp_json_strings(&values, object, "a", string_arrays[i].single, test->env.pool) !=
            string_arrays[i].status) {
            fail_row(string_arrays[i].text);
        }
        if (string_arrays[i].status != APR_SUCCESS) {
            assert_null(values);
            continue;
        }
        assert_int_equal(values->nelts, string_arrays[i].count);
        if (values->nelts) {
            assert_string_equal(APR_ARRAY_IDX(values, 0, const char *), "x");
        }
    }
}

static const struct {
    const char *number;
    apr_status_t status;
    apr_int64_t value;
} dates[] = {
    {"0", APR_SUCCESS, 0},
    {"-0", APR_SUCCESS, 0},
    {"-0.0", APR_SUCCESS, 0},
    {"1767225600", APR_SUCCESS, 1767225600},
    {"1767225600.0", APR_SUCCESS, 1767225600},
    {"1767225600.999", APR_SUCCESS, 1767225600},
    {"1.5e9", APR_SUCCESS, 1500000000},
    {"1E+9", APR_SUCCESS, 1000000000},
    {"1e-400", APR_SUCCESS, 0},
    {"0.5", APR_SUCCESS, 0},
    {"4294967296", APR_SUCCESS, APR_INT64_C(4294967296)},
    {"9007199254740991", APR_SUCCESS, APR_INT64_C(9007199254740991)},
    {"9007199254740992", APR_SUCCESS, APR_INT64_C(9007199254740992)},
    {"9007199254740992.0", APR_SUCCESS, APR_INT64_C(9007199254740992)},
    {"9007199254740993", APR_EINVAL, 0},
    {"9007199254740994.0", APR_EINVAL, 0},
    {"9223372036854775807", APR_EINVAL, 0},
    {"9.3e18", APR_EINVAL, 0},
    {"1e308", APR_EINVAL, 0},
    {"-1", APR_EINVAL, 0},
    {"-0.5", APR_EINVAL, 0},
    {"-1e308", APR_EINVAL, 0},
    {"-9223372036854775808", APR_EINVAL, 0},
    {"\"1767225600\"", APR_EINVAL, 0},
    {"true", APR_EINVAL, 0},
    {"null", APR_EINVAL, 0},
    {"[1]", APR_EINVAL, 0},
};

static void reads_numeric_dates_within_their_bounds(void **state)
{
    test_env_t *test = *state;
    apr_int64_t value = 7;

    for (apr_size_t i = 0; i < COUNT(dates); i++) {
        const json_t *object =
            parse(test, apr_psprintf(test->env.pool, "{\"exp\":%s}", dates[i].number));

        value = 7;
        if (rp_json_seconds(&value, object, "exp") != dates[i].status) {
            fail_row(dates[i].number);
        }
        assert_int_equal(value, dates[i].value);
    }
    assert_int_equal(rp_json_seconds(&value, parse(test, "{}"), "exp"), APR_NOTFOUND);
    assert_int_equal(value, 0);
}

static void writes_compact_text_with_sorted_members(void **state)
{
    test_env_t *test = *state;
    const json_t *object =
        parse(test, "{ \"b\" : [ 1 , 12345678901234567 , true ] , \"a\" : \"\\u00e4/\\n\" }");

    assert_string_equal(rp_json_text(object, test->env.pool),
                        "{\"a\":\"\xC3\xA4/\\n\",\"b\":[1,12345678901234567,true]}");
    assert_string_equal(
        rp_json_text(json_array_get(json_object_get(object, "b"), 0), test->env.pool), "1");
    assert_string_equal(rp_json_text(NULL, test->env.pool), "");
}

static void releases_what_it_keeps_with_the_pool(void **state)
{
    test_env_t *test = *state;
    json_t *json = json_object();
    apr_pool_t *pool;

    json_incref(json);
    apr_pool_create(&pool, test->env.pool);
    assert_ptr_equal(rp_json_keep(json, pool), json);
    assert_int_equal(json->refcount, 2);
    apr_pool_destroy(pool);
    assert_int_equal(json->refcount, 1);
    json_decref(json);
}

int run_codec_json_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_duplicate_members_at_any_level),
        TEST(refuses_what_is_not_utf8),
        TEST(refuses_nul_in_strings_and_text),
        TEST(reads_quickly_what_jansson_reads),
        TEST(reads_quickly_no_more_than_jansson),
        TEST(refuses_what_is_not_one_object),
        TEST(never_says_a_piece_of_the_text_in_its_reason),
        TEST(refuses_what_is_nested_deeper_than_the_limit),
        TEST(refuses_more_members_than_the_limit),
        TEST(refuses_a_string_longer_than_the_limit),
        TEST(refuses_a_text_longer_than_the_caller_allows),
        TEST(tells_present_absent_and_wrong_strings_apart),
        TEST(tells_present_absent_and_wrong_booleans_apart),
        TEST(tells_present_absent_and_wrong_containers_apart),
        TEST(reads_arrays_of_strings_and_the_single_form_of_aud),
        TEST(reads_numeric_dates_within_their_bounds),
        TEST(writes_compact_text_with_sorted_members),
        TEST(releases_what_it_keeps_with_the_pool),
    };
#undef TEST

    return cmocka_run_group_tests_name("codec/json", tests, NULL, NULL);
}
