/* Sealing: authenticated encryption of what leaves our hands, for one purpose each.
 *
 * Key idea: the caller names a purpose and a context, and what was sealed for one opens for no
 * other. There is no nonce parameter: each box has a fresh 128-bit salt, from which (with the
 * purpose's key, and the binding when there is one) its own AES-256-GCM key is derived, so that no
 * counter has to be kept and no nonce can repeat. How is drawn at the top of rp_seal_box.c.
 *
 *     version (1) | key id (4) | salt (16) | ciphertext | tag (16)
 *
 * The key ring: the first secret seals, all open. Key id is the first four bytes of a hash of the
 * secret. Subkeys for each purpose are derived once, when the ring is made (HKDF, RFC 5869). A
 * ring may be used by any number of threads at once. */
#ifndef RP_SEAL_H
#define RP_SEAL_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "../base/rp_env.h"

/* Bytes that sealing adds. */
#define RP_SEAL_OVERHEAD 37

typedef enum {
    RP_SEAL_SESSION, /* a session record; binding: the session id */
    RP_SEAL_TOKENS,  /* the tokens of a session, likewise */
    RP_SEAL_COOKIE,  /* a session record that the browser keeps, likewise */
    RP_SEAL_COOKIE_TOKENS,
    RP_SEAL_RENEWED,     /* renewed tokens of such a session, in the store, likewise */
    RP_SEAL_LOGIN_STATE, /* the state parameter */
    RP_SEAL_LOGIN_URL,   /* a long return URL kept in the store */
    RP_SEAL_LOGOUT_STATE,
    RP_SEAL_CSRF,         /* tokens in our own forms */
    RP_SEAL_SHARED_TOKEN, /* a token for backends, in the store; binding: a hash of what for */
    RP_SEAL_BEARER,       /* what a bearer token says, in the store; binding: the token's id */
    RP_SEAL_PURPOSES
} rp_seal_purpose_t;

typedef struct {
    rp_seal_purpose_t purpose;
    const char *context;    /* authenticated, not stored: virtual host, client… ; may be "" */
    const void *binding;    /* further key material that only the holder has; NULL: none */
    apr_size_t binding_len; /* 0 to 32, else RP_FAILED */
} rp_seal_for_t;

typedef struct rp_keyring_t rp_keyring_t;

/* A ring from secrets (array of rp_secret_bytes_t, each at least 16 bytes), first one seals.
 * Lives in pool and is wiped with it. APR_EINVAL for a short secret or none at all; RP_FAILED when
 * OpenSSL failed (there is no environment yet to keep a cause in). */
typedef struct {
    const unsigned char *data;
    apr_size_t len;
} rp_secret_bytes_t;

apr_status_t rp_keyring_make(rp_keyring_t **ring, const apr_array_header_t *secrets,
                             apr_pool_t *pool);

/* Seals len bytes with env->keyring into *box (in env->pool, len + RP_SEAL_OVERHEAD bytes). */
apr_status_t rp_seal(unsigned char **box, apr_size_t *box_len, rp_env_t *env,
                     const rp_seal_for_t *seal_for, const void *data, apr_size_t len);

/* Opens. APR_SUCCESS with *data in env->pool (followed by a NUL not counted); APR_EINVAL when it
 * is not ours, was changed, or is for something else (no cause is recorded; which of these cannot
 * be told); RP_FAILED with RP_E_CRYPTO when OpenSSL failed otherwise. On the hot path: no
 * allocation but the output, contexts are reused from a free list without locks. */
apr_status_t rp_open(unsigned char **data, apr_size_t *len, rp_env_t *env,
                     const rp_seal_for_t *seal_for, const void *box, apr_size_t box_len);

/* 32 bytes that only this server can make from text, for purpose: HMAC-SHA256 under the first
 * secret's subkey. Used for PKCE verifier and nonce of a login. index selects the secret (0: the
 * one that seals); APR_NOTFOUND past the last, so that a caller can try the ring; RP_FAILED,
 * without a cause, when OpenSSL failed. */
apr_status_t rp_keyring_mac(unsigned char out[32], const rp_keyring_t *ring, int index,
                            rp_seal_purpose_t purpose, const void *data, apr_size_t len);

#endif
