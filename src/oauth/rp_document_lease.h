/* Who fetches a document, and whether it was tried a moment ago: one entry in the store per
 * document and use, which is there while a fetch is under way (busy) and for a pause after it. */
#ifndef RP_DOCUMENT_LEASE_H
#define RP_DOCUMENT_LEASE_H

#include "rp_document_type.h"

/* Uses: the ordinary fetch, and the one that an unknown kid asks for. */
#define RP_LEASE_FETCH "fetch"
#define RP_LEASE_REFETCH "refetch"

typedef struct {
    int busy;         /* 1: somebody fetches; 0: pause after a fetch */
    rp_error_t cause; /* why that fetch failed; RP_E_NONE: it did not */
} rp_document_lease_t;

/* APR_SUCCESS: the caller fetches, and gives the lease back by _end or _pause, else it lapses after
 * ttl. RP_CONFLICT: somebody fetches, or the pause lasts. RP_FAILED: the store cannot say. */
apr_status_t rp_document_lease_take(rp_env_t *env, const rp_document_t *document, const char *use,
                                    apr_interval_time_t ttl);

/* What stands in the way. APR_NOTFOUND: nothing (any more). */
apr_status_t rp_document_lease_read(rp_document_lease_t *lease, rp_env_t *env,
                                    const rp_document_t *document, const char *use);

/* Give the lease back at once, or when the pause is over. A store that fails here lets the lease
 * lapse, which is no failure of the caller's. */
void rp_document_lease_end(rp_env_t *env, const rp_document_t *document, const char *use);
void rp_document_lease_pause(rp_env_t *env, const rp_document_t *document, const char *use,
                             apr_interval_time_t pause, const rp_error_t *cause);

#endif
