/* What the tests of the store in a file share: a file in a directory of its own, attached and
 * detached at will, and entries whose values follow from their numbers, so that a wrong one is
 * noticed. */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "store_audit.h"

/* The entries of a test file are numbered from 0 up to this. */
#define STORE_FILE_ENTRIES 150

typedef struct {
    test_env_t *test;
    rp_env_t *env;
    const char *path;
    apr_pool_t *pool; /* of the attachment at hand */
    rp_store_shm_attached_t attached;
} store_file_t;

/* For cmocka: *state becomes a store_file_t. */
int store_file_setup(void **state);
int store_file_teardown(void **state);

/* Opens the file as the environment's store; gives it up. */
void store_file_attach(store_file_t *fixture, apr_size_t size);
void store_file_detach(store_file_t *fixture);

void store_file_put(store_file_t *fixture, int number);
void store_file_fill(store_file_t *fixture);

/* 1 when an entry is there, with the value it has to have. */
int store_file_has(store_file_t *fixture, int number);

/* How many of the entries from first up to, but not including, last are there. */
int store_file_count(store_file_t *fixture, int first, int last);

#endif
