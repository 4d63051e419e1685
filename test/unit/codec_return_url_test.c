#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_html.h"
#include "../../src/codec/rp_url.h"
#include "codec_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define OWN "https://own.example"
#define FRIEND "https://friend.example:8443"

typedef struct {
    test_env_t *test;
    apr_array_header_t *allowed;
} fixture_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_palloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->allowed = apr_array_make(test->env.pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(fixture->allowed, const char *) = FRIEND;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    test_env_destroy(fixture->test);
    return 0;
}

static apr_status_t check(rp_return_url_t **url, const fixture_t *fixture, const char *text)
{
    return rp_return_url_check(url, text, OWN, fixture->allowed, fixture->test->env.pool);
}

static void refuse_all(const fixture_t *fixture, const char *const *rows, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        rp_return_url_t *url = (rp_return_url_t *)fixture->allowed;

        if (check(&url, fixture, rows[i]) != APR_EINVAL) {
            fail_row(rp_log_escape(rows[i], 200, fixture->test->env.pool));
        }
        assert_null(url);
    }
}

#define REFUSE(...)                                                                                \
    do {                                                                                           \
        static const char *const rows[] = {__VA_ARGS__};                                           \
                                                                                                   \
        refuse_all(*state, rows, COUNT(rows));                                                     \
    } while (0)

/* Many rows are put together from the own origin and what follows it. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma) */

/* D60 */
static void refuses_scheme_relative_urls(void **state)
{
    REFUSE("//evil", "//evil.example/", "///evil", "////evil", "//own.example/", "//", "///",
           "//evil.example?x", "//evil.example#x", "https:evil", "https:evil.example/",
           "https:/evil.example", "https:///evil", "https:////evil.example", "http:evil",
           OWN "//evil", OWN "///evil");
}

/* D61 */
static void refuses_backslashes(void **state)
{
    REFUSE("/\\evil", "\\\\evil", "\\/evil", "\\evil", "/\\/evil", "//\\evil", "\\\\/evil",
           "https:\\\\evil", "https:/\\evil", "https:\\/evil", OWN "\\@evil", OWN "\\.evil",
           OWN "\\evil/", OWN "/\\evil", "/a\\b", "/a?b=\\c", "/a#\\",
           "https://evil\\@own.example/", "https://evil\\own.example/");
}

/* D62 */
static void refuses_controls_and_white_space(void **state)
{
    REFUSE("/\t/evil", "/\n/evil", "/\r/evil", "\t//evil", " //evil", "//evil ", "/ /evil", " /a",
           "/a ", "/a b", "\n/a", "/a\n", "/a\x01", "/\x0B/evil", "/\x0C/evil", "/\x7F",
           "\x1Fhttps:", "java\tscript:alert(1)", "ht\ntps://evil", "https://e\tvil/",
           "https:\t//evil", "\x08//evil", "/a#\t", "/a? b");
}

/* D63 */
static void refuses_user_information(void **state)
{
    REFUSE("https://own@evil", "https://own.example@evil.example/", OWN "@evil", OWN ":443@evil/",
           OWN ":@evil/", "https://u:p@own.example/", "https://@own.example/",
           "https://own.example%40evil/", "https://own.example%2f@evil/",
           "https://own.example;@evil/", "https://evil#@own.example/",
           "https://evil?@own.example/");
}

/* D64 */
static void refuses_hosts_that_begin_or_end_like_its_own(void **state)
{
    REFUSE("https://own.evil", "https://own.example.evil/", "https://evilown.example/",
           "https://evil.own.example/", "https://ownXexample/", "https://own.example-evil/",
           "https://own.example_evil/", "https://evil/own", "https://evil/own.example",
           "https://evil/https://own.example/", "https://evil/?" OWN, "https://own/",
           "https://own.exampl/", "https://example/", FRIEND ".evil/", FRIEND "1/",
           "https://friend.example/", "https://friend.example:443/",
           "https://xfriend.example:8443/");
}

/* D65 */
static void refuses_other_schemes(void **state)
{
    REFUSE("javascript:alert(1)", "JavaScript:alert(1)", "javascript://own.example/%0aalert(1)",
           "javascript:/"
           "/",
           "data:text/html,x", "data:text/html;base64,PGI+", "vbscript:x", "file:///etc/passwd",
           "ftp://own.example/", "ws://own.example/", "blob:" OWN "/x", "view-source:" OWN "/",
           "http://own.example/", "http://own.example:443/", "mailto:a@own.example", "about:blank",
           "intent://own.example/", "://own.example/", ":/a", "HTTP://OWN.EXAMPLE/",
           "httpss://own.example/", "x:" OWN "/");
}

/* D66 */
static void refuses_unicode_and_lookalike_hosts(void **state)
{
    REFUSE("/\xC3\xA4", "/a?\xC3\xA4", "/a#\xC3\xA4", "https://\xC3\xB6wn.example/",
           "https://xn--wn-eka.example/",
           "https://own\xE3\x80\x82"
           "example/",
           "https://own\xEF\xBC\x8E"
           "example/",
           "/\xEF\xBC\x8F"
           "evil",
           "\xEF\xBC\x8F\xEF\xBC\x8F"
           "evil",
           "https:\xEF\xBC\x8F\xEF\xBC\x8F"
           "evil",
           "https://evil\xEF\xBC\x8Fown.example/",
           "/\xE2\x80\xAE"
           "evil",
           "\xE2\x80\x8B//evil", "\xC2\xA0//evil", "\xEF\xBB\xBF//evil",
           "https://evil\xE2\x84\x80own.example/", "/\xFF",
           "/\xC0\xAF"
           "evil");
}

/* D67 */
static void refuses_hosts_that_are_numbers(void **state)
{
    REFUSE("https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/",
           "https://0177.0.0.1/", "https://127.1/", "https://127.0.0.1/", "https://[::1]/",
           "https://[::ffff:127.0.0.1]/", "https://[own.example]/", "https://1.1.1.1/", "http://0/",
           "https://0/", "https://3232235777/");
}

/* D68 */
static void refuses_encoded_layers_at_the_start_of_the_path(void **state)
{
    REFUSE("/%2f/evil", "/%2fevil", "/%2Fevil", "/%5cevil", "/%5Cevil", "/%09/evil", "/%0a/evil",
           "/%0d/evil", "/%00/evil", "/%20/evil", "/%7f/evil", "/%1f/evil", "/%252fevil",
           "/%252Fevil", "/%255cevil", "/%25252fevil", "/%2525255cevil", "/%2509/evil",
           "/%2500evil", "/%257fevil", "%2f%2fevil", "%2fevil", "https%3a//evil",
           "https:%2f%2fevil", OWN "%2f@evil", OWN "/%2fevil", OWN "/%5cevil", OWN "%2eevil/", "/%",
           "/%2", "/%2x", "/a%", "/a?%g0");
}

/* D68: what takes part in climbing up may come out as another path */
static void refuses_dot_segments(void **state)
{
    REFUSE("/../evil", "/..//evil", "/.//evil", "/./", "/.", "/..", "/a/../b", "/a/../../b",
           "/a/..", "/a/.", "/a/..//evil", "/%2e%2e/evil", "/%2E./evil", "/.%2e//evil",
           "/%2e//evil", "/a/%2e%2E", "/a/..?x", "/a/.?x", "/a/..#x", OWN "/../x", OWN "/.//evil",
           "./a", "../a", ".", "..");
}

/* D69, D60: relative to what the browser happens to show */
static void refuses_what_is_neither_a_path_nor_absolute(void **state)
{
    REFUSE("", "a", "a/b", "evil.example", "own.example/", "?a", "#a", "&", "@evil", ":80",
           "own.example:443/a", "app/https://own.example/", "*");
}

/* D71 */
static void refuses_header_injection(void **state)
{
    REFUSE("/a\r\nSet-Cookie: x=y", "/a\nLocation: https://evil", "/a%0d%0aSet-Cookie:x",
           "/%0d%0aLocation:%20https://evil", "/a/%0aevil", "/a%00b", "/a%7Fb", "/a%1F",
           OWN "/\r\n\r\n<html>", OWN "\r\n/", "/a#\r\nX: y");
}

/* D64, D65: its own origin in another form than the canonical one */
static void refuses_its_own_origin_in_another_form(void **state)
{
    REFUSE("HTTPS://own.example/", "https://OWN.example/", "https://Own.Example/a", OWN ":443/",
           OWN ":/", OWN ":0443/", OWN ":80/", OWN ":444/", OWN ":8443/", OWN "./", OWN "..",
           OWN "?x", "https://own.example:443", OWN ":99999/", OWN ":4 43/");
}

/* D74 */
static void refuses_what_could_leave_an_html_attribute(void **state)
{
    REFUSE("/\"><script>", "/a?\"onload=x", "/<", "/>", "/a?<b>", OWN "/\"");
}

/* NOLINTEND(bugprone-suspicious-missing-comma) */

typedef struct {
    const char *text;
    const char *absolute;
    const char *brief;
} accepted_row_t;

static const accepted_row_t accepted[] = {
    {"/", OWN "/", "/"},
    {"/app", OWN "/app", "/app"},
    {"/app/", OWN "/app/", "/app/"},
    {"/app?x=1&y=2", OWN "/app?x=1&y=2", "/app?x=1&y=2"},
    {"/?x", OWN "/?x", "/?x"},
    {"/a//b", OWN "/a//b", "/a//b"},
    {"/a%2Fb/%5C%20c", OWN "/a%2Fb/%5C%20c", "/a%2Fb/%5C%20c"},
    {"/%C3%A4", OWN "/%C3%A4", "/%C3%A4"},
    {"/%25", OWN "/%25", "/%25"},
    {"/%2541", OWN "/%2541", "/%2541"},
    {"/%21", OWN "/%21", "/%21"},
    {"/.well-known/x", OWN "/.well-known/x", "/.well-known/x"},
    {"/...", OWN "/...", "/..."},
    {"/..a/.b/c..", OWN "/..a/.b/c..", "/..a/.b/c.."},
    {"/%2e%2e%2e", OWN "/%2e%2e%2e", "/%2e%2e%2e"},
    {"/a;v=1/b@c:d", OWN "/a;v=1/b@c:d", "/a;v=1/b@c:d"},
    {"/@evil", OWN "/@evil", "/@evil"},
    {"/a?r=https://evil/../x", OWN "/a?r=https://evil/../x", "/a?r=https://evil/../x"},
    {"/a?r=//evil", OWN "/a?r=//evil", "/a?r=//evil"},
    {"/a?x=%0A%00", OWN "/a?x=%0A%00", "/a?x=%0A%00"},
    {"/list?f[a]={1}|2^`", OWN "/list?f[a]={1}|2^`", "/list?f[a]={1}|2^`"},
    {"/a#frag", OWN "/a", "/a"},
    {"/a?x#//evil", OWN "/a?x", "/a?x"},
    {"/#https://evil", OWN "/", "/"},
    {OWN, OWN "/", "/"},
    {OWN "#x", OWN "/", "/"},
    {OWN "/", OWN "/", "/"},
    {OWN "/a?b", OWN "/a?b", "/a?b"},
    {OWN "/a#b", OWN "/a", "/a"},
    {FRIEND, FRIEND "/", FRIEND "/"},
    {FRIEND "/a?b#c", FRIEND "/a?b", FRIEND "/a?b"},
};

static void accepts_paths_and_listed_origins_and_writes_them_anew(void **state)
{
    const fixture_t *fixture = *state;

    for (apr_size_t i = 0; i < COUNT(accepted); i++) {
        rp_return_url_t *url;

        if (check(&url, fixture, accepted[i].text) != APR_SUCCESS) {
            fail_row(accepted[i].text);
        }
        assert_string_equal(rp_return_url_text(url), accepted[i].absolute);
        assert_string_equal(rp_return_url_short(url), accepted[i].brief);
    }
}

/* D75 */
static void accepts_what_it_stored_with_the_same_result(void **state)
{
    const fixture_t *fixture = *state;

    for (apr_size_t i = 0; i < COUNT(accepted); i++) {
        rp_return_url_t *first;
        rp_return_url_t *again;

        assert_int_equal(check(&first, fixture, accepted[i].text), APR_SUCCESS);
        assert_int_equal(check(&again, fixture, rp_return_url_short(first)), APR_SUCCESS);
        assert_string_equal(rp_return_url_text(again), rp_return_url_text(first));
        assert_int_equal(check(&again, fixture, rp_return_url_text(first)), APR_SUCCESS);
        assert_string_equal(rp_return_url_short(again), rp_return_url_short(first));
    }
}

static void allows_no_other_origin_without_a_list(void **state)
{
    const fixture_t *fixture = *state;
    rp_return_url_t *url;

    assert_int_equal(rp_return_url_check(&url, FRIEND "/", OWN, NULL, fixture->test->env.pool),
                     APR_EINVAL);
    assert_int_equal(rp_return_url_check(&url, "http://[::1]:8080/a", "http://[::1]:8080", NULL,
                                         fixture->test->env.pool),
                     APR_SUCCESS);
    assert_string_equal(rp_return_url_short(url), "/a");
}

static void measures_the_length_up_to_the_limit(void **state)
{
    const fixture_t *fixture = *state;
    char *text = apr_palloc(fixture->test->env.pool, RP_MAX_RETURN_URL + 2);
    rp_return_url_t *url;

    memset(text, 'a', RP_MAX_RETURN_URL + 1);
    text[0] = '/';
    text[RP_MAX_RETURN_URL + 1] = '\0';
    assert_int_equal(check(&url, fixture, text), APR_ENOSPC);
    assert_null(url);
    text[RP_MAX_RETURN_URL] = '\0';
    assert_int_equal(check(&url, fixture, text), APR_SUCCESS);
    assert_string_equal(rp_return_url_short(url), text);
}

/* Every text of up to five of the characters that bypasses are made of: what is accepted leads
 * nowhere but to the two origins, and a browser sees a path of one slash. */
static void lets_no_short_combination_through(void **state)
{
    static const char *const atoms[] = {"/",  "\\", ".", ":",    "@",     "%2f",        "%2e",
                                        "\t", "#",  "?", "evil", "https", "own.example"};
    const fixture_t *fixture = *state;
    apr_pool_t *pool;
    long accepted_count = 0;

    apr_pool_create(&pool, fixture->test->env.pool);
    for (long n = 0; n < 13L * 13 * 13 * 13 * 13; n++) {
        rp_return_url_t *url;
        const char *text;

        text = apr_pstrcat(pool, atoms[n % 13], atoms[n / 13 % 13], atoms[n / 169 % 13],
                           atoms[n / 2197 % 13], atoms[n / 28561], NULL);
        if (rp_return_url_check(&url, text, OWN, NULL, pool) == APR_SUCCESS) {
            const char *path = rp_return_url_short(url);

            accepted_count++;
            assert_memory_equal(rp_return_url_text(url), OWN "/", strlen(OWN "/"));
            assert_true(path[0] == '/' && path[1] != '/' && path[1] != '\\');
            assert_true(text[0] == '/' || strncmp(text, OWN, strlen(OWN)) == 0);
        }
        apr_pool_clear(pool);
    }
    assert_true(accepted_count > 1000);
}

static void encodes_in_a_request_target_what_no_url_has(void **state)
{
    static const char *const rows[][2] = {
        {"/a?b=c&d=%41", "/a?b=c&d=%41"},
        {"/a?q=a\\b\"c<d>", "/a?q=a%5Cb%22c%3Cd%3E"},
        {"/a?q=100%", "/a?q=100%25"},
        {"/a?q=%zz%4", "/a?q=%25zz%254"},
        {"/\xC3\xA4", "/%C3%A4"},
        {"/a b#c", "/a%20b%23c"},
        {"/list?f[a]={1}|2^`", "/list?f[a]={1}|2^`"},
    };
    const fixture_t *fixture = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        const char *encoded = rp_url_encode_target(rows[i][0], fixture->test->env.pool);
        rp_return_url_t *url;

        assert_string_equal(encoded, rows[i][1]);
        assert_int_equal(check(&url, fixture, encoded), APR_SUCCESS);
        assert_string_equal(rp_return_url_short(url), encoded);
    }
}

int run_codec_return_url_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_scheme_relative_urls),
        TEST(refuses_backslashes),
        TEST(refuses_controls_and_white_space),
        TEST(refuses_user_information),
        TEST(refuses_hosts_that_begin_or_end_like_its_own),
        TEST(refuses_other_schemes),
        TEST(refuses_unicode_and_lookalike_hosts),
        TEST(refuses_hosts_that_are_numbers),
        TEST(refuses_encoded_layers_at_the_start_of_the_path),
        TEST(refuses_dot_segments),
        TEST(refuses_what_is_neither_a_path_nor_absolute),
        TEST(refuses_header_injection),
        TEST(refuses_its_own_origin_in_another_form),
        TEST(refuses_what_could_leave_an_html_attribute),
        TEST(accepts_paths_and_listed_origins_and_writes_them_anew),
        TEST(accepts_what_it_stored_with_the_same_result),
        TEST(allows_no_other_origin_without_a_list),
        TEST(measures_the_length_up_to_the_limit),
        TEST(lets_no_short_combination_through),
        TEST(encodes_in_a_request_target_what_no_url_has),
    };
#undef TEST

    return cmocka_run_group_tests_name("codec/return_url", tests, NULL, NULL);
}
