/* The layout of a copy, in the store and in the file:
 *
 *     version (1) | fetched (8) | expires (8) | text
 *
 * Times are microseconds since 1970, the most significant byte first. */
#include "rp_document_copy.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../io/rp_file.h"
#include "../io/rp_store.h"
#include "../jose/rp_crypto.h"

#define VERSION 1
#define HEAD 17
#define MAX_TEXT (RP_MAX_METADATA > RP_MAX_JWKS ? RP_MAX_METADATA : RP_MAX_JWKS)

int rp_document_is_usable(const rp_env_t *env, apr_time_t fetched)
{
    apr_time_t now = rp_now(env);

    return fetched > now - apr_time_from_sec(RP_METADATA_KEEP_SECONDS) &&
           fetched <= now + apr_time_from_sec(RP_METADATA_MIN_SECONDS);
}

static void put_time(unsigned char *out, apr_time_t when)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)((apr_uint64_t)when >> (56 - 8 * i));
    }
}

static apr_time_t get_time(const unsigned char *data)
{
    apr_uint64_t when = 0;

    for (int i = 0; i < 8; i++) {
        when = when << 8 | data[i];
    }
    return when > APR_INT64_MAX ? -1 : (apr_time_t)when;
}

static const unsigned char *encode(apr_size_t *len, const rp_document_copy_t *copy,
                                   apr_pool_t *pool)
{
    unsigned char *data = apr_palloc(pool, HEAD + copy->text.len);

    data[0] = VERSION;
    put_time(data + 1, copy->fetched);
    put_time(data + 9, copy->expires);
    memcpy(data + HEAD, copy->text.data, copy->text.len);
    *len = HEAD + copy->text.len;
    return data;
}

static apr_status_t decode(rp_document_copy_t *copy, rp_env_t *env, const void *bytes,
                           apr_size_t len)
{
    const unsigned char *data = bytes;

    if (len <= HEAD || len > HEAD + MAX_TEXT || data[0] != VERSION) {
        return APR_NOTFOUND;
    }
    copy->fetched = get_time(data + 1);
    copy->expires = get_time(data + 9);
    if (copy->fetched < 0 || copy->expires < copy->fetched ||
        copy->expires - copy->fetched > apr_time_from_sec(RP_METADATA_MAX_SECONDS) ||
        !rp_document_is_usable(env, copy->fetched)) {
        return APR_NOTFOUND;
    }
    copy->text.data = (const char *)data + HEAD;
    copy->text.len = len - HEAD;
    copy->text.max_age = -1;
    return APR_SUCCESS;
}

apr_status_t rp_document_name(unsigned char name[RP_DOCUMENT_NAME_BYTES], rp_env_t *env,
                              const rp_document_t *document, const char *use)
{
    const rp_provider_t *provider = document->provider;
    const char *text = apr_psprintf(env->pool, "%s\n%s\n%s\n%s\n%d", use, document->type->what,
                                    provider->issuer ? provider->issuer : "", document->source,
                                    (int)provider->profile);

    if (rp_hash(name, RP_SHA256, text, strlen(text)) != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "hash of a document's name");
    }
    return APR_SUCCESS;
}

apr_status_t rp_document_copy_load(rp_document_copy_t *copy, rp_env_t *env,
                                   const rp_document_t *document)
{
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key = {RP_KIND_METADATA, name, sizeof(name)};
    rp_store_value_t value;
    apr_status_t rv;

    if ((rv = rp_document_name(name, env, document, "copy")) != APR_SUCCESS ||
        (rv = rp_store_get(&value, env, &key)) != APR_SUCCESS) {
        return rv;
    }
    return decode(copy, env, value.data, value.len);
}

/* NULL when no copies are kept. */
static const char *path_of(rp_env_t *env, const rp_document_t *document)
{
    unsigned char name[RP_DOCUMENT_NAME_BYTES];

    if (!env->state_dir || rp_document_name(name, env, document, "copy") != APR_SUCCESS) {
        return NULL;
    }
    return apr_pstrcat(env->pool, env->state_dir, "/", document->type->what, "-",
                       rp_base64url_encode(name, sizeof(name), env->pool), NULL);
}

apr_status_t rp_document_copy_load_file(rp_document_copy_t *copy, rp_env_t *env,
                                        const rp_document_t *document)
{
    const char *path = path_of(env, document);
    char *data;
    apr_size_t len;
    apr_status_t rv;

    if (!path) {
        return APR_NOTFOUND;
    }
    rv = rp_file_read(&data, &len, path, HEAD + MAX_TEXT, env->pool);
    if (rv != APR_SUCCESS) {
        rp_debug(env, "no last good copy of the %s in %s (%d)", document->type->what, path, rv);
        return APR_NOTFOUND;
    }
    return decode(copy, env, data, len);
}

void rp_document_copy_save(rp_env_t *env, const rp_document_t *document,
                           const rp_document_copy_t *copy)
{
    const rp_error_t before = env->error;
    unsigned char name[RP_DOCUMENT_NAME_BYTES];
    rp_store_key_t key = {RP_KIND_METADATA, name, sizeof(name)};
    apr_interval_time_t left =
        copy->fetched + apr_time_from_sec(RP_METADATA_KEEP_SECONDS) - rp_now(env);
    const unsigned char *data;
    apr_size_t len;

    data = encode(&len, copy, env->pool);
    if (left <= 0 || rp_document_name(name, env, document, "copy") != APR_SUCCESS ||
        rp_store_set(env, &key, data, len, left) != APR_SUCCESS) {
        rp_debug(env, "the %s could not be put into the store", document->type->what);
    }
    env->error = before;
}

void rp_document_copy_save_file(rp_env_t *env, const rp_document_t *document,
                                const rp_document_copy_t *copy)
{
    const rp_error_t before = env->error;
    const char *path = path_of(env, document);
    const unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    if (path) {
        data = encode(&len, copy, env->pool);
        rv = rp_file_replace(path, data, len, env->pool);
        if (rv != APR_SUCCESS) {
            rp_debug(env, "the %s could not be kept in %s (%d)", document->type->what, path, rv);
        }
    }
    env->error = before;
}
