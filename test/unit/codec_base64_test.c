#include "test_env.h"

#include <string.h>

#include "../../src/codec/rp_base64.h"
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

/* RFC 4648 10, and the example of RFC 7515 appendix C. */
static const struct {
    const char *data;
    apr_size_t len;
    const char *basic;
    const char *url;
} vectors[] = {
    {"", 0, "", ""},
    {"f", 1, "Zg==", "Zg"},
    {"fo", 2, "Zm8=", "Zm8"},
    {"foo", 3, "Zm9v", "Zm9v"},
    {"foob", 4, "Zm9vYg==", "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy", "Zm9vYmFy"},
    {"\x03\xEC\xFF\xE0\xC1", 5, "A+z/4ME=", "A-z_4ME"},
    {"\0\0\0", 3, "AAAA", "AAAA"},
};

static void writes_the_vectors_of_the_rfcs(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(vectors); i++) {
        char into[16];

        rp_base64url_encode_into(into, vectors[i].data, vectors[i].len);
        assert_string_equal(into, vectors[i].url);
        assert_int_equal(strlen(into), RP_BASE64URL_LEN(vectors[i].len));
        assert_string_equal(rp_base64url_encode(vectors[i].data, vectors[i].len, test->env.pool),
                            vectors[i].url);
        assert_string_equal(rp_base64_encode(vectors[i].data, vectors[i].len, test->env.pool),
                            vectors[i].basic);
    }
}

static void reads_the_vectors_of_the_rfcs(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(vectors); i++) {
        unsigned char into[16];
        unsigned char *data;
        apr_size_t len;

        assert_int_equal(rp_base64url_decode(&data, &len, vectors[i].url, strlen(vectors[i].url),
                                             test->env.pool),
                         APR_SUCCESS);
        assert_int_equal(len, vectors[i].len);
        assert_memory_equal(data, vectors[i].data, len);
        assert_int_equal(data[len], 0);
        assert_int_equal(
            rp_base64url_decode_into(into, len, vectors[i].url, strlen(vectors[i].url)),
            APR_SUCCESS);
        assert_memory_equal(into, vectors[i].data, len);
    }
}

static const char *const refused[] = {
    "A",     "AAAAA",   "Zg==",    "Zg=",          "Zm8=",    "=",       "Zm9v=", "Zm9v\n",
    " Zm9v", "Zm9v ",   "Zm 9v",   "Zm9\tv",       "A+z_4ME", "A/z_4ME", "Zm9.v", "Zh",
    "Zm9",   "Zm9vYmF", "Zm9v%3D", "Zm9v\xC3\xA4", "\x80",    "Zm9v-_*", "-",     "AB",
};

static void refuses_every_other_text_of_a_value(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(refused); i++) {
        unsigned char *data = (unsigned char *)test;
        apr_size_t len = 99;

        if (rp_base64url_decode(&data, &len, refused[i], strlen(refused[i]), test->env.pool) !=
            APR_EINVAL) {
            fail_row(refused[i]);
        }
        assert_null(data);
        assert_int_equal(len, 0);
    }
}

static void refuses_a_nul_inside(void **state)
{
    test_env_t *test = *state;
    unsigned char *data;
    apr_size_t len;

    assert_int_equal(rp_base64url_decode(&data, &len, "AA\0A", 4, test->env.pool), APR_EINVAL);
}

static void refuses_another_length_than_asked_for_and_leaves_zeros(void **state)
{
    unsigned char out[4] = {1, 1, 1, 1};
    const unsigned char zeros[4] = {0, 0, 0, 0};

    (void)state;
    assert_int_equal(rp_base64url_decode_into(out, 4, "Zm9v", 4), APR_EINVAL);
    assert_memory_equal(out, zeros, 4);
    memset(out, 1, sizeof(out));
    assert_int_equal(rp_base64url_decode_into(out, 2, "Zm9v", 4), APR_EINVAL);
    assert_memory_equal(out, zeros, 2);
    memset(out, 1, sizeof(out));
    assert_int_equal(rp_base64url_decode_into(out, 3, "Zm9!", 4), APR_EINVAL);
    assert_memory_equal(out, zeros, 3);
}

static void reads_what_it_writes_for_every_length_and_byte(void **state)
{
    test_env_t *test = *state;
    unsigned char data[256];

    for (apr_size_t len = 0; len <= sizeof(data); len++) {
        const char *text;
        unsigned char *back;
        apr_size_t back_len;

        for (apr_size_t i = 0; i < len; i++) {
            data[i] = (unsigned char)(i * 7 + len);
        }
        text = rp_base64url_encode(data, len, test->env.pool);
        assert_int_equal(strlen(text), RP_BASE64URL_LEN(len));
        assert_int_equal(rp_base64url_decode(&back, &back_len, text, strlen(text), test->env.pool),
                         APR_SUCCESS);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, data, len);
    }
}

int run_codec_base64_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_the_vectors_of_the_rfcs, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_the_vectors_of_the_rfcs, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_every_other_text_of_a_value, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_a_nul_inside, setup, teardown),
        cmocka_unit_test(refuses_another_length_than_asked_for_and_leaves_zeros),
        cmocka_unit_test_setup_teardown(reads_what_it_writes_for_every_length_and_byte, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("codec/base64", tests, NULL, NULL);
}
