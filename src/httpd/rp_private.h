/* Responses of a protected place are private unless they say something else about caching. */
#ifndef RP_PRIVATE_H
#define RP_PRIVATE_H

#include "rp_visit.h"

void rp_private_register(void);

/* Once for each virtual host, before any request. */
void rp_private_prepare(server_rec *server);

/* insert_filter. */
void rp_private_insert(request_rec *r);

#endif
