/* What a damaged file can do to the shared-memory store, which is to lose entries and nothing
 * else. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "io_groups.h"
#include "store_file.h"

#define MIB ((apr_size_t)1024 * 1024)
#define HOUR apr_time_from_sec(3600)

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
#define SHARD_PAGES 51L
#define SHARD(n) (4096L + (n)*SHARD_PAGES * 4096L)
#define BUCKETS ((long)sizeof(rp_shm_head_t))

static const damage_t damages[] = {
    {"nothing", 0, 1, 'R', 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"emptied", 0, 0, 0, 1, 0, 0},
    {"one byte left", 1, 0, 0, 1, 0, 0},
    {"first page left", 4096, 0, 0, 0, 0, 0},
    {"half left", 512L * 1024, 0, 0, 0, 30, STORE_FILE_ENTRIES - 1},
    {"last byte lost", 1024L * 1024 - 1, 0, 0, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"extended", 3L * 1024 * 1024, 0, 0, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"zeroed", 0, 1024L * 1024, 0, 1, 0, 0},
    {"all ones", 0, 1024L * 1024, 0xff, 1, 0, 0},
    {"inverted", 0, 1024L * 1024, -1, 1, 0, 0},
    {"magic", 3, 1, -1, 1, 0, 0},
    {"layout", 8, 1, 9, 1, 0, 0},
    {"head size", 12, 1, -1, 1, 0, 0},
    {"size", 16, 1, -1, 1, 0, 0},
    {"seed", 24, 1, -1, 1, 0, 0},
    {"check", 40, 1, -1, 1, 0, 0},
    {"a head zeroed", SHARD(0), BUCKETS, 0, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"a head of ones", SHARD(1), BUCKETS, 0xff, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"a head inverted", SHARD(2), BUCKETS, -1, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"buckets of ones", SHARD(0) + BUCKETS, 400, 0xff, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"buckets zeroed", SHARD(3) + BUCKETS, 400, 0, 0, STORE_FILE_ENTRIES, STORE_FILE_ENTRIES},
    {"a page of records zeroed", SHARD(1) + 8192, 4096, 0, 0, STORE_FILE_ENTRIES - 12,
     STORE_FILE_ENTRIES - 1},
    {"a page of records inverted", SHARD(1) + 8192, 4096, -1, 0, STORE_FILE_ENTRIES - 12,
     STORE_FILE_ENTRIES - 1},
    {"a shard gone", SHARD(2), SHARD_PAGES * 4096, 0, 0, STORE_FILE_ENTRIES / 2,
     STORE_FILE_ENTRIES - 1},
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
static void try_damage(store_file_t *fixture, const damage_t *damage)
{
    int found;

    unlink(fixture->path);
    store_file_attach(fixture, MIB);
    assert_int_equal(((const rp_shm_t *)fixture->env->store)->parts[RP_SHM_GENERAL].bytes,
                     SHARD_PAGES * 4096);
    store_file_fill(fixture);
    store_file_detach(fixture);
    spoil(fixture->path, damage);
    store_file_attach(fixture, MIB);
    store_audit(fixture->env->store, NULL);
    found = store_file_count(fixture, 0, STORE_FILE_ENTRIES);
    if (fixture->attached.created != damage->created || found < damage->least ||
        found > damage->most || fixture->attached.kept != (apr_uint64_t)found) {
        fail_msg("%s: created %d, kept %d, found %d", damage->what, fixture->attached.created,
                 (int)fixture->attached.kept, found);
    }
    store_file_put(fixture, 1000);
    assert_true(store_file_has(fixture, 1000));
    store_file_detach(fixture);
}

static void a_spoiled_file_is_taken_as_far_as_it_is_whole(void **state)
{
    for (apr_size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        try_damage(*state, &damages[i]);
    }
}

static void a_free_block_that_claims_its_neighbour_hides_nobody(void **state)
{
    store_file_t *fixture = *state;
    rp_store_key_t key = {RP_KIND_SESSION, NULL, sizeof(int)};
    const rp_shm_shard_t *shard;
    rp_shm_block_t *block;
    uint32_t at;

    for (int number = 0; number < 20; number++) {
        unlink(fixture->path);
        store_file_attach(fixture, MIB);
        store_file_fill(fixture);
        key.data = &number;
        shard = store_shard(fixture->env->store, &key);
        assert_int_equal(rp_shm_find(&at, shard, &key, rp_shm_hash(shard->seed, &key)),
                         APR_SUCCESS);
        assert_int_equal(rp_store_delete(fixture->env, &key), APR_SUCCESS);
        block = rp_shm_at(shard, at);
        block->size += rp_shm_at(shard, at + block->size)->size;
        store_file_detach(fixture);
        store_file_attach(fixture, MIB);
        assert_int_equal(store_file_count(fixture, 0, STORE_FILE_ENTRIES), STORE_FILE_ENTRIES - 1);
        store_audit(fixture->env->store, NULL);
        store_file_detach(fixture);
    }
}

/* Behind the first page any bit may flip, in heads, free blocks, headers and values. */
static void flipped_bits_cost_the_entries_they_hit_and_no_others(void **state)
{
    store_file_t *fixture = *state;
    uint32_t random = 12345;
    int lost = 0;
    int flips;

    for (int round = 0; round < 300; round++) {
        store_file_attach(fixture, MIB);
        store_audit(fixture->env->store, NULL);
        store_file_fill(fixture);
        store_file_detach(fixture);
        flips = 1 + round % 40;
        for (int i = 0; i < flips; i++) {
            damage_t flip = {"bit", 0, 1, 0, 0, 0, 0};

            random = random * 1664525U + 1013904223U;
            flip.offset = 4096 + (long)(random >> 8) % (long)(MIB - 4096);
            flip.value = (int)(random >> 24);
            spoil(fixture->path, &flip);
        }
        store_file_attach(fixture, MIB);
        assert_int_equal(fixture->attached.created, 0);
        store_audit(fixture->env->store, NULL);
        lost = STORE_FILE_ENTRIES - store_file_count(fixture, 0, STORE_FILE_ENTRIES);
        assert_true(lost <= flips);
        store_file_detach(fixture);
    }
}

/* The same under a process that is using the arena, which is worse than any contract covers:
 * nothing may crash or hang, and the lock words alone are spared. */
static void an_arena_that_is_scribbled_over_while_in_use_does_no_harm(void **state)
{
    store_file_t *fixture = *state;
    uint32_t random = 99;
    const rp_shm_t *shm;
    const rp_shm_shard_t *shard;
    static const unsigned char data[16];
    rp_store_key_t key = {RP_KIND_SESSION, &random, sizeof(random)};
    rp_store_value_t value;
    apr_status_t rv;

    store_file_attach(fixture, MIB);
    shm = (const rp_shm_t *)fixture->env->store;
    for (int round = 0; round < 3000; round++) {
        random = random * 1664525U + 1013904223U;
        shard = &shm->shards[random >> 8 & 3U];
        for (int i = 0; i < 50; i++) {
            apr_size_t reach = round % 2 ? 3000 : shm->parts[RP_SHM_GENERAL].bytes - 64;

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
    store_file_detach(fixture);
    store_file_attach(fixture, MIB);
    store_audit(fixture->env->store, NULL);
    store_file_detach(fixture);
}

int run_io_store_damage_tests(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_file_setup, store_file_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_spoiled_file_is_taken_as_far_as_it_is_whole),
        TEST(a_free_block_that_claims_its_neighbour_hides_nobody),
        TEST(flipped_bits_cost_the_entries_they_hit_and_no_others),
        TEST(an_arena_that_is_scribbled_over_while_in_use_does_no_harm),
    };
#undef TEST

    return cmocka_run_group_tests_name("io: shared memory in a damaged file", tests, NULL, NULL);
}
