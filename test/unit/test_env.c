#include "test_env.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#define START APR_TIME_C(1767225600)

static apr_time_t now(void *ctx)
{
    const test_env_t *test = ctx;

    return test->real_time ? apr_time_now() : test->now;
}

/* A 64-bit linear congruential generator: repeatable, which is all a test wants. */
static apr_status_t random_bytes(void *ctx, unsigned char *out, apr_size_t len)
{
    test_env_t *test = ctx;

    if (test_env_outside(test)) {
        return APR_EGENERAL;
    }
    for (apr_size_t i = 0; i < len; i++) {
        test->random_state = test->random_state * 6364136223846793005ULL + 1442695040888963407ULL;
        out[i] = (unsigned char)(test->random_state >> 33);
    }
    return APR_SUCCESS;
}

static void debug(void *ctx, const char *line)
{
    (void)ctx;
    assert_non_null(line);
}

static apr_status_t defer(void *ctx, rp_job_fn *fn, const void *data, apr_size_t len)
{
    test_env_t *test = ctx;

    if (test->job_count == TEST_JOBS_MAX) {
        return APR_EAGAIN;
    }
    test->jobs[test->job_count].fn = fn;
    test->jobs[test->job_count].data = apr_pmemdup(test->env.pool, data, len);
    test->job_count++;
    return APR_SUCCESS;
}

static void pause_thread(void *ctx, apr_interval_time_t duration)
{
    test_env_t *test = ctx;

    if (test->real_time) {
        apr_sleep(duration);
    }
    test->now += duration;
}

static const rp_env_ops_t ops = {
    .now = now,
    .random = random_bytes,
    .debug = debug,
    .defer = defer,
    .sleep = pause_thread,
};

test_env_t *test_env_make(void)
{
    apr_pool_t *pool;
    test_env_t *test;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test = apr_pcalloc(pool, sizeof(*test));
    test->now = apr_time_from_sec(START);
    test->random_state = 1;
    test->env.ops = &ops;
    test->env.ctx = test;
    test->env.pool = pool;
    return test;
}

void test_env_destroy(test_env_t *test)
{
    apr_pool_destroy(test->env.pool);
}

void test_env_advance(test_env_t *test, int seconds)
{
    test->now += apr_time_from_sec(seconds);
    test->env.spent = 0;
}

int test_env_outside(test_env_t *test)
{
    test->calls++;
    return test->calls == test->fail_at;
}

void test_env_run_jobs(test_env_t *test)
{
    for (int i = 0; i < test->job_count; i++) {
        test->jobs[i].fn(&test->env, test->jobs[i].data);
    }
    test->job_count = 0;
}

void test_env_expect_error(test_env_t *test, rp_error_id_t id)
{
    assert_string_equal(rp_error_row(test->env.error.id)->name, rp_error_row(id)->name);
    rp_forgive(&test->env);
}
