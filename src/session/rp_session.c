/* The stored value of a session is
 *
 *     length of the sealed record (4, little-endian) | sealed record | sealed tokens
 *
 * or a tombstone: one byte, which that cannot be. Two boxes, because a request that needs no token
 * should not pay for opening them, and a use that is noted should not pay for sealing them. */
#include "rp_session.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../io/rp_store.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"

/* Bytes of the length in front of the record. */
#define LENGTH 4
#define TOMBSTONE_SECONDS 600
#define RENEW_TRIES 50
#define RENEW_PAUSE apr_time_from_msec(10)

static const unsigned char tombstone[1] = {0};

/* What a refresh lease says. */
static const unsigned char holding[1] = {'r'};
static const unsigned char failed_lately[1] = {'f'};

static apr_status_t store_key(rp_store_key_t *key, unsigned char hash[RP_SHA256], rp_env_t *env,
                              const rp_session_t *session)
{
    key->kind = RP_KIND_SESSION;
    key->data = hash;
    key->len = RP_SHA256;
    if (rp_hash(hash, RP_SHA256, session->id, sizeof(session->id)) != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "hash of a session id");
    }
    return APR_SUCCESS;
}

static rp_seal_for_t seal_for(rp_seal_purpose_t purpose, const rp_session_realm_t *realm,
                              const rp_session_t *session)
{
    rp_seal_for_t result = {.purpose = purpose,
                            .context = realm->context,
                            .binding = session->id,
                            .binding_len = sizeof(session->id)};

    return result;
}

static apr_interval_time_t time_left(rp_env_t *env, const rp_session_realm_t *realm,
                                     const rp_record_t *record)
{
    apr_interval_time_t left = record->created + realm->longest - rp_now(env);

    return left > 0 ? left : 1;
}

static apr_status_t seal(unsigned char **box, apr_size_t *len, rp_env_t *env,
                         const rp_seal_for_t *purpose, const rp_record_t *record)
{
    unsigned char *data;
    apr_size_t data_len;
    apr_status_t rv = purpose->purpose == RP_SEAL_TOKENS
                          ? rp_record_encode_tokens(&data, &data_len, record, env->pool)
                          : rp_record_encode(&data, &data_len, record, env->pool);

    if (rv != APR_SUCCESS) {
        return rp_fail(env, RP_E_SESSION_LIMIT, "the session record passes %d bytes",
                       RP_MAX_SESSION_RECORD);
    }
    return rp_seal(box, len, env, purpose, data, data_len);
}

static apr_status_t make_value(unsigned char **value, apr_size_t *len, rp_env_t *env,
                               const rp_session_realm_t *realm, const rp_session_t *session)
{
    rp_seal_for_t purpose = seal_for(RP_SEAL_SESSION, realm, session);
    unsigned char *tokens = NULL;
    unsigned char *box = NULL;
    apr_size_t tokens_len = session->tokens_len;
    apr_size_t box_len = 0;
    apr_status_t rv = seal(&box, &box_len, env, &purpose, &session->record);

    if (rv == APR_SUCCESS && !session->tokens) {
        purpose.purpose = RP_SEAL_TOKENS;
        rv = seal(&tokens, &tokens_len, env, &purpose, &session->record);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *len = LENGTH + box_len + tokens_len;
    *value = apr_palloc(env->pool, *len);
    for (int i = 0; i < LENGTH; i++) {
        (*value)[i] = (unsigned char)((box_len >> (8 * i)) & 0xFF);
    }
    memcpy(*value + LENGTH, box, box_len);
    memcpy(*value + LENGTH + box_len, session->tokens ? session->tokens : tokens, tokens_len);
    return APR_SUCCESS;
}

apr_status_t rp_session_create(rp_session_t **session, const char **cookie, rp_env_t *env,
                               const rp_session_realm_t *realm, const rp_record_t *record)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    rp_session_t *made = apr_pcalloc(env->pool, sizeof(*made));
    unsigned char *box;
    apr_size_t len;
    apr_status_t rv;

    *session = NULL;
    *cookie = NULL;
    made->record = *record;
    made->record.created = rp_now(env);
    made->record.last_used = made->record.created;
    if ((rv = rp_random(env, made->id, sizeof(made->id))) != APR_SUCCESS ||
        (rv = store_key(&key, hash, env, made)) != APR_SUCCESS ||
        (rv = make_value(&box, &len, env, realm, made)) != APR_SUCCESS) {
        return rv;
    }
    rv = rp_store_add(env, &key, box, len, time_left(env, realm, &made->record));
    if (rv == RP_CONFLICT) {
        return rp_fail(env, RP_E_RANDOM, "a new session id is taken");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *session = made;
    *cookie = rp_base64url_encode(made->id, sizeof(made->id), env->pool);
    return APR_SUCCESS;
}

/* Takes the value apart and opens the record. APR_EINVAL: not ours. */
static apr_status_t open_value(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session, const rp_store_value_t *value)
{
    rp_seal_for_t purpose = seal_for(RP_SEAL_SESSION, realm, session);
    const unsigned char *at = value->data;
    unsigned char *data;
    apr_size_t box_len;
    apr_size_t len;
    apr_status_t rv;

    if (value->len < LENGTH) {
        return APR_EINVAL;
    }
    box_len = (apr_uint32_t)at[0] | ((apr_uint32_t)at[1] << 8) | ((apr_uint32_t)at[2] << 16) |
              ((apr_uint32_t)at[3] << 24);
    if (box_len > value->len - LENGTH) {
        return APR_EINVAL;
    }
    rv = rp_open(&data, &len, env, &purpose, at + LENGTH, box_len);
    if (rv == APR_SUCCESS) {
        rv = rp_record_decode(&session->record, data, len);
    }
    session->tokens_open = 0;
    session->tokens = at + LENGTH + box_len;
    session->tokens_len = value->len - LENGTH - box_len;
    return rv;
}

/* Reads the stored record of session->id. */
static apr_status_t read_record(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    rp_store_value_t value;
    apr_status_t rv;

    if ((rv = store_key(&key, hash, env, session)) != APR_SUCCESS ||
        (rv = rp_store_get(&value, env, &key)) != APR_SUCCESS) {
        return rv;
    }
    if (value.len == sizeof(tombstone)) {
        rp_debug(env, "session has ended");
        return APR_NOTFOUND;
    }
    rv = open_value(env, realm, session, &value);
    if (rv == APR_EINVAL) {
        rp_debug(env, "stored session of %" APR_SIZE_T_FMT " bytes does not open", value.len);
        return APR_NOTFOUND;
    }
    session->version = value.version;
    return rv;
}

apr_status_t rp_session_open_tokens(rp_env_t *env, const rp_session_realm_t *realm,
                                    rp_session_t *session)
{
    rp_seal_for_t purpose = seal_for(RP_SEAL_TOKENS, realm, session);
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    if (!session->tokens || session->tokens_open) {
        return APR_SUCCESS;
    }
    rv = rp_open(&data, &len, env, &purpose, session->tokens, session->tokens_len);
    if (rv == APR_SUCCESS) {
        rv = rp_record_decode_tokens(&session->record, data, len);
    }
    session->tokens_open = rv == APR_SUCCESS;
    return rv == APR_EINVAL ? rp_fail(env, RP_E_STORE, "the tokens of a session do not open") : rv;
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
                             const char *cookie, apr_size_t cookie_len,
                             const rp_session_limits_t *limits)
{
    rp_session_t *found;
    apr_status_t rv;

    *session = NULL;
    if (cookie_len != RP_SESSION_ID_CHARS) {
        rp_debug(env, "session cookie of %" APR_SIZE_T_FMT " characters", cookie_len);
        return APR_NOTFOUND;
    }
    found = apr_palloc(env->pool, sizeof(*found));
    found->tokens = NULL;
    if (rp_base64url_decode_into(found->id, sizeof(found->id), cookie, cookie_len) != APR_SUCCESS) {
        rp_debug(env, "session cookie is not base64url");
        return APR_NOTFOUND;
    }
    if ((rv = read_record(env, realm, found)) != APR_SUCCESS) {
        return rv;
    }
    if (is_over(env, &found->record, realm, limits)) {
        return APR_NOTFOUND;
    }
    *session = found;
    return APR_SUCCESS;
}

apr_status_t rp_session_reload(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session)
{
    return read_record(env, realm, session);
}

/* Writes session->record if the stored one is still session->version. The new version is not
 * known without another read, so the session must be read again before it is written again. */
static apr_status_t write_record(rp_env_t *env, const rp_session_realm_t *realm,
                                 const rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    unsigned char *box;
    apr_size_t len;
    apr_status_t rv;

    if ((rv = store_key(&key, hash, env, session)) != APR_SUCCESS ||
        (rv = make_value(&box, &len, env, realm, session)) != APR_SUCCESS) {
        return rv;
    }
    return rp_store_cas(env, &key, session->version, box, len,
                        time_left(env, realm, &session->record));
}

apr_status_t rp_session_touch(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                              const rp_session_limits_t *limits)
{
    apr_interval_time_t step = apr_time_from_sec(RP_TOUCH_SECONDS);
    apr_time_t now = rp_now(env);
    apr_status_t rv;

    if (limits->idle && limits->idle / 8 < step) {
        step = limits->idle / 8;
    }
    if (now < session->record.last_used + step) {
        return APR_SUCCESS;
    }
    session->record.last_used = now;
    rv = write_record(env, realm, session);
    if (rv == APR_SUCCESS) {
        return read_record(env, realm, session);
    }
    return rv == RP_CONFLICT ? read_record(env, realm, session) : rv;
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

apr_status_t rp_session_renew(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                              const rp_session_tokens_t *tokens)
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
        set_tokens(&renewed.record, env, tokens);
        rv = write_record(env, realm, &renewed);
        if (rv == APR_NOTFOUND || (rv == RP_FAILED && env->error.id != RP_E_STORE)) {
            return rv;
        }
        if (rv == APR_SUCCESS) {
            return read_record(env, realm, session);
        }
        /* A conflict, or a store that fails for a moment: neither may cost a rotated refresh
         * token. */
        rp_forgive(env);
        env->ops->sleep(env->ctx, RENEW_PAUSE);
        if (read_record(env, realm, session) == APR_NOTFOUND) {
            return APR_NOTFOUND;
        }
        rp_forgive(env);
        if (session->record.token_generation != generation) {
            return APR_SUCCESS;
        }
    }
    return rp_fail(env, RP_E_STORE, "the session could not be written");
}

apr_status_t rp_session_end(rp_env_t *env, const rp_session_realm_t *realm,
                            const rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    apr_status_t rv = store_key(&key, hash, env, session);

    (void)realm;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return rp_store_set(env, &key, tombstone, sizeof(tombstone),
                        apr_time_from_sec(TOMBSTONE_SECONDS));
}

static apr_status_t lease_key(rp_store_key_t *key, unsigned char hash[RP_SHA256], rp_env_t *env,
                              const rp_session_t *session)
{
    apr_status_t rv = store_key(key, hash, env, session);

    key->kind = RP_KIND_LEASE;
    return rv;
}

apr_status_t rp_session_lease_take(rp_env_t *env, const rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    rp_store_value_t value;
    apr_status_t rv = lease_key(&key, hash, env, session);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_store_add(env, &key, holding, sizeof(holding),
                      apr_time_from_sec(RP_REFRESH_LEASE_SECONDS));
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
