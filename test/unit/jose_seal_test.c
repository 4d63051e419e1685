#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

#include "../../src/base/rp_error.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_seal.h"
#include "jose_groups.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define FIRST "the first secret of the ring"
#define SECOND "the second secret of the ring"

static const rp_seal_for_t for_session = {RP_SEAL_SESSION, "https://a.example", "0123456789abcdef",
                                          16};

/* A ring of up to two secrets, becoming the environment's. */
static const rp_keyring_t *use_ring(test_env_t *test, const char *first, const char *second)
{
    apr_array_header_t *secrets = apr_array_make(test->env.pool, 2, sizeof(rp_secret_bytes_t));
    rp_keyring_t *ring;

    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) =
        (rp_secret_bytes_t){(const unsigned char *)first, strlen(first)};
    if (second) {
        APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) =
            (rp_secret_bytes_t){(const unsigned char *)second, strlen(second)};
    }
    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_SUCCESS);
    test->env.keyring = ring;
    return ring;
}

static int setup(void **state)
{
    int rv = jose_setup(state);

    if (rv == 0) {
        use_ring(*state, FIRST, NULL);
    }
    return rv;
}

static unsigned char *seal(apr_size_t *len, test_env_t *test, const rp_seal_for_t *seal_for,
                           const char *text)
{
    unsigned char *box;

    assert_int_equal(rp_seal(&box, len, &test->env, seal_for, text, strlen(text)), APR_SUCCESS);
    return box;
}

static void assert_opens(test_env_t *test, const rp_seal_for_t *seal_for, const unsigned char *box,
                         apr_size_t box_len, const char *text)
{
    unsigned char *data;
    apr_size_t len;

    assert_int_equal(rp_open(&data, &len, &test->env, seal_for, box, box_len), APR_SUCCESS);
    assert_int_equal(len, strlen(text));
    assert_string_equal((const char *)data, text);
}

static void assert_stays_shut(test_env_t *test, const rp_seal_for_t *seal_for,
                              const unsigned char *box, apr_size_t box_len)
{
    unsigned char *data = NULL;
    apr_size_t len = 1;

    assert_int_equal(rp_open(&data, &len, &test->env, seal_for, box, box_len), APR_EINVAL);
    assert_null(data);
    assert_int_equal(len, 0);
    assert_int_equal(test->env.error.id, RP_E_NONE);
    assert_int_equal(ERR_peek_error(), 0);
}

static void opens_what_it_sealed_whatever_its_length(void **state)
{
    static const apr_size_t lengths[] = {0, 1, 15, 16, 17, 95, 96, 97, 5120, 262144};
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < COUNT(lengths); i++) {
        unsigned char *text = apr_palloc(test->env.pool, lengths[i] + 1);
        unsigned char *box;
        unsigned char *data;
        apr_size_t box_len;
        apr_size_t len;

        memset(text, (int)i + 'a', lengths[i]);
        assert_int_equal(rp_seal(&box, &box_len, &test->env, &for_session, text, lengths[i]),
                         APR_SUCCESS);
        assert_int_equal(box_len, lengths[i] + RP_SEAL_OVERHEAD);
        assert_int_equal(rp_open(&data, &len, &test->env, &for_session, box, box_len), APR_SUCCESS);
        assert_int_equal(len, lengths[i]);
        assert_memory_equal(data, text, len);
        assert_int_equal(data[len], 0);
    }
}

static void opens_for_its_purpose_context_and_binding_only(void **state)
{
    static const rp_seal_for_t others[] = {
        {RP_SEAL_LOGIN_STATE, "https://a.example", "0123456789abcdef", 16},
        {RP_SEAL_LOGIN_URL, "https://a.example", "0123456789abcdef", 16},
        {RP_SEAL_LOGOUT_STATE, "https://a.example", "0123456789abcdef", 16},
        {RP_SEAL_CSRF, "https://a.example", "0123456789abcdef", 16},
        {RP_SEAL_SESSION, "https://b.example", "0123456789abcdef", 16},
        {RP_SEAL_SESSION, "https://a.exampl", "0123456789abcdef", 16},
        {RP_SEAL_SESSION, "", "0123456789abcdef", 16},
        {RP_SEAL_SESSION, NULL, "0123456789abcdef", 16},
        {RP_SEAL_SESSION, "https://a.example", "0123456789abcdeg", 16},
        {RP_SEAL_SESSION, "https://a.example", "0123456789abcde", 15},
        /* The binding is padded, so its length has to count as well. */
        {RP_SEAL_SESSION, "https://a.example", "0123456789abcdef\0", 17},
        {RP_SEAL_SESSION, "https://a.example", NULL, 0},
    };
    test_env_t *test = *state;
    apr_size_t len;
    unsigned char *box = seal(&len, test, &for_session, "for one use only");

    for (apr_size_t i = 0; i < COUNT(others); i++) {
        assert_stays_shut(test, &others[i], box, len);
    }
    assert_opens(test, &for_session, box, len, "for one use only");
}

static void opens_after_other_purposes_used_the_same_contexts(void **state)
{
    test_env_t *test = *state;
    apr_size_t lens[RP_SEAL_PURPOSES];
    unsigned char *boxes[RP_SEAL_PURPOSES];

    for (int i = 0; i < RP_SEAL_PURPOSES; i++) {
        const rp_seal_for_t seal_for = {(rp_seal_purpose_t)i, "", NULL, 0};

        boxes[i] = seal(&lens[i], test, &seal_for, "text");
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RP_SEAL_PURPOSES; i++) {
            const rp_seal_for_t seal_for = {(rp_seal_purpose_t)i, "", NULL, 0};

            assert_opens(test, &seal_for, boxes[i], lens[i], "text");
            assert_opens(test, &seal_for, boxes[i], lens[i], "text");
        }
    }
}

static void refuses_a_box_with_any_bit_changed(void **state)
{
    test_env_t *test = *state;
    apr_size_t len;
    unsigned char *box = seal(&len, test, &for_session, "some text");

    for (apr_size_t bit = 0; bit < len * 8; bit++) {
        box[bit / 8] = (unsigned char)(box[bit / 8] ^ (1 << bit % 8));
        assert_stays_shut(test, &for_session, box, len);
        box[bit / 8] = (unsigned char)(box[bit / 8] ^ (1 << bit % 8));
    }
    assert_opens(test, &for_session, box, len, "some text");
}

static void refuses_a_box_of_another_length(void **state)
{
    test_env_t *test = *state;
    apr_size_t len;
    unsigned char *box = seal(&len, test, &for_session, "some text");
    unsigned char *longer = apr_pcalloc(test->env.pool, len + 1);

    memcpy(longer, box, len);
    assert_stays_shut(test, &for_session, longer, len + 1);
    for (apr_size_t i = 0; i < len; i++) {
        assert_stays_shut(test, &for_session, box, i);
    }
}

static void seals_the_same_text_differently_each_time(void **state)
{
    test_env_t *test = *state;
    apr_size_t len;
    const unsigned char *first = seal(&len, test, &for_session, "a text long enough to compare");
    const unsigned char *second = seal(&len, test, &for_session, "a text long enough to compare");

    /* Version and key id are the same, salt and everything after it are not. */
    assert_memory_equal(first, second, 5);
    assert_memory_not_equal(first + 5, second + 5, 16);
    assert_memory_not_equal(first + 21, second + 21, len - 21);
}

static void opens_with_every_secret_of_the_ring_and_seals_with_the_first(void **state)
{
    test_env_t *test = *state;
    apr_size_t old_len;
    apr_size_t new_len;
    const unsigned char *old_box = seal(&old_len, test, &for_session, "old");
    const unsigned char *new_box;

    use_ring(test, SECOND, FIRST);
    assert_opens(test, &for_session, old_box, old_len, "old");
    new_box = seal(&new_len, test, &for_session, "new");
    use_ring(test, SECOND, NULL);
    assert_opens(test, &for_session, new_box, new_len, "new");
    assert_stays_shut(test, &for_session, old_box, old_len);
    use_ring(test, FIRST, NULL);
    assert_stays_shut(test, &for_session, new_box, new_len);
}

static void opens_with_a_ring_that_has_one_secret_twice(void **state)
{
    test_env_t *test = *state;
    apr_size_t len;
    unsigned char *box = seal(&len, test, &for_session, "text");

    use_ring(test, FIRST, FIRST);
    assert_opens(test, &for_session, box, len, "text");
    box[len - 1] ^= 1;
    assert_stays_shut(test, &for_session, box, len);
}

/* CMAC-AES-256 by OpenSSL's own implementation. */
static void cmac(unsigned char out[16], const unsigned char key[32], const unsigned char *data,
                 apr_size_t len)
{
    char cipher[] = "AES-256-CBC";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t out_len;

    assert_int_equal(EVP_MAC_init(ctx, key, 32, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, data, len), 1);
    assert_int_equal(EVP_MAC_final(ctx, out, &out_len, 16), 1);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

/* The format written down a second time: a box made by this version must open in all later ones,
 * or an update ends every session. */
static void writes_the_format_that_is_documented(void **state)
{
    test_env_t *test = *state;
    apr_size_t len;
    const unsigned char *box = seal(&len, test, &for_session, "text");
    unsigned char purpose_key[32];
    unsigned char input[5 * 16] = {0};
    unsigned char key[32];
    unsigned char text[4] = {0};
    unsigned char tag[16];
    static const unsigned char nonce[12] = {0};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int out_len;

    assert_int_equal(rp_hkdf(purpose_key, 32, FIRST, strlen(FIRST), "auth_oauth 1 seal session"),
                     APR_SUCCESS);
    input[16] = 1;
    input[17] = box[0];
    memcpy(input + 18, box + 1, 4);
    input[22] = 16;
    input[30] = 1;
    memcpy(input + 32, box + 5, 16);
    memcpy(input + 48, for_session.binding, 16);
    cmac(key, purpose_key, input + 16, 64);
    memcpy(input, key, 16);
    input[16] = 2;
    cmac(key + 16, purpose_key, input, 80);

    memcpy(tag, box + len - 16, 16);
    assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, NULL, &out_len,
                                       (const unsigned char *)for_session.context,
                                       (int)strlen(for_session.context)),
                     1);
    assert_int_equal(EVP_DecryptUpdate(ctx, text, &out_len, box + 21, 4), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag), 1);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, text, &out_len), 1);
    EVP_CIPHER_CTX_free(ctx);
    assert_memory_equal(text, "text", 4);
}

static void refuses_short_secrets_and_an_empty_ring(void **state)
{
    test_env_t *test = *state;
    apr_array_header_t *secrets = apr_array_make(test->env.pool, 2, sizeof(rp_secret_bytes_t));
    rp_keyring_t *ring;

    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_EINVAL);
    assert_null(ring);
    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) =
        (rp_secret_bytes_t){(const unsigned char *)FIRST, strlen(FIRST)};
    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) =
        (rp_secret_bytes_t){(const unsigned char *)"fifteen letters", 15};
    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_EINVAL);
    assert_null(ring);
}

static void refuses_to_seal_for_what_it_does_not_know(void **state)
{
    static const rp_seal_for_t wrong[] = {
        {RP_SEAL_PURPOSES, "", NULL, 0},
        {RP_SEAL_SESSION, "", "0123456789abcdef0123456789abcdefg", 33},
        {RP_SEAL_SESSION, "", NULL, 1},
    };
    test_env_t *test = *state;
    unsigned char *box;
    apr_size_t len;

    for (apr_size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(rp_seal(&box, &len, &test->env, &wrong[i], "x", 1), RP_FAILED);
        assert_null(box);
        test_env_expect_error(test, RP_E_CRYPTO);
        assert_int_equal(rp_open(&box, &len, &test->env, &wrong[i], "x", 1), RP_FAILED);
        test_env_expect_error(test, RP_E_CRYPTO);
    }
    test->env.keyring = NULL;
    assert_int_equal(rp_seal(&box, &len, &test->env, &for_session, "x", 1), RP_FAILED);
    test_env_expect_error(test, RP_E_CRYPTO);
}

static void seals_nothing_without_random_numbers(void **state)
{
    test_env_t *test = *state;
    unsigned char *box;
    apr_size_t len;

    test->fail_at = test->calls + 1;
    assert_int_equal(rp_seal(&box, &len, &test->env, &for_session, "x", 1), RP_FAILED);
    assert_null(box);
    test_env_expect_error(test, RP_E_RANDOM);
}

static void makes_a_different_mac_for_each_secret_and_purpose(void **state)
{
    test_env_t *test = *state;
    const rp_keyring_t *ring = use_ring(test, FIRST, SECOND);
    unsigned char macs[2 * RP_SEAL_PURPOSES][32];

    for (int i = 0; i < 2 * RP_SEAL_PURPOSES; i++) {
        rp_seal_purpose_t purpose = (rp_seal_purpose_t)(i % RP_SEAL_PURPOSES);

        assert_int_equal(rp_keyring_mac(macs[i], ring, i / RP_SEAL_PURPOSES, purpose, "text", 4),
                         APR_SUCCESS);
        for (int other = 0; other < i; other++) {
            assert_memory_not_equal(macs[other], macs[i], 32);
        }
    }
    assert_int_equal(rp_keyring_mac(macs[0], ring, 2, RP_SEAL_SESSION, "text", 4), APR_NOTFOUND);
    assert_int_equal(rp_keyring_mac(macs[0], ring, -1, RP_SEAL_SESSION, "text", 4), APR_NOTFOUND);
}

static void makes_the_same_mac_again_after_the_ring_was_rotated(void **state)
{
    test_env_t *test = *state;
    unsigned char before[32];
    unsigned char after[32];

    assert_int_equal(rp_keyring_mac(before, test->env.keyring, 0, RP_SEAL_LOGIN_STATE, "a", 1),
                     APR_SUCCESS);
    assert_int_equal(
        rp_keyring_mac(after, use_ring(test, SECOND, FIRST), 1, RP_SEAL_LOGIN_STATE, "a", 1),
        APR_SUCCESS);
    assert_memory_equal(before, after, 32);
}

#define THREADS 8
#define ROUNDS 300

typedef struct {
    const rp_keyring_t *ring;
    int number;
    int wrong;
} worker_t;

static apr_status_t real_random(void *ctx, unsigned char *out, apr_size_t len)
{
    (void)ctx;
    return rp_crypto_random(out, len);
}

static void *seal_and_open(void *data)
{
    static const rp_env_ops_t ops = {.random = real_random};
    worker_t *worker = data;
    rp_env_t env = {.ops = &ops, .keyring = worker->ring};
    rp_seal_for_t seal_for = for_session;

    apr_pool_create(&env.pool, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *box;
        unsigned char *opened;
        apr_size_t len;

        seal_for.purpose = (rp_seal_purpose_t)((i + worker->number) % RP_SEAL_PURPOSES);
        if (rp_seal(&box, &len, &env, &seal_for, &i, sizeof(i)) != APR_SUCCESS ||
            rp_open(&opened, &len, &env, &seal_for, box, len) != APR_SUCCESS || len != sizeof(i) ||
            memcmp(opened, &i, len) != 0) {
            worker->wrong++;
        }
    }
    apr_pool_destroy(env.pool);
    return NULL;
}

static void lets_threads_share_one_ring(void **state)
{
    test_env_t *test = *state;
    pthread_t threads[THREADS];
    worker_t workers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){test->env.keyring, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, seal_and_open, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, jose_teardown)

int run_jose_seal_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opens_what_it_sealed_whatever_its_length),
        TEST(opens_for_its_purpose_context_and_binding_only),
        TEST(opens_after_other_purposes_used_the_same_contexts),
        TEST(refuses_a_box_with_any_bit_changed),
        TEST(refuses_a_box_of_another_length),
        TEST(seals_the_same_text_differently_each_time),
        TEST(opens_with_every_secret_of_the_ring_and_seals_with_the_first),
        TEST(opens_with_a_ring_that_has_one_secret_twice),
        TEST(writes_the_format_that_is_documented),
        TEST(refuses_short_secrets_and_an_empty_ring),
        TEST(refuses_to_seal_for_what_it_does_not_know),
        TEST(seals_nothing_without_random_numbers),
        TEST(makes_a_different_mac_for_each_secret_and_purpose),
        TEST(makes_the_same_mac_again_after_the_ring_was_rotated),
        TEST(lets_threads_share_one_ring),
    };

    return cmocka_run_group_tests_name("jose: sealing and the key ring", tests, NULL, NULL);
}
