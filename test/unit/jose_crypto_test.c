#include <apr_strings.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

#include "../../src/base/rp_error.h"
#include "../../src/jose/rp_alg.h"
#include "../../src/jose/rp_crypto.h"
#include "jose_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct {
    rp_hash_t hash;
    const char *name;
} hashes[] = {{RP_SHA256, "sha256"}, {RP_SHA384, "sha384"}, {RP_SHA512, "sha512"}};

/* FIPS 180-4: the message "abc". */
static const char *const abc[] = {
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
    "8086072ba1e7cc2358baeca134c825a7",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
};

static void hashes_the_standard_message(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(hashes); i++) {
        unsigned char out[RP_HASH_MAX];
        apr_size_t len;
        const unsigned char *expected = jose_hex(&len, abc[i], test->env.pool);

        assert_int_equal(len, hashes[i].hash);
        /* Twice, for the second call finds a used context. */
        for (int n = 0; n < 2; n++) {
            assert_int_equal(rp_hash(out, hashes[i].hash, "abc", 3), APR_SUCCESS);
            assert_memory_equal(out, expected, len);
        }
    }
}

static void computes_the_macs_of_rfc_4231(void **state)
{
    test_env_t *test = *state;
    json_t *one;
    size_t at;

    json_array_foreach(jose_vectors("rfc4231.json", test->env.pool), at, one)
    {
        apr_size_t key_len;
        apr_size_t data_len;
        const unsigned char *key = jose_hex(&key_len, jose_text(one, "key"), test->env.pool);
        const unsigned char *data = jose_hex(&data_len, jose_text(one, "data"), test->env.pool);

        for (apr_size_t i = 0; i < COUNT(hashes); i++) {
            unsigned char out[RP_HASH_MAX];
            apr_size_t len;
            const unsigned char *expected =
                jose_hex(&len, jose_text(one, hashes[i].name), test->env.pool);

            assert_int_equal(len, hashes[i].hash);
            assert_int_equal(rp_hmac(out, hashes[i].hash, key, key_len, data, data_len),
                             APR_SUCCESS);
            assert_memory_equal(out, expected, len);
        }
    }
}

static void makes_a_mac_with_an_empty_key(void **state)
{
    /* HMAC-SHA-256 of nothing under nothing. */
    static const char expected_hex[] =
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    test_env_t *test = *state;
    unsigned char out[RP_SHA256];
    apr_size_t len;
    const unsigned char *expected = jose_hex(&len, expected_hex, test->env.pool);

    assert_int_equal(rp_hmac(out, RP_SHA256, NULL, 0, "", 0), APR_SUCCESS);
    assert_memory_equal(out, expected, len);
}

static void derives_the_keys_of_rfc_5869(void **state)
{
    test_env_t *test = *state;
    json_t *one;
    size_t at;

    json_array_foreach(jose_vectors("rfc5869.json", test->env.pool), at, one)
    {
        const json_t *length = json_object_get(one, "length");
        apr_size_t key_len;
        apr_size_t okm_len;
        const unsigned char *key = jose_hex(&key_len, jose_text(one, "key"), test->env.pool);
        const unsigned char *okm = jose_hex(&okm_len, jose_text(one, "okm"), test->env.pool);
        apr_size_t out_len = length ? (apr_size_t)json_integer_value(length) : okm_len;
        unsigned char *out = apr_palloc(test->env.pool, out_len);

        assert_int_equal(rp_hkdf(out, out_len, key, key_len, jose_text(one, "info")), APR_SUCCESS);
        assert_memory_equal(out, okm, okm_len);
    }
}

static void refuses_a_derivation_out_of_its_bounds(void **state)
{
    test_env_t *test = *state;
    unsigned char *out = apr_palloc(test->env.pool, 255 * 32 + 1);

    assert_int_equal(rp_hkdf(out, 255 * 32 + 1, "key", 3, ""), RP_FAILED);
    assert_int_equal(rp_hkdf(out, 0, "key", 3, ""), RP_FAILED);
    assert_int_equal(rp_hkdf(out, 32, "", 0, ""), RP_FAILED);
}

static void makes_the_code_challenge_of_rfc_7636(void **state)
{
    test_env_t *test = *state;

    assert_string_equal(
        rp_sha256_text("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", test->env.pool),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void draws_different_random_numbers(void **state)
{
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};

    (void)state;
    assert_int_equal(rp_crypto_random(first, sizeof(first)), APR_SUCCESS);
    assert_int_equal(rp_crypto_random(second, sizeof(second)), APR_SUCCESS);
    assert_memory_not_equal(first, second, sizeof(first));
}

static const struct {
    const char *a;
    const char *b;
    int equal;
} texts[] = {
    {"", "", 1},     {"a", "a", 1},   {"abc", "abc", 1},   {"", "a", 0},        {"a", "", 0},
    {"ab", "a", 0},  {"a", "ab", 0},  {"abc", "abd", 0},   {"abc", "bbc", 0},   {"aa", "a", 0},
    {"a", "aaa", 0}, {"aaa", "a", 0}, {"\xff", "\xff", 1}, {"\xff", "\x7f", 0},
};

static void tells_equal_texts_from_others(void **state)
{
    (void)state;
    for (apr_size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(rp_equal_text(texts[i].a, texts[i].b), texts[i].equal);
    }
}

static void tells_equal_octets_from_others(void **state)
{
    (void)state;
    assert_int_equal(rp_equal("a\0b", "a\0b", 3), 1);
    assert_int_equal(rp_equal("a\0b", "a\0c", 3), 0);
    assert_int_equal(rp_equal("xyz", "abc", 0), 1);
}

static void wipes_what_it_is_given_and_no_more(void **state)
{
    char data[8] = "secret!";

    (void)state;
    rp_wipe(data, 6);
    assert_memory_equal(data, "\0\0\0\0\0\0!", 8);
}

static void fails_without_its_algorithms_and_can_begin_anew(void **state)
{
    unsigned char out[RP_SHA256];

    (void)state;
    rp_crypto_cleanup();
    rp_crypto_cleanup();
    assert_int_equal(rp_hash(out, RP_SHA256, "abc", 3), RP_FAILED);
    assert_int_equal(rp_hmac(out, RP_SHA256, "key", 3, "abc", 3), RP_FAILED);
    assert_int_equal(rp_hkdf(out, sizeof(out), "key", 3, ""), RP_FAILED);
    assert_int_equal(rp_crypto_init(), APR_SUCCESS);
    assert_int_equal(rp_crypto_init(), APR_SUCCESS);
    assert_int_equal(rp_hash(out, RP_SHA256, "abc", 3), APR_SUCCESS);
    assert_int_equal(ERR_peek_error(), 0);
}

#define THREADS 8
#define ROUNDS 500

/* Returns NULL when every hash was right. */
static void *hash_often(void *data)
{
    const unsigned char *own = data;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned char once[RP_SHA256];
        unsigned char again[RP_SHA256];

        if (rp_hash(once, RP_SHA256, own, 1) != APR_SUCCESS ||
            rp_hmac(again, RP_SHA256, own, 1, own, 1) != APR_SUCCESS ||
            rp_hash(again, RP_SHA256, own, 1) != APR_SUCCESS ||
            memcmp(once, again, sizeof(once)) != 0) {
            return data;
        }
    }
    return NULL;
}

static void serves_threads_side_by_side(void **state)
{
    pthread_t threads[THREADS];
    unsigned char own[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        own[i] = (unsigned char)i;
        assert_int_equal(pthread_create(&threads[i], NULL, hash_often, &own[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong = threads;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void finds_every_algorithm_by_its_exact_name(void **state)
{
    static const char *const others[] = {"none", "None", "rs256", "RS256 ", "RS1",
                                         "",     "HS1",  "eddsa", "ES256K", "RSA-OAEP"};
    rp_alg_t alg;

    (void)state;
    for (int i = 0; i < RP_ALG_COUNT; i++) {
        assert_int_equal(rp_alg_find(&alg, rp_alg_name((rp_alg_t)i)), APR_SUCCESS);
        assert_int_equal(alg, i);
        assert_int_equal(!!(RP_ALGS_SYMMETRIC & (1u << i)),
                         rp_alg_row((rp_alg_t)i)->family == RP_ALG_FAMILY_HMAC);
    }
    for (apr_size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(rp_alg_find(&alg, others[i]), APR_NOTFOUND);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, jose_setup, jose_teardown)

int run_jose_crypto_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hashes_the_standard_message),
        TEST(computes_the_macs_of_rfc_4231),
        TEST(makes_a_mac_with_an_empty_key),
        TEST(derives_the_keys_of_rfc_5869),
        TEST(refuses_a_derivation_out_of_its_bounds),
        TEST(makes_the_code_challenge_of_rfc_7636),
        TEST(draws_different_random_numbers),
        TEST(tells_equal_texts_from_others),
        TEST(tells_equal_octets_from_others),
        TEST(wipes_what_it_is_given_and_no_more),
        TEST(fails_without_its_algorithms_and_can_begin_anew),
        TEST(serves_threads_side_by_side),
        TEST(finds_every_algorithm_by_its_exact_name),
    };

    return cmocka_run_group_tests_name("jose: hashes, MACs, algorithms", tests, NULL, NULL);
}
