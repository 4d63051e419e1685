#include "flow_fixture.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/codec/rp_form.h"
#include "../../src/flow/rp_access.h"
#include "../../src/flow/rp_endpoint.h"
#include "../../src/jose/rp_crypto.h"
#include "../../src/jose/rp_seal.h"
#include "../../src/session/rp_session_cache.h"
#include "test_client_key.h"
#include "test_store.h"

#define SECRET_LEN 32
#define LETTERS_MAX 8

static const char *header(void *ctx, const char *name)
{
    return apr_table_get(ctx, name);
}

static const char *form_value(flow_t *flow, const char *text, const char *name)
{
    rp_form_t *form;
    const char *value;

    assert_int_equal(rp_form_parse(&form, text, strlen(text), flow->test->env.pool), APR_SUCCESS);
    assert_int_not_equal(rp_form_get(&value, form, name), APR_EINVAL);
    return value;
}

const char *flow_parameter(flow_t *flow, const char *url, const char *name)
{
    const char *query = strchr(url, '?');

    assert_non_null(query);
    return form_value(flow, query + 1, name);
}

static const char *make_id_token(flow_t *flow)
{
    apr_time_t now = apr_time_sec(flow->test->now);

    return test_sign_jwt(flow->key, NULL,
                         apr_psprintf(flow->test->env.pool,
                                      "{\"iss\":\"" FLOW_ISSUER "\",\"aud\":\"client\","
                                      "\"sub\":\"%s\",\"nonce\":\"%s\",\"iat\":%" APR_TIME_T_FMT
                                      ",\"exp\":%" APR_TIME_T_FMT "%s}",
                                      flow->subject, flow->nonce, now, now + 300, flow->claims),
                         flow->test->env.pool);
}

/* The token endpoint: a code once, with the verifier of the last authorization request. */
static apr_status_t answer_token(rp_http_response_t *response, rp_env_t *env,
                                 const rp_http_request_t *request, void *ctx)
{
    flow_t *flow = ctx;
    const char *verifier = form_value(flow, request->body, "code_verifier");

    assert_non_null(verifier);
    assert_int_equal(strlen(verifier), 43);
    assert_string_equal(rp_sha256_text(verifier, env->pool), flow->challenge);
    assert_string_equal(form_value(flow, request->body, "redirect_uri"),
                        FLOW_BASE "/oauth/callback");
    flow->codes_redeemed++;
    response->body = apr_pstrcat(
        env->pool, "{\"access_token\":\"access\",\"token_type\":\"Bearer\"",
        flow->no_id_token ? "" : ",\"id_token\":\"", flow->no_id_token ? "" : make_id_token(flow),
        flow->no_id_token ? "" : "\"", flow->tokens, "}", NULL);
    response->body_len = strlen(response->body);
    return APR_SUCCESS;
}

static apr_status_t answer_userinfo(rp_http_response_t *response, rp_env_t *env,
                                    const rp_http_request_t *request, void *ctx)
{
    (void)env;
    assert_string_equal(apr_table_get(request->headers, "Authorization"), "Bearer access");
    response->body = ((flow_t *)ctx)->userinfo;
    response->body_len = strlen(response->body);
    return APR_SUCCESS;
}

static void answer(flow_t *flow, const char *url, const char *body)
{
    test_http_answer(flow->http, url, 200, "application/json", body);
    test_http_repeat(flow->http);
}

static const char *metadata(flow_t *flow, const char *issuer, const char *more)
{
    return apr_pstrcat(flow->test->env.pool, "{\"issuer\":\"", issuer,
                       "\",\"authorization_endpoint\":\"", issuer, "/authorize\"",
                       ",\"token_endpoint\":\"", issuer, "/token\",\"userinfo_endpoint\":\"",
                       issuer, "/userinfo\",\"jwks_uri\":\"", issuer, "/jwks\"", more, "}", NULL);
}

static void start_provider(flow_t *flow, const char *more)
{
    apr_pool_t *pool = flow->test->env.pool;

    answer(flow, FLOW_ISSUER "/.well-known/", metadata(flow, FLOW_ISSUER, more));
    answer(flow, FLOW_ISSUER "/jwks", test_sign_jwks(pool, flow->key, NULL));
    test_http_answer_with(flow->http, FLOW_ISSUER "/token", answer_token, flow);
    test_http_repeat(flow->http);
    test_http_answer_with(flow->http, FLOW_ISSUER "/userinfo", answer_userinfo, flow);
    test_http_repeat(flow->http);
}

void flow_add_key(flow_t *flow, rp_provider_t *provider, const char *alg, int number,
                  const char *kid)
{
    apr_pool_t *pool = flow->test->env.pool;
    apr_array_header_t *keys = provider->client_keys
                                   ? apr_array_copy(pool, provider->client_keys)
                                   : apr_array_make(pool, 2, sizeof(rp_client_key_t *));

    APR_ARRAY_PUSH(keys, rp_client_key_t *) = test_client_key_make(alg, number, kid, pool);
    provider->client_keys = keys;
}

void flow_offer_logout(flow_t *flow)
{
    test_http_reset(flow->http);
    start_provider(flow, ",\"end_session_endpoint\":\"" FLOW_ISSUER "/end\""
                         ",\"revocation_endpoint\":\"" FLOW_ISSUER "/revoke\"");
}

static void fill_provider(rp_provider_t *provider, const char *name, const char *issuer,
                          apr_pool_t *pool)
{
    *provider = (rp_provider_t){.name = name,
                                .issuer = issuer,
                                .client_id = "client",
                                .client_auth = RP_CLIENT_AUTH_NONE,
                                .signing_algs = RP_ALGS_ASYMMETRIC,
                                .clock_skew = 30,
                                .http = {.tls_min = 12,
                                         .connect_timeout = apr_time_from_sec(2),
                                         .total_timeout = apr_time_from_sec(5)}};
    assert_int_equal(rp_provider_cache_make(provider, pool), APR_SUCCESS);
}

void flow_add_second(flow_t *flow)
{
    fill_provider(&flow->second, "second", "https://second.example", flow->test->env.pool);
    flow->providers[1] = &flow->second;
    answer(flow, "https://second.example/.well-known/",
           metadata(flow, "https://second.example", ""));
}

void flow_set_secrets(flow_t *flow, const char *letters)
{
    apr_pool_t *pool = flow->test->env.pool;
    apr_array_header_t *secrets = apr_array_make(pool, LETTERS_MAX, sizeof(rp_secret_bytes_t));
    rp_keyring_t *ring;

    for (; *letters; letters++) {
        rp_secret_bytes_t secret = {memset(apr_palloc(pool, SECRET_LEN), *letters, SECRET_LEN),
                                    SECRET_LEN};

        APR_ARRAY_PUSH(secrets, rp_secret_bytes_t) = secret;
    }
    assert_int_equal(rp_keyring_make(&ring, secrets, pool), APR_SUCCESS);
    flow->test->env.keyring = ring;
}

static void fill_site(flow_t *flow)
{
    flow->site = (rp_site_t){.base_url = FLOW_BASE,
                             .path = "/oauth",
                             .callback_url = FLOW_BASE "/oauth/callback",
                             .secure = 1,
                             .providers = flow->providers,
                             .cookie_name = FLOW_SESSION_COOKIE,
                             .login_cookie_name = FLOW_LOGIN_COOKIE,
                             .cookie_path = "/",
                             .realm = {FLOW_BASE, apr_time_from_sec(8 * 3600), {0}},
                             .logout_revoke = 1};
    flow->place = (rp_place_t){.limits = {apr_time_from_sec(8 * 3600), apr_time_from_sec(1800)},
                               .user_claim = "sub",
                               .accept = RP_ACCEPT_SESSION};
    flow->own_place = flow->place;
}

flow_t *flow_make(void)
{
    test_env_t *test = test_env_make();
    apr_pool_t *pool = test->env.pool;
    flow_t *flow = apr_pcalloc(pool, sizeof(*flow));

    rp_crypto_init();
    flow->test = test;
    flow->http = test_http_make(test);
    test->env.store = test_store_make(pool);
    test->env.opened = rp_session_cache_make(4, pool);
    flow_set_secrets(flow, "a");
    flow->key = test_key_make("ES256", "k1", 0, pool);
    fill_provider(&flow->provider, "", FLOW_ISSUER, pool);
    flow->providers[0] = &flow->provider;
    fill_site(flow);
    flow->headers = apr_table_make(pool, 4);
    flow->jar = apr_table_make(pool, 4);
    apr_table_set(flow->headers, "Accept", "text/html,*/*");
    apr_table_set(flow->headers, "Sec-Fetch-Mode", "navigate");
    apr_table_set(flow->headers, "Sec-Fetch-Dest", "document");
    apr_table_set(flow->headers, "Sec-Fetch-Site", "same-origin");
    flow->subject = "alice";
    flow->claims = "";
    flow->tokens = "";
    flow->userinfo = "{\"sub\":\"alice\",\"email\":\"alice@example.com\"}";
    start_provider(flow, "");
    return flow;
}

int flow_setup(void **state)
{
    *state = flow_make();
    return 0;
}

int flow_teardown(void **state)
{
    test_env_destroy(((flow_t *)*state)->test);
    return 0;
}

static const char *cookie_header(flow_t *flow)
{
    const apr_array_header_t *cookies = apr_table_elts(flow->jar);
    const char *text = NULL;

    for (int i = 0; i < cookies->nelts; i++) {
        const apr_table_entry_t *cookie = &APR_ARRAY_IDX(cookies, i, apr_table_entry_t);

        text = apr_pstrcat(flow->test->env.pool, text ? text : "", text ? "; " : "", cookie->key,
                           "=", cookie->val, NULL);
    }
    return text;
}

/* As a browser does: an age of zero takes a cookie away. */
static void keep_cookies(flow_t *flow, const rp_reply_t *reply)
{
    apr_pool_t *pool = flow->test->env.pool;

    for (int i = 0; reply->set_cookies && i < reply->set_cookies->nelts; i++) {
        const char *text = APR_ARRAY_IDX(reply->set_cookies, i, const char *);
        apr_size_t name = strcspn(text, "=");
        apr_size_t value = strcspn(text + name + 1, ";");

        if (strstr(text, "Max-Age=0")) {
            apr_table_unset(flow->jar, apr_pstrmemdup(pool, text, name));
        } else {
            apr_table_set(flow->jar, apr_pstrmemdup(pool, text, name),
                          apr_pstrmemdup(pool, text + name + 1, value));
        }
    }
}

rp_reply_t flow_request(flow_t *flow, const char *method, const char *target, const char *body)
{
    rp_env_t *env = &flow->test->env;
    const char *query = strchr(target, '?');
    const char *path = apr_pstrmemdup(env->pool, target, strcspn(target, "?"));
    rp_request_t request = {.site = &flow->site,
                            .place = &flow->place,
                            .method = method,
                            .target = target,
                            .query = query ? query + 1 : NULL,
                            .cookies = cookie_header(flow),
                            .authorization = apr_table_get(flow->headers, "Authorization"),
                            .body = body,
                            .body_len = body ? strlen(body) : 0,
                            .header = header,
                            .header_ctx = flow->headers};
    const rp_endpoint_row_t *row;
    rp_reply_t reply;
    int below;

    rp_forgive(env);
    row = rp_endpoint_find(&below, &flow->site, path);
    if (below) {
        request.place = &flow->own_place;
        rp_endpoint_run(&reply, env, &request, row);
    } else {
        rp_access(&reply, env, &request);
    }
    keep_cookies(flow, &reply);
    return reply;
}

rp_reply_t flow_open(flow_t *flow, const char *target)
{
    return flow_request(flow, "GET", target, NULL);
}

const char *flow_authorize(flow_t *flow, const char *location)
{
    apr_pool_t *pool = flow->test->env.pool;
    const char *state = flow_parameter(flow, location, "state");

    assert_ptr_equal(strstr(location, FLOW_AUTHORIZE "?"), location);
    assert_string_equal(flow_parameter(flow, location, "code_challenge_method"), "S256");
    assert_string_equal(flow_parameter(flow, location, "redirect_uri"),
                        FLOW_BASE "/oauth/callback");
    flow->nonce = flow_parameter(flow, location, "nonce");
    flow->challenge = flow_parameter(flow, location, "code_challenge");
    assert_non_null(state);
    return apr_pstrcat(pool, "/oauth/callback?code=code&state=", rp_percent_encode(state, pool),
                       NULL);
}

rp_reply_t flow_come_back(flow_t *flow, const char *location)
{
    return flow_open(flow, flow_authorize(flow, location));
}

void flow_sign_in(flow_t *flow)
{
    rp_reply_t reply = flow_open(flow, "/app");

    flow_expect_provider(&reply);
    reply = flow_come_back(flow, reply.location);
    flow_expect_redirect(&reply, FLOW_BASE "/app");
}

const char *flow_set_cookie(const rp_reply_t *reply, const char *name)
{
    apr_size_t len = strlen(name);

    for (int i = 0; reply->set_cookies && i < reply->set_cookies->nelts; i++) {
        const char *text = APR_ARRAY_IDX(reply->set_cookies, i, const char *);

        if (strncmp(text, name, len) == 0 && text[len] == '=') {
            return text;
        }
    }
    return NULL;
}

void flow_expect_redirect(const rp_reply_t *reply, const char *location)
{
    assert_string_equal(rp_error_row(reply->error.id)->name, rp_error_row(RP_E_NONE)->name);
    assert_int_equal(reply->error.id, RP_E_NONE);
    assert_int_equal(reply->outcome, RP_REDIRECT);
    assert_int_equal(reply->status, 303);
    assert_string_equal(reply->location, location);
}

void flow_expect_provider(const rp_reply_t *reply)
{
    assert_int_equal(reply->error.id, RP_E_NONE);
    assert_int_equal(reply->outcome, RP_REDIRECT);
    assert_int_equal(reply->status, 303);
    assert_ptr_equal(strstr(reply->location, FLOW_AUTHORIZE "?"), reply->location);
}

void flow_expect_error(const rp_reply_t *reply, rp_error_id_t id)
{
    if (reply->error.id == RP_E_NONE) {
        fail_msg("no error, but outcome %d, location %s", (int)reply->outcome,
                 reply->location ? reply->location : "none");
    }
    assert_string_equal(rp_error_row(reply->error.id)->name, rp_error_row(id)->name);
    assert_int_equal(reply->status, rp_error_row(id)->status);
    assert_non_null(reply->reference);
    assert_int_equal(strlen(reply->reference), 19);
    assert_null(reply->location);
    assert_null(reply->session);
    assert_null(reply->backend_token);
}

int flow_is_signed_in(flow_t *flow)
{
    const char *cookie = apr_table_get(flow->jar, FLOW_SESSION_COOKIE);
    rp_session_cookies_t cookies = {.count = 1};
    rp_session_t *session;

    cookies.values[0].value = cookie;
    cookies.values[0].len = cookie ? strlen(cookie) : 0;
    return cookie && rp_session_load(&session, &flow->test->env, &flow->site.realm, &cookies,
                                     &flow->place.limits) == APR_SUCCESS;
}
