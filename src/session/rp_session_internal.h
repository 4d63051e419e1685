/* The inside of rp_session.c and its two keepers; see rp_session.h. */
#ifndef RP_SESSION_INTERNAL_H
#define RP_SESSION_INTERNAL_H

#include "../io/rp_store.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"
#include "rp_session.h"

/* Where sessions are kept: one table of operations each. The functions of rp_session.h say what
 * each has to do. */
typedef struct {
    /* id and record are set, the tokens are open. */
    apr_status_t (*create)(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session);
    /* Without looking at the times. */
    apr_status_t (*load)(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                         const rp_session_cookies_t *cookies);
    apr_status_t (*reload)(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session);
    /* APR_EINVAL: they do not open. */
    apr_status_t (*open_tokens)(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session);
    /* record.last_used was set. */
    apr_status_t (*touch)(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session);
    /* One try to write renewed, which is session with new tokens. Besides the results of
     * rp_session_renew: RP_CONFLICT. */
    apr_status_t (*renew)(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                          const rp_session_t *renewed);
    apr_status_t (*end)(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session);
    apr_status_t (*cookies)(rp_session_cookies_t *cookies, rp_env_t *env,
                            const rp_session_realm_t *realm, rp_session_t *session);
} rp_session_keeper_t;

extern const rp_session_keeper_t rp_session_stored;
extern const rp_session_keeper_t rp_session_in_cookies;

/* A store key of a session: its kind, and the hash of the id, which lies in hash. */
apr_status_t rp_session_key(rp_store_key_t *key, unsigned char hash[RP_SHA256], rp_env_t *env,
                            const rp_session_t *session, rp_store_kind_t kind);

rp_seal_for_t rp_session_seal_for(rp_seal_purpose_t purpose, const rp_session_realm_t *realm,
                                  const rp_session_t *session);

/* Microseconds until the store may forget about it; at least 1. */
apr_interval_time_t rp_session_time_left(rp_env_t *env, const rp_session_realm_t *realm,
                                         const rp_record_t *record);

#endif
