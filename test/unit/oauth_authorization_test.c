#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/oauth/rp_authorization.h"
#include "oauth_groups.h"

/* RFC 7636 appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define CALLBACK "https://rp.example/oauth/callback"

static const rp_authorization_request_t plain = {
    .redirect_uri = CALLBACK, .state = "st&te", .nonce = NONCE, .code_verifier = VERIFIER};

static const char *make_url(oauth_t *oauth, const rp_authorization_request_t *request,
                            const char *patch)
{
    const char *url = NULL;

    assert_int_equal(rp_authorization_url(&url, oauth->env, oauth_metadata(oauth, patch), request),
                     APR_SUCCESS);
    assert_non_null(url);
    return url;
}

static const char *query_of(const char *url)
{
    const char *mark = strchr(url, '?');

    assert_non_null(mark);
    return mark + 1;
}

static const char *parameter(oauth_t *oauth, const char *url, const char *name)
{
    return oauth_parameter(query_of(url), name, oauth->env->pool);
}

static apr_array_header_t *list(oauth_t *oauth, const char *first, const char *second)
{
    apr_array_header_t *values = apr_array_make(oauth->env->pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(values, const char *) = first;
    APR_ARRAY_PUSH(values, const char *) = second;
    return values;
}

static void asks_for_a_code_with_pkce_state_and_nonce(void **state)
{
    oauth_t *oauth = *state;
    const char *url = make_url(oauth, &plain, NULL);

    assert_int_equal(strncmp(url, "https://op.example/authorize?", 29), 0);
    assert_string_equal(parameter(oauth, url, "response_type"), "code");
    assert_string_equal(parameter(oauth, url, "client_id"), CLIENT);
    assert_string_equal(parameter(oauth, url, "redirect_uri"), CALLBACK);
    assert_string_equal(parameter(oauth, url, "scope"), "openid profile email");
    assert_string_equal(parameter(oauth, url, "state"), "st&te");
    assert_string_equal(parameter(oauth, url, "nonce"), NONCE);
    assert_string_equal(parameter(oauth, url, "code_challenge"), CHALLENGE);
    assert_string_equal(parameter(oauth, url, "code_challenge_method"), "S256");
    assert_null(parameter(oauth, url, "response_mode"));
    assert_null(parameter(oauth, url, "resource"));
    assert_null(strstr(url, VERIFIER));
    assert_null(strstr(url, SECRET));
}

static void keeps_the_query_that_the_endpoint_has(void **state)
{
    oauth_t *oauth = *state;
    const char *url =
        make_url(oauth, &plain, "{\"authorization_endpoint\":\"https://op.example/a?tenant=1\"}");

    assert_int_equal(strncmp(url, "https://op.example/a?tenant=1&response_type=code&", 49), 0);
}

static void plain_oauth_has_no_nonce_and_only_the_scope_that_is_configured(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_request_t request = plain;
    const char *url;

    oauth->provider.profile = RP_PROFILE_OAUTH2;
    request.nonce = NULL;
    url = make_url(oauth, &request, NULL);
    assert_null(parameter(oauth, url, "nonce"));
    assert_null(parameter(oauth, url, "scope"));
    assert_string_equal(parameter(oauth, url, "code_challenge"), CHALLENGE);
    oauth->provider.scope = list(oauth, "read:user", "user:email");
    assert_string_equal(parameter(oauth, make_url(oauth, &request, NULL), "scope"),
                        "read:user user:email");
}

static void openid_is_always_in_the_scope_once(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_request_t request = plain;

    oauth->provider.scope = list(oauth, "email", "email");
    assert_string_equal(parameter(oauth, make_url(oauth, &request, NULL), "scope"), "openid email");
    request.scope = list(oauth, "groups", "openid");
    assert_string_equal(parameter(oauth, make_url(oauth, &request, NULL), "scope"),
                        "openid groups");
}

static void asks_for_form_post_where_that_is_configured(void **state)
{
    oauth_t *oauth = *state;

    oauth->provider.response_mode = RP_RESPONSE_FORM_POST;
    assert_string_equal(parameter(oauth, make_url(oauth, &plain, NULL), "response_mode"),
                        "form_post");
}

static void names_each_resource(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_request_t request = plain;
    const char *url;

    oauth->provider.resource = list(oauth, "https://a.example", "https://b.example");
    url = make_url(oauth, &request, NULL);
    assert_non_null(
        strstr(url, "&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example"));
    request.resource = list(oauth, "https://c.example", "https://d.example");
    url = make_url(oauth, &request, NULL);
    assert_null(strstr(url, "a.example"));
    assert_non_null(strstr(url, "&resource=https%3A%2F%2Fc.example"));
}

static void the_places_parameters_win_and_the_protocols_cannot_be_replaced(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_request_t request = plain;
    apr_table_t *ours = apr_table_make(oauth->env->pool, 4);
    apr_table_t *places = apr_table_make(oauth->env->pool, 4);
    const char *url;

    apr_table_setn(ours, "prompt", "login");
    apr_table_setn(ours, "ui_locales", "de fr");
    apr_table_setn(ours, "state", "mine");
    apr_table_setn(ours, "Code_Challenge_Method", "plain");
    apr_table_setn(places, "prompt", "consent");
    apr_table_setn(places, "redirect_uri", "https://evil.example");
    oauth->provider.authorization_parameters = ours;
    request.parameters = places;
    url = make_url(oauth, &request, NULL);
    assert_string_equal(parameter(oauth, url, "prompt"), "consent");
    assert_string_equal(parameter(oauth, url, "ui_locales"), "de fr");
    assert_string_equal(parameter(oauth, url, "state"), "st&te");
    assert_string_equal(parameter(oauth, url, "redirect_uri"), CALLBACK);
    assert_null(strstr(url, "plain"));
    assert_null(strstr(url, "evil"));
}

static void knows_which_parameters_are_the_protocols(void **state)
{
    static const char *const protocol[] = {
        "state",     "nonce",        "STATE",         "code_challenge", "request_uri",  "scope",
        "client_id", "redirect_uri", "response_mode", "request",        "response_type"};
    static const char *const free_ones[] = {
        "prompt", "max_age", "acr_values", "login_hint", "hd", "audience", "claims", "states", ""};

    (void)state;
    for (size_t i = 0; i < COUNT(protocol); i++) {
        assert_int_equal(rp_authorization_is_protocol_parameter(protocol[i]), 1);
    }
    for (size_t i = 0; i < COUNT(free_ones); i++) {
        assert_int_equal(rp_authorization_is_protocol_parameter(free_ones[i]), 0);
    }
}

static void a_request_that_is_too_long_is_refused(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_request_t request = plain;
    char *text = apr_palloc(oauth->env->pool, RP_MAX_QUERY + 1);
    const char *url;

    memset(text, 'x', RP_MAX_QUERY);
    text[RP_MAX_QUERY] = '\0';
    request.state = text;
    assert_int_equal(rp_authorization_url(&url, oauth->env, oauth_metadata(oauth, NULL), &request),
                     RP_FAILED);
    assert_null(url);
    test_env_expect_error(oauth->test, RP_E_INTERNAL);
}

static apr_status_t read_form(rp_authorization_response_t *response, oauth_t *oauth,
                              const char *text)
{
    rp_form_t *form;

    assert_int_equal(rp_form_parse(&form, text, strlen(text), oauth->env->pool), APR_SUCCESS);
    return rp_authorization_response_read(response, oauth->env, form);
}

static void reads_the_parameters_that_count(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_response_t response;

    assert_int_equal(
        read_form(&response, oauth,
                  "code=c%20d&state=s&iss=https%3A%2F%2Fop.example&session_state=x&x=1&x=2"),
        APR_SUCCESS);
    assert_string_equal(response.code, "c d");
    assert_string_equal(response.state, "s");
    assert_string_equal(response.iss, ISSUER);
    assert_null(response.error);
    assert_int_equal(read_form(&response, oauth, "error=access_denied&code=&state="), APR_SUCCESS);
    assert_string_equal(response.error, "access_denied");
    assert_null(response.code);
    assert_null(response.state);
    assert_null(response.iss);
}

static void refuses_a_parameter_that_is_there_twice(void **state)
{
    static const char *const names[] = {"code", "state", "iss", "error", "id_token"};
    oauth_t *oauth = *state;
    rp_authorization_response_t response;

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *text = apr_psprintf(oauth->env->pool, "%s=a&y=1&%s=a", names[i], names[i]);

        assert_int_equal(read_form(&response, oauth, text), RP_FAILED);
        oauth_expect(oauth, names[i], RP_E_CALLBACK_PARAMETERS);
        assert_null(response.code);
    }
}

static void refuses_a_parameter_that_is_too_long(void **state)
{
    static const char *const names[] = {"code", "state", "iss", "error"};
    oauth_t *oauth = *state;
    rp_authorization_response_t response;
    char text[RP_MAX_CODE + RP_MAX_STATE];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(
            read_form(&response, oauth, apr_psprintf(oauth->env->pool, "%s=%s", names[i], text)),
            RP_FAILED);
        oauth_expect(oauth, names[i], RP_E_CALLBACK_PARAMETERS);
        assert_null(response.code);
    }
}

typedef struct {
    const char *row;
    const char *text;
    int announced; /* the metadata says that iss is sent */
    rp_error_id_t id;
} response_row_t;

static const response_row_t responses[] = {
    {"a code", "code=c", 0, RP_E_NONE},
    {"a code with iss", "code=c&iss=https%3A%2F%2Fop.example", 0, RP_E_NONE},
    {"a code with iss, announced", "code=c&iss=https%3A%2F%2Fop.example", 1, RP_E_NONE},
    {"iss missing, announced", "code=c", 1, RP_E_ISSUER_MISMATCH},
    {"iss empty, announced", "code=c&iss=", 1, RP_E_ISSUER_MISMATCH},
    {"another iss", "code=c&iss=https%3A%2F%2Fevil.example", 0, RP_E_ISSUER_MISMATCH},
    {"iss with a slash", "code=c&iss=https%3A%2F%2Fop.example%2F", 0, RP_E_ISSUER_MISMATCH},
    {"iss encoded twice in a query", "code=c&iss=https%253A%252F%252Fop.example", 0,
     RP_E_ISSUER_MISMATCH},
    {"an error with another iss", "error=access_denied&iss=https%3A%2F%2Fevil.example", 0,
     RP_E_ISSUER_MISMATCH},
    {"an error without iss, announced", "error=access_denied", 1, RP_E_ISSUER_MISMATCH},
    {"nothing", "state=s", 0, RP_E_CALLBACK_PARAMETERS},
    {"an empty code", "code=&state=s", 0, RP_E_CALLBACK_PARAMETERS},
    {"denied", "error=access_denied", 0, RP_E_PROVIDER_DENIED},
    {"denied beside a code", "error=access_denied&code=c", 0, RP_E_PROVIDER_DENIED},
    {"login_required", "error=login_required", 0, RP_E_PROVIDER_INTERACTION},
    {"interaction_required", "error=interaction_required", 0, RP_E_PROVIDER_INTERACTION},
    {"consent_required", "error=consent_required", 0, RP_E_PROVIDER_INTERACTION},
    {"server_error", "error=server_error", 0, RP_E_PROVIDER_ERROR},
    {"unknown", "error=%3Cscript%3E", 0, RP_E_PROVIDER_ERROR},
};

static void judges_iss_first_then_error_then_code(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(responses); i++) {
        const response_row_t *row = &responses[i];
        rp_metadata_t metadata = *oauth_metadata(oauth, NULL);
        rp_authorization_response_t response;
        apr_status_t rv;

        metadata.iss_parameter_supported = row->announced;
        assert_int_equal(read_form(&response, oauth, row->text), APR_SUCCESS);
        rv = rp_authorization_response_check(oauth->env, &response, &metadata);
        assert_int_equal(rv, row->id == RP_E_NONE ? APR_SUCCESS : RP_FAILED);
        assert_true(row->id == RP_E_NONE || !strchr(oauth->env->error.detail, '<'));
        oauth_expect(oauth, row->row, row->id);
    }
}

static void a_registered_error_code_reaches_the_log(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_response_t response = {.error = "temporarily_unavailable"};

    assert_int_equal(
        rp_authorization_response_check(oauth->env, &response, oauth_metadata(oauth, NULL)),
        RP_FAILED);
    assert_non_null(strstr(oauth->env->error.detail, "temporarily_unavailable"));
    test_env_expect_error(oauth->test, RP_E_PROVIDER_ERROR);
}

static void an_iss_that_form_post_encoded_twice_is_known(void **state)
{
    oauth_t *oauth = *state;
    rp_authorization_response_t response = {.code = "c", .iss = "https%3A%2F%2Fop.example"};

    oauth->provider.response_mode = RP_RESPONSE_FORM_POST;
    assert_int_equal(
        rp_authorization_response_check(oauth->env, &response, oauth_metadata(oauth, NULL)),
        APR_SUCCESS);
    response.iss = "https%3A%2F%2Fevil.example";
    assert_int_equal(
        rp_authorization_response_check(oauth->env, &response, oauth_metadata(oauth, NULL)),
        RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_ISSUER_MISMATCH);
}

static void a_provider_without_issuer_cannot_be_compared(void **state)
{
    oauth_t *oauth = *state;
    rp_metadata_t metadata = *oauth_metadata(oauth, NULL);
    rp_authorization_response_t response = {.code = "c", .iss = "https://git.example"};

    metadata.issuer = NULL;
    assert_int_equal(rp_authorization_response_check(oauth->env, &response, &metadata),
                     APR_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_authorization_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_for_a_code_with_pkce_state_and_nonce),
        TEST(keeps_the_query_that_the_endpoint_has),
        TEST(plain_oauth_has_no_nonce_and_only_the_scope_that_is_configured),
        TEST(openid_is_always_in_the_scope_once),
        TEST(asks_for_form_post_where_that_is_configured),
        TEST(names_each_resource),
        TEST(the_places_parameters_win_and_the_protocols_cannot_be_replaced),
        TEST(knows_which_parameters_are_the_protocols),
        TEST(a_request_that_is_too_long_is_refused),
        TEST(reads_the_parameters_that_count),
        TEST(refuses_a_parameter_that_is_there_twice),
        TEST(refuses_a_parameter_that_is_too_long),
        TEST(judges_iss_first_then_error_then_code),
        TEST(a_registered_error_code_reaches_the_log),
        TEST(an_iss_that_form_post_encoded_twice_is_known),
        TEST(a_provider_without_issuer_cannot_be_compared),
    };

    return cmocka_run_group_tests_name("oauth authorization", tests, NULL, NULL);
}
