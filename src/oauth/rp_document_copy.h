/* Copies of a document's text: in the store for all processes, and the last good one in a file
 * below the state directory. */
#ifndef RP_DOCUMENT_COPY_H
#define RP_DOCUMENT_COPY_H

#include "rp_document_type.h"

typedef struct {
    apr_time_t fetched;
    apr_time_t expires;
    rp_document_text_t text; /* max_age is not kept */
} rp_document_copy_t;

/* 1 when what was fetched then may serve now: within RP_METADATA_KEEP_SECONDS, and not in a future
 * that only a clock since corrected has seen. */
int rp_document_is_usable(const rp_env_t *env, apr_time_t fetched);

/* Bytes of a document's name: a hash of what it is, whose, and where from (C319). */
#define RP_DOCUMENT_NAME_BYTES 32

/* The key of a document, for one use of it ("copy", "fetch", "refetch"). Fails with RP_E_CRYPTO. */
apr_status_t rp_document_name(unsigned char name[RP_DOCUMENT_NAME_BYTES], rp_env_t *env,
                              const rp_document_t *document, const char *use);

/* The store's copy, in env->pool. APR_NOTFOUND when there is none that can be read; RP_FAILED when
 * the store cannot say. */
apr_status_t rp_document_copy_load(rp_document_copy_t *copy, rp_env_t *env,
                                   const rp_document_t *document);

/* The file's copy. APR_NOTFOUND when there is none that can be used. */
apr_status_t rp_document_copy_load_file(rp_document_copy_t *copy, rp_env_t *env,
                                        const rp_document_t *document);

/* Each as well as it goes: a copy that could not be kept is worth a debug line, not a login. */
void rp_document_copy_save(rp_env_t *env, const rp_document_t *document,
                           const rp_document_copy_t *copy);
void rp_document_copy_save_file(rp_env_t *env, const rp_document_t *document,
                                const rp_document_copy_t *copy);

#endif
