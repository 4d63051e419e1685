/* The shared-memory store as a file: who may attach, what survives, and what a damaged file can
 * do, which is to lose entries and nothing else. */
#include <apr_strings.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io_groups.h"
#include "store_audit.h"

#define MIB ((apr_size_t)1024 * 1024)
#define HOUR apr_time_from_sec(3600)
#define ENTRIES 150

typedef struct {
    test_env_t *test;
    rp_env_t *env;
    const char *path;
    apr_pool_t *pool; /* of the attachment at hand */
    rp_store_shm_attached_t attached;
} fixture_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    fixture_t *fixture = apr_pcalloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    fixture->path = store_path(test->env.pool);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(((fixture_t *)*state)->test);
    return 0;
}

static void attach(fixture_t *fixture, apr_size_t size)
{
    apr_pool_create(&fixture->pool, fixture->env->pool);
    fixture->env->store =
        store_open(fixture->test, fixture->path, size, &fixture->attached, fixture->pool);
}

static void detach(fixture_t *fixture)
{
    apr_pool_destroy(fixture->pool);
    fixture->env->store = NULL;
}

/* The value of an entry follows from its number, so that a wrong one is noticed. */
static apr_size_t value_of(unsigned char *data, int number)
{
    apr_size_t len = (apr_size_t)(100 + number * 29 % 3000);

    for (apr_size_t i = 0; i < len; i++) {
        data[i] = (unsigned char)((apr_size_t)number * 7 + i);
    }
    return len;
}

static void put(fixture_t *fixture, int number)
{
    unsigned char data[4096];
    apr_size_t len = value_of(data, number);
    rp_store_key_t key = {RP_KIND_SESSION, &number, sizeof(number)};

    assert_int_equal(rp_store_set(fixture->env, &key, data, len, HOUR), APR_SUCCESS);
}

/* 1 when it is there, with the value it has to have. */
static int has(fixture_t *fixture, int number)
{
    unsigned char data[4096];
    apr_size_t len = value_of(data, number);
    rp_store_key_t key = {RP_KIND_SESSION, &number, sizeof(number)};
    rp_store_value_t value;
    apr_status_t rv = rp_store_get(&value, fixture->env, &key);

    if (rv == APR_NOTFOUND) {
        return 0;
    }
    assert_int_equal(rv, APR_SUCCESS);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.data, data, len);
    return 1;
}

static int count(fixture_t *fixture, int first, int last)
{
    int found = 0;

    for (int i = first; i < last; i++) {
        found += has(fixture, i);
    }
    return found;
}

static void fill(fixture_t *fixture)
{
    for (int i = 0; i < ENTRIES; i++) {
        put(fixture, i);
    }
}

static void makes_a_file_for_its_user_alone(void **state)
{
    fixture_t *fixture = *state;
    mode_t mask = umask(0);
    struct stat info;

    attach(fixture, MIB);
    umask(mask);
    assert_int_equal(fixture->attached.created, 1);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, MIB);
    /* On the disk, not a hole that a full disk could not fill later. */
    assert_true((apr_size_t)info.st_blocks * 512 >= MIB);
    detach(fixture);
}

static void everything_is_there_after_all_processes_are_gone(void **state)
{
    fixture_t *fixture = *state;

    attach(fixture, MIB);
    fill(fixture);
    detach(fixture);
    attach(fixture, MIB);
    assert_int_equal(fixture->attached.created, 0);
    assert_int_equal(fixture->attached.kept, ENTRIES);
    assert_int_equal(fixture->attached.dropped, 0);
    assert_int_equal(count(fixture, 0, ENTRIES), ENTRIES);
    store_audit(fixture->env->store, NULL);
    detach(fixture);
}

static void the_expired_are_not_taken_over(void **state)
{
    fixture_t *fixture = *state;

    attach(fixture, MIB);
    fill(fixture);
    fixture->test->now += HOUR / 2;
    put(fixture, ENTRIES);
    detach(fixture);
    fixture->test->now += HOUR / 2;
    attach(fixture, MIB);
    assert_int_equal(fixture->attached.kept, 1);
    assert_int_equal(fixture->attached.dropped, ENTRIES);
    assert_true(has(fixture, ENTRIES));
    store_audit(fixture->env->store, NULL);
    detach(fixture);
}

static void versions_go_on_after_attaching_again(void **state)
{
    fixture_t *fixture = *state;
    rp_store_key_t key = {RP_KIND_SESSION, "a", 1};
    rp_store_value_t before;
    rp_store_value_t after;

    attach(fixture, MIB);
    assert_int_equal(rp_store_set(fixture->env, &key, "1", 1, HOUR), APR_SUCCESS);
    assert_int_equal(rp_store_get(&before, fixture->env, &key), APR_SUCCESS);
    detach(fixture);
    fixture->test->now -= apr_time_from_sec(100);
    attach(fixture, MIB);
    assert_int_equal(rp_store_get(&after, fixture->env, &key), APR_SUCCESS);
    assert_true(after.version == before.version);
    assert_int_equal(rp_store_set(fixture->env, &key, "2", 1, HOUR), APR_SUCCESS);
    assert_int_equal(rp_store_get(&after, fixture->env, &key), APR_SUCCESS);
    assert_true(after.version > before.version);
    detach(fixture);
}

/* httpd's parent maps the file anew at graceful, while old children go on using it. */
static void two_attachments_see_one_store(void **state)
{
    fixture_t *fixture = *state;
    rp_store_t *old;

    attach(fixture, MIB);
    old = fixture->env->store;
    put(fixture, 1);
    fixture->env->store =
        store_open(fixture->test, fixture->path, MIB, &fixture->attached, fixture->env->pool);
    assert_int_equal(fixture->attached.created, 0);
    assert_int_equal(fixture->attached.kept, 1);
    assert_true(has(fixture, 1));
    put(fixture, 2);
    fixture->env->store = old;
    assert_true(has(fixture, 2));
    detach(fixture);
}

/* A block that is being written is a mark that a rebuild would remove. */
static void whoever_joins_others_touches_nothing(void **state)
{
    fixture_t *fixture = *state;
    const rp_shm_shard_t *shard;
    rp_shm_block_t *block;
    apr_pool_t *pool;
    uint32_t at;

    attach(fixture, MIB);
    fill(fixture);
    shard = ((const rp_shm_t *)fixture->env->store)->shards;
    assert_int_equal(rp_shm_find_free(&at, shard, 100), APR_SUCCESS);
    assert_int_equal(rp_shm_take(shard, at, 100), APR_SUCCESS);
    block = rp_shm_at(shard, at);
    apr_pool_create(&pool, fixture->env->pool);
    store_open(fixture->test, fixture->path, MIB, &fixture->attached, pool);
    assert_int_equal(block->state, RP_SHM_WRITING);
    assert_int_equal(fixture->attached.dropped, 0);
    apr_pool_destroy(pool);
    detach(fixture);
    attach(fixture, MIB);
    assert_int_equal(fixture->attached.dropped, 1);
    assert_int_equal(fixture->attached.kept, ENTRIES);
    store_audit(fixture->env->store, NULL);
    detach(fixture);
}

/* The lock of the file stays with the children when the parent lets go of its mapping. */
static void a_child_alone_keeps_the_file_attached(void **state)
{
    fixture_t *fixture = *state;
    int to_child[2];
    char byte = 0;
    pid_t child;
    int status;
    uint32_t at;
    const rp_shm_shard_t *shard;

    assert_int_equal(pipe(to_child), 0);
    attach(fixture, MIB);
    fill(fixture);
    shard = ((const rp_shm_t *)fixture->env->store)->shards;
    assert_int_equal(rp_shm_find_free(&at, shard, 100), APR_SUCCESS);
    assert_int_equal(rp_shm_take(shard, at, 100), APR_SUCCESS);
    child = fork();
    if (child == 0) {
        close(to_child[1]);
        _exit(read(to_child[0], &byte, 1) == 0 && has(fixture, 3) ? 0 : 1);
    }
    close(to_child[0]);
    detach(fixture);
    attach(fixture, MIB);
    assert_int_equal(fixture->attached.dropped, 0);
    detach(fixture);
    close(to_child[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    attach(fixture, MIB);
    assert_int_equal(fixture->attached.dropped, 1);
    detach(fixture);
}

static void another_size_takes_the_entries_over(void **state)
{
    fixture_t *fixture = *state;

    attach(fixture, MIB);
    fill(fixture);
    detach(fixture);
    attach(fixture, 5 * MIB + 12345);
    assert_int_equal(fixture->attached.created, 1);
    assert_int_equal(fixture->attached.kept, ENTRIES);
    assert_int_equal(count(fixture, 0, ENTRIES), ENTRIES);
    store_audit(fixture->env->store, NULL);
    for (int i = 0; i < 2000; i++) {
        put(fixture, i);
    }
    detach(fixture);
    attach(fixture, MIB);
    assert_int_equal(fixture->attached.created, 1);
    assert_in_range(fixture->attached.kept, 300, 700);
    assert_int_equal(count(fixture, 0, 2000), fixture->attached.kept);
    store_audit(fixture->env->store, NULL);
    detach(fixture);
}

static void another_size_leaves_the_old_file_to_who_uses_it(void **state)
{
    fixture_t *fixture = *state;
    rp_store_t *old;

    attach(fixture, MIB);
    fill(fixture);
    old = fixture->env->store;
    fixture->env->store =
        store_open(fixture->test, fixture->path, 2 * MIB, &fixture->attached, fixture->env->pool);
    assert_int_equal(fixture->attached.kept, ENTRIES);
    put(fixture, 1000);
    assert_int_equal(count(fixture, 0, ENTRIES), ENTRIES);
    fixture->env->store = old;
    put(fixture, 1001);
    assert_int_equal(count(fixture, 0, ENTRIES), ENTRIES);
    assert_false(has(fixture, 1000));
    store_audit(old, NULL);
    detach(fixture);
}

/* What a reboot leaves: locks of processes that no longer exist, under any thread's number. */
static void locks_of_a_boot_gone_by_are_made_anew(void **state)
{
    static const unsigned char values[] = {0xff, 0x01, 0x7f, 0x80, 0x5a};
    fixture_t *fixture = *state;
    const rp_shm_t *shm;

    attach(fixture, MIB);
    fill(fixture);
    for (apr_size_t i = 0; i < sizeof(values); i++) {
        shm = (const rp_shm_t *)fixture->env->store;
        for (uint32_t s = 0; s < shm->general_count + shm->login_count; s++) {
            memset(&shm->shards[s].head->lock, values[i], sizeof(shm->shards[s].head->lock));
        }
        detach(fixture);
        attach(fixture, MIB);
        assert_int_equal(fixture->attached.kept, ENTRIES);
        assert_int_equal(count(fixture, 0, ENTRIES), ENTRIES);
        put(fixture, 1);
    }
    detach(fixture);
}

static void expect_refusal(fixture_t *fixture)
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
    fixture_t *fixture = *state;
    const char *dir =
        apr_pstrndup(fixture->env->pool, fixture->path, strlen(fixture->path) - strlen("/arena"));

    assert_int_equal(symlink("/tmp/rp-store-nowhere", fixture->path), 0);
    expect_refusal(fixture);
    assert_int_equal(access("/tmp/rp-store-nowhere", F_OK), -1);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    expect_refusal(fixture);
    assert_int_equal(rmdir(fixture->path), 0);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    expect_refusal(fixture);
    assert_int_equal(unlink(fixture->path), 0);
    if (geteuid() == 0) {
        attach(fixture, MIB);
        detach(fixture);
        assert_int_equal(chown(fixture->path, 12345, 12345), 0);
        expect_refusal(fixture);
    }
    fixture->path = apr_pstrcat(fixture->env->pool, dir, "/no/such/arena", NULL);
    expect_refusal(fixture);
}

static void closes_a_file_that_was_open_to_others(void **state)
{
    fixture_t *fixture = *state;
    struct stat info;

    attach(fixture, MIB);
    fill(fixture);
    detach(fixture);
    assert_int_equal(chmod(fixture->path, 0666), 0);
    attach(fixture, MIB);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(fixture->attached.kept, ENTRIES);
    detach(fixture);
}

/* One way to spoil a file. */
typedef struct {
    const char *what;
    long offset; /* from the end when negative */
    long len;    /* bytes set to value; 0: the file is cut or extended to offset instead */
    int value;   /* -1: the bytes are inverted */
    int created; /* 1: a new file has to be the answer */
    int least;   /* entries that must survive */
    int most;
} damage_t;

/* Offsets into a file of 1 MiB: four shards of 55 pages behind the first page, then logins. */
#define SHARD_PAGES 55L
#define SHARD(n) (4096L + (n)*SHARD_PAGES * 4096L)
#define BUCKETS ((long)sizeof(rp_shm_head_t))

static const damage_t damages[] = {
    {"nothing", 0, 1, 'R', 0, ENTRIES, ENTRIES},
    {"emptied", 0, 0, 0, 1, 0, 0},
    {"one byte left", 1, 0, 0, 1, 0, 0},
    {"first page left", 4096, 0, 0, 0, 0, 0},
    {"half left", 512L * 1024, 0, 0, 0, 30, ENTRIES - 1},
    {"last byte lost", 1024L * 1024 - 1, 0, 0, 0, ENTRIES, ENTRIES},
    {"extended", 3L * 1024 * 1024, 0, 0, 0, ENTRIES, ENTRIES},
    {"zeroed", 0, 1024L * 1024, 0, 1, 0, 0},
    {"all ones", 0, 1024L * 1024, 0xff, 1, 0, 0},
    {"inverted", 0, 1024L * 1024, -1, 1, 0, 0},
    {"magic", 3, 1, -1, 1, 0, 0},
    {"layout", 8, 1, 9, 1, 0, 0},
    {"head size", 12, 1, -1, 1, 0, 0},
    {"size", 16, 1, -1, 1, 0, 0},
    {"seed", 24, 1, -1, 1, 0, 0},
    {"check", 40, 1, -1, 1, 0, 0},
    {"a head zeroed", SHARD(0), BUCKETS, 0, 0, ENTRIES, ENTRIES},
    {"a head of ones", SHARD(1), BUCKETS, 0xff, 0, ENTRIES, ENTRIES},
    {"a head inverted", SHARD(2), BUCKETS, -1, 0, ENTRIES, ENTRIES},
    {"buckets of ones", SHARD(0) + BUCKETS, 400, 0xff, 0, ENTRIES, ENTRIES},
    {"buckets zeroed", SHARD(3) + BUCKETS, 400, 0, 0, ENTRIES, ENTRIES},
    {"a page of records zeroed", SHARD(1) + 8192, 4096, 0, 0, ENTRIES - 12, ENTRIES - 1},
    {"a page of records inverted", SHARD(1) + 8192, 4096, -1, 0, ENTRIES - 12, ENTRIES - 1},
    {"a shard gone", SHARD(2), SHARD_PAGES * 4096, 0, 0, ENTRIES / 2, ENTRIES - 1},
};

static void spoil(const char *path, const damage_t *damage)
{
    static unsigned char bytes[1024 * 1024];
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    if (damage->len) {
        assert_int_equal(pread(fd, bytes, (size_t)damage->len, damage->offset), damage->len);
        for (long i = 0; i < damage->len; i++) {
            bytes[i] = (unsigned char)(damage->value < 0 ? ~bytes[i] : damage->value);
        }
        assert_int_equal(pwrite(fd, bytes, (size_t)damage->len, damage->offset), damage->len);
    } else {
        assert_int_equal(ftruncate(fd, damage->offset), 0);
    }
    close(fd);
}

/* Spoils a file in one way and looks at what is left of it. */
static void try_damage(fixture_t *fixture, const damage_t *damage)
{
    int found;

    unlink(fixture->path);
    attach(fixture, MIB);
    assert_int_equal(((const rp_shm_t *)fixture->env->store)->general_bytes, SHARD_PAGES * 4096);
    fill(fixture);
    detach(fixture);
    spoil(fixture->path, damage);
    attach(fixture, MIB);
    store_audit(fixture->env->store, NULL);
    found = count(fixture, 0, ENTRIES);
    if (fixture->attached.created != damage->created || found < damage->least ||
        found > damage->most || fixture->attached.kept != (apr_uint64_t)found) {
        fail_msg("%s: created %d, kept %d, found %d", damage->what, fixture->attached.created,
                 (int)fixture->attached.kept, found);
    }
    put(fixture, 1000);
    assert_true(has(fixture, 1000));
    detach(fixture);
}

static void a_spoiled_file_is_taken_as_far_as_it_is_whole(void **state)
{
    for (apr_size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        try_damage(*state, &damages[i]);
    }
}

/* Behind the first page any bit may flip, in heads, free blocks, headers and values. */
static void flipped_bits_cost_the_entries_they_hit_and_no_others(void **state)
{
    fixture_t *fixture = *state;
    uint32_t random = 12345;
    int lost = 0;
    int flips;

    for (int round = 0; round < 300; round++) {
        attach(fixture, MIB);
        store_audit(fixture->env->store, NULL);
        fill(fixture);
        detach(fixture);
        flips = 1 + round % 40;
        for (int i = 0; i < flips; i++) {
            damage_t flip = {"bit", 0, 1, 0, 0, 0, 0};

            random = random * 1664525U + 1013904223U;
            flip.offset = 4096 + (long)(random >> 8) % (long)(MIB - 4096);
            flip.value = (int)(random >> 24);
            spoil(fixture->path, &flip);
        }
        attach(fixture, MIB);
        assert_int_equal(fixture->attached.created, 0);
        store_audit(fixture->env->store, NULL);
        lost = ENTRIES - count(fixture, 0, ENTRIES);
        assert_true(lost <= flips);
        detach(fixture);
    }
}

/* The same under a process that is using the arena, which is worse than any contract covers:
 * nothing may crash or hang, and the lock words alone are spared. */
static void an_arena_that_is_scribbled_over_while_in_use_does_no_harm(void **state)
{
    fixture_t *fixture = *state;
    uint32_t random = 99;
    const rp_shm_t *shm;
    const rp_shm_shard_t *shard;
    static const unsigned char data[16];
    rp_store_key_t key = {RP_KIND_SESSION, &random, sizeof(random)};
    rp_store_value_t value;
    apr_status_t rv;

    attach(fixture, MIB);
    shm = (const rp_shm_t *)fixture->env->store;
    for (int round = 0; round < 3000; round++) {
        random = random * 1664525U + 1013904223U;
        shard = &shm->shards[random >> 8 & 3U];
        for (int i = 0; i < 50; i++) {
            apr_size_t reach = round % 2 ? 3000 : shm->general_bytes - 64;

            random = random * 1664525U + 1013904223U;
            ((unsigned char *)shard->head)[64 + (random >> 8) % reach] ^= (unsigned char)random;
        }
        rv = rp_store_set(fixture->env, &key, data, random >> 28, HOUR);
        assert_true(rv == APR_SUCCESS || rv == RP_FAILED);
        rp_forgive(fixture->env);
        rv = rp_store_get(&value, fixture->env, &key);
        assert_true(rv == APR_SUCCESS || rv == APR_NOTFOUND || rv == RP_FAILED);
        rp_forgive(fixture->env);
        rp_store_delete(fixture->env, &key);
        rp_forgive(fixture->env);
    }
    detach(fixture);
    attach(fixture, MIB);
    store_audit(fixture->env->store, NULL);
    detach(fixture);
}

int run_io_store_file_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
        TEST(a_spoiled_file_is_taken_as_far_as_it_is_whole),
        TEST(flipped_bits_cost_the_entries_they_hit_and_no_others),
        TEST(an_arena_that_is_scribbled_over_while_in_use_does_no_harm),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: shared memory in a file", tests, NULL, NULL);
}
