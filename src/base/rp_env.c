#include "rp_env.h"

#include <apr_strings.h>
#include <stdarg.h>

apr_time_t rp_now(const rp_env_t *env)
{
    return env->ops->now(env->ctx);
}

apr_status_t rp_random(rp_env_t *env, unsigned char *out, apr_size_t len)
{
    if (env->ops->random(env->ctx, out, len) != APR_SUCCESS) {
        return rp_fail(env, RP_E_RANDOM, "no %" APR_SIZE_T_FMT " random bytes", len);
    }
    return APR_SUCCESS;
}

void rp_debug(rp_env_t *env, const char *format, ...)
{
    va_list args;

    /* The module leaves the operation out when nobody listens, which saves the formatting. */
    if (!env->ops->debug) {
        return;
    }
    va_start(args, format);
    env->ops->debug(env->ctx, apr_pvsprintf(env->pool, format, args));
    va_end(args);
}

apr_status_t rp_fail(rp_env_t *env, rp_error_id_t id, const char *format, ...)
{
    va_list args;

    if (env->error.id == RP_E_NONE) {
        va_start(args, format);
        env->error.id = id;
        env->error.detail = apr_pvsprintf(env->pool, format, args);
        va_end(args);
    }
    return RP_FAILED;
}

void rp_forgive(rp_env_t *env)
{
    env->error.id = RP_E_NONE;
    env->error.detail = NULL;
}
