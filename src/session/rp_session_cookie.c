/* Sessions in the browser's cookies. The values, when the record takes one cookie and the tokens
 * two ("NAME" is the session cookie's name):
 *
 *     NAME       3 1 base64url( version (1) | id (32) | sealed record )
 *     NAME.1         base64url( sealed tokens ), the first part of its characters
 *     NAME.2         the rest
 *
 * The two digits say how many cookies there are and how many of them hold the record. Record and
 * tokens are apart, as in the store: most requests neither decode nor open the tokens, and noting a
 * use sends the record alone. Both boxes need the id to open, so that no two sessions mix.
 *
 * In the store there are, each under the hash of the id:
 *
 *     RP_KIND_ENDED     that the session has ended, as long as its cookies could live
 *     RP_KIND_SESSION   the newest tokens, sealed, once there was a refresh: other requests may
 *                       come with older cookies, and an answer with new ones may never arrive.
 *                       Without them a rotated refresh token would be lost. */
#include "rp_session_internal.h"

#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_base64.h"
#include "rp_session_cache.h"
#include "rp_token_set.h"

#define VERSION 1
#define DIGITS 2
#define HEAD (1 + RP_SESSION_ID_BYTES)
#define HEAD_CHARS ((apr_size_t)HEAD / 3 * 4)

static const unsigned char mark[1] = {'e'};

/* A text on its way into several cookies. */
typedef struct {
    char *text;
    apr_size_t len;
} text_t;

/* --- the store's part --- */

static apr_status_t check_not_ended(rp_env_t *env, const rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    rp_store_value_t value;
    apr_status_t rv = rp_session_key(&key, hash, env, session, RP_KIND_ENDED);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = rp_store_get(&value, env, &key);
    if (rv == APR_SUCCESS) {
        rp_debug(env, "session has ended");
        return APR_NOTFOUND;
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

/* Takes over tokens that are newer than the browser's. */
static apr_status_t adopt_renewed(rp_env_t *env, const rp_session_realm_t *realm,
                                  rp_session_t *session)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_RENEWED, realm, session);
    unsigned char hash[RP_SHA256];
    rp_record_t newer = session->record;
    rp_store_key_t key;
    rp_store_value_t value;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    session->version = 0;
    if ((rv = rp_session_key(&key, hash, env, session, RP_KIND_SESSION)) != APR_SUCCESS ||
        (rv = rp_store_get(&value, env, &key)) != APR_SUCCESS) {
        return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
    }
    session->version = value.version;
    rv = rp_open(&data, &len, env, &purpose, value.data, value.len);
    if (rv == APR_SUCCESS) {
        rv = rp_token_set_decode(&newer, data, len, env->pool);
    }
    if (rv == APR_EINVAL) {
        rp_debug(env, "renewed tokens of %" APR_SIZE_T_FMT " bytes do not open", value.len);
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS && newer.token_generation > session->record.token_generation) {
        session->record = newer;
        session->tokens_open = 1;
        session->unsent = RP_UNSENT_RECORD | RP_UNSENT_TOKENS;
    }
    return rv;
}

static apr_status_t reload(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    apr_status_t rv = check_not_ended(env, session);

    return rv != APR_SUCCESS ? rv : adopt_renewed(env, realm, session);
}

static apr_status_t renew(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                          const rp_session_t *renewed)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_RENEWED, realm, session);
    apr_interval_time_t ttl = rp_session_time_left(env, realm, &renewed->record);
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    unsigned char *data;
    unsigned char *box;
    apr_size_t len;
    apr_size_t box_len;
    apr_status_t rv;

    if (rp_token_set_encode(&data, &len, &renewed->record, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_SESSION_LIMIT, "the tokens pass %d bytes", RP_MAX_SESSION_RECORD);
    }
    if ((rv = rp_seal(&box, &box_len, env, &purpose, data, len)) != APR_SUCCESS ||
        (rv = rp_session_key(&key, hash, env, session, RP_KIND_SESSION)) != APR_SUCCESS) {
        return rv;
    }
    rv = session->version ? rp_store_cas(env, &key, session->version, box, box_len, ttl)
                          : rp_store_add(env, &key, box, box_len, ttl);
    if (rv != APR_SUCCESS) {
        /* Pushed out by others since it was read: that is not the session's end. */
        return rv == APR_NOTFOUND ? RP_CONFLICT : rv;
    }
    /* After the write: either this sees that the session has ended, or who ends it sees these
     * tokens and revokes them. */
    rv = check_not_ended(env, session);
    if (rv == APR_NOTFOUND) {
        rp_store_delete(env, &key);
        rp_forgive(env);
        return rv;
    }
    rp_forgive(env);
    session->record = renewed->record;
    session->tokens_open = 1;
    session->unsent = RP_UNSENT_RECORD | RP_UNSENT_TOKENS;
    return adopt_renewed(env, realm, session);
}

static apr_status_t end(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    unsigned char hash[RP_SHA256];
    rp_store_key_t key;
    apr_status_t rv = rp_session_key(&key, hash, env, session, RP_KIND_ENDED);

    if (rv == APR_SUCCESS) {
        rv = rp_store_set(env, &key, mark, sizeof(mark),
                          rp_session_time_left(env, realm, &session->record));
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* The newest tokens are the ones to revoke. */
    if (adopt_renewed(env, realm, session) == APR_SUCCESS && session->version) {
        key.kind = RP_KIND_SESSION;
        rp_store_delete(env, &key);
    }
    session->unsent = 0;
    rp_forgive(env);
    return APR_SUCCESS;
}

/* --- the browser's part --- */

/* The text of the cookies from first to end; NULL when one did not come. */
static const char *join(apr_size_t *len, rp_env_t *env, const rp_session_cookies_t *cookies,
                        int first, int end)
{
    apr_size_t total = 0;
    char *text;
    char *out;

    for (int i = first; i < end; i++) {
        if (!cookies->values[i].value) {
            return NULL;
        }
        total += cookies->values[i].len;
    }
    *len = total;
    if (end - first == 1) {
        return cookies->values[first].value;
    }
    text = out = apr_palloc(env->pool, total + 1);
    for (int i = first; i < end; i++) {
        memcpy(out, cookies->values[i].value, cookies->values[i].len);
        out += cookies->values[i].len;
    }
    *out = '\0';
    return text;
}

/* The digits at the start of the first value; 0 when they make no sense. */
static int read_digits(int *record_cookies, const rp_cookie_value_t *first)
{
    int count = first->len > DIGITS ? first->value[0] - '0' : 0;

    *record_cookies = count > 0 ? first->value[1] - '0' : 0;
    return count >= 1 && count <= RP_MAX_SESSION_COOKIES && *record_cookies >= 1 &&
                   *record_cookies <= count
               ? count
               : 0;
}

int rp_session_cookie_count(const rp_session_realm_t *realm, const rp_cookie_value_t *first)
{
    int record_cookies;

    return realm->room.part ? read_digits(&record_cookies, first) : 1;
}

/* Version and id, which are whole groups of characters: whose session it is is known before the
 * rest is decoded. */
static apr_status_t read_head(rp_session_t *session, const rp_cookie_value_t *text)
{
    unsigned char head[HEAD];

    if (text->len < HEAD_CHARS ||
        rp_base64url_decode_into(head, HEAD, text->value, HEAD_CHARS) != APR_SUCCESS ||
        head[0] != VERSION) {
        return APR_EINVAL;
    }
    memcpy(session->id, head + 1, sizeof(session->id));
    return APR_SUCCESS;
}

static apr_status_t decode_record(rp_session_data_t *opened, rp_env_t *env,
                                  const rp_session_realm_t *realm, rp_session_t *session,
                                  const rp_cookie_value_t *text)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_COOKIE, realm, session);
    unsigned char *box;
    apr_size_t len;
    apr_status_t rv = rp_base64url_decode(&box, &len, text->value + HEAD_CHARS,
                                          text->len - HEAD_CHARS, env->pool);

    if (rv == APR_SUCCESS) {
        rv = rp_open(&opened->data, &opened->len, env, &purpose, box, len);
    }
    if (rv == APR_SUCCESS) {
        rv = rp_record_decode(&session->record, opened->data, opened->len);
    }
    return rv != APR_SUCCESS ? rv : rp_claims_index(&session->record, env->pool);
}

/* Keeps what the text was opened to, with the text. */
static void keep(rp_env_t *env, const rp_session_owner_t *owner, const rp_session_t *session,
                 const rp_session_data_t *opened, const rp_cookie_value_t *text)
{
    unsigned char hash[RP_SHA256];
    rp_session_t kept = *session;
    rp_store_key_t key;

    if (env->opened && rp_session_key(&key, hash, env, session, RP_KIND_SESSION) == APR_SUCCESS) {
        kept.tokens = (const unsigned char *)text->value;
        kept.tokens_len = text->len;
        rp_session_cache_put(env->opened, owner, hash, &kept, opened);
    }
}

/* The same text was opened before by this process: then its record is known. */
static int is_known(rp_env_t *env, rp_session_t *session, const rp_session_owner_t *owner,
                    const rp_cookie_value_t *text)
{
    rp_session_kept_t *kept = rp_session_cache_take(env->opened, owner);

    if (!kept || !rp_session_kept_has(kept, text->value, text->len)) {
        rp_session_cache_drop(kept);
        return 0;
    }
    rp_session_cache_copy(session, kept, env->pool);
    rp_session_cache_give(env->opened, kept);
    session->tokens = NULL;
    session->tokens_len = 0;
    return 1;
}

static apr_status_t open_record(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session)
{
    rp_session_owner_t owner = {session->id, realm->context, env->store, env->keyring};
    apr_size_t joined_len = 0;
    const char *joined = join(&joined_len, env, &session->cookies, 0, session->record_cookies);
    rp_session_data_t opened;
    rp_cookie_value_t text;
    apr_status_t rv;

    if (!joined || joined_len < DIGITS) {
        return APR_EINVAL;
    }
    text.value = joined + DIGITS;
    text.len = joined_len - DIGITS;
    if (read_head(session, &text) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    if (is_known(env, session, &owner, &text)) {
        return APR_SUCCESS;
    }
    rv = decode_record(&opened, env, realm, session, &text);
    if (rv == APR_SUCCESS) {
        keep(env, &owner, session, &opened, &text);
    }
    return rv;
}

static apr_status_t load(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session,
                         const rp_session_cookies_t *cookies)
{
    apr_status_t rv;

    session->cookies = *cookies;
    if (cookies->count < 1 ||
        read_digits(&session->record_cookies, &cookies->values[0]) != cookies->count) {
        rp_debug(env, "session cookies that are none");
        return APR_NOTFOUND;
    }
    rv = open_record(env, realm, session);
    if (rv == APR_EINVAL) {
        rp_debug(env, "session cookie of %" APR_SIZE_T_FMT " characters does not open",
                 cookies->values[0].len);
        return APR_NOTFOUND;
    }
    return rv != APR_SUCCESS ? rv : check_not_ended(env, session);
}

static apr_status_t open_tokens(rp_env_t *env, const rp_session_realm_t *realm,
                                rp_session_t *session)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_COOKIE_TOKENS, realm, session);
    unsigned char *data;
    apr_size_t len;
    apr_size_t text_len = 0;
    const char *text =
        join(&text_len, env, &session->cookies, session->record_cookies, session->cookies.count);
    apr_status_t rv;

    if (!text || rp_base64url_decode(&data, &len, text, text_len, env->pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    rv = rp_open(&data, &len, env, &purpose, data, len);
    /* The tokens say themselves which ones they are: a browser that got two answers at once may
     * have the record of one and the tokens of the other. */
    return rv != APR_SUCCESS ? rv : rp_token_set_decode(&session->record, data, len, env->pool);
}

static apr_status_t touch(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    (void)env;
    (void)realm;
    session->unsent = (session->unsent | RP_UNSENT_RECORD) & ~RP_UNSENT_MADE;
    return APR_SUCCESS;
}

static apr_status_t record_text(text_t *text, rp_env_t *env, const rp_session_realm_t *realm,
                                const rp_session_t *session)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_COOKIE, realm, session);
    unsigned char *data;
    unsigned char *box;
    apr_size_t len;
    apr_status_t rv;

    if (rp_record_encode(&data, &len, &session->record, env->pool) != APR_SUCCESS) {
        rp_fail(env, RP_E_SESSION_LIMIT, "the session record passes %d bytes",
                RP_MAX_SESSION_RECORD);
        return RP_FAILED;
    }
    if ((rv = rp_seal(&box, &len, env, &purpose, data, len)) != APR_SUCCESS) {
        return rv;
    }
    data = apr_palloc(env->pool, HEAD + len);
    data[0] = VERSION;
    memcpy(data + 1, session->id, sizeof(session->id));
    memcpy(data + HEAD, box, len);
    text->len = DIGITS + RP_BASE64URL_LEN(HEAD + len);
    text->text = apr_palloc(env->pool, text->len + 1);
    rp_base64url_encode_into(text->text + DIGITS, data, HEAD + len);
    return APR_SUCCESS;
}

static apr_status_t tokens_text(text_t *text, rp_env_t *env, const rp_session_realm_t *realm,
                                const rp_session_t *session)
{
    rp_seal_for_t purpose = rp_session_seal_for(RP_SEAL_COOKIE_TOKENS, realm, session);
    unsigned char *data;
    unsigned char *box;
    apr_size_t len;
    apr_status_t rv;

    if (rp_token_set_encode(&data, &len, &session->record, env->pool) != APR_SUCCESS) {
        rp_fail(env, RP_E_SESSION_LIMIT, "the tokens pass %d bytes", RP_MAX_SESSION_RECORD);
        return RP_FAILED;
    }
    if ((rv = rp_seal(&box, &len, env, &purpose, data, len)) != APR_SUCCESS) {
        return rv;
    }
    text->len = RP_BASE64URL_LEN(len);
    text->text = apr_palloc(env->pool, text->len + 1);
    rp_base64url_encode_into(text->text, box, len);
    return APR_SUCCESS;
}

static int parts_of(const text_t *text, const rp_session_realm_t *realm)
{
    return (int)((text->len + realm->room.part - 1) / realm->room.part);
}

static int fits(const text_t *record, const text_t *tokens, const rp_session_realm_t *realm)
{
    int count = parts_of(record, realm) + parts_of(tokens, realm);

    return count <= RP_MAX_SESSION_COOKIES &&
           record->len + tokens->len + (apr_size_t)count * realm->room.overhead <=
               realm->room.total;
}

/* Cuts the text into the values from the at-th on. */
static void cut(rp_session_cookies_t *cookies, int at, const text_t *text, apr_size_t part)
{
    for (apr_size_t done = 0; done < text->len; done += part, at++) {
        cookies->values[at].value = text->text + done;
        cookies->values[at].len = text->len - done < part ? text->len - done : part;
    }
}

static void put_record(rp_session_cookies_t *cookies, text_t *text, const rp_session_t *session,
                       apr_size_t part)
{
    text->text[0] = (char)('0' + cookies->count);
    text->text[1] = (char)('0' + session->record_cookies);
    cut(cookies, 0, text, part);
}

/* All of it: without the ID Token when that is what makes it too much. */
static apr_status_t all_cookies(rp_session_cookies_t *cookies, rp_env_t *env,
                                const rp_session_realm_t *realm, rp_session_t *session)
{
    rp_session_t slim;
    text_t record = {NULL, 0};
    text_t tokens = {NULL, 0};
    apr_status_t rv;

    if ((rv = rp_session_open_tokens(env, realm, session)) != APR_SUCCESS ||
        (rv = record_text(&record, env, realm, session)) != APR_SUCCESS ||
        (rv = tokens_text(&tokens, env, realm, session)) != APR_SUCCESS) {
        return rv;
    }
    if (!fits(&record, &tokens, realm)) {
        slim = *session;
        slim.record.id_token = NULL;
        if ((rv = tokens_text(&tokens, env, realm, &slim)) != APR_SUCCESS) {
            return rv;
        }
        rp_debug(env, "the ID Token is left out of the session's cookies");
    }
    if (!fits(&record, &tokens, realm)) {
        return rp_fail(env, RP_E_STORE_TOO_LARGE,
                       "%" APR_SIZE_T_FMT " characters of cookies without the ID Token, of which a "
                       "request may have %" APR_SIZE_T_FMT,
                       record.len + tokens.len, realm->room.total);
    }
    session->record_cookies = parts_of(&record, realm);
    cookies->count = session->record_cookies + parts_of(&tokens, realm);
    put_record(cookies, &record, session, realm->room.part);
    cut(cookies, session->record_cookies, &tokens, realm->room.part);
    session->cookies = *cookies;
    return APR_SUCCESS;
}

static apr_status_t cookies_of(rp_session_cookies_t *cookies, rp_env_t *env,
                               const rp_session_realm_t *realm, rp_session_t *session)
{
    text_t record = {NULL, 0};
    apr_status_t rv;

    if (session->unsent & RP_UNSENT_MADE) {
        *cookies = session->cookies;
        return APR_SUCCESS;
    }
    if (session->unsent & RP_UNSENT_TOKENS) {
        return all_cookies(cookies, env, realm, session);
    }
    if ((rv = record_text(&record, env, realm, session)) != APR_SUCCESS) {
        return rv;
    }
    if (parts_of(&record, realm) != session->record_cookies) {
        return all_cookies(cookies, env, realm, session);
    }
    cookies->count = session->cookies.count;
    put_record(cookies, &record, session, realm->room.part);
    return APR_SUCCESS;
}

/* A session that no browser could bring back is none. */
static apr_status_t create(rp_env_t *env, const rp_session_realm_t *realm, rp_session_t *session)
{
    rp_session_cookies_t cookies;
    apr_status_t rv;

    memset(&cookies, 0, sizeof(cookies));
    rv = all_cookies(&cookies, env, realm, session);
    session->unsent = RP_UNSENT_RECORD | RP_UNSENT_TOKENS | RP_UNSENT_MADE;
    return rv;
}

const rp_session_keeper_t rp_session_in_cookies = {create, load,  reload, open_tokens,
                                                   touch,  renew, end,    cookies_of};
