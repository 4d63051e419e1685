/* The life of a session: made at login, found by its cookie, touched, given new tokens, ended.
 *
 * Key idea: every session has a 256-bit random id; what is stored about it has the hash of the id
 * as its key and is sealed with a key that needs the id too. There are two keepers, behind the same
 * functions:
 *
 *   - the store (rp_session_stored.c): the browser has the id, the store the sealed session. Every
 *     write is a compare-and-set on the version that was read; ending leaves a tombstone.
 *   - the browser (rp_session_cookie.c): its cookies are the id and the sealed session. The store
 *     knows which sessions have ended, and tokens that were renewed, for all who do not have them
 *     yet.
 *
 * Either way logout wins over any slow request.
 *
 *     rv = rp_session_load(&session, env, &realm, &cookies, &limits);
 *     if (rv == APR_NOTFOUND) ... not signed in
 *     ...
 *     if (session->unsent) rp_session_cookies(&cookies, env, &realm, session) ... Set-Cookie   */
#ifndef RP_SESSION_H
#define RP_SESSION_H

#include "../base/rp_env.h"
#include "../base/rp_limits.h"
#include "../codec/rp_cookie.h"
#include "rp_record.h"

#define RP_SESSION_ID_BYTES 32
/* Characters of the cookie's value when the store keeps the session. */
#define RP_SESSION_ID_CHARS 43

/* How much may be kept in cookies; characters. */
typedef struct {
    apr_size_t part;     /* of one cookie's value; 0: the store keeps the sessions */
    apr_size_t overhead; /* what one cookie's name and separators take in the request */
    apr_size_t total;    /* what all of them may take in the request */
} rp_session_room_t;

/* What a session of one virtual host is bound to; from the configuration. */
typedef struct {
    const char *context;         /* part of the seal: the base URL of the virtual host */
    apr_interval_time_t longest; /* the longest lifetime of any place, bounds the store's */
    rp_session_room_t room;
} rp_session_realm_t;

/* The values of a session's cookies, in order. As a result, a value of NULL means that the browser
 * has it already. */
typedef struct {
    int count;
    rp_cookie_value_t values[RP_MAX_SESSION_COOKIES];
} rp_session_cookies_t;

/* OAuthSessionLifetime of the place that asks; microseconds. */
typedef struct {
    apr_interval_time_t max;
    apr_interval_time_t idle; /* 0: no limit */
} rp_session_limits_t;

/* What the browser does not know yet, of a session that it keeps itself. */
#define RP_UNSENT_RECORD 1
#define RP_UNSENT_TOKENS 2
#define RP_UNSENT_MADE 4 /* the cookies for it are made already */

typedef struct {
    unsigned char id[RP_SESSION_ID_BYTES];
    apr_uint64_t version; /* of what the store has; 0: nothing that was read */
    rp_record_t record;   /* its three tokens are NULL until rp_session_open_tokens */
    int unsent;           /* RP_UNSENT_*: rp_session_cookies has something for the browser */
    int tokens_open;      /* 1: they are in record, and count */
    int bearer;           /* 1: made of a bearer token (rp_verified.h): has no id, and nothing here
                             is for it but what reads the record */
    /* The sealed tokens, as stored or as they came. */
    const unsigned char *tokens;
    apr_size_t tokens_len;
    rp_session_cookies_t cookies;
    int record_cookies; /* the first ones, which hold the record */
} rp_session_t;

/* Makes a session with a new id. created, last_used are set here. RP_FAILED with 16xx, of which
 * RP_E_STORE_TOO_LARGE says that it does not fit. */
apr_status_t rp_session_create(rp_session_t **session, rp_env_t *env,
                               const rp_session_realm_t *realm, const rp_record_t *record);

/* How many cookies there are when the first has this value; 0 when it is not a session's. */
int rp_session_cookie_count(const rp_session_realm_t *realm, const rp_cookie_value_t *first);

/* What to set, in env->pool, and marks it as sent. RP_FAILED with RP_E_STORE_TOO_LARGE when the
 * session has grown too large for the browser: it goes on with what it has. */
apr_status_t rp_session_cookies(rp_session_cookies_t *cookies, rp_env_t *env,
                                const rp_session_realm_t *realm, rp_session_t *session);

/* cookies: rp_session_cookie_count of them; one that did not come has the value NULL.
 * APR_NOTFOUND: no such session, ended, expired, idle too long, not ours, or malformed cookie;
 * RP_FAILED with RP_E_STORE when the store cannot say. Writes nothing. */
apr_status_t rp_session_load(rp_session_t **session, rp_env_t *env, const rp_session_realm_t *realm,
                             const rp_session_cookies_t *cookies,
                             const rp_session_limits_t *limits);

/* Opens the tokens into session->record, if that was not done yet: most requests do without, and
 * they are most of a session's bytes. When they do not open, RP_FAILED with RP_E_STORE if the
 * store keeps them, APR_NOTFOUND if the browser does. */
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

/* The same for a refresh token that was rotated for somebody else's sake: the other tokens stay
 * what they are, and so does when they were got. */
apr_status_t rp_session_rotate(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session, const char *refresh_token);

/* Reads the same session again, or what has been renewed of it. APR_NOTFOUND when it ended. */
apr_status_t rp_session_reload(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session);

/* Text, in env->pool, that this session alone has and that nobody learns from what is stored, in
 * this machine or elsewhere: what else is kept for the session is found by it. */
apr_status_t rp_session_tag(const char **tag, rp_env_t *env, const rp_session_t *session);

/* Ends it: a tombstone stays as long as anything in flight, or a cookie, could bring it back.
 * Ending twice is no failure. */
apr_status_t rp_session_end(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session);

/* The session as bytes, in env->pool, for a job that goes on with it; not sealed. Its tokens have
 * to be open. */
apr_status_t rp_session_pack(unsigned char **data, apr_size_t *len, rp_env_t *env,
                             const rp_session_realm_t *realm, const rp_session_t *session);
/* Makes it again and reads what has changed since; data must stay. When it ended: APR_NOTFOUND with
 * *session set, for its lease. */
apr_status_t rp_session_unpack(rp_session_t **session, rp_env_t *env,
                               const rp_session_realm_t *realm, const unsigned char *data,
                               apr_size_t len);

/* Refresh lease: one holder in all processes. APR_SUCCESS: this request refreshes; RP_CONFLICT:
 * somebody else does; APR_EAGAIN: somebody did, and failed within the pause. It lapses after ttl,
 * which no refresh may outlast: a second one would use the same rotated refresh token. */
apr_status_t rp_session_lease_take(rp_env_t *env, const rp_session_t *session,
                                   apr_interval_time_t ttl);
/* Gives it back after success (failed is 0), or lets it lapse after the pause (failed is 1). */
apr_status_t rp_session_lease_end(rp_env_t *env, const rp_session_t *session, int failed);

#endif
