/* Bearer tokens that were found good, kept as opened sessions for RP_BEARER_KEPT_SECONDS.
 *
 * Key idea: what is kept is what a session's record would say, and it is found by the token
 * together with all that the verdict depends on (which providers, for which audience), so that a
 * place with other demands finds nothing. Each process has copies of its own (env->bearers, a cache
 * like that of opened sessions, but another one), found by that whole text; all of them share what
 * is in the store, found by its hash and sealed for this purpose with a key that needs the hash. So
 * no session id, whatever a cookie says, leads to a bearer token's identity, and no token to a
 * session.
 *
 *     rp_verified_name_t name = {text, len, site->realm.context};
 *     rv = rp_verified_get(&session, env, &name);
 *     if (rv == APR_NOTFOUND) ... check the token, fill record ...
 *         rv = rp_verified_put(&session, env, &name, &record);
 *
 * Nothing that was refused is in there, and no token in the store. */
#ifndef RP_VERIFIED_H
#define RP_VERIFIED_H

#include "../jose/rp_crypto.h"
#include "rp_session.h"

/* What a verdict is known by. */
typedef struct {
    const void *text; /* the token and what the verdict depends on */
    apr_size_t len;
    const char *context;         /* of the virtual host's sessions */
    unsigned char id[RP_SHA256]; /* of text, once has_id is 1 */
    int has_id;
} rp_verified_name_t;

/* *session is in env->pool, marked as a bearer's, without an access token in its record.
 * APR_NOTFOUND: none, too old, or past the token's end; name->id is then set. The store's failures
 * are no failures here: the token is checked again. RP_FAILED with RP_E_CRYPTO. */
apr_status_t rp_verified_get(rp_session_t **session, rp_env_t *env, rp_verified_name_t *name);

/* Keeps what record says (created is set here, tokens are left out) and gives it back as a session.
 * It need not be kept for that. After rp_verified_get has found none. RP_FAILED with
 * RP_E_SESSION_LIMIT or RP_E_INTERNAL. */
apr_status_t rp_verified_put(rp_session_t **session, rp_env_t *env, const rp_verified_name_t *name,
                             rp_record_t *record);

#endif
