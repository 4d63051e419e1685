/* Real Redis servers for tests: each in a directory of its own, on a free loopback port and a
 * socket, gone with the pool or with the test program. A machine without redis-server fails the
 * tests. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include "../../src/io/rp_store_redis.h"
#include "test_env.h"

typedef struct {
    apr_pool_t *pool;
    const char *dir;
    const char *path; /* of the socket */
    int port;
    int sentinel; /* 1: a sentinel */
    const char *const *options;
    pid_t pid; /* 0: does not run */
} redis_server_t;

/* Starts one and waits until it takes commands. options: more arguments, up to NULL; they must
 * live as long as pool. */
redis_server_t *redis_server_start(const char *const *options, apr_pool_t *pool);

/* The same for a sentinel that watches one master under the name "main". */
redis_server_t *redis_server_start_sentinel(const redis_server_t *master, apr_pool_t *pool);

/* Kills it at once, as a power failure would; starts it again at the same place, with what it had
 * saved. */
void redis_server_kill(redis_server_t *server);
void redis_server_again(redis_server_t *server);

void redis_server_signal(const redis_server_t *server, int signal);

/* Runs one command over a connection of its own (format as hiredis has it); the answer as text in
 * pool, an error's too, "(nil)" for none and "(ended)" when the server ended the connection. */
const char *redis_server_do(const redis_server_t *server, const char *format, ...);

/* A store at an address made from a format, which has to be right; in the pool of test. */
rp_store_t *redis_store_open(test_env_t *test, const char *format, ...);

/* Milliseconds of a clock that tests cannot set. */
int redis_test_ms(void);

/* A loopback port that nobody listens at. */
int redis_test_port(void);

/* A moment's rest, between two looks at what no event tells. */
void redis_test_rest(void);

#endif
