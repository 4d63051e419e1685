/* What the store has of a token, and a wish as bytes.
 *
 * The entry is sealed: version (1) | issued (8) | expires (8) | refused (8) | token. Its key is a
 * MAC of the words, so that other key rings have other tokens, and the seal needs a hash of them:
 * who has the store and the server's secret, but not the tag of a session, which is one of the
 * words of a user's token, has no use for it.
 *
 * A packed wish is head_t, then the words each with its NUL. */
#include "rp_shared_token_internal.h"

#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../base/rp_reader.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"

#define VERSION 1
#define TIME 8
#define PACK_MAX (apr_size_t)(4 * RP_MAX_TOKEN)

typedef struct {
    const rp_token_kind_t *kind;
    const rp_provider_t *provider;
    const struct rp_keyring_t *keyring;
    struct rp_store_t *store;
} head_t;

/* --- the wish as bytes --- */

apr_status_t rp_token_begin(rp_token_work_t *work, rp_env_t *env, const rp_token_wish_t *wish)
{
    const head_t head = {wish->kind, wish->provider, env->keyring, env->store};
    rp_buf_t buf;

    memset(work, 0, sizeof(*work));
    work->env = env;
    work->wish = wish;
    rp_buf_init(&buf, PACK_MAX, env->pool);
    rp_buf_put(&buf, &head, sizeof(head));
    for (int i = 0; i < RP_TOKEN_WORDS; i++) {
        const char *word = wish->words[i] ? wish->words[i] : "";

        rp_buf_put(&buf, word, strlen(word) + 1);
    }
    work->packed = buf.data;
    work->packed_len = buf.len;
    return rp_buf_status(&buf) == APR_SUCCESS
               ? APR_SUCCESS
               : rp_fail(env, RP_E_INTERNAL, "what a token is for is too long");
}

const void *rp_token_unpack(rp_token_wish_t *wish, rp_env_t *env, const void *packed)
{
    const char *text = (const char *)packed + sizeof(head_t);
    head_t head;

    memcpy(&head, packed, sizeof(head));
    memset(wish, 0, sizeof(*wish));
    wish->kind = head.kind;
    wish->provider = head.provider;
    env->keyring = head.keyring;
    env->store = head.store;
    for (int i = 0; i < RP_TOKEN_WORDS; i++) {
        wish->words[i] = *text ? text : NULL;
        text += strlen(text) + 1;
    }
    return text;
}

/* --- the store --- */

apr_status_t rp_token_name(rp_token_work_t *work)
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

rp_store_key_t rp_token_key(const rp_token_work_t *work, rp_store_kind_t kind)
{
    rp_store_key_t key = {kind, work->name, RP_SHA256};

    return key;
}

/* hash: where the binding lies. */
static apr_status_t seal_for(rp_seal_for_t *purpose, unsigned char hash[RP_SHA256],
                             const rp_token_work_t *work)
{
    purpose->purpose = RP_SEAL_SHARED_TOKEN;
    purpose->context = work->wish->provider->context;
    purpose->binding = hash;
    purpose->binding_len = RP_SHA256;
    if (rp_hash(hash, RP_SHA256, work->packed + sizeof(head_t),
                work->packed_len - sizeof(head_t)) != APR_SUCCESS) {
        return rp_fail(work->env, RP_E_CRYPTO, "the seal of a shared token");
    }
    return APR_SUCCESS;
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

static apr_status_t open_entry(rp_shared_token_t *token, const rp_token_work_t *work,
                               const rp_store_value_t *value)
{
    unsigned char hash[RP_SHA256];
    rp_seal_for_t purpose;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    if ((rv = seal_for(&purpose, hash, work)) != APR_SUCCESS ||
        (rv = rp_open(&data, &len, work->env, &purpose, value->data, value->len)) != APR_SUCCESS) {
        return rv;
    }
    return decode(token, data, len);
}

apr_status_t rp_token_look(rp_shared_token_t *token, rp_token_work_t *work)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_TOKEN);
    rp_store_value_t value;
    apr_status_t rv = rp_token_name(work);

    memset(token, 0, sizeof(*token));
    if (rv != APR_SUCCESS || (rv = rp_store_get(&value, work->env, &key)) != APR_SUCCESS) {
        return rv;
    }
    rv = open_entry(token, work, &value);
    if (rv == APR_EINVAL) {
        rp_debug(work->env, "stored token of %" APR_SIZE_T_FMT " bytes does not open", value.len);
        return APR_NOTFOUND;
    }
    token->version = value.version;
    token->looked = rp_now(work->env);
    memcpy(token->name, work->name, RP_SHA256);
    return rv;
}

apr_status_t rp_token_keep(rp_shared_token_t *token, rp_token_work_t *work)
{
    rp_store_key_t key = rp_token_key(work, RP_KIND_TOKEN);
    apr_interval_time_t ttl = token->expires - rp_now(work->env);
    unsigned char hash[RP_SHA256];
    rp_seal_for_t purpose;
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
    if ((rv = seal_for(&purpose, hash, work)) != APR_SUCCESS ||
        (rv = rp_seal(&box, &len, work->env, &purpose, buf.data, buf.len)) != APR_SUCCESS) {
        return rv;
    }
    return rp_store_set(work->env, &key, box, len, ttl);
}
