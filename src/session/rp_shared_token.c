/* In the store, under the token's name (a MAC of what it is for, so that other key rings have
 * other tokens):
 *
 *     RP_KIND_TOKEN, name        the token, sealed: version (1) | issued (8) | expires (8) |
 *                                refused (8) | token
 *     RP_KIND_TOKEN, name + 'f'  how many attempts have failed in a row (1)
 *     RP_KIND_LEASE, name        who asks the provider, or that it failed a moment ago
 *
 * A wish is packed into bytes to be found in the process's cache, and to be handed to another
 * thread: head_t, the words each with its NUL, and for a job subject with its NUL. */
#include "rp_shared_token.h"

#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../base/rp_reader.h"
#include "../io/rp_lease.h"
#include "../io/rp_wait.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"
#include "rp_token_cache.h"

#define VERSION 1
#define TIME 8
#define PACK_MAX (apr_size_t)(4 * RP_MAX_TOKEN)

typedef struct {
    rp_token_fetch_fn *fetch;
    const rp_provider_t *provider;
    const struct rp_keyring_t *keyring;
    struct rp_store_t *store;
    int personal; /* 1: a request has to bring more than the words */
} head_t;

/* What the steps work on. */
typedef struct {
    rp_env_t *env;
    const rp_token_wish_t *wish;
    const char *packed; /* head and words */
    apr_size_t packed_len;
    unsigned char name[RP_SHA256 + 1]; /* once named is 1 */
    int named;
    int used; /* 1: on behalf of a request */
} work_t;

/* --- the wish as bytes --- */

static void pack(work_t *work, rp_buf_t *buf)
{
    head_t head;

    memset(&head, 0, sizeof(head));
    head.fetch = work->wish->fetch;
    head.provider = work->wish->provider;
    head.keyring = work->env->keyring;
    head.store = work->env->store;
    head.personal = work->wish->subject != NULL;
    rp_buf_init(buf, PACK_MAX, work->env->pool);
    rp_buf_put(buf, &head, sizeof(head));
    for (int i = 0; i < RP_TOKEN_WORDS; i++) {
        const char *word = work->wish->words[i] ? work->wish->words[i] : "";

        rp_buf_put(buf, word, strlen(word) + 1);
    }
    work->packed = buf->data;
    work->packed_len = buf->len;
}

/* Points *wish into data; what follows the words is subject and until, of a job. */
static head_t unpack(rp_token_wish_t *wish, const void *data)
{
    const char *text = (const char *)data + sizeof(head_t);
    head_t head;

    memcpy(&head, data, sizeof(head));
    memset(wish, 0, sizeof(*wish));
    wish->fetch = head.fetch;
    wish->provider = head.provider;
    for (int i = 0; i < RP_TOKEN_WORDS; i++) {
        wish->words[i] = *text ? text : NULL;
        text += strlen(text) + 1;
    }
    wish->subject = head.personal ? text : NULL;
    return head;
}

static apr_status_t begin(work_t *work, rp_buf_t *packed, rp_env_t *env,
                          const rp_token_wish_t *wish)
{
    memset(work, 0, sizeof(*work));
    work->env = env;
    work->wish = wish;
    pack(work, packed);
    return rp_buf_status(packed) == APR_SUCCESS
               ? APR_SUCCESS
               : rp_fail(env, RP_E_INTERNAL, "what a token is for is too long");
}

/* --- the store --- */

static apr_status_t make_name(work_t *work)
{
    const char *context = work->wish->provider->context;
    apr_size_t words_len = work->packed_len - sizeof(head_t);
    rp_buf_t text;

    if (work->named) {
        return APR_SUCCESS;
    }
    rp_buf_init(&text, PACK_MAX, work->env->pool);
    rp_buf_put(&text, context, strlen(context) + 1);
    rp_buf_put(&text, work->packed + sizeof(head_t), words_len);
    if (rp_buf_status(&text) != APR_SUCCESS ||
        rp_keyring_mac(work->name, work->env->keyring, 0, RP_SEAL_SHARED_TOKEN, text.data,
                       text.len) != APR_SUCCESS) {
        return rp_fail(work->env, RP_E_CRYPTO, "the name of a shared token");
    }
    work->name[RP_SHA256] = 'f';
    work->named = 1;
    return APR_SUCCESS;
}

static rp_store_key_t key_of(const work_t *work, rp_store_kind_t kind)
{
    rp_store_key_t key = {kind, work->name, RP_SHA256};

    return key;
}

static rp_seal_for_t seal_for(const work_t *work)
{
    rp_seal_for_t purpose = {RP_SEAL_SHARED_TOKEN, "", work->name, RP_SHA256};

    return purpose;
}

static apr_status_t decode(rp_shared_token_t *token, const unsigned char *data, apr_size_t len)
{
    rp_reader_t reader = {data, len, 1};

    if (rp_reader_number(&reader, 1) != VERSION) {
        return APR_EINVAL;
    }
    token->issued = (apr_time_t)rp_reader_number(&reader, TIME);
    token->expires = (apr_time_t)rp_reader_number(&reader, TIME);
    token->refused = (apr_time_t)rp_reader_number(&reader, TIME);
    token->value = (const char *)reader.data;
    return reader.ok && reader.left > 0 ? APR_SUCCESS : APR_EINVAL;
}

/* What the store has, whether it is still good or not. APR_NOTFOUND also for what does not open:
 * it is not ours, or not ours any more. */
static apr_status_t look(rp_shared_token_t *token, work_t *work)
{
    rp_seal_for_t purpose = seal_for(work);
    rp_store_key_t key = key_of(work, RP_KIND_TOKEN);
    rp_store_value_t value;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv = make_name(work);

    memset(token, 0, sizeof(*token));
    if (rv != APR_SUCCESS || (rv = rp_store_get(&value, work->env, &key)) != APR_SUCCESS) {
        return rv;
    }
    rv = rp_open(&data, &len, work->env, &purpose, value.data, value.len);
    if (rv == APR_SUCCESS) {
        rv = decode(token, data, len);
    }
    if (rv == APR_EINVAL) {
        rp_debug(work->env, "stored token of %" APR_SIZE_T_FMT " bytes does not open", value.len);
        return APR_NOTFOUND;
    }
    token->version = value.version;
    token->looked = rp_now(work->env);
    memcpy(token->name, work->name, RP_SHA256);
    return rv;
}

static apr_status_t keep(rp_shared_token_t *token, work_t *work)
{
    rp_seal_for_t purpose = seal_for(work);
    rp_store_key_t key = key_of(work, RP_KIND_TOKEN);
    apr_interval_time_t ttl = token->expires - rp_now(work->env);
    unsigned char *box;
    apr_size_t len;
    rp_buf_t buf;
    apr_status_t rv;

    rp_buf_init(&buf, RP_MAX_TOKEN + 64, work->env->pool);
    rp_buf_put_number(&buf, VERSION, 1);
    rp_buf_put_number(&buf, (apr_uint64_t)token->issued, TIME);
    rp_buf_put_number(&buf, (apr_uint64_t)token->expires, TIME);
    rp_buf_put_number(&buf, (apr_uint64_t)token->refused, TIME);
    rp_buf_puts(&buf, token->value);
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        return rp_fail(work->env, RP_E_TOKEN_RESPONSE, "access_token is too long");
    }
    /* Which version this will be, the next look tells. */
    token->version = 0;
    token->looked = rp_now(work->env);
    memcpy(token->name, work->name, RP_SHA256);
    if (ttl <= 0) {
        return APR_SUCCESS;
    }
    rv = rp_seal(&box, &len, work->env, &purpose, buf.data, buf.len);
    return rv != APR_SUCCESS ? rv : rp_store_set(work->env, &key, box, len, ttl);
}

static void remember(work_t *work, const rp_shared_token_t *token)
{
    rp_token_cache_put(work->env->tokens, work->packed, work->packed_len, token, work->used);
}

/* --- when --- */

static int is_good(const rp_shared_token_t *token, apr_time_t now)
{
    return now < token->expires;
}

/* As a session's access token: a minute before the end, or after four fifths of a short life. */
static int is_due(const rp_shared_token_t *token, apr_time_t now)
{
    apr_time_t early = token->expires - apr_time_from_sec(RP_REFRESH_AHEAD_SECONDS);
    apr_time_t late = token->issued + (token->expires - token->issued) / 5 * 4;

    return now >= (early > late ? early : late);
}

static apr_interval_time_t lease_time(const work_t *work)
{
    /* Metadata and token, and then some. */
    return 2 * work->wish->provider->http.total_timeout + apr_time_from_sec(5);
}

/* --- asking the provider, with the lease --- */

/* One more failure in a row, and how long to wait. */
static apr_interval_time_t count_failure(work_t *work)
{
    rp_store_key_t key = {RP_KIND_TOKEN, work->name, RP_SHA256 + 1};
    const rp_error_t cause = work->env->error;
    unsigned char count = 0;
    rp_store_value_t value;
    apr_int64_t seconds;

    if (rp_store_get(&value, work->env, &key) == APR_SUCCESS && value.len == 1) {
        count = value.data[0];
    }
    seconds = count < 6 ? APR_INT64_C(1) << count : RP_TOKEN_PAUSE_MAX_SECONDS;
    count = (unsigned char)(count < 6 ? count + 1 : count);
    rp_store_set(work->env, &key, &count, sizeof(count),
                 apr_time_from_sec(RP_TOKEN_FAILURES_SECONDS));
    work->env->error = cause;
    return apr_time_from_sec(seconds);
}

static void forget_failures(work_t *work)
{
    rp_store_key_t key = {RP_KIND_TOKEN, work->name, RP_SHA256 + 1};

    rp_store_delete(work->env, &key);
    rp_forgive(work->env);
}

static apr_status_t ask(rp_shared_token_t *token, work_t *work, apr_time_t refused)
{
    const rp_token_wish_t *wish = work->wish;
    rp_token_response_t *response;
    apr_time_t now;
    apr_status_t rv = wish->fetch(&response, work->env, wish);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    now = rp_now(work->env);
    token->value = response->access_token;
    token->issued = now;
    token->expires = now + apr_time_from_sec(response->expires_in >= 0 ? response->expires_in
                                                                       : RP_TOKEN_DEFAULT_SECONDS);
    token->refused = refused;
    if (wish->until && wish->until < token->expires) {
        token->expires = wish->until;
    }
    return keep(token, work);
}

static apr_status_t ask_with_lease(rp_shared_token_t *token, work_t *work, apr_time_t refused)
{
    rp_store_key_t key = key_of(work, RP_KIND_LEASE);
    apr_status_t rv = ask(token, work, refused);

    if (rv != APR_SUCCESS) {
        rp_lease_pause(work->env, &key, count_failure(work), &work->env->error);
        return RP_FAILED;
    }
    forget_failures(work);
    rp_lease_end(work->env, &key);
    remember(work, token);
    return APR_SUCCESS;
}

static apr_status_t fail_as_before(rp_env_t *env, const rp_error_t *cause)
{
    return rp_fail(env, cause->id, "not tried again yet: %s",
                   cause->detail ? cause->detail : "no detail");
}

/* What the caller that did not get the lease has to do: wait (APR_SUCCESS), or fail as whoever had
 * it did. */
static apr_status_t judge_lease(work_t *work)
{
    rp_store_key_t key = key_of(work, RP_KIND_LEASE);
    rp_lease_t lease;
    apr_status_t rv = rp_lease_read(&lease, work->env, &key);

    if (rv == APR_NOTFOUND || (rv == APR_SUCCESS && lease.busy)) {
        return APR_SUCCESS;
    }
    return rv == APR_SUCCESS ? fail_as_before(work->env, &lease.cause) : rv;
}

/* 1 when this is a token to go on with, which the one that was refused is not. */
static int serves(const rp_shared_token_t *token, const char *used, apr_time_t now)
{
    return is_good(token, now) && !(used && rp_equal_text(token->value, used));
}

/* Looks again, with the lease or without: whoever had it before may have left a token. APR_EAGAIN:
 * somebody else is at it. */
static apr_status_t try_now(rp_shared_token_t *token, work_t *work, const char *used)
{
    rp_store_key_t key = key_of(work, RP_KIND_LEASE);
    rp_env_t *env = work->env;
    apr_status_t taken = rp_lease_take(env, &key, lease_time(work));
    apr_status_t rv = taken == RP_FAILED ? RP_FAILED : look(token, work);

    if (rv == APR_SUCCESS && serves(token, used, rp_now(env))) {
        if (taken == APR_SUCCESS) {
            rp_lease_end(env, &key);
        }
        remember(work, token);
        return APR_SUCCESS;
    }
    if (rv == RP_FAILED) {
        return rv;
    }
    if (taken == APR_SUCCESS) {
        return ask_with_lease(token, work, used ? rp_now(env) : 0);
    }
    rv = judge_lease(work);
    return rv == APR_SUCCESS ? APR_EAGAIN : rv;
}

static apr_status_t get_or_wait(rp_shared_token_t *token, rp_wait_t *wait, work_t *work,
                                const char *used)
{
    apr_interval_time_t limit = lease_time(work);
    rp_env_t *env = work->env;

    while (wait->waited <= limit) {
        apr_status_t rv = try_now(token, work, used);

        if (rv != APR_EAGAIN || (rv = rp_wait_step(wait, env)) != APR_SUCCESS) {
            return rv;
        }
    }
    return rp_fail(env, RP_E_PROVIDER_TIMEOUT, "waited too long for another request");
}

/* There is no token that serves: this request gets one, or waits for the one that does. */
static apr_status_t get_now(rp_shared_token_t *token, work_t *work, const char *used)
{
    rp_wait_t wait = {0};
    apr_status_t rv = get_or_wait(token, &wait, work, used);

    rp_wait_end(&wait, work->env, rv == APR_SUCCESS);
    return rv;
}

/* --- renewal ahead --- */

/* Under a lease that was taken by whoever deferred this. */
static void renew(work_t *work)
{
    rp_store_key_t key = key_of(work, RP_KIND_LEASE);
    rp_shared_token_t token;
    apr_status_t rv = look(&token, work);

    if (rv == APR_SUCCESS && is_good(&token, rp_now(work->env)) &&
        !is_due(&token, rp_now(work->env))) {
        remember(work, &token);
        rp_lease_end(work->env, &key);
        return;
    }
    ask_with_lease(&token, work, 0);
}

static void run_job(rp_env_t *env, const void *data)
{
    rp_token_wish_t wish;
    head_t head = unpack(&wish, (const char *)data + sizeof(wish.until));
    rp_buf_t packed;
    work_t work;

    memcpy(&wish.until, data, sizeof(wish.until));
    env->keyring = head.keyring;
    env->store = head.store;
    if (begin(&work, &packed, env, &wish) == APR_SUCCESS && make_name(&work) == APR_SUCCESS) {
        renew(&work);
    }
}

/* The old token is still good: somebody renews it, and this request does not wait. */
static void renew_ahead(work_t *work)
{
    rp_store_key_t key = key_of(work, RP_KIND_LEASE);
    const char *subject = work->wish->subject ? work->wish->subject : "";
    rp_env_t *env = work->env;
    rp_buf_t data;

    if (make_name(work) == APR_SUCCESS &&
        rp_lease_take(env, &key, lease_time(work)) == APR_SUCCESS) {
        rp_buf_init(&data, PACK_MAX, env->pool);
        rp_buf_put(&data, &work->wish->until, sizeof(work->wish->until));
        rp_buf_put(&data, work->packed, work->packed_len);
        rp_buf_put(&data, subject, strlen(subject) + 1);
        if (rp_buf_status(&data) != APR_SUCCESS ||
            env->ops->defer(env->ctx, run_job, data.data, data.len) != APR_SUCCESS) {
            rp_lease_end(env, &key);
        }
    }
    /* With a good token in hand nothing of this concerns the request. */
    rp_forgive(env);
}

/* --- what callers ask --- */

/* 1 when the process's copy is what the store has, or need not be compared. */
static int is_current(const rp_shared_token_t *token, rp_env_t *env)
{
    rp_store_key_t key = {RP_KIND_TOKEN, token->name, RP_SHA256};
    apr_time_t now = rp_now(env);
    rp_store_value_t value;
    apr_status_t rv;

    if (!is_good(token, now)) {
        return 0;
    }
    if (env->store != env->local) {
        return now - token->looked < apr_time_from_sec(RP_TOKEN_LOOK_SECONDS);
    }
    rv = token->version ? rp_store_get_newer(&value, env, &key, token->version) : APR_NOTFOUND;
    return rv == APR_SUCCESS && !value.data;
}

/* The process's copy, else what the store has. */
static apr_status_t find(rp_shared_token_t *token, work_t *work)
{
    rp_token_cache_t *cache = work->env->tokens;
    apr_status_t rv;

    rv = rp_token_cache_get(token, cache, work->packed, work->packed_len, work->env->pool);
    if (rv == APR_SUCCESS && is_current(token, work->env)) {
        return APR_SUCCESS;
    }
    rp_forgive(work->env);
    rv = look(token, work);
    if (rv == APR_SUCCESS) {
        remember(work, token);
    } else {
        rp_token_cache_drop(cache, work->packed, work->packed_len);
    }
    return rv;
}

apr_status_t rp_shared_token_get(const char **token, rp_env_t *env, const rp_token_wish_t *wish)
{
    rp_shared_token_t found;
    rp_buf_t packed;
    work_t work;
    apr_status_t rv = begin(&work, &packed, env, wish);

    *token = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    work.used = 1;
    rv = find(&found, &work);
    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv != APR_SUCCESS || !is_good(&found, rp_now(env))) {
        rv = get_now(&found, &work, NULL);
    } else if (is_due(&found, rp_now(env))) {
        renew_ahead(&work);
    }
    *token = rv == APR_SUCCESS ? found.value : NULL;
    return rv;
}

static void forget(work_t *work)
{
    const rp_error_t cause = work->env->error;
    rp_store_key_t key = key_of(work, RP_KIND_TOKEN);

    rp_store_delete(work->env, &key);
    rp_token_cache_drop(work->env->tokens, work->packed, work->packed_len);
    work->env->error = cause;
}

apr_status_t rp_shared_token_replace(const char **token, rp_env_t *env, const rp_token_wish_t *wish,
                                     const char *used)
{
    rp_shared_token_t found;
    rp_buf_t packed;
    work_t work;
    apr_time_t now = rp_now(env);
    apr_status_t rv = begin(&work, &packed, env, wish);

    *token = NULL;
    if (rv != APR_SUCCESS || (rv = look(&found, &work)) == RP_FAILED) {
        return rv;
    }
    if (rv == APR_SUCCESS && !serves(&found, used, now) && found.refused &&
        now - found.refused < apr_time_from_sec(RP_TOKEN_REFUSED_SECONDS)) {
        return APR_NOTFOUND;
    }
    work.used = 1;
    rv = get_now(&found, &work, used);
    if (rv != APR_SUCCESS) {
        forget(&work);
        return rv;
    }
    *token = found.value;
    return APR_SUCCESS;
}

static void tend_one(rp_env_t *env, const void *packed)
{
    rp_token_wish_t wish;
    head_t head = unpack(&wish, packed);
    rp_buf_t buf;
    work_t work;

    env->keyring = head.keyring;
    env->store = head.store;
    if (!head.personal && begin(&work, &buf, env, &wish) == APR_SUCCESS) {
        renew_ahead(&work);
    }
}

void rp_shared_token_tend(rp_env_t *env)
{
    rp_shared_token_t token;
    void *packed;
    apr_status_t rv = APR_SUCCESS;

    for (int n = 0; rv != APR_NOTFOUND; n++) {
        rv = rp_token_cache_visit(&packed, &token, env->tokens, n, env->pool);
        if (rv == APR_SUCCESS && is_good(&token, rp_now(env)) && is_due(&token, rp_now(env))) {
            tend_one(env, packed);
        }
    }
}
