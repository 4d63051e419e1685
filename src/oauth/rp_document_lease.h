/* Who fetches a document, and whether it was tried a moment ago: a lease (io/rp_lease.h) for each
 * document and use. */
#ifndef RP_DOCUMENT_LEASE_H
#define RP_DOCUMENT_LEASE_H

#include "../io/rp_lease.h"
#include "rp_document_type.h"

/* Uses: the ordinary fetch, and the one that an unknown kid asks for. */
#define RP_LEASE_FETCH "fetch"
#define RP_LEASE_REFETCH "refetch"

/* As the functions of rp_lease.h, for the caller that fetches. */
apr_status_t rp_document_lease_take(rp_env_t *env, const rp_document_t *document, const char *use,
                                    apr_interval_time_t ttl);
apr_status_t rp_document_lease_read(rp_lease_t *lease, rp_env_t *env, const rp_document_t *document,
                                    const char *use);
void rp_document_lease_end(rp_env_t *env, const rp_document_t *document, const char *use);
void rp_document_lease_pause(rp_env_t *env, const rp_document_t *document, const char *use,
                             apr_interval_time_t pause, const rp_error_t *cause);

#endif
