#include "../../src/io/rp_store_redis.h"
#include "io_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#define SECRET "hunter2"

typedef struct {
    const char *text;
    rp_redis_kind_t kind;
    const char *name;
    const char *user;
    const char *password;
    int db;
} good_t;

/* clang-format off */
static const good_t good[] = {
    {"redis://127.0.0.1", RP_REDIS_TCP, "127.0.0.1:6379", NULL, NULL, 0},
    {"redis://redis.example.com:6380", RP_REDIS_TCP, "redis.example.com:6380", NULL, NULL, 0},
    {"redis://localhost/", RP_REDIS_TCP, "localhost:6379", NULL, NULL, 0},
    {"redis://localhost/3", RP_REDIS_TCP, "localhost:6379", NULL, NULL, 3},
    {"redis://localhost:1/65535", RP_REDIS_TCP, "localhost:1", NULL, NULL, 65535},
    {"REDIS://localhost", RP_REDIS_TCP, "localhost:6379", NULL, NULL, 0},
    {"redis://:hunter2@localhost", RP_REDIS_TCP, "localhost:6379", NULL, "hunter2", 0},
    {"redis://bob:hunter2@localhost:7/1", RP_REDIS_TCP, "localhost:7", "bob", "hunter2", 1},
    {"redis://b%40b:hun%2fter%252:x@localhost", RP_REDIS_TCP, "localhost:6379", "b@b", "hun/ter%2:x", 0},
    {"redis://:%c3%a4%C3%A4@localhost", RP_REDIS_TCP, "localhost:6379", NULL, "\xc3\xa4\xc3\xa4", 0},
    {"redis://:@localhost", RP_REDIS_TCP, "localhost:6379", NULL, "", 0},
    {"redis://[::1]", RP_REDIS_TCP, "[::1]:6379", NULL, NULL, 0},
    {"redis://:hunter2@[2001:db8::5]:99/2", RP_REDIS_TCP, "[2001:db8::5]:99", NULL, "hunter2", 2},
    {"rediss://:hunter2@redis.example.com", RP_REDIS_TLS, "redis.example.com:6379", NULL, "hunter2", 0},
    {"rediss://h/1?ca=/etc/passwd", RP_REDIS_TLS, "h:6379", NULL, NULL, 1},
    {"rediss://h?ca=%2fetc%2Fpasswd", RP_REDIS_TLS, "h:6379", NULL, NULL, 0},
    {"unix:/run/redis.sock", RP_REDIS_UNIX, "unix:/run/redis.sock", NULL, NULL, 0},
    {"unix:/run/redis.sock?db=4&user=bob&password=hun%26ter2", RP_REDIS_UNIX, "unix:/run/redis.sock", "bob", "hun&ter2", 4},
    {"unix:/run/redis.sock?password=hunter2", RP_REDIS_UNIX, "unix:/run/redis.sock", NULL, "hunter2", 0},
    {"unix:/run/redis.sock?", RP_REDIS_UNIX, "unix:/run/redis.sock", NULL, NULL, 0},
    {"redis+sentinel://a/main", RP_REDIS_SENTINEL, "main of the sentinels a:26379", NULL, NULL, 0},
    {"redis+sentinel://bob:hunter2@a:1,[::1]:2,c/my.main-1_x/5", RP_REDIS_SENTINEL, "my.main-1_x of the sentinels a:1,[::1]:2,c:26379", "bob", "hunter2", 5},
    {"redis+sentinel://a/m?sentinel_password=hunter2", RP_REDIS_SENTINEL, "m of the sentinels a:26379", NULL, NULL, 0},
};

/* What is wrong, and a word of the advice. */
static const struct {
    const char *text;
    const char *advice;
} bad[] = {
    {"redis", "://"},
    {"redis:", "://"},
    {"redis:/localhost", "://"},
    {"redis://", "a host is"},
    {"redis:///1", "a host is"},
    {"redis://:6379", "a host is"},
    {"redis://:hunter2@", "a host is"},
    {"redis://hunter2@localhost", ":PASSWORD"},
    {"redis://:hunter2@x@localhost", "%XX"},
    {"redis://:hunter2@local host", "a host is"},
    {"redis://bob:hun/ter2@localhost", "after the colon of a host"},
    {"redis://bob:hun#ter2@localhost", "after the colon of a host"},
    {"redis://bob:hun?ter2@localhost", "after the colon of a host"},
    {"redis://:hunter2%@localhost", "%25"},
    {"redis://:hunter2%4@localhost", "%25"},
    {"redis://:hunter2%4g@localhost", "%25"},
    {"redis://:hunter2%00@localhost", "%25"},
    {"redis://:hunter2\xc3\xa4@localhost", "%XX"},
    {"redis://b%ob:hunter2@localhost", "%25"},
    {"redis://localhost:", "1 to 65535"},
    {"redis://localhost:0", "1 to 65535"},
    {"redis://localhost:65536", "1 to 65535"},
    {"redis://localhost:06379", "1 to 65535"},
    {"redis://localhost:x", "1 to 65535"},
    {"redis://localhost:123456", "1 to 65535"},
    {"redis://localhost:-1", "1 to 65535"},
    {"redis://::1", "1 to 65535"},
    {"redis://[::1", "a host is"},
    {"redis://[::g]", "IPv6"},
    {"redis://[]", "a host is"},
    {"redis://[::1]x", "a host is"},
    {"redis://localhost/x", "number of the database"},
    {"redis://localhost/-1", "number of the database"},
    {"redis://localhost/01", "number of the database"},
    {"redis://localhost/65536", "number of the database"},
    {"redis://localhost/1/", "number of the database"},
    {"redis://localhost?db=1", "no option"},
    {"redis://localhost/1#x", "%23"},
    {"redis://localhost,other", "a host is"},
    {"rediss://h?ca=relative.pem", "ca="},
    {"rediss://h?ca=/nowhere/ca.pem", "ca="},
    {"rediss://h?ca=", "ca="},
    {"rediss://h?ca=/etc/passwd&ca=/etc/passwd", "twice"},
    {"rediss://h?verify=no", "no option"},
    {"unix:", "absolute path"},
    {"unix:redis.sock", "absolute path"},
    {"unix:/s?db=x", "number of the database"},
    {"unix:/s?db", "no option"},
    {"unix:/s?=1", "no option"},
    {"unix:/s?password=hunter2%", "%25"},
    {"unix:/s?user=bob", "needs a password"},
    {"unix:/s?ca=/etc/passwd", "no option"},
    {"unix:/1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "longer"},
    {"redis+sentinel://a", "/MASTER"},
    {"redis+sentinel://a/", "/MASTER"},
    {"redis+sentinel://a//1", "/MASTER"},
    {"redis+sentinel://a/m/", "number of the database"},
    {"redis+sentinel://a/m/x", "number of the database"},
    {"redis+sentinel://a/m!", "letters, digits"},
    {"redis+sentinel://a,/m", "a host is"},
    {"redis+sentinel:///m", "a host is"},
    {"redis+sentinel://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17/m", "more sentinels"},
    {"redis+sentinel://a/m?sentinel_user=bob", "sentinel_password"},
};
/* clang-format on */

static void expect_text(const char *actual, const char *expected)
{
    if (!expected) {
        assert_null(actual);
        return;
    }
    assert_non_null(actual);
    assert_string_equal(actual, expected);
}

static void reads_every_form_of_an_address(void **state)
{
    test_env_t *test = test_env_make();
    rp_redis_address_t *address;

    (void)state;
    for (apr_size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *why = rp_store_redis_parse(&address, good[i].text, test->env.pool);

        if (why) {
            fail_msg("%s: %s", good[i].text, why);
        }
        assert_int_equal(address->kind, good[i].kind);
        assert_string_equal(address->name, good[i].name);
        expect_text(address->user, good[i].user);
        expect_text(address->password, good[i].password);
        assert_int_equal(address->db, good[i].db);
        assert_null(strstr(address->name, SECRET));
    }
    test_env_destroy(test);
}

static void says_what_would_be_right_and_repeats_no_password(void **state)
{
    test_env_t *test = test_env_make();
    rp_redis_address_t *address;

    (void)state;
    for (apr_size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *why = rp_store_redis_parse(&address, bad[i].text, test->env.pool);

        assert_null(address);
        why = why ? why : "was taken";
        if (!strstr(why, bad[i].advice)) {
            fail_msg("%s: %s", bad[i].text, why);
        }
        assert_null(strstr(why, "hun"));
    }
    test_env_destroy(test);
}

static void knows_sentinels_and_what_they_want(void **state)
{
    test_env_t *test = test_env_make();
    rp_redis_address_t *address;

    (void)state;
    assert_null(rp_store_redis_parse(&address,
                                     "redis+sentinel://:a@[::1],two:2/m/3?sentinel_user=u"
                                     "&sentinel_password=p%20p",
                                     test->env.pool));
    assert_int_equal(address->peer_count, 2);
    assert_string_equal(address->peers[0].host, "::1");
    assert_int_equal(address->peers[0].port, 26379);
    assert_string_equal(address->peers[1].host, "two");
    assert_int_equal(address->peers[1].port, 2);
    assert_string_equal(address->master, "m");
    assert_string_equal(address->password, "a");
    assert_string_equal(address->sentinel_user, "u");
    assert_string_equal(address->sentinel_password, "p p");
    test_env_destroy(test);
}

int run_io_store_redis_address_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form_of_an_address),
        cmocka_unit_test(says_what_would_be_right_and_repeats_no_password),
        cmocka_unit_test(knows_sentinels_and_what_they_want),
    };

    return cmocka_run_group_tests_name("io: addresses of Redis", tests, NULL, NULL);
}
