/* In the store, under the token's name (rp_shared_token_entry.c):
 *
 *     RP_KIND_TOKEN, name        the token, sealed
 *     RP_KIND_TOKEN, name + 'f'  how many attempts have failed in a row (1)
 *     RP_KIND_LEASE, name        who asks the provider, or that it failed a moment ago */
#include "rp_shared_token.h"

#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../io/rp_lease.h"
#include "../io/rp_wait.h"
#include "../jose/rp_crypto.h"
#include "rp_shared_token_internal.h"

/* Words and a session. */
#define JOB_MAX (apr_size_t)(4 * RP_MAX_TOKEN + 3 * RP_MAX_SESSION_RECORD)

static void remember(rp_token_work_t *work, const rp_shared_token_t *token)
{
    rp_token_cache_put(work->env->tokens, work->packed, work->packed_len, token, work->used);
}

/* --- when --- */

static int is_good(const rp_shared_token_t *token, apr_time_t now)
{
    return now < token->expires;
}

/* As a session's access token: a minute before the end, or after four fifths of a short life. */
static int is_due(const rp_shared_token_t *token, apr_time_t now)
{
    apr_time_t early = token->expires - apr_time_from_sec(RP_REFRESH_AHEAD_SECONDS);
    apr_time_t late = token->issued + (token->expires - token->issued) / 5 * 4;

    return now >= (early > late ? early : late);
}

static apr_interval_time_t lease_time(const rp_token_work_t *work)
{
    return work->wish->kind->calls * work->wish->provider->http.total_timeout +
           apr_time_from_sec(5);
}

/* --- asking the provider, with the lease --- */

/* One more failure in a row, and how long to wait. */
static apr_interval_time_t count_failure(rp_token_work_t *work)
{
    rp_store_key_t key = {RP_KIND_TOKEN, work->name, RP_SHA256 + 1};
    const rp_error_t cause = work->env->error;
    unsigned char count = 0;
    rp_store_value_t value;
    apr_int64_t seconds;

    if (rp_store_get(&value, work->env, &key) == APR_SUCCESS && value.len == 1) {
        count = value.data[0];
    }
    seconds = count < 6 ? APR_INT64_C(1) << count : RP_TOKEN_PAUSE_MAX_SECONDS;
    count = (unsigned char)(count < 6 ? count + 1 : count);
    rp_store_set(work->env, &key, &count, sizeof(count),
                 apr_time_from_sec(RP_TOKEN_FAILURES_SECONDS));
    work->env->error = cause;
    return apr_time_from_sec(seconds);
}

static void forget_failures(rp_token_work_t *work)
{
    rp_store_key_t key = {RP_KIND_TOKEN, work->name, RP_SHA256 + 1};

    rp_store_delete(work->env, &key);
    rp_forgive(work->env);
}

static apr_status_t ask(rp_shared_token_t *token, rp_token_work_t *work, apr_time_t refused)
{
    const rp_token_wish_t *wish = work->wish;
    rp_token_response_t *response;
    apr_time_t now;
    apr_status_t rv = wish->kind->fetch(&response, work->env, wish);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    now = rp_now(work->env);
    token->value = response->access_token;
    token->issued = now;
    token->expires = now + apr_time_from_sec(response->expires_in >= 0 ? response->expires_in
                                                                       : RP_TOKEN_DEFAULT_SECONDS);
    token->refused = refused;
    if (wish->until && wish->until < token->expires) {
        token->expires = wish->until;
    }
    return rp_token_keep(token, work);
}

static apr_status_t ask_with_lease(rp_shared_token_t *token, rp_token_work_t *work,
                                   apr_time_t refused)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_LEASE);
    apr_status_t rv = ask(token, work, refused);

    if (rv == APR_NOTFOUND) {
        rp_lease_end(work->env, &key);
        return rv;
    }
    if (rv != APR_SUCCESS) {
        rp_lease_pause(work->env, &key, count_failure(work), &work->env->error);
        return RP_FAILED;
    }
    forget_failures(work);
    rp_lease_end(work->env, &key);
    remember(work, token);
    return APR_SUCCESS;
}

static apr_status_t fail_as_before(rp_env_t *env, const rp_error_t *cause)
{
    return rp_fail(env, cause->id, "not tried again yet: %s",
                   cause->detail ? cause->detail : "no detail");
}

/* What the caller that did not get the lease has to do: wait (APR_SUCCESS), or fail as whoever had
 * it did. */
static apr_status_t judge_lease(rp_token_work_t *work)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_LEASE);
    rp_lease_t lease;
    apr_status_t rv = rp_lease_read(&lease, work->env, &key);

    if (rv == APR_NOTFOUND || (rv == APR_SUCCESS && lease.busy)) {
        return APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? fail_as_before(work->env, &lease.cause) : rv;
}

/* 1 when this is a token to go on with, which the one that was refused is not. */
static int serves(const rp_shared_token_t *token, const char *used, apr_time_t now)
{
    return is_good(token, now) && !(used && rp_equal_text(token->value, used));
}

/* Looks again, with the lease or without: whoever had it before may have left a token. APR_EAGAIN:
 * somebody else is at it. */
static apr_status_t try_now(rp_shared_token_t *token, rp_token_work_t *work, const char *used)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_LEASE);
    rp_env_t *env = work->env;
    apr_status_t taken = rp_lease_take(env, &key, lease_time(work));
    apr_status_t rv = taken == RP_FAILED ? RP_FAILED : rp_token_look(token, work);

    if (rv == APR_SUCCESS && serves(token, used, rp_now(env))) {
        if (taken == APR_SUCCESS) {
            rp_lease_end(env, &key);
        }
        remember(work, token);
        return APR_SUCCESS;
    }
    if (rv == RP_FAILED) {
        return rv;
    }
    if (taken == APR_SUCCESS) {
        return ask_with_lease(token, work, used ? rp_now(env) : 0);
    }
    rv = judge_lease(work);
    return rv == APR_SUCCESS ? APR_EAGAIN : rv;
}

static apr_status_t get_or_wait(rp_shared_token_t *token, rp_wait_t *wait, rp_token_work_t *work,
                                const char *used)
{
    apr_interval_time_t limit = lease_time(work);
    rp_env_t *env = work->env;

    while (wait->waited <= limit) {
        apr_status_t rv = try_now(token, work, used);

        if (rv != APR_EAGAIN || (rv = rp_wait_step(wait, env)) != APR_SUCCESS) {
            return rv;
        }
    }
    return rp_fail(env, RP_E_PROVIDER_TIMEOUT, "waited too long for another request");
}

/* There is no token that serves: this request gets one, or waits for the one that does. */
static apr_status_t get_now(rp_shared_token_t *token, rp_token_work_t *work, const char *used)
{
    rp_wait_t wait = {0};
    apr_status_t rv = get_or_wait(token, &wait, work, used);

    rp_wait_end(&wait, work->env, rv != RP_FAILED);
    return rv;
}

/* --- renewal ahead --- */

/* Under a lease that was taken by whoever deferred this. */
static void renew(rp_token_work_t *work)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_LEASE);
    rp_shared_token_t token;
    apr_status_t rv = rp_token_look(&token, work);

    if (rv == APR_SUCCESS && is_good(&token, rp_now(work->env)) &&
        !is_due(&token, rp_now(work->env))) {
        remember(work, &token);
        rp_lease_end(work->env, &key);
        return;
    }
    ask_with_lease(&token, work, 0);
}

/* For another thread: this, packed_len bytes of the wish, and its subject. */
typedef struct {
    apr_time_t until;
    apr_size_t packed_len;
    apr_size_t subject_len;
} job_t;

/* Whatever comes of it, the lease is given back. */
static void renew_with_subject(rp_token_work_t *work, rp_token_wish_t *wish, const void *subject,
                               apr_size_t len)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_LEASE);

    if (wish->kind->unpack && wish->kind->unpack(wish, work->env, subject, len) != APR_SUCCESS) {
        rp_lease_end(work->env, &key);
        return;
    }
    renew(work);
}

static void run_job(rp_env_t *env, const void *data)
{
    const unsigned char *packed = (const unsigned char *)data + sizeof(job_t);
    rp_token_wish_t wish;
    rp_token_work_t work;
    job_t job;

    memcpy(&job, data, sizeof(job));
    rp_token_unpack(&wish, env, packed);
    wish.until = job.until;
    if (rp_token_begin(&work, env, &wish) == APR_SUCCESS && rp_token_name(&work) == APR_SUCCESS) {
        renew_with_subject(&work, &wish, packed + job.packed_len, job.subject_len);
    }
}

static apr_status_t defer(rp_token_work_t *work)
{
    const rp_token_wish_t *wish = work->wish;
    job_t job = {.until = wish->until, .packed_len = work->packed_len};
    rp_env_t *env = work->env;
    unsigned char *subject = NULL;
    rp_buf_t data;

    if (wish->kind->pack &&
        wish->kind->pack(&subject, &job.subject_len, env, wish) != APR_SUCCESS) {
        return RP_FAILED;
    }
    rp_buf_init(&data, JOB_MAX, env->pool);
    rp_buf_put(&data, &job, sizeof(job));
    rp_buf_put(&data, work->packed, work->packed_len);
    rp_buf_put(&data, subject, job.subject_len);
    return rp_buf_status(&data) == APR_SUCCESS
               ? env->ops->defer(env->ctx, run_job, data.data, data.len)
               : RP_FAILED;
}

/* The old token is still good: somebody renews it, and this request does not wait. */
static void renew_ahead(rp_token_work_t *work)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_LEASE);
    rp_env_t *env = work->env;

    if (rp_token_name(work) == APR_SUCCESS &&
        rp_lease_take(env, &key, lease_time(work)) == APR_SUCCESS && defer(work) != APR_SUCCESS) {
        rp_lease_end(env, &key);
    }
    /* With a good token in hand nothing of this concerns the request. */
    rp_forgive(env);
}

/* --- what callers ask --- */

/* 1 when the process's copy is what the store has, or need not be compared. */
static int is_current(const rp_shared_token_t *token, rp_env_t *env)
{
    rp_store_key_t key = {RP_KIND_TOKEN, token->name, RP_SHA256};
    apr_time_t now = rp_now(env);
    rp_store_value_t value;
    apr_status_t rv;

    if (!is_good(token, now)) {
        return 0;
    }
    if (env->store != env->local) {
        return now - token->looked < apr_time_from_sec(RP_TOKEN_LOOK_SECONDS);
    }
    rv = token->version ? rp_store_get_newer(&value, env, &key, token->version) : APR_NOTFOUND;
    return rv == APR_SUCCESS && !value.data;
}

/* The process's copy, else what the store has. */
static apr_status_t find(rp_shared_token_t *token, rp_token_work_t *work)
{
    rp_token_cache_t *cache = work->env->tokens;
    apr_status_t rv;

    rv = rp_token_cache_get(token, cache, work->packed, work->packed_len, work->env->pool);
    if (rv == APR_SUCCESS && is_current(token, work->env)) {
        return APR_SUCCESS;
    }
    rp_forgive(work->env);
    rv = rp_token_look(token, work);
    if (rv == APR_SUCCESS) {
        remember(work, token);
    } else {
        rp_token_cache_drop(cache, work->packed, work->packed_len);
    }
    return rv;
}

/* What the request fails with, which says whose matter it is. */
static apr_status_t fail(rp_env_t *env, const rp_token_kind_t *kind)
{
    const rp_error_t cause = env->error;
    const rp_error_row_t *row = rp_error_row(cause.id);

    if (row->fault == RP_FAULT_SERVER || cause.id == RP_E_BACKEND_TOKEN ||
        cause.id == RP_E_EXCHANGE_REFUSED) {
        return RP_FAILED;
    }
    rp_forgive(env);
    return rp_fail(env, row->status == 503 ? kind->unavailable : kind->failed, "OA-%d: %s",
                   (int)cause.id, cause.detail ? cause.detail : "");
}

static apr_status_t get(rp_shared_token_t *found, rp_token_work_t *work)
{
    rp_env_t *env = work->env;
    apr_status_t rv = find(found, work);

    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv != APR_SUCCESS || !is_good(found, rp_now(env))) {
        return get_now(found, work, NULL);
    }
    if (is_due(found, rp_now(env))) {
        renew_ahead(work);
    }
    return APR_SUCCESS;
}

apr_status_t rp_shared_token_get(const char **token, rp_env_t *env, const rp_token_wish_t *wish)
{
    rp_shared_token_t found;
    rp_token_work_t work;
    apr_status_t rv = rp_token_begin(&work, env, wish);

    *token = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    work.used = 1;
    rv = get(&found, &work);
    *token = rv == APR_SUCCESS ? found.value : NULL;
    return rv == RP_FAILED ? fail(env, wish->kind) : rv;
}

static void forget(rp_token_work_t *work)
{
    const rp_error_t cause = work->env->error;
    rp_store_key_t key = rp_token_key(work, RP_KIND_TOKEN);

    rp_store_delete(work->env, &key);
    rp_token_cache_drop(work->env->tokens, work->packed, work->packed_len);
    work->env->error = cause;
}

static apr_status_t replace(rp_shared_token_t *found, rp_token_work_t *work, const char *used)
{
    apr_time_t now = rp_now(work->env);
    apr_status_t rv = rp_token_look(found, work);

    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv == APR_SUCCESS && !serves(found, used, now) && found->refused &&
        now - found->refused < apr_time_from_sec(RP_TOKEN_REFUSED_SECONDS)) {
        return APR_NOTFOUND;
    }
    rv = get_now(found, work, used);
    if (rv != APR_SUCCESS) {
        forget(work);
    }
    return rv;
}

apr_status_t rp_shared_token_replace(const char **token, rp_env_t *env, const rp_token_wish_t *wish,
                                     const char *used)
{
    rp_shared_token_t found;
    rp_token_work_t work;
    apr_status_t rv = rp_token_begin(&work, env, wish);

    *token = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    work.used = 1;
    rv = replace(&found, &work, used);
    *token = rv == APR_SUCCESS ? found.value : NULL;
    return rv == RP_FAILED ? fail(env, wish->kind) : rv;
}

static void tend_one(rp_env_t *env, const void *packed)
{
    rp_token_wish_t wish;
    rp_token_work_t work;

    rp_token_unpack(&wish, env, packed);
    /* What takes a user, a request of the user's brings. */
    if (!wish.kind->pack && rp_token_begin(&work, env, &wish) == APR_SUCCESS) {
        renew_ahead(&work);
    }
}

void rp_shared_token_tend(rp_env_t *env)
{
    rp_shared_token_t token;
    void *packed;
    apr_status_t rv = APR_SUCCESS;

    for (int n = 0; rv != APR_NOTFOUND; n++) {
        rv = rp_token_cache_visit(&packed, &token, env->tokens, n, env->pool);
        if (rv == APR_SUCCESS && is_good(&token, rp_now(env)) && is_due(&token, rp_now(env))) {
            tend_one(env, packed);
        }
    }
}
