#include "rp_secret_exec.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <signal.h>

/* A program that asks somebody a question, or hangs, must not keep httpd from starting for ever. */
#define TIME_LIMIT (10 * APR_USEC_PER_SEC)
#define POLL_STEP apr_time_from_msec(5)

static apr_status_t start(apr_proc_t *process, char **argv, apr_pool_t *pool)
{
    apr_procattr_t *attributes;
    apr_file_t *nothing;
    apr_status_t rv = apr_procattr_create(&attributes, pool);

    if (rv == APR_SUCCESS) {
        rv = apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV);
    }
    /* Reports a program that cannot be run to this process, rather than by an exit status. */
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_error_check_set(attributes, 1);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_open(&nothing, "/dev/null", APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_procattr_child_in_set(attributes, nothing, NULL);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_proc_create(process, argv[0], (const char *const *)argv, NULL, attributes, pool);
    }
    return rv;
}

/* Up to the end of the output, to size bytes, or to the deadline. */
static apr_status_t read_output(unsigned char *data, apr_size_t *len, apr_size_t size,
                                apr_file_t *out, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;

    *len = 0;
    while (rv == APR_SUCCESS && *len < size) {
        apr_interval_time_t left = deadline - apr_time_now();
        apr_size_t n = size - *len;

        rv = left > 0 ? apr_file_pipe_timeout_set(out, left) : APR_TIMEUP;
        if (rv == APR_SUCCESS) {
            rv = apr_file_read(out, data + *len, &n);
        }
        if (rv == APR_SUCCESS) {
            *len += n;
        }
    }
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

/* Waits for the end of the process, which is killed when it does not come in time. */
static apr_status_t finish(int *code, apr_exit_why_e *end, apr_proc_t *process, apr_time_t deadline)
{
    apr_status_t rv = apr_proc_wait(process, code, end, APR_NOWAIT);

    while (rv == APR_CHILD_NOTDONE && apr_time_now() < deadline) {
        apr_sleep(POLL_STEP);
        rv = apr_proc_wait(process, code, end, APR_NOWAIT);
    }
    if (rv == APR_CHILD_DONE) {
        return APR_SUCCESS;
    }
    if (rv != APR_CHILD_NOTDONE) {
        return rv;
    }
    apr_proc_kill(process, SIGKILL);
    apr_proc_wait(process, code, end, APR_WAIT);
    return APR_TIMEUP;
}

static apr_status_t collect(unsigned char *data, apr_size_t *len, apr_size_t size,
                            apr_proc_t *process, const char **why)
{
    apr_time_t deadline = apr_time_now() + TIME_LIMIT;
    apr_exit_why_e end = APR_PROC_EXIT;
    int code = 0;
    apr_status_t read_rv = read_output(data, len, size, process->out, deadline);
    apr_status_t rv;

    /* Closed first: a program that has more to say ends by SIGPIPE. */
    apr_file_close(process->out);
    rv = finish(&code, &end, process, read_rv == APR_SUCCESS ? deadline : 0);
    if (APR_STATUS_IS_TIMEUP(read_rv) || APR_STATUS_IS_TIMEUP(rv)) {
        *why = "did not end within ten seconds";
        return APR_TIMEUP;
    }
    if (read_rv != APR_SUCCESS || rv != APR_SUCCESS) {
        *why = "could not be read from";
        return read_rv != APR_SUCCESS ? read_rv : rv;
    }
    if (*len == size) {
        *why = "prints more than a secret may have";
        return APR_EINVAL;
    }
    if (!APR_PROC_CHECK_EXIT(end) || code != 0) {
        *why = "failed: it has to exit with 0";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

static apr_status_t run(unsigned char *data, apr_size_t *len, apr_size_t size, char **argv,
                        const char **why, apr_pool_t *pool)
{
    apr_proc_t process;
    apr_status_t rv = start(&process, argv, pool);

    if (rv != APR_SUCCESS) {
        *why = "cannot be run";
        return rv;
    }
    return collect(data, len, size, &process, why);
}

apr_status_t rp_secret_exec(unsigned char *data, apr_size_t *len, apr_size_t size,
                            const char *command, apr_pool_t *pool, const char **why)
{
    const char *what = NULL;
    apr_pool_t *own;
    apr_status_t rv;
    char **argv;

    *len = 0;
    rv = apr_pool_create(&own, pool);
    if (rv != APR_SUCCESS) {
        *why = "out of memory";
        return rv;
    }
    if (apr_tokenize_to_argv(command, &argv, own) != APR_SUCCESS || !argv[0] || *argv[0] != '/') {
        *why = "exec: has to be followed by the absolute path of a program and its arguments";
        rv = APR_EINVAL;
    } else {
        rv = run(data, len, size, argv, &what, own);
        if (rv != APR_SUCCESS) {
            /* The program alone: its arguments may be confidential. */
            *why = apr_psprintf(pool, "exec:%s %s", argv[0], what);
        }
    }
    apr_pool_destroy(own);
    return rv;
}
