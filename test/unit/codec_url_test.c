#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/codec/rp_url.h"
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
    const char *origin;
    const char *host;
    int port;
    const char *path;
    const char *query; /* NULL: none */
} accepted[] = {
    {"https://a.example", "https://a.example", "a.example", 443, "/", NULL},
    {"https://a.example/", "https://a.example", "a.example", 443, "/", NULL},
    {"http://a.example/p", "http://a.example", "a.example", 80, "/p", NULL},
    {"HTTPS://A.Example/P", "https://a.example", "a.example", 443, "/P", NULL},
    {"https://a.example:443/", "https://a.example", "a.example", 443, "/", NULL},
    {"https://a.example:80/", "https://a.example:80", "a.example", 80, "/", NULL},
    {"http://a.example:443/", "http://a.example:443", "a.example", 443, "/", NULL},
    {"http://localhost:1/", "http://localhost:1", "localhost", 1, "/", NULL},
    {"https://a:65535/", "https://a:65535", "a", 65535, "/", NULL},
    {"https://a?q", "https://a", "a", 443, "/", "q"},
    {"https://a/?", "https://a", "a", 443, "/", ""},
    {"https://a/p?q?r/s", "https://a", "a", 443, "/p", "q?r/s"},
    {"https://a/%41%2f;x=@:!$&'()*+,", "https://a", "a", 443, "/%41%2f;x=@:!$&'()*+,", NULL},
    {"https://a//b", "https://a", "a", 443, "//b", NULL},
    {"https://a_b-c.x1/", "https://a_b-c.x1", "a_b-c.x1", 443, "/", NULL},
    {"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example", "xn--bcher-kva.example",
     443, "/", NULL},
    {"https://10.0.0.1/", "https://10.0.0.1", "10.0.0.1", 443, "/", NULL},
    {"http://[::1]:8080/", "http://[::1]:8080", "[::1]", 8080, "/", NULL},
    {"https://[2001:DB8::1]/", "https://[2001:db8::1]", "[2001:db8::1]", 443, "/", NULL},
    {"https://[::ffff:192.0.2.1]/", "https://[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", 443, "/",
     NULL},
};

static void splits_a_url_into_its_parts(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(accepted); i++) {
        rp_url_t url;

        if (rp_url_parse(&url, accepted[i].text, test->env.pool) != APR_SUCCESS) {
            fail_row(accepted[i].text);
        }
        assert_string_equal(url.origin, accepted[i].origin);
        assert_string_equal(url.host, accepted[i].host);
        assert_int_equal(url.port, accepted[i].port);
        assert_string_equal(url.path, accepted[i].path);
        assert_memory_equal(url.origin, url.scheme, strlen(url.scheme));
        if (accepted[i].query) {
            assert_string_equal(url.query, accepted[i].query);
        } else {
            assert_null(url.query);
        }
    }
}

static const char *const refused[] = {
    "",
    "/",
    "//a/",
    "a",
    "https",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:a",
    "https:/a",
    "https:\\\\a",
    " https://a/",
    "https://a/ ",
    "ftp://a/",
    "javascript://a/",
    "httpss://a/",
    "ws://a/",
    "https://a/#",
    "https://a#f",
    "https://u@a/",
    "https://u:p@a/",
    "https://@a/",
    "https://a\\b/",
    "https://a/\\b",
    "https://a/b c",
    "https://a/b\tc",
    "https://a/b\nc",
    "https://a\r\n/",
    "https://a/\x01",
    "https://a/\x7F",
    "https://a/\xC3\xA4",
    "https://b\xC3\xBC.example/",
    "https://a%2eb/",
    "https://a/%",
    "https://a/%4",
    "https://a/%4x",
    "https://a/?%zz",
    "https://a/{tenant}/",
    "https://a/a|b",
    "https://a/a^b",
    "https://a/a`b",
    "https://a/\"",
    "https://a/<>",
    "https://a/?[]",
    "https://a:/",
    "https://a:0/",
    "https://a:00/",
    "https://a:0443/",
    "https://a:65536/",
    "https://a:99999999999999999999/",
    "https://a:-1/",
    "https://a:+1/",
    "https://a:1x/",
    "https://a:1:2/",
    "https://.a/",
    "https://a./",
    "https://a..b/",
    "https://./",
    "https://a,b/",
    "https://a;b/",
    "https://a!b/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.0x1/",
    "https://127.0.0.1.1/",
    "https://256.0.0.1/",
    "https://a.1/",
    "https://a.0x/",
    "https://[::1/",
    "https://::1/",
    "https://[]/",
    "https://[::1]x/",
    "https://[::1%25eth0]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::0001]/",
    "https://[::1::]/",
    "https://[v1.a]/",
    "https://[127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[00000000000000000000000000000000000000000000000000000000000000000000001]/",
};

static void refuses_everything_else_and_leaves_zeros(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(refused); i++) {
        rp_url_t url = {.port = 7};

        if (rp_url_parse(&url, refused[i], test->env.pool) != APR_EINVAL) {
            fail_row(refused[i]);
        }
        assert_null(url.origin);
        assert_null(url.host);
        assert_int_equal(url.port, 0);
    }
}

static void refuses_hosts_longer_than_dns_allows(void **state)
{
    test_env_t *test = *state;
    char label[65];
    rp_url_t url;
    const char *four;

    memset(label, 'a', 64);
    label[64] = '\0';
    assert_int_equal(
        rp_url_parse(&url, apr_pstrcat(test->env.pool, "https://", label, NULL), test->env.pool),
        APR_EINVAL);
    label[63] = '\0';
    assert_int_equal(
        rp_url_parse(&url, apr_pstrcat(test->env.pool, "https://", label, NULL), test->env.pool),
        APR_SUCCESS);
    four = apr_pstrcat(test->env.pool, "https://", label, ".", label, ".", label, ".", label, NULL);
    assert_int_equal(rp_url_parse(&url, four, test->env.pool), APR_EINVAL);
    assert_int_equal(
        rp_url_parse(&url, apr_pstrmemdup(test->env.pool, four, 8 + 253), test->env.pool),
        APR_SUCCESS);
}

static void knows_loopback_hosts_and_no_lookalikes(void **state)
{
    static const struct {
        const char *text;
        int loopback;
    } rows[] = {
        {"http://localhost/", 1},
        {"http://LOCALHOST:8080/", 1},
        {"http://127.0.0.1/", 1},
        {"http://127.255.255.254/", 1},
        {"http://[::1]/", 1},
        {"http://localhost.example/", 0},
        {"http://127.0.0.1.example/", 0},
        {"http://127.evil/", 0},
        {"http://128.0.0.1/", 0},
        {"http://0.0.0.0/", 0},
        {"http://[::]/", 0},
        {"http://[::ffff:127.0.0.1]/", 0},
        {"http://xlocalhost/", 0},
        {"http://a.localhost/", 0},
        {"http://[::2]/", 0},
    };
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(rows); i++) {
        rp_url_t url;

        assert_int_equal(rp_url_parse(&url, rows[i].text, test->env.pool), APR_SUCCESS);
        if (rp_url_is_loopback(&url) != rows[i].loopback) {
            fail_row(rows[i].text);
        }
    }
}

int run_codec_url_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(splits_a_url_into_its_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_everything_else_and_leaves_zeros, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_hosts_longer_than_dns_allows, setup, teardown),
        cmocka_unit_test_setup_teardown(knows_loopback_hosts_and_no_lookalikes, setup, teardown),
    };

    return cmocka_run_group_tests_name("codec/url", tests, NULL, NULL);
}
