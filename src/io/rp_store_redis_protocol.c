/* Commands as bytes, replies as objects in a pool, and what error replies mean. */
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_store_redis_internal.h"

/* --- commands: *COUNT, then $LENGTH and bytes for each argument, CRLF after each --- */

/* "$", up to 20 digits, and twice CRLF. */
#define ARG_FRAME 25

apr_size_t rp_redis_digits(char *out, apr_uint64_t number)
{
    char reversed[20];
    apr_size_t len = 0;

    do {
        reversed[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (apr_size_t i = 0; i < len; i++) {
        out[i] = reversed[len - 1 - i];
    }
    return len;
}

static char *put(char *to, const void *data, apr_size_t len)
{
    if (len > 0) {
        memcpy(to, data, len);
    }
    return to + len;
}

static char *put_number(char *to, char kind, apr_size_t number)
{
    *to++ = kind;
    to += rp_redis_digits(to, number);
    return put(to, "\r\n", 2);
}

void rp_redis_format(rp_redis_command_t *command, const rp_redis_arg_t *args, int count,
                     apr_pool_t *pool)
{
    apr_size_t room = ARG_FRAME;
    char *to;

    for (int i = 0; i < count; i++) {
        room += args[i].head_len + args[i].len + ARG_FRAME;
    }
    command->bytes = apr_palloc(pool, room);
    command->reads = 0;
    to = put_number(command->bytes, '*', (apr_size_t)count);
    for (int i = 0; i < count; i++) {
        to = put_number(to, '$', args[i].head_len + args[i].len);
        to = put(to, args[i].head, args[i].head_len);
        to = put(to, args[i].data, args[i].len);
        to = put(to, "\r\n", 2);
    }
    command->len = (apr_size_t)(to - command->bytes);
}

/* --- replies --- */

/* hiredis changed the type of a count between 0.14 and 1.0. */
#if HIREDIS_MAJOR < 1
typedef int count_t;
#else
typedef size_t count_t;
#endif

static rp_redis_reply_t *make(const redisReadTask *task)
{
    rp_redis_reply_t *reply = apr_pcalloc(task->privdata, sizeof(*reply));

    reply->type = task->type;
    if (task->parent) {
        rp_redis_reply_t *list = task->parent->obj;

        list->element[task->idx] = reply;
    }
    return reply;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    rp_redis_reply_t *reply = make(task);

    reply->text = apr_palloc(task->privdata, len + 1);
    memcpy(reply->text, text, len);
    reply->text[len] = '\0';
    reply->len = len;
    return reply;
}

/* The count is the other side's word; memory for it comes before any element does. */
static void *make_list(const redisReadTask *task, count_t count)
{
    rp_redis_reply_t *reply;

    if (count > RP_MAX_REDIS_ELEMENTS) {
        return NULL;
    }
    reply = make(task);
    reply->count = (apr_size_t)count;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression) ; a list of pointers */
    reply->element = apr_pcalloc(task->privdata, (reply->count + 1) * sizeof(*reply->element));
    return reply;
}

static void *make_integer(const redisReadTask *task, long long number)
{
    rp_redis_reply_t *reply = make(task);

    reply->number = number;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    rp_redis_reply_t *reply = make(task);

    /* It came as a string or list of length -1. */
    reply->type = REDIS_REPLY_NIL;
    return reply;
}

#if HIREDIS_MAJOR >= 1
/* RESP 3 was not asked for; without these functions its kinds would be no objects at all. */
static void *refuse_double(const redisReadTask *task, double number, char *text, size_t len)
{
    (void)task;
    (void)number;
    (void)text;
    (void)len;
    return NULL;
}

static void *refuse_bool(const redisReadTask *task, int flag)
{
    (void)task;
    (void)flag;
    return NULL;
}
#endif

/* The pool's. */
static void forget(void *reply)
{
    (void)reply;
}

void rp_redis_reply_functions(redisReplyObjectFunctions *functions)
{
    memset(functions, 0, sizeof(*functions));
    functions->createString = make_string;
    functions->createArray = make_list;
    functions->createInteger = make_integer;
    functions->createNil = make_nil;
    functions->freeObject = forget;
#if HIREDIS_MAJOR >= 1
    functions->createDouble = refuse_double;
    functions->createBool = refuse_bool;
#endif
}

int rp_redis_is_status(const rp_redis_reply_t *reply, const char *text)
{
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->text, text) == 0;
}

int rp_redis_is_error(const rp_redis_reply_t *reply, const char *code)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->text, code, strlen(code)) == 0;
}

/* --- errors --- */

/* clang-format off */
static const rp_redis_refusal_t refusals[] = {
    {"READONLY",                  "is a replica, which takes no writes; give its master, or redis+sentinel://", 1},
    {"MASTERDOWN",                "is a replica that has lost its master", 1},
    {"LOADING",                   "is still loading its data", 1},
    {"NOAUTH",                    "wants a password, and the address gives none", 0},
    {"WRONGPASS",                 "does not accept the user and password of the address", 0},
    {"NOPERM",                    "does not allow the user what is needed: the commands GET SET DEL GETRANGE EVAL EVALSHA on keys auth_oauth:*", 0},
    {"OOM",                       "has no memory left (maxmemory) and an eviction policy that frees none", 0},
    {"MISCONF",                   "takes no writes because it cannot save its data; its own log says why", 0},
    {"NOREPLICAS",                "takes no writes because it has too few replicas (min-replicas-to-write)", 0},
    {"MOVED",                     "is a node of a cluster, which is not supported; give a single server or sentinels", 0},
    {"ASK",                       "is a node of a cluster, which is not supported; give a single server or sentinels", 0},
    {"CLUSTERDOWN",               "is a node of a cluster, which is not supported; give a single server or sentinels", 0},
    {"BUSY",                      "is busy with a script that does not end", 0},
    {"WRONGTYPE",                 "has something of another program under a key of ours", 0},
    {"ERR max number of clients", "has as many clients as it takes (maxclients)", 1},
    {"ERR DB index",              "has no database of that number", 0},
    {"ERR AUTH",                  "has no password, and the address gives one", 0},
    {"ERR Client sent AUTH",      "has no password, and the address gives one", 0},
    {"ERR invalid password",      "does not accept the password of the address", 0},
    {"ERR wrong number of arg",   "does not know users, only a password (before Redis 6)", 0},
    {"ERR unknown command",       "does not know a command that is needed: it is no Redis, too old, or the command is renamed", 0},
    {"DENIED",                    "is in protected mode: it wants a password before others than its own machine may connect", 0},
    {"",                          "answered with an error that is not known here; its own log may say more", 0},
};
/* clang-format on */

/* Before Redis 7 an error inside of a script is wrapped: "ERR Error running script (…: -OOM …". */
static const char *unwrap(const char *text)
{
    const char *inner =
        strncmp(text, "ERR Error running script", 24) == 0 ? strstr(text, ": -") : NULL;

    return inner ? inner + 3 : text;
}

const rp_redis_refusal_t *rp_redis_refusal(const rp_redis_reply_t *reply)
{
    const rp_redis_refusal_t *row = refusals;
    const char *text;

    if (reply->type != REDIS_REPLY_ERROR) {
        return NULL;
    }
    text = unwrap(reply->text);
    while (strncmp(text, row->begins, strlen(row->begins)) != 0) {
        row++;
    }
    return row;
}
