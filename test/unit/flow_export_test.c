/* What backends are told: rp_export, and who may pass: rp_require. */
#include "flow_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"
#include "../../src/flow/rp_export.h"
#include "../../src/flow/rp_require.h"

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

static rp_session_t *session_with(test_env_t *test, const char *json)
{
    rp_session_t *session = apr_pcalloc(test->env.pool, sizeof(*session));
    const char *why = NULL;
    json_t *object;
    int dropped;

    assert_int_equal(
        rp_json_parse(&object, json, strlen(json), RP_MAX_USERINFO, test->env.pool, &why),
        APR_SUCCESS);
    session->record.subject = "248289761001";
    session->record.provider = "corp";
    session->record.acr = "urn:mfa";
    session->record.scope = "openid profile read:things";
    session->record.authenticated = test->now - apr_time_from_sec(300);
    assert_int_equal(rp_claims_encode(&session->record.claims, &session->record.claims_len,
                                      &dropped, object, test->env.pool),
                     APR_SUCCESS);
    return session;
}

typedef struct {
    const char *json;
    const char *claim;
    const char *user;    /* NULL: refused */
    rp_error_id_t error; /* with which id */
} user_row_t;

/* clang-format off */
static const user_row_t user_rows[] = {
    {"{}", "sub", "248289761001", RP_E_NONE},
    {"{\"preferred_username\":\"alice\"}", "preferred_username", "alice", RP_E_NONE},
    {"{\"uid\":1000}", "uid", "1000", RP_E_NONE},
    {"{}", "preferred_username", NULL, RP_E_USER_CLAIM},
    {"{\"preferred_username\":\"\"}", "preferred_username", NULL, RP_E_USER_CLAIM},
    {"{\"preferred_username\":[\"alice\"]}", "preferred_username", NULL, RP_E_USER_CLAIM},
    {"{\"preferred_username\":true}", "preferred_username", NULL, RP_E_USER_CLAIM},
    {"{\"preferred_username\":\"a\\nb\"}", "preferred_username", NULL, RP_E_USER_CLAIM},
    {"{\"email\":\"a@example.com\",\"email_verified\":true}", "email", "a@example.com", RP_E_NONE},
    {"{\"email\":\"a@example.com\",\"email_verified\":false}", "email", NULL, RP_E_EMAIL_UNVERIFIED},
    {"{\"email\":\"a@example.com\",\"email_verified\":\"true\"}", "email", NULL, RP_E_EMAIL_UNVERIFIED},
    {"{\"email\":\"a@example.com\"}", "email", NULL, RP_E_EMAIL_UNVERIFIED},
};
/* clang-format on */

static void the_user_is_a_whole_text_that_the_provider_vouches_for(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < sizeof(user_rows) / sizeof(user_rows[0]); i++) {
        const user_row_t *row = &user_rows[i];
        const char *user;
        apr_status_t rv =
            rp_export_user(&user, &test->env, session_with(test, row->json), row->claim);

        if (row->user) {
            assert_int_equal(rv, APR_SUCCESS);
            assert_string_equal(user, row->user);
        } else {
            assert_int_equal(rv, RP_FAILED);
            assert_null(user);
            test_env_expect_error(test, row->error);
        }
    }
}

static void an_address_that_is_not_verified_is_not_exported(void **state)
{
    test_env_t *test = *state;
    const char *value;

    assert_int_equal(rp_export_claim(&value, &test->env,
                                     session_with(test, "{\"email\":\"a@example.com\","
                                                        "\"email_verified\":false}"),
                                     "email"),
                     APR_NOTFOUND);
    assert_int_equal(rp_export_claim(&value, &test->env,
                                     session_with(test, "{\"email\":\"a@example.com\"}"), "email"),
                     APR_SUCCESS);
    assert_string_equal(value, "a@example.com");
}

static void a_value_that_is_too_large_is_refused_and_never_cut(void **state)
{
    test_env_t *test = *state;
    char *big = apr_palloc(test->env.pool, RP_MAX_EXPORT_VALUE + 2);
    const char *value;
    rp_session_t *session;

    memset(big, 'x', RP_MAX_EXPORT_VALUE + 1);
    big[RP_MAX_EXPORT_VALUE + 1] = '\0';
    session = session_with(test, apr_pstrcat(test->env.pool, "{\"a\":\"", big, "\"}", NULL));
    assert_int_equal(rp_export_claim(&value, &test->env, session, "a"), RP_FAILED);
    assert_null(value);
    test_env_expect_error(test, RP_E_EXPORT_LIMIT);
    assert_int_equal(rp_export_user(&value, &test->env, session, "a"), RP_FAILED);
    test_env_expect_error(test, RP_E_USER_CLAIM);
}

static void header_names_that_a_backend_takes_for_the_same_are_the_same(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        int same;
    } rows[] = {
        {"X-Forwarded-User", "x-forwarded-user", 1},  {"X-Forwarded-User", "X_Forwarded_User", 1},
        {"X-Forwarded-User", "X.Forwarded_user", 1},  {"X-Forwarded-User", "X~Forwarded!User", 1},
        {"X-Forwarded-User", "X-Forwarded-User2", 0}, {"X-Forwarded-User", "X-Forwarded-Use", 0},
        {"X-Forwarded-User", "XForwardedUser", 0},    {"X-Forwarded-User", "", 0},
    };

    (void)state;
    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(rp_export_same_header(rows[i].a, rows[i].b), rows[i].same);
        if (rows[i].same) {
            assert_int_equal(rp_export_header_hash(rows[i].a), rp_export_header_hash(rows[i].b));
        }
    }
}

/* A stand-in for regular expressions: the pattern is a text to be found; "(" does not compile. */
static void *compile(apr_pool_t *pool, const char *pattern)
{
    return strcmp(pattern, "(") == 0 ? NULL : apr_pstrdup(pool, pattern);
}

static int match(const void *regex, const char *text)
{
    return strstr(text, regex) != NULL;
}

static const rp_require_regex_t regex = {compile, match};

typedef struct {
    const char *line; /* words separated by single spaces */
    int granted;      /* -1: refused when the configuration is read */
} require_row_t;

/* clang-format off */
static const require_row_t require_rows[] = {
    {"oauth-claim groups admins", 1},
    {"oauth-claim groups nobody admins", 1},
    {"oauth-claim groups admin", 0},
    {"oauth-claim groups staff,admins", 0},
    {"oauth-claim group admins", 0},
    {"oauth-claim realm_access.roles editor", 1},
    {"oauth-claim realm_access.roles reader", 0},
    {"oauth-claim address.country DE", 1},
    {"oauth-claim level 3", 1},
    {"oauth-claim active true", 1},
    {"oauth-claim hd ~ example", 1},
    {"oauth-claim hd ~ other", 0},
    {"oauth-claim groups ~ admin", 1},
    {"oauth-claim groups ~ f,a", 0},
    {"oauth-claim groups ~ (", -1},
    {"oauth-claim groups ~", -1},
    {"oauth-claim groups ~ a b", -1},
    {"oauth-claim groups", -1},
    {"oauth-claim", -1},
    {"oauth-scope profile", 1},
    {"oauth-scope profile read:things", 1},
    {"oauth-scope profile write:things", 0},
    {"oauth-scope read", 0},
    {"oauth-scope", -1},
    {"oauth-acr urn:mfa", 1},
    {"oauth-acr urn:pwd urn:mfa", 1},
    {"oauth-acr urn:pwd", 0},
    {"oauth-acr", -1},
    {"oauth-provider corp", 1},
    {"oauth-provider other corp", 1},
    {"oauth-provider other", 0},
    {"oauth-provider", -1},
    {"oauth-fresh 10m", 1},
    {"oauth-fresh 301", 1},
    {"oauth-fresh 299", 0},
    {"oauth-fresh 4m", 0},
    {"oauth-fresh 0", -1},
    {"oauth-fresh -5", -1},
    {"oauth-fresh 5x", -1},
    {"oauth-fresh 99999999999999999999", -1},
    {"oauth-fresh 5m 6m", -1},
    {"oauth-fresh", -1},
    {"oauth-nonsense x", -1},
};
/* clang-format on */

static void require_grants_what_it_says_and_nothing_else(void **state)
{
    test_env_t *test = *state;
    rp_session_t *session =
        session_with(test, "{\"groups\":[\"staff\",\"admins\"],\"level\":3,\"active\":true,"
                           "\"hd\":\"example.com\",\"realm_access\":{\"roles\":[\"editor\"]},"
                           "\"address\":{\"country\":\"DE\"}}");

    for (apr_size_t i = 0; i < sizeof(require_rows) / sizeof(require_rows[0]); i++) {
        const require_row_t *row = &require_rows[i];
        apr_array_header_t *args = apr_array_make(test->env.pool, 4, sizeof(const char *));
        char *rest = apr_pstrdup(test->env.pool, row->line);
        char *word = strsep(&rest, " ");
        const char *why = NULL;
        rp_require_t *require;

        while (rest) {
            APR_ARRAY_PUSH(args, const char *) = strsep(&rest, " ");
        }
        require = rp_require_parse(word, args, &regex, test->env.pool, &why);
        if (row->granted < 0) {
            if (require || !why) {
                fail_msg("accepted: %s", row->line);
            }
            continue;
        }
        if (!require || rp_require_check(require, &test->env, session) != row->granted) {
            fail_msg("Require %s: not %d", row->line, row->granted);
        }
    }
}

static void a_session_without_what_is_required_is_refused(void **state)
{
    static const char *const lines[] = {"oauth-scope", "oauth-acr", "oauth-claim"};
    test_env_t *test = *state;
    rp_session_t *session = session_with(test, "{}");
    apr_array_header_t *args = apr_array_make(test->env.pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(args, const char *) = "x";
    APR_ARRAY_PUSH(args, const char *) = "y";
    session->record.scope = NULL;
    session->record.acr = NULL;
    for (int i = 0; i < 3; i++) {
        const char *why = NULL;
        rp_require_t *require = rp_require_parse(lines[i], args, &regex, test->env.pool, &why);

        assert_non_null(require);
        assert_int_equal(rp_require_check(require, &test->env, session), 0);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int run_flow_export_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_user_is_a_whole_text_that_the_provider_vouches_for),
        TEST(an_address_that_is_not_verified_is_not_exported),
        TEST(a_value_that_is_too_large_is_refused_and_never_cut),
        TEST(header_names_that_a_backend_takes_for_the_same_are_the_same),
        TEST(require_grants_what_it_says_and_nothing_else),
        TEST(a_session_without_what_is_required_is_refused),
    };

    return cmocka_run_group_tests_name("flow: export and require", tests, NULL, NULL);
}
