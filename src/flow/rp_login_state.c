/* In the store, all of kind RP_KIND_LOGIN: 'u' and the id for a used state, 'r' and the id for a
 * return URL, sealed with the id as binding. What is sealed in the state itself is drawn in
 * rp_login_code.c. */
#include "rp_login_state.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../io/rp_store.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"
#include "rp_login_code.h"

#define BINDING_BYTES 32

/* A login that comes back late is started again where it was going, so a long return URL outlives
 * the login itself. */
#define KEEP_URL_SECONDS (6 * RP_LOGIN_SECONDS)
/* Clocks of several servers differ a little. */
#define FUTURE_SECONDS 60

static const char *seal_context(const rp_env_t *env, const rp_site_t *site)
{
    return apr_pstrcat(env->pool, site->base_url, site->path, NULL);
}

static apr_status_t short_hash(unsigned char out[RP_STATE_HASH_BYTES], const char *text)
{
    unsigned char hash[RP_SHA256];
    apr_status_t rv = rp_hash(hash, RP_SHA256, text, strlen(text));

    memcpy(out, hash, RP_STATE_HASH_BYTES);
    return rv;
}

apr_status_t rp_login_binding_read(const char **binding, const rp_request_t *request,
                                   apr_pool_t *pool)
{
    unsigned char bytes[BINDING_BYTES];
    rp_cookie_value_t cookie;

    *binding = NULL;
    if (rp_cookie_find(&cookie, request->cookies, request->site->login_cookie_name) !=
            APR_SUCCESS ||
        cookie.len != RP_BINDING_CHARS ||
        rp_base64url_decode_into(bytes, sizeof(bytes), cookie.value, cookie.len) != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    *binding = apr_pstrmemdup(pool, cookie.value, cookie.len);
    return APR_SUCCESS;
}

/* HMAC(secret number index, id | binding | label). */
static apr_status_t derive(unsigned char out[RP_SHA256], const rp_env_t *env, int index,
                           const rp_login_state_t *state, const char *binding, const char *label)
{
    char *data = apr_pstrcat(env->pool, "0123456789abcdef", binding, label, NULL);

    memcpy(data, state->id, RP_STATE_ID_BYTES);
    return rp_keyring_mac(out, env->keyring, index, RP_SEAL_LOGIN_STATE, data,
                          RP_STATE_ID_BYTES + strlen(binding) + strlen(label));
}

static apr_status_t derive_secrets(rp_login_secrets_t *secrets, rp_env_t *env, int index,
                                   const rp_login_state_t *state, const char *binding)
{
    unsigned char verifier[RP_SHA256];
    unsigned char nonce[RP_SHA256];

    if (derive(verifier, env, index, state, binding, "verifier") != APR_SUCCESS ||
        derive(nonce, env, index, state, binding, "nonce") != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "secrets of a login");
    }
    secrets->code_verifier = rp_base64url_encode(verifier, sizeof(verifier), env->pool);
    secrets->nonce = rp_base64url_encode(nonce, sizeof(nonce), env->pool);
    rp_wipe(verifier, sizeof(verifier));
    rp_wipe(nonce, sizeof(nonce));
    return APR_SUCCESS;
}

apr_status_t rp_login_state_secrets(rp_login_secrets_t *secrets, rp_env_t *env,
                                    const rp_login_state_t *state, const char *binding)
{
    unsigned char check[RP_SHA256];
    apr_status_t rv;

    secrets->code_verifier = NULL;
    secrets->nonce = NULL;
    for (int index = 0;; index++) {
        rv = derive(check, env, index, state, binding, "check");
        if (rv == APR_NOTFOUND) {
            return rp_fail(env, RP_E_STATE_INVALID, "its secret is no longer in the ring");
        }
        if (rv != APR_SUCCESS) {
            return rp_fail(env, RP_E_CRYPTO, "check of a login");
        }
        if (rp_equal(check, state->check, RP_STATE_CHECK_BYTES)) {
            return derive_secrets(secrets, env, index, state, binding);
        }
    }
}

/* Store entries: a letter and the id of the state. */
typedef struct {
    unsigned char bytes[1 + RP_STATE_ID_BYTES];
    rp_store_key_t key;
} entry_t;

static void entry_key(entry_t *entry, char what, const rp_login_state_t *state)
{
    entry->bytes[0] = (unsigned char)what;
    memcpy(entry->bytes + 1, state->id, RP_STATE_ID_BYTES);
    entry->key.kind = RP_KIND_LOGIN;
    entry->key.data = entry->bytes;
    entry->key.len = sizeof(entry->bytes);
}

static rp_seal_for_t url_seal(const rp_env_t *env, const rp_site_t *site,
                              const rp_login_state_t *state)
{
    rp_seal_for_t result = {.purpose = RP_SEAL_LOGIN_URL,
                            .context = seal_context(env, site),
                            .binding = state->id,
                            .binding_len = sizeof(state->id)};

    return result;
}

static apr_status_t keep_url(rp_env_t *env, const rp_site_t *site, const rp_login_state_t *state,
                             const char *url)
{
    rp_seal_for_t purpose = url_seal(env, site, state);
    entry_t entry;
    unsigned char *box;
    apr_size_t len;
    apr_status_t rv = rp_seal(&box, &len, env, &purpose, url, strlen(url));

    entry_key(&entry, 'r', state);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return rp_store_set(env, &entry.key, box, len, apr_time_from_sec(KEEP_URL_SECONDS));
}

static apr_status_t seal_state(const char **text, rp_env_t *env, const rp_site_t *site,
                               const rp_login_state_t *state)
{
    rp_seal_for_t purpose = {.purpose = RP_SEAL_LOGIN_STATE, .context = seal_context(env, site)};
    unsigned char *box;
    apr_size_t len;
    rp_buf_t buf;
    apr_status_t rv;

    rp_buf_init(&buf, RP_LOGIN_CODE_MAX, env->pool);
    if (rp_login_encode(&buf, state) != APR_SUCCESS) {
        return rp_fail(env, RP_E_INTERNAL, "provider name of %" APR_SIZE_T_FMT " characters",
                       strlen(state->provider));
    }
    rv = rp_seal(&box, &len, env, &purpose, rp_buf_text(&buf), buf.len);
    if (rv == APR_SUCCESS) {
        *text = rp_base64url_encode(box, len, env->pool);
    }
    return rv;
}

/* Fills what does not depend on where the login is going. */
static apr_status_t begin(rp_login_state_t *state, rp_env_t *env, const rp_login_t *login,
                          const char *binding)
{
    unsigned char check[RP_SHA256];
    apr_status_t rv = rp_random(env, state->id, sizeof(state->id));

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (short_hash(state->context_hash, login->provider->context) != APR_SUCCESS ||
        short_hash(state->binding_hash, binding) != APR_SUCCESS ||
        derive(check, env, 0, state, binding, "check") != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "hashes of a login");
    }
    memcpy(state->check, check, sizeof(state->check));
    state->issued = rp_now(env);
    state->attempt = login->attempt;
    state->provider = login->provider->name;
    state->preserved = login->preserved;
    state->scope = login->scope;
    return APR_SUCCESS;
}

/* Together with an inline return URL this has to fit; a longer scope sends the URL to the store. */
static int fits_inline(const rp_login_state_t *state, const char *url)
{
    return strlen(url) <= RP_MAX_INLINE_RETURN_URL &&
           rp_login_code_size(state) + strlen(url) <= RP_LOGIN_CODE_MAX;
}

apr_status_t rp_login_state_make(const char **text, rp_login_secrets_t *secrets, rp_env_t *env,
                                 const rp_site_t *site, const rp_login_t *login,
                                 const char *binding)
{
    const char *url = rp_return_url_short(login->return_url);
    rp_login_state_t state = {0};
    apr_status_t rv;

    *text = NULL;
    secrets->code_verifier = NULL;
    secrets->nonce = NULL;
    if ((rv = begin(&state, env, login, binding)) != APR_SUCCESS) {
        return rv;
    }
    if (fits_inline(&state, url)) {
        state.return_url = url;
    } else if ((rv = keep_url(env, site, &state, url)) != APR_SUCCESS) {
        return rv;
    }
    if ((rv = derive_secrets(secrets, env, 0, &state, binding)) != APR_SUCCESS) {
        return rv;
    }
    return seal_state(text, env, site, &state);
}

apr_status_t rp_login_state_open(rp_login_state_t **state, rp_env_t *env, const rp_site_t *site,
                                 const char *text)
{
    rp_seal_for_t purpose = {.purpose = RP_SEAL_LOGIN_STATE, .context = seal_context(env, site)};
    rp_login_state_t *found = apr_pcalloc(env->pool, sizeof(*found));
    apr_size_t text_len = strlen(text);
    unsigned char *box;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    *state = NULL;
    if (text_len > RP_MAX_STATE ||
        rp_base64url_decode(&box, &len, text, text_len, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_STATE_INVALID, "%" APR_SIZE_T_FMT " characters", text_len);
    }
    rv = rp_open(&data, &len, env, &purpose, box, len);
    if (rv == APR_EINVAL ||
        (rv == APR_SUCCESS && rp_login_decode(found, data, len, env->pool) != APR_SUCCESS)) {
        return rp_fail(env, RP_E_STATE_INVALID, "%" APR_SIZE_T_FMT " characters do not open",
                       text_len);
    }
    if (rv == APR_SUCCESS) {
        *state = found;
    }
    return rv;
}

static apr_status_t stored_url(const char **url, rp_env_t *env, const rp_site_t *site,
                               const rp_login_state_t *state)
{
    rp_seal_for_t purpose = url_seal(env, site, state);
    rp_store_value_t value;
    entry_t entry;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    entry_key(&entry, 'r', state);
    rv = rp_store_get(&value, env, &entry.key);
    if (rv == APR_SUCCESS) {
        rv = rp_open(&data, &len, env, &purpose, value.data, value.len);
    }
    if (rv == APR_SUCCESS) {
        *url = (const char *)data;
    }
    return rv;
}

apr_status_t rp_login_state_return_url(rp_return_url_t **url, rp_env_t *env, const rp_site_t *site,
                                       const rp_login_state_t *state)
{
    const char *text = state->return_url;
    apr_status_t rv = APR_SUCCESS;

    *url = NULL;
    if (!text) {
        rv = stored_url(&text, env, site, state);
    }
    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv == APR_SUCCESS && rp_site_return_url(url, env, site, text) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    rp_forgive(env);
    rp_debug(env, "return URL of the login is gone or no longer allowed");
    return rp_site_return_url(url, env, site, "/");
}

const rp_provider_t *rp_login_state_provider(rp_env_t *env, const rp_site_t *site,
                                             const rp_login_state_t *state)
{
    const rp_provider_t *provider = rp_site_provider(site, state->provider);
    unsigned char hash[RP_STATE_HASH_BYTES];

    if (!provider || short_hash(hash, provider->context) != APR_SUCCESS ||
        !rp_equal(hash, state->context_hash, sizeof(hash))) {
        rp_debug(env, "provider '%s' of the login is not configured as it was", state->provider);
        return NULL;
    }
    return provider;
}

int rp_login_state_bound(const rp_login_state_t *state, const char *binding)
{
    unsigned char hash[RP_STATE_HASH_BYTES];

    return binding && short_hash(hash, binding) == APR_SUCCESS &&
           rp_equal(hash, state->binding_hash, sizeof(hash));
}

int rp_login_state_expired(const rp_env_t *env, const rp_login_state_t *state)
{
    apr_time_t now = rp_now(env);

    return now >= state->issued + apr_time_from_sec(RP_LOGIN_SECONDS) ||
           now < state->issued - apr_time_from_sec(FUTURE_SECONDS);
}

apr_status_t rp_login_state_use(rp_env_t *env, const rp_login_state_t *state)
{
    static const char mark[1] = {1};
    entry_t entry;

    entry_key(&entry, 'u', state);
    /* As long as the state could still be taken for a fresh one by any server. */
    return rp_store_add(env, &entry.key, mark, sizeof(mark),
                        apr_time_from_sec(RP_LOGIN_SECONDS + FUTURE_SECONDS));
}
