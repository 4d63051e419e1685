/* Sessions that the browser keeps: what goes into its cookies, and what is believed of them. */
#include "session_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/codec/rp_base64.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_seal.h"
#include "../../src/session/rp_session.h"
#include "../../src/session/rp_session_cache.h"
#include "../../src/session/rp_token_set.h"
#include "test_store.h"

#define HOUR apr_time_from_sec(3600)
#define PART 3900
#define OVERHEAD 17
#define TOTAL 7167

static const rp_session_realm_t realm = {
    "https://www.example", 8 * HOUR, {.part = PART, .overhead = OVERHEAD, .total = TOTAL}};
static const rp_session_realm_t other_realm = {
    "https://other.example", 8 * HOUR, {.part = PART, .overhead = OVERHEAD, .total = TOTAL}};
static const rp_session_realm_t stored_realm = {"https://www.example", 8 * HOUR, {0}};
static const rp_session_limits_t limits = {8 * HOUR, HOUR / 2};

static const rp_keyring_t *make_ring(test_env_t *test, const char *secret)
{
    apr_array_header_t *secrets = apr_array_make(test->env.pool, 1, sizeof(rp_secret_bytes_t));
    rp_secret_bytes_t bytes = {(const unsigned char *)secret, strlen(secret)};
    rp_keyring_t *ring;

    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) = bytes;
    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_SUCCESS);
    return ring;
}

static int setup(void **state)
{
    test_env_t *test = test_env_make();

    rp_crypto_init();
    test->env.keyring = make_ring(test, "a secret of thirty-two character");
    test->env.store = test_store_make(test->env.pool);
    *state = test;
    return 0;
}

/* What a process keeps of the sessions that it opened makes no difference to any of these. */
static int setup_with_cache(void **state)
{
    setup(state);
    ((test_env_t *)*state)->env.opened = rp_session_cache_make(4, ((test_env_t *)*state)->env.pool);
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

/* Characters of base64url, as many as wanted. */
static const char *token_text(test_env_t *test, apr_size_t len)
{
    unsigned char *bytes = apr_palloc(test->env.pool, len);

    assert_int_equal(rp_random(&test->env, bytes, len), APR_SUCCESS);
    return apr_pstrmemdup(test->env.pool, rp_base64url_encode(bytes, len, test->env.pool), len);
}

static const char *jwt_text(test_env_t *test, apr_size_t payload)
{
    return apr_pstrcat(test->env.pool, token_text(test, 56), ".", token_text(test, payload), ".",
                       token_text(test, 340), NULL);
}

static rp_record_t a_record(test_env_t *test)
{
    rp_record_t record = {.provider = "",
                          .context = "https://op.example client",
                          .issuer = "https://op.example",
                          .subject = "alice",
                          .scope = "openid email",
                          .access_token = "access-1",
                          .refresh_token = "refresh-1",
                          .id_token = jwt_text(test, 400),
                          .token_issued = test->now,
                          .token_expires = test->now + apr_time_from_sec(300)};

    session_encode_claims(&record, test, "{\"sub\":\"alice\",\"groups\":[\"staff\",\"a,b\"]}");
    return record;
}

static rp_session_t *make(test_env_t *test, rp_session_cookies_t *cookies,
                          const rp_record_t *record)
{
    rp_session_t *session;

    assert_int_equal(rp_session_create(&session, &test->env, &realm, record), APR_SUCCESS);
    assert_true(session->unsent);
    assert_int_equal(rp_session_cookies(cookies, &test->env, &realm, session), APR_SUCCESS);
    assert_false(session->unsent);
    return session;
}

static rp_session_t *a_session(test_env_t *test, rp_session_cookies_t *cookies)
{
    rp_record_t record = a_record(test);

    return make(test, cookies, &record);
}

static apr_status_t load(rp_session_t **session, test_env_t *test,
                         const rp_session_cookies_t *cookies)
{
    apr_status_t rv = rp_session_load(session, &test->env, &realm, cookies, &limits);

    assert_int_equal(test->env.error.id, RP_E_NONE);
    return rv;
}

static rp_session_t *loaded(test_env_t *test, const rp_session_cookies_t *cookies)
{
    rp_session_t *session;

    assert_int_equal(load(&session, test, cookies), APR_SUCCESS);
    assert_int_equal(rp_session_open_tokens(&test->env, &realm, session), APR_SUCCESS);
    return session;
}

/* Lays what is to be sent over what the browser has. */
static void send_to_browser(test_env_t *test, rp_session_cookies_t *browser, rp_session_t *session)
{
    rp_session_cookies_t sent;

    assert_int_equal(rp_session_cookies(&sent, &test->env, &realm, session), APR_SUCCESS);
    for (int i = 0; i < sent.count; i++) {
        if (sent.values[i].value) {
            browser->values[i] = sent.values[i];
        }
    }
    browser->count = sent.count;
}

static apr_size_t header_length(const rp_session_cookies_t *cookies)
{
    apr_size_t len = 0;

    for (int i = 0; i < cookies->count; i++) {
        assert_true(cookies->values[i].len <= PART);
        len += cookies->values[i].len + OVERHEAD;
    }
    return len;
}

static void comes_back_from_its_cookies_as_it_was(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    rp_session_cookies_t cookies;
    rp_session_t *made = make(test, &cookies, &record);
    rp_session_t *session;
    rp_claim_t claim;

    assert_int_equal(cookies.count, 2);
    assert_int_equal(load(&session, test, &cookies), APR_SUCCESS);
    assert_null(session->record.access_token);
    assert_memory_equal(session->id, made->id, sizeof(made->id));
    assert_string_equal(session->record.subject, "alice");
    assert_true(rp_claim_find(&claim, &session->record, "groups"));
    assert_true(rp_claim_has(&claim, "a,b"));
    assert_int_equal(rp_session_open_tokens(&test->env, &realm, session), APR_SUCCESS);
    assert_string_equal(session->record.access_token, "access-1");
    assert_string_equal(session->record.refresh_token, "refresh-1");
    assert_string_equal(session->record.id_token, record.id_token);
    assert_string_equal(session->record.scope, "openid email");
    assert_int_equal(session->record.token_expires, record.token_expires);
    /* Nothing of it is in the store. */
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_SESSION), 0);
}

static void tokens_of_every_shape_come_back_as_they_were(void **state)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "ab",
                                        "abc",
                                        "abcd",
                                        "QQ",
                                        "QR",
                                        ".",
                                        "..",
                                        "a.b",
                                        "QUJD.QUJE.QUJF",
                                        "a=b",
                                        "a==",
                                        "QUJD==",
                                        "..............",
                                        "QUJD.....QUJD",
                                        "a b\"c;d,e",
                                        "1.2.3.4.5.6.7.8.9.10",
                                        "QUJD.Q.QUJD",
                                        "ya29.a0AfB_by-x~y/z+w",
                                        NULL};
    test_env_t *test = *state;

    for (int i = 0; i == 0 || texts[i - 1]; i++) {
        rp_record_t record = {.access_token = texts[i],
                              .id_token = texts[i],
                              .token_generation = 7,
                              .token_issued = 8,
                              .token_expires = 9};
        rp_record_t back = {.subject = "alice"};
        unsigned char *data;
        apr_size_t len;

        assert_int_equal(rp_token_set_encode(&data, &len, &record, test->env.pool), APR_SUCCESS);
        for (apr_size_t cut = 0; cut < len; cut++) {
            assert_int_equal(rp_token_set_decode(&back, apr_pmemdup(test->env.pool, data, cut + 1),
                                                 cut, test->env.pool),
                             APR_EINVAL);
        }
        assert_int_equal(rp_token_set_decode(&back, data, len, test->env.pool), APR_SUCCESS);
        if (texts[i]) {
            assert_string_equal(back.access_token, texts[i]);
            assert_string_equal(back.id_token, texts[i]);
        } else {
            assert_null(back.access_token);
            assert_null(back.id_token);
        }
        assert_null(back.refresh_token);
        assert_null(back.scope);
        assert_string_equal(back.subject, "alice");
        assert_int_equal(back.token_generation, 7);
        assert_int_equal(back.token_issued, 8);
        assert_int_equal(back.token_expires, 9);
    }
}

/* 1.2 KB of claims, which the ID Token has too, an opaque access token of 1,400 characters. */
static void a_common_session_takes_two_cookies_and_leaves_room(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    const char *json = "{\"sub\":\"alice\"";
    rp_session_cookies_t cookies;

    for (int i = 0; i < 20; i++) {
        json =
            apr_psprintf(test->env.pool, "%s,\"claim_%02d\":\"%s\"", json, i, token_text(test, 46));
    }
    json = apr_pstrcat(test->env.pool, json, "}", NULL);
    assert_true(strlen(json) >= 1200);
    session_encode_claims(&record, test, json);
    record.id_token = jwt_text(test, RP_BASE64URL_LEN(strlen(json)));
    record.access_token = token_text(test, 1400);
    make(test, &cookies, &record);
    assert_int_equal(cookies.count, 2);
    assert_true(header_length(&cookies) <= 7000);
    assert_string_equal(loaded(test, &cookies)->record.access_token, record.access_token);
}

static void leaves_the_id_token_out_before_it_refuses(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    rp_session_cookies_t cookies;
    rp_session_t *session;
    int left_out = 0;

    for (apr_size_t len = 1000;; len += 100) {
        record.access_token = token_text(test, len);
        if (rp_session_create(&session, &test->env, &realm, &record) != APR_SUCCESS) {
            break;
        }
        assert_int_equal(rp_session_cookies(&cookies, &test->env, &realm, session), APR_SUCCESS);
        assert_true(header_length(&cookies) <= TOTAL);
        session = loaded(test, &cookies);
        assert_string_equal(session->record.access_token, record.access_token);
        assert_true(session->record.id_token || len > 4000);
        left_out += !session->record.id_token;
    }
    test_env_expect_error(test, RP_E_STORE_TOO_LARGE);
    assert_true(left_out >= 4);
}

/* Whether these cookies are nobody's session, tokens included. */
static int is_nobody(test_env_t *test, const rp_session_cookies_t *cookies)
{
    rp_session_t *session;

    if (load(&session, test, cookies) == APR_NOTFOUND) {
        return 1;
    }
    return rp_session_open_tokens(&test->env, &realm, session) == APR_NOTFOUND;
}

static void cookies_that_were_changed_are_no_session(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t cookies;
    rp_session_cookies_t spoiled;

    a_session(test, &cookies);
    assert_false(is_nobody(test, &cookies));
    for (int i = 0; i < cookies.count; i++) {
        apr_size_t len = cookies.values[i].len;

        for (apr_size_t at = 0; at < len; at++) {
            char *text = apr_pstrmemdup(test->env.pool, cookies.values[i].value, len);

            spoiled = cookies;
            spoiled.values[i].value = text;
            text[at] = text[at] == 'A' ? 'B' : 'A';
            assert_true(is_nobody(test, &spoiled));
            spoiled.values[i].value = cookies.values[i].value;
            spoiled.values[i].len = at;
            assert_true(is_nobody(test, &spoiled));
        }
        spoiled = cookies;
        spoiled.values[i].value =
            apr_pstrcat(test->env.pool,
                        apr_pstrmemdup(test->env.pool, cookies.values[i].value, len), "AAAA", NULL);
        spoiled.values[i].len = len + 4;
        assert_true(is_nobody(test, &spoiled));
        spoiled = cookies;
        spoiled.values[i].value = NULL;
        spoiled.values[i].len = 0;
        assert_true(is_nobody(test, &spoiled));
    }
}

static void the_digits_of_the_first_cookie_are_checked(void **state)
{
    static const char *const texts[] = {"",    "1",   "11",  "01x", "10x", "12x",
                                        "91x", "19x", "/1x", "1:x", NULL};
    rp_cookie_value_t value = {"83x", 3};

    (void)state;
    assert_int_equal(rp_session_cookie_count(&realm, &value), 8);
    for (int i = 0; texts[i]; i++) {
        value.value = texts[i];
        value.len = strlen(texts[i]);
        assert_int_equal(rp_session_cookie_count(&realm, &value), 0);
    }
    assert_int_equal(rp_session_cookie_count(&stored_realm, &value), 1);
}

static void is_of_one_virtual_host_one_secret_and_one_keeper(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    rp_session_cookies_t cookies;
    rp_session_cookies_t stored;
    rp_session_t *session;

    a_session(test, &cookies);
    assert_int_equal(rp_session_load(&session, &test->env, &other_realm, &cookies, &limits),
                     APR_NOTFOUND);
    assert_int_equal(rp_session_load(&session, &test->env, &stored_realm, &cookies, &limits),
                     APR_NOTFOUND);
    assert_int_equal(rp_session_create(&session, &test->env, &stored_realm, &record), APR_SUCCESS);
    assert_int_equal(rp_session_cookies(&stored, &test->env, &stored_realm, session), APR_SUCCESS);
    assert_int_equal(load(&session, test, &stored), APR_NOTFOUND);
    test->env.keyring = make_ring(test, "another secret of 32 characters.");
    assert_int_equal(load(&session, test, &cookies), APR_NOTFOUND);
}

static void the_tokens_of_another_session_do_not_fit(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t mine;
    rp_session_cookies_t theirs;

    a_session(test, &mine);
    a_session(test, &theirs);
    mine.values[1] = theirs.values[1];
    assert_true(is_nobody(test, &mine));
}

static void noting_a_use_sends_the_record_alone(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_cookies_t sent;
    rp_session_t *session;

    a_session(test, &browser);
    for (int minutes = 0; minutes < 4 * 60; minutes += 20) {
        test_env_advance(test, 20 * 60);
        assert_int_equal(load(&session, test, &browser), APR_SUCCESS);
        assert_int_equal(rp_session_touch(&test->env, &realm, session, &limits), APR_SUCCESS);
        assert_int_equal(session->unsent, RP_UNSENT_RECORD);
        assert_int_equal(rp_session_cookies(&sent, &test->env, &realm, session), APR_SUCCESS);
        assert_int_equal(sent.count, 2);
        assert_non_null(sent.values[0].value);
        assert_null(sent.values[1].value);
        browser.values[0] = sent.values[0];
    }
    assert_string_equal(loaded(test, &browser)->record.access_token, "access-1");
    assert_int_equal(rp_session_touch(&test->env, &realm, session, &limits), APR_SUCCESS);
    assert_int_equal(session->unsent, 0);
    test_env_advance(test, 31 * 60);
    assert_true(is_nobody(test, &browser));
}

static void stays_ended_whoever_still_has_the_cookies(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_t *slow;
    rp_session_t *session = a_session(test, &browser);
    rp_session_tokens_t tokens = {.access_token = "access-2"};

    slow = loaded(test, &browser);
    assert_int_equal(rp_session_end(&test->env, &realm, session), APR_SUCCESS);
    assert_int_equal(rp_session_end(&test->env, &realm, session), APR_SUCCESS);
    assert_true(is_nobody(test, &browser));
    assert_int_equal(rp_session_reload(&test->env, &realm, slow), APR_NOTFOUND);
    assert_int_equal(rp_session_renew(&test->env, &realm, slow, &tokens), APR_NOTFOUND);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_SESSION), 0);
    /* A use noted by a request that was under way. */
    test_env_advance(test, 60);
    assert_int_equal(rp_session_touch(&test->env, &realm, slow, &limits), APR_SUCCESS);
    send_to_browser(test, &browser, slow);
    assert_true(is_nobody(test, &browser));
    test_env_advance(test, 8 * 3600 - 61);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_ENDED), 1);
    test_env_advance(test, 1);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_ENDED), 0);
}

static void a_store_that_cannot_say_whether_it_ended_is_a_failure(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_t *session;

    a_session(test, &browser);
    test->fail_at = test->calls + 1;
    assert_int_equal(rp_session_load(&session, &test->env, &realm, &browser, &limits), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    assert_null(session);
}

static void old_cookies_get_the_tokens_of_a_refresh(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_cookies_t old;
    rp_session_tokens_t first = {
        .access_token = "access-2", .refresh_token = "refresh-2", .scope = "openid", .expires = 5};
    rp_session_tokens_t second = {.access_token = "access-3", .refresh_token = "refresh-3"};
    rp_session_t *winner;
    rp_session_t *loser;

    a_session(test, &browser);
    old = browser;
    winner = loaded(test, &browser);
    loser = loaded(test, &browser);
    assert_int_equal(rp_session_renew(&test->env, &realm, winner, &first), APR_SUCCESS);
    assert_int_equal(winner->unsent, RP_UNSENT_RECORD | RP_UNSENT_TOKENS);
    assert_int_equal(rp_session_renew(&test->env, &realm, loser, &second), APR_SUCCESS);
    assert_string_equal(loser->record.refresh_token, "refresh-2");
    assert_int_equal(loser->record.token_generation, 1);
    send_to_browser(test, &browser, winner);
    winner = loaded(test, &browser);
    assert_string_equal(winner->record.refresh_token, "refresh-2");
    assert_string_equal(winner->record.scope, "openid");
    assert_int_equal(winner->record.token_expires, 5);
    /* The answer with the new cookies was lost. */
    loser = loaded(test, &old);
    assert_string_equal(loser->record.refresh_token, "refresh-1");
    assert_int_equal(rp_session_reload(&test->env, &realm, loser), APR_SUCCESS);
    assert_string_equal(loser->record.refresh_token, "refresh-2");
    assert_true(loser->unsent);
    /* And the next refresh goes on from there. */
    assert_int_equal(rp_session_renew(&test->env, &realm, loser, &second), APR_SUCCESS);
    assert_string_equal(loser->record.refresh_token, "refresh-3");
    assert_int_equal(loser->record.token_generation, 2);
}

static void the_record_of_one_answer_goes_with_the_tokens_of_another(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_cookies_t mixed;
    rp_session_tokens_t tokens = {.access_token = "access-2", .expires = 5};
    rp_session_t *session;

    a_session(test, &browser);
    mixed = browser;
    session = loaded(test, &browser);
    assert_int_equal(rp_session_renew(&test->env, &realm, session, &tokens), APR_SUCCESS);
    send_to_browser(test, &browser, session);
    mixed.values[1] = browser.values[1];
    session = loaded(test, &mixed);
    assert_string_equal(session->record.access_token, "access-2");
    assert_int_equal(session->record.token_expires, 5);
    assert_int_equal(session->record.token_generation, 1);
}

static void logout_finds_the_newest_tokens_to_revoke(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_tokens_t tokens = {.access_token = "access-2", .refresh_token = "refresh-2"};
    rp_session_t *session;

    a_session(test, &browser);
    session = loaded(test, &browser);
    assert_int_equal(rp_session_renew(&test->env, &realm, session, &tokens), APR_SUCCESS);
    session = loaded(test, &browser);
    assert_int_equal(rp_session_end(&test->env, &realm, session), APR_SUCCESS);
    assert_string_equal(session->record.refresh_token, "refresh-2");
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_SESSION), 0);
}

static void tokens_that_were_pushed_out_are_written_again(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_tokens_t tokens = {.access_token = "access-2"};
    rp_session_t *session;

    a_session(test, &browser);
    session = loaded(test, &browser);
    assert_int_equal(rp_session_renew(&test->env, &realm, session, &tokens), APR_SUCCESS);
    assert_true(session->version);
    test->env.store = test_store_make(test->env.pool);
    tokens.access_token = "access-3";
    assert_int_equal(rp_session_renew(&test->env, &realm, session, &tokens), APR_SUCCESS);
    assert_string_equal(session->record.access_token, "access-3");
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_SESSION), 1);
}

static void a_job_gets_all_of_it(void **state)
{
    test_env_t *test = *state;
    rp_session_cookies_t browser;
    rp_session_t *session;
    rp_session_t *unpacked;
    unsigned char *data;
    apr_size_t len;

    a_session(test, &browser);
    session = loaded(test, &browser);
    assert_int_equal(rp_session_pack(&data, &len, &test->env, &realm, session), APR_SUCCESS);
    assert_int_equal(rp_session_unpack(&unpacked, &test->env, &realm, data, len), APR_SUCCESS);
    assert_string_equal(unpacked->record.refresh_token, "refresh-1");
    assert_string_equal(unpacked->record.subject, "alice");
    assert_memory_equal(unpacked->id, session->id, sizeof(session->id));
    for (apr_size_t cut = 0; cut < len; cut++) {
        assert_int_equal(rp_session_unpack(&unpacked, &test->env, &realm,
                                           apr_pmemdup(test->env.pool, data, cut + 1), cut),
                         RP_FAILED);
        test_env_expect_error(test, RP_E_INTERNAL);
        assert_null(unpacked);
    }
    assert_int_equal(rp_session_end(&test->env, &realm, session), APR_SUCCESS);
    assert_int_equal(rp_session_unpack(&unpacked, &test->env, &realm, data, len), APR_NOTFOUND);
    assert_non_null(unpacked);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int run_session_cookie_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(comes_back_from_its_cookies_as_it_was),
        TEST(tokens_of_every_shape_come_back_as_they_were),
        TEST(a_common_session_takes_two_cookies_and_leaves_room),
        TEST(leaves_the_id_token_out_before_it_refuses),
        TEST(cookies_that_were_changed_are_no_session),
        TEST(the_digits_of_the_first_cookie_are_checked),
        TEST(is_of_one_virtual_host_one_secret_and_one_keeper),
        TEST(the_tokens_of_another_session_do_not_fit),
        TEST(noting_a_use_sends_the_record_alone),
        TEST(stays_ended_whoever_still_has_the_cookies),
        TEST(a_store_that_cannot_say_whether_it_ended_is_a_failure),
        TEST(old_cookies_get_the_tokens_of_a_refresh),
        TEST(the_record_of_one_answer_goes_with_the_tokens_of_another),
        TEST(logout_finds_the_newest_tokens_to_revoke),
        TEST(tokens_that_were_pushed_out_are_written_again),
        TEST(a_job_gets_all_of_it),
    };
    struct CMUnitTest again[sizeof(tests) / sizeof(tests[0])];

    memcpy(again, tests, sizeof(tests));
    for (apr_size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        again[i].setup_func = setup_with_cache;
    }
    return cmocka_run_group_tests_name("session: kept by the browser", tests, NULL, NULL) +
           cmocka_run_group_tests_name("session: kept by the browser, opened before", again, NULL,
                                       NULL);
}
