/* A cache in memory that forked processes share, for the tests of io/rp_store_cache.h. It behaves
 * as well, or as badly, as httpd's providers and the servers behind them do at their worst.
 *
 *     test_cache_t *cache = test_cache_make(&(test_cache_options_t){.slots = 2048}, pool);
 *     test->env.store = rp_store_cache_make(&cache->base, NULL, pool);                         */
#ifndef TEST_CACHE_H
#define TEST_CACHE_H

#include "../../src/io/rp_store_cache.h"

typedef struct {
    int slots;            /* entries; the oldest makes room */
    apr_size_t slot_size; /* bytes of an entry; larger ones are refused */
    apr_size_t part;      /* what the store is told */
    int unsafe;
    int vague;
} test_cache_options_t;

typedef struct {
    rp_cache_t base;
    test_cache_options_t options;
    struct test_cache_memory_t *memory;
    /* Misbehaviour that a test switches on. */
    int dead;             /* every call fails, as a vague cache or an honest one does */
    int lock_fails;       /* nobody gets the lock */
    int forgets_replaced; /* what is refused costs the value that was there */
    apr_size_t id_bytes;  /* so many bytes of an id count; 0: all */
    apr_size_t cuts;      /* so many bytes at the end of an entry get lost */
    /* Called once, before the next retrieve. */
    void (*meanwhile)(void *data);
    void *meanwhile_data;
    /* What was seen. */
    int locks;
    apr_interval_time_t shortest;
    apr_interval_time_t longest;
} test_cache_t;

test_cache_t *test_cache_make(const test_cache_options_t *options, apr_pool_t *pool);

/* Entries that are there. */
int test_cache_count(const test_cache_t *cache);

/* The bytes of entry number n (in no order), to be tampered with. */
unsigned char *test_cache_entry(test_cache_t *cache, int n, apr_size_t **len);

/* Removes entry number n. */
void test_cache_forget(test_cache_t *cache, int n);

#endif
