/* Opening the arena.
 *
 * Key idea: whoever is alone with the file (rp_store_shm_file.h) makes the mutexes anew, which may
 * be of a boot gone by, and rebuilds each shard. Whoever is not joins those who are there and
 * touches nothing.
 *
 * A file that does not fit (another size, another layout, damaged in its first page, cut off under
 * people who are using it) is never changed in place: a new one is made beside it, takes the
 * entries over, and is renamed to its name. Who is attached to the old one keeps it. */
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include "rp_store_shm_file.h"

/* Attempts to open a file that others replace at the same time. */
#define TRIES 16

static apr_status_t cleanup(void *data)
{
    rp_shm_t *shm = data;

    munmap(shm->map, shm->size);
    if (shm->fd >= 0) {
        close(shm->fd);
    }
    return APR_SUCCESS;
}

/* Maps an arena; fd -1: anonymous memory. The mapping and the descriptor go with pool. NULL when
 * it cannot be mapped, with the cause recorded and the descriptor closed. */
static rp_shm_t *map_arena(const rp_shm_opening_t *opening, int fd, apr_size_t size,
                           apr_pool_t *pool)
{
    rp_shm_t *shm = apr_pcalloc(pool, sizeof(*shm));
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    /* cppcheck-suppress invalidFunctionArg ; -1 is right for anonymous memory */
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (map == MAP_FAILED) {
        rp_shm_fail(opening, "cannot be mapped");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    shm->base.driver = &rp_shm_driver;
    shm->map = map;
    shm->fd = fd;
    rp_shm_divide(shm, size);
    apr_pool_cleanup_register(pool, shm, cleanup, apr_pool_cleanup_null);
    return shm;
}

/* Gives all shards working locks; only while nobody else is attached. */
static apr_status_t make_locks(const rp_shm_opening_t *opening, const rp_shm_t *shm)
{
    apr_status_t rv;

    for (uint32_t i = 0; i < shm->shard_count; i++) {
        rv = rp_shm_lock_make(&shm->shards[i]);
        if (rv != APR_SUCCESS) {
            return rp_fail(opening->env, RP_E_STORE, "shared memory: no robust mutex (%d)", rv);
        }
    }
    return APR_SUCCESS;
}

/* Makes an empty arena of zeroed memory. */
static apr_status_t format(const rp_shm_opening_t *opening, rp_shm_t *shm, apr_pool_t *pool)
{
    rp_shm_file_t *file = (void *)shm->map;
    apr_status_t rv;

    memcpy(file->magic, RP_SHM_MAGIC, sizeof(file->magic));
    file->layout = RP_SHM_LAYOUT;
    file->head_size = sizeof(rp_shm_head_t);
    file->size = shm->size;
    rv = rp_random(opening->env, (unsigned char *)file->seed, sizeof(file->seed));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rp_shm_view(shm, pool);
    for (uint32_t i = 0; i < shm->shard_count; i++) {
        rp_shm_format(&shm->shards[i], opening->now);
    }
    rv = make_locks(opening, shm);
    file->check = rp_shm_file_check(file);
    return rv;
}

/* Rebuilds all shards. */
static void rebuild(const rp_shm_opening_t *opening, const rp_shm_t *shm)
{
    rp_shm_census_t census;

    for (uint32_t i = 0; i < shm->shard_count; i++) {
        rp_shm_rebuild(&census, &shm->shards[i], 1, opening->now);
        opening->attached->kept += census.kept;
        opening->attached->dropped += census.dropped;
    }
}

/* Counts what is there while others are at work. One of them that hangs with a lock must not
 * keep this server from starting: what it sits on is not counted. */
static void count(const rp_shm_opening_t *opening, const rp_shm_t *shm)
{
    for (uint32_t i = 0; i < shm->shard_count; i++) {
        if (rp_shm_lock(&shm->shards[i], opening->now) == APR_SUCCESS) {
            opening->attached->kept += shm->shards[i].head->entries;
            rp_shm_unlock(&shm->shards[i]);
        }
    }
}

/* Joins the arena in a file that fits; NULL when that fails. Owns the descriptor. */
static rp_shm_t *attach(const rp_shm_opening_t *opening, const rp_shm_found_t *found,
                        apr_pool_t *pool)
{
    rp_shm_t *shm = map_arena(opening, found->fd, (apr_size_t)found->size, pool);

    if (!shm) {
        return NULL;
    }
    rp_shm_view(shm, pool);
    if (!found->alone) {
        count(opening, shm);
        return shm;
    }
    if (make_locks(opening, shm) != APR_SUCCESS) {
        return NULL;
    }
    rebuild(opening, shm);
    /* Between the two locks somebody else may be alone for a moment, and rebuild what was just
     * rebuilt; this process has not used it yet. */
    if (rp_shm_file_lock(found->fd, LOCK_SH) != 0) {
        rp_shm_fail(opening, "cannot be locked");
        return NULL;
    }
    return shm;
}

/* Copies what one shard of the old arena holds. Its lock is held. */
static void take_over_shard(const rp_shm_opening_t *opening, const rp_shm_t *shm,
                            const rp_shm_shard_t *old)
{
    const rp_shm_shard_t *shard;
    rp_shm_block_t *block;
    rp_shm_item_t item;
    uint64_t hash;

    for (uint32_t at = 1; at < old->limit; at += block->size) {
        block = rp_shm_sized_block(old, at);
        if (!block) {
            return;
        }
        if (!rp_shm_record(old, at) || block->expires <= opening->now) {
            continue;
        }
        item.key.kind = (rp_store_kind_t)block->kind;
        item.key.data = rp_shm_key(block);
        item.key.len = block->key_len;
        item.data = rp_shm_value(block);
        item.len = block->len;
        item.expires = block->expires;
        item.touched = block->touched;
        hash = rp_shm_hash(shm->shards->seed, &item.key);
        shard = rp_shm_shard_of(shm, item.key.kind, hash);
        if (rp_shm_write(shard, &item, hash, opening->now) != APR_SUCCESS) {
            opening->attached->dropped++;
        }
    }
}

/* Fills a new arena with what the old one holds. Owns the old one's descriptor. */
static apr_status_t take_over(const rp_shm_opening_t *opening, const rp_shm_t *shm,
                              const rp_shm_found_t *found)
{
    apr_pool_t *pool;
    rp_shm_t *old;

    apr_pool_create(&pool, opening->pool);
    old = attach(opening, found, pool);
    if (!old) {
        apr_pool_destroy(pool);
        return RP_FAILED;
    }
    for (uint32_t i = 0; i < old->shard_count; i++) {
        if (rp_shm_lock(&old->shards[i], opening->now) == APR_SUCCESS) {
            take_over_shard(opening, shm, &old->shards[i]);
            rp_shm_unlock(&old->shards[i]);
        }
    }
    opening->attached->kept = 0;
    for (uint32_t i = 0; i < shm->shard_count; i++) {
        opening->attached->kept += shm->shards[i].head->entries;
    }
    apr_pool_destroy(pool);
    return APR_SUCCESS;
}

/* Fills a new file that nobody knows yet, and gives it its name. Owns the descriptor of the one
 * that was found. */
static apr_status_t furnish(const rp_shm_opening_t *opening, rp_shm_t *shm, const char *name,
                            const rp_shm_found_t *found, apr_pool_t *pool)
{
    apr_status_t rv = format(opening, shm, pool);

    if (rv == APR_SUCCESS && found->size) {
        rv = take_over(opening, shm, found);
    } else if (found->fd >= 0) {
        close(found->fd);
    }
    if (rv == APR_SUCCESS) {
        rv = rp_shm_file_publish(opening, shm->fd, name, found->fd >= 0);
    }
    if (rv == APR_SUCCESS && rp_shm_file_lock(shm->fd, LOCK_SH) != 0) {
        rv = rp_shm_fail(opening, "cannot be locked");
    }
    return rv;
}

/* Makes a new file, in place of one that was found. Owns the descriptor of that one. */
static apr_status_t replace(rp_shm_t **shm, const rp_shm_opening_t *opening,
                            const rp_shm_found_t *found, apr_pool_t *pool)
{
    const char *name = apr_pstrcat(pool, opening->config->path, ".new", NULL);
    apr_status_t rv;
    int fd;

    *shm = NULL;
    opening->attached->created = 1;
    rv = rp_shm_file_make(&fd, opening, name);
    if (rv == APR_SUCCESS) {
        *shm = map_arena(opening, fd, opening->size, pool);
    }
    if (*shm) {
        rv = furnish(opening, *shm, name, found, pool);
        unlink(name);
        return rv;
    }
    if (found->fd >= 0) {
        close(found->fd);
    }
    unlink(name);
    return RP_FAILED;
}

/* One attempt, in a pool that is given up when it fails. */
static apr_status_t try_to_open(rp_shm_t **shm, const rp_shm_opening_t *opening)
{
    rp_shm_found_t found;
    apr_pool_t *pool;
    apr_status_t rv;

    memset(opening->attached, 0, sizeof(*opening->attached));
    rv = rp_shm_file_find(&found, opening);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_create(&pool, opening->pool);
    if (found.size == opening->size) {
        *shm = attach(opening, &found, pool);
        rv = *shm ? APR_SUCCESS : RP_FAILED;
    } else {
        rv = replace(shm, opening, &found, pool);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
    }
    return rv;
}

static apr_status_t open_file(rp_shm_t **shm, const rp_shm_opening_t *opening)
{
    apr_status_t rv = APR_EAGAIN;

    for (int i = 0; rv == APR_EAGAIN && i < TRIES; i++) {
        rv = try_to_open(shm, opening);
    }
    if (rv == APR_EAGAIN) {
        return rp_fail(opening->env, RP_E_STORE, "shared memory %s: others replace it all the time",
                       opening->config->path);
    }
    return rv;
}

static apr_status_t open_anonymous(rp_shm_t **shm, const rp_shm_opening_t *opening)
{
    opening->attached->created = 1;
    *shm = map_arena(opening, -1, opening->size, opening->pool);
    return *shm ? format(opening, *shm, opening->pool) : RP_FAILED;
}

apr_status_t rp_store_shm_open(rp_store_t **store, rp_store_shm_attached_t *attached, rp_env_t *env,
                               const rp_store_shm_config_t *config, apr_pool_t *pool)
{
    rp_shm_opening_t opening = {.env = env,
                                .config = config,
                                .size = config->size / RP_SHM_PAGE * RP_SHM_PAGE,
                                .attached = attached,
                                .pool = pool,
                                .now = rp_now(env)};
    rp_shm_t *shm = NULL;
    apr_status_t rv;

    *store = NULL;
    memset(attached, 0, sizeof(*attached));
    if (config->size < RP_SHM_MIN_SIZE || config->size > APR_SIZE_MAX / 2) {
        return rp_fail(env, RP_E_STORE,
                       "shared memory of %" APR_SIZE_T_FMT " bytes: 1 MiB at least", config->size);
    }
    rv = config->path ? open_file(&shm, &opening) : open_anonymous(&shm, &opening);
    if (rv == APR_SUCCESS) {
        *store = &shm->base;
    }
    return rv;
}
