/* What is known of bearer tokens: rp_verified (good ones) and rp_asked (what a provider said). */
#include "session_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/jose/rp_seal.h"
#include "../../src/session/rp_asked.h"
#include "../../src/session/rp_session_cache.h"
#include "../../src/session/rp_verified.h"
#include "test_store.h"

#define CONTEXT "https://www.example"

static const rp_session_realm_t realm = {.context = CONTEXT, .longest = apr_time_from_sec(28800)};
static const rp_session_limits_t limits = {.max = apr_time_from_sec(28800)};

static int setup(void **state)
{
    static const char secret[] = "a secret of many characters";
    test_env_t *test = test_env_make();
    apr_array_header_t *secrets = apr_array_make(test->env.pool, 1, sizeof(rp_secret_bytes_t));
    rp_secret_bytes_t bytes = {(const unsigned char *)secret, strlen(secret)};
    rp_keyring_t *ring;

    rp_crypto_init();
    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) = bytes;
    assert_int_equal(rp_keyring_make(&ring, secrets, test->env.pool), APR_SUCCESS);
    test->env.keyring = ring;
    test->env.store = test_store_make(test->env.pool);
    test->env.bearers = rp_session_cache_make(8, test->env.pool);
    test->env.opened = rp_session_cache_make(8, test->env.pool);
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

static rp_verified_name_t name_of(int n)
{
    static const char texts[] = "token-0token-1token-2";
    rp_verified_name_t name = {.text = texts + (ptrdiff_t)n * 7, .len = 7, .context = CONTEXT};

    return name;
}

static rp_session_t *put(test_env_t *test, rp_verified_name_t *name, apr_time_t expires)
{
    rp_record_t record = {.provider = "",
                          .context = "https://op.example client",
                          .issuer = "https://op.example",
                          .subject = "alice",
                          .scope = "read",
                          .token_expires = expires,
                          .access_token = "never kept",
                          .refresh_token = "never kept"};
    rp_session_t *session;

    session_encode_claims(&record, test, "{\"sub\":\"alice\",\"groups\":[\"a\",\"b\"]}");
    assert_int_equal(rp_verified_get(&session, &test->env, name), APR_NOTFOUND);
    assert_int_equal(rp_verified_put(&session, &test->env, name, &record), APR_SUCCESS);
    return session;
}

static void expect_alice(const rp_session_t *session)
{
    rp_claim_t claim;

    assert_true(session->bearer);
    assert_true(session->tokens_open);
    assert_int_equal(session->unsent, 0);
    assert_string_equal(session->record.subject, "alice");
    assert_string_equal(session->record.scope, "read");
    assert_null(session->record.access_token);
    assert_null(session->record.refresh_token);
    assert_true(rp_claim_find(&claim, &session->record, "groups"));
    assert_string_equal(claim.value, "a,b");
}

static apr_status_t get(test_env_t *test, rp_verified_name_t *name)
{
    rp_session_t *session;
    apr_status_t rv = rp_verified_get(&session, &test->env, name);

    assert_int_equal(rv == APR_SUCCESS, session != NULL);
    assert_int_equal(test->env.error.id, RP_E_NONE);
    if (session) {
        expect_alice(session);
    }
    return rv;
}

static void what_is_kept_comes_back_as_it_was(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);
    rp_verified_name_t other = name_of(2);

    expect_alice(put(test, &name, 0));
    assert_int_equal(get(test, &name), APR_SUCCESS);
    assert_int_equal(get(test, &name), APR_SUCCESS);
    assert_int_equal(get(test, &other), APR_NOTFOUND);
    test->env.bearers = NULL;
    assert_int_equal(get(test, &name), APR_SUCCESS);
}

static void another_virtual_host_finds_nothing(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);

    put(test, &name, 0);
    name.context = "https://other.example";
    assert_int_equal(get(test, &name), APR_NOTFOUND);
    test->env.bearers = NULL;
    assert_int_equal(get(test, &name), APR_NOTFOUND);
}

static void a_minute_is_the_longest_that_anything_is_kept(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);

    put(test, &name, test->now + apr_time_from_sec(3600));
    test_env_advance(test, RP_BEARER_KEPT_SECONDS - 1);
    assert_int_equal(get(test, &name), APR_SUCCESS);
    test_env_advance(test, 1);
    assert_int_equal(get(test, &name), APR_NOTFOUND);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_TOKEN), 0);
}

static void a_clock_that_goes_back_makes_nothing_live_longer(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);

    put(test, &name, 0);
    test_env_advance(test, -1);
    assert_int_equal(get(test, &name), APR_NOTFOUND);
}

static void nothing_is_kept_past_the_tokens_end(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);

    put(test, &name, test->now + apr_time_from_sec(5));
    test_env_advance(test, 4);
    assert_int_equal(get(test, &name), APR_SUCCESS);
    test_env_advance(test, 1);
    assert_int_equal(get(test, &name), APR_NOTFOUND);
    /* Good once more, by the skew, and not kept at all. */
    expect_alice(put(test, &name, test->now));
    assert_int_equal(get(test, &name), APR_NOTFOUND);
    assert_int_equal(test_store_count(test->env.store, &test->env, RP_KIND_TOKEN), 0);
}

/* An id that an attacker knows is a cookie that he can send. */
static void no_cookie_leads_to_a_bearer_tokens_identity(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);
    unsigned char hash[RP_SHA256];
    const unsigned char *ids[2] = {name.id, hash};

    put(test, &name, 0);
    rp_hash(hash, RP_SHA256, name.id, sizeof(name.id));
    for (int i = 0; i < 2; i++) {
        const char *cookie = rp_base64url_encode(ids[i], RP_SESSION_ID_BYTES, test->env.pool);
        rp_session_cookies_t cookies = {.count = 1, .values = {{cookie, strlen(cookie)}}};
        rp_session_t *session;

        assert_int_equal(rp_session_load(&session, &test->env, &realm, &cookies, &limits),
                         APR_NOTFOUND);
    }
}

static void no_session_is_a_bearer_tokens_identity(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = {.provider = "", .context = "c", .issuer = "i", .subject = "alice"};
    rp_verified_name_t name = {.text = "t", .len = 1, .context = CONTEXT, .has_id = 1};
    rp_session_t *session;

    session_encode_claims(&record, test, "{\"sub\":\"alice\"}");
    assert_int_equal(rp_session_create(&session, &test->env, &realm, &record), APR_SUCCESS);
    assert_int_equal(rp_session_reload(&test->env, &realm, session), APR_SUCCESS);
    memcpy(name.id, session->id, sizeof(name.id));
    assert_int_equal(get(test, &name), APR_NOTFOUND);
}

static void what_does_not_fit_is_refused(void **state)
{
    test_env_t *test = *state;
    rp_verified_name_t name = name_of(1);
    char *text = apr_palloc(test->env.pool, RP_MAX_SESSION_RECORD + 1);
    rp_record_t record = {.provider = "", .subject = "alice", .scope = text};
    rp_session_t *session;

    memset(text, 'x', RP_MAX_SESSION_RECORD);
    text[RP_MAX_SESSION_RECORD] = '\0';
    assert_int_equal(rp_verified_put(&session, &test->env, &name, &record), RP_FAILED);
    assert_null(session);
    test_env_expect_error(test, RP_E_SESSION_LIMIT);
}

/* --- rp_asked --- */

#define SECOND apr_time_from_sec(1)

static const unsigned char *id_of(int n, unsigned char id[RP_SHA256])
{
    memset(id, 0, RP_SHA256);
    memcpy(id, &n, sizeof(n));
    return id;
}

static void one_asks_and_the_others_hear_how_it_ended(void **state)
{
    test_env_t *test = *state;
    rp_asked_t *asked = rp_asked_make(test->env.pool);
    unsigned char id[RP_SHA256];

    id_of(1, id);
    assert_int_equal(rp_asked_begin(asked, id, 0, 5 * SECOND), RP_ASK);
    assert_int_equal(rp_asked_begin(asked, id, 0, 5 * SECOND), RP_ASK_BUSY);
    rp_asked_end(asked, id, RP_ASK_REFUSED, 10 * SECOND);
    assert_int_equal(rp_asked_begin(asked, id, 9 * SECOND, 0), RP_ASK_REFUSED);
    assert_int_equal(rp_asked_begin(asked, id, 10 * SECOND, 15 * SECOND), RP_ASK);
    rp_asked_end(asked, id, RP_ASK_FAILED, 12 * SECOND);
    assert_int_equal(rp_asked_begin(asked, id, 11 * SECOND, 0), RP_ASK_FAILED);
    assert_int_equal(rp_asked_begin(asked, id, 12 * SECOND, 17 * SECOND), RP_ASK);
    rp_asked_end(asked, id, RP_ASK_GOOD, 60 * SECOND);
    assert_int_equal(rp_asked_begin(asked, id, 13 * SECOND, 18 * SECOND), RP_ASK);
    /* Whoever asked does not come back. */
    assert_int_equal(rp_asked_begin(asked, id, 17 * SECOND, 0), RP_ASK_BUSY);
    assert_int_equal(rp_asked_begin(asked, id, 18 * SECOND, 23 * SECOND), RP_ASK);
}

static void unknown_tokens_have_a_budget_and_known_ones_do_not(void **state)
{
    test_env_t *test = *state;
    rp_asked_t *asked = rp_asked_make(test->env.pool);
    unsigned char id[RP_SHA256];

    for (int i = 0; i < 2 * RP_MAX_ASKED; i++) {
        assert_int_equal(rp_asked_begin(asked, id_of(i, id), 0, SECOND), RP_ASK);
        rp_asked_end(asked, id, RP_ASK_GOOD, 100 * SECOND + i);
    }
    for (int i = 0; i < RP_MAX_ASKED_UNKNOWN; i++) {
        assert_int_equal(rp_asked_begin(asked, id_of(-1 - i, id), 0, SECOND), RP_ASK);
        rp_asked_end(asked, id, RP_ASK_REFUSED, 10 * SECOND);
    }
    assert_int_equal(rp_asked_begin(asked, id_of(-1000, id), 0, SECOND), RP_ASK_FULL);
    assert_int_equal(rp_asked_begin(asked, id_of(-1, id), 0, SECOND), RP_ASK_REFUSED);
    /* Those that were good last. */
    assert_int_equal(rp_asked_begin(asked, id_of(2 * RP_MAX_ASKED - 1, id), 0, SECOND), RP_ASK);
    assert_int_equal(rp_asked_begin(asked, id_of(0, id), 0, SECOND), RP_ASK_FULL);
    assert_int_equal(rp_asked_begin(asked, id_of(-1000, id), 10 * SECOND, 11 * SECOND), RP_ASK);
}

static void without_a_table_everybody_asks(void **state)
{
    unsigned char id[RP_SHA256];

    (void)state;
    id_of(1, id);
    assert_int_equal(rp_asked_begin(NULL, id, 0, SECOND), RP_ASK);
    assert_int_equal(rp_asked_begin(NULL, id, 0, SECOND), RP_ASK);
    rp_asked_end(NULL, id, RP_ASK_REFUSED, SECOND);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int run_session_bearer_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_comes_back_as_it_was),
        TEST(another_virtual_host_finds_nothing),
        TEST(a_minute_is_the_longest_that_anything_is_kept),
        TEST(a_clock_that_goes_back_makes_nothing_live_longer),
        TEST(nothing_is_kept_past_the_tokens_end),
        TEST(no_cookie_leads_to_a_bearer_tokens_identity),
        TEST(no_session_is_a_bearer_tokens_identity),
        TEST(what_does_not_fit_is_refused),
        TEST(one_asks_and_the_others_hear_how_it_ended),
        TEST(unknown_tokens_have_a_budget_and_known_ones_do_not),
        TEST(without_a_table_everybody_asks),
    };

    return cmocka_run_group_tests_name("session: bearer tokens", tests, NULL, NULL);
}
