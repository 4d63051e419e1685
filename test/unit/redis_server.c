#include "redis_server.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <errno.h>
#include <hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS 64
#define MAX_OUTPUT 65536
#define START_MS 10000

/* Below the range from which the kernel takes ports for outgoing connections: one that a stopped
 * server will want back is not lost meanwhile. */
#define FIRST_PORT 12000
#define PORTS 7000

int redis_test_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)(now.tv_sec % 1000000) * 1000 + (int)(now.tv_nsec / 1000000);
}

void redis_test_rest(void)
{
    poll(NULL, 0, 5);
}

int redis_test_port(void)
{
    /* One that was given away may not be listened at yet. */
    static int given;
    struct sockaddr_in address = {.sin_family = AF_INET};
    int bound = 0;
    int port = 0;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; !bound && i < PORTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        port = FIRST_PORT + (getpid() * 37 + given++ * 11) % PORTS;
        address.sin_port = htons((unsigned short)port);
        bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
        close(fd);
    }
    assert_true(bound);
    return port;
}

/* --- starting --- */

static void run(const char *const *args, int out)
{
    /* A test that crashes takes its servers along. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execvp(args[0], (char *const *)(uintptr_t)args);
    perror("redis-server");
    _exit(127);
}

/* Reads what the server prints until it says that it is ready. */
static void await_ready(const redis_server_t *server, int in)
{
    const char *word = server->sentinel ? "+monitor master" : "Ready to accept connections";
    struct pollfd readable = {.fd = in, .events = POLLIN};
    char *text = apr_pcalloc(server->pool, MAX_OUTPUT);
    int until = redis_test_ms() + START_MS;
    size_t len = 0;

    while (!strstr(text, word)) {
        ssize_t n = poll(&readable, 1, until - redis_test_ms()) > 0
                        ? read(in, text + len, MAX_OUTPUT - 1 - len)
                        : 0;

        if (n <= 0) {
            fail_msg("redis-server did not start: %s", text);
        }
        len += (size_t)n;
        text[len] = '\0';
    }
}

static int add(const char **args, int count, const char *name, const char *value)
{
    args[count] = name;
    args[count + 1] = value;
    return count + 2;
}

void redis_server_again(redis_server_t *server)
{
    const char *args[MAX_ARGS] = {"redis-server"};
    const char *conf = apr_pstrcat(server->pool, server->dir, "/sentinel.conf", NULL);
    int count = 1;
    int ends[2];

    if (server->sentinel) {
        args[count++] = conf;
        args[count++] = "--sentinel";
    }
    count = add(args, count, "--port", apr_itoa(server->pool, server->port));
    count = add(args, count, "--bind", "127.0.0.1");
    count = add(args, count, "--dir", server->dir);
    count = add(args, count, "--logfile", "");
    if (!server->sentinel) {
        count = add(args, count, "--unixsocket", server->path);
        count = add(args, count, "--save", "");
    }
    for (int i = 0; server->options && server->options[i]; i++) {
        assert_true(count < MAX_ARGS - 1);
        args[count++] = server->options[i];
    }
    assert_int_equal(pipe(ends), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        run(args, ends[1]);
    }
    close(ends[1]);
    await_ready(server, ends[0]);
    close(ends[0]); /* it goes on without a reader */
}

/* Whatever the server left, half-written files too. */
static void remove_tree(const char *name, apr_pool_t *pool)
{
    apr_finfo_t entry;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, name, pool) != APR_SUCCESS) {
        unlink(name);
        return;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (strcmp(entry.name, ".") != 0 && strcmp(entry.name, "..") != 0) {
            remove_tree(apr_pstrcat(pool, name, "/", entry.name, NULL), pool);
        }
    }
    apr_dir_close(dir);
    rmdir(name);
}

static apr_status_t clean_up(void *data)
{
    redis_server_t *server = data;

    redis_server_kill(server);
    remove_tree(server->dir, server->pool);
    return APR_SUCCESS;
}

static redis_server_t *prepare(apr_pool_t *pool)
{
    redis_server_t *server = apr_pcalloc(pool, sizeof(*server));
    char *dir = apr_pstrdup(pool, "/tmp/rp-redis-XXXXXX");

    assert_non_null(mkdtemp(dir));
    server->pool = pool;
    server->dir = dir;
    server->path = apr_pstrcat(pool, dir, "/redis.sock", NULL);
    server->port = redis_test_port();
    apr_pool_cleanup_register(pool, server, clean_up, apr_pool_cleanup_null);
    return server;
}

redis_server_t *redis_server_start(const char *const *options, apr_pool_t *pool)
{
    redis_server_t *server = prepare(pool);

    server->options = options;
    redis_server_again(server);
    return server;
}

redis_server_t *redis_server_start_sentinel(const redis_server_t *master, apr_pool_t *pool)
{
    redis_server_t *server = prepare(pool);
    const char *conf = apr_pstrcat(pool, server->dir, "/sentinel.conf", NULL);
    FILE *file = fopen(conf, "w");

    assert_non_null(file);
    fprintf(file,
            "sentinel monitor main 127.0.0.1 %d 1\n"
            "sentinel down-after-milliseconds main 400\n"
            "sentinel failover-timeout main 3000\n",
            master->port);
    fclose(file);
    server->sentinel = 1;
    redis_server_again(server);
    return server;
}

void redis_server_signal(const redis_server_t *server, int signal)
{
    if (server->pid > 0) {
        kill(server->pid, signal);
    }
}

void redis_server_kill(redis_server_t *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

/* --- asking --- */

const char *redis_server_do(const redis_server_t *server, const char *format, ...)
{
    struct timeval limit = {.tv_sec = 10};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", server->port, limit);
    const char *answer = "(nil)";
    redisReply *reply;
    va_list args;

    assert_non_null(context);
    assert_int_equal(context->err, 0);
    redisSetTimeout(context, limit);
    va_start(args, format);
    reply = redisvCommand(context, format, args);
    va_end(args);
    /* A server that becomes a replica ends its connections. */
    if (!reply) {
        redisFree(context);
        return "(ended)";
    }
    if (reply->type == REDIS_REPLY_INTEGER) {
        answer = apr_psprintf(server->pool, "%" APR_INT64_T_FMT, (apr_int64_t)reply->integer);
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        answer = reply->elements > 0 && reply->element[0]->str
                     ? apr_pstrdup(server->pool, reply->element[0]->str)
                     : "(list)";
    } else if (reply->str) {
        answer = apr_pstrmemdup(server->pool, reply->str, reply->len);
    }
    freeReplyObject(reply);
    redisFree(context);
    return answer;
}

rp_store_t *redis_store_open(test_env_t *test, const char *format, ...)
{
    rp_redis_address_t *address;
    rp_store_t *store;
    const char *text;
    va_list args;

    va_start(args, format);
    text = apr_pvsprintf(test->env.pool, format, args);
    va_end(args);
    assert_null(rp_store_redis_parse(&address, text, test->env.pool));
    assert_null(rp_store_redis_missing(address));
    assert_int_equal(rp_store_redis_open(&store, &test->env, address, test->env.pool), APR_SUCCESS);
    return store;
}
