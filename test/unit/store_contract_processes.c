#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_contract_internal.h"

#define PROCESSES 4
#define ROUNDS 200

static rp_store_key_t counter_key(void)
{
    rp_store_key_t key = {RP_KIND_SESSION, "counter", 7};

    return key;
}

/* Runs work in PROCESSES children at once and waits for them; each exits with 0. */
static void in_processes(const fixture_t *fixture, int (*work)(rp_env_t *env, int process))
{
    pid_t children[PROCESSES];
    int status;

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            alarm(60);
            if (fixture->kind->child) {
                fixture->kind->child(fixture->test);
            }
            _exit(work(fixture->env, i));
        }
        assert_true(children[i] > 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* Adds one to the shared counter unless somebody else is quicker; the first one begins it. */
static apr_status_t add_one(rp_env_t *env)
{
    rp_store_key_t key = counter_key();
    rp_store_value_t value;
    apr_status_t rv = rp_store_get(&value, env, &key);
    int counter = 0;

    if (rv == APR_NOTFOUND) {
        counter++;
        return rp_store_add(env, &key, &counter, sizeof(counter), MINUTE);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(&counter, value.data, sizeof(counter));
    counter++;
    return rp_store_cas(env, &key, value.version, &counter, sizeof(counter), MINUTE);
}

static int count_up(rp_env_t *env, int process)
{
    apr_status_t rv;

    for (int i = 0; i < ROUNDS; i++) {
        do {
            rv = add_one(env);
        } while (rv == RP_CONFLICT);
        if (rv != APR_SUCCESS) {
            return 1 + process;
        }
    }
    return 0;
}

void no_update_is_lost_between_processes(void **state)
{
    fixture_t *fixture = *state;
    rp_store_key_t key = counter_key();
    rp_store_value_t value;
    int counter;

    in_processes(fixture, count_up);
    assert_int_equal(rp_store_get(&value, fixture->env, &key), APR_SUCCESS);
    memcpy(&counter, value.data, sizeof(counter));
    assert_int_equal(counter, PROCESSES * ROUNDS);
}

/* Each process counts what it won in an entry of its own. */
static int note_won(rp_env_t *env, int process, int won)
{
    rp_store_key_t mine = {RP_KIND_INDEX, &process, sizeof(process)};

    return rp_store_set(env, &mine, &won, sizeof(won), MINUTE) != APR_SUCCESS;
}

static void assert_each_was_won_once(rp_env_t *env)
{
    rp_store_value_t value;
    int total = 0;
    int won;

    for (int i = 0; i < PROCESSES; i++) {
        rp_store_key_t key = {RP_KIND_INDEX, &i, sizeof(i)};

        assert_int_equal(rp_store_get(&value, env, &key), APR_SUCCESS);
        memcpy(&won, value.data, sizeof(won));
        total += won;
    }
    assert_int_equal(total, ROUNDS);
}

/* Each process tries to take the same leases. */
static int take_leases(rp_env_t *env, int process)
{
    apr_status_t rv;
    int won = 0;

    for (int i = 0; i < ROUNDS; i++) {
        rp_store_key_t key = {RP_KIND_LEASE, &i, sizeof(i)};

        rv = rp_store_add(env, &key, &process, sizeof(process), MINUTE);
        if (rv != APR_SUCCESS && rv != RP_CONFLICT) {
            return 1;
        }
        won += rv == APR_SUCCESS;
    }
    return note_won(env, process, won);
}

void one_process_alone_gets_each_lease(void **state)
{
    fixture_t *fixture = *state;

    in_processes(fixture, take_leases);
    assert_each_was_won_once(fixture->env);
}

static int delete_all(rp_env_t *env, int process)
{
    apr_status_t rv;
    int won = 0;

    for (int i = 0; i < ROUNDS; i++) {
        rp_store_key_t key = {RP_KIND_LEASE, &i, sizeof(i)};

        rv = rp_store_delete(env, &key);
        if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
            return 1;
        }
        won += rv == APR_SUCCESS;
    }
    return note_won(env, process, won);
}

void one_process_alone_deletes_each_entry(void **state)
{
    fixture_t *fixture = *state;

    for (int i = 0; i < ROUNDS; i++) {
        rp_store_key_t key = {RP_KIND_LEASE, &i, sizeof(i)};

        assert_int_equal(rp_store_add(fixture->env, &key, "x", 1, MINUTE), APR_SUCCESS);
    }
    in_processes(fixture, delete_all);
    assert_each_was_won_once(fixture->env);
}
