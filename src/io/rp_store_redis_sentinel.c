/* Asking sentinels where the master is.
 *
 * Key idea: nothing is remembered but which sentinel answered last. Whenever a connection has to be
 * made the sentinels are asked, so a failover is followed by itself; a sentinel that does not
 * answer, or does not know the master, is passed over. */
#include <string.h>

#include <apr_strings.h>

#include "rp_store_redis_internal.h"

/* A port as a sentinel writes it; 0 when it is none. */
static int read_port(const rp_redis_reply_t *reply)
{
    int port = 0;

    if (reply->type != REDIS_REPLY_STRING || reply->len < 1 || reply->len > 5) {
        return 0;
    }
    for (apr_size_t i = 0; i < reply->len; i++) {
        if (reply->text[i] < '0' || reply->text[i] > '9') {
            return 0;
        }
        port = port * 10 + (reply->text[i] - '0');
    }
    return port <= 65535 ? port : 0;
}

static apr_status_t read_master(rp_redis_peer_t *peer, rp_redis_op_t *op,
                                const rp_redis_reply_t *reply)
{
    const rp_redis_refusal_t *refusal = rp_redis_refusal(reply);

    if (refusal) {
        return rp_redis_trouble(op, refusal->why, 0);
    }
    if (reply->type == REDIS_REPLY_NIL) {
        return rp_redis_trouble(op, "this sentinel does not know that master", 0);
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->count != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING || reply->element[0]->len < 1 ||
        strlen(reply->element[0]->text) != reply->element[0]->len ||
        read_port(reply->element[1]) == 0) {
        return rp_redis_trouble(op, "its answer is not what a sentinel says", 0);
    }
    peer->host = reply->element[0]->text;
    peer->port = read_port(reply->element[1]);
    return APR_SUCCESS;
}

static apr_status_t ask(rp_redis_peer_t *peer, rp_redis_op_t *op, rp_redis_t *redis,
                        const rp_redis_peer_t *sentinel)
{
    const rp_redis_address_t *address = redis->address;
    const rp_redis_arg_t args[] = {RP_REDIS_WORD("SENTINEL"),
                                   RP_REDIS_WORD("get-master-addr-by-name"),
                                   {.data = address->master, .len = strlen(address->master)}};
    rp_redis_command_t command;
    rp_redis_reply_t *reply;
    rp_redis_link_t *link;
    apr_status_t rv;

    link = rp_redis_link_make(op, redis, sentinel);
    if (!link) {
        return APR_EGENERAL;
    }
    rv = rp_redis_link_auth(op, link, address->sentinel_user, address->sentinel_password);
    if (rv == APR_SUCCESS) {
        rp_redis_format(&command, args, 3, op->env->pool);
        rv = rp_redis_link_ask(&reply, op, link, &command);
    }
    if (rv == APR_SUCCESS) {
        rv = read_master(peer, op, reply);
    }
    rp_redis_link_close(link);
    return rv;
}

apr_status_t rp_redis_find_master(rp_redis_peer_t *peer, rp_redis_op_t *op, rp_redis_t *redis)
{
    const rp_redis_address_t *address = redis->address;
    int first = atomic_load(&redis->sentinel);

    memset(peer, 0, sizeof(*peer));
    for (int i = 0; i < address->peer_count; i++) {
        int at = (first + i) % address->peer_count;
        const rp_redis_peer_t *sentinel = &address->peers[at];

        op->where = sentinel->name;
        op->why = NULL;
        if (ask(peer, op, redis, sentinel) == APR_SUCCESS) {
            op->why = NULL;
            atomic_store(&redis->sentinel, at);
            peer->name = apr_psprintf(op->env->pool, "%s:%d, master of %s", peer->host, peer->port,
                                      address->name);
            return APR_SUCCESS;
        }
    }
    return APR_EGENERAL;
}
