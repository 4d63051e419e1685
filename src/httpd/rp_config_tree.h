/* What only the tree of directives knows: how other modules are configured in a virtual host.
 *
 * Key idea: httpd keeps every directive that is in force as a tree until it serves; a question
 * about another module's configuration is answered there, with the file and the line, without that
 * module's private structs. For check_config and post_config only. */
#ifndef RP_CONFIG_TREE_H
#define RP_CONFIG_TREE_H

#include "rp_config.h"

/* The origin under which browsers reach the virtual host, by its ServerName, its address and
 * SSLEngine; in pool. NULL when there is no ServerName to take it from. */
const char *rp_config_tree_origin(const server_rec *server, const server_rec *main_server,
                                  apr_pool_t *pool);

/* A directive that maps path, or something below it, elsewhere (ProxyPass, Alias, Redirect,
 * SetHandler in a <Location>). NULL when there is none. */
const ap_directive_t *rp_config_tree_mapping(const server_rec *server,
                                             const server_rec *main_server, const char *path,
                                             apr_pool_t *pool);

#endif
