/* Processes that die at the worst moments: while they hold a lock, in the middle of a record, and
 * at any single instruction of any operation. */
#include <apr_strings.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io_groups.h"
#include "store_audit.h"

#define MIB ((apr_size_t)1024 * 1024)
#define HOUR apr_time_from_sec(3600)
#define WORKERS 4
/* A sanitizer makes each new process dear, and sees no more in the last of them. */
#ifdef __SANITIZE_ADDRESS__
#define KILLS 100
#else
#define KILLS 300
#endif
#define KEYS_PER_WORKER 12
#define BYSTANDERS 200

typedef struct {
    test_env_t *test;
    rp_env_t *env;
} fixture_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_pcalloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    *state = fixture;
    /* A hang is a failure, not a test that never ends; on a busy machine some take long. */
    alarm(300);
    return 0;
}

static int teardown(void **state)
{
    alarm(0);
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static rp_store_shm_stats_t stats_of(const rp_env_t *env)
{
    rp_store_shm_stats_t stats;

    rp_store_shm_stats(&stats, env->store);
    return stats;
}

static rp_store_key_t key_of(const int *number)
{
    rp_store_key_t key = {RP_KIND_SESSION, number, sizeof(*number)};

    return key;
}

/* Each byte of a value is the same and its length follows from it: a mixture of two is noticed. */
static apr_size_t length_of(unsigned char byte)
{
    return 500 + (apr_size_t)byte * 37;
}

static apr_status_t put(rp_env_t *env, int number, unsigned char byte)
{
    unsigned char data[500 + 255 * 37];
    rp_store_key_t key = key_of(&number);

    memset(data, byte, length_of(byte));
    return rp_store_set(env, &key, data, length_of(byte), HOUR);
}

/* The byte of an entry; -1: there is none; -2: it is not what was written. */
static int byte_of(rp_env_t *env, int number)
{
    rp_store_key_t key = key_of(&number);
    apr_pool_t *pool = env->pool;
    rp_store_value_t value;
    apr_status_t rv;
    int byte = -2;

    apr_pool_create(&env->pool, pool);
    rv = rp_store_get(&value, env, &key);
    if (rv == APR_NOTFOUND) {
        byte = -1;
    } else if (rv == APR_SUCCESS && value.len == length_of(value.data[0])) {
        byte = value.data[0];
        for (apr_size_t i = 0; i < value.len; i++) {
            byte = value.data[i] == byte ? byte : -2;
        }
    }
    apr_pool_destroy(env->pool);
    env->pool = pool;
    return byte;
}

static void kill_and_wait(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* What a process has done when it dies in the middle of writing a record. */
static apr_status_t begin_record(const rp_shm_shard_t *shard)
{
    rp_shm_block_t *block;
    uint32_t at;

    if (rp_shm_find_free(&at, shard, 100) != APR_SUCCESS ||
        rp_shm_take(shard, at, 100) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    block = rp_shm_at(shard, at);
    block->len = 1400;
    block->key_len = 4;
    memset(rp_shm_key(block), 0xee, 700);
    return APR_SUCCESS;
}

/* A child that takes the lock of the shard where an entry belongs, writes half a record if asked
 * to, and is killed. */
static void die_with_lock(rp_env_t *env, int number, int writing)
{
    rp_store_key_t key = key_of(&number);
    const rp_shm_shard_t *shard = store_shard(env->store, &key);
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (rp_shm_lock(shard, rp_now(env)) == APR_SUCCESS &&
            (!writing || begin_record(shard) == APR_SUCCESS)) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void the_lock_of_a_dead_process_goes_to_the_next(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;

    env->store = store_open(fixture->test, NULL, MIB, NULL, env->pool);
    assert_int_equal(put(env, 1, 10), APR_SUCCESS);
    for (int i = 0; i < 3; i++) {
        die_with_lock(env, 1, 0);
        assert_int_equal(byte_of(env, 1), 10);
    }
    assert_int_equal(stats_of(env).recovered, 3);
    store_audit(env->store, NULL);
}

static void a_torn_record_is_dropped_and_nothing_else(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    rp_store_shm_stats_t before;

    env->store = store_open(fixture->test, NULL, MIB, NULL, env->pool);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(put(env, i, (unsigned char)i), APR_SUCCESS);
    }
    before = stats_of(env);
    die_with_lock(env, 1000, 1);
    assert_int_equal(byte_of(env, 1000), -1);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(byte_of(env, i), i);
    }
    assert_int_equal(stats_of(env).bytes_used, before.bytes_used);
    assert_int_equal(stats_of(env).recovered, 1);
    store_audit(env->store, NULL);
}

static void a_torn_record_in_a_file_is_dropped_at_the_next_start(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    const char *path = store_path(env->pool);
    rp_store_shm_attached_t attached;
    apr_pool_t *pool;

    apr_pool_create(&pool, env->pool);
    env->store = store_open(fixture->test, path, MIB, NULL, pool);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(put(env, i, (unsigned char)i), APR_SUCCESS);
    }
    die_with_lock(env, 1000, 1);
    apr_pool_destroy(pool);
    env->store = store_open(fixture->test, path, MIB, &attached, env->pool);
    assert_int_equal(attached.kept, 50);
    assert_int_equal(attached.dropped, 1);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(byte_of(env, i), i);
    }
    store_audit(env->store, NULL);
}

/* A stopped process is alive, so its lock cannot be taken; the others fail in time. */
static void a_holder_that_does_not_move_costs_a_time_limit(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    int one = 1;
    rp_store_key_t key = key_of(&one);
    const rp_shm_shard_t *shard;
    apr_time_t start;
    char byte = 0;
    int ready[2];
    pid_t child;

    env->store = store_open(fixture->test, NULL, MIB, NULL, env->pool);
    assert_int_equal(put(env, 1, 10), APR_SUCCESS);
    shard = store_shard(env->store, &key);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        if (rp_shm_lock(shard, 0) != APR_SUCCESS || write(ready[1], &byte, 1) != 1) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    start = apr_time_now();
    assert_int_equal(byte_of(env, 1), -2);
    test_env_expect_error(fixture->test, RP_E_STORE);
    assert_true(apr_time_now() - start < apr_time_from_sec(RP_SHM_LOCK_SECONDS + 1));
    kill_and_wait(child);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(byte_of(env, 1), 10);
}

/* Rewrites its own entries, for ever; leaves when something is not as it has to be. */
static void work(rp_env_t *env, int worker, uint32_t random)
{
    for (;;) {
        int number = worker * 1000 + (int)(random >> 8) % KEYS_PER_WORKER;
        int byte = byte_of(env, number);

        if (byte < 0 || put(env, number, (unsigned char)(random >> 24)) != APR_SUCCESS) {
            _exit(1);
        }
        random = random * 1664525U + 1013904223U;
    }
}

static pid_t start_worker(rp_env_t *env, int worker, uint32_t random)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        work(env, worker, random);
    }
    assert_true(child > 0);
    return child;
}

static void expect_bystanders(rp_env_t *env)
{
    for (int i = 0; i < BYSTANDERS; i++) {
        assert_int_equal(byte_of(env, 100000 + i), i % 100);
    }
}

/* Kills workers under load, and looks after each whether it died of that and what it left. */
static void kill_workers(rp_env_t *env, pid_t *children)
{
    uint32_t random = 7;
    apr_time_t start;
    int status;
    int worker;

    for (int i = 0; i < KILLS; i++) {
        random = random * 1664525U + 1013904223U;
        worker = i % WORKERS;
        usleep(500 + (random >> 8) % 6000);
        assert_int_equal(kill(children[worker], SIGKILL), 0);
        assert_int_equal(waitpid(children[worker], &status, 0), children[worker]);
        /* One that had left by itself had found an entry missing or mixed. */
        assert_true(WIFSIGNALED(status));
        start = apr_time_now();
        for (int k = 0; k < KEYS_PER_WORKER; k++) {
            assert_true(byte_of(env, worker * 1000 + k) >= 0);
        }
        assert_int_equal(byte_of(env, 100000 + i % BYSTANDERS), i % BYSTANDERS % 100);
        assert_true(apr_time_now() - start < apr_time_from_sec(2));
        children[worker] = start_worker(env, worker, random);
    }
}

static void nobody_loses_anything_when_processes_are_killed_under_load(void **state)
{
    fixture_t *fixture = *state;
    rp_env_t *env = fixture->env;
    const char *path = store_path(env->pool);
    rp_store_shm_attached_t attached;
    pid_t children[WORKERS];
    apr_pool_t *pool;

    apr_pool_create(&pool, env->pool);
    env->store = store_open(fixture->test, path, 6 * MIB, NULL, pool);
    for (int i = 0; i < BYSTANDERS; i++) {
        assert_int_equal(put(env, 100000 + i, (unsigned char)(i % 100)), APR_SUCCESS);
    }
    for (int i = 0; i < WORKERS; i++) {
        for (int k = 0; k < KEYS_PER_WORKER; k++) {
            assert_int_equal(put(env, i * 1000 + k, 1), APR_SUCCESS);
        }
        children[i] = start_worker(env, i, (uint32_t)i);
    }
    kill_workers(env, children);
    for (int i = 0; i < WORKERS; i++) {
        kill_and_wait(children[i]);
    }
    expect_bystanders(env);
    assert_int_equal(stats_of(env).evicted, 0);
    /* Else no kill hit what this test is about. */
    assert_true(stats_of(env).recovered > 0);
    store_audit(env->store, NULL);
    apr_pool_destroy(pool);
    env->store = store_open(fixture->test, path, 6 * MIB, &attached, env->pool);
    assert_int_equal(attached.created, 0);
    assert_int_equal(attached.kept, BYSTANDERS + WORKERS * KEYS_PER_WORKER);
    expect_bystanders(env);
    store_audit(env->store, NULL);
}

/* One operation: the entry it changes had the byte before, and has the byte after. */
typedef struct {
    const char *what;
    apr_status_t (*act)(rp_env_t *env);
    int number;
    int before; /* -1: there is none */
    int after;
    int full; /* 1: in a store that has to evict for it */
} step_t;

static apr_status_t replace_it(rp_env_t *env)
{
    return put(env, 1, 2);
}

static apr_status_t make_another(rp_env_t *env)
{
    return put(env, 2, 3);
}

static apr_status_t remove_entry(rp_env_t *env, int number)
{
    rp_store_key_t key = key_of(&number);

    return rp_store_delete(env, &key);
}

static apr_status_t delete_it(rp_env_t *env)
{
    return remove_entry(env, 1);
}

static apr_status_t get_it(rp_env_t *env)
{
    int number = 1;
    rp_store_key_t key = key_of(&number);
    rp_store_value_t value;

    return rp_store_get(&value, env, &key);
}

static apr_status_t compare_and_set_it(rp_env_t *env)
{
    unsigned char data[500 + 4 * 37];
    int number = 1;
    rp_store_key_t key = key_of(&number);
    rp_store_value_t value;

    memset(data, 4, sizeof(data));
    if (rp_store_get(&value, env, &key) != APR_SUCCESS) {
        return APR_EGENERAL;
    }
    return rp_store_cas(env, &key, value.version, data, sizeof(data), HOUR);
}

static const step_t steps[] = {
    {"set of an entry that is there", replace_it, 1, 1, 2, 0},
    {"set of an entry that is not", make_another, 2, -1, 3, 0},
    {"delete", delete_it, 1, 1, -1, 0},
    {"get", get_it, 1, 1, 1, 0},
    {"compare and set", compare_and_set_it, 1, 1, 4, 0},
    {"set in a full store", make_another, 2, -1, 3, 1},
};

static void fill_for(rp_env_t *env, const step_t *step)
{
    int more = step->full ? 1500 : 40;

    for (int i = 0; i < more; i++) {
        assert_int_equal(put(env, 1000 + i, (unsigned char)(i % 8)), APR_SUCCESS);
    }
    assert_int_equal(put(env, 1, 1), APR_SUCCESS);
    assert_int_equal(stats_of(env).evicted > 0, step->full);
}

/* Starts a child that stops before the operation, under control of this process. */
static pid_t start_stepped(rp_env_t *env, const step_t *step)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(2);
        }
        raise(SIGSTOP);
        _exit(step->act(env) == APR_SUCCESS ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSTOPPED(status) ? child : -1;
}

/* Entries that are there, the changed one left out. */
static int others(rp_env_t *env, const step_t *step)
{
    int found = 0;
    int byte;

    for (int i = 1000; i < 1000 + (step->full ? 1500 : 40); i++) {
        byte = byte_of(env, i);
        assert_true(byte == -1 || byte == (i - 1000) % 8);
        found += byte >= 0;
    }
    return found;
}

/* A store, the shard where a step works, and the copy in which its death is tried out. */
typedef struct {
    const step_t *step;
    rp_store_t *store;
    rp_store_t *trial;
    const rp_shm_shard_t *shard;
    const rp_shm_shard_t *trial_shard;
    unsigned char *last; /* the shard's memory as it was tried out last */
    apr_size_t bytes;
    int found; /* other entries before the step */
    int tried;
} scene_t;

static void set_scene(scene_t *scene, fixture_t *fixture, const step_t *step, apr_pool_t *pool)
{
    rp_store_key_t key = key_of(&step->number);
    rp_shm_t *trial;
    const rp_shm_t *shm;

    memset(scene, 0, sizeof(*scene));
    scene->step = step;
    scene->store = store_open(fixture->test, NULL, MIB, NULL, pool);
    scene->trial = store_open(fixture->test, NULL, MIB, NULL, pool);
    fixture->env->store = scene->store;
    fill_for(fixture->env, step);
    scene->found = others(fixture->env, step);
    shm = (const rp_shm_t *)scene->store;
    trial = (rp_shm_t *)scene->trial;
    memcpy(trial->map, shm->map, shm->size);
    rp_shm_view(trial, pool);
    scene->bytes = shm->parts[RP_SHM_GENERAL].bytes;
    scene->shard = store_shard(scene->store, &key);
    scene->trial_shard = store_shard(scene->trial, &key);
    scene->last = apr_pmemdup(pool, scene->shard->head, scene->bytes);
}

/* What the next process finds when the one at work dies here. */
static void try_death(scene_t *scene, fixture_t *fixture)
{
    const step_t *step = scene->step;
    rp_env_t *env = fixture->env;
    rp_shm_census_t census;
    int byte;

    memcpy(scene->last, scene->shard->head, scene->bytes);
    memcpy(scene->trial_shard->head, scene->last, scene->bytes);
    assert_int_equal(rp_shm_lock_make(scene->trial_shard), APR_SUCCESS);
    rp_shm_rebuild(&census, scene->trial_shard, 0, rp_now(env));
    env->store = scene->trial;
    store_audit(scene->trial, NULL);
    byte = byte_of(env, step->number);
    if (byte != step->before && byte != step->after) {
        fail_msg("%s: byte %d", step->what, byte);
    }
    /* At most what the operation itself had to evict is gone. */
    assert_in_range(others(env, step), scene->found - (step->full ? 4 : 0), scene->found);
    assert_int_equal(put(env, step->number, 9), APR_SUCCESS);
    assert_int_equal(byte_of(env, step->number), 9);
    /* Nor is there an older one behind it. */
    assert_int_equal(remove_entry(env, step->number), APR_SUCCESS);
    assert_int_equal(byte_of(env, step->number), -1);
    env->store = scene->store;
    scene->tried++;
}

/* Lets the child do its operation instruction by instruction, and tries out each state of the
 * shard that it goes through. */
static void step_through(scene_t *scene, fixture_t *fixture, pid_t child)
{
    int status;

    for (;;) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSTOPPED(status)) {
            break;
        }
        if (memcmp(scene->last, scene->shard->head, scene->bytes) != 0) {
            try_death(scene, fixture);
        }
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(byte_of(fixture->env, scene->step->number), scene->step->after);
    store_audit(scene->store, NULL);
    /* The lock alone changes more often than this. */
    assert_true(scene->tried > 4);
}

static void death_at_any_instruction_harms_nobody(void **state)
{
    fixture_t *fixture = *state;
    apr_pool_t *pool;
    scene_t scene;
    pid_t child;

    for (apr_size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        apr_pool_create(&pool, fixture->env->pool);
        set_scene(&scene, fixture, &steps[i], pool);
        child = start_stepped(fixture->env, &steps[i]);
        if (child < 0) {
            print_message("ptrace is not allowed here\n");
            skip();
        }
        step_through(&scene, fixture, child);
        apr_pool_destroy(pool);
    }
}

int run_io_store_kill_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_lock_of_a_dead_process_goes_to_the_next),
        TEST(a_torn_record_is_dropped_and_nothing_else),
        TEST(a_torn_record_in_a_file_is_dropped_at_the_next_start),
        TEST(a_holder_that_does_not_move_costs_a_time_limit),
        TEST(nobody_loses_anything_when_processes_are_killed_under_load),
        TEST(death_at_any_instruction_harms_nobody),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: shared memory and death", tests, NULL, NULL);
}
