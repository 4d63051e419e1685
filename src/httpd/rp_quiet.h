/* A request's log without mod_authz_core's own line about a refusal, which this module writes with
 * an id and a reference instead. Where somebody debugs that module, everything is kept. */
#ifndef RP_QUIET_H
#define RP_QUIET_H

#include "rp_config.h"

/* In post_config, for each virtual host. */
void rp_quiet_prepare(server_rec *server, apr_pool_t *pool);

/* For r->log; may be NULL, as r->log may. */
const struct ap_logconf *rp_quiet_log(request_rec *r);

#endif
