#include <errno.h>
#include <string.h>
#include <time.h>

#include "rp_store_shm_internal.h"

apr_status_t rp_shm_lock_make(const rp_shm_shard_t *shard)
{
    pthread_mutexattr_t attributes;
    int rc;

    memset(&shard->head->lock, 0, sizeof(shard->head->lock));
    rc = pthread_mutexattr_init(&attributes);
    if (rc) {
        return APR_FROM_OS_ERROR(rc);
    }
    rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (!rc) {
        rc = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    }
    if (!rc) {
        rc = pthread_mutex_init(&shard->head->lock.mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return APR_FROM_OS_ERROR(rc);
}

/* The kernel gives the lock of a dead holder away at once. The limit is for one that was stopped
 * or that hangs, and it is the system's clock that has to pass, whatever the environment says. */
static int wait_for(pthread_mutex_t *mutex)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += RP_SHM_LOCK_SECONDS;
    return pthread_mutex_timedlock(mutex, &end);
}

apr_status_t rp_shm_lock(const rp_shm_shard_t *shard, apr_time_t now)
{
    pthread_mutex_t *mutex = &shard->head->lock.mutex;
    int rc = pthread_mutex_trylock(mutex);
    rp_shm_census_t census;

    if (rc == EBUSY) {
        rc = wait_for(mutex);
    }
    if (rc == EOWNERDEAD) {
        rp_shm_rebuild(&census, shard, 0, now);
        shard->head->recovered++;
        rc = pthread_mutex_consistent(mutex);
    }
    return APR_FROM_OS_ERROR(rc);
}

void rp_shm_unlock(const rp_shm_shard_t *shard)
{
    pthread_mutex_unlock(&shard->head->lock.mutex);
}
