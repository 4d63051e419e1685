#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/codec/rp_form.h"
#include "../../src/oauth/rp_client_auth.h"
#include "oauth_groups.h"

#define NOT_SAID NULL
#define NO_METHOD RP_CLIENT_AUTH_AUTO

typedef struct {
    const char *row;
    rp_client_auth_t configured;
    int secret;
    const char *offered; /* separated by spaces */
    rp_client_auth_t chosen;
} choice_row_t;

static const choice_row_t choices[] = {
    {"nothing said", RP_CLIENT_AUTH_AUTO, 1, NOT_SAID, RP_CLIENT_AUTH_BASIC},
    {"both", RP_CLIENT_AUTH_AUTO, 1, "client_secret_post client_secret_basic",
     RP_CLIENT_AUTH_BASIC},
    {"post only", RP_CLIENT_AUTH_AUTO, 1, "private_key_jwt client_secret_post",
     RP_CLIENT_AUTH_POST},
    {"post before none", RP_CLIENT_AUTH_AUTO, 1, "none client_secret_post", RP_CLIENT_AUTH_POST},
    {"none when only that is offered", RP_CLIENT_AUTH_AUTO, 1, "none", RP_CLIENT_AUTH_NONE},
    {"nothing that works", RP_CLIENT_AUTH_AUTO, 1, "private_key_jwt", NO_METHOD},
    {"an empty list", RP_CLIENT_AUTH_AUTO, 1, "", NO_METHOD},
    {"a public client", RP_CLIENT_AUTH_AUTO, 0, NOT_SAID, RP_CLIENT_AUTH_NONE},
    {"a public client, none not listed", RP_CLIENT_AUTH_AUTO, 0, "client_secret_basic",
     RP_CLIENT_AUTH_NONE},
    {"basic configured", RP_CLIENT_AUTH_BASIC, 1, "client_secret_post client_secret_basic",
     RP_CLIENT_AUTH_BASIC},
    {"basic configured, not offered", RP_CLIENT_AUTH_BASIC, 1, "client_secret_post", NO_METHOD},
    {"basic configured, no secret", RP_CLIENT_AUTH_BASIC, 0, NOT_SAID, NO_METHOD},
    {"post configured, nothing said", RP_CLIENT_AUTH_POST, 1, NOT_SAID, RP_CLIENT_AUTH_POST},
    {"post configured, not offered", RP_CLIENT_AUTH_POST, 1, "client_secret_basic", NO_METHOD},
    {"none configured beside a secret", RP_CLIENT_AUTH_NONE, 1, "client_secret_basic",
     RP_CLIENT_AUTH_NONE},
};

static apr_array_header_t *words(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *result = apr_array_make(pool, 4, sizeof(const char *));

    while (*text) {
        size_t len = strcspn(text, " ");

        APR_ARRAY_PUSH(result, const char *) = apr_pstrmemdup(pool, text, len);
        text += len + (text[len] == ' ');
    }
    return result;
}

static void takes_the_strongest_method_that_both_allow(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(choices); i++) {
        const choice_row_t *row = &choices[i];
        rp_provider_t provider = oauth->provider;
        rp_client_auth_t method;
        apr_status_t rv;

        provider.client_auth = row->configured;
        provider.client_secret.data = row->secret ? provider.client_secret.data : NULL;
        rv = rp_client_auth_choose(&method, &provider,
                                   row->offered ? words(row->offered, oauth->env->pool) : NULL);
        if (method != row->chosen || (rv == APR_SUCCESS) != (row->chosen != NO_METHOD)) {
            fail_msg("row: %s: %s", row->row, rp_client_auth_name(method));
        }
    }
}

static void finds_methods_by_their_registered_names(void **state)
{
    rp_client_auth_t method;

    (void)state;
    assert_int_equal(rp_client_auth_find(&method, "client_secret_post"), APR_SUCCESS);
    assert_int_equal(method, RP_CLIENT_AUTH_POST);
    assert_int_equal(rp_client_auth_find(&method, "CLIENT_SECRET_POST"), APR_NOTFOUND);
    assert_int_equal(rp_client_auth_find(&method, "auto"), APR_NOTFOUND);
    assert_string_equal(rp_client_auth_name(RP_CLIENT_AUTH_NONE), "none");
}

/* What the method adds; returns the form. */
static const char *apply(oauth_t *oauth, rp_client_auth_t method, apr_table_t *headers)
{
    rp_metadata_t metadata = *oauth_metadata(oauth, NULL);
    rp_buf_t form;

    metadata.client_auth = method;
    rp_buf_init(&form, RP_MAX_QUERY, oauth->env->pool);
    rp_form_append(&form, "grant_type", "x");
    assert_int_equal(rp_client_auth_apply(oauth->env, &metadata, headers, &form), APR_SUCCESS);
    return rp_buf_text(&form);
}

static void set_secret(oauth_t *oauth, const char *secret)
{
    oauth->provider.client_secret.data = apr_pmemdup(oauth->env->pool, secret, strlen(secret) + 1);
    oauth->provider.client_secret.len = strlen(secret);
}

static void basic_form_encodes_both_and_leaves_unreserved_characters(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    apr_table_t *headers = apr_table_make(pool, 1);
    const char *pair = "my%3Aapp-._~:a%20b%2B%25%2F%3A%21~";

    oauth->provider.client_id = "my:app-._~";
    set_secret(oauth, "a b+%/:!~");
    assert_string_equal(apply(oauth, RP_CLIENT_AUTH_BASIC, headers), "grant_type=x");
    assert_string_equal(
        apr_table_get(headers, "Authorization"),
        apr_pstrcat(pool, "Basic ", rp_base64_encode(pair, strlen(pair), pool), NULL));
}

static void post_puts_both_into_the_form_and_nothing_into_headers(void **state)
{
    oauth_t *oauth = *state;
    apr_table_t *headers = apr_table_make(oauth->env->pool, 1);
    const char *form;

    set_secret(oauth, "a&b=c");
    form = apply(oauth, RP_CLIENT_AUTH_POST, headers);
    assert_string_equal(oauth_parameter(form, "client_id", oauth->env->pool), CLIENT);
    assert_string_equal(oauth_parameter(form, "client_secret", oauth->env->pool), "a&b=c");
    assert_null(apr_table_get(headers, "Authorization"));
}

static void none_sends_the_client_id_and_never_the_secret(void **state)
{
    oauth_t *oauth = *state;
    apr_table_t *headers = apr_table_make(oauth->env->pool, 1);
    const char *form = apply(oauth, RP_CLIENT_AUTH_NONE, headers);

    assert_string_equal(form, "grant_type=x&client_id=" CLIENT);
    assert_null(apr_table_get(headers, "Authorization"));
}

static void refuses_a_secret_that_would_be_cut_at_a_nul(void **state)
{
    oauth_t *oauth = *state;
    rp_metadata_t metadata = *oauth_metadata(oauth, NULL);
    rp_buf_t form;

    oauth->provider.client_secret.data[4] = '\0';
    rp_buf_init(&form, RP_MAX_QUERY, oauth->env->pool);
    assert_int_equal(
        rp_client_auth_apply(oauth->env, &metadata, apr_table_make(oauth->env->pool, 1), &form),
        RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_TOKEN_CLIENT);
    assert_int_equal(form.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_client_auth_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_the_strongest_method_that_both_allow),
        TEST(finds_methods_by_their_registered_names),
        TEST(basic_form_encodes_both_and_leaves_unreserved_characters),
        TEST(post_puts_both_into_the_form_and_nothing_into_headers),
        TEST(none_sends_the_client_id_and_never_the_secret),
        TEST(refuses_a_secret_that_would_be_cut_at_a_nul),
    };

    return cmocka_run_group_tests_name("oauth client authentication", tests, NULL, NULL);
}
