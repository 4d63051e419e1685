/* The life of a session: made at login, found by its cookie, touched, given new tokens, ended.
 *
 * Key idea: the browser holds a 256-bit random id; the store key is its hash; the value is sealed
 * with a key that needs the id too. Every write is a compare-and-set on the version that was read,
 * and ending a session leaves a tombstone, so that logout wins over any slow request.
 *
 *     rv = rp_session_load(&session, env, &realm, cookie, len, &limits);
 *     if (rv == APR_NOTFOUND) ... not signed in                                                */
#ifndef RP_SESSION_H
#define RP_SESSION_H

#include "../base/rp_env.h"
#include "rp_record.h"

#define RP_SESSION_ID_BYTES 32
/* Characters of the cookie's value. */
#define RP_SESSION_ID_CHARS 43

/* What a session of one virtual host is bound to; from the configuration. */
typedef struct {
    const char *context;         /* part of the seal: the base URL of the virtual host */
    apr_interval_time_t longest; /* the longest lifetime of any place, bounds the store's */
} rp_session_realm_t;

/* OAuthSessionLifetime of the place that asks; microseconds. */
typedef struct {
    apr_interval_time_t max;
    apr_interval_time_t idle; /* 0: no limit */
} rp_session_limits_t;

typedef struct {
    unsigned char id[RP_SESSION_ID_BYTES];
    apr_uint64_t version;        /* of the stored record */
    rp_record_t record;          /* its three tokens are NULL until rp_session_open_tokens */
    const unsigned char *tokens; /* the sealed tokens as stored; NULL: those in record count */
    apr_size_t tokens_len;
    int tokens_open; /* 1: they are in record too */
} rp_session_t;

/* Makes a session with a new id. created, last_used are set here. cookie receives the 43
 * characters. RP_FAILED with 16xx. */
apr_status_t rp_session_create(rp_session_t **session, const char **cookie, rp_env_t *env,
                               const rp_session_realm_t *realm, const rp_record_t *record);

/* APR_NOTFOUND: no such session, ended, expired, idle too long, not ours, or malformed cookie;
 * RP_FAILED with RP_E_STORE when the store cannot say. Writes nothing. */
apr_status_t rp_session_load(rp_session_t **session, rp_env_t *env, const rp_session_realm_t *realm,
                             const char *cookie, apr_size_t cookie_len,
                             const rp_session_limits_t *limits);

/* Opens the tokens into session->record, if that was not done yet: most requests do without, and
 * they are most of a session's bytes. RP_FAILED with RP_E_STORE when they do not open. */
apr_status_t rp_session_open_tokens(rp_env_t *env, const rp_session_realm_t *realm,
                                    rp_session_t *session);

/* Notes the use when RP_TOUCH_SECONDS, or an eighth of a shorter idle time, have passed since it
 * was noted. A conflict is no failure: somebody else wrote. */
apr_status_t rp_session_touch(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                              const rp_session_limits_t *limits);

typedef struct {
    const char *access_token;
    const char *refresh_token; /* NULL: keep the old one (C92) */
    const char *id_token;      /* NULL: keep */
    const char *scope;         /* NULL: keep */
    apr_time_t expires;        /* 0: not known */
} rp_session_tokens_t;

/* Gives the session new tokens, whatever else was written meanwhile (reads again after a
 * conflict), unless it ended (APR_NOTFOUND) or a later generation is there already (APR_SUCCESS,
 * *session is then that). Updates *session. */
apr_status_t rp_session_renew(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                              const rp_session_tokens_t *tokens);

/* Reads the same session again. APR_NOTFOUND when it ended. */
apr_status_t rp_session_reload(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session);

/* Ends it: a tombstone stays as long as anything in flight could. Ending twice is no failure. */
apr_status_t rp_session_end(rp_env_t *env, const rp_session_realm_t *realm,
                            const rp_session_t *session);

/* Refresh lease: one holder in all processes. APR_SUCCESS: this request refreshes; RP_CONFLICT:
 * somebody else does; APR_EAGAIN: somebody did, and failed within the pause. */
apr_status_t rp_session_lease_take(rp_env_t *env, const rp_session_t *session);
/* Gives it back after success (failed is 0), or lets it lapse after the pause (failed is 1). */
apr_status_t rp_session_lease_end(rp_env_t *env, const rp_session_t *session, int failed);

#endif
