#include "rp_userinfo.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_html.h"
#include "../codec/rp_json.h"
#include "../jose/rp_jws.h"
#include "rp_discovery.h"
#include "rp_signed.h"

#define LOG_MAX 100

/* Claims about a token or about how somebody signed in, which the ID Token alone can say (C85), and
 * those that point to claims elsewhere, unverified (C86). */
static const char *const reserved[] = {
    "iss",     "aud",       "exp",    "iat",     "nbf", "jti", "nonce",        "azp",
    "at_hash", "auth_time", "c_hash", "acr",     "amr", "sid", "_claim_names", "_claim_sources",
    "cnf",     "events",    "s_hash", "sub_jwk",
};

static apr_status_t ask(rp_http_response_t **answer, rp_env_t *env, const rp_metadata_t *metadata,
                        const char *access_token)
{
    apr_table_t *headers = apr_table_make(env->pool, 1);
    rp_http_request_t request = {.method = "GET",
                                 .url = metadata->endpoints[RP_ENDPOINT_USERINFO],
                                 .headers = headers,
                                 .accept = "application/json, application/jwt",
                                 .policy = &metadata->provider->http,
                                 .max_body = RP_MAX_USERINFO};
    apr_status_t rv;

    *answer = NULL;
    if (!request.url) {
        rp_fail(env, RP_E_USERINFO_RESPONSE, "the provider has no userinfo endpoint");
        return RP_FAILED;
    }
    apr_table_setn(headers, "Authorization", apr_pstrcat(env->pool, "Bearer ", access_token, NULL));
    rv = rp_http_perform(answer, env, &request);
    if (rv == APR_SUCCESS && (*answer)->status != 200) {
        return rp_fail(env, RP_E_USERINFO_RESPONSE, "status %d", (*answer)->status);
    }
    return rv;
}

/* Where the JWT says whose it is and for whom, it must be this provider's and for this client
 * (OpenID Connect Core 5.3.2); where it says until when, that counts. */
static const char *find_fault(rp_env_t *env, const rp_metadata_t *metadata, const json_t *payload)
{
    const char *client_id = metadata->provider->client_id;
    apr_int64_t now = apr_time_sec(rp_now(env));
    apr_array_header_t *aud;
    apr_int64_t exp;
    const char *iss;
    apr_status_t rv = rp_json_string(&iss, payload, "iss");

    if (rv == APR_EINVAL || (iss && (!metadata->issuer || strcmp(iss, metadata->issuer) != 0))) {
        return "iss is not the issuer";
    }
    rv = rp_json_strings(&aud, payload, "aud", 1, env->pool);
    if (rv == APR_EINVAL || (aud && aud->nelts == 0)) {
        return "aud is not this client";
    }
    for (int i = 0; aud && i < aud->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(aud, i, const char *), client_id) != 0) {
            return "aud is not this client alone";
        }
    }
    rv = rp_json_seconds(&exp, payload, "exp");
    if (rv == APR_EINVAL || (rv == APR_SUCCESS && now >= exp + metadata->provider->clock_skew)) {
        return "expired";
    }
    return NULL;
}

static apr_status_t read_jwt(json_t **claims, rp_env_t *env, const rp_metadata_t *metadata,
                             const rp_http_response_t *answer)
{
    static const char *const typ[] = {"JWT", NULL};
    rp_signed_t what = {.algs = metadata->provider->signing_algs, .typ = typ};
    rp_jws_result_t result;
    const char *fault;
    rp_jws_t *jws;
    apr_status_t rv;

    if (!metadata->provider->client_secret.data) {
        what.algs &= ~RP_ALGS_SYMMETRIC;
    }
    what.text = apr_pstrmemdup(env->pool, answer->body, answer->body_len);
    rv = rp_signed_verify(&jws, &result, env, metadata, &what);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (result != RP_JWS_OK) {
        return rp_fail(env, RP_E_USERINFO_SIGNATURE, "%s", rp_jws_result_text(result));
    }
    fault = find_fault(env, metadata, jws->payload);
    if (fault) {
        return rp_fail(env, RP_E_USERINFO_SIGNATURE, "%s", fault);
    }
    *claims = jws->payload;
    return APR_SUCCESS;
}

static apr_status_t read_answer(json_t **claims, rp_env_t *env, const rp_metadata_t *metadata,
                                const rp_http_response_t *answer)
{
    const char *why;

    if (strcmp(answer->content_type, "application/jwt") == 0) {
        return read_jwt(claims, env, metadata, answer);
    }
    if (!rp_discovery_is_json(answer->content_type)) {
        return rp_fail(env, RP_E_USERINFO_RESPONSE, "%s is neither JSON nor JWT",
                       *answer->content_type
                           ? rp_log_escape(answer->content_type, LOG_MAX, env->pool)
                           : "an answer without content type");
    }
    if (rp_json_parse(claims, answer->body, answer->body_len, RP_MAX_USERINFO, env->pool, &why) !=
        APR_SUCCESS) {
        return rp_fail(env, RP_E_USERINFO_RESPONSE, "%s", why);
    }
    return APR_SUCCESS;
}

/* C83: the answer is about the user of the ID Token, or it is not used at all. */
static apr_status_t check_sub(rp_env_t *env, const json_t *claims, const char *wanted)
{
    const char *sub;
    apr_status_t rv = rp_json_string(&sub, claims, "sub");

    if (rv != APR_SUCCESS) {
        return rp_fail(env, RP_E_USERINFO_SUBJECT, "sub %s",
                       rv == APR_NOTFOUND ? "is missing" : "is no string");
    }
    if (strcmp(sub, wanted) != 0) {
        return rp_fail(env, RP_E_USERINFO_SUBJECT, "sub is not the ID Token's");
    }
    return APR_SUCCESS;
}

apr_status_t rp_userinfo_fetch(json_t **claims, rp_env_t *env, const rp_metadata_t *metadata,
                               const char *access_token, const char *sub)
{
    rp_http_response_t *answer;
    json_t *found = NULL;
    apr_status_t rv;

    *claims = NULL;
    if ((rv = ask(&answer, env, metadata, access_token)) != APR_SUCCESS ||
        (rv = read_answer(&found, env, metadata, answer)) != APR_SUCCESS ||
        (sub && (rv = check_sub(env, found, sub)) != APR_SUCCESS)) {
        return rv;
    }
    for (apr_size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        json_object_del(found, reserved[i]);
    }
    *claims = found;
    return APR_SUCCESS;
}

apr_status_t rp_userinfo_subject(const char **subject, rp_env_t *env, const json_t *claims)
{
    const char *name = json_object_get(claims, "sub") ? "sub" : "id";
    const json_t *member = json_object_get(claims, name);
    const char *text = NULL;
    apr_size_t len;

    *subject = NULL;
    if (json_is_string(member)) {
        text = json_string_value(member);
    } else if (json_is_integer(member) && strcmp(name, "id") == 0) {
        text =
            apr_psprintf(env->pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(member));
    }
    if (!text) {
        return rp_fail(env, RP_E_USERINFO_SUBJECT, "neither sub nor id can be used");
    }
    len = strlen(text);
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return rp_fail(env, RP_E_USERINFO_SUBJECT, "%s is not printable ASCII", name);
        }
    }
    if (len < 1 || len > RP_MAX_SUB) {
        return rp_fail(env, RP_E_USERINFO_SUBJECT, "%s of %" APR_SIZE_T_FMT " characters", name,
                       len);
    }
    *subject = apr_pstrdup(env->pool, text);
    return APR_SUCCESS;
}
