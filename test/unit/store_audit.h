/* Looks at the shared-memory store from inside: whether its arena is sound, and what tests of its
 * structure need to know. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "../../src/io/rp_store_shm_internal.h"
#include "test_env.h"

/* How long the chains of the buckets are. */
typedef struct {
    uint32_t longest;
    uint64_t steps; /* to find each record once */
    uint64_t records;
} store_chains_t;

/* Opens a store of size bytes; path NULL: anonymous memory. Fails the test when it cannot. */
rp_store_t *store_open(test_env_t *test, const char *path, apr_size_t size,
                       rp_store_shm_attached_t *attached, apr_pool_t *pool);

/* A path in a new directory, which is removed with pool. */
const char *store_path(apr_pool_t *pool);

/* Fails the test unless in each shard the blocks lie side by side, free ones are joined and in
 * their bins, records are in their buckets and match their checks, and the counters agree. */
void store_audit(rp_store_t *store, store_chains_t *chains);

/* The shard a key belongs to. */
const rp_shm_shard_t *store_shard(rp_store_t *store, const rp_store_key_t *key);

#endif
