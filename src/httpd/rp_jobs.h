/* Deferred work: a few threads of each child process, started when there is something to do. */
#ifndef RP_JOBS_H
#define RP_JOBS_H

#include "../base/rp_env.h"

typedef struct rp_jobs_t rp_jobs_t;

/* Fills the environment of one job; its pool is set already. ctx is what rp_jobs_defer was given.
 */
typedef void rp_jobs_env_fn(rp_env_t *env, void *ctx);

/* Logs the cause in env->error that a job ended with: nobody else will. */
typedef void rp_jobs_report_fn(const rp_env_t *env, void *ctx);

/* Makes the queue, in pool, whose end waits for the job that is under way and drops the others. */
apr_status_t rp_jobs_make(rp_jobs_t **jobs, rp_jobs_env_fn *fill, rp_jobs_report_fn *report,
                          apr_pool_t *pool);

/* As rp_env_ops_t.defer has it: APR_EAGAIN when there is no room. ctx outlives the job. */
apr_status_t rp_jobs_defer(rp_jobs_t *jobs, void *ctx, rp_job_fn *fn, const void *data,
                           apr_size_t len);

#endif
