#include "rp_jobs.h"

#include <apr_thread_pool.h>
#include <stdlib.h>
#include <string.h>

/* Refreshes are bounded by the provider's answer, so that a few threads serve many users; what
 * does not fit is done by the next request that needs it. */
#define MAX_THREADS 4
#define MAX_WAITING 64

struct rp_jobs_t {
    apr_thread_pool_t *threads;
    rp_jobs_env_fn *fill;
};

typedef struct {
    rp_jobs_t *jobs;
    void *ctx;
    rp_job_fn *fn;
    unsigned char data[];
} job_t;

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *opaque)
{
    job_t *job = opaque;
    apr_pool_t *pool = NULL;

    (void)thread;
    /* A pool without a parent: the threads of a child share no allocator. */
    if (apr_pool_create_ex(&pool, NULL, NULL, NULL) == APR_SUCCESS) {
        rp_env_t env;

        apr_pool_tag(pool, "auth_oauth job");
        memset(&env, 0, sizeof(env));
        env.pool = pool;
        job->jobs->fill(&env, job->ctx);
        job->fn(&env, job->data);
        apr_pool_destroy(pool);
    }
    free(job);
    return NULL;
}

apr_status_t rp_jobs_make(rp_jobs_t **jobs, rp_jobs_env_fn *fill, apr_pool_t *pool)
{
    *jobs = apr_pcalloc(pool, sizeof(**jobs));
    (*jobs)->fill = fill;
    return apr_thread_pool_create(&(*jobs)->threads, 0, MAX_THREADS, pool);
}

apr_status_t rp_jobs_defer(rp_jobs_t *jobs, void *ctx, rp_job_fn *fn, const void *data,
                           apr_size_t len)
{
    job_t *job;
    apr_status_t rv;

    if (apr_thread_pool_tasks_count(jobs->threads) >= MAX_WAITING) {
        return APR_EAGAIN;
    }
    job = malloc(sizeof(*job) + len);
    if (!job) {
        return APR_EAGAIN;
    }
    job->jobs = jobs;
    job->ctx = ctx;
    job->fn = fn;
    memcpy(job->data, data, len);
    rv = apr_thread_pool_push(jobs->threads, run, job, APR_THREAD_TASK_PRIORITY_NORMAL, jobs);
    if (rv != APR_SUCCESS) {
        free(job);
        return APR_EAGAIN;
    }
    return APR_SUCCESS;
}
