/* In the store: RP_KIND_TOKEN, SHA-256 of the id and 'b', the sealed record. */
#include "rp_verified.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../base/rp_mix.h"
#include "../io/rp_store.h"
#include "../jose/rp_seal.h"
#include "rp_session_cache.h"

/* Where the copies of this process are looked for. Not a hash that would keep a secret, for the
 * whole text is compared afterwards; SHA-256 of a long token costs more than all the rest of a
 * request. */
typedef struct {
    unsigned char id[RP_SESSION_ID_BYTES];
    rp_session_owner_t owner;
} place_t;

static void make_place(place_t *place, const rp_env_t *env, const rp_verified_name_t *name)
{
    apr_uint64_t hash = rp_mix(name->text, name->len);

    for (apr_size_t at = 0; at < sizeof(place->id); at += sizeof(hash)) {
        hash = (hash ^ at) * APR_UINT64_C(0xBF58476D1CE4E5B9);
        hash ^= hash >> 32;
        memcpy(place->id + at, &hash, sizeof(hash));
    }
    place->owner = (rp_session_owner_t){place->id, name->context, env->store, env->keyring};
}

static apr_status_t make_id(rp_env_t *env, rp_verified_name_t *name)
{
    name->has_id = rp_hash(name->id, RP_SHA256, name->text, name->len) == APR_SUCCESS;
    return name->has_id ? APR_SUCCESS : rp_fail(env, RP_E_CRYPTO, "hash of a token");
}

static rp_seal_for_t seal_for(const rp_verified_name_t *name)
{
    rp_seal_for_t purpose = {RP_SEAL_BEARER, name->context, name->id, sizeof(name->id)};

    return purpose;
}

/* hash has room for RP_SHA256 + 1 bytes. */
static apr_status_t make_key(rp_store_key_t *key, unsigned char *hash, rp_env_t *env,
                             const rp_verified_name_t *name)
{
    key->kind = RP_KIND_TOKEN;
    key->data = hash;
    key->len = RP_SHA256 + 1;
    hash[RP_SHA256] = 'b';
    return rp_hash(hash, RP_SHA256, name->id, sizeof(name->id)) == APR_SUCCESS
               ? APR_SUCCESS
               : rp_fail(env, RP_E_CRYPTO, "hash of a token's id");
}

/* Microseconds for which the verdict still counts; 0 or less: it does not. */
static apr_interval_time_t time_left(const rp_env_t *env, const rp_record_t *record)
{
    apr_time_t until = record->created + apr_time_from_sec(RP_BEARER_KEPT_SECONDS);
    apr_time_t now = rp_now(env);

    if (record->token_expires && record->token_expires < until) {
        until = record->token_expires;
    }
    return now < record->created ? 0 : until - now;
}

static rp_session_t *make_session(rp_env_t *env)
{
    rp_session_t *session = apr_pcalloc(env->pool, sizeof(*session));

    session->bearer = 1;
    session->version = 1;
    return session;
}

/* Makes the session of a record's bytes, and this process's copy, which has the name where that of
 * a session has its sealed tokens. */
static apr_status_t open_bytes(rp_session_t *session, rp_env_t *env, const rp_verified_name_t *name,
                               const rp_session_data_t *bytes)
{
    place_t place;
    apr_status_t rv = rp_record_decode(&session->record, bytes->data, bytes->len);

    if (rv == APR_SUCCESS) {
        rv = rp_claims_index(&session->record, env->pool);
    }
    if (rv == APR_SUCCESS && time_left(env, &session->record) <= 0) {
        return APR_NOTFOUND;
    }
    if (rv == APR_SUCCESS) {
        make_place(&place, env, name);
        session->tokens = name->text;
        session->tokens_len = name->len;
        rp_session_cache_put(env->bearers, &place.owner, name->id, session, bytes);
    }
    return rv;
}

static apr_status_t look_in_store(rp_session_t *session, rp_env_t *env,
                                  const rp_verified_name_t *name)
{
    rp_seal_for_t purpose = seal_for(name);
    unsigned char hash[RP_SHA256 + 1];
    rp_session_data_t bytes;
    rp_store_value_t value;
    rp_store_key_t key;
    apr_status_t rv;

    if ((rv = make_key(&key, hash, env, name)) != APR_SUCCESS ||
        (rv = rp_store_get(&value, env, &key)) != APR_SUCCESS) {
        return rv;
    }
    rv = rp_open(&bytes.data, &bytes.len, env, &purpose, value.data, value.len);
    return rv == APR_SUCCESS ? open_bytes(session, env, name, &bytes) : rv;
}

/* APR_NOTFOUND also while another request has it. */
static apr_status_t look_in_process(rp_session_t *session, rp_env_t *env,
                                    const rp_verified_name_t *name)
{
    rp_session_kept_t *kept;
    place_t place;

    make_place(&place, env, name);
    kept = rp_session_cache_take(env->bearers, &place.owner);
    if (!kept) {
        return APR_NOTFOUND;
    }
    if (rp_session_kept_has(kept, name->text, name->len)) {
        rp_session_cache_copy(session, kept, env->pool);
        if (time_left(env, &session->record) > 0) {
            rp_session_cache_give(env->bearers, kept);
            return APR_SUCCESS;
        }
    }
    rp_session_cache_drop(kept);
    return APR_NOTFOUND;
}

/* Its one token is in the hand of whoever asks. */
static void finish(rp_session_t *session)
{
    session->tokens = NULL;
    session->tokens_len = 0;
    session->tokens_open = 1;
}

apr_status_t rp_verified_get(rp_session_t **session, rp_env_t *env, rp_verified_name_t *name)
{
    rp_session_t *made = make_session(env);
    apr_status_t rv = look_in_process(made, env, name);

    *session = NULL;
    if (rv != APR_SUCCESS) {
        if (!name->has_id && make_id(env, name) != APR_SUCCESS) {
            return RP_FAILED;
        }
        rv = look_in_store(made, env, name);
        rp_forgive(env);
    }
    finish(made);
    *session = rv == APR_SUCCESS ? made : NULL;
    return *session ? APR_SUCCESS : APR_NOTFOUND;
}

static void keep_in_store(rp_env_t *env, const rp_verified_name_t *name,
                          const rp_session_data_t *bytes, apr_interval_time_t ttl)
{
    rp_seal_for_t purpose = seal_for(name);
    unsigned char hash[RP_SHA256 + 1];
    rp_store_key_t key;
    unsigned char *box;
    apr_size_t len;

    if (make_key(&key, hash, env, name) == APR_SUCCESS &&
        rp_seal(&box, &len, env, &purpose, bytes->data, bytes->len) == APR_SUCCESS) {
        rp_store_set(env, &key, box, len, ttl);
    }
    /* The token is good all the same, and will be checked again sooner. */
    rp_forgive(env);
}

apr_status_t rp_verified_put(rp_session_t **session, rp_env_t *env, const rp_verified_name_t *name,
                             rp_record_t *record)
{
    rp_session_t *made = make_session(env);
    rp_session_data_t bytes;
    apr_interval_time_t left;
    apr_status_t rv;

    *session = NULL;
    record->created = rp_now(env);
    record->last_used = record->created;
    if (rp_record_encode(&bytes.data, &bytes.len, record, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_SESSION_LIMIT, "what the token says passes %d bytes",
                       RP_MAX_SESSION_RECORD);
    }
    left = time_left(env, record);
    rv = open_bytes(made, env, name, &bytes);
    if (rv == APR_EINVAL) {
        return rp_fail(env, RP_E_INTERNAL, "what was encoded does not decode");
    }
    if (left > 0) {
        keep_in_store(env, name, &bytes, left);
    }
    finish(made);
    *session = made;
    return APR_SUCCESS;
}
