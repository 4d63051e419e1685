/* Sessions that this process has opened, so that the next request of the same user need not.
 *
 * Key idea: opening a session costs more than all the rest of a request, and a session hardly ever
 * changes. What is kept here is what opening gave, together with the version of the stored value
 * that it was opened from; it is used only when the store, asked on every request, says that this
 * very version is still there. So a session that ended, expired, was evicted or written again is
 * never taken from here, and what is taken is what opening would have given. Of a session that the
 * browser keeps, what it was opened from is kept too, in place of the tokens, and compared whole.
 *
 *     rp_session_kept_t *kept = rp_session_cache_take(env->opened, &owner);
 *     if (kept) ... ask the store whether kept->version is still there
 *         yes: rp_session_cache_copy(session, kept, pool); rp_session_cache_give(cache, kept);
 *         no:  rp_session_cache_drop(kept);
 *
 * An entry belongs to whoever took it until it is given back or dropped, so no lock is needed:
 * another request of the same user at that moment finds nothing and opens its own. It is found by
 * the session's id, the context, the store and the key ring, all of which have to be the same.
 * Entries are bounded in number and size and wiped when they go. */
#ifndef RP_SESSION_CACHE_H
#define RP_SESSION_CACHE_H

#include "../jose/rp_crypto.h"
#include "rp_session.h"

typedef struct rp_session_cache_t rp_session_cache_t;

/* Whose session: what opening one depends on besides the stored value. */
typedef struct {
    const unsigned char *id; /* RP_SESSION_ID_BYTES */
    const char *context;
    const struct rp_store_t *store;
    const struct rp_keyring_t *keyring;
} rp_session_owner_t;

/* The bytes of a decoded record, followed by a NUL that len does not count. */
typedef struct {
    unsigned char *data;
    apr_size_t len;
} rp_session_data_t;

typedef struct rp_session_kept_t rp_session_kept_t;

/* For at least that many sessions; wiped and freed with pool. */
rp_session_cache_t *rp_session_cache_make(int sessions, apr_pool_t *pool);

/* NULL when there is none, or somebody else has it. cache may be NULL, here and below. */
rp_session_kept_t *rp_session_cache_take(rp_session_cache_t *cache,
                                         const rp_session_owner_t *owner);

/* The store key (RP_SHA256 bytes) and the version that the entry was opened from. */
const unsigned char *rp_session_kept_hash(const rp_session_kept_t *kept);
apr_uint64_t rp_session_kept_version(const rp_session_kept_t *kept);

/* 1 when the entry has exactly these sealed bytes as its tokens. */
int rp_session_kept_has(const rp_session_kept_t *kept, const void *tokens, apr_size_t len);

/* Fills all of *session but the id with a copy in pool. */
void rp_session_cache_copy(rp_session_t *session, const rp_session_kept_t *kept, apr_pool_t *pool);

void rp_session_cache_give(rp_session_cache_t *cache, rp_session_kept_t *kept);
void rp_session_cache_drop(rp_session_kept_t *kept);

/* Keeps a copy of what opening gave: data is the decoded record's len bytes, into which
 * session->record points. Does nothing for one that is too large. */
void rp_session_cache_put(rp_session_cache_t *cache, const rp_session_owner_t *owner,
                          const unsigned char hash[RP_SHA256], const rp_session_t *session,
                          const rp_session_data_t *data);

#endif
