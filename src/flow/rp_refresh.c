#include "rp_refresh.h"

#include <string.h>

#include "../base/rp_limits.h"
#include "../io/rp_wait.h"
#include "../jose/rp_crypto.h"

#define CALLS 3

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

/* 1 when the session has this access token; its tokens are open. */
static int has_token(const rp_record_t *record, const char *access_token)
{
    return access_token && record->access_token &&
           rp_equal_text(record->access_token, access_token);
}

/* Metadata, keys and the refresh itself, one after the other, and time for the rest. */
static apr_interval_time_t lease_time(const rp_refresh_t *refresh)
{
    return CALLS * refresh->provider->http.total_timeout + apr_time_from_sec(5);
}

/* --- ahead of time --- */

static void run_job(rp_env_t *env, const void *data)
{
    apr_size_t len;
    rp_refresh_t refresh;
    apr_status_t rv;

    memcpy(&len, data, sizeof(len));
    rv = rp_refresh_unpack(&refresh, env, (const char *)data + sizeof(len), len);
    if (!refresh.session) {
        return;
    }
    if (rv != APR_SUCCESS ||
        rp_session_open_tokens(env, &refresh.realm, refresh.session) != APR_SUCCESS ||
        !is_due(&refresh.session->record, rp_now(env)) || !refresh.session->record.refresh_token) {
        rp_session_lease_end(env, refresh.session, 0);
        return;
    }
    rp_refresh_own(env, &refresh);
}

static apr_status_t defer(rp_env_t *env, const rp_refresh_t *refresh)
{
    unsigned char *packed;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv = rp_refresh_pack(&packed, &len, env, refresh);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    data = apr_palloc(env->pool, sizeof(len) + len);
    memcpy(data, &len, sizeof(len));
    memcpy(data + sizeof(len), packed, len);
    return env->ops->defer(env->ctx, run_job, data, sizeof(len) + len);
}

/* The old token is still good: somebody refreshes, and this request does not wait. */
static void refresh_ahead(rp_env_t *env, const rp_refresh_t *refresh)
{
    if (rp_session_lease_take(env, refresh->session, lease_time(refresh)) == APR_SUCCESS &&
        defer(env, refresh) != APR_SUCCESS) {
        rp_session_lease_end(env, refresh->session, 0);
    }
    rp_forgive(env);
}

/* --- now --- */

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

/* One who waits for the lease of a session. */
typedef struct {
    rp_refresh_t *refresh;
    const char *stale;       /* the access token that another would do for; NULL: none would */
    apr_uint32_t generation; /* of the tokens that had it */
} wait_t;

/* Reads the session again. *done: 1 when there is another access token by now; a refresh token may
 * have been used, and rotated, for something else. */
static apr_status_t look(int *done, rp_env_t *env, const wait_t *wait)
{
    rp_session_t *session = wait->refresh->session;
    apr_status_t rv = rp_session_reload(env, &wait->refresh->realm, session);

    *done = 0;
    if (rv != APR_SUCCESS || !wait->stale || session->record.token_generation == wait->generation) {
        return rv;
    }
    rv = rp_session_open_tokens(env, &wait->refresh->realm, session);
    *done = rv == APR_SUCCESS && !has_token(&session->record, wait->stale);
    return rv;
}

/* With the lease: what was read before it may be older than the last refresh, and a rotated token
 * must not be used twice. */
static apr_status_t look_with_lease(int *done, rp_env_t *env, const wait_t *wait)
{
    apr_status_t rv = look(done, env, wait);

    if (rv != APR_SUCCESS || *done) {
        rp_error_t cause = env->error;

        rp_session_lease_end(env, wait->refresh->session, 0);
        env->error = cause;
    }
    return rv;
}

static apr_status_t take_or_wait(int *done, rp_wait_t *turn, rp_env_t *env, const wait_t *wait)
{
    apr_interval_time_t limit = 2 * wait->refresh->provider->http.total_timeout;
    apr_status_t rv;

    *done = 0;
    while (turn->waited <= limit) {
        rv = rp_session_lease_take(env, wait->refresh->session, lease_time(wait->refresh));
        if (rv == APR_SUCCESS) {
            return look_with_lease(done, env, wait);
        }
        if (rv == APR_EAGAIN) {
            return rp_fail(env, RP_E_REFRESH_UNAVAILABLE, "another request tried and failed");
        }
        if (rv == RP_FAILED) {
            return rv;
        }
        if (rp_wait_step(turn, env) != APR_SUCCESS) {
            return fail(env);
        }
        rv = look(done, env, wait);
        if (rv != APR_SUCCESS || *done) {
            return rv;
        }
    }
    return rp_fail(env, RP_E_REFRESH_UNAVAILABLE, "waited too long for another request");
}

/* APR_SUCCESS: this request has the lease, and the session as it is now; or with *done, somebody
 * else has refreshed. */
static apr_status_t wait_for_lease(int *done, rp_env_t *env, const wait_t *wait)
{
    rp_wait_t turn = {0};
    apr_status_t rv = take_or_wait(done, &turn, env, wait);

    rp_wait_end(&turn, env, rv != RP_FAILED);
    return rv;
}

/* The session's access token, which is open, will not do: this request refreshes, or waits for the
 * one that does. */
static apr_status_t refresh_now(rp_env_t *env, rp_refresh_t *refresh)
{
    const rp_record_t *record = &refresh->session->record;
    wait_t wait = {refresh, record->access_token, record->token_generation};
    int done;
    apr_status_t rv = wait_for_lease(&done, env, &wait);

    if (rv == APR_SUCCESS && !done) {
        rv = rp_refresh_own(env, refresh);
        rv = rv == RP_FAILED ? fail(env) : rv;
    }
    /* Again, for it may have been read anew. */
    return rv == APR_SUCCESS ? rp_session_open_tokens(env, &refresh->realm, refresh->session) : rv;
}

/* --- what callers ask --- */

/* Opens the tokens, of what is newest when they are due. */
static apr_status_t open_newest(rp_env_t *env, rp_refresh_t *refresh)
{
    rp_session_t *session = refresh->session;
    apr_status_t rv = rp_session_open_tokens(env, &refresh->realm, session);

    if (rv != APR_SUCCESS || !refresh->realm.room.part || !is_due(&session->record, rp_now(env))) {
        return rv;
    }
    /* Somebody may have refreshed whose answer this browser has not got. */
    rv = rp_session_reload(env, &refresh->realm, session);
    return rv == APR_SUCCESS ? rp_session_open_tokens(env, &refresh->realm, session) : rv;
}

apr_status_t rp_refresh_keep(rp_env_t *env, rp_refresh_t *refresh)
{
    const rp_record_t *record = &refresh->session->record;
    apr_time_t now = rp_now(env);
    apr_status_t rv = open_newest(env, refresh);

    if (rv != APR_SUCCESS || !is_due(record, now)) {
        return rv;
    }
    if (!record->refresh_token) {
        /* The provider may well have a session of its own: signing in again is quick. */
        return is_valid(record, now) ? APR_SUCCESS : APR_NOTFOUND;
    }
    if (is_valid(record, now)) {
        refresh_ahead(env, refresh);
        return APR_SUCCESS;
    }
    return refresh_now(env, refresh);
}

apr_status_t rp_refresh_first(rp_env_t *env, rp_refresh_t *refresh)
{
    const rp_record_t *record = &refresh->session->record;
    apr_status_t rv = open_newest(env, refresh);

    if (rv != APR_SUCCESS || !is_due(record, rp_now(env)) || !record->refresh_token) {
        return rv == APR_SUCCESS && !is_valid(record, rp_now(env)) ? APR_NOTFOUND : rv;
    }
    rv = refresh_now(env, refresh);
    if (rv == RP_FAILED && is_valid(record, rp_now(env))) {
        rp_forgive(env);
        rv = rp_session_open_tokens(env, &refresh->realm, refresh->session);
    }
    return rv;
}

apr_status_t rp_refresh_replace(rp_env_t *env, rp_refresh_t *refresh, const char *used)
{
    const rp_record_t *record = &refresh->session->record;
    apr_time_t now = rp_now(env);
    apr_status_t rv;

    if ((rv = rp_session_reload(env, &refresh->realm, refresh->session)) != APR_SUCCESS ||
        (rv = rp_session_open_tokens(env, &refresh->realm, refresh->session)) != APR_SUCCESS) {
        return rv;
    }
    if (record->access_token && !has_token(record, used) && is_valid(record, now)) {
        return APR_SUCCESS;
    }
    /* A backend that takes no token at all costs one refresh, and then one a minute. */
    if (!record->refresh_token ||
        (record->token_generation != 0 &&
         now - record->token_issued < apr_time_from_sec(RP_TOKEN_REFUSED_SECONDS))) {
        return APR_NOTFOUND;
    }
    return refresh_now(env, refresh);
}

apr_status_t rp_refresh_target(rp_token_response_t **response, rp_env_t *env, rp_refresh_t *refresh,
                               const rp_token_target_t *target)
{
    const wait_t wait = {.refresh = refresh};
    int done;
    apr_status_t rv = wait_for_lease(&done, env, &wait);

    *response = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_session_open_tokens(env, &refresh->realm, refresh->session);
    if (rv == APR_SUCCESS && !refresh->session->record.refresh_token) {
        rv = rp_fail(env, RP_E_BACKEND_TOKEN,
                     "the session has no refresh token, which a token for a resource takes");
    }
    if (rv != APR_SUCCESS) {
        rp_error_t cause = env->error;

        rp_session_lease_end(env, refresh->session, 0);
        env->error = cause;
        return rv;
    }
    return rp_refresh_part(response, env, refresh, target);
}
