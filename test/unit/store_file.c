#include "store_file.h"

#define HOUR apr_time_from_sec(3600)

int store_file_setup(void **state)
{
    test_env_t *test = test_env_make();
    store_file_t *fixture = apr_pcalloc(test->env.pool, sizeof(*fixture));

    fixture->test = test;
    fixture->env = &test->env;
    fixture->path = store_path(test->env.pool);
    *state = fixture;
    return 0;
}

int store_file_teardown(void **state)
{
    test_env_destroy(((store_file_t *)*state)->test);
    return 0;
}

void store_file_attach(store_file_t *fixture, apr_size_t size)
{
    apr_pool_create(&fixture->pool, fixture->env->pool);
    fixture->env->store =
        store_open(fixture->test, fixture->path, size, &fixture->attached, fixture->pool);
}

void store_file_detach(store_file_t *fixture)
{
    apr_pool_destroy(fixture->pool);
    fixture->env->store = NULL;
}

static apr_size_t value_of(unsigned char *data, int number)
{
    apr_size_t len = (apr_size_t)(100 + number * 29 % 3000);

    for (apr_size_t i = 0; i < len; i++) {
        data[i] = (unsigned char)((apr_size_t)number * 7 + i);
    }
    return len;
}

void store_file_put(store_file_t *fixture, int number)
{
    unsigned char data[4096];
    apr_size_t len = value_of(data, number);
    rp_store_key_t key = {RP_KIND_SESSION, &number, sizeof(number)};

    assert_int_equal(rp_store_set(fixture->env, &key, data, len, HOUR), APR_SUCCESS);
}

int store_file_has(store_file_t *fixture, int number)
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

int store_file_count(store_file_t *fixture, int first, int last)
{
    int found = 0;

    for (int i = first; i < last; i++) {
        found += store_file_has(fixture, i);
    }
    return found;
}

void store_file_fill(store_file_t *fixture)
{
    for (int i = 0; i < STORE_FILE_ENTRIES; i++) {
        store_file_put(fixture, i);
    }
}
