#include "io_secret_test.h"

#include <apr_strings.h>
#include <dirent.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/io/rp_file.h"

#define NOBODY ((apr_uid_t)12345)
#define ROUNDS 200

typedef struct {
    test_env_t *test;
    const char *dir;
} scene_t;

static int setup(void **state)
{
    test_env_t *test = test_env_make();
    scene_t *scene = apr_palloc(test->env.pool, sizeof(*scene));

    scene->test = test;
    scene->dir = scratch_make(test);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    scene_t *scene = *state;

    scratch_destroy(scene->dir);
    test_env_destroy(scene->test);
    return 0;
}

static const char *path_of(const scene_t *scene, const char *name)
{
    return apr_pstrcat(scene->test->env.pool, scene->dir, "/", name, NULL);
}

static apr_status_t read_file(char **data, apr_size_t *len, const scene_t *scene, const char *name)
{
    return rp_file_read(data, len, path_of(scene, name), 10, scene->test->env.pool);
}

static apr_status_t make_dir(const scene_t *scene, const char *name)
{
    return rp_file_make_dir(path_of(scene, name), (apr_uid_t)-1, (apr_gid_t)-1,
                            scene->test->env.pool);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static int entries_of(const char *dir)
{
    DIR *handle = opendir(dir);
    int count = 0;

    assert_non_null(handle);
    while (readdir(handle)) {
        count++;
    }
    closedir(handle);
    return count - 2;
}

static void reads_a_file_up_to_a_limit(void **state)
{
    const scene_t *scene = *state;
    char *data;
    apr_size_t len;

    scratch_file(scene->test, scene->dir, "ten",
                 "01234\0"
                 "6789",
                 10, 0644);
    scratch_file(scene->test, scene->dir, "eleven", "0123456789a", 11, 0600);
    scratch_file(scene->test, scene->dir, "empty", "", 0, 0600);
    assert_int_equal(read_file(&data, &len, scene, "ten"), APR_SUCCESS);
    assert_int_equal(len, 10);
    assert_memory_equal(data,
                        "01234\0"
                        "6789",
                        11);
    assert_int_equal(read_file(&data, &len, scene, "empty"), APR_SUCCESS);
    assert_int_equal(len, 0);
    assert_string_equal(data, "");
    assert_int_equal(read_file(&data, &len, scene, "eleven"), APR_ENOSPC);
    assert_null(data);
    assert_int_equal(len, 0);
}

static void tells_a_file_that_is_absent_from_one_that_cannot_be_read(void **state)
{
    const scene_t *scene = *state;
    char *data;
    apr_size_t len;

    assert_int_equal(read_file(&data, &len, scene, "absent"), APR_NOTFOUND);
    assert_int_equal(read_file(&data, &len, scene, "absent/file"), APR_NOTFOUND);
    assert_int_equal(read_file(&data, &len, scene, "."), APR_EINVAL);
    assert_int_equal(mkfifo(path_of(scene, "fifo"), 0600), 0);
    assert_int_equal(read_file(&data, &len, scene, "fifo"), APR_EINVAL);
    scratch_file(scene->test, scene->dir, "file", "x", 1, 0600);
    assert_int_equal(symlink("file", path_of(scene, "link")), 0);
    assert_int_equal(read_file(&data, &len, scene, "link"), ELOOP);
    assert_int_equal(read_file(&data, &len, scene, "file/below"), ENOTDIR);
}

static void replaces_a_file_and_leaves_nothing_else(void **state)
{
    const scene_t *scene = *state;
    apr_pool_t *pool = scene->test->env.pool;
    const char *path = path_of(scene, "file");
    char *data;
    apr_size_t len;

    assert_int_equal(rp_file_replace(path, "one", 3, pool), APR_SUCCESS);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(rp_file_replace(path, "tw\0o", 4, pool), APR_SUCCESS);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(read_file(&data, &len, scene, "file"), APR_SUCCESS);
    assert_int_equal(len, 4);
    assert_memory_equal(data, "tw\0o", 4);
    assert_int_equal(rp_file_replace(path, "", 0, pool), APR_SUCCESS);
    assert_int_equal(read_file(&data, &len, scene, "file"), APR_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(entries_of(scene->dir), 1);
}

static void writes_with_the_same_mode_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 0277, 0777};
    const scene_t *scene = *state;
    const char *path = path_of(scene, "file");

    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        const char *dir = apr_psprintf(scene->test->env.pool, "dir%d", (int)i);
        mode_t before = umask(masks[i]);
        apr_status_t file_rv = rp_file_replace(path, "x", 1, scene->test->env.pool);
        apr_status_t dir_rv = make_dir(scene, dir);

        umask(before);
        assert_int_equal(file_rv, APR_SUCCESS);
        assert_int_equal(mode_of(path), 0600);
        /* A mask that takes the owner's own rights away shows only whether it is root. */
        if (!(masks[i] & 0400) || geteuid() == 0) {
            assert_int_equal(dir_rv, APR_SUCCESS);
            assert_int_equal(mode_of(path_of(scene, dir)), 0700);
        }
    }
}

static void replaces_a_symbolic_link_instead_of_following_it(void **state)
{
    const scene_t *scene = *state;
    const char *path = path_of(scene, "link");
    char *data;
    apr_size_t len;

    scratch_file(scene->test, scene->dir, "victim", "old", 3, 0644);
    assert_int_equal(symlink("victim", path), 0);
    assert_int_equal(rp_file_replace(path, "new", 3, scene->test->env.pool), APR_SUCCESS);
    assert_int_equal(read_file(&data, &len, scene, "victim"), APR_SUCCESS);
    assert_string_equal(data, "old");
    assert_int_equal(read_file(&data, &len, scene, "link"), APR_SUCCESS);
    assert_string_equal(data, "new");
}

static void a_failed_replacement_changes_nothing(void **state)
{
    const scene_t *scene = *state;
    apr_pool_t *pool = scene->test->env.pool;

    assert_int_equal(rp_file_replace(path_of(scene, "absent/file"), "x", 1, pool), ENOENT);
    assert_int_equal(mkdir(path_of(scene, "dir"), 0700), 0);
    scratch_file(scene->test, scene->dir, "dir/inside", "x", 1, 0600);
    assert_int_not_equal(rp_file_replace(path_of(scene, "dir"), "x", 1, pool), APR_SUCCESS);
    assert_int_equal(entries_of(scene->dir), 1);
    assert_int_equal(entries_of(path_of(scene, "dir")), 1);
}

static void gives_a_file_that_root_writes_to_the_owner_of_the_directory(void **state)
{
    const scene_t *scene = *state;
    const char *path = path_of(scene, "file");
    struct stat st;

    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(scene->dir, NOBODY, NOBODY), 0);
    assert_int_equal(rp_file_replace(path, "x", 1, scene->test->env.pool), APR_SUCCESS);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(st.st_gid, NOBODY);
}

typedef struct {
    const char *path;
    char letter;
    int failed;
} writer_t;

/* Nine equal letters each time. */
static void *write_often(void *data)
{
    writer_t *writer = data;
    char content[9];
    apr_pool_t *pool;

    memset(content, writer->letter, sizeof(content));
    apr_pool_create(&pool, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        writer->failed += rp_file_replace(writer->path, content, sizeof(content), pool) != 0;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void a_reader_sees_one_content_or_the_other(void **state)
{
    const scene_t *scene = *state;
    writer_t writers[2] = {{path_of(scene, "file"), 'a', 0}, {path_of(scene, "file"), 'b', 0}};
    pthread_t threads[2];
    char *data;
    apr_size_t len;

    assert_int_equal(rp_file_replace(writers[0].path, "aaaaaaaaa", 9, scene->test->env.pool), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &writers[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(read_file(&data, &len, scene, "file"), APR_SUCCESS);
        assert_int_equal(len, 9);
        assert_true(strspn(data, "a") == 9 || strspn(data, "b") == 9);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(writers[i].failed, 0);
    }
    assert_int_equal(entries_of(scene->dir), 1);
}

static void makes_a_directory_and_its_parents(void **state)
{
    const scene_t *scene = *state;

    assert_int_equal(make_dir(scene, "a/b//c/"), APR_SUCCESS);
    assert_int_equal(mode_of(path_of(scene, "a")), 0700);
    assert_int_equal(mode_of(path_of(scene, "a/b")), 0700);
    assert_int_equal(mode_of(path_of(scene, "a/b/c")), 0700);
    assert_int_equal(make_dir(scene, "a/b/c"), APR_SUCCESS);
    assert_int_equal(make_dir(scene, "a"), APR_SUCCESS);
}

static void accepts_no_directory_that_others_may_write_to(void **state)
{
    static const struct {
        mode_t mode;
        apr_status_t rv;
    } rows[] = {
        {0700, APR_SUCCESS}, {0750, APR_SUCCESS}, {0755, APR_SUCCESS}, {0770, APR_EACCES},
        {0702, APR_EACCES},  {0720, APR_EACCES},  {0777, APR_EACCES},  {01777, APR_EACCES},
    };
    const scene_t *scene = *state;
    const char *path = path_of(scene, "dir");

    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(chmod(path, rows[i].mode), 0);
        assert_int_equal(make_dir(scene, "dir"), rows[i].rv);
        assert_int_equal(mode_of(path), rows[i].mode);
    }
}

static void accepts_no_directory_that_is_something_else(void **state)
{
    const scene_t *scene = *state;

    assert_int_equal(mkdir(path_of(scene, "dir"), 0700), 0);
    assert_int_equal(symlink("dir", path_of(scene, "link")), 0);
    scratch_file(scene->test, scene->dir, "file", "x", 1, 0600);
    assert_int_equal(make_dir(scene, "link"), APR_EACCES);
    assert_int_equal(make_dir(scene, "link/"), APR_EACCES);
    assert_int_equal(make_dir(scene, "file"), ENOTDIR);
    assert_int_equal(make_dir(scene, "file/below"), ENOTDIR);
    assert_int_equal(rp_file_make_dir("", 0, 0, scene->test->env.pool), APR_EINVAL);
    assert_int_equal(make_dir(scene, "link/below"), APR_SUCCESS);
}

static void makes_a_directory_for_the_user_that_httpd_runs_as(void **state)
{
    const scene_t *scene = *state;
    apr_pool_t *pool = scene->test->env.pool;
    const char *path = path_of(scene, "a/b");
    struct stat st;

    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(rp_file_make_dir(path, NOBODY, NOBODY, pool), APR_SUCCESS);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(st.st_gid, NOBODY);
    assert_int_equal(rp_file_make_dir(path, NOBODY, NOBODY, pool), APR_SUCCESS);
    assert_int_equal(rp_file_make_dir(path, NOBODY + 1, NOBODY, pool), APR_EACCES);
    assert_int_equal(rp_file_make_dir(path, (apr_uid_t)-1, (apr_gid_t)-1, pool), APR_EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int run_io_file_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_a_file_up_to_a_limit),
        TEST(tells_a_file_that_is_absent_from_one_that_cannot_be_read),
        TEST(replaces_a_file_and_leaves_nothing_else),
        TEST(writes_with_the_same_mode_whatever_the_umask),
        TEST(replaces_a_symbolic_link_instead_of_following_it),
        TEST(a_failed_replacement_changes_nothing),
        TEST(gives_a_file_that_root_writes_to_the_owner_of_the_directory),
        TEST(a_reader_sees_one_content_or_the_other),
        TEST(makes_a_directory_and_its_parents),
        TEST(accepts_no_directory_that_others_may_write_to),
        TEST(accepts_no_directory_that_is_something_else),
        TEST(makes_a_directory_for_the_user_that_httpd_runs_as),
    };

    return cmocka_run_group_tests_name("io: files", tests, NULL, NULL);
}
