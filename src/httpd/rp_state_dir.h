/* The state directory and the secret that the module makes for itself. */
#ifndef RP_STATE_DIR_H
#define RP_STATE_DIR_H

#include "rp_config.h"

/* OAuthStateDir, wherever in the configuration it is given, else the default. */
const char *rp_state_dir_name(const server_rec *main_server, apr_pool_t *pool);

/* Reads the secret of the state directory, and makes it when there is none: whoever is first of
 * several servers that start at the same time makes it for all. */
apr_status_t rp_state_dir_secret(rp_secret_t *secret, const char *dir, apr_pool_t *pool);

#endif
