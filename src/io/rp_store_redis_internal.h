/* What the files of the Redis store share.
 *
 * Key idea: one operation (rp_redis_op_t) has one deadline for all that it takes, and one place
 * where the first thing that went wrong is noted. Times are microseconds of a clock that only goes
 * forward; the environment's may be set meanwhile, and is for what is stored. */
#ifndef RP_STORE_REDIS_INTERNAL_H
#define RP_STORE_REDIS_INTERNAL_H

#include <hiredis.h>
#include <stdatomic.h>

#include "../jose/rp_slots.h"
#include "rp_store_redis.h"

typedef struct {
    rp_env_t *env;
    apr_time_t deadline;
    const char *where; /* who is being asked, for the message */
    const char *why;   /* constant text: what went wrong; NULL: nothing did */
    int error;         /* errno that says more; 0: none */
} rp_redis_op_t;

/* Notes what went wrong, unless something did before. Returns APR_EGENERAL. */
apr_status_t rp_redis_trouble(rp_redis_op_t *op, const char *why, int error);

apr_time_t rp_redis_clock(void);

/* The deadline, or ms from now if that is sooner. */
apr_time_t rp_redis_limit(const rp_redis_op_t *op, int ms);

/* --- commands and replies (rp_store_redis_protocol.c) --- */

/* An argument: head, then data. */
typedef struct {
    const void *data;
    apr_size_t len;
    const void *head;
    apr_size_t head_len;
} rp_redis_arg_t;

typedef struct {
    char *bytes;
    apr_size_t len;
    int reads; /* 1: changes nothing, so it may be sent twice */
} rp_redis_command_t;

/* A string constant as an argument. */
#define RP_REDIS_WORD(text)                                                                        \
    {                                                                                              \
        .data = (text), .len = sizeof(text) - 1                                                    \
    }

void rp_redis_format(rp_redis_command_t *command, const rp_redis_arg_t *args, int count,
                     apr_pool_t *pool);

/* Decimal digits of number at out, which has room for 20; returns how many. */
apr_size_t rp_redis_digits(char *out, apr_uint64_t number);

typedef struct rp_redis_reply_t {
    int type; /* REDIS_REPLY_… */
    long long number;
    char *text; /* followed by a NUL that len does not count */
    apr_size_t len;
    struct rp_redis_reply_t **element;
    apr_size_t count;
} rp_redis_reply_t;

/* How hiredis makes replies: in the pool that is the reader's private data. What nothing of ours
 * is ever answered with is refused. */
void rp_redis_reply_functions(redisReplyObjectFunctions *functions);

/* 1 for a status reply of that text. */
int rp_redis_is_status(const rp_redis_reply_t *reply, const char *text);
/* 1 for an error reply that begins so. */
int rp_redis_is_error(const rp_redis_reply_t *reply, const char *code);

/* What an error reply means to the administrator. The text itself is not shown: old servers repeat
 * the arguments of a command in it, passwords too. */
typedef struct {
    const char *begins;
    const char *why;
    int elsewhere; /* 1: another connection may lead to a server that can; nothing was done here */
} rp_redis_refusal_t;

/* Never NULL for an error reply; NULL for others. */
const rp_redis_refusal_t *rp_redis_refusal(const rp_redis_reply_t *reply);

/* --- sockets (rp_store_redis_socket.c) --- */

/* Connected within RP_REDIS_CONNECT_MS for each address that the name has; never blocks. The
 * resolver keeps its own time. */
apr_status_t rp_redis_socket(int *fd, rp_redis_op_t *op, const rp_redis_peer_t *peer);

/* Waits for events (poll.h); APR_TIMEUP, noted, at the limit. */
apr_status_t rp_redis_wait(rp_redis_op_t *op, int fd, short events, apr_time_t limit);

/* 1 when nothing has come and the other side has not closed. */
int rp_redis_is_idle(int fd);

/* --- connections (rp_store_redis_link.c) --- */

struct rp_redis_link_t;

/* How bytes go; one constant table for plain sockets, one for TLS. */
typedef struct {
    apr_status_t (*send)(struct rp_redis_link_t *link, rp_redis_op_t *op,
                         const rp_redis_command_t *command, apr_time_t limit);
    /* Feeds the reader; *n is how many bytes came. APR_EOF at the end. */
    apr_status_t (*receive)(struct rp_redis_link_t *link, apr_size_t *n, rp_redis_op_t *op,
                            apr_time_t limit);
    void (*close)(struct rp_redis_link_t *link);
} rp_redis_io_t;

/* A connection; one thread's at a time, made with malloc because it outlives requests. */
typedef struct rp_redis_link_t {
    const rp_redis_io_t *io;
    int fd;
    redisReader *reader;
    redisContext *tls; /* NULL: plain; otherwise fd, reader and session are its own */
    struct ssl_st *session;
    pid_t pid;           /* whose it is: a process forked from it must not use it */
    unsigned generation; /* rp_redis_t.generation when it was made */
    apr_time_t used;
} rp_redis_link_t;

typedef struct {
    rp_store_t base;
    const rp_redis_address_t *address;
    struct ssl_ctx_st *tls; /* NULL: plain */
    redisReplyObjectFunctions functions;
    rp_slots_t idle;             /* of rp_redis_link_t */
    _Atomic unsigned generation; /* connections of an earlier one are not used again */
    _Atomic int sentinel;        /* the one that answered last */
    /* The breaker: until when nobody asks (0: everybody does), and what had happened. */
    _Atomic apr_time_t pause;
    _Atomic(const char *) why;
    char sha[3][41]; /* of the scripts */
} rp_redis_t;

/* Connects to peer. NULL, noted, when that fails. */
rp_redis_link_t *rp_redis_link_make(rp_redis_op_t *op, rp_redis_t *redis,
                                    const rp_redis_peer_t *peer);
void rp_redis_link_close(rp_redis_link_t *link);

/* Sends a command and reads its one reply, an error reply too. On any failure, which is noted, the
 * connection is of no use any more. APR_EOF: it ended before any of the answer came. */
apr_status_t rp_redis_link_ask(rp_redis_reply_t **reply, rp_redis_op_t *op, rp_redis_link_t *link,
                               const rp_redis_command_t *command);

/* Signs in; nothing to do without a password. */
apr_status_t rp_redis_link_auth(rp_redis_op_t *op, rp_redis_link_t *link, const char *user,
                                const char *password);
apr_status_t rp_redis_link_select(rp_redis_op_t *op, rp_redis_link_t *link, int db);
/* Fails unless the server says that it is a master. */
apr_status_t rp_redis_link_role(rp_redis_op_t *op, rp_redis_link_t *link);

/* --- sentinels (rp_store_redis_sentinel.c) --- */

/* Where the master is now, in the environment's pool. */
apr_status_t rp_redis_find_master(rp_redis_peer_t *peer, rp_redis_op_t *op, rp_redis_t *redis);

/* --- TLS (rp_store_redis_tls.c, where hiredis has it) --- */

/* Why TLS cannot be had, or NULL. */
const char *rp_redis_tls_missing(void);
/* The context for all connections; goes with pool. NULL when the authorities cannot be read. */
struct ssl_ctx_st *rp_redis_tls_context(const char *ca, apr_pool_t *pool);
/* Makes TLS of a connected link; the peer has to prove its name. */
apr_status_t rp_redis_tls_start(rp_redis_op_t *op, rp_redis_link_t *link, struct ssl_ctx_st *tls,
                                const char *host);

/* --- who may ask (rp_store_redis_breaker.c) --- */

/* 1: go on, and tell how it went. 0: Redis failed a moment ago, and somebody else tries. */
int rp_redis_admitted(rp_redis_t *redis);
void rp_redis_worked(rp_redis_t *redis);
void rp_redis_failed(rp_redis_t *redis, const char *why);

/* --- one command on some connection (rp_store_redis_pool.c) --- */

/* APR_SUCCESS with a reply, which may be an error reply; or RP_FAILED with the cause in
 * env->error. */
apr_status_t rp_redis_run(rp_redis_reply_t **reply, rp_env_t *env, rp_redis_t *redis,
                          const rp_redis_command_t *command);

/* Closes the connections that nobody uses; a pool's cleanup. */
apr_status_t rp_redis_close_idle(void *redis);

/* --- scripts (rp_store_redis_script.c) --- */

typedef enum { RP_REDIS_ADD, RP_REDIS_CAS, RP_REDIS_DEL } rp_redis_script_t;

/* What scripts answer. */
typedef enum {
    RP_REDIS_NONE = 0,     /* there is no such entry */
    RP_REDIS_DONE = 1,     /* written, or removed */
    RP_REDIS_CONFLICT = 2, /* there is one, or it has another version */
    RP_REDIS_FOREIGN = 3   /* what is there is no entry of ours */
} rp_redis_verdict_t;

void rp_redis_script_prepare(rp_redis_t *redis);

/* Runs a script with a key and up to four arguments. APR_SUCCESS with its verdict, or RP_FAILED
 * with the cause. */
apr_status_t rp_redis_script_run(rp_redis_verdict_t *verdict, rp_env_t *env, rp_redis_t *redis,
                                 rp_redis_script_t script, const rp_redis_arg_t *key_and_args,
                                 int count);

/* RP_FAILED with RP_E_STORE, for a reply that is not what the command has. */
apr_status_t rp_redis_refused(rp_env_t *env, const rp_redis_t *redis,
                              const rp_redis_reply_t *reply);

#endif
