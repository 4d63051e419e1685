#include "rp_refresh.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../io/rp_wait.h"
#include "../oauth/rp_id_token.h"
#include "../oauth/rp_token.h"

/* What a refresh needs. A provider is configuration, which outlives every job; a site may be the
 * request's own (behind a trusted proxy). For a deferred job there follow: realm.context with its
 * NUL, and session_len bytes of a packed session. */
typedef struct {
    const rp_provider_t *provider;
    rp_session_realm_t realm;
    int revoke; /* 1: tokens of a session that ended meanwhile are revoked */
    apr_uint32_t generation;
    apr_size_t session_len;
} job_t;

static int is_valid(const rp_record_t *record, apr_time_t now)
{
    return record->token_expires == 0 || now < record->token_expires;
}

/* A minute before the end; tokens that live only minutes, after four fifths of their life. */
static int is_due(const rp_record_t *record, apr_time_t now)
{
    apr_interval_time_t life = record->token_expires - record->token_issued;
    apr_time_t early = record->token_expires - apr_time_from_sec(RP_REFRESH_AHEAD_SECONDS);
    apr_time_t late = record->token_issued + life / 5 * 4;

    return record->token_expires != 0 && now >= (early > late ? early : late);
}

/* A refreshed ID Token must continue the session (OpenID Connect Core 12.2). */
static apr_status_t check_id_token(rp_env_t *env, const rp_metadata_t *metadata,
                                   const rp_session_t *session, const rp_token_response_t *response)
{
    const rp_record_t *record = &session->record;
    rp_id_token_previous_t previous = {
        .issuer = record->issuer,
        .sub = record->subject,
        .id_token = record->id_token,
        .auth_time = record->auth_time ? apr_time_sec(record->auth_time) : -1};
    rp_id_token_expect_t expect = {.access_token = response->access_token, .previous = &previous};
    rp_id_token_t *id_token;
    rp_error_t cause;

    if (!response->id_token || metadata->provider->profile != RP_PROFILE_OPENID) {
        return APR_SUCCESS;
    }
    if (rp_id_token_check(&id_token, env, metadata, response->id_token, &expect) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    cause = env->error;
    rp_forgive(env);
    return rp_fail(env, RP_E_REFRESH_ID_TOKEN, "OA-%d: %s", (int)cause.id, cause.detail);
}

/* Asks the provider and keeps what it gave. APR_NOTFOUND: the session ended meanwhile. */
static apr_status_t ask(rp_env_t *env, const job_t *job, rp_session_t *session)
{
    const rp_metadata_t *metadata;
    rp_token_response_t *response;
    rp_session_tokens_t tokens = {0};
    apr_status_t rv;

    if ((rv = rp_session_open_tokens(env, &job->realm, session)) != APR_SUCCESS ||
        (rv = rp_metadata_get(&metadata, env, job->provider)) != APR_SUCCESS ||
        (rv = rp_token_refresh(&response, env, metadata, session->record.refresh_token)) !=
            APR_SUCCESS ||
        (rv = check_id_token(env, metadata, session, response)) != APR_SUCCESS) {
        return rv;
    }
    tokens.access_token = response->access_token;
    tokens.refresh_token = response->refresh_token;
    tokens.id_token = response->id_token;
    tokens.scope = response->scope;
    if (response->expires_in >= 0) {
        tokens.expires = rp_now(env) + apr_time_from_sec(response->expires_in);
    }
    rv = rp_session_renew(env, &job->realm, session, &tokens);
    if (rv == APR_NOTFOUND && job->revoke) {
        /* Logout was quicker and revoked the tokens that it knew; these are newer. */
        rp_token_revoke(env, metadata,
                        response->refresh_token ? response->refresh_token : response->access_token,
                        response->refresh_token ? "refresh_token" : "access_token");
        rp_forgive(env);
    }
    return rv;
}

/* The refresh by whoever holds the lease. APR_SUCCESS with the new tokens in session;
 * APR_NOTFOUND: the session has ended, env->error then says why if the provider ended it;
 * RP_FAILED. */
static apr_status_t refresh(rp_env_t *env, const job_t *job, rp_session_t *session)
{
    apr_status_t rv = ask(env, job, session);
    rp_error_t cause = env->error;

    rp_forgive(env);
    if (rv == RP_FAILED && cause.id == RP_E_REFRESH_GRANT) {
        /* Another process may have used the token that this one had read. */
        rv = rp_session_reload(env, &job->realm, session);
        if (rv == APR_SUCCESS && session->record.token_generation == job->generation) {
            rv = rp_session_end(env, &job->realm, session);
            rv = rv == APR_SUCCESS ? APR_NOTFOUND : rv;
        }
    }
    rp_session_lease_end(env, session, rv == RP_FAILED);
    rp_forgive(env);
    if (rv != APR_SUCCESS) {
        env->error = cause;
    }
    return rv;
}

static void run_job(rp_env_t *env, const void *data)
{
    const char *context = (const char *)data + sizeof(job_t);
    job_t job = *(const job_t *)data;
    rp_session_t *session;
    apr_status_t rv;

    job.realm.context = context;
    rv = rp_session_unpack(&session, env, &job.realm,
                           (const unsigned char *)context + strlen(context) + 1, job.session_len);
    if (!session) {
        return;
    }
    if (rv != APR_SUCCESS || rp_session_open_tokens(env, &job.realm, session) != APR_SUCCESS ||
        session->record.token_generation != job.generation || !session->record.refresh_token) {
        rp_session_lease_end(env, session, 0);
        return;
    }
    refresh(env, &job, session);
}

static apr_status_t defer(rp_env_t *env, job_t *job, const rp_session_t *session)
{
    apr_size_t context_len = strlen(job->realm.context) + 1;
    unsigned char *packed;
    unsigned char *data;
    apr_status_t rv = rp_session_pack(&packed, &job->session_len, env, &job->realm, session);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    data = apr_palloc(env->pool, sizeof(*job) + context_len + job->session_len);
    memcpy(data, job, sizeof(*job));
    memcpy(data + sizeof(*job), job->realm.context, context_len);
    memcpy(data + sizeof(*job) + context_len, packed, job->session_len);
    return env->ops->defer(env->ctx, run_job, data, sizeof(*job) + context_len + job->session_len);
}

/* The old token is still good: somebody refreshes, and this request does not wait. */
static void refresh_ahead(rp_env_t *env, job_t *job, const rp_session_t *session)
{
    if (rp_session_lease_take(env, session) == APR_SUCCESS &&
        defer(env, job, session) != APR_SUCCESS) {
        rp_session_lease_end(env, session, 0);
    }
    rp_forgive(env);
}

/* Turns the cause of a failed refresh into what this request fails with. */
static apr_status_t fail(rp_env_t *env)
{
    rp_error_t cause = env->error;
    rp_error_id_t id =
        rp_error_row(cause.id)->status == 503 ? RP_E_REFRESH_UNAVAILABLE : RP_E_REFRESH_FAILED;

    rp_forgive(env);
    if (cause.id == RP_E_REFRESH_ID_TOKEN || cause.id == RP_E_STORE) {
        id = cause.id;
    }
    return rp_fail(env, id, "OA-%d: %s", (int)cause.id, cause.detail ? cause.detail : "");
}

/* By the holder of the lease. What it read before may be older than the last refresh, whose lease
 * it did not meet: a rotated token must not be used twice. */
static apr_status_t refresh_once(rp_env_t *env, const job_t *job, rp_session_t *session)
{
    apr_status_t rv = rp_session_reload(env, &job->realm, session);

    if (rv != APR_SUCCESS || session->record.token_generation != job->generation) {
        rp_error_t cause = env->error;

        rp_session_lease_end(env, session, 0);
        env->error = cause;
        return rv;
    }
    rv = refresh(env, job, session);
    return rv == RP_FAILED ? fail(env) : rv;
}

static apr_status_t refresh_or_wait(rp_wait_t *wait, rp_env_t *env, const job_t *job,
                                    rp_session_t *session)
{
    apr_interval_time_t limit = 2 * job->provider->http.total_timeout;
    apr_status_t rv;

    while (wait->waited <= limit) {
        rv = rp_session_lease_take(env, session);
        if (rv == APR_SUCCESS) {
            return refresh_once(env, job, session);
        }
        if (rv == APR_EAGAIN) {
            return rp_fail(env, RP_E_REFRESH_UNAVAILABLE, "another request tried and failed");
        }
        if (rv == RP_FAILED) {
            return rv;
        }
        if (rp_wait_step(wait, env) != APR_SUCCESS) {
            return fail(env);
        }
        rv = rp_session_reload(env, &job->realm, session);
        if (rv != APR_SUCCESS || session->record.token_generation != job->generation) {
            return rv;
        }
    }
    return rp_fail(env, RP_E_REFRESH_UNAVAILABLE, "waited too long for another request");
}

/* The old token has expired: this request refreshes, or waits for the one that does. */
static apr_status_t refresh_now(rp_env_t *env, const job_t *job, rp_session_t *session)
{
    rp_wait_t wait = {0};
    apr_status_t rv = refresh_or_wait(&wait, env, job, session);

    rp_wait_end(&wait, env, rv == APR_SUCCESS);
    return rv;
}

static apr_status_t keep_fresh(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    const rp_record_t *record = &reply->session->record;
    apr_time_t now = rp_now(env);
    job_t job = {.realm = request->site->realm, .revoke = request->site->logout_revoke};
    apr_status_t rv;

    if (!is_due(record, now)) {
        return APR_SUCCESS;
    }
    if (job.realm.room.part) {
        /* Somebody may have refreshed whose answer this browser has not got. */
        rv = rp_session_reload(env, &job.realm, reply->session);
        if (rv != APR_SUCCESS || !is_due(record, now)) {
            return rv;
        }
    }
    job.generation = record->token_generation;
    if (!record->refresh_token) {
        /* The provider may well have a session of its own: signing in again is quick. */
        return is_valid(record, now) ? APR_SUCCESS : APR_NOTFOUND;
    }
    job.provider = rp_site_provider(request->site, record->provider);
    if (!job.provider) {
        return rp_fail(env, RP_E_CONFIGURATION_CHANGED, "provider of the session");
    }
    if (is_valid(record, now)) {
        refresh_ahead(env, &job, reply->session);
        return APR_SUCCESS;
    }
    return refresh_now(env, &job, reply->session);
}

apr_status_t rp_refresh_backend_token(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_backend_kind_t kind = request->place->backend.kind;
    apr_status_t rv;

    if (kind == RP_BACKEND_NONE) {
        return APR_SUCCESS;
    }
    if ((rv = rp_session_open_tokens(env, &request->site->realm, reply->session)) != APR_SUCCESS ||
        (rv = keep_fresh(reply, env, request)) != APR_SUCCESS ||
        /* Again, for it may have been read anew. */
        (rv = rp_session_open_tokens(env, &request->site->realm, reply->session)) != APR_SUCCESS) {
        return rv;
    }
    reply->backend_token = kind == RP_BACKEND_ID ? reply->session->record.id_token
                                                 : reply->session->record.access_token;
    if (!reply->backend_token) {
        return rp_fail(env, RP_E_BACKEND_TOKEN, "the session has no %s",
                       kind == RP_BACKEND_ID ? "ID Token" : "access token");
    }
    return APR_SUCCESS;
}
