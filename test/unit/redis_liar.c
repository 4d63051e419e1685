#include "redis_liar.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 32

struct redis_liar_t {
    const redis_liar_script_t *script;
    pthread_t thread;
    int stop[2]; /* readable at its first end when the server has to stop */
    int port;
    atomic_int connections;
    atomic_int questions;
    struct pollfd fds[2 + MAX_CONNECTIONS]; /* stop, listener, connections (-1: none) */
};

/* No assertion may leave a thread of the server; what cannot be set up ends the program. */
static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static void answer(const redis_liar_t *liar, struct pollfd *connection)
{
    /* As it is now: a test may change it as soon as it has the answer. */
    const redis_liar_script_t script = *liar->script;
    size_t len = script.len || !script.answer ? script.len : strlen(script.answer);
    int alive = 1;

    for (int i = 0; alive && i <= script.repeat; i++) {
        struct pollfd stop = {.fd = liar->stop[0], .events = POLLIN};

        alive = poll(&stop, 1, script.pause_ms) == 0 &&
                (!script.answer ||
                 send(connection->fd, script.answer, len, MSG_NOSIGNAL) == (ssize_t)len);
    }
    if (!alive || script.closes) {
        close(connection->fd);
        connection->fd = -1;
    }
}

static void serve(redis_liar_t *liar, struct pollfd *connection)
{
    char question[65536];

    if (recv(connection->fd, question, sizeof(question), 0) <= 0) {
        close(connection->fd);
        connection->fd = -1;
        return;
    }
    atomic_fetch_add(&liar->questions, 1);
    answer(liar, connection);
}

static void take_in(redis_liar_t *liar)
{
    int fd = accept(liar->fds[1].fd, NULL, NULL);

    for (int i = 2; fd >= 0 && i < 2 + MAX_CONNECTIONS; i++) {
        if (liar->fds[i].fd < 0) {
            liar->fds[i].fd = fd;
            atomic_fetch_add(&liar->connections, 1);
            return;
        }
    }
    must(0, "accept");
}

static void *run(void *data)
{
    redis_liar_t *liar = data;

    while (poll(liar->fds, 2 + MAX_CONNECTIONS, -1) >= 0 && !liar->fds[0].revents) {
        for (int i = 2; i < 2 + MAX_CONNECTIONS; i++) {
            if (liar->fds[i].fd >= 0 && liar->fds[i].revents) {
                serve(liar, &liar->fds[i]);
            }
        }
        if (liar->fds[1].revents) {
            take_in(liar);
        }
    }
    return NULL;
}

static apr_status_t stop(void *data)
{
    redis_liar_t *liar = data;

    must(write(liar->stop[1], "", 1) == 1, "write");
    pthread_join(liar->thread, NULL);
    for (int i = 0; i < 2 + MAX_CONNECTIONS; i++) {
        if (liar->fds[i].fd >= 0) {
            close(liar->fds[i].fd);
        }
    }
    close(liar->stop[1]);
    return APR_SUCCESS;
}

redis_liar_t *redis_liar_start(const redis_liar_script_t *script, apr_pool_t *pool)
{
    redis_liar_t *liar = apr_pcalloc(pool, sizeof(*liar));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(listener >= 0 && pipe(liar->stop) == 0, "socket");
    must(bind(listener, (struct sockaddr *)&address, len) == 0, "bind");
    must(listen(listener, MAX_CONNECTIONS) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    liar->script = script;
    liar->port = ntohs(address.sin_port);
    for (int i = 0; i < 2 + MAX_CONNECTIONS; i++) {
        liar->fds[i].fd = i == 0 ? liar->stop[0] : i == 1 ? listener : -1;
        liar->fds[i].events = POLLIN;
    }
    must(pthread_create(&liar->thread, NULL, run, liar) == 0, "pthread_create");
    apr_pool_cleanup_register(pool, liar, stop, apr_pool_cleanup_null);
    return liar;
}

int redis_liar_port(const redis_liar_t *liar)
{
    return liar->port;
}

int redis_liar_connections(redis_liar_t *liar)
{
    return atomic_load(&liar->connections);
}

int redis_liar_questions(redis_liar_t *liar)
{
    return atomic_load(&liar->questions);
}
