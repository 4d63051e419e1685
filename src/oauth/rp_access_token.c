/* Every check is a step; the order is that of RFC 9068 4. */
#include "rp_access_token.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "rp_signed.h"

struct rp_access_token_t {
    const char *sub;
    const char *scope;
    const char *acr;
    apr_int64_t auth_time;
    apr_int64_t exp;
    const json_t *claims;
};

/* What the steps work on. */
typedef struct {
    rp_env_t *env;
    const rp_metadata_t *metadata;
    const apr_array_header_t *audience;
    const json_t *claims;
    int is_jwt;           /* 1: RFC 9068 says what has to be there */
    rp_error_id_t broken; /* what claims that make no sense are: a bad token, or a bad answer */
    rp_access_token_t *token;
} work_t;

typedef apr_status_t step_fn(const work_t *work);

static apr_status_t refuse(const work_t *work, const char *why)
{
    return rp_fail(work->env, RP_E_BEARER_TOKEN, "%s", why);
}

/* A claim that is missing or has the wrong type; rv says which. */
static apr_status_t refuse_claim(const work_t *work, const char *name, apr_status_t rv)
{
    if (rv == APR_NOTFOUND) {
        return rp_fail(work->env, RP_E_BEARER_TOKEN, "%s is missing", name);
    }
    return rp_fail(work->env, work->broken, "%s has the wrong type", name);
}

/* *value is NULL when the claim is absent and may be. */
static apr_status_t take_string(const char **value, const work_t *work, const char *name,
                                int needed)
{
    apr_status_t rv = rp_json_string(value, work->claims, name);

    if (rv == APR_NOTFOUND && !needed) {
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS && needed && **value == '\0') {
        return rp_fail(work->env, RP_E_BEARER_TOKEN, "%s is empty", name);
    }
    return rv == APR_SUCCESS ? rv : refuse_claim(work, name, rv);
}

/* *value is -1 when the claim is absent and may be. */
static apr_status_t take_seconds(apr_int64_t *value, const work_t *work, const char *name,
                                 int needed)
{
    apr_status_t rv = rp_json_seconds(value, work->claims, name);

    if (rv == APR_NOTFOUND && !needed) {
        *value = -1;
        return APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? rv : refuse_claim(work, name, rv);
}

static apr_status_t check_iss(const work_t *work)
{
    const char *iss;
    apr_status_t rv = take_string(&iss, work, "iss", work->is_jwt);

    if (rv == APR_SUCCESS && iss &&
        (!work->metadata->issuer || strcmp(iss, work->metadata->issuer) != 0)) {
        return rp_fail(work->env, work->broken, "iss is not the issuer");
    }
    return rv;
}

static int has(const apr_array_header_t *values, const char *wanted)
{
    for (int i = 0; i < values->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(values, i, const char *), wanted) == 0) {
            return 1;
        }
    }
    return 0;
}

static int has_one_of(const apr_array_header_t *values, const apr_array_header_t *wanted)
{
    for (int i = 0; i < wanted->nelts; i++) {
        if (has(values, APR_ARRAY_IDX(wanted, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

/* What an answer without aud (RFC 7662 2.2: optional) is for, nobody knows. */
static apr_status_t check_aud(const work_t *work)
{
    apr_array_header_t *aud;
    apr_status_t rv = rp_json_strings(&aud, work->claims, "aud", 1, work->env->pool);

    if (rv != APR_SUCCESS) {
        return refuse_claim(work, "aud", rv);
    }
    return work->audience && has_one_of(aud, work->audience)
               ? APR_SUCCESS
               : refuse(work, "aud has none of OAuthAudience");
}

/* exp, iat and nbf are said in whole seconds before or after now, as for ID Tokens. */
static apr_status_t take_exp(const work_t *work)
{
    apr_int64_t now = apr_time_sec(rp_now(work->env));
    apr_int64_t exp;
    apr_status_t rv = take_seconds(&exp, work, "exp", work->is_jwt);

    if (rv == APR_SUCCESS && exp >= 0 && now >= exp + work->metadata->provider->clock_skew) {
        return rp_fail(work->env, RP_E_BEARER_TOKEN, "expired %" APR_INT64_T_FMT " seconds ago",
                       now - exp);
    }
    work->token->exp = exp;
    return rv;
}

static apr_status_t check_begin(const work_t *work, const char *name, int needed)
{
    apr_int64_t now = apr_time_sec(rp_now(work->env));
    apr_int64_t begin;
    apr_status_t rv = take_seconds(&begin, work, name, needed);

    if (rv == APR_SUCCESS && begin > now + work->metadata->provider->clock_skew) {
        return rp_fail(work->env, RP_E_BEARER_TOKEN,
                       "%s is %" APR_INT64_T_FMT " seconds in the future", name, begin - now);
    }
    return rv;
}

static apr_status_t check_iat(const work_t *work)
{
    return check_begin(work, "iat", work->is_jwt);
}

static apr_status_t check_nbf(const work_t *work)
{
    return check_begin(work, "nbf", 0);
}

/* RFC 7800 3: whoever brings it has to prove that it is his, which a bearer does not. */
static apr_status_t check_cnf(const work_t *work)
{
    return json_object_get(work->claims, "cnf")
               ? refuse(work, "cnf: the token is bound to its sender, and came as a bearer token")
               : APR_SUCCESS;
}

/* As for ID Tokens: what becomes a user's name is at most 255 printable ASCII characters. */
static apr_status_t take_sub(const work_t *work)
{
    const char *sub;
    apr_status_t rv = take_string(&sub, work, "sub", 1);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (strlen(sub) > RP_MAX_SUB) {
        return rp_fail(work->env, RP_E_BEARER_TOKEN, "sub of %" APR_SIZE_T_FMT " characters",
                       strlen(sub));
    }
    for (const char *c = sub; *c; c++) {
        if (*c < ' ' || *c > '~') {
            return refuse(work, "sub is not printable ASCII");
        }
    }
    work->token->sub = sub;
    return APR_SUCCESS;
}

static apr_status_t check_names(const work_t *work)
{
    const char *text;
    apr_status_t rv = take_string(&text, work, "client_id", work->is_jwt);

    return rv != APR_SUCCESS ? rv : take_string(&text, work, "jti", work->is_jwt);
}

/* RFC 7662 2.2: the type of the token, so that one that is not for bearers is not taken for one. */
static apr_status_t check_token_type(const work_t *work)
{
    const char *type = NULL;
    apr_status_t rv = work->is_jwt ? APR_SUCCESS : take_string(&type, work, "token_type", 0);

    return rv == APR_SUCCESS && type && strcasecmp(type, "Bearer") != 0
               ? refuse(work, "token_type is not Bearer")
               : rv;
}

static apr_status_t take_rest(const work_t *work)
{
    rp_access_token_t *token = work->token;
    apr_status_t rv;

    if ((rv = take_string(&token->scope, work, "scope", 0)) != APR_SUCCESS ||
        (rv = take_string(&token->acr, work, "acr", 0)) != APR_SUCCESS) {
        return rv;
    }
    return take_seconds(&token->auth_time, work, "auth_time", 0);
}

static step_fn *const steps[] = {check_iss, check_aud, take_exp,    check_iat,        check_nbf,
                                 check_cnf, take_sub,  check_names, check_token_type, take_rest};

static apr_status_t check(rp_access_token_t **token, work_t *work)
{
    work->token = apr_pcalloc(work->env->pool, sizeof(*work->token));
    work->token->claims = work->claims;
    for (apr_size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        apr_status_t rv = steps[i](work);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    *token = work->token;
    return APR_SUCCESS;
}

apr_status_t rp_access_token_check(rp_access_token_t **token, rp_env_t *env,
                                   const rp_metadata_t *metadata, const char *text,
                                   const apr_array_header_t *audience)
{
    static const char *const typ[] = {"at+jwt", NULL};
    rp_signed_t what = {.text = text,
                        .algs = metadata->provider->signing_algs & RP_ALGS_ASYMMETRIC,
                        .typ = typ,
                        .typ_required = 1};
    work_t work = {.env = env,
                   .metadata = metadata,
                   .audience = audience,
                   .is_jwt = 1,
                   .broken = RP_E_BEARER_TOKEN};
    rp_jws_result_t result;
    rp_jws_t *jws;
    apr_status_t rv = rp_signed_verify(&jws, &result, env, metadata, &what);

    *token = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (result != RP_JWS_OK) {
        return rp_fail(env, RP_E_BEARER_TOKEN, "%s", rp_jws_result_text(result));
    }
    work.claims = jws->payload;
    return check(token, &work);
}

apr_status_t rp_access_token_introspected(rp_access_token_t **token, rp_env_t *env,
                                          const rp_metadata_t *metadata, json_t *answer,
                                          const apr_array_header_t *audience)
{
    work_t work = {.env = env,
                   .metadata = metadata,
                   .audience = audience,
                   .claims = answer,
                   .broken = RP_E_INTROSPECTION};

    *token = NULL;
    return check(token, &work);
}

apr_status_t rp_access_token_issuer(const char **issuer, rp_env_t *env, const char *text)
{
    const char *payload = strchr(text, '.');
    const char *end = payload ? strchr(payload + 1, '.') : NULL;
    unsigned char *data;
    json_t *object;
    const char *why;
    apr_size_t len;

    *issuer = NULL;
    if (!end || strchr(end + 1, '.') ||
        rp_base64url_decode(&data, &len, payload + 1, (apr_size_t)(end - payload - 1), env->pool) !=
            APR_SUCCESS ||
        rp_json_parse(&object, (const char *)data, len, RP_MAX_JWT, env->pool, &why) !=
            APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    return rp_json_string(issuer, object, "iss") == APR_SUCCESS ? APR_SUCCESS : APR_NOTFOUND;
}

const char *rp_access_token_sub(const rp_access_token_t *token)
{
    return token->sub;
}

const char *rp_access_token_scope(const rp_access_token_t *token)
{
    return token->scope;
}

const char *rp_access_token_acr(const rp_access_token_t *token)
{
    return token->acr;
}

apr_int64_t rp_access_token_auth_time(const rp_access_token_t *token)
{
    return token->auth_time;
}

apr_int64_t rp_access_token_exp(const rp_access_token_t *token)
{
    return token->exp;
}

const json_t *rp_access_token_claims(const rp_access_token_t *token)
{
    return token->claims;
}
