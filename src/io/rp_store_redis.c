/* The driver. What is stored, all numbers big-endian:
 *
 *     key    auth_oauth:1:KIND:KEY     KIND a word, KEY in base64url
 *
 *     value  +--------+-----------------+-----------------+------…
 *            | 1      | version         | expires         | data
 *            +--------+-----------------+-----------------+------…
 *            0        1                 9                 17
 *
 * The 1 is that of the key: the number of this format, so that servers of another format meet
 * other keys. The version is random and differs after every write. expires is microseconds since
 * 1970 by the clock of who wrote; the entry is absent from then on, to all operations. Redis' own
 * time to live (PX) only tidies up, somewhat later.
 *
 *     get   GET                    set   SET PX
 *     add   SET NX PX, and when there is one the script, which sees whether its time has come
 *     cas, delete   scripts (rp_store_redis_script.c) */
#include "rp_store_redis.h"

#include <apr_strings.h>
#include <string.h>
#include <unistd.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "rp_store_redis_internal.h"

#define HEAD 17
#define PREFIX "auth_oauth:1:"
#define MAX_KIND 9
#define MAX_KEY (sizeof(PREFIX) - 1 + MAX_KIND + RP_BASE64URL_LEN(RP_MAX_STORE_KEY) + 1)
#define MAX_DIGITS 20

/* The latest time that scripts can count to. */
#define LAST_TIME ((apr_time_t)1 << 53)

static const char *const kinds[] = {
    [RP_KIND_SESSION] = "session:",   [RP_KIND_LOGIN] = "login:", [RP_KIND_LEASE] = "lease:",
    [RP_KIND_METADATA] = "metadata:", [RP_KIND_INDEX] = "index:", [RP_KIND_ENDED] = "ended:",
    [RP_KIND_TOKEN] = "token:",
};

/* --- numbers and keys --- */

static void put_number(unsigned char *to, apr_uint64_t number)
{
    for (int i = 7; i >= 0; i--) {
        to[i] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
}

static apr_uint64_t get_number(const unsigned char *from)
{
    apr_uint64_t number = 0;

    for (int i = 0; i < 8; i++) {
        number = number << 8 | from[i];
    }
    return number;
}

/* Writes the key to out, which has MAX_KEY bytes. */
static rp_redis_arg_t name(char *out, const rp_store_key_t *key)
{
    const char *kind = kinds[key->kind];
    rp_redis_arg_t arg = {.data = out};
    char *end = out + sizeof(PREFIX) - 1;

    memcpy(out, PREFIX, sizeof(PREFIX));
    end = apr_cpystrn(end, kind, MAX_KIND + 1);
    rp_base64url_encode_into(end, key->data, key->len);
    arg.len = (apr_size_t)(end - out) + RP_BASE64URL_LEN(key->len);
    return arg;
}

/* --- entries --- */

/* What a write sends beside its key: the arguments point into this. */
typedef struct {
    unsigned char head[HEAD];
    char now[MAX_DIGITS];
    char ttl[MAX_DIGITS];
    rp_redis_arg_t value_arg;
    rp_redis_arg_t now_arg;
    rp_redis_arg_t ttl_arg;
} entry_t;

/* The process is part of it: a generator that a fork copied gives two processes the same. */
static apr_status_t draw_version(apr_uint64_t *version, rp_env_t *env)
{
    unsigned char random[8];
    apr_status_t rv = rp_random(env, random, sizeof(random));

    if (rv == APR_SUCCESS) {
        *version = get_number(random) ^ (apr_uint64_t)getpid() << 32;
        *version += *version == 0;
    }
    return rv;
}

static rp_redis_arg_t digits(char *out, apr_uint64_t number)
{
    rp_redis_arg_t arg = {.data = out};

    arg.len = rp_redis_digits(out, number);
    return arg;
}

static apr_status_t make_entry(entry_t *entry, rp_env_t *env, const void *data, apr_size_t len,
                               apr_interval_time_t ttl)
{
    apr_time_t now = rp_now(env);
    apr_time_t expires = ttl < LAST_TIME - now ? now + ttl : LAST_TIME - 1;
    apr_interval_time_t keep = apr_time_from_sec(RP_REDIS_TTL_SECONDS);
    apr_uint64_t version = 0;
    apr_status_t rv = draw_version(&version, env);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (ttl < keep) {
        keep = ttl + apr_time_from_sec(RP_REDIS_GRACE_SECONDS);
    }
    entry->head[0] = 1;
    put_number(entry->head + 1, version);
    put_number(entry->head + 9, (apr_uint64_t)expires);
    entry->value_arg =
        (rp_redis_arg_t){.head = entry->head, .head_len = HEAD, .data = data, .len = len};
    entry->now_arg = digits(entry->now, (apr_uint64_t)now);
    entry->ttl_arg = digits(entry->ttl, (apr_uint64_t)apr_time_as_msec(keep));
    return APR_SUCCESS;
}

/* Reads what GET, or GETRANGE for the head alone, answered. */
static apr_status_t read_entry(rp_store_value_t *value, rp_env_t *env, const rp_redis_t *redis,
                               const rp_redis_reply_t *reply)
{
    unsigned char *bytes = (unsigned char *)reply->text;

    if (reply->type == REDIS_REPLY_NIL) {
        return APR_NOTFOUND;
    }
    if (reply->type != REDIS_REPLY_STRING) {
        return rp_redis_refused(env, redis, reply);
    }
    if (reply->len < HEAD || reply->len > HEAD + RP_MAX_STORE_VALUE || bytes[0] != 1 ||
        get_number(bytes + 1) == 0) {
        return rp_fail(env, RP_E_STORE,
                       "Redis at %s: has something of another program under a key of ours",
                       redis->address->name);
    }
    if (get_number(bytes + 9) <= (apr_uint64_t)rp_now(env)) {
        return APR_NOTFOUND;
    }
    value->version = get_number(bytes + 1);
    value->len = reply->len - HEAD;
    value->data = bytes + HEAD;
    return APR_SUCCESS;
}

/* --- the operations --- */

static apr_status_t get(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                        const rp_store_key_t *key)
{
    rp_redis_t *redis = (rp_redis_t *)store;
    char text[MAX_KEY];
    const rp_redis_arg_t args[] = {RP_REDIS_WORD("GET"), name(text, key)};
    rp_redis_command_t command;
    rp_redis_reply_t *reply;
    apr_status_t rv;

    rp_redis_format(&command, args, 2, env->pool);
    command.reads = 1;
    rv = rp_redis_run(&reply, env, redis, &command);
    return rv == APR_SUCCESS ? read_entry(value, env, redis, reply) : rv;
}

/* Most sessions are the same as at the request before, and their heads are a fraction of them. */
static apr_status_t get_newer(rp_store_t *store, rp_store_value_t *value, rp_env_t *env,
                              const rp_store_key_t *key, apr_uint64_t version)
{
    rp_redis_t *redis = (rp_redis_t *)store;
    char text[MAX_KEY];
    const rp_redis_arg_t args[] = {RP_REDIS_WORD("GETRANGE"), name(text, key), RP_REDIS_WORD("0"),
                                   RP_REDIS_WORD("16")};
    rp_redis_command_t command;
    rp_redis_reply_t *reply;
    apr_status_t rv;

    rp_redis_format(&command, args, 4, env->pool);
    command.reads = 1;
    rv = rp_redis_run(&reply, env, redis, &command);
    if (rv == APR_SUCCESS && reply->type == REDIS_REPLY_STRING && reply->len == 0) {
        return APR_NOTFOUND;
    }
    if (rv == APR_SUCCESS) {
        rv = read_entry(value, env, redis, reply);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    value->data = NULL;
    value->len = 0;
    if (value->version == version) {
        return APR_SUCCESS;
    }
    value->version = 0;
    return get(store, value, env, key);
}

static apr_status_t set(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    rp_redis_t *redis = (rp_redis_t *)store;
    char text[MAX_KEY];
    rp_redis_command_t command;
    rp_redis_reply_t *reply = NULL;
    entry_t entry;
    apr_status_t rv = make_entry(&entry, env, data, len, ttl);

    if (rv == APR_SUCCESS) {
        const rp_redis_arg_t args[] = {RP_REDIS_WORD("SET"), name(text, key), entry.value_arg,
                                       RP_REDIS_WORD("PX"), entry.ttl_arg};

        rp_redis_format(&command, args, 5, env->pool);
        rv = rp_redis_run(&reply, env, redis, &command);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return rp_redis_is_status(reply, "OK") ? APR_SUCCESS : rp_redis_refused(env, redis, reply);
}

static apr_status_t status_of(rp_redis_verdict_t verdict)
{
    return verdict == RP_REDIS_DONE       ? APR_SUCCESS
           : verdict == RP_REDIS_CONFLICT ? RP_CONFLICT
                                          : APR_NOTFOUND;
}

/* There is one, or one whose time has come. */
static apr_status_t add_over(rp_redis_t *redis, rp_env_t *env, rp_redis_arg_t key,
                             const entry_t *entry)
{
    const rp_redis_arg_t args[] = {key, entry->now_arg, entry->value_arg, entry->ttl_arg};
    rp_redis_verdict_t verdict;
    apr_status_t rv = rp_redis_script_run(&verdict, env, redis, RP_REDIS_ADD, args, 4);

    return rv == APR_SUCCESS ? status_of(verdict) : rv;
}

static apr_status_t add(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        const void *data, apr_size_t len, apr_interval_time_t ttl)
{
    rp_redis_t *redis = (rp_redis_t *)store;
    char text[MAX_KEY];
    rp_redis_arg_t key_arg = name(text, key);
    rp_redis_command_t command;
    rp_redis_reply_t *reply = NULL;
    entry_t entry;
    apr_status_t rv = make_entry(&entry, env, data, len, ttl);

    if (rv == APR_SUCCESS) {
        const rp_redis_arg_t args[] = {RP_REDIS_WORD("SET"), key_arg,
                                       entry.value_arg,      RP_REDIS_WORD("NX"),
                                       RP_REDIS_WORD("PX"),  entry.ttl_arg};

        rp_redis_format(&command, args, 6, env->pool);
        rv = rp_redis_run(&reply, env, redis, &command);
    }
    if (rv != APR_SUCCESS || rp_redis_is_status(reply, "OK")) {
        return rv;
    }
    return reply->type == REDIS_REPLY_NIL ? add_over(redis, env, key_arg, &entry)
                                          : rp_redis_refused(env, redis, reply);
}

/* The interface has one parameter more than is usual. */
/* NOLINTNEXTLINE(readability-function-size) */
static apr_status_t cas(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key,
                        apr_uint64_t version, const void *data, apr_size_t len,
                        apr_interval_time_t ttl)
{
    unsigned char expected[8];
    char text[MAX_KEY];
    entry_t entry;
    rp_redis_verdict_t verdict = RP_REDIS_NONE;
    apr_status_t rv = make_entry(&entry, env, data, len, ttl);

    put_number(expected, version);
    if (rv == APR_SUCCESS) {
        const rp_redis_arg_t args[] = {name(text, key),
                                       entry.now_arg,
                                       entry.value_arg,
                                       entry.ttl_arg,
                                       {.data = expected, .len = sizeof(expected)}};

        rv = rp_redis_script_run(&verdict, env, (rp_redis_t *)store, RP_REDIS_CAS, args, 5);
    }
    return rv == APR_SUCCESS ? status_of(verdict) : rv;
}

static apr_status_t del(rp_store_t *store, rp_env_t *env, const rp_store_key_t *key)
{
    char text[MAX_KEY];
    char now[MAX_DIGITS];
    const rp_redis_arg_t args[] = {name(text, key), digits(now, (apr_uint64_t)rp_now(env))};
    rp_redis_verdict_t verdict;
    apr_status_t rv =
        rp_redis_script_run(&verdict, env, (rp_redis_t *)store, RP_REDIS_DEL, args, 2);

    return rv == APR_SUCCESS ? status_of(verdict) : rv;
}

static const rp_store_driver_t driver = {
    .name = "redis",
    .get = get,
    .set = set,
    .add = add,
    .cas = cas,
    .del = del,
    .get_newer = get_newer,
};

/* --- opening --- */

const char *rp_store_redis_missing(const rp_redis_address_t *address)
{
    return address->kind == RP_REDIS_TLS ? rp_redis_tls_missing() : NULL;
}

apr_status_t rp_store_redis_open(rp_store_t **store, rp_env_t *env,
                                 const rp_redis_address_t *address, apr_pool_t *pool)
{
    rp_redis_t *redis = apr_pcalloc(pool, sizeof(*redis));

    *store = NULL;
    redis->base.driver = &driver;
    redis->address = address;
    rp_redis_reply_functions(&redis->functions);
    rp_redis_script_prepare(redis);
    if (address->kind == RP_REDIS_TLS) {
        redis->tls = rp_redis_tls_context(address->ca, pool);
        if (!redis->tls) {
            return rp_fail(env, RP_E_STORE, "Redis at %s: the authorities in %s cannot be used",
                           address->name, address->ca ? address->ca : "the system's directory");
        }
    }
    apr_pool_cleanup_register(pool, redis, rp_redis_close_idle, apr_pool_cleanup_null);
    *store = &redis->base;
    return APR_SUCCESS;
}
