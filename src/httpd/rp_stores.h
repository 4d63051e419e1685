/* The stores of a server: its own shared memory, and what virtual hosts chose for their sessions.
 */
#ifndef RP_STORES_H
#define RP_STORES_H

#include <httpd.h>

#include "../io/rp_store.h"

/* In post_config, when the configuration is complete: opens the shared memory below dir, which is
 * owned by uid, and gives each active virtual host its store. RP_FAILED with the cause in
 * env->error. */
apr_status_t rp_stores_open(rp_store_t **local, rp_env_t *env, server_rec *main_server,
                            const char *dir, apr_uid_t uid, apr_pool_t *pconf);

/* In each child. */
apr_status_t rp_stores_child_init(server_rec *main_server, apr_pool_t *pchild);

#endif
