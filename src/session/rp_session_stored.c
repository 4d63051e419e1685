/* Sessions in the store. The stored value is
 *
 *     length of the sealed record (4, little-endian) | sealed record | sealed tokens
 *
 * or a tombstone: one byte, which that cannot be. Two boxes, because a request that needs no token
 * should not pay for opening them, and a use that is noted should not pay for sealing them. */
#include "rp_session_internal.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_reader.h"
#include "../codec/rp_base64.h"
#include "rp_session_cache.h"

/* Bytes of the length in front of the record. */
#define LENGTH 4
#define TOMBSTONE_SECONDS 600

static const unsigned char tombstone[1] = {0};

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
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_SESSION, realm, session);
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

/* Takes the value apart and opens the record, whose bytes are *opened. APR_EINVAL: not ours. */
static apr_status_t open_value(rp_session_data_t *opened, rp_env_t *env,
                               const rp_session_realm_t *realm, rp_session_t *session,
                               const rp_store_value_t *value)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_SESSION, realm, session);
    rp_reader_t reader = {value->data, value->len, 1};
    apr_size_t box_len = rp_reader_number(&reader, LENGTH);
    const unsigned char *box = rp_reader_take(&reader, box_len);
    apr_status_t rv;

    if (!box) {
        return APR_EINVAL;
    }
    rv = rp_open(&opened->data, &opened->len, env, &purpose, box, box_len);
    if (rv == APR_SUCCESS) {
        rv = rp_record_decode(&session->record, opened->data, opened->len);
    }
    if (rv == APR_SUCCESS) {
        rv = rp_claims_index(&session->record, env->pool);
    }
    session->tokens_open = 0;
    session->tokens = reader.data;
    session->tokens_len = reader.left;
    return rv;
}

static rp_session_owner_t owner_of(const rp_env_t *env, const rp_session_realm_t *realm,
                                   const rp_session_t *session)
{
    rp_session_owner_t owner = {session->id, realm->context, env->store, env->keyring};

    return owner;
}

/* Opens what the store has for session->id, under the key hash, and keeps it for the next
 * request. */
static apr_status_t open_stored(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session, const unsigned char hash[RP_SHA256],
                                const rp_store_value_t *value)
{
    rp_session_owner_t owner = owner_of(env, realm, session);
    rp_session_data_t opened;
    apr_status_t rv;

    if (value->len == sizeof(tombstone)) {
        rp_debug(env, "session has ended");
        return APR_NOTFOUND;
    }
    rv = open_value(&opened, env, realm, session, value);
    if (rv == APR_EINVAL) {
        rp_debug(env, "stored session of %" APR_SIZE_T_FMT " bytes does not open", value->len);
        return APR_NOTFOUND;
    }
    session->version = value->version;
    if (rv == APR_SUCCESS) {
        rp_session_cache_put(env->opened, &owner, hash, session, &opened);
    }
    return rv;
}

/* Asks the store for what it has that is newer than what was kept. */
static apr_status_t read_newer(rp_env_t *env, const rp_session_realm_t *realm,
                               rp_session_t *session, rp_session_kept_t *kept)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key = {RP_KIND_SESSION, hash, sizeof(hash)};
    rp_store_value_t value;
    apr_status_t rv;

    memcpy(hash, rp_session_kept_hash(kept), sizeof(hash));
    rv = rp_store_get_newer(&value, env, &key, rp_session_kept_version(kept));
    if (rv == APR_SUCCESS && !value.data) {
        rp_session_cache_copy(session, kept, env->pool);
        rp_session_cache_give(env->opened, kept);
        return APR_SUCCESS;
    }
    rp_session_cache_drop(kept);
    return rv == APR_SUCCESS ? open_stored(env, realm, session, hash, &value) : rv;
}

/* Reads the stored record of session->id. */
static apr_status_t read_record(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session)
{
    rp_session_owner_t owner = owner_of(env, realm, session);
    rp_session_kept_t *kept = rp_session_cache_take(env->opened, &owner);
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    rp_store_value_t value;
    apr_status_t rv;

    if (kept) {
        return read_newer(env, realm, session, kept);
    }
    if ((rv = rp_session_key(&key, hash, env, session, RP_KIND_SESSION)) != APR_SUCCESS ||
        (rv = rp_store_get(&value, env, &key)) != APR_SUCCESS) {
        return rv;
    }
    return open_stored(env, realm, session, hash, &value);
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

    if ((rv = rp_session_key(&key, hash, env, session, RP_KIND_SESSION)) != APR_SUCCESS ||
        (rv = make_value(&box, &len, env, realm, session)) != APR_SUCCESS) {
        return rv;
    }
    return rp_store_cas(env, &key, session->version, box, len,
                        rp_session_time_left(env, realm, &session->record));
}

static apr_status_t create(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    unsigned char *value;
    apr_size_t len;
    apr_status_t rv;

    if ((rv = rp_session_key(&key, hash, env, session, RP_KIND_SESSION)) != APR_SUCCESS ||
        (rv = make_value(&value, &len, env, realm, session)) != APR_SUCCESS) {
        return rv;
    }
    rv = rp_store_add(env, &key, value, len, rp_session_time_left(env, realm, &session->record));
    if (rv == RP_CONFLICT) {
        return rp_fail(env, RP_E_RANDOM, "a new session id is taken");
    }
    session->unsent = RP_UNSENT_RECORD;
    return rv;
}

static apr_status_t load(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                         const rp_session_cookies_t *cookies)
{
    const rp_cookie_value_t *cookie = &cookies->values[0];

    if (cookies->count != 1 || cookie->len != RP_SESSION_ID_CHARS) {
        rp_debug(env, "session cookie of %" APR_SIZE_T_FMT " characters", cookie->len);
        return APR_NOTFOUND;
    }
    if (rp_base64url_decode_into(session->id, sizeof(session->id), cookie->value, cookie->len) !=
        APR_SUCCESS) {
        rp_debug(env, "session cookie is not base64url");
        return APR_NOTFOUND;
    }
    return read_record(env, realm, session);
}

static apr_status_t open_tokens(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_TOKENS, realm, session);
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv = rp_open(&data, &len, env, &purpose, session->tokens, session->tokens_len);

    return rv != APR_SUCCESS ? rv : rp_record_decode_tokens(&session->record, data, len);
}

static apr_status_t touch(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    apr_status_t rv = write_record(env, realm, session);

    return rv == APR_SUCCESS || rv == RP_CONFLICT ? read_record(env, realm, session) : rv;
}

static apr_status_t renew(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                          const rp_session_t *renewed)
{
    apr_status_t rv = write_record(env, realm, renewed);

    return rv == APR_SUCCESS ? read_record(env, realm, session) : rv;
}

static apr_status_t end(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    apr_status_t rv = rp_session_key(&key, hash, env, session, RP_KIND_SESSION);

    (void)realm;
    return rv != APR_SUCCESS ? rv
                             : rp_store_set(env, &key, tombstone, sizeof(tombstone),
                                            apr_time_from_sec(TOMBSTONE_SECONDS));
}

static apr_status_t cookies_of(rp_session_cookies_t *cookies, rp_env_t *env,
                               const rp_session_realm_t *realm, rp_session_t *session)
{
    (void)realm;
    cookies->count = 1;
    cookies->values[0].value = rp_base64url_encode(session->id, sizeof(session->id), env->pool);
    cookies->values[0].len = RP_SESSION_ID_CHARS;
    return APR_SUCCESS;
}

const rp_session_keeper_t rp_session_stored = {create, load,  read_record, open_tokens,
                                               touch,  renew, end,         cookies_of};
