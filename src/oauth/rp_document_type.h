/* What a document is: the kind it is of, whose it is, and where it comes from. See rp_document.h.
 */
#ifndef RP_DOCUMENT_TYPE_H
#define RP_DOCUMENT_TYPE_H

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
    int stale;        /* seconds after its end for which a copy serves without anybody waiting */
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

#endif
