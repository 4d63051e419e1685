/* Sockets that never block: whatever has to be waited for is waited for with poll, up to a limit.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../base/rp_limits.h"
#include "rp_store_redis_internal.h"

apr_status_t rp_redis_trouble(rp_redis_op_t *op, const char *why, int error)
{
    if (!op->why) {
        op->why = why;
        op->error = error;
    }
    return APR_EGENERAL;
}

apr_time_t rp_redis_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000;
}

apr_time_t rp_redis_limit(const rp_redis_op_t *op, int ms)
{
    apr_time_t limit = rp_redis_clock() + apr_time_from_msec(ms);

    return limit < op->deadline ? limit : op->deadline;
}

apr_status_t rp_redis_wait(rp_redis_op_t *op, int fd, short events, apr_time_t limit)
{
    struct pollfd one = {.fd = fd, .events = events};
    int rc;

    do {
        apr_time_t left = limit - rp_redis_clock();

        /* Rounded up, so that poll does not return early again and again. */
        rc = left > 0 ? poll(&one, 1, (int)(left / 1000) + 1) : 0;
    } while (rc < 0 && errno == EINTR);
    if (rc > 0) {
        return APR_SUCCESS;
    }
    rp_redis_trouble(op, rc == 0 ? "no answer in time" : "cannot be waited for", rc ? errno : 0);
    return APR_TIMEUP;
}

int rp_redis_is_idle(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Waits until a connection that is being made is there. 0, or its errno. */
static int finish(rp_redis_op_t *op, int fd)
{
    socklen_t len = sizeof(int);
    int error = 0;

    if (rp_redis_wait(op, fd, POLLOUT, rp_redis_limit(op, RP_REDIS_CONNECT_MS)) != APR_SUCCESS) {
        return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* -1, with *error set, when it fails. */
static int connect_to(int *error, rp_redis_op_t *op, const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *error = 0;
    if (fd < 0) {
        *error = errno;
        return -1;
    }
    if (connect(fd, address, len) != 0) {
        *error = errno == EINPROGRESS ? finish(op, fd) : errno;
    }
    if (*error) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_path(int *error, rp_redis_op_t *op, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    /* Its length was checked when it was read. */
    memcpy(address.sun_path, path, strlen(path) + 1);
    return connect_to(error, op, (const struct sockaddr *)&address, sizeof(address));
}

static int connect_host(int *error, rp_redis_op_t *op, const struct addrinfo *list)
{
    int one = 1;
    int fd = -1;

    for (; fd < 0 && list; list = list->ai_next) {
        fd = connect_to(error, op, list->ai_addr, list->ai_addrlen);
    }
    if (fd >= 0) {
        /* A command is one send; it must not wait for the acknowledgement of the last one. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        /* An earlier address of the name may have failed. */
        op->why = NULL;
    }
    return fd;
}

apr_status_t rp_redis_socket(int *fd, rp_redis_op_t *op, const rp_redis_peer_t *peer)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[21] = "";
    int error = 0;

    *fd = -1;
    if (peer->path) {
        *fd = connect_path(&error, op, peer->path);
    } else {
        port[rp_redis_digits(port, (apr_uint64_t)peer->port)] = '\0';
        if (getaddrinfo(peer->host, port, &hints, &list) != 0) {
            return rp_redis_trouble(op, "its name has no address", 0);
        }
        *fd = connect_host(&error, op, list);
        freeaddrinfo(list);
    }
    if (*fd < 0) {
        op->why = NULL; /* errno says it better */
        return rp_redis_trouble(op, "no connection", error);
    }
    return APR_SUCCESS;
}
