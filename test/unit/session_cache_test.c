/* Sessions that a process has opened before: when they may stand for opening again. */
#include "session_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <pthread.h>
#include <string.h>

#include "../../src/codec/rp_base64.h"
#include "../../src/jose/rp_seal.h"
#include "../../src/session/rp_session.h"
#include "../../src/session/rp_session_cache.h"
#include "test_store.h"

#define PLACES 8
#define THREADS 4
#define ROUNDS 2000

static const rp_session_realm_t realm = {.context = "https://www.example",
                                         .longest = apr_time_from_sec(8 * 3600)};
static const rp_session_limits_t limits = {.max = apr_time_from_sec(8 * 3600)};

static const rp_keyring_t *ring_of(const char *secret, apr_pool_t *pool)
{
    apr_array_header_t *secrets = apr_array_make(pool, 1, sizeof(rp_secret_bytes_t));
    rp_secret_bytes_t bytes = {(const unsigned char *)secret, strlen(secret)};
    rp_keyring_t *ring;

    APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) = bytes;
    assert_int_equal(rp_keyring_make(&ring, secrets, pool), APR_SUCCESS);
    return ring;
}

static int setup(void **state)
{
    test_env_t *test = test_env_make();

    rp_crypto_init();
    test->env.keyring = ring_of("a secret of many characters", test->env.pool);
    test->env.store = test_store_make(test->env.pool);
    test->env.opened = rp_session_cache_make(PLACES, test->env.pool);
    *state = test;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

static apr_status_t load(rp_session_t **session, rp_env_t *env, const char *cookie)
{
    rp_session_cookies_t cookies = {.count = 1, .values = {{cookie, strlen(cookie)}}};

    return rp_session_load(session, env, &realm, &cookies, &limits);
}

/* A session that has been loaded once, so that it is kept. */
static rp_session_t *sign_in(const char **cookie, test_env_t *test, const char *subject)
{
    rp_record_t record = {.provider = "",
                          .context = "https://op.example client",
                          .issuer = "https://op.example",
                          .subject = subject,
                          .acr = "2",
                          .access_token = "access-1"};
    rp_session_cookies_t cookies;
    rp_session_t *session;

    session_encode_claims(&record, test,
                          apr_psprintf(test->env.pool, "{\"sub\":\"%s\",\"n\":1}", subject));
    assert_int_equal(rp_session_create(&session, &test->env, &realm, &record), APR_SUCCESS);
    assert_int_equal(rp_session_cookies(&cookies, &test->env, &realm, session), APR_SUCCESS);
    *cookie = cookies.values[0].value;
    assert_int_equal(load(&session, &test->env, *cookie), APR_SUCCESS);
    return session;
}

static rp_session_owner_t owner_of(const test_env_t *test, const rp_session_t *session)
{
    rp_session_owner_t owner = {session->id, realm.context, test->env.store, test->env.keyring};

    return owner;
}

static int is_kept(const test_env_t *test, const rp_session_owner_t *owner)
{
    rp_session_kept_t *kept = rp_session_cache_take(test->env.opened, owner);

    if (kept) {
        rp_session_cache_give(test->env.opened, kept);
    }
    return kept != NULL;
}

static void gives_what_opening_gives(void **state)
{
    test_env_t *test = *state;
    rp_env_t fresh = test->env;
    const char *cookie;
    rp_session_t *session = sign_in(&cookie, test, "alice");
    rp_session_owner_t owner = owner_of(test, session);
    rp_session_t *opened;
    rp_claim_t claim;

    fresh.opened = NULL;
    assert_true(is_kept(test, &owner));
    assert_int_equal(load(&session, &test->env, cookie), APR_SUCCESS);
    assert_int_equal(load(&opened, &fresh, cookie), APR_SUCCESS);
    assert_memory_equal(session->id, opened->id, sizeof(opened->id));
    assert_true(session->version == opened->version);
    assert_int_equal(session->tokens_len, opened->tokens_len);
    assert_memory_equal(session->tokens, opened->tokens, opened->tokens_len);
    assert_int_equal(session->tokens_open, 0);
    assert_true(session->record.created == opened->record.created);
    assert_string_equal(session->record.provider, opened->record.provider);
    assert_string_equal(session->record.context, opened->record.context);
    assert_string_equal(session->record.issuer, opened->record.issuer);
    assert_string_equal(session->record.subject, opened->record.subject);
    assert_string_equal(session->record.acr, opened->record.acr);
    assert_null(session->record.sid);
    assert_null(session->record.scope);
    assert_int_equal(session->record.claims_len, opened->record.claims_len);
    assert_memory_equal(session->record.claims, opened->record.claims, opened->record.claims_len);
    assert_int_equal(session->record.index_len, 2);
    assert_int_equal(rp_claim_find(&claim, &session->record, "sub"), 1);
    assert_string_equal(claim.value, "alice");
    assert_int_equal(rp_session_open_tokens(&test->env, &realm, session), APR_SUCCESS);
    assert_string_equal(session->record.access_token, "access-1");
}

static void a_copy_outlives_what_was_kept(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session = sign_in(&cookie, test, "alice");
    rp_session_owner_t owner = owner_of(test, session);

    assert_int_equal(load(&session, &test->env, cookie), APR_SUCCESS);
    rp_session_cache_drop(rp_session_cache_take(test->env.opened, &owner));
    assert_false(is_kept(test, &owner));
    assert_string_equal(session->record.subject, "alice");
}

/* What another process does shows in the store only. */
static void a_session_that_another_process_ended_is_none(void **state)
{
    test_env_t *test = *state;
    rp_env_t other = test->env;
    const char *cookie;
    rp_session_t *session = sign_in(&cookie, test, "alice");
    rp_session_owner_t owner = owner_of(test, session);

    other.opened = NULL;
    assert_true(is_kept(test, &owner));
    assert_int_equal(rp_session_end(&other, &realm, session), APR_SUCCESS);
    assert_int_equal(load(&session, &test->env, cookie), APR_NOTFOUND);
    assert_false(is_kept(test, &owner));
}

static void tokens_that_another_process_got_are_seen(void **state)
{
    test_env_t *test = *state;
    rp_env_t other = test->env;
    rp_session_tokens_t tokens = {.access_token = "access-2"};
    const char *cookie;
    rp_session_t *session = sign_in(&cookie, test, "alice");

    other.opened = NULL;
    assert_int_equal(rp_session_renew(&other, &realm, session, &tokens), APR_SUCCESS);
    assert_int_equal(load(&session, &test->env, cookie), APR_SUCCESS);
    assert_int_equal(rp_session_open_tokens(&test->env, &realm, session), APR_SUCCESS);
    assert_string_equal(session->record.access_token, "access-2");
}

static void a_store_that_cannot_say_fails_the_request(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session = sign_in(&cookie, test, "alice");

    test->calls = 0;
    test->fail_at = 1;
    assert_int_equal(load(&session, &test->env, cookie), RP_FAILED);
    test_env_expect_error(test, RP_E_STORE);
    assert_null(session);
}

static void is_for_one_id_context_store_and_key_ring(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    unsigned char id[RP_SESSION_ID_BYTES];

    for (int i = 0; i < 4 + RP_SESSION_ID_BYTES; i++) {
        rp_session_t *session = sign_in(&cookie, test, "alice");
        rp_session_owner_t owner = owner_of(test, session);

        memcpy(id, session->id, sizeof(id));
        owner.id = id;
        assert_true(is_kept(test, &owner));
        if (i == 0) {
            owner.context = "https://other.example";
        } else if (i == 1) {
            owner.store = test_store_make(test->env.pool);
        } else if (i == 2) {
            owner.keyring = ring_of("another secret as long as that", test->env.pool);
        } else if (i > 3) {
            id[i - 4] ^= 1;
        }
        assert_int_equal(is_kept(test, &owner), i == 3);
    }
}

static void one_request_at_a_time_has_it(void **state)
{
    test_env_t *test = *state;
    const char *cookie;
    rp_session_t *session = sign_in(&cookie, test, "alice");
    rp_session_owner_t owner = owner_of(test, session);
    rp_session_kept_t *kept = rp_session_cache_take(test->env.opened, &owner);

    assert_non_null(kept);
    assert_null(rp_session_cache_take(test->env.opened, &owner));
    assert_int_equal(load(&session, &test->env, cookie), APR_SUCCESS);
    rp_session_cache_give(test->env.opened, kept);
    assert_true(is_kept(test, &owner));
}

static void more_sessions_than_places_are_all_served(void **state)
{
    test_env_t *test = *state;
    const char *cookies[PLACES * 8];
    int kept = 0;

    for (int i = 0; i < PLACES * 8; i++) {
        sign_in(&cookies[i], test, apr_psprintf(test->env.pool, "user-%d", i));
    }
    for (int i = 0; i < PLACES * 8; i++) {
        rp_session_owner_t owner;
        rp_session_t *session;

        assert_int_equal(load(&session, &test->env, cookies[i]), APR_SUCCESS);
        assert_string_equal(session->record.subject, apr_psprintf(test->env.pool, "user-%d", i));
        owner = owner_of(test, session);
        assert_true(is_kept(test, &owner));
    }
    for (int i = 0; i < PLACES * 8; i++) {
        rp_session_t session;
        rp_session_owner_t owner = owner_of(test, &session);

        assert_int_equal(rp_base64url_decode_into(session.id, sizeof(session.id), cookies[i],
                                                  strlen(cookies[i])),
                         APR_SUCCESS);
        kept += is_kept(test, &owner);
    }
    assert_in_range(kept, 1, PLACES);
}

static void a_large_session_is_served_and_not_kept(void **state)
{
    test_env_t *test = *state;
    char *token = apr_palloc(test->env.pool, 20001);
    rp_record_t record = {.provider = "", .subject = "alice", .access_token = token};
    rp_session_cookies_t cookies;
    rp_session_owner_t owner;
    rp_session_t *session;
    const char *cookie;

    memset(token, 'x', 20000);
    token[20000] = '\0';
    session_encode_claims(&record, test, "{\"sub\":\"alice\"}");
    assert_int_equal(rp_session_create(&session, &test->env, &realm, &record), APR_SUCCESS);
    assert_int_equal(rp_session_cookies(&cookies, &test->env, &realm, session), APR_SUCCESS);
    cookie = cookies.values[0].value;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(load(&session, &test->env, cookie), APR_SUCCESS);
        owner = owner_of(test, session);
        assert_false(is_kept(test, &owner));
    }
}

/* Of a session that the browser keeps there is nothing in the store whose version could be asked.
 */
static void a_cookie_with_the_session_has_to_be_the_very_same(void **state)
{
    static const rp_session_realm_t kept = {.context = "https://www.example",
                                            .longest = apr_time_from_sec(8 * 3600),
                                            .room = {3800, 20, 7000}};
    test_env_t *test = *state;
    rp_env_t other = test->env;
    rp_record_t record = {.provider = "", .subject = "alice", .access_token = "access-1"};
    rp_session_cookies_t cookies;
    rp_session_t *session;

    session_encode_claims(&record, test, "{\"sub\":\"alice\"}");
    assert_int_equal(rp_session_create(&session, &test->env, &kept, &record), APR_SUCCESS);
    assert_int_equal(rp_session_cookies(&cookies, &test->env, &kept, session), APR_SUCCESS);
    for (apr_size_t i = 0; i < cookies.values[0].len; i++) {
        rp_session_cookies_t changed = cookies;
        char *text = apr_pstrmemdup(test->env.pool, cookies.values[0].value, cookies.values[0].len);

        text[i] = text[i] == 'A' ? 'B' : 'A';
        changed.values[0].value = text;
        assert_int_equal(rp_session_load(&session, &test->env, &kept, &cookies, &limits),
                         APR_SUCCESS);
        assert_string_equal(session->record.subject, "alice");
        assert_int_equal(rp_session_load(&session, &test->env, &kept, &changed, &limits),
                         APR_NOTFOUND);
    }
    assert_int_equal(rp_session_load(&session, &test->env, &kept, &cookies, &limits), APR_SUCCESS);
    other.opened = NULL;
    assert_int_equal(rp_session_end(&other, &kept, session), APR_SUCCESS);
    assert_int_equal(rp_session_load(&session, &test->env, &kept, &cookies, &limits), APR_NOTFOUND);
}

typedef struct {
    test_env_t *test;
    rp_session_t *sessions[PLACES];
    int wrong;
} crowd_t;

/* Takes, reads and gives back whatever is there; what it gets has to be whole and the right one. */
static void *use_all(void *data)
{
    crowd_t *crowd = data;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        const rp_session_t *expected = crowd->sessions[i % PLACES];
        rp_session_owner_t owner = owner_of(crowd->test, expected);
        rp_session_kept_t *kept = rp_session_cache_take(crowd->test->env.opened, &owner);
        rp_session_t copy;

        if (!kept) {
            continue;
        }
        rp_session_cache_copy(&copy, kept, pool);
        crowd->wrong |= strcmp(copy.record.subject, expected->record.subject) != 0 ||
                        copy.version != expected->version;
        if (i % 97) {
            rp_session_cache_give(crowd->test->env.opened, kept);
        } else {
            rp_session_cache_drop(kept);
        }
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void threads_do_not_see_each_others_hands(void **state)
{
    crowd_t crowd = {.test = *state};
    crowd_t crowds[THREADS];
    pthread_t threads[THREADS];
    const char *cookie;

    for (int i = 0; i < PLACES; i++) {
        crowd.sessions[i] =
            sign_in(&cookie, crowd.test, apr_psprintf(crowd.test->env.pool, "user-%d", i));
    }
    for (int i = 0; i < THREADS; i++) {
        crowds[i] = crowd;
        assert_int_equal(pthread_create(&threads[i], NULL, use_all, &crowds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(crowds[i].wrong);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int run_session_cache_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gives_what_opening_gives),
        TEST(a_copy_outlives_what_was_kept),
        TEST(a_session_that_another_process_ended_is_none),
        TEST(tokens_that_another_process_got_are_seen),
        TEST(a_store_that_cannot_say_fails_the_request),
        TEST(is_for_one_id_context_store_and_key_ring),
        TEST(one_request_at_a_time_has_it),
        TEST(more_sessions_than_places_are_all_served),
        TEST(a_large_session_is_served_and_not_kept),
        TEST(a_cookie_with_the_session_has_to_be_the_very_same),
        TEST(threads_do_not_see_each_others_hands),
    };

    return cmocka_run_group_tests_name("session: what was opened", tests, NULL, NULL);
}
