/* TLS to Redis, with hiredis_ssl.
 *
 * Key idea: hiredis moves the bytes, with a session of ours (jose/rp_tls.h), since its own does not
 * look at whose certificate it is. The socket does not block here either: the handshake is part of
 * the first send, and each time OpenSSL says what it waits for. */
#include <hiredis.h>
#include <hiredis_ssl.h>
#include <poll.h>
#include <unistd.h>

#include "../jose/rp_tls.h"
#include "rp_store_redis_internal.h"

const char *rp_redis_tls_missing(void)
{
    return NULL;
}

struct ssl_ctx_st *rp_redis_tls_context(const char *ca, apr_pool_t *pool)
{
    return rp_tls_context(ca, pool);
}

static apr_status_t ended(rp_redis_op_t *op, const rp_redis_link_t *link)
{
    rp_redis_trouble(
        op,
        rp_tls_refused(link->session)
            ? "its certificate was refused: no known authority (see ?ca=), expired, or "
              "not of that name"
            : "the TLS connection ended",
        0);
    return APR_EOF;
}

static apr_status_t tls_wait(rp_redis_op_t *op, const rp_redis_link_t *link, apr_time_t limit)
{
    return rp_redis_wait(op, link->fd, rp_tls_wants_read(link->session) ? POLLIN : POLLOUT, limit);
}

static apr_status_t tls_send(rp_redis_link_t *link, rp_redis_op_t *op,
                             const rp_redis_command_t *command, apr_time_t limit)
{
    int done = 0;

    if (redisAppendFormattedCommand(link->tls, command->bytes, command->len) != REDIS_OK) {
        return rp_redis_trouble(op, "no memory for a command", 0);
    }
    while (redisBufferWrite(link->tls, &done) == REDIS_OK) {
        if (done) {
            return APR_SUCCESS;
        }
        if (tls_wait(op, link, limit) != APR_SUCCESS) {
            return APR_TIMEUP;
        }
    }
    return ended(op, link);
}

static apr_status_t tls_receive(rp_redis_link_t *link, apr_size_t *n, rp_redis_op_t *op,
                                apr_time_t limit)
{
    apr_size_t before = link->reader->len;

    *n = 0;
    while (redisBufferRead(link->tls) == REDIS_OK) {
        *n = link->reader->len - before;
        if (*n > 0) {
            return APR_SUCCESS;
        }
        if (tls_wait(op, link, limit) != APR_SUCCESS) {
            return APR_TIMEUP;
        }
    }
    return ended(op, link);
}

static void tls_close(rp_redis_link_t *link)
{
    /* With it go the session, its reader and the socket. */
    redisFree(link->tls);
}

static const rp_redis_io_t tls = {tls_send, tls_receive, tls_close};

/* hiredis' context around the socket. From here on the socket is the context's. */
static apr_status_t wrap(rp_redis_op_t *op, rp_redis_link_t *link, redisContext *context)
{
    redisReplyObjectFunctions *functions = link->reader->fn;

    redisReaderFree(link->reader);
    link->reader = context->reader;
    link->reader->fn = functions;
    context->flags &= ~REDIS_BLOCK;
    link->tls = context;
    link->io = &tls;
    if (redisInitiateSSL(context, link->session) != REDIS_OK) {
        ended(op, link);
        rp_tls_session_free(link->session);
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

apr_status_t rp_redis_tls_start(rp_redis_op_t *op, rp_redis_link_t *link,
                                struct ssl_ctx_st *context, const char *host)
{
    redisContext *made;

    link->session = rp_tls_session(context, host);
    if (!link->session) {
        return rp_redis_trouble(op, "no TLS session could be made for its name", 0);
    }
    made = redisConnectFd(link->fd);
    if (!made || made->err) {
        if (made) {
            redisFreeKeepFd(made);
        }
        rp_tls_session_free(link->session);
        return rp_redis_trouble(op, "no memory for a TLS connection", 0);
    }
    return wrap(op, link, made);
}
