/* The session folder: record, claims, life. */
#include "session_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_seal.h"
#include "../../src/session/rp_session.h"
#include "../../src/session/rp_session_cache.h"
#include "test_store.h"

#define LEASE 20 /* seconds */

static const rp_session_realm_t realm = {.context = "https://www.example",
                                         .longest = apr_time_from_sec(8 * 3600)};
static const rp_session_realm_t other_realm = {.context = "https://other.example",
                                               .longest = apr_time_from_sec(8 * 3600)};
static const rp_session_limits_t limits = {.max = apr_time_from_sec(8 * 3600),
                                           .idle = apr_time_from_sec(1800)};

static int setup(void **state)
{
    static const unsigned char secret[32] = "a secret of thirty-two character";
    test_env_t *test = test_env_make();
    apr_array_header_t *secrets = apr_array_make(test->env.pool, 1, sizeof(rp_secret_bytes_t));
    rp_secret_bytes_t bytes = {secret, sizeof(secret)};
    rp_keyring_t *ring;

    rp_crypto_init();
    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) = bytes;
    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_SUCCESS);
    test->env.keyring = ring;
    test->env.store = test_store_make(test->env.pool);
    *state = test;
    return 0;
}

/* What a process keeps of the sessions that it opened makes no difference to any of these. */
static int setup_with_cache(void **state)
{
    test_env_t *test;

    setup(state);
    test = *state;
    test->env.opened = rp_session_cache_make(4, test->env.pool);
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

static rp_record_t a_record(test_env_t *test)
{
    rp_record_t record = {.provider = "",
                          .context = "https://op.example client",
                          .issuer = "https://op.example",
                          .subject = "alice",
                          .access_token = "access-1",
                          .refresh_token = "refresh-1",
                          .token_expires = test->now + apr_time_from_sec(300)};

    session_encode_claims(&record, test, "{\"sub\":\"alice\",\"groups\":[\"staff\",\"a,b\"]}");
    return record;
}

/* What the browser gets of a session that the store keeps. */
static const char *cookie_of(test_env_t *test, rp_session_t *session)
{
    rp_session_cookies_t cookies;

    assert_int_equal(rp_session_cookies(&cookies, &test->env, &realm, session), APR_SUCCESS);
    assert_int_equal(cookies.count, 1);
    return apr_pstrmemdup(test->env.pool, cookies.values[0].value, cookies.values[0].len);
}

static apr_status_t load_as(rp_session_t **session, test_env_t *test, const rp_session_realm_t *as,
                            const char *cookie, apr_size_t len)
{
    rp_session_cookies_t cookies = {.count = 1, .values = {{cookie, len}}};

    return rp_session_load(session, &test->env, as, &cookies, &limits);
}

static rp_session_t *a_session(const char **cookie, test_env_t *test)
{
    rp_record_t record = a_record(test);
    rp_session_t *session;

    assert_int_equal(rp_session_create(&session, &test->env, &realm, &record), APR_SUCCESS);
    *cookie = cookie_of(test, session);
    return session;
}

static apr_status_t load(rp_session_t **session, test_env_t *test, const char *cookie)
{
    return load_as(session, test, &realm, cookie, strlen(cookie));
}

static void open_tokens(test_env_t *test, rp_session_t *session)
{
    assert_int_equal(rp_session_open_tokens(&test->env, &realm, session), APR_SUCCESS);
}

static void a_record_comes_back_as_it_was(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    rp_record_t back;
    unsigned char *data;
    apr_size_t len;

    record.created = 1;
    record.last_used = 2;
    record.authenticated = 3;
    record.auth_time = 4;
    record.token_generation = 7;
    assert_int_equal(rp_record_encode(&data, &len, &record, test->env.pool), APR_SUCCESS);
    assert_int_equal(rp_record_decode(&back, data, len), APR_SUCCESS);
    assert_int_equal(back.created, 1);
    assert_int_equal(back.last_used, 2);
    assert_int_equal(back.authenticated, 3);
    assert_int_equal(back.auth_time, 4);
    assert_int_equal(back.token_expires, record.token_expires);
    assert_int_equal(back.token_generation, 7);
    assert_string_equal(back.provider, "");
    assert_string_equal(back.issuer, "https://op.example");
    assert_null(back.sid);
    assert_null(back.refresh_token);
    assert_int_equal(back.claims_len, record.claims_len);
    assert_memory_equal(back.claims, record.claims, record.claims_len);
    assert_int_equal(rp_record_encode_tokens(&data, &len, &record, test->env.pool), APR_SUCCESS);
    for (apr_size_t i = 0; i < len; i++) {
        assert_int_equal(
            rp_record_decode_tokens(&back, apr_pmemdup(test->env.pool, data, i + 1), i),
            APR_EINVAL);
    }
    assert_int_equal(rp_record_decode_tokens(&back, data, len), APR_SUCCESS);
    assert_string_equal(back.access_token, "access-1");
    assert_string_equal(back.refresh_token, "refresh-1");
    assert_null(back.id_token);
}

static void a_record_that_is_cut_extended_or_changed_is_refused_or_stays_in_bounds(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    rp_record_t back;
    unsigned char *data;
    unsigned char *copy;
    apr_size_t len;

    assert_int_equal(rp_record_encode(&data, &len, &record, test->env.pool), APR_SUCCESS);
    for (apr_size_t i = 0; i < len; i++) {
        copy = apr_pmemdup(test->env.pool, data, i + 1);
        assert_int_equal(rp_record_decode(&back, copy, i), APR_EINVAL);
    }
    copy = apr_pcalloc(test->env.pool, len + 1);
    memcpy(copy, data, len);
    assert_int_equal(rp_record_decode(&back, copy, len + 1), APR_EINVAL);
    /* Any byte may be anything: nothing is read beyond the end (the sanitizers watch). */
    for (apr_size_t i = 0; i < len; i++) {
        copy = apr_pmemdup(test->env.pool, data, len);
        copy[i] ^= 0xFF;
        if (rp_record_decode(&back, copy, len) == APR_SUCCESS) {
            rp_claim_t claim;
            apr_size_t position = 0;

            while (rp_claim_next(&claim, &position, &back)) {
                assert_true(position <= back.claims_len);
            }
            position = 0;
            rp_claims_index(&back, test->env.pool);
            while (rp_claim_next(&claim, &position, &back)) {
                assert_true(claim.value + claim.value_len <
                            (const char *)back.claims + back.claims_len);
            }
        }
    }
    data[0] = 2;
    assert_int_equal(rp_record_decode(&back, data, len), APR_EINVAL);
}

static void a_session_is_found_by_its_cookie(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    assert_int_equal(strlen(cookie), RP_SESSION_ID_CHARS);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    assert_string_equal(session->record.subject, "alice");
    assert_int_equal(session->record.created, test->now);
}

static void two_sessions_have_different_ids(void **state)
{
    test_env_t *test = *state;
    const char *first;
    const char *second;

    a_session(&first, test);
    a_session(&second, test);
    assert_string_not_equal(first, second);
}

static void a_cookie_that_was_changed_is_no_session(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    for (int i = 0; i < RP_SESSION_ID_CHARS; i++) {
        char *changed = apr_pstrdup(test->env.pool, cookie);

        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_equal(load(&session, test, changed), APR_NOTFOUND);
        assert_null(session);
        changed[i] = '=';
        assert_int_equal(load(&session, test, changed), APR_NOTFOUND);
    }
    assert_int_equal(load(&session, test, ""), APR_NOTFOUND);
    assert_int_equal(load(&session, test, apr_pstrcat(test->env.pool, cookie, "A", NULL)),
                     APR_NOTFOUND);
    assert_int_equal(test->env.error.id, RP_E_NONE);
}

static void a_session_of_another_virtual_host_is_none(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    assert_int_equal(load_as(&session, test, &other_realm, cookie, strlen(cookie)), APR_NOTFOUND);
}

static void a_session_ends_after_its_lifetime_however_busy(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    for (int minutes = 0; minutes < 8 * 60; minutes += 20) {
        assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
        assert_int_equal(rp_session_touch(&test->env, &realm, session, &limits), APR_SUCCESS);
        test_env_advance(test, 20 * 60);
    }
    assert_int_equal(load(&session, test, cookie), APR_NOTFOUND);
}

static void a_session_ends_when_it_is_idle(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    test_env_advance(test, 1799);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    test_env_advance(test, 1);
    assert_int_equal(load(&session, test, cookie), APR_NOTFOUND);
}

static void a_place_may_ask_for_a_shorter_life(void **state)
{
    static const rp_session_limits_t brief = {.max = apr_time_from_sec(600)};
    rp_session_cookies_t cookies = {.count = 1};
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    test_env_advance(test, 600);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    cookies.values[0].value = cookie;
    cookies.values[0].len = strlen(cookie);
    assert_int_equal(rp_session_load(&session, &test->env, &realm, &cookies, &brief), APR_NOTFOUND);
}

static void a_use_is_written_once_a_minute(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;
    apr_uint64_t version;

    a_session(&cookie, test);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    version = session->version;
    test_env_advance(test, 59);
    assert_int_equal(rp_session_touch(&test->env, &realm, session, &limits), APR_SUCCESS);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    assert_true(session->version == version);
    test_env_advance(test, 1);
    assert_int_equal(rp_session_touch(&test->env, &realm, session, &limits), APR_SUCCESS);
    assert_true(session->version != version);
    assert_int_equal(session->record.last_used, test->now);
}

static void logout_wins_over_a_request_that_holds_the_old_record(void **state)
{
    test_env_t *test = *state;
    rp_session_tokens_t tokens = {.access_token = "access-2"};
    const char *cookie;
    rp_session_t *slow;
    rp_session_t *session;

    a_session(&cookie, test);
    assert_int_equal(load(&slow, test, cookie), APR_SUCCESS);
    assert_int_equal(rp_session_end(&test->env, &realm, slow), APR_SUCCESS);
    test_env_advance(test, 61);
    assert_int_equal(rp_session_touch(&test->env, &realm, slow, &limits), APR_NOTFOUND);
    assert_int_equal(rp_session_renew(&test->env, &realm, slow, &tokens), APR_NOTFOUND);
    assert_int_equal(load(&session, test, cookie), APR_NOTFOUND);
    assert_int_equal(rp_session_end(&test->env, &realm, slow), APR_SUCCESS);
    test_env_advance(test, 3600);
    assert_int_equal(rp_session_renew(&test->env, &realm, slow, &tokens), APR_NOTFOUND);
    assert_int_equal(load(&session, test, cookie), APR_NOTFOUND);
}

static void new_tokens_are_written_although_a_use_was_noted_meanwhile(void **state)
{
    test_env_t *test = *state;
    rp_session_tokens_t tokens = {.access_token = "access-2", .refresh_token = "refresh-2"};
    const char *cookie;
    rp_session_t *refresher;
    rp_session_t *user;

    a_session(&cookie, test);
    assert_int_equal(load(&refresher, test, cookie), APR_SUCCESS);
    assert_int_equal(load(&user, test, cookie), APR_SUCCESS);
    test_env_advance(test, 61);
    assert_int_equal(rp_session_touch(&test->env, &realm, user, &limits), APR_SUCCESS);
    assert_int_equal(rp_session_renew(&test->env, &realm, refresher, &tokens), APR_SUCCESS);
    assert_int_equal(load(&user, test, cookie), APR_SUCCESS);
    assert_null(user->record.access_token);
    open_tokens(test, user);
    assert_string_equal(user->record.access_token, "access-2");
    assert_string_equal(user->record.refresh_token, "refresh-2");
    assert_int_equal(user->record.token_generation, 1);
    assert_true(user->record.last_used >= test->now - apr_time_from_sec(1));
}

static void the_second_of_two_refreshes_takes_the_tokens_of_the_first(void **state)
{
    test_env_t *test = *state;
    rp_session_tokens_t first = {.access_token = "access-2", .refresh_token = "refresh-2"};
    rp_session_tokens_t second = {.access_token = "access-3", .refresh_token = "refresh-3"};
    const char *cookie;
    rp_session_t *a;
    rp_session_t *b;

    a_session(&cookie, test);
    assert_int_equal(load(&a, test, cookie), APR_SUCCESS);
    assert_int_equal(load(&b, test, cookie), APR_SUCCESS);
    assert_int_equal(rp_session_renew(&test->env, &realm, a, &first), APR_SUCCESS);
    assert_int_equal(rp_session_renew(&test->env, &realm, b, &second), APR_SUCCESS);
    open_tokens(test, b);
    assert_string_equal(b->record.access_token, "access-2");
}

static void a_refresh_token_that_was_not_rotated_stays(void **state)
{
    test_env_t *test = *state;
    rp_session_tokens_t tokens = {.access_token = "access-2"};
    const char *cookie;
    rp_session_t *session;

    session = a_session(&cookie, test);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    assert_int_equal(rp_session_renew(&test->env, &realm, session, &tokens), APR_SUCCESS);
    open_tokens(test, session);
    assert_string_equal(session->record.refresh_token, "refresh-1");
}

static void a_rotated_refresh_token_changes_nothing_else(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;
    rp_record_t before;

    a_session(&cookie, test);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    open_tokens(test, session);
    before = session->record;
    test_env_advance(test, 30);
    assert_int_equal(rp_session_rotate(&test->env, &realm, session, "refresh-2"), APR_SUCCESS);
    assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
    open_tokens(test, session);
    assert_string_equal(session->record.refresh_token, "refresh-2");
    assert_string_equal(session->record.access_token, before.access_token);
    assert_int_equal(session->record.token_issued, before.token_issued);
    assert_int_equal(session->record.token_expires, before.token_expires);
    assert_int_equal(session->record.token_generation, before.token_generation + 1);
    assert_int_equal(rp_session_end(&test->env, &realm, session), APR_SUCCESS);
    assert_int_equal(rp_session_rotate(&test->env, &realm, session, "refresh-3"), APR_NOTFOUND);
}

static void a_tag_is_one_sessions_and_not_what_the_store_knows_it_by(void **state)
{
    test_env_t *test = *state;
    rp_session_t *one;
    rp_session_t *other;
    const char *cookie;
    const char *tag;
    const char *again;
    unsigned char hash[RP_SHA256];

    one = a_session(&cookie, test);
    other = a_session(&cookie, test);
    assert_int_equal(rp_session_tag(&tag, &test->env, one), APR_SUCCESS);
    assert_int_equal(rp_session_tag(&again, &test->env, one), APR_SUCCESS);
    assert_string_equal(tag, again);
    assert_int_equal(strlen(tag), 43);
    assert_int_equal(rp_session_tag(&again, &test->env, other), APR_SUCCESS);
    assert_string_not_equal(tag, again);
    assert_int_equal(rp_hash(hash, RP_SHA256, one->id, sizeof(one->id)), APR_SUCCESS);
    assert_string_not_equal(tag, rp_base64url_encode(hash, sizeof(hash), test->env.pool));
    assert_string_not_equal(tag, rp_base64url_encode(one->id, sizeof(one->id), test->env.pool));
}

static void what_fails_for_a_moment_costs_no_refresh_token(void **state)
{
    rp_session_tokens_t tokens = {.access_token = "access-2", .refresh_token = "refresh-2"};

    for (int n = 1; n <= 5; n++) {
        test_env_t *test = *state;
        const char *cookie;
        rp_session_t *session;

        a_session(&cookie, test);
        assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
        test->calls = 0;
        test->fail_at = n;
        rp_session_renew(&test->env, &realm, session, &tokens);
        test->fail_at = 0;
        rp_forgive(&test->env);
        assert_int_equal(load(&session, test, cookie), APR_SUCCESS);
        open_tokens(test, session);
        assert_string_equal(session->record.refresh_token, "refresh-2");
    }
}

static void a_store_that_cannot_say_is_a_failure_and_no_absence(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session;

    a_session(&cookie, test);
    test->calls = 0;
    test->fail_at = 1;
    assert_int_equal(load(&session, test, cookie), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
}

static void one_request_holds_the_lease(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session = a_session(&cookie, test);

    assert_int_equal(rp_session_lease_take(&test->env, session, apr_time_from_sec(LEASE)),
                     APR_SUCCESS);
    assert_int_equal(rp_session_lease_take(&test->env, session, apr_time_from_sec(LEASE)),
                     RP_CONFLICT);
    assert_int_equal(rp_session_lease_end(&test->env, session, 0), APR_SUCCESS);
    assert_int_equal(rp_session_lease_take(&test->env, session, apr_time_from_sec(LEASE)),
                     APR_SUCCESS);
    assert_int_equal(rp_session_lease_end(&test->env, session, 1), APR_SUCCESS);
    assert_int_equal(rp_session_lease_take(&test->env, session, apr_time_from_sec(LEASE)),
                     APR_EAGAIN);
    test_env_advance(test, RP_REFRESH_PAUSE_SECONDS);
    assert_int_equal(rp_session_lease_take(&test->env, session, apr_time_from_sec(LEASE)),
                     APR_SUCCESS);
    /* Its holder died. */
    test_env_advance(test, LEASE);
    assert_int_equal(rp_session_lease_take(&test->env, session, apr_time_from_sec(LEASE)),
                     APR_SUCCESS);
}

static void a_session_that_is_too_large_is_refused(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = a_record(test);
    char *token = apr_palloc(test->env.pool, RP_MAX_SESSION_RECORD + 1);
    rp_session_t *session;

    memset(token, 'x', RP_MAX_SESSION_RECORD);
    token[RP_MAX_SESSION_RECORD] = '\0';
    record.access_token = token;
    assert_int_equal(rp_session_create(&session, &test->env, &realm, &record), RP_FAILED);
    test_env_expect_error(test, RP_E_SESSION_LIMIT);
    assert_null(session);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_comes_back_as_it_was),
        TEST(a_record_that_is_cut_extended_or_changed_is_refused_or_stays_in_bounds),
        TEST(a_session_is_found_by_its_cookie),
        TEST(two_sessions_have_different_ids),
        TEST(a_cookie_that_was_changed_is_no_session),
        TEST(a_session_of_another_virtual_host_is_none),
        TEST(a_session_ends_after_its_lifetime_however_busy),
        TEST(a_session_ends_when_it_is_idle),
        TEST(a_place_may_ask_for_a_shorter_life),
        TEST(a_use_is_written_once_a_minute),
        TEST(logout_wins_over_a_request_that_holds_the_old_record),
        TEST(new_tokens_are_written_although_a_use_was_noted_meanwhile),
        TEST(the_second_of_two_refreshes_takes_the_tokens_of_the_first),
        TEST(a_refresh_token_that_was_not_rotated_stays),
        TEST(a_rotated_refresh_token_changes_nothing_else),
        TEST(a_tag_is_one_sessions_and_not_what_the_store_knows_it_by),
        TEST(what_fails_for_a_moment_costs_no_refresh_token),
        TEST(a_store_that_cannot_say_is_a_failure_and_no_absence),
        TEST(one_request_holds_the_lease),
        TEST(a_session_that_is_too_large_is_refused),
    };

    struct CMUnitTest again[sizeof(tests) / sizeof(tests[0])];

    memcpy(again, tests, sizeof(tests));
    for (apr_size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        again[i].setup_func = setup_with_cache;
    }
    return cmocka_run_group_tests_name("session", tests, NULL, NULL) +
           cmocka_run_group_tests_name("session: with what was opened before", again, NULL, NULL) +
           run_session_claims_tests() + run_session_cookie_tests() + run_session_cache_tests() +
           run_session_bearer_tests();
}
