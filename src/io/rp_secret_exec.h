/* A secret that a program prints. */
#ifndef RP_SECRET_EXEC_H
#define RP_SECRET_EXEC_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Runs command (split into words, no shell) and takes up to size bytes of its standard output.
 * APR_SUCCESS when it exited with 0 in time; else a status with *why in words, in pool. */
apr_status_t rp_secret_exec(unsigned char *data, apr_size_t *len, apr_size_t size,
                            const char *command, apr_pool_t *pool, const char **why);

#endif
