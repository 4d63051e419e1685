/* A document that a provider publishes (metadata, keys), got once for all processes.
 *
 * Key idea: one life for both. The text is fetched by one request, kept in the store for every
 * process and in a file for the time after a restart, and each process keeps the parsed form:
 *
 *     fetched          four fifths              expires                       + 30 days
 *        |------ used ------|-- used, one renews --|-- used while a fetch fails --|
 *
 * A renewal is another thread's, and nobody waits for it; that goes on for a kind's stale seconds
 * after the end.
 *
 * What the kinds differ in is a row: how the text is got, and how it is parsed. */
#ifndef RP_DOCUMENT_H
#define RP_DOCUMENT_H

#include "rp_document_type.h"

/* What parse made, valid as long as env->pool. Fetches when nothing usable is known; waits when
 * somebody else does, no longer than the total timeout. RP_FAILED with the cause of the fetch,
 * also when that failed a moment ago for another request. */
apr_status_t rp_document_get(const void **parsed, rp_env_t *env, const rp_document_t *document);

/* Fetches although the copy is fresh, unless somebody did so within RP_JWKS_REFETCH_SECONDS; then,
 * and when the fetch fails, what is known. */
apr_status_t rp_document_refetch(const void **parsed, rp_env_t *env, const rp_document_t *document);

/* The end of a renewal whose lease rp_document_get took: fetches, and gives the lease back. A
 * failure leaves the copy there is in use. */
void rp_document_renew(rp_env_t *env, const rp_document_t *document);

#endif
