#include "test_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define REQUEST_MAX 16384
#define DRIP_MS 40

typedef struct {
    test_server_t *server;
    pthread_t thread;
    int fd;
    SSL *ssl;
} connection_t;

struct test_server_t {
    const test_server_script_t *script;
    pthread_t thread;
    pthread_mutex_t mutex;
    int listener;
    int stop[2]; /* readable at its first end when the server has to stop */
    int port;
    int connections;
    int requests;
    connection_t list[CONNECTIONS_MAX];
    char request[REQUEST_MAX];
};

/* No assertion may leave a thread of the server; what cannot be set up ends the program. */
static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

/* Waits for fd (-1: for nothing). 0 when the server has to stop or the time is over. */
static int ready(test_server_t *server, int fd, short events, int timeout_ms)
{
    struct pollfd fds[] = {{server->stop[0], POLLIN, 0}, {fd, events, 0}};

    return poll(fds, 2, timeout_ms) > 0 && !fds[0].revents;
}

/* 0 when the server has to stop. */
static int wait_ms(test_server_t *server, int ms)
{
    struct pollfd stop = {server->stop[0], POLLIN, 0};

    return poll(&stop, 1, ms) == 0;
}

static int receive(connection_t *c, char *data, size_t size)
{
    if (c->ssl && SSL_pending(c->ssl) > 0) {
        return SSL_read(c->ssl, data, (int)size);
    }
    if (!ready(c->server, c->fd, POLLIN, -1)) {
        return -1;
    }
    return c->ssl ? SSL_read(c->ssl, data, (int)size) : (int)read(c->fd, data, size);
}

static int send_bytes(connection_t *c, const char *data, size_t len)
{
    while (len > 0) {
        long n;

        if (!ready(c->server, c->fd, POLLOUT, -1)) {
            return 0;
        }
        n = c->ssl ? SSL_write(c->ssl, data, (int)len)
                   : send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) {
            return 0;
        }
        data += n;
        len -= (size_t)n;
    }
    return 1;
}

/* How long the whole request is; 0 while that is not known. */
static size_t request_length(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "\r\nContent-Length:");

    if (!end) {
        return 0;
    }
    return (size_t)(end - text) + 4 + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

static int read_request(connection_t *c)
{
    char text[REQUEST_MAX];
    size_t len = 0;
    size_t whole = 0;

    while (!whole || len < whole) {
        int n = len + 1 < sizeof(text) ? receive(c, text + len, sizeof(text) - 1 - len) : -1;

        if (n <= 0) {
            return 0;
        }
        len += (size_t)n;
        text[len] = '\0';
        whole = request_length(text);
    }
    pthread_mutex_lock(&c->server->mutex);
    memcpy(c->server->request, text, len + 1);
    c->server->requests++;
    pthread_mutex_unlock(&c->server->mutex);
    return 1;
}

static int send_answer(connection_t *c)
{
    const test_server_script_t *script = c->server->script;
    size_t len = script->answer_len ? script->answer_len : strlen(script->answer);

    return (!script->delay_ms || wait_ms(c->server, script->delay_ms)) &&
           send_bytes(c, script->answer, len);
}

static void serve(connection_t *c)
{
    const test_server_script_t *script = c->server->script;

    if (script->kind == TEST_SERVER_SILENT) {
        wait_ms(c->server, -1);
        return;
    }
    if (c->ssl && SSL_accept(c->ssl) != 1) {
        return;
    }
    while (read_request(c) && send_answer(c) && script->kind == TEST_SERVER_KEEP) {
    }
    if (script->kind == TEST_SERVER_HANG) {
        wait_ms(c->server, -1);
    }
    while (script->kind == TEST_SERVER_ENDLESS &&
           send_bytes(c, script->more, strlen(script->more))) {
    }
    while (script->kind == TEST_SERVER_DRIP && wait_ms(c->server, DRIP_MS) &&
           send_bytes(c, script->more, 1)) {
    }
    if (c->ssl) {
        SSL_shutdown(c->ssl);
    }
}

static void *connection_main(void *data)
{
    connection_t *c = data;

    if (c->server->script->tls) {
        c->ssl = SSL_new(c->server->script->tls);
        SSL_set_fd(c->ssl, c->fd);
    }
    serve(c);
    SSL_free(c->ssl);
    shutdown(c->fd, SHUT_RDWR);
    close(c->fd);
    return NULL;
}

static void *server_main(void *data)
{
    test_server_t *server = data;

    while (ready(server, server->listener, POLLIN, -1)) {
        int fd = accept(server->listener, NULL, NULL);
        connection_t *c = &server->list[server->connections];

        must(fd >= 0 && server->connections < CONNECTIONS_MAX, "accept");
        c->server = server;
        c->fd = fd;
        pthread_mutex_lock(&server->mutex);
        server->connections++;
        pthread_mutex_unlock(&server->mutex);
        must(pthread_create(&c->thread, NULL, connection_main, c) == 0, "pthread_create");
    }
    return NULL;
}

test_server_t *test_server_start(const test_server_script_t *script)
{
    test_server_t *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    must(server != NULL, "calloc");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->script = script;
    pthread_mutex_init(&server->mutex, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listener >= 0 && pipe(server->stop) == 0, "socket");
    must(bind(server->listener, (struct sockaddr *)&address, len) == 0, "bind");
    must(listen(server->listener, CONNECTIONS_MAX) == 0, "listen");
    must(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    server->port = ntohs(address.sin_port);
    must(pthread_create(&server->thread, NULL, server_main, server) == 0, "pthread_create");
    return server;
}

void test_server_stop(test_server_t *server)
{
    must(write(server->stop[1], "", 1) == 1, "write");
    pthread_join(server->thread, NULL);
    for (int i = 0; i < server->connections; i++) {
        pthread_join(server->list[i].thread, NULL);
    }
    close(server->listener);
    close(server->stop[0]);
    close(server->stop[1]);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

int test_server_port(const test_server_t *server)
{
    return server->port;
}

int test_server_connections(test_server_t *server)
{
    int n;

    pthread_mutex_lock(&server->mutex);
    n = server->connections;
    pthread_mutex_unlock(&server->mutex);
    return n;
}

int test_server_requests(test_server_t *server)
{
    int n;

    pthread_mutex_lock(&server->mutex);
    n = server->requests;
    pthread_mutex_unlock(&server->mutex);
    return n;
}

const char *test_server_request(test_server_t *server)
{
    return server->request;
}
