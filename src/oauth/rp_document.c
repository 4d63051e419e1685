#include "rp_document.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../io/rp_wait.h"
#include "rp_document_copy.h"
#include "rp_document_lease.h"

/* A fetch may ask two well-known addresses one after the other. */
#define CALLS_PER_FETCH 2

static apr_interval_time_t lease_time(const rp_document_t *document)
{
    return CALLS_PER_FETCH * document->provider->http.total_timeout + apr_time_from_sec(1);
}

/* Asking again while the provider is broken: hardly ever when there is a copy to live on, and soon
 * when logins fail without, but not as often as logins come. */
static apr_interval_time_t pause_time(const rp_generation_t *known)
{
    return apr_time_from_sec(known ? RP_METADATA_PAUSE_SECONDS : RP_METADATA_RETRY_SECONDS);
}

static apr_time_t lifetime(apr_int64_t max_age)
{
    if (max_age < 0) {
        return apr_time_from_sec(RP_METADATA_DEFAULT_SECONDS);
    }
    if (max_age < RP_METADATA_MIN_SECONDS) {
        return apr_time_from_sec(RP_METADATA_MIN_SECONDS);
    }
    return apr_time_from_sec(max_age < RP_METADATA_MAX_SECONDS ? max_age : RP_METADATA_MAX_SECONDS);
}

static int is_fresh(const rp_env_t *env, const rp_generation_t *known)
{
    return known && rp_now(env) < known->expires;
}

/* 1 when nobody has to wait for a newer one. */
static int serves(const rp_env_t *env, const rp_generation_t *known, const rp_document_t *document)
{
    return known && rp_now(env) < known->expires + apr_time_from_sec(document->type->stale);
}

static int is_due(const rp_env_t *env, const rp_generation_t *known)
{
    return rp_now(env) >= known->expires - (known->expires - known->fetched) / 5;
}

/* What this process has, NULL when that cannot serve. */
static const rp_generation_t *look_into_cache(rp_env_t *env, const rp_document_t *document)
{
    const rp_generation_t *known = rp_provider_cache_get(
        document->provider->cache, document->type->slot, document->source, env->pool);

    return known && rp_document_is_usable(env, known->fetched) ? known : NULL;
}

/* Parses a copy, and lets this process use it. *known keeps its value when that fails. */
static apr_status_t adopt(const rp_generation_t **known, rp_env_t *env,
                          const rp_document_t *document, const rp_document_copy_t *copy)
{
    rp_generation_t *generation = rp_generation_make(document->source, env->pool);
    apr_status_t rv;

    if (!generation) {
        rp_fail(env, RP_E_INTERNAL, "no memory for the %s", document->type->what);
        return RP_FAILED;
    }
    generation->fetched = copy->fetched;
    generation->expires = copy->expires;
    rv = document->type->parse(&generation->parsed, env, document, &copy->text, generation->pool);
    if (rv != APR_SUCCESS) {
        rp_generation_drop(generation);
        return rv;
    }
    rp_provider_cache_put(document->provider->cache, document->type->slot, generation);
    *known = rp_generation_lend(generation, env->pool);
    return APR_SUCCESS;
}

/* Takes over what the store has when it is newer than what this process has. A copy that does not
 * parse (made under another configuration) is as good as none: it will be fetched again. */
static apr_status_t look_into_store(const rp_generation_t **known, rp_env_t *env,
                                    const rp_document_t *document)
{
    const rp_error_t before = env->error;
    rp_document_copy_t copy;
    apr_status_t rv = rp_document_copy_load(&copy, env, document);

    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv == APR_SUCCESS && (!*known || copy.fetched > (*known)->fetched) &&
        adopt(known, env, document, &copy) != APR_SUCCESS) {
        rp_debug(env, "the store's copy of the %s is of no use", document->type->what);
        env->error = before;
    }
    return APR_SUCCESS;
}

static void look_into_file(const rp_generation_t **known, rp_env_t *env,
                           const rp_document_t *document)
{
    const rp_error_t before = env->error;
    rp_document_copy_t copy;

    if (rp_document_copy_load_file(&copy, env, document) == APR_SUCCESS &&
        adopt(known, env, document, &copy) == APR_SUCCESS) {
        rp_document_copy_save(env, document, &copy);
    }
    env->error = before;
}

/* Fetches, and keeps what came once it was found good. */
static apr_status_t obtain(const rp_generation_t **known, rp_env_t *env,
                           const rp_document_t *document)
{
    rp_document_copy_t copy;
    apr_status_t rv = document->type->fetch(&copy.text, env, document);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    copy.fetched = rp_now(env);
    copy.expires = copy.fetched + lifetime(copy.text.max_age);
    rv = adopt(known, env, document, &copy);
    if (rv == APR_SUCCESS && !document->local) {
        rp_document_copy_save(env, document, &copy);
        rp_document_copy_save_file(env, document, &copy);
    }
    return rv;
}

/* A failure that somebody can live with; env->error becomes what it was before. */
static void get_over(rp_env_t *env, const rp_document_t *document, const rp_error_t *before)
{
    rp_debug(env, "the %s could not be fetched (OA-%d: %s); the last good copy is used",
             document->type->what, (int)env->error.id, env->error.detail ? env->error.detail : "");
    env->error = *before;
}

/* Fetches under the lease. Without success *known, or the file, has to do. */
static apr_status_t fetch_with_lease(const rp_generation_t **known, rp_env_t *env,
                                     const rp_document_t *document)
{
    const rp_error_t before = env->error;
    apr_status_t rv = obtain(known, env, document);

    if (rv == APR_SUCCESS) {
        rp_document_lease_end(env, document, RP_LEASE_FETCH);
        return rv;
    }
    if (!*known) {
        look_into_file(known, env, document);
    }
    rp_document_lease_pause(env, document, RP_LEASE_FETCH, pause_time(*known), &env->error);
    if (!*known) {
        return rv;
    }
    get_over(env, document, &before);
    return APR_SUCCESS;
}

/* Somebody else's fetch failed a moment ago. */
static apr_status_t fail_as_before(rp_env_t *env, const rp_error_t *cause)
{
    return rp_fail(env, cause->id != RP_E_NONE ? cause->id : RP_E_PROVIDER_UNREACHABLE,
                   "%s (of another request's attempt; none is made within %d seconds after it)",
                   cause->detail, RP_METADATA_RETRY_SECONDS);
}

/* Somebody else fetches or just failed to. APR_SUCCESS when *known can be used, APR_EAGAIN when it
 * is worth looking again after a while. */
static apr_status_t judge_lease(const rp_generation_t **known, rp_env_t *env,
                                const rp_document_t *document)
{
    rp_lease_t lease;
    apr_status_t rv = rp_document_lease_read(&lease, env, document, RP_LEASE_FETCH);

    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv == APR_NOTFOUND || lease.busy) {
        return APR_EAGAIN;
    }
    if (!*known) {
        look_into_file(known, env, document);
    }
    return *known ? APR_SUCCESS : fail_as_before(env, &lease.cause);
}

/* Waited as long as may be, or as others let. */
static apr_status_t fall_back(const rp_generation_t **known, rp_env_t *env,
                              const rp_document_t *document, const rp_error_t *before)
{
    if (!*known) {
        look_into_file(known, env, document);
    }
    if (*known) {
        env->error = *before;
        return APR_SUCCESS;
    }
    return rp_fail(env, RP_E_PROVIDER_TIMEOUT, "another request's fetch of the %s did not end",
                   document->type->what);
}

static apr_status_t bring_or_wait(const rp_generation_t **known, rp_wait_t *wait, rp_env_t *env,
                                  const rp_document_t *document)
{
    apr_interval_time_t limit = document->provider->http.total_timeout;
    const rp_error_t before = env->error;
    apr_status_t rv;

    while (wait->waited <= limit) {
        rv = rp_document_lease_take(env, document, RP_LEASE_FETCH, lease_time(document));
        if (rv == APR_SUCCESS) {
            return fetch_with_lease(known, env, document);
        }
        if (rv == RP_CONFLICT) {
            rv = judge_lease(known, env, document);
        }
        if (rv != APR_EAGAIN) {
            return rv;
        }
        if (rp_wait_step(wait, env) != APR_SUCCESS) {
            break;
        }
        rv = look_into_store(known, env, document);
        if (rv != APR_SUCCESS || is_fresh(env, *known)) {
            return rv;
        }
    }
    return fall_back(known, env, document, &before);
}

/* Nothing fresh is known: fetches, or waits for whoever does. */
static apr_status_t bring(const rp_generation_t **known, rp_env_t *env,
                          const rp_document_t *document)
{
    rp_wait_t wait = {0};
    apr_status_t rv = bring_or_wait(known, &wait, env, document);

    rp_wait_end(&wait, env, is_fresh(env, *known));
    return rv;
}

/* One request in all processes has the copy renewed, by another thread. When none is free, which
 * is so while many calls hang, a later request has it tried again. */
static void renew_ahead(rp_env_t *env, const rp_document_t *document)
{
    const rp_error_t before = env->error;
    const rp_document_job_t job = {.provider = document->provider};

    if (rp_document_lease_take(env, document, RP_LEASE_FETCH, lease_time(document)) ==
            APR_SUCCESS &&
        env->ops->defer(env->ctx, document->type->renew, &job, sizeof(job)) != APR_SUCCESS) {
        rp_document_lease_end(env, document, RP_LEASE_FETCH);
    }
    env->error = before;
}

void rp_document_renew(rp_env_t *env, const rp_document_t *document)
{
    const rp_generation_t *known = look_into_cache(env, document);

    fetch_with_lease(&known, env, document);
}

static apr_status_t get_local(const rp_generation_t **known, rp_env_t *env,
                              const rp_document_t *document)
{
    const rp_error_t before = env->error;
    apr_status_t rv = obtain(known, env, document);

    if (rv != APR_SUCCESS && *known) {
        get_over(env, document, &before);
        return APR_SUCCESS;
    }
    return rv;
}

static apr_status_t get_shared(const rp_generation_t **known, rp_env_t *env,
                               const rp_document_t *document)
{
    int usable = is_fresh(env, *known);
    const rp_error_t before = env->error;
    apr_status_t rv = look_into_store(known, env, document);

    if (rv != APR_SUCCESS && usable) {
        env->error = before;
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!serves(env, *known, document)) {
        return bring(known, env, document);
    }
    if (is_due(env, *known)) {
        renew_ahead(env, document);
    }
    return APR_SUCCESS;
}

apr_status_t rp_document_get(const void **parsed, rp_env_t *env, const rp_document_t *document)
{
    const rp_generation_t *known = look_into_cache(env, document);
    apr_status_t rv = APR_SUCCESS;

    *parsed = NULL;
    if (!is_fresh(env, known) || is_due(env, known)) {
        rv = document->local ? get_local(&known, env, document) : get_shared(&known, env, document);
    }
    if (rv == APR_SUCCESS && known) {
        *parsed = known->parsed;
    }
    return rv;
}

/* Waits while another request fetches anew. */
static void await_refetch(const rp_generation_t **known, rp_env_t *env,
                          const rp_document_t *document)
{
    apr_interval_time_t limit = document->provider->http.total_timeout;
    const rp_generation_t *old = *known;
    rp_wait_t wait = {0};
    rp_lease_t lease;

    while (rp_document_lease_read(&lease, env, document, RP_LEASE_REFETCH) == APR_SUCCESS &&
           look_into_store(known, env, document) == APR_SUCCESS && *known == old && lease.busy &&
           wait.waited <= limit && rp_wait_step(&wait, env) == APR_SUCCESS) {
    }
    rp_wait_end(&wait, env, *known != old);
}

static apr_status_t refetch(const rp_generation_t **known, rp_env_t *env,
                            const rp_document_t *document)
{
    const rp_generation_t *old = *known;
    apr_status_t rv = look_into_store(known, env, document);

    if (rv != APR_SUCCESS || *known != old) {
        return rv;
    }
    rv = rp_document_lease_take(env, document, RP_LEASE_REFETCH,
                                apr_time_from_sec(RP_JWKS_REFETCH_SECONDS));
    if (rv == RP_CONFLICT) {
        await_refetch(known, env, document);
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        rv = obtain(known, env, document);
        rp_document_lease_pause(env, document, RP_LEASE_REFETCH,
                                apr_time_from_sec(RP_JWKS_REFETCH_SECONDS), &env->error);
    }
    return rv;
}

apr_status_t rp_document_refetch(const void **parsed, rp_env_t *env, const rp_document_t *document)
{
    const rp_error_t before = env->error;
    const rp_generation_t *known = look_into_cache(env, document);

    if (!known) {
        return rp_document_get(parsed, env, document);
    }
    if (refetch(&known, env, document) != APR_SUCCESS) {
        get_over(env, document, &before);
    }
    env->error = before;
    *parsed = known->parsed;
    return APR_SUCCESS;
}
