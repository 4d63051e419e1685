/* Asking a provider about a token: every wrong kind of answer (RFC 7662, 9701). */
#include <apr_strings.h>
#include <string.h>

#include "../../src/oauth/rp_introspection.h"
#include "oauth_groups.h"

#define API "https://api.example"
#define INTROSPECTION "https://op.example/introspect"
#define JSON "application/json"
#define JWT "application/token-introspection+jwt"
#define WITH_ENDPOINT "{\"introspection_endpoint\":\"" INTROSPECTION "\"}"

static const rp_access_token_t *ask(oauth_t *oauth, const char *text)
{
    apr_array_header_t *audience = apr_array_make(oauth->env->pool, 1, sizeof(const char *));
    rp_access_token_t *token;
    apr_status_t rv;

    APR_ARRAY_PUSH(audience, const char *) = API;
    rv = rp_introspection_ask(&token, oauth->env, oauth_metadata(oauth, WITH_ENDPOINT), text,
                              audience);
    assert_int_equal(rv == APR_SUCCESS, token != NULL);
    assert_int_equal(rv == RP_FAILED, oauth->env->error.id != RP_E_NONE);
    return token;
}

typedef struct {
    const char *row;
    const char *patch;
    rp_error_id_t id;
} row_t;

static const row_t answers[] = {
    {"as it should be", NULL, RP_E_NONE},
    {"active and nothing but whose and for whom",
     "{\"exp\":null,\"iss\":null,\"token_type\":null,\"client_id\":null,\"scope\":null}",
     RP_E_NONE},
    {"active false", "{\"active\":false}", RP_E_BEARER_TOKEN},
    {"active missing", "{\"active\":null}", RP_E_INTROSPECTION},
    {"active a string", "{\"active\":\"true\"}", RP_E_INTROSPECTION},
    {"active a number", "{\"active\":1}", RP_E_INTROSPECTION},
    {"active a list", "{\"active\":[true]}", RP_E_INTROSPECTION},
    {"aud missing", "{\"aud\":null}", RP_E_BEARER_TOKEN},
    {"aud another", "{\"aud\":\"https://other.example\"}", RP_E_BEARER_TOKEN},
    {"aud a list with this one", "{\"aud\":[\"x\",\"" API "\"]}", RP_E_NONE},
    {"aud empty", "{\"aud\":[]}", RP_E_BEARER_TOKEN},
    {"aud a number", "{\"aud\":5}", RP_E_INTROSPECTION},
    {"iss another", "{\"iss\":\"https://evil.example\"}", RP_E_INTROSPECTION},
    {"iss a number", "{\"iss\":5}", RP_E_INTROSPECTION},
    {"expired all the same", "{\"exp\":1767225000}", RP_E_BEARER_TOKEN},
    {"exp within the skew", "{\"exp\":1767225590}", RP_E_NONE},
    {"exp a string", "{\"exp\":\"never\"}", RP_E_INTROSPECTION},
    {"exp huge", "{\"exp\":1e300}", RP_E_INTROSPECTION},
    {"nbf in the future", "{\"nbf\":1767225700}", RP_E_BEARER_TOKEN},
    {"iat in the future", "{\"iat\":1767225700}", RP_E_BEARER_TOKEN},
    {"sub missing", "{\"sub\":null,\"username\":\"alice\"}", RP_E_BEARER_TOKEN},
    {"sub empty", "{\"sub\":\"\"}", RP_E_BEARER_TOKEN},
    {"sub a number", "{\"sub\":1}", RP_E_INTROSPECTION},
    {"token_type in another case", "{\"token_type\":\"bearer\"}", RP_E_NONE},
    {"token_type DPoP", "{\"token_type\":\"DPoP\"}", RP_E_BEARER_TOKEN},
    {"token_type a refresh token", "{\"token_type\":\"refresh_token\"}", RP_E_BEARER_TOKEN},
    {"token_type a number", "{\"token_type\":1}", RP_E_INTROSPECTION},
    {"client_id a number", "{\"client_id\":1}", RP_E_INTROSPECTION},
    {"scope a list", "{\"scope\":[\"read\"]}", RP_E_INTROSPECTION},
    {"bound to a key", "{\"cnf\":{\"x5t#S256\":\"abc\"}}", RP_E_BEARER_TOKEN},
};

static void answer(oauth_t *oauth, int status, const char *type, const char *body)
{
    test_http_answer(oauth->http, INTROSPECTION, status, type, body);
}

static void judges_each_answer(void **state)
{
    static const char right[] =
        "{\"active\":true,\"sub\":\"alice\",\"aud\":\"" API "\",\"iss\":\"" ISSUER
        "\",\"exp\":1767229200,"
        "\"token_type\":\"Bearer\",\"client_id\":\"cli\",\"scope\":\"read\"}";
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(answers); i++) {
        answer(oauth, 200, JSON, oauth_patch(right, answers[i].patch, oauth->env->pool));
        ask(oauth, "opaque");
        oauth_expect(oauth, answers[i].row, answers[i].id);
    }
}

static const oauth_answer_t raws[] = {
    {"status 500", 500, JSON, "{\"active\":true}", RP_E_PROVIDER_UNREACHABLE},
    {"status 429", 429, JSON, "{\"active\":true}", RP_E_PROVIDER_UNREACHABLE},
    {"the client is refused", 401, JSON, "{\"active\":true}", RP_E_INTROSPECTION},
    {"the client may not", 403, JSON, "{}", RP_E_INTROSPECTION},
    {"status 400", 400, JSON, "{\"active\":true}", RP_E_INTROSPECTION},
    {"status 201", 201, JSON, "{\"active\":true}", RP_E_INTROSPECTION},
    {"a redirect", 302, JSON, "{\"active\":true}", RP_E_INTROSPECTION},
    {"HTML", 200, "text/html", "{\"active\":true}", RP_E_INTROSPECTION},
    {"no type", 200, "", "{\"active\":true}", RP_E_INTROSPECTION},
    {"JSON called a JWT", 200, JWT, "{\"active\":true}", RP_E_INTROSPECTION},
    {"no JSON", 200, JSON, "active", RP_E_INTROSPECTION},
    {"a list", 200, JSON, "[{\"active\":true}]", RP_E_INTROSPECTION},
    {"active twice", 200, JSON, "{\"active\":false,\"active\":true}", RP_E_INTROSPECTION},
    {"something behind it", 200, JSON, "{\"active\":true}{}", RP_E_INTROSPECTION},
    {"empty", 200, JSON, "", RP_E_INTROSPECTION},
};

static void ask_about_opaque(oauth_t *oauth)
{
    ask(oauth, "opaque");
}

static void judges_what_is_no_answer(void **state)
{
    oauth_t *oauth = *state;

    oauth_each_answer(oauth, INTROSPECTION, raws, COUNT(raws), ask_about_opaque);
    test_http_answer_error(oauth->http, INTROSPECTION, RP_E_PROVIDER_TIMEOUT);
    ask(oauth, "opaque");
    oauth_expect(oauth, "no answer", RP_E_PROVIDER_TIMEOUT);
}

typedef struct {
    const char *row;
    const char *header;
    const char *patch;
    rp_error_id_t id;
} jwt_t;

#define JWT_HEADER "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"token-introspection+jwt\"}"

static const jwt_t jwts[] = {
    {"as it should be", JWT_HEADER, NULL, RP_E_NONE},
    {"typ in full", "{\"typ\":\"application/token-introspection+jwt\"}", NULL, RP_E_NONE},
    {"this client among others", JWT_HEADER, "{\"aud\":[\"x\",\"" CLIENT "\"]}", RP_E_NONE},
    {"not active", JWT_HEADER, "{\"token_introspection\":{\"active\":false}}", RP_E_BEARER_TOKEN},
    {"another typ", "{\"typ\":\"JWT\"}", NULL, RP_E_INTROSPECTION},
    {"an access token", "{\"typ\":\"at+jwt\"}", NULL, RP_E_INTROSPECTION},
    {"no typ", "{\"typ\":null}", NULL, RP_E_INTROSPECTION},
    {"no signature", "{\"alg\":\"none\"}", NULL, RP_E_INTROSPECTION},
    {"signed with the client secret", "{\"alg\":\"HS256\"}", NULL, RP_E_INTROSPECTION},
    {"another issuer", JWT_HEADER, "{\"iss\":\"https://evil.example\"}", RP_E_INTROSPECTION},
    {"no issuer", JWT_HEADER, "{\"iss\":null}", RP_E_INTROSPECTION},
    {"for another client", JWT_HEADER, "{\"aud\":\"other\"}", RP_E_INTROSPECTION},
    {"for nobody", JWT_HEADER, "{\"aud\":[]}", RP_E_INTROSPECTION},
    {"no aud", JWT_HEADER, "{\"aud\":null}", RP_E_INTROSPECTION},
    {"aud a number", JWT_HEADER, "{\"aud\":1}", RP_E_INTROSPECTION},
    {"what it is about outside", JWT_HEADER,
     "{\"token_introspection\":null,\"active\":true,\"sub\":\"alice\"}", RP_E_INTROSPECTION},
    {"what it is about a text", JWT_HEADER, "{\"token_introspection\":\"active\"}",
     RP_E_INTROSPECTION},
};

static void believes_a_signed_answer_that_is_for_this_client(void **state)
{
    static const char right[] =
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" CLIENT "\",\"iat\":1767225600,"
        "\"token_introspection\":{\"active\":true,\"sub\":\"alice\",\"aud\":\"" API "\"}}";
    oauth_t *oauth = *state;
    apr_pool_t *pool = oauth->env->pool;
    const test_key_t *forged = test_key_make("RS256", "k1", 1, pool);

    test_http_answer(oauth->http, JWKS, 200, JSON, test_sign_jwks(pool, oauth->key, NULL));
    for (size_t i = 0; i < COUNT(jwts); i++) {
        const char *header = oauth_patch(JWT_HEADER, jwts[i].header, pool);

        answer(oauth, 200, JWT,
               test_sign_jwt(oauth->key, header, oauth_patch(right, jwts[i].patch, pool), pool));
        ask(oauth, "opaque");
        oauth_expect(oauth, jwts[i].row, jwts[i].id);
    }
    answer(oauth, 200, JWT, test_sign_jwt(forged, JWT_HEADER, right, pool));
    ask(oauth, "opaque");
    oauth_expect(oauth, "signed by another", RP_E_INTROSPECTION);
}

static void the_client_says_who_it_is(void **state)
{
    oauth_t *oauth = *state;
    const test_http_call_t *call;

    answer(oauth, 200, JSON, "{\"active\":false}");
    ask(oauth, "a+b/c==");
    oauth_expect(oauth, "inactive", RP_E_BEARER_TOKEN);
    call = test_http_call(oauth->http, 0);
    assert_string_equal(call->method, "POST");
    assert_string_equal(call->body, "token=a%2Bb%2Fc%3D%3D&token_type_hint=access_token");
    assert_int_equal(strncmp(call->authorization, "Basic ", 6), 0);
}

static void a_client_without_credentials_does_not_ask(void **state)
{
    oauth_t *oauth = *state;

    assert_true(rp_introspection_offered(oauth_metadata(oauth, WITH_ENDPOINT)));
    assert_false(rp_introspection_offered(oauth_metadata(oauth, NULL)));
    oauth->provider.client_secret.data = NULL;
    oauth->provider.client_auth = RP_CLIENT_AUTH_NONE;
    assert_false(rp_introspection_offered(oauth_metadata(oauth, WITH_ENDPOINT)));
}

int run_oauth_introspection_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(judges_each_answer, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(judges_what_is_no_answer, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(believes_a_signed_answer_that_is_for_this_client,
                                        oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(the_client_says_who_it_is, oauth_setup, oauth_teardown),
        cmocka_unit_test_setup_teardown(a_client_without_credentials_does_not_ask, oauth_setup,
                                        oauth_teardown),
    };

    return cmocka_run_group_tests_name("introspection", tests, NULL, NULL);
}
