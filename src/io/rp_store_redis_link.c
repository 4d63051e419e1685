/* One connection: bytes out, one reply in, and what has to be said before anything else. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/rp_limits.h"
#include "rp_store_redis_internal.h"

#define CHUNK 16384

#define STRANGE "its answer is not what Redis says"

/* An entry of the largest value, and what is around it. */
#define MAX_REPLY (RP_MAX_STORE_VALUE + 128)

/* --- plain sockets --- */

/* After a send that sent nothing. */
static apr_status_t await_room(rp_redis_op_t *op, const rp_redis_link_t *link, apr_time_t limit)
{
    if (errno == EINTR) {
        return APR_SUCCESS;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return rp_redis_wait(op, link->fd, POLLOUT, limit);
    }
    rp_redis_trouble(op, "the connection ended", errno);
    return APR_EOF;
}

static apr_status_t plain_send(rp_redis_link_t *link, rp_redis_op_t *op,
                               const rp_redis_command_t *command, apr_time_t limit)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t at = 0;

    while (rv == APR_SUCCESS && at < command->len) {
        ssize_t n = send(link->fd, command->bytes + at, command->len - at, MSG_NOSIGNAL);

        if (n >= 0) {
            at += (apr_size_t)n;
        } else {
            rv = await_room(op, link, limit);
        }
    }
    return rv;
}

static apr_status_t plain_receive(rp_redis_link_t *link, apr_size_t *n, rp_redis_op_t *op,
                                  apr_time_t limit)
{
    char chunk[CHUNK];
    ssize_t got;

    *n = 0;
    /* An answer takes a moment; asking at once would be in vain. */
    do {
        if (rp_redis_wait(op, link->fd, POLLIN, limit) != APR_SUCCESS) {
            return APR_TIMEUP;
        }
        got = recv(link->fd, chunk, sizeof(chunk), 0);
    } while (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
    if (got <= 0) {
        rp_redis_trouble(op, "the connection ended", got < 0 ? errno : 0);
        return APR_EOF;
    }
    *n = (apr_size_t)got;
    return redisReaderFeed(link->reader, chunk, *n) == REDIS_OK
               ? APR_SUCCESS
               : rp_redis_trouble(op, "no memory for its answer", 0);
}

static void plain_close(rp_redis_link_t *link)
{
    redisReaderFree(link->reader);
    close(link->fd);
}

static const rp_redis_io_t plain = {plain_send, plain_receive, plain_close};

/* --- asking --- */

/* Takes the reply out of the reader once it is whole. */
static apr_status_t take_reply(rp_redis_reply_t **reply, rp_redis_op_t *op, rp_redis_link_t *link)
{
    void *got = NULL;

    if (redisReaderGetReply(link->reader, &got) != REDIS_OK) {
        return rp_redis_trouble(op, STRANGE, 0);
    }
    /* The next question would get this answer's rest. */
    if (got && link->reader->pos != link->reader->len) {
        return rp_redis_trouble(op, "it answered twice", 0);
    }
    *reply = got;
    return APR_SUCCESS;
}

static apr_status_t receive(rp_redis_reply_t **reply, rp_redis_op_t *op, rp_redis_link_t *link,
                            apr_time_t limit)
{
    apr_size_t total = 0;
    apr_size_t n;
    apr_status_t rv;

    link->reader->privdata = op->env->pool;
    while (!*reply) {
        rv = link->io->receive(link, &n, op, limit);
        if (rv != APR_SUCCESS) {
            return rv == APR_EOF && total > 0 ? APR_EGENERAL : rv;
        }
        total += n;
        if (total > MAX_REPLY) {
            return rp_redis_trouble(op, "its answer is longer than any value that was stored", 0);
        }
        rv = take_reply(reply, op, link);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

apr_status_t rp_redis_link_ask(rp_redis_reply_t **reply, rp_redis_op_t *op, rp_redis_link_t *link,
                               const rp_redis_command_t *command)
{
    apr_time_t limit = rp_redis_limit(op, RP_REDIS_ANSWER_MS);
    apr_status_t rv;

    *reply = NULL;
    rv = link->io->send(link, op, command, limit);
    return rv == APR_SUCCESS ? receive(reply, op, link, limit) : rv;
}

/* --- beginning and end --- */

rp_redis_link_t *rp_redis_link_make(rp_redis_op_t *op, rp_redis_t *redis,
                                    const rp_redis_peer_t *peer)
{
    rp_redis_link_t *link;
    int fd;

    if (rp_redis_socket(&fd, op, peer) != APR_SUCCESS) {
        return NULL;
    }
    link = calloc(1, sizeof(*link));
    if (link) {
        link->reader = redisReaderCreateWithFunctions(&redis->functions);
    }
    if (!link || !link->reader) {
        free(link);
        close(fd);
        rp_redis_trouble(op, "no memory for a connection", 0);
        return NULL;
    }
    link->io = &plain;
    link->fd = fd;
    link->pid = getpid();
    link->generation = atomic_load(&redis->generation);
    if (redis->tls && rp_redis_tls_start(op, link, redis->tls, peer->host) != APR_SUCCESS) {
        rp_redis_link_close(link);
        return NULL;
    }
    return link;
}

void rp_redis_link_close(rp_redis_link_t *link)
{
    link->io->close(link);
    free(link);
}

/* Asks; an error reply is trouble too. */
static apr_status_t ask(rp_redis_reply_t **reply, rp_redis_op_t *op, rp_redis_link_t *link,
                        const rp_redis_arg_t *args, int count)
{
    const rp_redis_refusal_t *refusal;
    rp_redis_command_t command;
    apr_status_t rv;

    rp_redis_format(&command, args, count, op->env->pool);
    rv = rp_redis_link_ask(reply, op, link, &command);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    refusal = rp_redis_refusal(*reply);
    return refusal ? rp_redis_trouble(op, refusal->why, 0) : APR_SUCCESS;
}

/* Asks what has to be answered with OK. */
static apr_status_t expect_ok(rp_redis_op_t *op, rp_redis_link_t *link, const rp_redis_arg_t *args,
                              int count)
{
    rp_redis_reply_t *reply;
    apr_status_t rv = ask(&reply, op, link, args, count);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return rp_redis_is_status(reply, "OK") ? APR_SUCCESS : rp_redis_trouble(op, STRANGE, 0);
}

apr_status_t rp_redis_link_auth(rp_redis_op_t *op, rp_redis_link_t *link, const char *user,
                                const char *password)
{
    rp_redis_arg_t args[3] = {RP_REDIS_WORD("AUTH")};
    int count = 1;

    if (!password) {
        return APR_SUCCESS;
    }
    if (user) {
        args[count].data = user;
        args[count++].len = strlen(user);
    }
    args[count].data = password;
    args[count++].len = strlen(password);
    return expect_ok(op, link, args, count);
}

apr_status_t rp_redis_link_select(rp_redis_op_t *op, rp_redis_link_t *link, int db)
{
    char digits[20];
    rp_redis_arg_t args[2] = {RP_REDIS_WORD("SELECT"), {.data = digits}};

    args[1].len = rp_redis_digits(digits, (apr_uint64_t)db);
    return db == 0 ? APR_SUCCESS : expect_ok(op, link, args, 2);
}

apr_status_t rp_redis_link_role(rp_redis_op_t *op, rp_redis_link_t *link)
{
    static const rp_redis_arg_t args[] = {RP_REDIS_WORD("ROLE")};
    rp_redis_reply_t *reply;
    apr_status_t rv = ask(&reply, op, link, args, 1);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->count < 1 ||
        reply->element[0]->type != REDIS_REPLY_STRING) {
        return rp_redis_trouble(op, STRANGE, 0);
    }
    return strcmp(reply->element[0]->text, "master") == 0
               ? APR_SUCCESS
               : rp_redis_trouble(op, "the sentinels name it as master, and it is none (yet)", 0);
}
