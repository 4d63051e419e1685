/* The shared-memory store as a file: who may attach and what survives. */
#include <apr_strings.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io_groups.h"
#include "store_file.h"

#define MIB ((apr_size_t)1024 * 1024)
#define HOUR apr_time_from_sec(3600)

static void makes_a_file_for_its_user_alone(void **state)
{
    store_file_t *fixture = *state;
    mode_t mask = umask(0);
    struct stat info;

    store_file_attach(fixture, MIB);
    umask(mask);
    assert_int_equal(fixture->attached.created, 1);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, MIB);
    /* On the disk, not a hole that a full disk could not fill later. */
    assert_true((apr_size_t)info.st_blocks * 512 >= MIB);
    store_file_detach(fixture);
}

static void everything_is_there_after_all_processes_are_gone(void **state)
{
    store_file_t *fixture = *state;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    store_file_detach(fixture);
    store_file_attach(fixture, MIB);
    assert_int_equal(fixture->attached.created, 0);
    assert_int_equal(fixture->attached.kept, STORE_FILE_ENTRIES);
    assert_int_equal(fixture->attached.dropped, 0);
    assert_int_equal(store_file_count(fixture, 0, STORE_FILE_ENTRIES), STORE_FILE_ENTRIES);
    store_audit(fixture->env->store, NULL);
    store_file_detach(fixture);
}

static void the_expired_are_not_taken_over(void **state)
{
    store_file_t *fixture = *state;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    fixture->test->now += HOUR / 2;
    store_file_put(fixture, STORE_FILE_ENTRIES);
    store_file_detach(fixture);
    fixture->test->now += HOUR / 2;
    store_file_attach(fixture, MIB);
    assert_int_equal(fixture->attached.kept, 1);
    assert_int_equal(fixture->attached.dropped, STORE_FILE_ENTRIES);
    assert_true(store_file_has(fixture, STORE_FILE_ENTRIES));
    store_audit(fixture->env->store, NULL);
    store_file_detach(fixture);
}

static void versions_go_on_after_attaching_again(void **state)
{
    store_file_t *fixture = *state;
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    rp_store_value_t before;
    rp_store_value_t after;

    store_file_attach(fixture, MIB);
    assert_int_equal(rp_store_set(fixture->env, &key, "1", 1, HOUR), APR_SUCCESS);
    assert_int_equal(rp_store_get(&before, fixture->env, &key), APR_SUCCESS);
    store_file_detach(fixture);
    fixture->test->now -= apr_time_from_sec(100);
    store_file_attach(fixture, MIB);
    assert_int_equal(rp_store_get(&after, fixture->env, &key), APR_SUCCESS);
    assert_true(after.version == before.version);
    assert_int_equal(rp_store_set(fixture->env, &key, "2", 1, HOUR), APR_SUCCESS);
    assert_int_equal(rp_store_get(&after, fixture->env, &key), APR_SUCCESS);
    assert_true(after.version > before.version);
    store_file_detach(fixture);
}

/* httpd's parent maps the file anew at graceful, while old children go on using it. */
static void two_attachments_see_one_store(void **state)
{
    store_file_t *fixture = *state;
    rp_store_t *old;

    store_file_attach(fixture, MIB);
    old = fixture->env->store;
    store_file_put(fixture, 1);
    fixture->env->store =
        store_open(fixture->test, fixture->path, MIB, &fixture->attached, fixture->env->pool);
    assert_int_equal(fixture->attached.created, 0);
    assert_int_equal(fixture->attached.kept, 1);
    assert_true(store_file_has(fixture, 1));
    store_file_put(fixture, 2);
    fixture->env->store = old;
    assert_true(store_file_has(fixture, 2));
    store_file_detach(fixture);
}

/* A block that is being written is a mark that a rebuild would remove. */
static void whoever_joins_others_touches_nothing(void **state)
{
    store_file_t *fixture = *state;
    const rp_shm_shard_t *shard;
    rp_shm_block_t *block;
    apr_pool_t *pool;
    uint32_t at;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    shard = ((const rp_shm_t *)fixture->env->store)->shards;
    assert_int_equal(rp_shm_find_free(&at, shard, 100), APR_SUCCESS);
    assert_int_equal(rp_shm_take(shard, at, 100), APR_SUCCESS);
    block = rp_shm_at(shard, at);
    apr_pool_create(&pool, fixture->env->pool);
    store_open(fixture->test, fixture->path, MIB, &fixture->attached, pool);
    assert_int_equal(block->state, RP_SHM_WRITING);
    assert_int_equal(fixture->attached.dropped, 0);
    apr_pool_destroy(pool);
    store_file_detach(fixture);
    store_file_attach(fixture, MIB);
    assert_int_equal(fixture->attached.dropped, 1);
    assert_int_equal(fixture->attached.kept, STORE_FILE_ENTRIES);
    store_audit(fixture->env->store, NULL);
    store_file_detach(fixture);
}

/* The lock of the file stays with the children when the parent lets go of its mapping. */
static void a_child_alone_keeps_the_file_attached(void **state)
{
    store_file_t *fixture = *state;
    int to_child[2];
    char byte = 0;
    pid_t child;
    int status;
    uint32_t at;
    const rp_shm_shard_t *shard;

    assert_int_equal(pipe(to_child), 0);
    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    shard = ((const rp_shm_t *)fixture->env->store)->shards;
    assert_int_equal(rp_shm_find_free(&at, shard, 100), APR_SUCCESS);
    assert_int_equal(rp_shm_take(shard, at, 100), APR_SUCCESS);
    child = fork();
    if (child == 0) {
        close(to_child[1]);
        _exit(read(to_child[0], &byte, 1) == 0 && store_file_has(fixture, 3) ? 0 : 1);
    }
    close(to_child[0]);
    store_file_detach(fixture);
    store_file_attach(fixture, MIB);
    assert_int_equal(fixture->attached.dropped, 0);
    store_file_detach(fixture);
    close(to_child[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_file_attach(fixture, MIB);
    assert_int_equal(fixture->attached.dropped, 1);
    store_file_detach(fixture);
}

static void another_size_takes_the_entries_over(void **state)
{
    store_file_t *fixture = *state;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    store_file_detach(fixture);
    store_file_attach(fixture, 5 * MIB + 12345);
    assert_int_equal(fixture->attached.created, 1);
    assert_int_equal(fixture->attached.kept, STORE_FILE_ENTRIES);
    assert_int_equal(store_file_count(fixture, 0, STORE_FILE_ENTRIES), STORE_FILE_ENTRIES);
    store_audit(fixture->env->store, NULL);
    for (int i = 0; i < 2000; i++) {
        store_file_put(fixture, i);
    }
    store_file_detach(fixture);
    store_file_attach(fixture, MIB);
    assert_int_equal(fixture->attached.created, 1);
    assert_in_range(fixture->attached.kept, 300, 700);
    assert_int_equal(store_file_count(fixture, 0, 2000), fixture->attached.kept);
    store_audit(fixture->env->store, NULL);
    store_file_detach(fixture);
}

static void another_size_leaves_the_old_file_to_who_uses_it(void **state)
{
    store_file_t *fixture = *state;
    rp_store_t *old;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    old = fixture->env->store;
    fixture->env->store =
        store_open(fixture->test, fixture->path, 2 * MIB, &fixture->attached, fixture->env->pool);
    assert_int_equal(fixture->attached.kept, STORE_FILE_ENTRIES);
    store_file_put(fixture, 1000);
    assert_int_equal(store_file_count(fixture, 0, STORE_FILE_ENTRIES), STORE_FILE_ENTRIES);
    fixture->env->store = old;
    store_file_put(fixture, 1001);
    assert_int_equal(store_file_count(fixture, 0, STORE_FILE_ENTRIES), STORE_FILE_ENTRIES);
    assert_false(store_file_has(fixture, 1000));
    store_audit(old, NULL);
    store_file_detach(fixture);
}

/* What a reboot leaves: locks of processes that no longer exist, under any thread's number. */
static void locks_of_a_boot_gone_by_are_made_anew(void **state)
{
    static const unsigned char values[] = {0xff, 0x01, 0x7f, 0x80, 0x5a};
    store_file_t *fixture = *state;
    const rp_shm_t *shm;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    for (apr_size_t i = 0; i < sizeof(values); i++) {
        shm = (const rp_shm_t *)fixture->env->store;
        for (uint32_t s = 0; s < shm->shard_count; s++) {
            memset(&shm->shards[s].head->lock, values[i], sizeof(shm->shards[s].head->lock));
        }
        store_file_detach(fixture);
        store_file_attach(fixture, MIB);
        assert_int_equal(fixture->attached.kept, STORE_FILE_ENTRIES);
        assert_int_equal(store_file_count(fixture, 0, STORE_FILE_ENTRIES), STORE_FILE_ENTRIES);
        store_file_put(fixture, 1);
    }
    store_file_detach(fixture);
}

static void expect_refusal(store_file_t *fixture)
{
    rp_store_shm_config_t config = {fixture->path, MIB, (apr_uid_t)-1};
    rp_store_t *store;

    assert_int_equal(
        rp_store_shm_open(&store, &fixture->attached, fixture->env, &config, fixture->env->pool),
        RP_FAILED);
    assert_null(store);
    test_env_expect_error(fixture->test, RP_E_STORE);
}

static void refuses_what_is_no_file_of_its_own(void **state)
{
    store_file_t *fixture = *state;
    const char *dir =
        apr_pstrndup(fixture->env->pool, fixture->path, strlen(fixture->path) - strlen("/arena"));
    const char *elsewhere = apr_pstrcat(fixture->env->pool, dir, "/elsewhere", NULL);

    assert_int_equal(symlink("/tmp/rp-store-nowhere", fixture->path), 0);
    expect_refusal(fixture);
    assert_int_equal(access("/tmp/rp-store-nowhere", F_OK), -1);
    assert_int_equal(unlink(fixture->path), 0);
    store_file_attach(fixture, MIB);
    store_file_detach(fixture);
    assert_int_equal(rename(fixture->path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, fixture->path), 0);
    expect_refusal(fixture);
    assert_int_equal(unlink(elsewhere), 0);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    expect_refusal(fixture);
    assert_int_equal(rmdir(fixture->path), 0);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    expect_refusal(fixture);
    assert_int_equal(unlink(fixture->path), 0);
    if (geteuid() == 0) {
        store_file_attach(fixture, MIB);
        store_file_detach(fixture);
        assert_int_equal(chown(fixture->path, 12345, 12345), 0);
        expect_refusal(fixture);
    }
    fixture->path = apr_pstrcat(fixture->env->pool, dir, "/no/such/arena", NULL);
    expect_refusal(fixture);
}

static void closes_a_file_that_was_open_to_others(void **state)
{
    store_file_t *fixture = *state;
    struct stat info;

    store_file_attach(fixture, MIB);
    store_file_fill(fixture);
    store_file_detach(fixture);
    assert_int_equal(chmod(fixture->path, 0666), 0);
    store_file_attach(fixture, MIB);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(fixture->attached.kept, STORE_FILE_ENTRIES);
    store_file_detach(fixture);
}

static void eviction_goes_on_where_it_was_after_attaching_again(void **state)
{
    store_file_t *fixture = *state;
    const rp_shm_t *shm;
    uint32_t hands[4];

    store_file_attach(fixture, MIB);
    for (int i = 0; i < 1000; i++) {
        store_file_put(fixture, i);
    }
    shm = (const rp_shm_t *)fixture->env->store;
    for (int i = 0; i < 4; i++) {
        hands[i] = shm->shards[i].head->hand;
        assert_true(hands[i] > 1);
    }
    store_file_detach(fixture);
    store_file_attach(fixture, MIB);
    shm = (const rp_shm_t *)fixture->env->store;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(shm->shards[i].head->hand, hands[i]);
    }
    store_file_detach(fixture);
}

int run_io_store_file_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_file_setup, store_file_teardown)
    const struct CMUnitTest tests[] = {
        TEST(makes_a_file_for_its_user_alone),
        TEST(everything_is_there_after_all_processes_are_gone),
        TEST(the_expired_are_not_taken_over),
        TEST(versions_go_on_after_attaching_again),
        TEST(two_attachments_see_one_store),
        TEST(whoever_joins_others_touches_nothing),
        TEST(a_child_alone_keeps_the_file_attached),
        TEST(another_size_takes_the_entries_over),
        TEST(another_size_leaves_the_old_file_to_who_uses_it),
        TEST(locks_of_a_boot_gone_by_are_made_anew),
        TEST(refuses_what_is_no_file_of_its_own),
        TEST(closes_a_file_that_was_open_to_others),
        TEST(eviction_goes_on_where_it_was_after_attaching_again),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: shared memory in a file", tests, NULL, NULL);
}
