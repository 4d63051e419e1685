/* OAuthSessionStore socache:PROVIDER[:ARGS]: sessions in one of httpd's own cache providers
 * (mod_socache_shmcb, _dbm, _memcache, _redis or anybody's), through httpd's ap_socache interface.
 *
 * Key idea: a provider stores, retrieves and removes; what a store needs beyond that is made from
 * these and a mutex of httpd's (io/rp_store_cache.h). The mutex is of one machine. Several machines
 * that share one memcached would lose updates and start two refreshes at once: that is what Redis
 * is for. The mutex is named "auth_oauth" in httpd's Mutex directive. It is made once and outlives
 * a graceful restart, because the old children still use the cache beside the new ones. A process
 * that dies while it holds it must not stop the others: of httpd's mechanisms all but posixsem see
 * to that, and posixsem is refused.
 *
 * What a cache forgets: shmcb everything at each restart, graceful ones too, and the oldest
 * entries when it is full; memcached the least used ones when it is full; nobody says a word about
 * it. Whoever is forgotten signs in again. */
#ifndef RP_STORE_SOCACHE_H
#define RP_STORE_SOCACHE_H

#include <httpd.h>

#include "rp_store_choice.h"

/* Hook: makes the mutex known to the Mutex directive. */
int rp_store_socache_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/* The functions of the row (rp_store_choice.h). */
const char *rp_store_socache_parse(rp_store_choice_t *choice, const char *rest, const char *bounds,
                                   apr_pool_t *pool);
apr_status_t rp_store_socache_open(rp_store_t **store, rp_env_t *env,
                                   const rp_store_choice_t *choice, rp_store_t *local,
                                   apr_pool_t *pool);
apr_status_t rp_store_socache_child(rp_store_t *store, apr_pool_t *pchild);

#endif
