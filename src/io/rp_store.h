/* The key-value store that all processes share.
 *
 * Key idea: five operations, get · set · add · compare-and-set · delete, are all that sessions,
 * leases, used states and metadata need, and every kind of store can offer them atomically. What
 * is stored is sealed above this interface when it is secret, so no store ever sees a token.
 *
 *     rp_store_key_t key = {RP_KIND_SESSION, hash, sizeof(hash)};
 *     rv = rp_store_get(&value, env, &key);
 *     if (rv == APR_NOTFOUND) ... no such session
 *     ...
 *     rv = rp_store_cas(env, &key, value.version, data, len, ttl);
 *     if (rv == RP_CONFLICT) ... somebody was quicker; get again
 *
 * What is stored in clear and believed when it is read, metadata and keys of providers, never
 * leaves this machine: who can write to a store that many machines share could otherwise sign
 * anyone in. The kind of the key tells.
 *
 * The clock is the environment's. An entry whose time has come is absent for every operation. */
#ifndef RP_STORE_H
#define RP_STORE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "../base/rp_env.h"

/* What an entry is for. Keys of different kinds never meet. RP_KIND_LOGIN is what anyone can
 * cause to be written without having signed in; a store that has to evict keeps it apart, so that
 * a flood of started logins cannot push sessions out, and RP_KIND_ENDED, so that nothing else
 * brings an ended session back. */
typedef enum {
    RP_KIND_SESSION = 1,  /* sealed session record */
    RP_KIND_LOGIN = 2,    /* long return URL of a pending login, used state */
    RP_KIND_LEASE = 3,    /* who is refreshing */
    RP_KIND_METADATA = 4, /* provider metadata and keys, as text, and who fetches them */
    RP_KIND_INDEX = 5,    /* issuer and sid or sub -> sessions */
    RP_KIND_ENDED = 6,    /* a session that has ended though its cookie may still come */
    RP_KIND_TOKEN = 7     /* a sealed token for backends, how often getting it failed; what a
                             bearer token says, sealed */
} rp_store_kind_t;

typedef struct {
    rp_store_kind_t kind;
    const void *data; /* any bytes */
    apr_size_t len;   /* 1 to RP_MAX_STORE_KEY */
} rp_store_key_t;

typedef struct {
    unsigned char *data;  /* a copy in the environment's pool */
    apr_size_t len;       /* 0 to RP_MAX_STORE_VALUE */
    apr_uint64_t version; /* differs after every write to the key; never 0 */
} rp_store_value_t;

typedef struct rp_store_t rp_store_t;

/* One row per kind of store. Times to live are microseconds and positive. */
typedef struct {
    const char *name;
    apr_status_t (*get)(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                        const rp_store_key_t *key);
    apr_status_t (*set)(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        const void *data, apr_size_t len, apr_interval_time_t ttl);
    apr_status_t (*add)(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        const void *data, apr_size_t len, apr_interval_time_t ttl);
    apr_status_t (*cas)(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        apr_uint64_t version, const void *data, apr_size_t len,
                        apr_interval_time_t ttl);
    apr_status_t (*del)(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key);
    /* For rp_store_get_newer, where telling is cheaper than reading; NULL: get serves. */
    apr_status_t (*get_newer)(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                              const rp_store_key_t *key, apr_uint64_t version);
} rp_store_driver_t;

/* A driver's own store begins with this. */
struct rp_store_t {
    const rp_store_driver_t *driver;
};

/* APR_SUCCESS with a copy of the value; APR_NOTFOUND when there is none or it has expired;
 * RP_FAILED with RP_E_STORE when the store cannot say. */
apr_status_t rp_store_get(rp_store_value_t *value, rp_env_t *env, const rp_store_key_t *key);

/* The same for somebody who has read this version: when it is still there, APR_SUCCESS with that
 * version and data NULL. A store may give the data all the same. */
apr_status_t rp_store_get_newer(rp_store_value_t *value, rp_env_t *env, const rp_store_key_t *key,
                                apr_uint64_t version);

/* Writes whatever was there. RP_FAILED with RP_E_STORE (cannot) or RP_E_STORE_TOO_LARGE. */
apr_status_t rp_store_set(rp_env_t *env, const rp_store_key_t *key, const void *data,
                          apr_size_t len, apr_interval_time_t ttl);

/* Writes when there is none. RP_CONFLICT when there is one. */
apr_status_t rp_store_add(rp_env_t *env, const rp_store_key_t *key, const void *data,
                          apr_size_t len, apr_interval_time_t ttl);

/* Writes when the entry still has this version. RP_CONFLICT when it has another, APR_NOTFOUND
 * when it is gone. */
apr_status_t rp_store_cas(rp_env_t *env, const rp_store_key_t *key, apr_uint64_t version,
                          const void *data, apr_size_t len, apr_interval_time_t ttl);

/* Removes. APR_NOTFOUND when there was none. */
apr_status_t rp_store_delete(rp_env_t *env, const rp_store_key_t *key);

#endif
