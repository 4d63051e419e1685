#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/codec/rp_form.h"
#include "../../src/codec/rp_json.h"
#include "../../src/jose/rp_jws.h"
#include "../../src/oauth/rp_client_auth.h"
#include "../../src/oauth/rp_credentials.h"
#include "oauth_groups.h"

#define NOT_SAID NULL
#define NO_METHOD RP_CLIENT_AUTH_AUTO

/* What the client has: a secret (64 characters), a short one, a key (ES256). */
enum { NOTHING = 0, HAS_SECRET = 1, HAS_KEY = 2, HAS_SHORT = 4 };

typedef struct {
    const char *row;
    rp_client_auth_t configured;
    int has;
    const char *offered; /* separated by spaces */
    rp_client_auth_t chosen;
    rp_alg_set_t algs; /* 0: not said */
} choice_row_t;

#define BIT(alg) (1u << RP_ALG_##alg)

static const choice_row_t choices[] = {
    {"nothing said", RP_CLIENT_AUTH_AUTO, HAS_SECRET, NOT_SAID, RP_CLIENT_AUTH_BASIC, 0},
    {"both", RP_CLIENT_AUTH_AUTO, HAS_SECRET, "client_secret_post client_secret_basic",
     RP_CLIENT_AUTH_BASIC, 0},
    {"post only", RP_CLIENT_AUTH_AUTO, HAS_SECRET, "private_key_jwt client_secret_post",
     RP_CLIENT_AUTH_POST, 0},
    {"post before none", RP_CLIENT_AUTH_AUTO, HAS_SECRET, "none client_secret_post",
     RP_CLIENT_AUTH_POST, 0},
    {"none when only that is offered", RP_CLIENT_AUTH_AUTO, HAS_SECRET, "none", RP_CLIENT_AUTH_NONE,
     0},
    {"nothing that works", RP_CLIENT_AUTH_AUTO, HAS_SECRET, "private_key_jwt", NO_METHOD, 0},
    {"an empty list", RP_CLIENT_AUTH_AUTO, HAS_SECRET, "", NO_METHOD, 0},
    {"a public client", RP_CLIENT_AUTH_AUTO, NOTHING, NOT_SAID, RP_CLIENT_AUTH_NONE, 0},
    {"a public client, none not listed", RP_CLIENT_AUTH_AUTO, NOTHING, "client_secret_basic",
     RP_CLIENT_AUTH_NONE, 0},
    {"basic configured", RP_CLIENT_AUTH_BASIC, HAS_SECRET, "client_secret_post client_secret_basic",
     RP_CLIENT_AUTH_BASIC, 0},
    {"basic configured, not offered", RP_CLIENT_AUTH_BASIC, HAS_SECRET, "client_secret_post",
     NO_METHOD, 0},
    {"basic configured, no secret", RP_CLIENT_AUTH_BASIC, NOTHING, NOT_SAID, NO_METHOD, 0},
    {"post configured, nothing said", RP_CLIENT_AUTH_POST, HAS_SECRET, NOT_SAID,
     RP_CLIENT_AUTH_POST, 0},
    {"post configured, not offered", RP_CLIENT_AUTH_POST, HAS_SECRET, "client_secret_basic",
     NO_METHOD, 0},
    {"none configured beside a secret", RP_CLIENT_AUTH_NONE, HAS_SECRET, "client_secret_basic",
     RP_CLIENT_AUTH_NONE, 0},
    {"a key and an offer", RP_CLIENT_AUTH_AUTO, HAS_SECRET | HAS_KEY,
     "client_secret_basic private_key_jwt", RP_CLIENT_AUTH_PRIVATE_KEY_JWT, 0},
    {"a key, and nothing said", RP_CLIENT_AUTH_AUTO, HAS_SECRET | HAS_KEY, NOT_SAID,
     RP_CLIENT_AUTH_BASIC, 0},
    {"a key alone, and nothing said", RP_CLIENT_AUTH_AUTO, HAS_KEY, NOT_SAID,
     RP_CLIENT_AUTH_PRIVATE_KEY_JWT, 0},
    {"a key, and no offer", RP_CLIENT_AUTH_AUTO, HAS_SECRET | HAS_KEY, "client_secret_post",
     RP_CLIENT_AUTH_POST, 0},
    {"a key, and its algorithm", RP_CLIENT_AUTH_AUTO, HAS_SECRET | HAS_KEY,
     "client_secret_basic private_key_jwt", RP_CLIENT_AUTH_PRIVATE_KEY_JWT,
     BIT(RS256) | BIT(ES256)},
    {"a key, and other algorithms", RP_CLIENT_AUTH_AUTO, HAS_SECRET | HAS_KEY,
     "client_secret_basic private_key_jwt", RP_CLIENT_AUTH_BASIC, BIT(RS256) | BIT(ES384)},
    {"private_key_jwt, and other algorithms", RP_CLIENT_AUTH_PRIVATE_KEY_JWT, HAS_KEY,
     "private_key_jwt", NO_METHOD, BIT(RS256)},
    {"private_key_jwt configured, nothing said", RP_CLIENT_AUTH_PRIVATE_KEY_JWT,
     HAS_SECRET | HAS_KEY, NOT_SAID, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, 0},
    {"private_key_jwt configured, no key", RP_CLIENT_AUTH_PRIVATE_KEY_JWT, HAS_SECRET,
     "private_key_jwt", NO_METHOD, 0},
    {"private_key_jwt configured, not offered", RP_CLIENT_AUTH_PRIVATE_KEY_JWT, HAS_KEY,
     "client_secret_basic", NO_METHOD, 0},
    {"basic configured beside a key", RP_CLIENT_AUTH_BASIC, HAS_SECRET | HAS_KEY,
     "client_secret_basic private_key_jwt", RP_CLIENT_AUTH_BASIC, 0},
    {"client_secret_jwt is no choice of ours", RP_CLIENT_AUTH_AUTO, HAS_SECRET,
     "client_secret_jwt client_secret_post", RP_CLIENT_AUTH_POST, 0},
    {"client_secret_jwt configured", RP_CLIENT_AUTH_SECRET_JWT, HAS_SECRET,
     "client_secret_jwt client_secret_basic", RP_CLIENT_AUTH_SECRET_JWT, 0},
    {"client_secret_jwt, and its algorithm", RP_CLIENT_AUTH_SECRET_JWT, HAS_SECRET,
     "client_secret_jwt", RP_CLIENT_AUTH_SECRET_JWT, BIT(HS512)},
    {"client_secret_jwt, and other algorithms", RP_CLIENT_AUTH_SECRET_JWT, HAS_SECRET,
     "client_secret_jwt", NO_METHOD, BIT(ES256)},
    {"client_secret_jwt with a short secret", RP_CLIENT_AUTH_SECRET_JWT, HAS_SHORT,
     "client_secret_jwt", NO_METHOD, 0},
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
    const apr_array_header_t *keys = oauth_client_keys(oauth, "ES256", "key-1");

    for (size_t i = 0; i < COUNT(choices); i++) {
        const choice_row_t *row = &choices[i];
        rp_provider_t provider = oauth->provider;
        rp_client_auth_offer_t offer;
        rp_client_auth_t method;
        apr_status_t rv;

        provider.client_auth = row->configured;
        offer.methods = row->offered ? words(row->offered, oauth->env->pool) : NULL;
        offer.algs = row->algs ? row->algs : ~0u;
        if (!(row->has & (HAS_SECRET | HAS_SHORT))) {
            provider.client_secret.data = NULL;
        }
        if (row->has & HAS_SHORT) {
            provider.client_secret.len = 31;
        }
        provider.client_keys = row->has & HAS_KEY ? keys : NULL;
        rv = rp_client_auth_choose(&method, &provider, &offer);
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

/* --- assertions --- */

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* The assertion in the form, verified with this key (NULL: with the secret); the rest of the form
 * is checked too. */
static rp_jws_t *read_assertion(oauth_t *oauth, const char *form, const rp_private_key_t *key)
{
    static const char *const typs[] = {"client-authentication+jwt", NULL};
    apr_pool_t *pool = oauth->env->pool;
    const char *assertion = oauth_parameter(form, "client_assertion", pool);
    rp_jws_expect_t expect = {.algs = ~0u, .typ = typs};
    rp_jws_t *jws;

    if (key) {
        json_t *set = rp_json_keep(json_pack("{s:[O]}", "keys", rp_private_key_public(key)), pool);
        rp_jwks_t *keys;
        const char *why;

        assert_int_equal(rp_jwks_parse(&keys, set, pool, &why), APR_SUCCESS);
        expect.keys = keys;
    } else {
        expect.secret = oauth->provider.client_secret.data;
        expect.secret_len = oauth->provider.client_secret.len;
    }
    assert_string_equal(oauth_parameter(form, "client_assertion_type", pool), ASSERTION_TYPE);
    assert_string_equal(oauth_parameter(form, "client_id", pool), CLIENT);
    assert_null(oauth_parameter(form, "client_secret", pool));
    assert_non_null(assertion);
    assert_int_equal(rp_jws_verify(&jws, assertion, strlen(assertion), &expect, pool), RP_JWS_OK);
    return jws;
}

static const char *text_claim(const rp_jws_t *jws, const char *name)
{
    const char *value;

    assert_int_equal(rp_json_string(&value, jws->payload, name), APR_SUCCESS);
    return value;
}

static void check_claims(const rp_jws_t *jws, const char *audience)
{
    apr_int64_t issued;
    apr_int64_t expires;

    assert_string_equal(text_claim(jws, "iss"), CLIENT);
    assert_string_equal(text_claim(jws, "sub"), CLIENT);
    assert_string_equal(text_claim(jws, "aud"), audience);
    assert_int_equal(rp_json_seconds(&issued, jws->payload, "iat"), APR_SUCCESS);
    assert_int_equal(rp_json_seconds(&expires, jws->payload, "exp"), APR_SUCCESS);
    assert_int_equal(issued, NOW);
    assert_int_equal(expires, NOW + 60);
    assert_int_equal(strlen(text_claim(jws, "jti")), 22);
}

static void a_key_proves_the_client_to_its_issuer(void **state)
{
    oauth_t *oauth = *state;
    apr_table_t *headers = apr_table_make(oauth->env->pool, 1);
    const rp_jws_t *jws;

    oauth->provider.client_keys = oauth_client_keys(oauth, "ES256", "key-1");
    jws = read_assertion(oauth, apply(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, headers),
                         rp_credentials_key(oauth->env, &oauth->provider, 0));
    check_claims(jws, ISSUER);
    assert_int_equal(jws->alg, RP_ALG_ES256);
    assert_string_equal(jws->kid, "key-1");
    assert_true(apr_is_empty_table(headers));
}

static void the_audience_may_be_the_token_endpoint(void **state)
{
    oauth_t *oauth = *state;
    apr_table_t *headers = apr_table_make(oauth->env->pool, 1);
    const char *form;

    oauth->provider.client_keys = oauth_client_keys(oauth, "ES256", NULL);
    oauth->provider.client_audience = RP_AUDIENCE_TOKEN_ENDPOINT;
    form = apply(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, headers);
    check_claims(read_assertion(oauth, form, rp_credentials_key(oauth->env, &oauth->provider, 0)),
                 TOKEN);
}

static void without_an_issuer_the_audience_is_the_token_endpoint(void **state)
{
    oauth_t *oauth = *state;
    rp_metadata_t *metadata;
    rp_buf_t form;

    oauth->provider.client_keys = oauth_client_keys(oauth, "ES256", NULL);
    oauth->provider.issuer = NULL;
    oauth->provider.metadata = "none";
    oauth->provider.profile = RP_PROFILE_OAUTH2;
    oauth->provider.client_auth = RP_CLIENT_AUTH_PRIVATE_KEY_JWT;
    oauth->provider.endpoints[RP_ENDPOINT_TOKEN] = TOKEN;
    assert_int_equal(rp_metadata_configured(&metadata, oauth->env, &oauth->provider), APR_SUCCESS);
    rp_buf_init(&form, RP_MAX_QUERY, oauth->env->pool);
    assert_int_equal(
        rp_client_auth_apply(oauth->env, metadata, apr_table_make(oauth->env->pool, 1), &form),
        APR_SUCCESS);
    check_claims(read_assertion(oauth, rp_buf_text(&form),
                                rp_credentials_key(oauth->env, &oauth->provider, 0)),
                 TOKEN);
}

static void a_secret_signs_and_is_not_sent(void **state)
{
    oauth_t *oauth = *state;
    apr_table_t *headers = apr_table_make(oauth->env->pool, 1);
    const char *form = apply(oauth, RP_CLIENT_AUTH_SECRET_JWT, headers);
    const rp_jws_t *jws = read_assertion(oauth, form, NULL);

    check_claims(jws, ISSUER);
    assert_int_equal(jws->alg, RP_ALG_HS256);
    assert_null(strstr(form, SECRET));
    assert_true(apr_is_empty_table(headers));
}

static void every_attempt_has_an_assertion_of_its_own(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    apr_table_t *headers = apr_table_make(pool, 1);
    const char *first;
    const char *second;

    oauth->provider.client_keys = oauth_client_keys(oauth, "EdDSA", NULL);
    first = apply(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, headers);
    second = apply(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, headers);
    assert_string_not_equal(
        text_claim(
            read_assertion(oauth, first, rp_credentials_key(oauth->env, &oauth->provider, 0)),
            "jti"),
        text_claim(
            read_assertion(oauth, second, rp_credentials_key(oauth->env, &oauth->provider, 0)),
            "jti"));
}

static void fails(oauth_t *oauth, rp_client_auth_t method, rp_alg_set_t algs, rp_error_id_t id)
{
    rp_metadata_t metadata = *oauth_metadata(oauth, NULL);
    rp_buf_t form;

    metadata.client_auth = method;
    metadata.client_auth_algs = algs;
    rp_buf_init(&form, RP_MAX_QUERY, oauth->env->pool);
    assert_int_equal(
        rp_client_auth_apply(oauth->env, &metadata, apr_table_make(oauth->env->pool, 1), &form),
        RP_FAILED);
    test_env_expect_error(oauth->test, id);
    assert_int_equal(form.len, 0);
}

static void nothing_is_sent_without_an_assertion(void **state)
{
    oauth_t *oauth = *state;

    fails(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, ~0u, RP_E_TOKEN_CLIENT);
    oauth->provider.client_keys = oauth_client_keys(oauth, "ES256", NULL);
    fails(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, BIT(RS256), RP_E_TOKEN_CLIENT);
    fails(oauth, RP_CLIENT_AUTH_SECRET_JWT, BIT(ES256), RP_E_TOKEN_CLIENT);
    oauth->test->fail_at = oauth->test->calls + 1;
    fails(oauth, RP_CLIENT_AUTH_PRIVATE_KEY_JWT, ~0u, RP_E_RANDOM);
    oauth->provider.client_secret.data = NULL;
    oauth->provider.client_secret.len = 0;
    fails(oauth, RP_CLIENT_AUTH_SECRET_JWT, ~0u, RP_E_TOKEN_CLIENT);
}

static void the_metadata_says_which_algorithms_there_are(void **state)
{
    oauth_t *oauth = *state;
    const char *text =
        oauth_document(oauth, "{\"token_endpoint_auth_signing_alg_values_supported\":\"ES256\"}");
    rp_metadata_t *metadata;

    oauth->provider.client_keys = oauth_client_keys(oauth, "RS256", NULL);
    assert_int_equal(
        oauth_metadata(oauth, "{\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"],"
                              "\"token_endpoint_auth_signing_alg_values_supported\":"
                              "[\"PS256\",\"XX1\"]}")
            ->client_auth_algs,
        BIT(PS256));
    assert_int_equal(rp_metadata_parse(&metadata, oauth->env, &oauth->provider, text, strlen(text)),
                     RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_METADATA_INVALID);
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
        TEST(a_key_proves_the_client_to_its_issuer),
        TEST(the_audience_may_be_the_token_endpoint),
        TEST(without_an_issuer_the_audience_is_the_token_endpoint),
        TEST(a_secret_signs_and_is_not_sent),
        TEST(every_attempt_has_an_assertion_of_its_own),
        TEST(nothing_is_sent_without_an_assertion),
        TEST(the_metadata_says_which_algorithms_there_are),
    };

    return cmocka_run_group_tests_name("oauth client authentication", tests, NULL, NULL);
}
