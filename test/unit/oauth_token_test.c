#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/oauth/rp_token.h"
#include "oauth_groups.h"

#define JSON "application/json"
#define HTML "text/html"
#define GOOD "{\"access_token\":\"at\",\"token_type\":\"Bearer\"}"
#define VERIFIER "a-verifier-of-forty-three-characters-or-more"
#define CALLBACK "https://rp.example/oauth/callback"

static rp_token_response_t *exchange(oauth_t *oauth)
{
    rp_token_response_t *response = NULL;
    apr_status_t rv = rp_token_code(&response, oauth->env, oauth_metadata(oauth, NULL), "the code",
                                    CALLBACK, VERIFIER);

    assert_int_equal(response != NULL, rv == APR_SUCCESS);
    assert_int_equal(oauth->env->error.id == RP_E_NONE, rv == APR_SUCCESS);
    return response;
}

static rp_token_response_t *refresh(oauth_t *oauth)
{
    rp_token_response_t *response = NULL;
    apr_status_t rv =
        rp_token_refresh(&response, oauth->env, oauth_metadata(oauth, NULL), "the+token", NULL);

    assert_int_equal(response != NULL, rv == APR_SUCCESS);
    return response;
}

static void exchanges_a_code_with_verifier_and_authentication(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_http_call_t *call;

    test_http_answer(oauth->http, TOKEN, 200, JSON, GOOD);
    assert_non_null(exchange(oauth));
    call = test_http_call(oauth->http, 0);
    assert_string_equal(call->method, "POST");
    assert_string_equal(call->url, TOKEN);
    assert_string_equal(call->accept, JSON);
    assert_string_equal(oauth_parameter(call->body, "grant_type", pool), "authorization_code");
    assert_string_equal(oauth_parameter(call->body, "code", pool), "the code");
    assert_string_equal(oauth_parameter(call->body, "redirect_uri", pool), CALLBACK);
    assert_string_equal(oauth_parameter(call->body, "code_verifier", pool), VERIFIER);
    assert_null(oauth_parameter(call->body, "client_secret", pool));
    assert_int_equal(strncmp(call->authorization, "Basic ", 6), 0);
    assert_null(strstr(call->body, SECRET));
}

static void refreshes_with_the_refresh_token_alone(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_http_call_t *call;

    test_http_answer(oauth->http, TOKEN, 200, JSON, GOOD);
    assert_non_null(refresh(oauth));
    call = test_http_call(oauth->http, 0);
    assert_string_equal(oauth_parameter(call->body, "grant_type", pool), "refresh_token");
    assert_string_equal(oauth_parameter(call->body, "refresh_token", pool), "the+token");
    assert_null(oauth_parameter(call->body, "scope", pool));
    assert_non_null(call->authorization);
}

static void reads_what_the_answer_says(void **state)
{
    oauth_t *oauth = *state;
    const rp_token_response_t *response;

    test_http_answer(oauth->http, TOKEN, 200, JSON,
                     "{\"access_token\":\"at\",\"token_type\":\"bEARER\",\"refresh_token\":\"rt\","
                     "\"id_token\":\"a.b.c\",\"scope\":\"openid email\",\"expires_in\":300,"
                     "\"x\":null}");
    response = exchange(oauth);
    assert_string_equal(response->access_token, "at");
    assert_string_equal(response->refresh_token, "rt");
    assert_string_equal(response->id_token, "a.b.c");
    assert_string_equal(response->scope, "openid email");
    assert_int_equal(response->expires_in, 300);
}

static void what_the_answer_does_not_say_is_absent(void **state)
{
    oauth_t *oauth = *state;
    const rp_token_response_t *response;

    test_http_answer(oauth->http, TOKEN, 200, JSON, GOOD);
    response = exchange(oauth);
    assert_null(response->refresh_token);
    assert_null(response->id_token);
    assert_null(response->scope);
    assert_int_equal(response->expires_in, -1);
}

typedef struct {
    const char *row;
    const char *patch;
    rp_error_id_t id; /* RP_E_NONE: accepted */
} member_row_t;

static const member_row_t members[] = {
    {"access_token missing", "{\"access_token\":null}", RP_E_TOKEN_RESPONSE},
    {"access_token a number", "{\"access_token\":1}", RP_E_TOKEN_RESPONSE},
    {"access_token empty", "{\"access_token\":\"\"}", RP_E_TOKEN_RESPONSE},
    {"access_token with a space", "{\"access_token\":\"a b\"}", RP_E_TOKEN_RESPONSE},
    {"access_token with a line break", "{\"access_token\":\"a\\r\\nX: y\"}", RP_E_TOKEN_RESPONSE},
    {"access_token not ASCII", "{\"access_token\":\"\\u00e9\"}", RP_E_TOKEN_RESPONSE},
    {"token_type missing", "{\"token_type\":null}", RP_E_TOKEN_RESPONSE},
    {"token_type a number", "{\"token_type\":1}", RP_E_TOKEN_RESPONSE},
    {"token_type unknown", "{\"token_type\":\"mac\"}", RP_E_TOKEN_TYPE},
    {"token_type DPoP", "{\"token_type\":\"DPoP\"}", RP_E_TOKEN_TYPE},
    {"token_type empty", "{\"token_type\":\"\"}", RP_E_TOKEN_TYPE},
    {"refresh_token empty", "{\"refresh_token\":\"\"}", RP_E_TOKEN_RESPONSE},
    {"refresh_token a list", "{\"refresh_token\":[]}", RP_E_TOKEN_RESPONSE},
    {"id_token an object", "{\"id_token\":{}}", RP_E_TOKEN_RESPONSE},
    {"scope a list", "{\"scope\":[\"a\"]}", RP_E_TOKEN_RESPONSE},
    {"scope empty", "{\"scope\":\"\"}", RP_E_NONE},
    {"scope with a control", "{\"scope\":\"a\\tb\"}", RP_E_TOKEN_RESPONSE},
    {"expires_in negative", "{\"expires_in\":-1}", RP_E_TOKEN_RESPONSE},
    {"expires_in a negative fraction", "{\"expires_in\":-0.5}", RP_E_TOKEN_RESPONSE},
    {"expires_in a word", "{\"expires_in\":\"soon\"}", RP_E_TOKEN_RESPONSE},
    {"expires_in an empty string", "{\"expires_in\":\"\"}", RP_E_TOKEN_RESPONSE},
    {"expires_in a signed string", "{\"expires_in\":\"+1\"}", RP_E_TOKEN_RESPONSE},
    {"expires_in a boolean", "{\"expires_in\":true}", RP_E_TOKEN_RESPONSE},
    {"error not a string", "{\"error\":1}", RP_E_TOKEN_RESPONSE},
};

static void judges_each_member_of_a_token_response(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(members); i++) {
        test_http_answer(oauth->http, TOKEN, 200, JSON,
                         oauth_patch(GOOD, members[i].patch, oauth->env->pool));
        exchange(oauth);
        oauth_expect(oauth, members[i].row, members[i].id);
    }
}

#define ISSUED "urn:ietf:params:oauth:token-type:"
#define EXCHANGED                                                                                  \
    "{\"access_token\":\"at\",\"token_type\":\"Bearer\","                                          \
    "\"issued_token_type\":\"" ISSUED "access_token\"}"
#define JWT "\"access_token\":\"eyJhIjoxfQ.eyJiIjoxfQ.c2ln\""

static const rp_token_target_t target = {.scope = "read", .resource = "https://a.example/ b:c"};

static rp_token_response_t *token_exchange(oauth_t *oauth)
{
    rp_token_response_t *response = NULL;
    apr_status_t rv = rp_token_exchange(&response, oauth->env, oauth_metadata(oauth, NULL),
                                        "the subject", &target);

    assert_int_equal(response != NULL, rv == APR_SUCCESS);
    assert_int_equal(oauth->env->error.id == RP_E_NONE, rv == APR_SUCCESS);
    return response;
}

static void exchanges_a_token_for_each_resource(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_http_call_t *call;
    const rp_token_response_t *response;

    test_http_answer(oauth->http, TOKEN, 200, JSON,
                     oauth_patch(EXCHANGED, "{\"refresh_token\":\"r\",\"id_token\":\"i\"}", pool));
    response = token_exchange(oauth);
    assert_string_equal(response->access_token, "at");
    assert_null(response->refresh_token);
    assert_null(response->id_token);
    call = test_http_call(oauth->http, 0);
    assert_non_null(call->authorization);
    assert_non_null(strstr(call->body, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                                       "token-exchange&subject_token=the%20subject&"));
    assert_non_null(strstr(call->body, "&scope=read&resource=https%3A%2F%2Fa.example%2F"
                                       "&resource=b%3Ac"));
    assert_null(strstr(call->body, "audience"));
}

static const member_row_t issued[] = {
    {"an access token", "{}", RP_E_NONE},
    {"nothing said", "{\"issued_token_type\":null}", RP_E_TOKEN_RESPONSE},
    {"no string", "{\"issued_token_type\":[]}", RP_E_TOKEN_RESPONSE},
    {"the short name", "{\"issued_token_type\":\"access_token\"}", RP_E_TOKEN_RESPONSE},
    {"a refresh token", "{\"issued_token_type\":\"" ISSUED "refresh_token\"}", RP_E_TOKEN_RESPONSE},
    {"a SAML assertion", "{\"issued_token_type\":\"" ISSUED "saml2\"}", RP_E_TOKEN_RESPONSE},
    {"no JWT", "{\"issued_token_type\":\"" ISSUED "jwt\"}", RP_E_TOKEN_RESPONSE},
    {"a JWT", "{\"issued_token_type\":\"" ISSUED "jwt\"," JWT "}", RP_E_NONE},
    {"a JWT by name", "{" JWT "}", RP_E_NONE},
    {"parts without a header",
     "{\"issued_token_type\":\"" ISSUED "jwt\",\"access_token\":\"YQ.YQ.YQ\"}",
     RP_E_TOKEN_RESPONSE},
    {"four parts",
     "{\"issued_token_type\":\"" ISSUED "jwt\",\"access_token\":\"eyJhIjoxfQ.YQ.YQ.YQ\"}",
     RP_E_TOKEN_RESPONSE},
    {"five parts",
     "{\"issued_token_type\":\"" ISSUED "jwt\",\"access_token\":\"eyJhIjoxfQ..YQ.YQ.YQ\"}",
     RP_E_NONE},
    {"nothing to send as Bearer", "{\"token_type\":\"N_A\"}", RP_E_TOKEN_TYPE},
};

static void takes_what_was_asked_for_in_an_exchange(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(issued); i++) {
        test_http_answer(oauth->http, TOKEN, 200, JSON,
                         oauth_patch(EXCHANGED, issued[i].patch, oauth->env->pool));
        token_exchange(oauth);
        oauth_expect(oauth, issued[i].row, issued[i].id);
    }
}

static void a_refusal_is_told_from_a_provider_in_trouble(void **state)
{
    static const struct {
        int status;
        const char *body;
        rp_error_id_t exchange;
        rp_error_id_t refresh;
    } rows[] = {
        {400, "{\"error\":\"invalid_target\"}", RP_E_EXCHANGE_REFUSED, RP_E_EXCHANGE_REFUSED},
        {400, "{\"error\":\"invalid_grant\"}", RP_E_EXCHANGE_REFUSED, RP_E_REFRESH_GRANT},
        {401, "{\"error\":\"invalid_client\"}", RP_E_TOKEN_CLIENT, RP_E_TOKEN_CLIENT},
        {400, "{\"error\":\"unsupported_grant_type\"}", RP_E_TOKEN_ERROR, RP_E_TOKEN_ERROR},
        {503, "{\"error\":\"invalid_target\"}", RP_E_TOKEN_ERROR, RP_E_TOKEN_ERROR},
    };
    oauth_t *oauth = *state;
    rp_token_response_t *response;

    for (size_t i = 0; i < COUNT(rows); i++) {
        test_http_answer(oauth->http, TOKEN, rows[i].status, JSON, rows[i].body);
        assert_null(token_exchange(oauth));
        oauth_expect(oauth, rows[i].body, rows[i].exchange);
        test_http_answer(oauth->http, TOKEN, rows[i].status, JSON, rows[i].body);
        assert_int_equal(
            rp_token_refresh(&response, oauth->env, oauth_metadata(oauth, NULL), "r", &target),
            RP_FAILED);
        oauth_expect(oauth, rows[i].body, rows[i].refresh);
    }
}

typedef struct {
    const char *text;
    apr_int64_t seconds;
} life_row_t;

static const life_row_t lives[] = {
    {"0", 0},
    {"3600", 3600},
    {"3600.9", 3600},
    {"\"3600\"", 3600},
    {"\"0\"", 0},
    {"9223372036854775807", 315360000},
    {"1e300", 315360000},
    {"\"99999999999999999999999999999999\"", 315360000},
};

static void reads_every_way_of_writing_a_life(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(lives); i++) {
        const rp_token_response_t *response;

        test_http_answer(
            oauth->http, TOKEN, 200, JSON,
            apr_psprintf(oauth->env->pool,
                         "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"expires_in\":%s}",
                         lives[i].text));
        response = exchange(oauth);
        if (response->expires_in != lives[i].seconds) {
            fail_msg("row: %s: %" APR_INT64_T_FMT, lives[i].text, response->expires_in);
        }
    }
}

static void a_token_has_a_longest_length(void **state)
{
    oauth_t *oauth = *state;
    char *token = apr_palloc(oauth->env->pool, RP_MAX_TOKEN + 2);

    memset(token, 'x', RP_MAX_TOKEN + 1);
    token[RP_MAX_TOKEN + 1] = '\0';
    for (int i = 0; i < 2; i++) {
        test_http_answer(oauth->http, TOKEN, 200, JSON,
                         apr_psprintf(oauth->env->pool,
                                      "{\"access_token\":\"%s\",\"token_type\":\"Bearer\"}",
                                      token + i));
        exchange(oauth);
        oauth_expect(oauth, "length", i == 0 ? RP_E_TOKEN_RESPONSE : RP_E_NONE);
    }
}

typedef struct {
    const char *row;
    int status;
    const char *type;
    const char *body;
    rp_error_id_t code;    /* what a code exchange fails with */
    rp_error_id_t refresh; /* what a refresh fails with */
} answer_row_t;

#define SAME(id) id, id

static const answer_row_t answers[] = {
    {"invalid_client", 401, JSON, "{\"error\":\"invalid_client\"}", SAME(RP_E_TOKEN_CLIENT)},
    {"invalid_client with 400", 400, JSON, "{\"error\":\"invalid_client\"}",
     SAME(RP_E_TOKEN_CLIENT)},
    {"unauthorized_client", 400, JSON, "{\"error\":\"unauthorized_client\"}",
     SAME(RP_E_TOKEN_CLIENT)},
    {"invalid_grant", 400, JSON, "{\"error\":\"invalid_grant\",\"error_description\":\"x\"}",
     RP_E_TOKEN_GRANT, RP_E_REFRESH_GRANT},
    {"invalid_scope", 400, JSON, "{\"error\":\"invalid_scope\"}", SAME(RP_E_TOKEN_ERROR)},
    {"unknown", 400, JSON, "{\"error\":\"<script>\"}", SAME(RP_E_TOKEN_ERROR)},
    {"400 without body", 400, "", "", SAME(RP_E_TOKEN_ERROR)},
    {"400 as HTML", 400, HTML, "{\"error\":\"invalid_grant\"}", SAME(RP_E_TOKEN_ERROR)},
    {"400 with broken JSON", 400, JSON, "{\"error\":\"invalid_grant\"", SAME(RP_E_TOKEN_ERROR)},
    {"400 with error twice", 400, JSON, "{\"error\":\"invalid_grant\",\"error\":\"x\"}",
     SAME(RP_E_TOKEN_ERROR)},
    {"400 with an object as error", 400, JSON, "{\"error\":{\"code\":\"invalid_grant\"}}",
     SAME(RP_E_TOKEN_ERROR)},
    {"400 with tokens", 400, JSON, GOOD, SAME(RP_E_TOKEN_ERROR)},
    {"201 with tokens", 201, JSON, GOOD, SAME(RP_E_TOKEN_ERROR)},
    {"a redirect with tokens", 302, JSON, GOOD, SAME(RP_E_TOKEN_ERROR)},
    {"500 with invalid_grant", 500, JSON, "{\"error\":\"invalid_grant\"}", SAME(RP_E_TOKEN_ERROR)},
    {"503 as HTML", 503, HTML, "<h1>down</h1>", SAME(RP_E_TOKEN_ERROR)},
    {"200 with an error (GitHub)", 200, JSON, "{\"error\":\"bad_verification_code\"}",
     RP_E_TOKEN_GRANT, RP_E_REFRESH_GRANT},
    {"200 with an error beside a token", 200, JSON,
     "{\"error\":\"incorrect_client_credentials\",\"access_token\":\"at\","
     "\"token_type\":\"bearer\"}",
     SAME(RP_E_TOKEN_CLIENT)},
    {"200 as HTML", 200, HTML, GOOD, SAME(RP_E_TOKEN_RESPONSE)},
    {"200 as a form", 200, "application/x-www-form-urlencoded", "access_token=at",
     SAME(RP_E_TOKEN_RESPONSE)},
    {"200 as a list", 200, JSON, "[" GOOD "]", SAME(RP_E_TOKEN_RESPONSE)},
    {"200 empty", 200, JSON, "", SAME(RP_E_TOKEN_RESPONSE)},
    {"200 with access_token twice", 200, JSON,
     "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}",
     SAME(RP_E_TOKEN_RESPONSE)},
};

static void the_status_decides_first_then_the_content(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(answers); i++) {
        const answer_row_t *row = &answers[i];

        test_http_answer(oauth->http, TOKEN, row->status, row->type, row->body);
        assert_null(exchange(oauth));
        assert_null(strchr(oauth->env->error.detail, '<'));
        oauth_expect(oauth, row->row, row->code);
        test_http_answer(oauth->http, TOKEN, row->status, row->type, row->body);
        assert_null(refresh(oauth));
        oauth_expect(oauth, row->row, row->refresh);
    }
}

static void a_provider_that_hangs_does_not_end_a_session(void **state)
{
    oauth_t *oauth = *state;

    test_http_answer_error(oauth->http, TOKEN, RP_E_PROVIDER_TIMEOUT);
    assert_null(refresh(oauth));
    test_env_expect_error(oauth->test, RP_E_PROVIDER_TIMEOUT);
}

static void a_request_that_is_too_long_is_not_sent(void **state)
{
    oauth_t *oauth = *state;
    char *code = apr_palloc(oauth->env->pool, 8 * RP_MAX_TOKEN);
    rp_token_response_t *response;

    memset(code, 'x', 8 * RP_MAX_TOKEN - 1);
    code[8 * RP_MAX_TOKEN - 1] = '\0';
    assert_int_equal(
        rp_token_code(&response, oauth->env, oauth_metadata(oauth, NULL), code, CALLBACK, VERIFIER),
        RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_INTERNAL);
    assert_int_equal(test_http_calls(oauth->http), 0);
}

static apr_status_t revoke_with(oauth_t *oauth, const char *patch)
{
    return rp_token_revoke(oauth->env, oauth_metadata(oauth, patch), "the/token", "refresh_token");
}

static void revokes_with_authentication_and_hint(void **state)
{
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_http_call_t *call;

    test_http_answer(oauth->http, REVOCATION, 200, "", "");
    assert_int_equal(revoke_with(oauth, NULL), APR_SUCCESS);
    call = test_http_call(oauth->http, 0);
    assert_string_equal(oauth_parameter(call->body, "token", pool), "the/token");
    assert_string_equal(oauth_parameter(call->body, "token_type_hint", pool), "refresh_token");
    assert_non_null(call->authorization);
}

static void a_provider_without_revocation_is_not_asked(void **state)
{
    oauth_t *oauth = *state;

    assert_int_equal(revoke_with(oauth, "{\"revocation_endpoint\":null}"), APR_NOTFOUND);
    assert_int_equal(test_http_calls(oauth->http), 0);
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
}

static void a_revocation_that_fails_says_why(void **state)
{
    oauth_t *oauth = *state;

    test_http_answer(oauth->http, REVOCATION, 400, JSON, "{\"error\":\"invalid_client\"}");
    assert_int_equal(revoke_with(oauth, NULL), RP_FAILED);
    assert_non_null(strstr(oauth->env->error.detail, "invalid_client"));
    test_env_expect_error(oauth->test, RP_E_REVOCATION);
    test_http_answer(oauth->http, REVOCATION, 503, HTML, "");
    assert_int_equal(revoke_with(oauth, NULL), RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_REVOCATION);
    test_http_answer_error(oauth->http, REVOCATION, RP_E_PROVIDER_UNREACHABLE);
    assert_int_equal(revoke_with(oauth, NULL), RP_FAILED);
    assert_non_null(strstr(oauth->env->error.detail, "OA-1101"));
    test_env_expect_error(oauth->test, RP_E_REVOCATION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_token_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exchanges_a_code_with_verifier_and_authentication),
        TEST(refreshes_with_the_refresh_token_alone),
        TEST(reads_what_the_answer_says),
        TEST(what_the_answer_does_not_say_is_absent),
        TEST(judges_each_member_of_a_token_response),
        TEST(exchanges_a_token_for_each_resource),
        TEST(takes_what_was_asked_for_in_an_exchange),
        TEST(a_refusal_is_told_from_a_provider_in_trouble),
        TEST(reads_every_way_of_writing_a_life),
        TEST(a_token_has_a_longest_length),
        TEST(the_status_decides_first_then_the_content),
        TEST(a_provider_that_hangs_does_not_end_a_session),
        TEST(a_request_that_is_too_long_is_not_sent),
        TEST(revokes_with_authentication_and_hint),
        TEST(a_provider_without_revocation_is_not_asked),
        TEST(a_revocation_that_fails_says_why),
    };

    return cmocka_run_group_tests_name("oauth token endpoint", tests, NULL, NULL);
}
