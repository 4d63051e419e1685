/* The store in Redis or Valkey, for several servers that share sessions.
 *
 * Key idea: whatever decides between two writers is decided by Redis, in one step, so a lease, a
 * used state or a logout holds on all machines at once. What cannot be decided, because Redis does
 * not answer, fails; it never passes for "there is none".
 *
 *     why = rp_store_redis_parse(&address, "redis://:secret@10.0.0.5/2", pool);
 *     if (!why) {
 *         why = rp_store_redis_missing(address);
 *     }
 *     ...
 *     rv = rp_store_redis_open(&store, env, address, pool);
 *
 * Nothing connects before the first operation, so Redis may come later than httpd, and the parent
 * never has a connection. Each process has connections of its own, as many as threads needed at the
 * same moment.
 *
 * When Redis fails, a call takes RP_REDIS_OPERATION_MS at most. After that the others fail at once,
 * and one caller at a time tries again, RP_REDIS_PAUSE_MS later (rp_store_redis_breaker.c).
 *
 * A write whose answer got lost fails too, although Redis may have done it; it is never sent twice.
 * Whoever asked cannot take its absence, nor its presence, for granted, and says 503. Only what
 * Redis did certainly not do, or what does not write, is repeated (rp_store_redis_pool.c). */
#ifndef RP_STORE_REDIS_H
#define RP_STORE_REDIS_H

#include "rp_store.h"

typedef enum {
    RP_REDIS_TCP = 1,
    RP_REDIS_TLS = 2,
    RP_REDIS_UNIX = 4,
    RP_REDIS_SENTINEL = 8
} rp_redis_kind_t;

/* A host and a port, or the path of a socket when host is NULL. */
typedef struct {
    const char *host; /* without brackets */
    int port;
    const char *path;
    const char *name; /* for messages: host:port, [host]:port or unix:path */
} rp_redis_peer_t;

/* What an address says. Passwords are in it, so it never goes to a log; name does. */
typedef struct {
    rp_redis_kind_t kind;
    rp_redis_peer_t *peers; /* the server, or the sentinels */
    int peer_count;
    const char *user;     /* NULL: Redis' default user */
    const char *password; /* NULL: none */
    int db;
    const char *master;            /* the name that sentinels know */
    const char *sentinel_user;     /* for the sentinels themselves */
    const char *sentinel_password; /* NULL: none */
    const char *ca;                /* file of authorities; NULL: the system's */
    const char *name;              /* for messages, without passwords */
} rp_redis_address_t;

/* Reads, into pool:
 *
 *     redis://[USER:PASSWORD@]HOST[:PORT][/DB]
 *     rediss://[USER:PASSWORD@]HOST[:PORT][/DB][?ca=FILE]
 *     redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DB]
 *                      [?sentinel_user=USER&sentinel_password=PASSWORD]
 *     unix:/PATH[?db=DB&user=USER&password=PASSWORD]
 *
 * User and password are percent-decoded, USER may be empty, and an IPv6 address is in brackets.
 * NULL, or words that say what would be right and repeat nothing of the text. */
const char *rp_store_redis_parse(rp_redis_address_t **address, const char *text, apr_pool_t *pool);

/* NULL, or words about what this build lacks for such an address: hiredis, or its TLS. */
const char *rp_store_redis_missing(const rp_redis_address_t *address);

/* Makes the store; address must live as long. The connections go with pool. RP_FAILED with the
 * cause in env->error, for a file of authorities that cannot be used; an unreachable Redis is no
 * failure yet. */
apr_status_t rp_store_redis_open(rp_store_t **store, rp_env_t *env,
                                 const rp_redis_address_t *address, apr_pool_t *pool);

#endif
