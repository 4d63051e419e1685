/* A store in the memory of one process, for the unit tests of the folders above io/.
 *
 * Key idea: each call is one outside call of the environment it is made with, so that a fault
 * loop (test_env_t's fail_at) also fails the n-th access to the store, with RP_E_STORE. The
 * environment therefore has to be one of test_env.h.
 *
 *     test_env_t *test = test_env_make();
 *     test->env.store = test_store_make(test->env.pool);                                     */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include "../../src/io/rp_store.h"
#include "test_env.h"

/* An empty store; it lives as long as pool and is not for several threads at once. */
rp_store_t *test_store_make(apr_pool_t *pool);

/* 1: every call fails, until 0. */
void test_store_spoil(rp_store_t *store, int spoilt);

/* How many entries of a kind have not expired by the environment's clock. */
int test_store_count(const rp_store_t *store, const rp_env_t *env, rp_store_kind_t kind);

/* Changes the last byte of every entry of a kind. */
void test_store_damage(rp_store_t *store, const rp_env_t *env, rp_store_kind_t kind);

#endif
