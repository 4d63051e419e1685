#include "rp_bearer.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../codec/rp_json.h"
#include "../io/rp_wait.h"
#include "../oauth/rp_introspection.h"
#include "../session/rp_asked.h"
#include "../session/rp_verified.h"
#include "rp_grant.h"

#define SCHEME "Bearer"
#define SCHEME_LEN (sizeof(SCHEME) - 1)
/* b64token (RFC 6750 2.1) without the '=' at its end. */
#define TOKEN_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
#define NAME_TEXT_MAX (apr_size_t)(4 * RP_MAX_TOKEN)

/* About the token, not about the user. */
static const char *const token_claims[] = {"active",
                                           "token_type",
                                           "jti",
                                           "exp",
                                           "iat",
                                           "nbf",
                                           "aud",
                                           "azp",
                                           "nonce",
                                           "sid",
                                           "at_hash",
                                           "_claim_names",
                                           "_claim_sources",
                                           NULL};

/* What the steps work on. */
typedef struct {
    rp_env_t *env;
    const rp_request_t *request;
    const char *token;
    const rp_provider_t **providers; /* of the place, NULL-terminated */
    rp_verified_name_t name;
} work_t;

/* --- the header --- */

static apr_status_t refuse_header(rp_env_t *env, const char *why)
{
    return rp_fail(env, RP_E_BEARER_REQUEST, "Authorization: %s", why);
}

/* Behind the next comma that does not stand in quotes; NULL when there is none. */
static const char *next_item(const char *value)
{
    int quoted = 0;

    for (; *value; value++) {
        if (*value == ',' && !quoted) {
            return value + strspn(value, ", \t");
        }
        if (*value == '\\' && quoted && value[1]) {
            value++;
        } else if (*value == '"') {
            quoted = !quoted;
        }
    }
    return NULL;
}

static int is_bearer(const char *value)
{
    return strncasecmp(value, SCHEME, SCHEME_LEN) == 0 &&
           (!value[SCHEME_LEN] || strchr(" \t,", value[SCHEME_LEN]));
}

/* httpd joins two headers with a comma, which a token cannot have. What stands in quotes belongs to
 * a credential of another kind (Digest). */
static int names_bearer_later(const char *value)
{
    for (value = next_item(value); value; value = next_item(value)) {
        if (is_bearer(value)) {
            return 1;
        }
    }
    return 0;
}

apr_status_t rp_bearer_read(const char **token, rp_env_t *env, const rp_request_t *request)
{
    const char *value = request->authorization;

    *token = NULL;
    if (!value) {
        return APR_NOTFOUND;
    }
    if (!is_bearer(value)) {
        return names_bearer_later(value) ? refuse_header(env, "two credentials") : APR_NOTFOUND;
    }
    *token = value + SCHEME_LEN + strspn(value + SCHEME_LEN, " ");
    return APR_SUCCESS;
}

/* RFC 6750 2.1. Not asked about a token that is known to be good. */
static apr_status_t check_form(rp_env_t *env, const char *token)
{
    apr_size_t len = strspn(token, TOKEN_CHARS);

    if (len == 0) {
        return refuse_header(env, "no token");
    }
    len += strspn(token + len, "=");
    if (token[len]) {
        return refuse_header(env, "a character that no token has, or two credentials");
    }
    return APR_SUCCESS;
}

/* --- what a verdict depends on --- */

static void put_text(rp_buf_t *buf, const char *text)
{
    rp_buf_put(buf, text, strlen(text) + 1);
}

/* Token, then providers and audience with their numbers, so that no two lists look the same. */
static apr_status_t make_name(work_t *work)
{
    const apr_array_header_t *audience = work->request->place->audience;
    rp_env_t *env = work->env;
    rp_buf_t buf;

    rp_buf_init(&buf, NAME_TEXT_MAX, env->pool);
    put_text(&buf, work->token);
    for (const rp_provider_t **provider = work->providers; *provider; provider++) {
        put_text(&buf, (*provider)->name);
        put_text(&buf, (*provider)->context);
        rp_buf_put_number(&buf, (*provider)->signing_algs, 4);
        rp_buf_put_number(&buf, (apr_uint64_t)(*provider)->clock_skew, 4);
    }
    rp_buf_put_number(&buf, (apr_uint64_t)audience->nelts, 4);
    for (int i = 0; i < audience->nelts; i++) {
        put_text(&buf, APR_ARRAY_IDX(audience, i, const char *));
    }
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        return rp_fail(env, RP_E_INTERNAL, "what a token is checked for is too long");
    }
    work->name.text = buf.data;
    work->name.len = buf.len;
    work->name.context = work->request->site->realm.context;
    return APR_SUCCESS;
}

/* --- the record --- */

static apr_status_t fill_record(rp_record_t *record, rp_env_t *env, const rp_metadata_t *metadata,
                                const rp_access_token_t *token)
{
    apr_int64_t exp = rp_access_token_exp(token);
    apr_int64_t auth_time = rp_access_token_auth_time(token);
    json_t *claims = rp_json_keep(json_object(), env->pool);
    apr_status_t rv;

    memset(record, 0, sizeof(*record));
    rv = rp_grant_issuer(&record->issuer, env, metadata);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    record->provider = metadata->provider->name;
    record->context = metadata->provider->context;
    record->subject = rp_access_token_sub(token);
    record->acr = rp_access_token_acr(token);
    record->scope = rp_access_token_scope(token);
    record->token_issued = rp_now(env);
    record->token_expires = exp >= 0 ? apr_time_from_sec(exp) : 0;
    /* When the user signed in is not when the token was issued: not said, it was long ago. */
    record->auth_time = auth_time > 0 ? apr_time_from_sec(auth_time) : 0;
    record->authenticated = record->auth_time;
    json_object_update(claims, (json_t *)(intptr_t)rp_access_token_claims(token));
    return rp_grant_claims(record, env, claims, token_claims);
}

static apr_status_t take(rp_session_t **session, work_t *work, const rp_metadata_t *metadata,
                         const rp_access_token_t *token)
{
    rp_record_t record;
    apr_status_t rv = fill_record(&record, work->env, metadata, token);

    return rv == APR_SUCCESS ? rp_verified_put(session, work->env, &work->name, &record) : rv;
}

/* --- who judges --- */

static const rp_provider_t *find_provider(const work_t *work)
{
    const char *issuer;

    if (rp_access_token_issuer(&issuer, work->env, work->token) != APR_SUCCESS) {
        return NULL;
    }
    for (const rp_provider_t **provider = work->providers; *provider; provider++) {
        if ((*provider)->issuer && strcmp((*provider)->issuer, issuer) == 0) {
            return *provider;
        }
    }
    return NULL;
}

static apr_status_t check_jwt(rp_session_t **session, work_t *work, const rp_provider_t *provider)
{
    const rp_metadata_t *metadata;
    rp_access_token_t *token;
    apr_status_t rv;

    if ((rv = rp_metadata_get(&metadata, work->env, provider)) != APR_SUCCESS ||
        (rv = rp_access_token_check(&token, work->env, metadata, work->token,
                                    work->request->place->audience)) != APR_SUCCESS) {
        return rv;
    }
    return take(session, work, metadata, token);
}

/* APR_NOTFOUND when none offers it. */
static apr_status_t find_introspection(const rp_metadata_t **metadata, const work_t *work)
{
    for (const rp_provider_t **provider = work->providers; *provider; provider++) {
        apr_status_t rv = rp_metadata_get(metadata, work->env, *provider);

        if (rv != APR_SUCCESS || rp_introspection_offered(*metadata)) {
            return rv;
        }
    }
    return APR_NOTFOUND;
}

/* How long an answer is remembered, at most; not longer than the token lives. */
static apr_time_t known_until(const work_t *work, const rp_session_t *session)
{
    apr_time_t until = rp_now(work->env) + apr_time_from_sec(RP_BEARER_KNOWN_SECONDS);
    apr_time_t expires = session->record.token_expires;

    return expires && expires < until ? expires : until;
}

/* By the one request that asks. */
static apr_status_t ask(rp_session_t **session, work_t *work, const rp_metadata_t *metadata)
{
    rp_env_t *env = work->env;
    const unsigned char *id = work->name.id;
    rp_access_token_t *token;
    apr_status_t rv =
        rp_introspection_ask(&token, env, metadata, work->token, work->request->place->audience);
    apr_time_t now = rp_now(env);

    if (rv == APR_SUCCESS) {
        rv = take(session, work, metadata, token);
    }
    if (rv == APR_SUCCESS) {
        rp_asked_end(env->asked, id, RP_ASK_GOOD, known_until(work, *session));
    } else if (env->error.id == RP_E_BEARER_TOKEN) {
        rp_asked_end(env->asked, id, RP_ASK_REFUSED,
                     now + apr_time_from_sec(RP_BEARER_REFUSED_SECONDS));
    } else {
        rp_asked_end(env->asked, id, RP_ASK_FAILED,
                     now + apr_time_from_sec(RP_BEARER_FAILED_SECONDS));
    }
    return rv;
}

static apr_status_t fail_unasked(rp_env_t *env, rp_ask_t why)
{
    if (why == RP_ASK_REFUSED) {
        return rp_fail(env, RP_E_BEARER_TOKEN, "the provider refused the token a moment ago");
    }
    return rp_fail(env, RP_E_BEARER_UNAVAILABLE, "%s",
                   why == RP_ASK_FULL ? "the provider refused too many tokens lately to be asked "
                                        "about another"
                   : why == RP_ASK_FAILED ? "the provider did not answer a moment ago"
                                          : "waited too long for another request");
}

/* Asks, or waits for the request that does. */
static apr_status_t ask_or_wait(rp_session_t **session, rp_wait_t *wait, work_t *work,
                                const rp_metadata_t *metadata)
{
    rp_ask_t answer = RP_ASK_BUSY;
    apr_interval_time_t limit = metadata->provider->http.total_timeout + apr_time_from_sec(1);
    rp_env_t *env = work->env;

    while (wait->waited <= limit) {
        apr_time_t now = rp_now(env);

        answer = rp_asked_begin(env->asked, work->name.id, now, now + 2 * limit);
        if (answer == RP_ASK) {
            return ask(session, work, metadata);
        }
        if (answer != RP_ASK_BUSY) {
            return fail_unasked(env, answer);
        }
        if (rp_wait_step(wait, env) != APR_SUCCESS) {
            return RP_FAILED;
        }
        if (rp_verified_get(session, env, &work->name) == APR_SUCCESS) {
            return APR_SUCCESS;
        }
    }
    return fail_unasked(env, answer);
}

static apr_status_t introspect(rp_session_t **session, work_t *work)
{
    const rp_metadata_t *metadata;
    rp_wait_t wait = {0};
    apr_status_t rv = find_introspection(&metadata, work);

    if (rv == APR_NOTFOUND) {
        return rp_fail(work->env, RP_E_BEARER_TOKEN,
                       "no JWT of a provider of this place, none of which offers introspection");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = ask_or_wait(session, &wait, work, metadata);
    rp_wait_end(&wait, work->env, rv != RP_FAILED);
    return rv;
}

/* What the provider cannot help now has one name here; what it got wrong keeps its own. */
static apr_status_t fail(rp_env_t *env)
{
    const rp_error_t cause = env->error;
    const rp_error_row_t *row = rp_error_row(cause.id);

    if (row->fault == RP_FAULT_PROVIDER && row->status == 503 &&
        cause.id != RP_E_BEARER_UNAVAILABLE) {
        rp_forgive(env);
        rp_fail(env, RP_E_BEARER_UNAVAILABLE, "OA-%d: %s", (int)cause.id,
                cause.detail ? cause.detail : "");
    }
    return RP_FAILED;
}

static apr_status_t judge(rp_session_t **session, work_t *work)
{
    const rp_provider_t *provider = find_provider(work);
    apr_status_t rv = provider ? check_jwt(session, work, provider) : introspect(session, work);

    return rv == APR_SUCCESS ? rv : fail(work->env);
}

apr_status_t rp_bearer_session(rp_session_t **session, rp_env_t *env, const rp_request_t *request,
                               const char *token)
{
    work_t work = {.env = env, .request = request, .token = token};
    apr_status_t rv;

    *session = NULL;
    if (strlen(token) > RP_MAX_TOKEN) {
        return refuse_header(env, "the token is too long");
    }
    work.providers = rp_site_place_providers(request->site, request->place, env->pool);
    if (!work.providers[0]) {
        return rp_fail(env, RP_E_PROVIDER_NONE, "OAuthAccept bearer has no provider");
    }
    rv = make_name(&work);
    if (rv == APR_SUCCESS) {
        rv = rp_verified_get(session, env, &work.name);
    }
    if (rv == APR_NOTFOUND) {
        rv = check_form(env, token);
        rv = rv == APR_SUCCESS ? judge(session, &work) : rv;
    }
    if (rv == APR_SUCCESS && *session) {
        (*session)->record.access_token = token;
    }
    return rv;
}

/* --- challenges --- */

const char *rp_bearer_challenge(const rp_env_t *env)
{
    switch (env->error.id) {
    case RP_E_BEARER_TOKEN:
        return "error=\"invalid_token\", "
               "error_description=\"The access token is not accepted here\"";
    case RP_E_BEARER_REQUEST:
        return "error=\"invalid_request\", error_description=\"One well-formed credential, "
               "please\"";
    default:
        return NULL;
    }
}

/* RFC 6750 3: a list of scopes, which no quoted-string has to escape. */
static int is_scope_list(const char *scope)
{
    for (; *scope; scope++) {
        if (*scope < ' ' || *scope > '~' || *scope == '"' || *scope == '\\') {
            return 0;
        }
    }
    return 1;
}

const char *rp_bearer_challenge_scope(const char *scope, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "error=\"insufficient_scope\"",
                       is_scope_list(scope) ? ", scope=\"" : NULL, scope, "\"", NULL);
}
