#include <apr_strings.h>
#include <string.h>

#include "../../src/codec/rp_form.h"
#include "../../src/jose/rp_crypto.h"
#include "oauth_groups.h"
#include "test_client_key.h"
#include "test_store.h"

static const char document[] =
    "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://op.example/authorize\","
    "\"token_endpoint\":\"" TOKEN "\",\"userinfo_endpoint\":\"" USERINFO "\","
    "\"jwks_uri\":\"" JWKS "\",\"revocation_endpoint\":\"" REVOCATION "\","
    "\"end_session_endpoint\":\"https://op.example/end\",\"response_types_supported\":[\"code\"],"
    "\"subject_types_supported\":[\"public\"],"
    "\"id_token_signing_alg_values_supported\":[\"RS256\",\"ES256\",\"HS256\",\"none\"]}";

int oauth_setup(void **state)
{
    static const unsigned char secret[] = SECRET;
    test_env_t *test = test_env_make();
    oauth_t *oauth = apr_pcalloc(test->env.pool, sizeof(*oauth));
    rp_provider_t *provider = &oauth->provider;

    assert_int_equal(rp_crypto_init(), APR_SUCCESS);
    oauth->test = test;
    oauth->env = &test->env;
    oauth->http = test_http_make(test);
    oauth->env->store = test_store_make(test->env.pool);
    oauth->key = test_key_make("RS256", "k1", 0, test->env.pool);
    provider->name = "";
    provider->issuer = ISSUER;
    provider->client_id = CLIENT;
    provider->client_secret.data = apr_pmemdup(test->env.pool, secret, sizeof(secret));
    provider->client_secret.len = sizeof(secret) - 1;
    provider->signing_algs = RP_ALGS_ASYMMETRIC;
    provider->clock_skew = 30;
    provider->http.tls_min = 12;
    provider->http.connect_timeout = apr_time_from_sec(2);
    provider->http.total_timeout = apr_time_from_sec(5);
    assert_int_equal(rp_provider_cache_make(provider, test->env.pool), APR_SUCCESS);
    *state = oauth;
    return 0;
}

int oauth_teardown(void **state)
{
    test_env_destroy(((oauth_t *)*state)->test);
    return 0;
}

const char *oauth_patch(const char *text, const char *patch, apr_pool_t *pool)
{
    json_t *object = json_loads(text, 0, NULL);
    json_t *changes = patch ? json_loads(patch, 0, NULL) : json_object();
    const char *name;
    json_t *value;
    char *dumped;
    char *result;

    assert_non_null(object);
    assert_non_null(changes);
    json_object_foreach(changes, name, value)
    {
        if (json_is_null(value)) {
            json_object_del(object, name);
        } else {
            json_object_set(object, name, value);
        }
    }
    dumped = json_dumps(object, JSON_COMPACT);
    result = apr_pstrdup(pool, dumped);
    free(dumped);
    json_decref(changes);
    json_decref(object);
    return result;
}

const char *oauth_document(const oauth_t *oauth, const char *patch)
{
    return oauth_patch(document, patch, oauth->env->pool);
}

const rp_metadata_t *oauth_metadata(oauth_t *oauth, const char *patch)
{
    const char *text = oauth_document(oauth, patch);
    rp_metadata_t *metadata;

    assert_int_equal(rp_metadata_parse(&metadata, oauth->env, &oauth->provider, text, strlen(text)),
                     APR_SUCCESS);
    assert_non_null(metadata);
    return metadata;
}

const char *oauth_id_token(const oauth_t *oauth, const test_key_t *key, const char *header,
                           const char *patch)
{
    static const char claims[] =
        "{\"iss\":\"" ISSUER "\",\"sub\":\"alice\",\"aud\":\"" CLIENT
        "\",\"exp\":1767229200,\"iat\":1767225590,\"nonce\":\"" NONCE "\"}";

    return test_sign_jwt(key, header, oauth_patch(claims, patch, oauth->env->pool),
                         oauth->env->pool);
}

const apr_array_header_t *oauth_client_keys(oauth_t *oauth, const char *alg, const char *kid)
{
    apr_pool_t *pool = oauth->env->pool;
    apr_array_header_t *keys = apr_array_make(pool, 1, sizeof(rp_client_key_t *));

    APR_ARRAY_PUSH(keys, rp_client_key_t *) = test_client_key_make(alg, 1, kid, pool);
    return keys;
}

void oauth_expect(oauth_t *oauth, const char *row, rp_error_id_t id)
{
    rp_error_id_t found = oauth->env->error.id;

    if (found != id) {
        fail_msg("row: %s: OA-%d instead of OA-%d (%s)", row, (int)found, (int)id,
                 oauth->env->error.detail ? oauth->env->error.detail : "");
    }
    rp_forgive(oauth->env);
}

void oauth_each_answer(oauth_t *oauth, const char *url, const oauth_answer_t *rows, size_t count,
                       void (*ask)(oauth_t *oauth))
{
    for (size_t i = 0; i < count; i++) {
        test_http_answer(oauth->http, url, rows[i].status, rows[i].type, rows[i].body);
        ask(oauth);
        oauth_expect(oauth, rows[i].row, rows[i].id);
    }
}

const char *oauth_parameter(const char *text, const char *name, apr_pool_t *pool)
{
    rp_form_t *form;
    const char *value;

    assert_int_equal(rp_form_parse(&form, text, strlen(text), pool), APR_SUCCESS);
    assert_int_not_equal(rp_form_get(&value, form, name), APR_EINVAL);
    return value;
}

/* The same provider as another process has it: with a cache of its own. */
rp_provider_t *oauth_another_process(oauth_t *oauth)
{
    rp_provider_t *provider = apr_pmemdup(oauth->env->pool, &oauth->provider, sizeof(*provider));

    assert_int_equal(rp_provider_cache_make(provider, oauth->env->pool), APR_SUCCESS);
    return provider;
}

/* Queues the document; the answer may be changed until it is taken. */
rp_http_response_t *oauth_answer(oauth_t *oauth, const char *patch)
{
    return test_http_answer(oauth->http, WELL_KNOWN, 200, "application/json",
                            oauth_document(oauth, patch));
}

const rp_metadata_t *oauth_get(oauth_t *oauth, const rp_provider_t *provider)
{
    const rp_metadata_t *metadata = NULL;

    assert_int_equal(rp_metadata_get(&metadata, oauth->env, provider), APR_SUCCESS);
    assert_int_equal(oauth->env->error.id, RP_E_NONE);
    assert_non_null(metadata);
    assert_ptr_equal(metadata->provider, provider);
    return metadata;
}

void oauth_get_fails(oauth_t *oauth, const rp_provider_t *provider, rp_error_id_t id)
{
    const rp_metadata_t *metadata;

    assert_int_equal(rp_metadata_get(&metadata, oauth->env, provider), RP_FAILED);
    assert_null(metadata);
    test_env_expect_error(oauth->test, id);
}

void oauth_calls(oauth_t *oauth, int count)
{
    assert_int_equal(test_http_calls(oauth->http), count);
}

const char *oauth_token_endpoint(const rp_metadata_t *metadata)
{
    return metadata->endpoints[RP_ENDPOINT_TOKEN];
}

int main(void)
{
    int failed = run_oauth_metadata_tests();

    failed += run_oauth_client_auth_tests();
    failed += run_oauth_credentials_tests();
    failed += run_oauth_discovery_tests();
    failed += run_oauth_document_tests();
    failed += run_oauth_keys_tests();
    failed += run_oauth_authorization_tests();
    failed += run_oauth_token_tests();
    failed += run_oauth_id_token_tests();
    failed += run_oauth_userinfo_tests();
    failed += run_oauth_access_token_tests();
    failed += run_oauth_introspection_tests();
    return failed ? 1 : 0;
}
