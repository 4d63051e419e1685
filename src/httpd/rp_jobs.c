#include "rp_jobs.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <stdlib.h>
#include <string.h>

#include "rp_signals.h"

/* Refreshes are bounded by the provider's answer, so that a few threads serve many users; what
 * does not fit is done by the next request that needs it. */
#define MAX_THREADS 4
#define MAX_WAITING 64

typedef struct job_t {
    struct job_t *next;
    void *ctx;
    rp_job_fn *fn;
    unsigned char data[];
} job_t;

/* Everything below lock is changed under it. */
struct rp_jobs_t {
    rp_jobs_env_fn *fill;
    rp_jobs_report_fn *report;
    apr_pool_t *pool; /* for threads only, so that nobody else uses it */
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *wake; /* there is a job, or it is time to end */
    job_t *first;
    job_t *last;
    int waiting; /* jobs in the list */
    int idle;    /* threads that wait for one */
    int count;   /* threads */
    int stopping;
    apr_thread_t *threads[MAX_THREADS];
};

static void run(rp_jobs_t *jobs, job_t *job)
{
    apr_pool_t *pool = NULL;

    /* A pool without a parent: the threads of a child share no allocator. */
    if (apr_pool_create_ex(&pool, NULL, NULL, NULL) == APR_SUCCESS) {
        rp_env_t env;

        apr_pool_tag(pool, "auth_oauth job");
        memset(&env, 0, sizeof(env));
        env.pool = pool;
        jobs->fill(&env, job->ctx);
        job->fn(&env, job->data);
        if (env.error.id != RP_E_NONE) {
            jobs->report(&env, job->ctx);
        }
        apr_pool_destroy(pool);
    }
    free(job);
}

/* Called with the lock held. */
static job_t *take(rp_jobs_t *jobs)
{
    job_t *job = jobs->first;

    if (job) {
        jobs->first = job->next;
        jobs->last = job->next ? jobs->last : NULL;
        jobs->waiting--;
    }
    return job;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *opaque)
{
    rp_jobs_t *jobs = opaque;

    (void)thread;
    apr_thread_mutex_lock(jobs->lock);
    while (!jobs->stopping) {
        job_t *job = take(jobs);

        if (job) {
            apr_thread_mutex_unlock(jobs->lock);
            run(jobs, job);
            apr_thread_mutex_lock(jobs->lock);
        } else {
            jobs->idle++;
            apr_thread_cond_wait(jobs->wake, jobs->lock);
            jobs->idle--;
        }
    }
    apr_thread_mutex_unlock(jobs->lock);
    return NULL;
}

/* Before the pool's other cleanups: what the jobs use is still there. */
static apr_status_t stop(void *opaque)
{
    rp_jobs_t *jobs = opaque;
    job_t *job;

    apr_thread_mutex_lock(jobs->lock);
    jobs->stopping = 1;
    apr_thread_cond_broadcast(jobs->wake);
    apr_thread_mutex_unlock(jobs->lock);
    for (int i = 0; i < jobs->count; i++) {
        apr_status_t ignored;

        apr_thread_join(&ignored, jobs->threads[i]);
    }
    for (job = take(jobs); job; job = take(jobs)) {
        free(job);
    }
    return APR_SUCCESS;
}

apr_status_t rp_jobs_make(rp_jobs_t **jobs, rp_jobs_env_fn *fill, rp_jobs_report_fn *report,
                          apr_pool_t *pool)
{
    rp_jobs_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv = apr_pool_create(&made->pool, pool);

    *jobs = NULL;
    made->fill = fill;
    made->report = report;
    if (rv == APR_SUCCESS) {
        rv = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&made->wake, pool);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pool, made, stop);
        *jobs = made;
    }
    return rv;
}

/* Called with the lock held, and with signals held back, which the thread inherits. */
static void start_thread(rp_jobs_t *jobs)
{
    if (apr_thread_create(&jobs->threads[jobs->count], NULL, work, jobs, jobs->pool) ==
        APR_SUCCESS) {
        jobs->count++;
    }
}

/* Adds the job, with a thread for it where none is free; 0 when there is no room. Called with the
 * lock held. */
static int add(rp_jobs_t *jobs, job_t *job)
{
    if (jobs->stopping || jobs->waiting >= MAX_WAITING) {
        return 0;
    }
    if (jobs->idle <= jobs->waiting && jobs->count < MAX_THREADS) {
        start_thread(jobs);
    }
    if (jobs->count == 0) {
        return 0;
    }
    if (jobs->last) {
        jobs->last->next = job;
    } else {
        jobs->first = job;
    }
    jobs->last = job;
    jobs->waiting++;
    apr_thread_cond_signal(jobs->wake);
    return 1;
}

apr_status_t rp_jobs_defer(rp_jobs_t *jobs, void *ctx, rp_job_fn *fn, const void *data,
                           apr_size_t len)
{
    job_t *job = malloc(sizeof(*job) + len);
    sigset_t saved;
    int added;

    if (!job) {
        return APR_EAGAIN;
    }
    job->next = NULL;
    job->ctx = ctx;
    job->fn = fn;
    memcpy(job->data, data, len);
    /* stop() may run in a signal handler on this very thread. */
    rp_signals_hold(&saved);
    apr_thread_mutex_lock(jobs->lock);
    added = add(jobs, job);
    apr_thread_mutex_unlock(jobs->lock);
    rp_signals_release(&saved);
    if (!added) {
        free(job);
    }
    return added ? APR_SUCCESS : APR_EAGAIN;
}
