/* The shared tokens that this process has a copy of, so that a request need not ask the store and
 * open what it has.
 *
 * Key idea: an entry is found by the packed wish (rp_shared_token.c) byte by byte. A store in this
 * machine's memory is asked each time whether the copy is still what it has; one elsewhere every
 * RP_TOKEN_LOOK_SECONDS: a copy that has been replaced meanwhile is as good as it was, and if it is
 * not, the backend's refusal leads to the newer one. Bounded; the one that was not used for longest
 * goes first; wiped. */
#ifndef RP_TOKEN_CACHE_H
#define RP_TOKEN_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "../jose/rp_crypto.h"

typedef struct rp_token_cache_t rp_token_cache_t;

/* What is known of a shared token. */
typedef struct {
    const char *value;
    apr_time_t issued;
    apr_time_t expires; /* never 0 */
    apr_time_t refused; /* when a backend refused the one before; 0: none did */
    apr_uint64_t version;
    apr_time_t looked;             /* when the store was asked last */
    unsigned char name[RP_SHA256]; /* under which the store has it */
} rp_shared_token_t;

/* NULL when there is no memory. Lives in pool. */
rp_token_cache_t *rp_token_cache_make(apr_pool_t *pool);

/* APR_SUCCESS with a copy in pool, and notes the use; else APR_NOTFOUND. cache may be NULL, here
 * and below. */
apr_status_t rp_token_cache_get(rp_shared_token_t *token, rp_token_cache_t *cache, const void *wish,
                                apr_size_t wish_len, apr_pool_t *pool);

/* used: 1 when a request is about to use it, 0 for a renewal that nobody waited for. */
void rp_token_cache_put(rp_token_cache_t *cache, const void *wish, apr_size_t wish_len,
                        const rp_shared_token_t *token, int used);

void rp_token_cache_drop(rp_token_cache_t *cache, const void *wish, apr_size_t wish_len);

/* The n-th entry (from 0): its wish in pool, its token without the value. APR_NOTFOUND past the
 * last; APR_EAGAIN when it was not used since it was renewed. */
apr_status_t rp_token_cache_visit(void **wish, rp_shared_token_t *token, rp_token_cache_t *cache,
                                  int n, apr_pool_t *pool);

#endif
