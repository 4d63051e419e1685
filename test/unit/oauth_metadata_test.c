#include <apr_strings.h>
#include <string.h>

#include "../../src/oauth/rp_discovery.h"
#include "oauth_groups.h"

typedef struct {
    const char *row;
    const char *patch;
    rp_error_id_t id; /* RP_E_NONE: accepted */
} document_row_t;

static const document_row_t documents[] = {
    {"as it is", NULL, RP_E_NONE},
    {"unknown members", "{\"x\":{\"y\":[1,null]}}", RP_E_NONE},
    {"issuer missing", "{\"issuer\":null}", RP_E_METADATA_INVALID},
    {"issuer a number", "{\"issuer\":1}", RP_E_METADATA_INVALID},
    {"issuer with a slash", "{\"issuer\":\"https://op.example/\"}", RP_E_METADATA_ISSUER},
    {"issuer in another case", "{\"issuer\":\"https://OP.example\"}", RP_E_METADATA_ISSUER},
    {"issuer with its port", "{\"issuer\":\"https://op.example:443\"}", RP_E_METADATA_ISSUER},
    {"issuer encoded", "{\"issuer\":\"https://op.exampl%65\"}", RP_E_METADATA_ISSUER},
    {"issuer with a look-alike", "{\"issuer\":\"https://\\u043ep.example\"}", RP_E_METADATA_ISSUER},
    {"issuer that goes on", "{\"issuer\":\"https://op.example.evil\"}", RP_E_METADATA_ISSUER},
    {"another issuer", "{\"issuer\":\"https://evil.example\"}", RP_E_METADATA_ISSUER},
    {"no authorization endpoint, for a provider that signs nobody in",
     "{\"authorization_endpoint\":null,\"jwks_uri\":null,"
     "\"code_challenge_methods_supported\":[\"plain\"]}",
     RP_E_NONE},
    {"authorization endpoint a number", "{\"authorization_endpoint\":1}", RP_E_METADATA_INVALID},
    {"no token endpoint", "{\"token_endpoint\":null}", RP_E_METADATA_INVALID},
    {"no jwks", "{\"jwks_uri\":null}", RP_E_METADATA_INVALID},
    {"no userinfo, which openid can do without", "{\"userinfo_endpoint\":null}", RP_E_NONE},
    {"endpoint a list", "{\"token_endpoint\":[\"https://op.example/t\"]}", RP_E_METADATA_INVALID},
    {"endpoint http", "{\"token_endpoint\":\"http://op.example/t\"}", RP_E_METADATA_INVALID},
    {"optional endpoint http", "{\"userinfo_endpoint\":\"http://op.example/u\"}",
     RP_E_METADATA_INVALID},
    {"endpoint http on loopback", "{\"token_endpoint\":\"http://127.0.0.1:9/t\"}", RP_E_NONE},
    {"endpoint relative", "{\"token_endpoint\":\"/t\"}", RP_E_METADATA_INVALID},
    {"endpoint with a fragment", "{\"token_endpoint\":\"https://op.example/t#f\"}",
     RP_E_METADATA_INVALID},
    {"endpoint javascript", "{\"authorization_endpoint\":\"javascript:alert(1)\"}",
     RP_E_METADATA_INVALID},
    {"S256 offered", "{\"code_challenge_methods_supported\":[\"plain\",\"S256\"]}", RP_E_NONE},
    {"plain only", "{\"code_challenge_methods_supported\":[\"plain\"]}", RP_E_METADATA_UNSUPPORTED},
    {"no method at all", "{\"code_challenge_methods_supported\":[]}", RP_E_METADATA_UNSUPPORTED},
    {"methods a string", "{\"code_challenge_methods_supported\":\"S256\"}", RP_E_METADATA_INVALID},
    {"query offered", "{\"response_modes_supported\":[\"fragment\",\"query\"]}", RP_E_NONE},
    {"query not offered", "{\"response_modes_supported\":[\"fragment\"]}",
     RP_E_METADATA_UNSUPPORTED},
    {"code not offered", "{\"response_types_supported\":[\"id_token\"]}",
     RP_E_METADATA_UNSUPPORTED},
    {"algorithms that are not allowed",
     "{\"id_token_signing_alg_values_supported\":[\"HS256\",\"none\"]}", RP_E_METADATA_UNSUPPORTED},
    {"algorithms not said", "{\"id_token_signing_alg_values_supported\":null}", RP_E_NONE},
    {"algorithms with a number", "{\"id_token_signing_alg_values_supported\":[\"RS256\",1]}",
     RP_E_METADATA_INVALID},
    {"private_key_jwt only", "{\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]}",
     RP_E_METADATA_UNSUPPORTED},
    {"PAR demanded", "{\"require_pushed_authorization_requests\":true}", RP_E_METADATA_UNSUPPORTED},
    {"PAR offered", "{\"require_pushed_authorization_requests\":false}", RP_E_NONE},
    {"request objects demanded", "{\"require_signed_request_object\":true}",
     RP_E_METADATA_UNSUPPORTED},
    {"iss support a string", "{\"authorization_response_iss_parameter_supported\":\"true\"}",
     RP_E_METADATA_INVALID},
};

static void judges_each_member_of_a_metadata_document(void **state)
{
    oauth_t *oauth = *state;

    for (size_t i = 0; i < COUNT(documents); i++) {
        const document_row_t *row = &documents[i];
        const char *text = oauth_document(oauth, row->patch);
        rp_metadata_t *metadata = NULL;
        apr_status_t rv =
            rp_metadata_parse(&metadata, oauth->env, &oauth->provider, text, strlen(text));

        oauth_expect(oauth, row->row, row->id);
        assert_int_equal(rv, row->id == RP_E_NONE ? APR_SUCCESS : RP_FAILED);
        assert_int_equal(metadata != NULL, rv == APR_SUCCESS);
    }
}

static void refuses_metadata_that_is_no_json_object(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "null", "<html></html>", "{\"issuer\":\"a\",\"issuer\":\"b\"}", "{} {}",
    };
    oauth_t *oauth = *state;
    rp_metadata_t *metadata;

    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(
            rp_metadata_parse(&metadata, oauth->env, &oauth->provider, texts[i], strlen(texts[i])),
            RP_FAILED);
        oauth_expect(oauth, texts[i], RP_E_METADATA_INVALID);
        assert_null(metadata);
    }
}

static void takes_what_the_document_says(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata =
        oauth_metadata(oauth, "{\"authorization_response_iss_parameter_supported\":true}");

    assert_string_equal(metadata->issuer, ISSUER);
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_AUTHORIZATION],
                        "https://op.example/authorize");
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_TOKEN], TOKEN);
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_USERINFO], USERINFO);
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_REVOCATION], REVOCATION);
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_END_SESSION], "https://op.example/end");
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_JWKS], JWKS);
    assert_int_equal(metadata->client_auth, RP_CLIENT_AUTH_BASIC);
    assert_int_equal(metadata->iss_parameter_supported, 1);
    assert_int_equal(metadata->id_token_algs, 1u << RP_ALG_RS256 | 1u << RP_ALG_ES256);
    assert_int_equal(oauth_metadata(oauth, NULL)->iss_parameter_supported, 0);
}

static void symmetric_algorithms_need_configuration_and_a_secret(void **state)
{
    oauth_t *oauth = *state;

    oauth->provider.signing_algs = 1u << RP_ALG_HS256 | 1u << RP_ALG_RS256;
    assert_int_equal(oauth_metadata(oauth, NULL)->id_token_algs,
                     1u << RP_ALG_HS256 | 1u << RP_ALG_RS256);
    oauth->provider.client_secret.data = NULL;
    assert_int_equal(oauth_metadata(oauth, NULL)->id_token_algs, 1u << RP_ALG_RS256);
}

static void a_symmetric_provider_needs_no_key_set(void **state)
{
    oauth_t *oauth = *state;

    oauth->provider.signing_algs = RP_ALGS_SYMMETRIC;
    assert_null(oauth_metadata(oauth, "{\"jwks_uri\":null}")->endpoints[RP_ENDPOINT_JWKS]);
}

static void a_configured_endpoint_overrides_the_document(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata;

    oauth->provider.endpoints[RP_ENDPOINT_TOKEN] = "https://other.example/token";
    metadata = oauth_metadata(oauth, "{\"token_endpoint\":\"http://op.example/insecure\"}");
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_TOKEN], "https://other.example/token");
}

static void form_post_is_refused_where_it_is_not_offered(void **state)
{
    oauth_t *oauth = *state;
    const char *text = oauth_document(oauth, "{\"response_modes_supported\":[\"query\"]}");
    rp_metadata_t *metadata;

    oauth->provider.response_mode = RP_RESPONSE_FORM_POST;
    assert_int_equal(rp_metadata_parse(&metadata, oauth->env, &oauth->provider, text, strlen(text)),
                     RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_METADATA_UNSUPPORTED);
}

static void plain_oauth_needs_a_userinfo_endpoint_and_no_keys(void **state)
{
    oauth_t *oauth = *state;
    const char *text = oauth_document(oauth, "{\"userinfo_endpoint\":null}");
    rp_metadata_t *metadata;

    oauth->provider.profile = RP_PROFILE_OAUTH2;
    oauth_metadata(oauth, "{\"jwks_uri\":null,\"id_token_signing_alg_values_supported\":null}");
    assert_int_equal(rp_metadata_parse(&metadata, oauth->env, &oauth->provider, text, strlen(text)),
                     RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_METADATA_INVALID);
}

static void needs_no_document_when_the_configuration_says_everything(void **state)
{
    oauth_t *oauth = *state;
    const rp_metadata_t *metadata;

    oauth->provider.profile = RP_PROFILE_OAUTH2;
    oauth->provider.issuer = NULL;
    oauth->provider.metadata = "none";
    assert_int_equal(rp_metadata_get(&metadata, oauth->env, &oauth->provider), RP_FAILED);
    test_env_expect_error(oauth->test, RP_E_METADATA_INVALID);
    oauth->provider.endpoints[RP_ENDPOINT_AUTHORIZATION] = "https://git.example/authorize";
    oauth->provider.endpoints[RP_ENDPOINT_TOKEN] = "https://git.example/token";
    oauth->provider.endpoints[RP_ENDPOINT_USERINFO] = "https://git.example/user";
    assert_int_equal(rp_metadata_get(&metadata, oauth->env, &oauth->provider), APR_SUCCESS);
    assert_null(metadata->issuer);
    assert_string_equal(metadata->endpoints[RP_ENDPOINT_USERINFO], "https://git.example/user");
    assert_int_equal(metadata->client_auth, RP_CLIENT_AUTH_BASIC);
    assert_int_equal(test_http_calls(oauth->http), 0);
}

typedef struct {
    const char *issuer;
    const char *openid;
    const char *oauth;
} address_row_t;

static const address_row_t addresses[] = {
    {"https://op.example", "https://op.example/.well-known/openid-configuration",
     "https://op.example/.well-known/oauth-authorization-server"},
    {"https://op.example/", "https://op.example/.well-known/openid-configuration",
     "https://op.example/.well-known/oauth-authorization-server"},
    {"https://op.example/a/b", "https://op.example/a/b/.well-known/openid-configuration",
     "https://op.example/.well-known/oauth-authorization-server/a/b"},
    {"https://op.example/a/", "https://op.example/a/.well-known/openid-configuration",
     "https://op.example/.well-known/oauth-authorization-server/a"},
    {"https://op.example:8443/a", "https://op.example:8443/a/.well-known/openid-configuration",
     "https://op.example:8443/.well-known/oauth-authorization-server/a"},
    {"http://127.0.0.1:3000", "http://127.0.0.1:3000/.well-known/openid-configuration",
     "http://127.0.0.1:3000/.well-known/oauth-authorization-server"},
};

static void derives_both_well_known_addresses(void **state)
{
    oauth_t *oauth = *state;
    const char *urls[RP_DISCOVERY_MAX_URLS];

    for (size_t i = 0; i < COUNT(addresses); i++) {
        oauth->provider.issuer = addresses[i].issuer;
        oauth->provider.profile = RP_PROFILE_OPENID;
        assert_int_equal(rp_discovery_urls(urls, &oauth->provider, oauth->env->pool), 2);
        assert_string_equal(urls[0], addresses[i].openid);
        assert_string_equal(urls[1], addresses[i].oauth);
        oauth->provider.profile = RP_PROFILE_OAUTH2;
        assert_int_equal(rp_discovery_urls(urls, &oauth->provider, oauth->env->pool), 2);
        assert_string_equal(urls[0], addresses[i].oauth);
        assert_string_equal(urls[1], addresses[i].openid);
    }
    oauth->provider.issuer = "https://op.example/a?b=c";
    assert_int_equal(rp_discovery_urls(urls, &oauth->provider, oauth->env->pool), 0);
    oauth->provider.metadata = "https://op.example/metadata.json";
    assert_int_equal(rp_discovery_urls(urls, &oauth->provider, oauth->env->pool), 1);
    assert_string_equal(urls[0], "https://op.example/metadata.json");
}

static void remembers_a_provider_by_issuer_and_client(void **state)
{
    oauth_t *oauth = *state;
    rp_provider_t other = oauth->provider;

    assert_non_null(oauth->provider.context);
    other.client_id = "client2";
    assert_int_equal(rp_provider_cache_make(&other, oauth->env->pool), APR_SUCCESS);
    assert_string_not_equal(other.context, oauth->provider.context);
    other.client_id = CLIENT;
    assert_int_equal(rp_provider_cache_make(&other, oauth->env->pool), APR_SUCCESS);
    assert_string_equal(other.context, oauth->provider.context);
    other.issuer = NULL;
    other.endpoints[RP_ENDPOINT_TOKEN] = "https://git.example/token";
    assert_int_equal(rp_provider_cache_make(&other, oauth->env->pool), APR_SUCCESS);
    assert_string_equal(other.context, "https://git.example/token client");
}

static void calls_a_provider_by_its_name_or_else_its_host(void **state)
{
    oauth_t *oauth = *state;

    assert_string_equal(rp_provider_label(&oauth->provider), "op.example");
    oauth->provider.name = "staff";
    assert_string_equal(rp_provider_label(&oauth->provider), "staff");
    oauth->provider.display_name = "Our people";
    assert_string_equal(rp_provider_label(&oauth->provider), "Our people");
}

static void names_each_endpoint_as_directive_and_metadata_do(void **state)
{
    (void)state;
    for (int i = 0; i < RP_ENDPOINT_COUNT; i++) {
        const char *member = rp_endpoint_member((rp_endpoint_t)i);
        const char *name = rp_endpoint_name((rp_endpoint_t)i);

        assert_int_equal(strncmp(member, name, strlen(name)), 0);
    }
    assert_string_equal(rp_endpoint_member(RP_ENDPOINT_JWKS), "jwks_uri");
    assert_string_equal(rp_endpoint_member(RP_ENDPOINT_TOKEN), "token_endpoint");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, oauth_setup, oauth_teardown)

int run_oauth_metadata_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(judges_each_member_of_a_metadata_document),
        TEST(refuses_metadata_that_is_no_json_object),
        TEST(takes_what_the_document_says),
        TEST(symmetric_algorithms_need_configuration_and_a_secret),
        TEST(a_symmetric_provider_needs_no_key_set),
        TEST(a_configured_endpoint_overrides_the_document),
        TEST(form_post_is_refused_where_it_is_not_offered),
        TEST(plain_oauth_needs_a_userinfo_endpoint_and_no_keys),
        TEST(needs_no_document_when_the_configuration_says_everything),
        TEST(derives_both_well_known_addresses),
        TEST(remembers_a_provider_by_issuer_and_client),
        TEST(calls_a_provider_by_its_name_or_else_its_host),
        TEST(names_each_endpoint_as_directive_and_metadata_do),
    };

    return cmocka_run_group_tests_name("oauth metadata", tests, NULL, NULL);
}
