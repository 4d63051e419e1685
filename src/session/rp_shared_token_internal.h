/* The inside of rp_shared_token.c: what is stored and packed is rp_shared_token_entry.c's. */
#ifndef RP_SHARED_TOKEN_INTERNAL_H
#define RP_SHARED_TOKEN_INTERNAL_H

#include "../io/rp_store.h"
#include "rp_shared_token.h"
#include "rp_token_cache.h"

/* What the steps work on. */
typedef struct {
    rp_env_t *env;
    const rp_token_wish_t *wish;
    const char *packed; /* what the cache knows the wish by */
    apr_size_t packed_len;
    unsigned char name[RP_SHA256 + 1]; /* once named is 1 */
    int named;
    int used; /* 1: on behalf of a request */
} rp_token_work_t;

/* Packs the wish, without subject and until. */
apr_status_t rp_token_begin(rp_token_work_t *work, rp_env_t *env, const rp_token_wish_t *wish);

/* Points *wish into what was packed, and gives env its store and key ring. What followed the wish
 * is at the result. */
const void *rp_token_unpack(rp_token_wish_t *wish, rp_env_t *env, const void *packed);

/* Sets work->name. */
apr_status_t rp_token_name(rp_token_work_t *work);

/* A named work's key. */
rp_store_key_t rp_token_key(const rp_token_work_t *work, rp_store_kind_t kind);

/* What the store has, whether it is still good or not. APR_NOTFOUND also for what does not open:
 * it is not ours, or not ours any more. */
apr_status_t rp_token_look(rp_shared_token_t *token, rp_token_work_t *work);

/* Writes it, unless its time has come. */
apr_status_t rp_token_keep(rp_shared_token_t *token, rp_token_work_t *work);

#endif
