/* What has to look before it writes: scripts, which Redis runs as one step.
 *
 * Key idea: the time is an argument, not Redis' own, because an entry's time is kept by the
 * environment's clock (see the layout in rp_store_redis.c). Numbers are sums of bytes, exact up to
 * 2^53, which is the year 2255 in microseconds; Lua's comparison of strings depends on the locale.
 *
 * A script is named by its hash; a server that does not have it, since it was started anew or its
 * cache was emptied, says so and gets the text. */
#include <string.h>

#include <apr_sha1.h>

#include "../base/rp_limits.h"
#include "rp_store_redis_internal.h"

/* ARGV: now. alive: there is an entry whose time has not come. */
#define LOOK                                                                                       \
    "local h = redis.call('GETRANGE', KEYS[1], 0, 16)\n"                                           \
    "local alive = false\n"                                                                        \
    "if #h > 0 then\n"                                                                             \
    "  if #h < 17 or string.byte(h, 1) ~= 1 then return 3 end\n"                                   \
    "  local t = 0\n"                                                                              \
    "  for i = 10, 17 do t = t * 256 + string.byte(h, i) end\n"                                    \
    "  alive = t > tonumber(ARGV[1])\n"                                                            \
    "end\n"

/* ARGV: now, entry, milliseconds to live. */
#define WRITE                                                                                      \
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])\n"                                         \
    "return 1\n"

/* clang-format off */
static const char *const texts[] = {
    [RP_REDIS_ADD] = LOOK
        "if alive then return 2 end\n"
        WRITE,
    /* ARGV[4]: the version that the entry has to have. */
    [RP_REDIS_CAS] = LOOK
        "if not alive then return 0 end\n"
        "if string.sub(h, 2, 9) ~= ARGV[4] then return 2 end\n"
        WRITE,
    [RP_REDIS_DEL] = LOOK
        "redis.call('DEL', KEYS[1])\n"
        "if alive then return 1 end\n"
        "return 0\n",
};
/* clang-format on */

#define SCRIPTS (sizeof(texts) / sizeof(texts[0]))
#define MAX_ARGS 8

void rp_redis_script_prepare(rp_redis_t *redis)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t context;

    for (apr_size_t i = 0; i < SCRIPTS; i++) {
        apr_sha1_init(&context);
        apr_sha1_update(&context, texts[i], (unsigned)strlen(texts[i]));
        apr_sha1_final(hash, &context);
        for (apr_size_t n = 0; n < sizeof(hash); n++) {
            redis->sha[i][2 * n] = digits[hash[n] >> 4];
            redis->sha[i][2 * n + 1] = digits[hash[n] & 15];
        }
        redis->sha[i][2 * sizeof(hash)] = '\0';
    }
}

apr_status_t rp_redis_refused(rp_env_t *env, const rp_redis_t *redis, const rp_redis_reply_t *reply)
{
    const rp_redis_refusal_t *refusal = rp_redis_refusal(reply);

    return rp_fail(env, RP_E_STORE, "Redis at %s: %s", redis->address->name,
                   refusal ? refusal->why : "its answer is not what Redis says");
}

apr_status_t rp_redis_script_run(rp_redis_verdict_t *verdict, rp_env_t *env, rp_redis_t *redis,
                                 rp_redis_script_t script, const rp_redis_arg_t *key_and_args,
                                 int count)
{
    rp_redis_arg_t args[MAX_ARGS] = {
        RP_REDIS_WORD("EVALSHA"), {.data = redis->sha[script], .len = 40}, RP_REDIS_WORD("1")};
    rp_redis_command_t command;
    rp_redis_reply_t *reply;
    apr_status_t rv;

    *verdict = RP_REDIS_NONE;
    memcpy(args + 3, key_and_args, sizeof(*args) * (apr_size_t)count);
    rp_redis_format(&command, args, count + 3, env->pool);
    rv = rp_redis_run(&reply, env, redis, &command);
    if (rv == APR_SUCCESS && rp_redis_is_error(reply, "NOSCRIPT")) {
        args[0] = (rp_redis_arg_t)RP_REDIS_WORD("EVAL");
        args[1].data = texts[script];
        args[1].len = strlen(texts[script]);
        rp_redis_format(&command, args, count + 3, env->pool);
        rv = rp_redis_run(&reply, env, redis, &command);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (reply->type != REDIS_REPLY_INTEGER || reply->number < RP_REDIS_NONE ||
        reply->number > RP_REDIS_CONFLICT) {
        return reply->type == REDIS_REPLY_INTEGER && reply->number == RP_REDIS_FOREIGN
                   ? rp_fail(env, RP_E_STORE,
                             "Redis at %s: has something of another program under a key of ours",
                             redis->address->name)
                   : rp_redis_refused(env, redis, reply);
    }
    *verdict = (rp_redis_verdict_t)reply->number;
    return APR_SUCCESS;
}
