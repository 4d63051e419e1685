/* The file behind the arena: found, made, locked and named. Internal to the shared-memory store.
 *
 * Key idea: whoever is attached holds a shared flock() on the file. The lock belongs to the open
 * file description, which children inherit, and ends with the last process that has it, however
 * that one ended. So whoever gets the exclusive lock is alone. */
#ifndef RP_STORE_SHM_FILE_H
#define RP_STORE_SHM_FILE_H

#include "rp_store_shm_internal.h"

/* One opening on its way. */
typedef struct {
    rp_env_t *env;
    const rp_store_shm_config_t *config;
    apr_size_t size; /* wanted: a multiple of RP_SHM_PAGE */
    rp_store_shm_attached_t *attached;
    apr_pool_t *pool;
    apr_time_t now;
} rp_shm_opening_t;

/* A file that was found. */
typedef struct {
    int fd;        /* locked; -1: there is none */
    int alone;     /* 1: nobody else is attached */
    uint64_t size; /* of its arena; 0: it is none that this program could read */
} rp_shm_found_t;

/* Fails with RP_E_STORE and the reason in errno. */
apr_status_t rp_shm_fail(const rp_shm_opening_t *opening, const char *what);

/* flock(), however often it is interrupted. */
int rp_shm_file_lock(int fd, int operation);

/* Opens and locks what is there, exclusively when nobody else is attached. APR_EAGAIN when it was
 * replaced meanwhile. */
apr_status_t rp_shm_file_find(rp_shm_found_t *found, const rp_shm_opening_t *opening);

/* Makes a file of mode 0600 and of the size wanted that nobody knows yet, locked exclusively. */
apr_status_t rp_shm_file_make(int *fd, const rp_shm_opening_t *opening, const char *name);

/* Gives a finished file its name. APR_EAGAIN when somebody else was quicker. */
apr_status_t rp_shm_file_publish(const rp_shm_opening_t *opening, int fd, const char *name,
                                 int replaces);

#endif
