/* The environment of unit tests: a clock that the test sets, random numbers that repeat, debug
 * lines that are kept, deferred work that runs when the test says so. HTTP and store are plugged
 * in by the test (test_http.h, test_store.h). */
#ifndef TEST_ENV_H
#define TEST_ENV_H

/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/base/rp_env.h"

#define TEST_JOBS_MAX 16

typedef struct {
    rp_job_fn *fn;
    void *data;
} test_job_t;

typedef struct {
    rp_env_t env;
    apr_time_t now;
    int real_time; /* 1: the system's clock, for tests with real servers */
    apr_uint64_t random_state;
    /* Outside calls made so far, and the one that fails (0: none); see test_env_outside(). */
    int calls;
    int fail_at;
    test_job_t jobs[TEST_JOBS_MAX];
    int job_count;
} test_env_t;

/* Makes an environment in a pool of its own. now is 2026-01-01T00:00:00Z. */
test_env_t *test_env_make(void);
void test_env_destroy(test_env_t *test);

/* Moves the clock, to a request that has not waited for anything yet. */
void test_env_advance(test_env_t *test, int seconds);

/* Counts an outside call; returns 1 when this is the one that has to fail. Called by the
 * environment's own operations and by the scripted HTTP and store. */
int test_env_outside(test_env_t *test);

/* Runs the deferred jobs, each with this environment. */
void test_env_run_jobs(test_env_t *test);

/* Fails the test unless the recorded cause is id, and forgets it. */
void test_env_expect_error(test_env_t *test, rp_error_id_t id);

#endif
