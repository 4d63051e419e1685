#include "store_audit.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

rp_store_t *store_open(test_env_t *test, const char *path, apr_size_t size,
                       rp_store_shm_attached_t *attached, apr_pool_t *pool)
{
    rp_store_shm_config_t config = {path, size, (apr_uid_t)-1};
    rp_store_shm_attached_t ignored;
    rp_store_t *store = NULL;
    apr_status_t rv =
        rp_store_shm_open(&store, attached ? attached : &ignored, &test->env, &config, pool);

    if (rv != APR_SUCCESS) {
        fail_msg("%s", test->env.error.detail);
    }
    assert_non_null(store);
    return store;
}

static apr_status_t remove_files(void *data)
{
    char *path = data;
    char *slash = strrchr(path, '/');

    unlink(path);
    *slash = '\0';
    /* Also the proof that opening leaves nothing else behind. */
    if (rmdir(path) != 0) {
        abort();
    }
    return APR_SUCCESS;
}

const char *store_path(apr_pool_t *pool)
{
    char *dir = apr_pstrdup(pool, "/tmp/rp-store-XXXXXX");
    char *path;

    assert_non_null(mkdtemp(dir));
    path = apr_pstrcat(pool, dir, "/arena", NULL);
    apr_pool_cleanup_register(pool, path, remove_files, apr_pool_cleanup_null);
    return path;
}

/* The number of free blocks that the bins hold. */
static uint32_t audit_bins(const rp_shm_shard_t *shard)
{
    const rp_shm_head_t *head = shard->head;
    uint32_t count = 0;
    uint32_t back;

    for (uint32_t bin = 0; bin < RP_SHM_BINS; bin++) {
        assert_int_equal(head->filled[bin / 64] >> bin % 64 & 1, head->bins[bin] != 0);
        back = 0;
        for (uint32_t at = head->bins[bin]; at; at = rp_shm_at(shard, at)->next) {
            assert_non_null(rp_shm_sized_block(shard, at));
            assert_int_equal(rp_shm_at(shard, at)->state, RP_SHM_FREE);
            assert_int_equal(rp_shm_at(shard, at)->back, back);
            back = at;
            count++;
            assert_true(count < shard->limit);
        }
    }
    return count;
}

static uint64_t audit_buckets(const rp_shm_shard_t *shard, store_chains_t *chains)
{
    uint64_t count = 0;
    uint32_t length;

    for (uint32_t i = 0; i < shard->bucket_count; i++) {
        length = 0;
        for (uint32_t at = shard->buckets[i]; at; at = rp_shm_at(shard, at)->next) {
            assert_non_null(rp_shm_record(shard, at));
            count++;
            length++;
            chains->steps += length;
            assert_true(count < shard->limit);
        }
        chains->longest = length > chains->longest ? length : chains->longest;
    }
    return count;
}

static void audit_shard(const rp_shm_shard_t *shard, store_chains_t *chains)
{
    const rp_shm_head_t *head = shard->head;
    uint32_t before = 0;
    uint32_t free_blocks = 0;
    uint32_t state = 0;
    uint64_t entries = 0;
    uint64_t used = 0;
    int cursors = 0;
    const rp_shm_block_t *block;

    for (uint32_t at = 1; at < shard->limit; at += before) {
        block = rp_shm_sized_block(shard, at);
        assert_non_null(block);
        assert_int_equal(block->before, before);
        assert_true(block->state == RP_SHM_FREE || block->state == RP_SHM_LIVE);
        if (block->state == RP_SHM_FREE) {
            assert_true(state != RP_SHM_FREE);
            free_blocks++;
        } else {
            assert_int_equal(block->check, rp_shm_check(shard->seed, block));
            entries++;
            used += block->size;
        }
        cursors += (head->hand == at) + (head->sweep == at);
        state = block->state;
        before = block->size;
    }
    assert_int_equal(cursors, 2);
    assert_int_equal(head->entries, entries);
    assert_int_equal(head->used, used);
    assert_int_equal(audit_bins(shard), free_blocks);
    assert_int_equal(audit_buckets(shard, chains), entries);
    chains->records += entries;
}

void store_audit(rp_store_t *store, store_chains_t *chains)
{
    const rp_shm_t *shm = (const rp_shm_t *)store;
    store_chains_t ignored;

    chains = chains ? chains : &ignored;
    memset(chains, 0, sizeof(*chains));
    for (uint32_t i = 0; i < shm->shard_count; i++) {
        audit_shard(&shm->shards[i], chains);
    }
}

const rp_shm_shard_t *store_shard(rp_store_t *store, const rp_store_key_t *key)
{
    const rp_shm_t *shm = (const rp_shm_t *)store;

    return rp_shm_shard_of(shm, key->kind, rp_shm_hash(shm->shards->seed, key));
}
