/* What the server as a whole has while it runs: the state directory, the store, the key rings, the
 * HTTP client and the threads for deferred work; and the environment that each request gets.
 *
 * Key idea: the parent opens what all processes share (post_config), each child makes what it has
 * for itself (child_init). One struct, made anew with each generation of the configuration. */
#ifndef RP_STATE_H
#define RP_STATE_H

#include "../base/rp_env.h"
#include "rp_config.h"

/* The hooks. post_config returns OK, or not after a message. */
int rp_state_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                         server_rec *main_server);
void rp_state_child_init(apr_pool_t *pchild, server_rec *main_server);

/* Hook: in the parent, every ten seconds or so. */
int rp_state_monitor(apr_pool_t *pool, server_rec *server);

/* Fills env for a request. It logs debug lines to the request's log where somebody listens. */
void rp_state_request_env(rp_env_t *env, request_rec *r);

#endif
