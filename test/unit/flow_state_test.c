/* The sealed state of a pending login: rp_login_state. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/flow/rp_login_state.h"
#include "test_store.h"

#define BINDING "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER_BINDING "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

typedef struct {
    const char *text;
    rp_login_secrets_t secrets;
    rp_login_state_t *opened;
} made_t;

static const char *url_of(flow_t *flow, apr_size_t len)
{
    char *url = apr_palloc(flow->test->env.pool, len + 1);

    memset(url, 'u', len);
    url[0] = '/';
    url[len] = '\0';
    return url;
}

static made_t make(flow_t *flow, const char *url, const char *scope)
{
    rp_env_t *env = &flow->test->env;
    rp_login_t login = {.provider = &flow->provider, .attempt = 1, .scope = scope};
    rp_return_url_t *checked;
    made_t made = {0};

    assert_int_equal(rp_site_return_url(&checked, env, &flow->site, url), APR_SUCCESS);
    login.return_url = checked;
    assert_int_equal(
        rp_login_state_make(&made.text, &made.secrets, env, &flow->site, &login, BINDING),
        APR_SUCCESS);
    assert_int_equal(rp_login_state_open(&made.opened, env, &flow->site, made.text), APR_SUCCESS);
    return made;
}

static void brings_back_what_it_was_made_with(void **state)
{
    flow_t *flow = *state;
    made_t made = make(flow, "/app?x=1", "openid email");

    assert_int_equal(made.opened->attempt, 1);
    assert_int_equal(made.opened->issued, flow->test->now);
    assert_string_equal(made.opened->provider, "");
    assert_string_equal(made.opened->return_url, "/app?x=1");
    assert_string_equal(made.opened->scope, "openid email");
    assert_null(made.opened->preserved);
    assert_ptr_equal(rp_login_state_provider(&flow->test->env, &flow->site, made.opened),
                     &flow->provider);
}

static void stays_short_and_keeps_any_url_that_httpd_takes(void **state)
{
    static const apr_size_t lengths[] = {1, 2, 511, 512, 513, 1000, 8000, RP_MAX_RETURN_URL};
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;

    for (apr_size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const char *url = url_of(flow, lengths[i]);
        made_t made = make(flow, url, url_of(flow, i % 2 ? 500 : 1));
        rp_return_url_t *found;

        assert_true(strlen(made.text) < 1200);
        assert_int_equal(rp_login_state_return_url(&found, env, &flow->site, made.opened),
                         APR_SUCCESS);
        assert_string_equal(rp_return_url_short(found), url);
    }
}

static void keeps_nothing_in_the_store_for_a_short_url(void **state)
{
    flow_t *flow = *state;

    make(flow, "/app", NULL);
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_LOGIN), 0);
    make(flow, url_of(flow, 513), NULL);
    assert_int_equal(test_store_count(flow->test->env.store, &flow->test->env, RP_KIND_LOGIN), 1);
}

static void goes_to_the_start_page_when_a_long_url_is_gone(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    made_t made = make(flow, url_of(flow, 600), NULL);
    rp_return_url_t *found;

    test_env_advance(flow->test, 6 * RP_LOGIN_SECONDS);
    assert_int_equal(rp_login_state_return_url(&found, env, &flow->site, made.opened), APR_SUCCESS);
    assert_string_equal(rp_return_url_short(found), "/");
    assert_int_equal(env->error.id, RP_E_NONE);
}

static void checks_the_url_again_when_it_is_used(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    apr_array_header_t *allowed = apr_array_make(env->pool, 1, sizeof(const char *));
    rp_return_url_t *found;
    made_t made;

    APR_ARRAY_PUSH(allowed, const char *) = "https://other.example";
    flow->site.return_to = allowed;
    made = make(flow, "https://other.example/x", NULL);
    assert_int_equal(rp_login_state_return_url(&found, env, &flow->site, made.opened), APR_SUCCESS);
    assert_string_equal(rp_return_url_text(found), "https://other.example/x");
    flow->site.return_to = NULL;
    assert_int_equal(rp_login_state_return_url(&found, env, &flow->site, made.opened), APR_SUCCESS);
    assert_string_equal(rp_return_url_short(found), "/");
}

static void refuses_a_state_with_any_character_changed(void **state)
{
    flow_t *flow = *state;
    made_t made = make(flow, "/app", NULL);
    char *text = apr_pstrdup(flow->test->env.pool, made.text);

    for (apr_size_t i = 0; text[i]; i++) {
        char good = text[i];

        text[i] = good == 'A' ? 'B' : 'A';
        assert_int_equal(rp_login_state_open(&made.opened, &flow->test->env, &flow->site, text),
                         RP_FAILED);
        assert_null(made.opened);
        test_env_expect_error(flow->test, RP_E_STATE_INVALID);
        text[i] = good;
    }
}

static void refuses_what_is_no_state_at_all(void **state)
{
    flow_t *flow = *state;
    const char *const rows[] = {"", "x", "====", "a b", url_of(flow, 400), url_of(flow, 5000)};
    rp_login_state_t *opened;

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(rp_login_state_open(&opened, &flow->test->env, &flow->site, rows[i]),
                         RP_FAILED);
        test_env_expect_error(flow->test, RP_E_STATE_INVALID);
    }
}

static void refuses_the_state_of_another_virtual_host(void **state)
{
    flow_t *flow = *state;
    made_t made = make(flow, "/app", NULL);

    flow->site.base_url = "https://b.example";
    assert_int_equal(rp_login_state_open(&made.opened, &flow->test->env, &flow->site, made.text),
                     RP_FAILED);
    test_env_expect_error(flow->test, RP_E_STATE_INVALID);
}

static void knows_its_provider_only_as_it_was_configured(void **state)
{
    flow_t *flow = *state;
    made_t made = make(flow, "/app", NULL);

    flow->provider.context = "another issuer or client";
    assert_null(rp_login_state_provider(&flow->test->env, &flow->site, made.opened));
}

static void belongs_to_one_browser(void **state)
{
    flow_t *flow = *state;
    made_t made = make(flow, "/app", NULL);

    assert_true(rp_login_state_bound(made.opened, BINDING));
    assert_false(rp_login_state_bound(made.opened, OTHER_BINDING));
    assert_false(rp_login_state_bound(made.opened, ""));
    assert_false(rp_login_state_bound(made.opened, NULL));
}

static void expires_after_its_time_and_is_not_from_the_future(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    made_t made = make(flow, "/app", NULL);

    assert_false(rp_login_state_expired(env, made.opened));
    test_env_advance(flow->test, RP_LOGIN_SECONDS - 1);
    assert_false(rp_login_state_expired(env, made.opened));
    test_env_advance(flow->test, 1);
    assert_true(rp_login_state_expired(env, made.opened));
    test_env_advance(flow->test, -RP_LOGIN_SECONDS - 61);
    assert_true(rp_login_state_expired(env, made.opened));
}

static void is_used_once(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    made_t first = make(flow, "/app", NULL);
    made_t second = make(flow, "/app", NULL);

    assert_int_equal(rp_login_state_use(env, first.opened), APR_SUCCESS);
    assert_int_equal(rp_login_state_use(env, first.opened), RP_CONFLICT);
    assert_int_equal(rp_login_state_use(env, second.opened), APR_SUCCESS);
    test_env_advance(flow->test, RP_LOGIN_SECONDS - 1);
    assert_int_equal(rp_login_state_use(env, first.opened), RP_CONFLICT);
}

static void derives_secrets_from_state_and_binding_together(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    made_t first = make(flow, "/app", NULL);
    made_t second = make(flow, "/app", NULL);
    rp_login_secrets_t again;

    assert_int_equal(strlen(first.secrets.code_verifier), 43);
    assert_int_equal(strlen(first.secrets.nonce), 43);
    assert_string_not_equal(first.secrets.code_verifier, first.secrets.nonce);
    assert_string_not_equal(first.secrets.code_verifier, second.secrets.code_verifier);
    assert_string_not_equal(first.secrets.nonce, second.secrets.nonce);
    assert_int_equal(rp_login_state_secrets(&again, env, first.opened, BINDING), APR_SUCCESS);
    assert_string_equal(again.code_verifier, first.secrets.code_verifier);
    assert_string_equal(again.nonce, first.secrets.nonce);
    assert_int_equal(rp_login_state_secrets(&again, env, first.opened, OTHER_BINDING), RP_FAILED);
    test_env_expect_error(flow->test, RP_E_STATE_INVALID);
}

static void survives_a_rotation_of_the_servers_secret(void **state)
{
    flow_t *flow = *state;
    rp_env_t *env = &flow->test->env;
    made_t made = make(flow, url_of(flow, 600), NULL);
    rp_login_secrets_t again;
    rp_return_url_t *url;

    flow_set_secrets(flow, "cba");
    assert_int_equal(rp_login_state_open(&made.opened, env, &flow->site, made.text), APR_SUCCESS);
    assert_int_equal(rp_login_state_secrets(&again, env, made.opened, BINDING), APR_SUCCESS);
    assert_string_equal(again.code_verifier, made.secrets.code_verifier);
    assert_int_equal(rp_login_state_return_url(&url, env, &flow->site, made.opened), APR_SUCCESS);
    assert_int_equal(strlen(rp_return_url_short(url)), 600);
    flow_set_secrets(flow, "cb");
    assert_int_equal(rp_login_state_open(&made.opened, env, &flow->site, made.text), RP_FAILED);
    test_env_expect_error(flow->test, RP_E_STATE_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_state_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(brings_back_what_it_was_made_with),
        TEST(stays_short_and_keeps_any_url_that_httpd_takes),
        TEST(keeps_nothing_in_the_store_for_a_short_url),
        TEST(goes_to_the_start_page_when_a_long_url_is_gone),
        TEST(checks_the_url_again_when_it_is_used),
        TEST(refuses_a_state_with_any_character_changed),
        TEST(refuses_what_is_no_state_at_all),
        TEST(refuses_the_state_of_another_virtual_host),
        TEST(knows_its_provider_only_as_it_was_configured),
        TEST(belongs_to_one_browser),
        TEST(expires_after_its_time_and_is_not_from_the_future),
        TEST(is_used_once),
        TEST(derives_secrets_from_state_and_binding_together),
        TEST(survives_a_rotation_of_the_servers_secret),
    };

    return cmocka_run_group_tests_name("flow: login state", tests, NULL, NULL);
}
