/* The client's secret and keys, as they are now: what was read when httpd started, or what the
 * files have had since then (rp_followed.h). */
#ifndef RP_CREDENTIALS_H
#define RP_CREDENTIALS_H

#include "../base/rp_env.h"
#include "rp_provider.h"

/* Reads the file of a line of OAuthClientKey. *key in pool. A status with *why in words for the
 * administrator, in pool, that name the file. */
apr_status_t rp_credentials_read_key(const rp_private_key_t **key, const rp_client_key_t *line,
                                     apr_pool_t *pool, const char **why);

/* Makes provider->credentials, for a process that is going to serve. */
apr_status_t rp_credentials_follow(rp_provider_t *provider, apr_pool_t *pool);

/* The secret; its data is NULL when there is none. Valid as long as env->pool. */
const rp_secret_t *rp_credentials_secret(rp_env_t *env, const rp_provider_t *provider);

/* The n-th key (from 0; 0 signs). NULL: there is no n-th. Valid as long as env->pool. */
const rp_private_key_t *rp_credentials_key(rp_env_t *env, const rp_provider_t *provider, int n);

#endif
