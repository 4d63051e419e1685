/* Every check is a step; the order is that of OpenID Connect Core 3.1.3.7. */
#include "rp_id_token.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "../jose/rp_crypto.h"
#include "rp_signed.h"

struct rp_id_token_t {
    const char *text;
    const char *sub;
    const char *sid;
    const char *acr;
    apr_int64_t auth_time;
    const json_t *claims;
};

/* What the steps work on. */
typedef struct {
    rp_env_t *env;
    const rp_metadata_t *metadata;
    const rp_id_token_expect_t *expect;
    const rp_jws_t *jws;
    rp_id_token_t *id_token;
} work_t;

typedef apr_status_t step_fn(const work_t *work);

/* A claim that is missing or has the wrong type; rv says which. */
static apr_status_t refuse_claim(const work_t *work, const char *name, apr_status_t rv)
{
    return rp_fail(work->env, RP_E_ID_TOKEN_CLAIM, "%s %s", name,
                   rv == APR_NOTFOUND ? "is missing" : "has the wrong type");
}

static apr_status_t need_string(const char **value, const work_t *work, const char *name)
{
    apr_status_t rv = rp_json_string(value, work->jws->payload, name);

    return rv == APR_SUCCESS ? rv : refuse_claim(work, name, rv);
}

/* *value is NULL when the claim is absent. */
static apr_status_t take_string(const char **value, const work_t *work, const char *name)
{
    apr_status_t rv = rp_json_string(value, work->jws->payload, name);

    return rv == APR_EINVAL ? refuse_claim(work, name, rv) : APR_SUCCESS;
}

static apr_status_t check_iss(const work_t *work)
{
    const char *iss;
    apr_status_t rv = need_string(&iss, work, "iss");

    if (rv == APR_SUCCESS &&
        (!work->metadata->issuer || strcmp(iss, work->metadata->issuer) != 0)) {
        return rp_fail(work->env, RP_E_ID_TOKEN_ISSUER, "iss is not the issuer");
    }
    return rv;
}

/* Any audience beside this client is one that this client does not trust (3.1.3.7-3). */
static apr_status_t check_aud(const work_t *work)
{
    const char *client_id = work->metadata->provider->client_id;
    apr_array_header_t *aud;
    apr_status_t rv = rp_json_strings(&aud, work->jws->payload, "aud", 1, work->env->pool);

    if (rv != APR_SUCCESS) {
        return refuse_claim(work, "aud", rv);
    }
    for (int i = 0; i < aud->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(aud, i, const char *), client_id) != 0) {
            return rp_fail(work->env, RP_E_ID_TOKEN_AUDIENCE, "aud %s",
                           aud->nelts > 1 ? "names others than this client" : "is not this client");
        }
    }
    if (aud->nelts == 0) {
        return rp_fail(work->env, RP_E_ID_TOKEN_AUDIENCE, "aud is empty");
    }
    return APR_SUCCESS;
}

static apr_status_t check_azp(const work_t *work)
{
    const char *azp;
    apr_status_t rv = take_string(&azp, work, "azp");

    if (rv == APR_SUCCESS && azp && strcmp(azp, work->metadata->provider->client_id) != 0) {
        return rp_fail(work->env, RP_E_ID_TOKEN_AUDIENCE, "azp is not this client");
    }
    return rv;
}

/* exp, iat and nbf are said in whole seconds before or after now, never as a time of day, so that
 * the log line shows at once how far two clocks are apart. */
static apr_status_t check_exp(const work_t *work)
{
    apr_int64_t now = apr_time_sec(rp_now(work->env));
    apr_int64_t exp;
    apr_status_t rv = rp_json_seconds(&exp, work->jws->payload, "exp");

    if (rv != APR_SUCCESS) {
        return refuse_claim(work, "exp", rv);
    }
    if (now >= exp + work->metadata->provider->clock_skew) {
        return rp_fail(work->env, RP_E_ID_TOKEN_TIME, "expired %" APR_INT64_T_FMT " seconds ago",
                       now - exp);
    }
    return APR_SUCCESS;
}

static apr_status_t check_iat(const work_t *work)
{
    apr_int64_t now = apr_time_sec(rp_now(work->env));
    apr_int64_t skew = work->metadata->provider->clock_skew;
    apr_int64_t iat;
    apr_status_t rv = rp_json_seconds(&iat, work->jws->payload, "iat");

    if (rv != APR_SUCCESS) {
        return refuse_claim(work, "iat", rv);
    }
    if (iat > now + skew) {
        return rp_fail(work->env, RP_E_ID_TOKEN_TIME,
                       "issued %" APR_INT64_T_FMT " seconds in the future", iat - now);
    }
    if (iat < now - skew - RP_ID_TOKEN_AGE_SECONDS) {
        return rp_fail(work->env, RP_E_ID_TOKEN_TIME, "issued %" APR_INT64_T_FMT " seconds ago",
                       now - iat);
    }
    return APR_SUCCESS;
}

static apr_status_t check_nbf(const work_t *work)
{
    apr_int64_t now = apr_time_sec(rp_now(work->env));
    apr_int64_t nbf;
    apr_status_t rv = rp_json_seconds(&nbf, work->jws->payload, "nbf");

    if (rv == APR_EINVAL) {
        return refuse_claim(work, "nbf", rv);
    }
    if (rv == APR_SUCCESS && nbf > now + work->metadata->provider->clock_skew) {
        return rp_fail(work->env, RP_E_ID_TOKEN_TIME,
                       "not valid for another %" APR_INT64_T_FMT " seconds", nbf - now);
    }
    return APR_SUCCESS;
}

static apr_status_t check_nonce(const work_t *work)
{
    const char *nonce;
    apr_status_t rv = take_string(&nonce, work, "nonce");

    if (rv != APR_SUCCESS || work->expect->previous) {
        return rv; /* a refreshed one: see check_previous */
    }
    if (!work->expect->nonce) {
        return rp_fail(work->env, RP_E_INTERNAL, "an ID Token cannot be checked without a nonce");
    }
    if (!nonce) {
        return rp_fail(work->env, RP_E_ID_TOKEN_NONCE, "nonce is missing");
    }
    if (!rp_equal_text(nonce, work->expect->nonce)) {
        return rp_fail(work->env, RP_E_ID_TOKEN_NONCE, "nonce is another login's");
    }
    return APR_SUCCESS;
}

/* 3.1.3.8: optional in the code flow, never wrong. */
static apr_status_t check_at_hash(const work_t *work)
{
    const char *at_hash;
    const char *made;
    apr_status_t rv = take_string(&at_hash, work, "at_hash");

    if (rv != APR_SUCCESS || !at_hash || !work->expect->access_token) {
        return rv;
    }
    made = rp_jws_half_hash(work->jws->alg, work->expect->access_token, work->env->pool);
    if (!made) {
        return rp_fail(work->env, RP_E_CRYPTO, "hash of the access token");
    }
    if (!rp_equal_text(at_hash, made)) {
        return rp_fail(work->env, RP_E_ID_TOKEN_HASH, "at_hash is another access token's");
    }
    return APR_SUCCESS;
}

/* 2: at most 255 ASCII characters. Controls have no place in what becomes a user's name. */
static apr_status_t take_sub(const work_t *work)
{
    rp_id_token_t *id_token = work->id_token;
    apr_size_t len;
    apr_status_t rv = need_string(&id_token->sub, work, "sub");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    len = strlen(id_token->sub);
    for (apr_size_t i = 0; i < len; i++) {
        if (id_token->sub[i] < ' ' || id_token->sub[i] > '~') {
            return rp_fail(work->env, RP_E_ID_TOKEN_CLAIM, "sub is not printable ASCII");
        }
    }
    if (len < 1 || len > RP_MAX_SUB) {
        return rp_fail(work->env, RP_E_ID_TOKEN_CLAIM, "sub of %" APR_SIZE_T_FMT " characters",
                       len);
    }
    return APR_SUCCESS;
}

static apr_status_t take_rest(const work_t *work)
{
    rp_id_token_t *id_token = work->id_token;
    apr_status_t rv;

    rv = rp_json_seconds(&id_token->auth_time, work->jws->payload, "auth_time");
    if (rv == APR_EINVAL) {
        return refuse_claim(work, "auth_time", rv);
    }
    if (id_token->auth_time == 0) {
        id_token->auth_time = -1;
    }
    rv = take_string(&id_token->sid, work, "sid");
    return rv != APR_SUCCESS ? rv : take_string(&id_token->acr, work, "acr");
}

/* The nonce of an ID Token of ours, which was checked when it came; NULL when there is none. */
static const char *nonce_of(rp_env_t *env, const char *text)
{
    const char *payload = text ? strchr(text, '.') : NULL;
    const char *nonce;
    const char *why;
    unsigned char *data;
    json_t *object;
    apr_size_t len;

    if (!payload ||
        rp_base64url_decode(&data, &len, payload + 1, strcspn(payload + 1, "."), env->pool) !=
            APR_SUCCESS ||
        rp_json_parse(&object, (const char *)data, len, RP_MAX_JWT, env->pool, &why) !=
            APR_SUCCESS) {
        return NULL;
    }
    rp_json_string(&nonce, object, "nonce");
    return nonce;
}

/* 12.2: the same issuer, subject and authentication, and a nonce that is absent or the same. */
static apr_status_t check_previous(const work_t *work)
{
    const rp_id_token_previous_t *previous = work->expect->previous;
    const char *differs = NULL;
    const char *nonce;
    const char *old_nonce;

    if (!previous) {
        return APR_SUCCESS;
    }
    rp_json_string(&nonce, work->jws->payload, "nonce");
    old_nonce = nonce_of(work->env, previous->id_token);
    if (!previous->issuer || strcmp(previous->issuer, work->metadata->issuer) != 0) {
        differs = "iss";
    } else if (!previous->sub || strcmp(previous->sub, work->id_token->sub) != 0) {
        differs = "sub";
    } else if (previous->auth_time > 0 && work->id_token->auth_time > 0 &&
               previous->auth_time != work->id_token->auth_time) {
        differs = "auth_time";
    } else if (nonce && old_nonce && !rp_equal_text(nonce, old_nonce)) {
        differs = "nonce";
    }
    return differs ? rp_fail(work->env, RP_E_REFRESH_ID_TOKEN, "%s is not the session's", differs)
                   : APR_SUCCESS;
}

static step_fn *const steps[] = {check_iss, check_aud, check_azp,     check_exp,
                                 check_iat, check_nbf, check_nonce,   check_at_hash,
                                 take_sub,  take_rest, check_previous};

static apr_status_t verify(rp_jws_t **jws, rp_env_t *env, const rp_metadata_t *metadata,
                           const char *text)
{
    static const char *const typ[] = {"JWT", NULL};
    static const rp_error_id_t errors[RP_JWS_RESULTS] = {
        [RP_JWS_MALFORMED] = RP_E_ID_TOKEN_MALFORMED, [RP_JWS_ALG] = RP_E_ID_TOKEN_ALG,
        [RP_JWS_TYP] = RP_E_ID_TOKEN_MALFORMED,       [RP_JWS_CRIT] = RP_E_ID_TOKEN_MALFORMED,
        [RP_JWS_KEY_UNKNOWN] = RP_E_ID_TOKEN_KEY,     [RP_JWS_SIGNATURE] = RP_E_ID_TOKEN_SIGNATURE,
    };
    rp_signed_t what = {.text = text, .algs = metadata->id_token_algs, .typ = typ};
    rp_jws_result_t result;
    apr_status_t rv = rp_signed_verify(jws, &result, env, metadata, &what);

    if (rv == APR_SUCCESS && result != RP_JWS_OK) {
        return rp_fail(env, errors[result], "%s", rp_jws_result_text(result));
    }
    return rv;
}

apr_status_t rp_id_token_check(rp_id_token_t **id_token, rp_env_t *env,
                               const rp_metadata_t *metadata, const char *text,
                               const rp_id_token_expect_t *expect)
{
    work_t work = {.env = env, .metadata = metadata, .expect = expect};
    rp_jws_t *jws;
    apr_status_t rv;

    *id_token = NULL;
    if (!text) {
        return rp_fail(env, RP_E_ID_TOKEN_MISSING, "no id_token in the token response");
    }
    rv = verify(&jws, env, metadata, text);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    work.jws = jws;
    work.id_token = apr_pcalloc(env->pool, sizeof(*work.id_token));
    work.id_token->text = apr_pstrdup(env->pool, text);
    work.id_token->claims = jws->payload;
    for (apr_size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        rv = steps[i](&work);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    *id_token = work.id_token;
    return APR_SUCCESS;
}

const char *rp_id_token_text(const rp_id_token_t *id_token)
{
    return id_token->text;
}

const char *rp_id_token_sub(const rp_id_token_t *id_token)
{
    return id_token->sub;
}

const char *rp_id_token_sid(const rp_id_token_t *id_token)
{
    return id_token->sid;
}

const char *rp_id_token_acr(const rp_id_token_t *id_token)
{
    return id_token->acr;
}

apr_int64_t rp_id_token_auth_time(const rp_id_token_t *id_token)
{
    return id_token->auth_time;
}

const json_t *rp_id_token_claims(const rp_id_token_t *id_token)
{
    return id_token->claims;
}
