/* An entry, as it is in the cache under an id:
 *
 *      0        1           33         41         49        53
 *     +--------+-----------+----------+----------+---------+----------
 *     | format | name      | version  | expires  | length  | data ...
 *     +--------+-----------+----------+----------+---------+----------
 *       1 byte   32          8          8          4
 *
 *     format   RP_CACHE_FORMAT
 *     name     SHA-256 of kind and key. It is the id as well; a cache that takes a part of the id
 *              for the whole hands out an entry that names another
 *     version  of the value; never 0
 *     expires  microseconds since 1970 by the environment's clock
 *     length   bytes of the whole value
 *     Numbers begin with the highest byte.
 *
 * An entry has at most cache->part bytes. What of a value is left then follows in further entries
 * of the same form: number n has SHA-256 of name, version and n as its name, and as its length
 * what it holds itself. Parts are written before the first entry and removed after it, so that
 * who finds the first one finds the others, or it is being replaced. */
#include "rp_store_cache_internal.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../jose/rp_crypto.h"

#define RP_CACHE_FORMAT 1

#define AT_NAME 1
#define AT_VERSION (AT_NAME + RP_CACHE_ID)
#define AT_EXPIRES (AT_VERSION + 8)
#define AT_LENGTH (AT_EXPIRES + 8)
#define AT_DATA (AT_LENGTH + 4)

/* A memcached takes more than 30 days for a date. */
#define LONGEST apr_time_from_sec(29 * 86400)
/* Caches count in whole seconds, each rounding as it likes. */
#define SPARE apr_time_from_sec(2)

static void put_number(unsigned char *out, apr_uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        out[i] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
}

static apr_uint64_t get_number(const unsigned char *in, int bytes)
{
    apr_uint64_t number = 0;

    for (int i = 0; i < bytes; i++) {
        number = number << 8 | in[i];
    }
    return number;
}

/* Bytes of a value that fit into one entry. */
static apr_size_t capacity(const rp_cache_t *cache)
{
    return cache->part ? cache->part - AT_DATA : RP_MAX_STORE_VALUE;
}

static apr_size_t smaller(apr_size_t a, apr_size_t b)
{
    return a < b ? a : b;
}

apr_size_t rp_cache_room(const rp_cache_t *cache)
{
    return capacity(cache) + AT_DATA;
}

apr_status_t rp_cache_name(rp_cache_call_t *call, const rp_store_key_t *key)
{
    unsigned char bytes[1 + RP_MAX_STORE_KEY];

    bytes[0] = (unsigned char)key->kind;
    memcpy(bytes + 1, key->data, key->len);
    if (rp_hash(call->name, RP_SHA256, bytes, key->len + 1) != APR_SUCCESS) {
        return rp_fail(call->env, RP_E_CRYPTO, "SHA-256 of a store key");
    }
    return APR_SUCCESS;
}

static apr_status_t part_name(unsigned char *name, const rp_cache_call_t *call,
                              apr_uint64_t version, apr_size_t number)
{
    unsigned char bytes[RP_CACHE_ID + 16];

    memcpy(bytes, call->name, RP_CACHE_ID);
    put_number(bytes + RP_CACHE_ID, version, 8);
    put_number(bytes + RP_CACHE_ID + 8, number, 8);
    if (rp_hash(name, RP_SHA256, bytes, sizeof(bytes)) != APR_SUCCESS) {
        return rp_fail(call->env, RP_E_CRYPTO, "SHA-256 of a store key");
    }
    return APR_SUCCESS;
}

/* --- reading --- */

static apr_status_t no_answer(const rp_cache_call_t *call, const char *what, apr_status_t rv)
{
    char why[120];

    if (rv == APR_NOTFOUND) {
        return rp_fail(call->env, RP_E_STORE, "%s: nobody answers", what);
    }
    return rp_fail(call->env, RP_E_STORE, "%s: %s", what, apr_strerror(rv, why, sizeof(why)));
}

/* A write tells what a lookup does not: whether anybody is there. Which entry it is is all the
 * same; nobody reads it. */
static apr_status_t answers(const rp_cache_call_t *call)
{
    static const unsigned char id[RP_CACHE_ID] = "mod_auth_oauth: somebody there?";
    static const unsigned char data[1] = {RP_CACHE_FORMAT};

    return call->cache->ops->store(call->cache, id, data, sizeof(data), apr_time_from_sec(60),
                                   call->scratch);
}

/* APR_SUCCESS, APR_NOTFOUND or RP_FAILED. */
static apr_status_t fetch(const rp_cache_call_t *call, const unsigned char *id, unsigned char *data,
                          apr_size_t *len)
{
    const rp_cache_ops_t *ops = call->cache->ops;
    const apr_size_t room = *len;
    apr_status_t rv = ops->retrieve(call->cache, id, data, len, call->scratch);

    if (rv == APR_NOTFOUND && call->cache->vague) {
        /* It may have come back in between, so what it said before does not count. */
        rv = answers(call);
        if (rv != APR_SUCCESS) {
            return no_answer(call, "the cache was asked for an entry", rv);
        }
        *len = room;
        rv = ops->retrieve(call->cache, id, data, len, call->scratch);
    }
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return no_answer(call, "the cache was asked for an entry", rv);
    }
    return rv;
}

/* 1 when the bytes are the entry of that name. */
static int judge(rp_cache_head_t *head, const unsigned char *name, const unsigned char *bytes,
                 apr_size_t len)
{
    memset(head, 0, sizeof(*head));
    if (len < AT_DATA || bytes[0] != RP_CACHE_FORMAT ||
        memcmp(bytes + AT_NAME, name, RP_CACHE_ID) != 0) {
        return 0;
    }
    head->version = get_number(bytes + AT_VERSION, 8);
    head->expires = (apr_time_t)get_number(bytes + AT_EXPIRES, 8);
    head->len = (apr_size_t)get_number(bytes + AT_LENGTH, 4);
    head->here = len - AT_DATA;
    return head->version != 0 && head->len <= RP_MAX_STORE_VALUE;
}

apr_status_t rp_cache_look(rp_cache_call_t *call)
{
    rp_cache_head_t head;
    apr_status_t rv;

    memset(&call->head, 0, sizeof(call->head));
    call->filled = call->size;
    rv = fetch(call, call->name, call->buffer, &call->filled);
    if (rv != APR_SUCCESS) {
        call->filled = 0;
        return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
    }
    if (judge(&head, call->name, call->buffer, call->filled) &&
        head.here == smaller(head.len, capacity(call->cache))) {
        call->head = head;
        call->head.present = 1;
    } else {
        rp_debug(call->env, "store: an entry of %" APR_SIZE_T_FMT " bytes is not what was stored",
                 call->filled);
    }
    return APR_SUCCESS;
}

/* Part number n of the value that was looked up, to out. */
static apr_status_t read_part(unsigned char *out, apr_size_t wanted, const rp_cache_call_t *call,
                              apr_size_t number, unsigned char *buffer)
{
    unsigned char name[RP_CACHE_ID];
    apr_size_t len = call->size;
    rp_cache_head_t head;
    apr_status_t rv = part_name(name, call, call->head.version, number);

    if (rv == APR_SUCCESS) {
        rv = fetch(call, name, buffer, &len);
    }
    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND ? RP_CACHE_TORN : rv;
    }
    if (!judge(&head, name, buffer, len) || head.version != call->head.version ||
        head.len != wanted || head.here != wanted) {
        return RP_CACHE_TORN;
    }
    memcpy(out, buffer + AT_DATA, wanted);
    return APR_SUCCESS;
}

apr_status_t rp_cache_assemble(rp_store_value_t *value, rp_cache_call_t *call)
{
    const rp_cache_head_t *head = &call->head;
    unsigned char *data = apr_palloc(call->env->pool, head->len + 1);
    unsigned char *buffer = head->here < head->len ? apr_palloc(call->scratch, call->size) : NULL;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t done = head->here;

    memcpy(data, call->buffer + AT_DATA, head->here);
    for (apr_size_t n = 1; rv == APR_SUCCESS && done < head->len; n++) {
        apr_size_t wanted = smaller(head->len - done, capacity(call->cache));

        rv = read_part(data + done, wanted, call, n, buffer);
        done += wanted;
    }
    if (rv == APR_SUCCESS) {
        data[head->len] = '\0';
        value->data = data;
        value->len = head->len;
        value->version = head->version;
    }
    return rv;
}

/* --- writing --- */

static apr_interval_time_t cache_ttl(apr_interval_time_t ttl)
{
    return ttl > LONGEST ? LONGEST : ttl + SPARE;
}

/* One entry: `here` bytes of the item from `from` on, under a name. */
static apr_status_t write_entry(const rp_cache_call_t *call, const unsigned char *name,
                                const rp_cache_item_t *item, apr_size_t from, unsigned char *buffer)
{
    const apr_size_t here = smaller(item->len - from, capacity(call->cache));

    buffer[0] = RP_CACHE_FORMAT;
    memcpy(buffer + AT_NAME, name, RP_CACHE_ID);
    put_number(buffer + AT_VERSION, item->version, 8);
    put_number(buffer + AT_EXPIRES, (apr_uint64_t)item->expires, 8);
    put_number(buffer + AT_LENGTH, from ? here : item->len, 4);
    if (here) {
        memcpy(buffer + AT_DATA, item->data + from, here);
    }
    return call->cache->ops->store(call->cache, name, buffer, AT_DATA + here, cache_ttl(item->ttl),
                                   call->scratch);
}

/* The parts of a value that has len bytes; failing to remove one costs room for a while. */
static void remove_parts(const rp_cache_call_t *call, apr_uint64_t version, apr_size_t len)
{
    const apr_size_t each = capacity(call->cache);
    unsigned char name[RP_CACHE_ID];

    for (apr_size_t n = 1; n * each < len; n++) {
        if (part_name(name, call, version, n) == APR_SUCCESS) {
            call->cache->ops->remove(call->cache, name, call->scratch);
        }
    }
}

static apr_status_t write_all(const rp_cache_call_t *call, const rp_cache_item_t *item)
{
    const apr_size_t each = capacity(call->cache);
    unsigned char *buffer = apr_palloc(call->scratch, AT_DATA + smaller(item->len, each));
    unsigned char name[RP_CACHE_ID];
    apr_status_t rv = APR_SUCCESS;

    for (apr_size_t n = 1; rv == APR_SUCCESS && n * each < item->len; n++) {
        rv = part_name(name, call, item->version, n);
        if (rv == APR_SUCCESS) {
            rv = write_entry(call, name, item, n * each, buffer);
        }
    }
    return rv == APR_SUCCESS ? write_entry(call, call->name, item, 0, buffer) : rv;
}

/* What failed may have cost the old value: it is put back. */
static void put_back(const rp_cache_call_t *call)
{
    const apr_interval_time_t left = call->head.expires - rp_now(call->env);

    if (call->head.present && left > 0) {
        call->cache->ops->store(call->cache, call->name, call->buffer, call->filled,
                                cache_ttl(left), call->scratch);
    }
}

apr_status_t rp_cache_put(rp_cache_call_t *call, const rp_cache_item_t *item)
{
    apr_status_t rv = write_all(call, item);

    if (rv == APR_SUCCESS) {
        remove_parts(call, call->head.version, call->head.len);
        return APR_SUCCESS;
    }
    remove_parts(call, item->version, item->len);
    put_back(call);
    if (rv == APR_ENOSPC && !call->cache->part) {
        return rp_fail(call->env, RP_E_STORE_TOO_LARGE,
                       "the cache has no room for an entry of %" APR_SIZE_T_FMT " bytes; make it "
                       "larger",
                       AT_DATA + item->len);
    }
    return rv == RP_FAILED ? rv : no_answer(call, "the cache was given an entry", rv);
}

apr_status_t rp_cache_drop(rp_cache_call_t *call)
{
    const rp_cache_head_t old = call->head;
    apr_status_t rv = call->cache->ops->remove(call->cache, call->name, call->scratch);

    if (rv != APR_SUCCESS) {
        /* Gone by itself meanwhile, or nobody there? */
        rv = rp_cache_look(call);
        if (rv == APR_SUCCESS && call->head.present) {
            rv = rp_fail(call->env, RP_E_STORE, "the cache does not remove an entry");
        }
    }
    if (rv == APR_SUCCESS) {
        remove_parts(call, old.version, old.len);
    }
    return rv;
}
