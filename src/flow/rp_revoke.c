#include "rp_revoke.h"

#include <string.h>

#include "../jose/rp_crypto.h"
#include "../oauth/rp_token.h"

/* What the deferred work needs, in one piece, since it is copied. The provider is configuration,
 * which outlives every job. */
typedef struct {
    const rp_provider_t *provider;
    apr_size_t access_at; /* where in text the access token begins; the refresh token is at 0 */
    char text[];          /* both, each followed by a NUL; "" for none */
} job_t;

static apr_status_t give_back(rp_env_t *env, const job_t *job)
{
    const rp_metadata_t *metadata;
    const char *access_token = job->text + job->access_at;
    apr_status_t rv = rp_metadata_get(&metadata, env, job->provider);

    /* The refresh token first: with it most providers drop the whole grant. */
    if (rv == APR_SUCCESS && job->text[0]) {
        rv = rp_token_revoke(env, metadata, job->text, "refresh_token");
    }
    if (rv == APR_SUCCESS && access_token[0]) {
        rv = rp_token_revoke(env, metadata, access_token, "access_token");
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* What fails stays in env->error, for the log. */
static void run(rp_env_t *env, const void *data)
{
    give_back(env, data);
}

apr_status_t rp_revoke(rp_env_t *env, const rp_provider_t *provider, const rp_session_t *session)
{
    const char *refresh_token = session->record.refresh_token ? session->record.refresh_token : "";
    const char *access_token = session->record.access_token ? session->record.access_token : "";
    apr_size_t refresh_size = strlen(refresh_token) + 1;
    apr_size_t access_size = strlen(access_token) + 1;
    apr_size_t size = sizeof(job_t) + refresh_size + access_size;
    job_t *job = apr_palloc(env->pool, size);
    apr_status_t rv = APR_SUCCESS;

    job->provider = provider;
    job->access_at = refresh_size;
    memcpy(job->text, refresh_token, refresh_size);
    memcpy(job->text + refresh_size, access_token, access_size);
    if (env->ops->defer(env->ctx, run, job, size) != APR_SUCCESS) {
        rv = give_back(env, job);
    }
    rp_wipe(job, size);
    return rv;
}
