/* What each child does by the clock: renews tokens for backends before they expire, also while no
 * request asks for them. */
#ifndef RP_TEND_H
#define RP_TEND_H

#include "rp_config.h"

/* In post_config: asks mod_watchdog, where it is loaded, for a thread in each child that calls tend
 * every second. */
void rp_tend_register(server_rec *main_server, void (*tend)(apr_pool_t *pool), apr_pool_t *pconf);

#endif
