/* The connections of a process, and one command on one of them.
 *
 * Key idea: a connection goes back only after a whole answer and nothing else; whatever else
 * happened, it is closed, and all idle ones with it (a generation ends), because what broke one
 * has most likely broken them all.
 *
 * What is repeated, once:
 *   - a command that only reads, when a connection that had been idle ended without a byte of
 *     answer: Redis had closed it at that moment;
 *   - any command that was refused by a server that could not do it (a replica, one that is
 *     loading): it did nothing, and a new connection may lead to one that can.
 * Writes are never repeated because of a broken connection: Redis may have done them. To make that
 * rare a connection is looked at before it is used. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "../base/rp_limits.h"
#include "rp_store_redis_internal.h"

static int usable(const rp_redis_link_t *link, const rp_redis_t *redis)
{
    return link->pid == getpid() && link->generation == atomic_load(&redis->generation) &&
           rp_redis_clock() - link->used < apr_time_from_sec(RP_REDIS_IDLE_SECONDS) &&
           rp_redis_is_idle(link->fd);
}

/* An idle connection; NULL when there is none. */
static rp_redis_link_t *take(rp_redis_t *redis)
{
    rp_redis_link_t *link = rp_slots_take(&redis->idle);

    while (link && !usable(link, redis)) {
        rp_redis_link_close(link);
        link = rp_slots_take(&redis->idle);
    }
    return link;
}

static void give(rp_redis_t *redis, rp_redis_link_t *link)
{
    link->used = rp_redis_clock();
    if (link->generation != atomic_load(&redis->generation) || !rp_slots_give(&redis->idle, link)) {
        rp_redis_link_close(link);
    }
}

apr_status_t rp_redis_close_idle(void *data)
{
    rp_redis_t *redis = data;
    rp_redis_link_t *link;

    while ((link = rp_slots_take(&redis->idle)) != NULL) {
        rp_redis_link_close(link);
    }
    return APR_SUCCESS;
}

static void drop(rp_redis_t *redis, rp_redis_link_t *link)
{
    rp_redis_link_close(link);
    atomic_fetch_add(&redis->generation, 1);
}

/* A connection to the server that is to be asked, ready for commands. NULL, noted, on failure. */
static rp_redis_link_t *make(rp_redis_op_t *op, rp_redis_t *redis)
{
    const rp_redis_address_t *address = redis->address;
    rp_redis_peer_t peer = address->peers[0];
    rp_redis_link_t *link;
    apr_status_t rv;

    if (address->master && rp_redis_find_master(&peer, op, redis) != APR_SUCCESS) {
        return NULL;
    }
    op->where = peer.name;
    link = rp_redis_link_make(op, redis, &peer);
    if (!link) {
        return NULL;
    }
    rv = rp_redis_link_auth(op, link, address->user, address->password);
    if (rv == APR_SUCCESS && address->master) {
        rv = rp_redis_link_role(op, link);
    }
    if (rv == APR_SUCCESS) {
        rv = rp_redis_link_select(op, link, address->db);
    }
    if (rv != APR_SUCCESS) {
        rp_redis_link_close(link);
        return NULL;
    }
    return link;
}

/* APR_EAGAIN: it may be repeated. */
static apr_status_t attempt(rp_redis_reply_t **reply, rp_redis_op_t *op, rp_redis_t *redis,
                            const rp_redis_command_t *command)
{
    rp_redis_link_t *link = take(redis);
    int was_idle = link != NULL;
    const rp_redis_refusal_t *refusal;
    apr_status_t rv;

    *reply = NULL;
    if (!link) {
        link = make(op, redis);
    }
    if (!link) {
        return APR_EGENERAL;
    }
    rv = rp_redis_link_ask(reply, op, link, command);
    if (rv != APR_SUCCESS) {
        drop(redis, link);
        return rv == APR_EOF && was_idle && command->reads ? APR_EAGAIN : rv;
    }
    refusal = rp_redis_refusal(*reply);
    if (refusal && refusal->elsewhere) {
        drop(redis, link);
        return APR_EAGAIN;
    }
    give(redis, link);
    return APR_SUCCESS;
}

static apr_status_t fail(rp_redis_t *redis, const rp_redis_op_t *op)
{
    char more[128] = "";

    if (op->error) {
        apr_strerror(op->error, more, sizeof(more));
    }
    rp_redis_failed(redis, op->why);
    return rp_fail(op->env, RP_E_STORE, "Redis at %s: %s%s%s", op->where, op->why,
                   *more ? ": " : "", more);
}

apr_status_t rp_redis_run(rp_redis_reply_t **reply, rp_env_t *env, rp_redis_t *redis,
                          const rp_redis_command_t *command)
{
    rp_redis_op_t op = {.env = env, .where = redis->address->name};

    *reply = NULL;
    if (!rp_redis_admitted(redis)) {
        return rp_fail(env, RP_E_STORE,
                       "Redis at %s failed a moment ago (%s) and was not asked again",
                       redis->address->name, atomic_load(&redis->why));
    }
    op.deadline = rp_redis_clock() + apr_time_from_msec(RP_REDIS_OPERATION_MS);
    if (attempt(reply, &op, redis, command) == APR_EAGAIN) {
        op.why = NULL;
        attempt(reply, &op, redis, command);
    }
    /* A refusal is an answer, the second one too; what it means is for the caller. */
    if (!*reply) {
        return fail(redis, &op);
    }
    rp_redis_worked(redis);
    return APR_SUCCESS;
}
