/* A document that a provider publishes (metadata, keys), got once for all processes.
 *
 * Key idea: one life for both. The text is fetched by one request, kept in the store for every
 * process and in a file for the time after a restart, and each process keeps the parsed form:
 *
 *     fetched          four fifths              expires                       + 30 days
 *        |------ used ------|-- used, one renews --|-- used while a fetch fails --|
 *
 * What the kinds differ in is a row: how the text is got, and how it is parsed. */
#ifndef RP_DOCUMENT_H
#define RP_DOCUMENT_H

#include "../base/rp_env.h"
#include "rp_provider.h"
#include "rp_provider_cache.h"

typedef struct {
    const char *data;
    apr_size_t len;
    apr_int64_t max_age; /* seconds of Cache-Control; -1: not said */
} rp_document_text_t;

typedef struct rp_document_t rp_document_t;

/* What a deferred renewal is about; configuration outlives every job. */
typedef struct {
    const rp_provider_t *provider;
} rp_document_job_t;

typedef struct {
    rp_cached_t slot;
    const char *what; /* "metadata", "keys": in names and in messages */
    /* Gets the text, in env->pool, from where it is published. */
    apr_status_t (*fetch)(rp_document_text_t *text, rp_env_t *env, const rp_document_t *document);
    /* Makes what requests use, in pool alone. */
    apr_status_t (*parse)(const void **parsed, rp_env_t *env, const rp_document_t *document,
                          const rp_document_text_t *text, apr_pool_t *pool);
    /* Calls rp_document_renew for the document; its data is an rp_document_job_t. */
    rp_job_fn *renew;
} rp_document_type_t;

struct rp_document_t {
    const rp_document_type_t *type;
    const rp_provider_t *provider;
    const char *source; /* tells documents of one provider and type apart: a URL, or "" */
    int local;          /* 1: read from a file, so that there is nothing to share or to keep */
};

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
