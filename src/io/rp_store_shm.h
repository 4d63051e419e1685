/* The store in shared memory, kept in a file so that a restart of httpd loses nobody. The layout
 * is drawn at the top of rp_store_shm.c.
 *
 * Key idea: one store for all processes of a server, which no process can harm by dying. When it
 * is full, what was not used lately makes room; a value that fits is never refused. The largest
 * is RP_MAX_STORE_VALUE from 14 MiB on, and 64 KiB in the smallest arena.
 *
 *     rp_store_shm_config_t config = {"/var/lib/.../sessions", 64 * 1024 * 1024, uid};
 *     rv = rp_store_shm_open(&env->store, &attached, env, &config, pool);
 *
 * A machine that loses its power keeps what its kernel had written to the disk. What was deleted
 * in the seconds before may then be there again, until its time has come. */
#ifndef RP_STORE_SHM_H
#define RP_STORE_SHM_H

#include <apr_user.h>

#include "rp_store.h"

typedef struct {
    const char *path; /* file below the state directory; NULL: anonymous memory, for tests */
    apr_size_t size;  /* bytes of the whole arena, at least 1 MiB */
    apr_uid_t uid;    /* who owns the file when this process is root; (apr_uid_t)-1: nobody else */
} rp_store_shm_config_t;

/* What attaching found; for one line in the log. */
typedef struct {
    int created;          /* 1: a new file was made (none, or another version or size) */
    apr_uint64_t kept;    /* entries taken over */
    apr_uint64_t dropped; /* entries dropped because they were torn or expired */
} rp_store_shm_attached_t;

/* What the arena holds now, for the log line about evictions, the status page and benchmarks. */
typedef struct {
    apr_uint64_t entries;
    apr_uint64_t bytes_used;
    apr_uint64_t bytes_total;
    apr_uint64_t evicted;   /* live entries pushed out since the file was made */
    apr_uint64_t recovered; /* locks taken over from processes that died, since then */
} rp_store_shm_stats_t;

/* Maps the file (created with mode 0600, never through a symbolic link), checks it and recovers
 * what is whole. Called in the parent before it forks; children inherit the mapping, and several
 * generations of children may be attached at once. The mapping goes with pool. On failure returns
 * RP_FAILED, with the reason in env->error. */
apr_status_t rp_store_shm_open(rp_store_t **store, rp_store_shm_attached_t *attached, rp_env_t *env,
                               const rp_store_shm_config_t *config, apr_pool_t *pool);

void rp_store_shm_stats(rp_store_shm_stats_t *stats, rp_store_t *store);

/* Live entries pushed out since the file was made, by what they were. */
typedef struct {
    apr_uint64_t sessions; /* and what belongs to them */
    apr_uint64_t logins;   /* RP_KIND_LOGIN */
    apr_uint64_t ended;    /* RP_KIND_ENDED */
} rp_store_shm_evicted_t;

/* Takes no lock, so that it can neither wait nor make anybody wait. */
void rp_store_shm_evicted(rp_store_shm_evicted_t *evicted, const rp_store_t *store);

#endif
