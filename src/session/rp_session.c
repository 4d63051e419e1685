#include "rp_session.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_reader.h"
#include "../codec/rp_base64.h"
#include "rp_session_internal.h"

#define PACK_LENGTH 4
#define RENEW_TRIES 50
#define RENEW_PAUSE apr_time_from_msec(10)

/* What a refresh lease says. */
static const unsigned char holding[1] = {'r'};
static const unsigned char failed_lately[1] = {'f'};

static const rp_session_keeper_t *keeper(const rp_session_realm_t *realm)
{
    return realm->room.part ? &rp_session_in_cookies : &rp_session_stored;
}

/* --- for the keepers --- */

apr_status_t rp_session_key(rp_store_key_t *key, unsigned char hash[RP_SHA256], rp_env_t *env,
                            const rp_session_t *session, rp_store_kind_t kind)
{
    key->kind = kind;
    key->data = hash;
    key->len = RP_SHA256;
    if (rp_hash(hash, RP_SHA256, session->id, sizeof(session->id)) != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "hash of a session id");
    }
    return APR_SUCCESS;
}

rp_seal_for_t rp_session_seal_for(rp_seal_purpose_t purpose, const rp_session_realm_t *realm,
                                  const rp_session_t *session)
{
    rp_seal_for_t result = {.purpose = purpose,
                            .context = realm->context,
                            .binding = session->id,
                            .binding_len = sizeof(session->id)};

    return result;
}

apr_interval_time_t rp_session_time_left(rp_env_t *env, const rp_session_realm_t *realm,
                                         const rp_record_t *record)
{
    apr_interval_time_t left = record->created + realm->longest - rp_now(env);

    return left > 0 ? left : 1;
}

/* --- the life --- */

apr_status_t rp_session_create(rp_session_t **session, rp_env_t *env,
                               const rp_session_realm_t *realm, const rp_record_t *record)
{
    rp_session_t *made = apr_pcalloc(env->pool, sizeof(*made));
    apr_status_t rv;

    *session = NULL;
    made->record = *record;
    made->record.created = rp_now(env);
    made->record.last_used = made->record.created;
    made->tokens_open = 1;
    if ((rv = rp_random(env, made->id, sizeof(made->id))) == APR_SUCCESS &&
        (rv = keeper(realm)->create(env, realm, made)) == APR_SUCCESS) {
        *session = made;
    }
    return rv;
}

apr_status_t rp_session_cookies(rp_session_cookies_t *cookies, rp_env_t *env,
                                const rp_session_realm_t *realm, rp_session_t *session)
{
    apr_status_t rv;

    memset(cookies, 0, sizeof(*cookies));
    rv = keeper(realm)->cookies(cookies, env, realm, session);
    session->unsent = 0;
    return rv;
}

static int is_over(rp_env_t *env, const rp_record_t *record, const rp_session_realm_t *realm,
                   const rp_session_limits_t *limits)
{
    apr_time_t now = rp_now(env);
    apr_interval_time_t max = limits->max < realm->longest ? limits->max : realm->longest;

    if (now >= record->created + max) {
        rp_debug(env, "session is older than its lifetime");
        return 1;
    }
    if (limits->idle && now >= record->last_used + limits->idle) {
        rp_debug(env, "session was idle too long");
        return 1;
    }
    return 0;
}

apr_status_t rp_session_load(rp_session_t **session, rp_env_t *env, const rp_session_realm_t *realm,
                             const rp_session_cookies_t *cookies, const rp_session_limits_t *limits)
{
    rp_session_t *found = apr_pcalloc(env->pool, sizeof(*found));
    apr_status_t rv = keeper(realm)->load(env, realm, found, cookies);

    *session = NULL;
    if (rv == APR_SUCCESS && is_over(env, &found->record, realm, limits)) {
        rv = APR_NOTFOUND;
    }
    if (rv == APR_SUCCESS) {
        *session = found;
    }
    return rv;
}

apr_status_t rp_session_open_tokens(rp_env_t *env, const rp_session_realm_t *realm,
                                    rp_session_t *session)
{
    apr_status_t rv;

    if (session->tokens_open) {
        return APR_SUCCESS;
    }
    rv = keeper(realm)->open_tokens(env, realm, session);
    session->tokens_open = rv == APR_SUCCESS;
    if (rv != APR_EINVAL) {
        return rv;
    }
    if (realm->room.part) {
        rp_debug(env, "the tokens of a session's cookies do not open");
        return APR_NOTFOUND;
    }
    return rp_fail(env, RP_E_STORE, "the tokens of a session do not open");
}

apr_status_t rp_session_reload(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session)
{
    return keeper(realm)->reload(env, realm, session);
}

apr_status_t rp_session_touch(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                              const rp_session_limits_t *limits)
{
    apr_interval_time_t step = apr_time_from_sec(RP_TOUCH_SECONDS);
    apr_time_t now = rp_now(env);

    if (limits->idle && limits->idle / 8 < step) {
        step = limits->idle / 8;
    }
    if (now < session->record.last_used + step) {
        return APR_SUCCESS;
    }
    session->record.last_used = now;
    return keeper(realm)->touch(env, realm, session);
}

static void set_tokens(rp_record_t *record, rp_env_t *env, const rp_session_tokens_t *tokens)
{
    record->access_token = tokens->access_token;
    record->token_issued = rp_now(env);
    record->token_expires = tokens->expires;
    record->token_generation++;
    if (tokens->refresh_token) {
        record->refresh_token = tokens->refresh_token;
    }
    if (tokens->id_token) {
        record->id_token = tokens->id_token;
    }
    if (tokens->scope) {
        record->scope = tokens->scope;
    }
}

/* tokens NULL: the refresh token alone. */
static void change_tokens(rp_record_t *record, rp_env_t *env, const rp_session_tokens_t *tokens,
                          const char *refresh_token)
{
    if (tokens) {
        set_tokens(record, env, tokens);
    } else {
        record->refresh_token = refresh_token;
        record->token_generation++;
    }
}

/* 1 when the same may well work the next time. */
static int may_pass(rp_error_id_t id)
{
    return id == RP_E_STORE || id == RP_E_RANDOM;
}

static apr_status_t write_tokens(rp_env_t *env, const rp_session_realm_t *realm,
                                 rp_session_t *session, const rp_session_tokens_t *tokens,
                                 const char *refresh_token)
{
    apr_uint32_t generation = session->record.token_generation;
    apr_status_t rv = APR_SUCCESS;

    for (int i = 0; i < RENEW_TRIES; i++) {
        rp_session_t renewed;

        rv = rp_session_open_tokens(env, realm, session);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        renewed = *session;
        renewed.tokens = NULL;
        change_tokens(&renewed.record, env, tokens, refresh_token);
        rv = keeper(realm)->renew(env, realm, session, &renewed);
        if (rv == APR_SUCCESS || rv == APR_NOTFOUND ||
            (rv == RP_FAILED && !may_pass(env->error.id))) {
            return rv;
        }
        /* A conflict, or what fails for a moment: neither may cost a rotated refresh token. */
        rp_forgive(env);
        env->ops->sleep(env->ctx, RENEW_PAUSE);
        if (keeper(realm)->reload(env, realm, session) == APR_NOTFOUND) {
            return APR_NOTFOUND;
        }
        rp_forgive(env);
        if (session->record.token_generation != generation) {
            return APR_SUCCESS;
        }
    }
    return rp_fail(env, RP_E_STORE, "the session could not be written");
}

apr_status_t rp_session_renew(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                              const rp_session_tokens_t *tokens)
{
    return write_tokens(env, realm, session, tokens, NULL);
}

apr_status_t rp_session_rotate(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session, const char *refresh_token)
{
    return write_tokens(env, realm, session, NULL, refresh_token);
}

/* The store's key is another function of the id, and from neither follows the other. */
apr_status_t rp_session_tag(const char **tag, rp_env_t *env, const rp_session_t *session)
{
    static const char purpose[] = "tokens for backends";
    unsigned char mac[RP_SHA256];

    *tag = NULL;
    if (rp_hmac(mac, RP_SHA256, session->id, sizeof(session->id), purpose, sizeof(purpose) - 1) !=
        APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "tag of a session");
    }
    *tag = rp_base64url_encode(mac, sizeof(mac), env->pool);
    return APR_SUCCESS;
}

apr_status_t rp_session_end(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    return keeper(realm)->end(env, realm, session);
}

/* --- for a job: id, and for a session that the store does not have: length of the record (4,
 * little-endian) | record | tokens --- */

apr_status_t rp_session_pack(unsigned char **data, apr_size_t *len, rp_env_t *env,
                             const rp_session_realm_t *realm, const rp_session_t *session)
{
    unsigned char *record = NULL;
    unsigned char *tokens = NULL;
    apr_size_t record_len = 0;
    apr_size_t tokens_len = 0;
    rp_buf_t buf;

    *data = NULL;
    *len = 0;
    rp_buf_init(&buf, sizeof(session->id) + PACK_LENGTH + (apr_size_t)2 * RP_MAX_SESSION_RECORD,
                env->pool);
    rp_buf_put(&buf, session->id, sizeof(session->id));
    if (realm->room.part) {
        if (rp_record_encode(&record, &record_len, &session->record, env->pool) != APR_SUCCESS ||
            rp_record_encode_tokens(&tokens, &tokens_len, &session->record, env->pool) !=
                APR_SUCCESS) {
            return rp_fail(env, RP_E_SESSION_LIMIT, "the session passes %d bytes",
                           RP_MAX_SESSION_RECORD);
        }
        rp_buf_put_number(&buf, record_len, PACK_LENGTH);
        rp_buf_put(&buf, record, record_len);
        rp_buf_put(&buf, tokens, tokens_len);
    }
    *data = (unsigned char *)buf.data;
    *len = buf.len;
    return rp_buf_status(&buf);
}

/* The reader stands behind the id. */
static apr_status_t unpack_record(rp_session_t *session, rp_reader_t *reader)
{
    apr_size_t record_len = rp_reader_number(reader, PACK_LENGTH);
    const unsigned char *record = rp_reader_take(reader, record_len);
    apr_status_t rv = record ? rp_record_decode(&session->record, record, record_len) : APR_EINVAL;

    if (rv == APR_SUCCESS) {
        rv = rp_record_decode_tokens(&session->record, reader->data, reader->left);
    }
    session->tokens_open = rv == APR_SUCCESS;
    return rv;
}

apr_status_t rp_session_unpack(rp_session_t **session, rp_env_t *env,
                               const rp_session_realm_t *realm, const unsigned char *data,
                               apr_size_t len)
{
    rp_session_t *made = apr_pcalloc(env->pool, sizeof(*made));
    rp_reader_t reader = {data, len, 1};
    const unsigned char *id = rp_reader_take(&reader, sizeof(made->id));

    *session = NULL;
    if (!id || (realm->room.part && unpack_record(made, &reader) != APR_SUCCESS)) {
        return rp_fail(env, RP_E_INTERNAL, "a packed session of %" APR_SIZE_T_FMT " bytes", len);
    }
    memcpy(made->id, id, sizeof(made->id));
    *session = made;
    return keeper(realm)->reload(env, realm, made);
}

/* --- who refreshes --- */

static apr_status_t lease_key(rp_store_key_t *key, unsigned char hash[RP_SHA256], rp_env_t *env,
                              const rp_session_t *session)
{
    return rp_session_key(key, hash, env, session, RP_KIND_LEASE);
}

apr_status_t rp_session_lease_take(rp_env_t *env, const rp_session_t *session,
                                   apr_interval_time_t ttl)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    rp_store_value_t value;
    apr_status_t rv = lease_key(&key, hash, env, session);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_store_add(env, &key, holding, sizeof(holding), ttl);
    if (rv == RP_CONFLICT && rp_store_get(&value, env, &key) == APR_SUCCESS && value.len == 1 &&
        value.data[0] == failed_lately[0]) {
        return APR_EAGAIN;
    }
    return rv;
}

apr_status_t rp_session_lease_end(rp_env_t *env, const rp_session_t *session, int failed)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    apr_status_t rv = lease_key(&key, hash, env, session);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (failed) {
        return rp_store_set(env, &key, failed_lately, sizeof(failed_lately),
                            apr_time_from_sec(RP_REFRESH_PAUSE_SECONDS));
    }
    rv = rp_store_delete(env, &key);
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}
