/* A cache provider "shaky" for httpd: mod_socache_shmcb, until a test tells it to fail or to die in
 * the middle of a store, with whatever mutex its caller holds. */
#ifndef SHAKY_PROVIDER_H
#define SHAKY_PROVIDER_H

#include <apr_pools.h>

void shaky_provider_register(apr_pool_t *pool);

/* 1: every call fails, until 0. */
void shaky_provider_fail(int fails);

/* The next store kills this process. */
void shaky_provider_die(void);

#endif
