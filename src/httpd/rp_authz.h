/* The Require words, registered with httpd. */
#ifndef RP_AUTHZ_H
#define RP_AUTHZ_H

#include <apr_pools.h>

void rp_authz_register(apr_pool_t *pool);

#endif
