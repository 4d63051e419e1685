/* An entry of kind RP_KIND_LOGIN, keyed by 'p' and the id (16 random bytes), is a sealed box around
 *
 *   version (1) | length of the target, most significant byte first (2) | target | form body
 *
 * whose binding is the hash of the id and the login cookie's value, and later of the id and the
 * session's id. */
#include "rp_preserve.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_form.h"
#include "../io/rp_store.h"
#include "../jose/rp_crypto.h"
#include "../jose/rp_seal.h"
#include "rp_access_session.h"
#include "rp_fields.h"
#include "rp_page.h"

#define VERSION 1
#define HEAD_BYTES 3
#define ID_BYTES 16

/* As long as a login may take with all its attempts; afterwards the browser only follows a
 * redirect. */
#define KEEP_SECONDS (RP_LOGIN_ATTEMPTS * RP_LOGIN_SECONDS)

/* Where an entry is and who may open it. */
typedef struct {
    unsigned char key_bytes[1 + ID_BYTES];
    unsigned char binding[RP_SHA256];
    rp_store_key_t key;
    rp_seal_for_t seal;
} entry_t;

static void make_entry(entry_t *entry, const rp_env_t *env, const rp_site_t *site,
                       const unsigned char id[ID_BYTES])
{
    memset(entry, 0, sizeof(*entry));
    entry->key_bytes[0] = 'p';
    memcpy(entry->key_bytes + 1, id, ID_BYTES);
    entry->key.kind = RP_KIND_LOGIN;
    entry->key.data = entry->key_bytes;
    entry->key.len = sizeof(entry->key_bytes);
    entry->seal.purpose = RP_SEAL_LOGIN_URL;
    entry->seal.context = apr_pstrcat(env->pool, site->base_url, site->path, "/resume", NULL);
    entry->seal.binding = entry->binding;
    entry->seal.binding_len = sizeof(entry->binding);
}

/* Names the holder: what only he has. */
static apr_status_t bind_holder(entry_t *entry, rp_env_t *env, const void *holder, apr_size_t len)
{
    unsigned char *data = apr_palloc(env->pool, ID_BYTES + len);

    memcpy(data, entry->key_bytes + 1, ID_BYTES);
    memcpy(data + ID_BYTES, holder, len);
    if (rp_hash(entry->binding, RP_SHA256, data, ID_BYTES + len) != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "binding of a kept form");
    }
    return APR_SUCCESS;
}

static apr_status_t read_id(unsigned char id[ID_BYTES], const char *text)
{
    return rp_base64url_decode_into(id, ID_BYTES, text, strlen(text)) == APR_SUCCESS ? APR_SUCCESS
                                                                                     : APR_NOTFOUND;
}

int rp_preserve_applies(const rp_request_t *request)
{
    const char *type = rp_request_header(request, "Content-Type");

    return request->place->preserve_post && strcmp(request->method, "POST") == 0 && type &&
           rp_request_is_form(request) && rp_request_is_same_origin(request);
}

static apr_status_t write_entry(rp_env_t *env, const entry_t *entry, const void *data,
                                apr_size_t len, int seconds)
{
    unsigned char *box;
    apr_size_t box_len;
    apr_status_t rv = rp_seal(&box, &box_len, env, &entry->seal, data, len);

    if (rv == APR_SUCCESS) {
        rv = rp_store_set(env, &entry->key, box, box_len, apr_time_from_sec(seconds));
    }
    if (rv == RP_FAILED && env->error.id == RP_E_STORE_TOO_LARGE) {
        rp_forgive(env);
        return APR_NOTFOUND;
    }
    return rv;
}

static void pack(rp_buf_t *buf, const rp_request_t *request, const char *target, apr_pool_t *pool)
{
    apr_size_t len = strlen(target);
    unsigned char head[HEAD_BYTES] = {VERSION, (unsigned char)(len >> 8), (unsigned char)len};

    rp_buf_init(buf, HEAD_BYTES + len + request->body_len, pool);
    rp_buf_put(buf, head, sizeof(head));
    rp_buf_put(buf, target, len);
    rp_buf_put(buf, request->body, request->body_len);
}

apr_status_t rp_preserve_keep(const char **id, rp_env_t *env, const rp_request_t *request,
                              const char *binding)
{
    apr_array_header_t *fields;
    rp_return_url_t *url;
    unsigned char bytes[ID_BYTES];
    entry_t entry;
    rp_buf_t buf;
    apr_status_t rv;

    *id = NULL;
    if (!request->body || request->body_len > RP_MAX_FORM_BODY || !rp_preserve_applies(request) ||
        rp_fields_parse(&fields, request->body, request->body_len, env->pool) != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    if ((rv = rp_site_return_url(&url, env, request->site,
                                 rp_url_encode_target(request->target, env->pool))) !=
            APR_SUCCESS ||
        (rv = rp_random(env, bytes, sizeof(bytes))) != APR_SUCCESS) {
        return rv;
    }
    make_entry(&entry, env, request->site, bytes);
    if ((rv = bind_holder(&entry, env, binding, strlen(binding))) != APR_SUCCESS) {
        return rv;
    }
    pack(&buf, request, rp_return_url_short(url), env->pool);
    rv = write_entry(env, &entry, rp_buf_text(&buf), buf.len, KEEP_SECONDS);
    if (rv == APR_SUCCESS) {
        *id = rp_base64url_encode(bytes, sizeof(bytes), env->pool);
    }
    return rv;
}

/* Opens what this holder may open. APR_NOTFOUND: nothing, or not his. */
static apr_status_t read_entry(unsigned char **data, apr_size_t *len, rp_env_t *env,
                               const entry_t *entry)
{
    rp_store_value_t value;
    apr_status_t rv = rp_store_get(&value, env, &entry->key);

    if (rv == APR_SUCCESS) {
        rv = rp_open(data, len, env, &entry->seal, value.data, value.len);
    }
    return rv == APR_EINVAL ? APR_NOTFOUND : rv;
}

apr_status_t rp_preserve_adopt(rp_env_t *env, const rp_site_t *site, const char *id,
                               const char *binding, const rp_session_t *session)
{
    unsigned char bytes[ID_BYTES];
    entry_t entry;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    if (read_id(bytes, id) != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    make_entry(&entry, env, site, bytes);
    if ((rv = bind_holder(&entry, env, binding, strlen(binding))) != APR_SUCCESS ||
        (rv = read_entry(&data, &len, env, &entry)) != APR_SUCCESS ||
        (rv = bind_holder(&entry, env, session->id, sizeof(session->id))) != APR_SUCCESS) {
        return rv;
    }
    return write_entry(env, &entry, data, len, RP_LOGIN_SECONDS);
}

/* Takes it out: whoever deletes it has it (D83, one time). */
static apr_status_t take(rp_page_resume_t *resume, rp_env_t *env, const rp_site_t *site,
                         const char *id, const rp_session_t *session)
{
    unsigned char bytes[ID_BYTES];
    apr_array_header_t *fields;
    rp_return_url_t *url;
    entry_t entry;
    unsigned char *data;
    apr_size_t len;
    apr_size_t target_len;
    apr_status_t rv;

    if (read_id(bytes, id) != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    make_entry(&entry, env, site, bytes);
    if ((rv = bind_holder(&entry, env, session->id, sizeof(session->id))) != APR_SUCCESS ||
        (rv = read_entry(&data, &len, env, &entry)) != APR_SUCCESS ||
        (rv = rp_store_delete(env, &entry.key)) != APR_SUCCESS) {
        return rv;
    }
    if (len < HEAD_BYTES || data[0] != VERSION) {
        return APR_NOTFOUND;
    }
    target_len = (apr_size_t)data[1] << 8 | data[2];
    if (target_len > len - HEAD_BYTES) {
        return APR_NOTFOUND;
    }
    rv = rp_site_return_url(&url, env, site,
                            apr_pstrmemdup(env->pool, (const char *)data + HEAD_BYTES, target_len));
    if (rv != APR_SUCCESS ||
        rp_fields_parse(&fields, (const char *)data + HEAD_BYTES + target_len,
                        len - HEAD_BYTES - target_len, env->pool) != APR_SUCCESS) {
        return rv != APR_SUCCESS ? rv : APR_NOTFOUND;
    }
    resume->action = rp_return_url_short(url);
    resume->fields = fields;
    return APR_SUCCESS;
}

static apr_status_t find(rp_page_resume_t *resume, rp_env_t *env, const rp_request_t *request)
{
    const char *query = request->query ? request->query : "";
    rp_form_t *form;
    const char *id;
    rp_session_t *session;
    apr_status_t rv;

    if (rp_form_parse(&form, query, strlen(query), env->pool) != APR_SUCCESS ||
        rp_form_get(&id, form, "id") != APR_SUCCESS) {
        return rp_fail(env, RP_E_ENDPOINT_PARAMETERS, "resume needs one id");
    }
    rv = rp_access_session(&session, env, request);
    if (rv == APR_NOTFOUND) {
        return rp_fail(env, RP_E_UNAUTHENTICATED, "resume without a session");
    }
    /* HEAD shows nothing and therefore takes nothing. */
    if (rv == APR_SUCCESS && strcmp(request->method, "HEAD") != 0) {
        rv = take(resume, env, request->site, id, session);
    }
    return rv == APR_NOTFOUND ? rp_fail(env, RP_E_POST_GONE, "not there, or another session's")
                              : rv;
}

void rp_preserve_resume(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_page_resume_t resume = {.action = "/"};

    if (find(&resume, env, request) == APR_SUCCESS) {
        rp_page_resume(reply, env, request, &resume);
    } else {
        rp_reply_fail(reply, env, request);
    }
}
