/* State of a logout, sealed and base64url:
 *
 *   version (1) | issued, seconds since 1970, most significant byte first (8) | return URL
 *
 * Token of the confirmation page, sealed with the session's id as binding: version and issued. */
#include "rp_logout_state.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../jose/rp_seal.h"

#define VERSION 1
#define HEAD_BYTES 9
/* The page may stay open for a while, and so may the provider's. */
#define VALID_SECONDS 3600

static rp_seal_for_t state_seal(const rp_env_t *env, const rp_site_t *site)
{
    rp_seal_for_t result = {.purpose = RP_SEAL_LOGOUT_STATE,
                            .context = apr_pstrcat(env->pool, site->base_url, site->path, NULL)};

    return result;
}

static rp_seal_for_t token_seal(const rp_env_t *env, const rp_site_t *site,
                                const rp_session_t *session)
{
    rp_seal_for_t result = {.purpose = RP_SEAL_CSRF,
                            .context =
                                apr_pstrcat(env->pool, site->base_url, site->path, "/logout", NULL),
                            .binding = session->id,
                            .binding_len = sizeof(session->id)};

    return result;
}

static apr_status_t seal_text(const char **out, rp_env_t *env, const rp_seal_for_t *seal_for,
                              const char *text)
{
    apr_uint64_t seconds = (apr_uint64_t)apr_time_sec(rp_now(env));
    unsigned char *box;
    apr_size_t box_len;
    rp_buf_t buf;
    apr_status_t rv;

    *out = NULL;
    rp_buf_init(&buf, HEAD_BYTES + strlen(text), env->pool);
    rp_buf_putc(&buf, VERSION);
    for (int shift = 56; shift >= 0; shift -= 8) {
        rp_buf_putc(&buf, (char)(unsigned char)(seconds >> shift));
    }
    rp_buf_puts(&buf, text);
    rv = rp_seal(&box, &box_len, env, seal_for, rp_buf_text(&buf), buf.len);
    if (rv == APR_SUCCESS) {
        *out = rp_base64url_encode(box, box_len, env->pool);
    }
    return rv;
}

static int is_current(const rp_env_t *env, const unsigned char *data)
{
    apr_uint64_t now = (apr_uint64_t)apr_time_sec(rp_now(env));
    apr_uint64_t issued = 0;

    for (int i = 0; i < 8; i++) {
        issued = issued << 8 | data[1 + i];
    }
    return issued <= now + VALID_SECONDS && now <= issued + VALID_SECONDS;
}

/* APR_NOTFOUND: not ours, changed, for something else, or too old. */
static apr_status_t open_text(const char **out, rp_env_t *env, const rp_seal_for_t *seal_for,
                              const char *text)
{
    apr_size_t text_len = strlen(text);
    unsigned char *box;
    unsigned char *data;
    apr_size_t len;
    apr_status_t rv;

    *out = NULL;
    if (text_len > RP_MAX_STATE ||
        rp_base64url_decode(&box, &len, text, text_len, env->pool) != APR_SUCCESS) {
        return APR_NOTFOUND;
    }
    rv = rp_open(&data, &len, env, seal_for, box, len);
    if (rv == RP_FAILED) {
        return rv;
    }
    if (rv != APR_SUCCESS || len < HEAD_BYTES || data[0] != VERSION || !is_current(env, data)) {
        return APR_NOTFOUND;
    }
    *out = (const char *)data + HEAD_BYTES;
    return APR_SUCCESS;
}

apr_status_t rp_logout_state_make(const char **state, rp_env_t *env, const rp_site_t *site,
                                  const rp_return_url_t *url)
{
    rp_seal_for_t seal_for = state_seal(env, site);

    return seal_text(state, env, &seal_for, url ? rp_return_url_short(url) : "");
}

apr_status_t rp_logout_state_open(rp_return_url_t **url, rp_env_t *env, const rp_site_t *site,
                                  const char *text)
{
    rp_seal_for_t seal_for = state_seal(env, site);
    const char *kept;
    apr_status_t rv;

    *url = NULL;
    rv = open_text(&kept, env, &seal_for, text);
    if (rv != APR_SUCCESS || kept[0] == '\0') {
        return rv;
    }
    if (rp_site_return_url(url, env, site, kept) != APR_SUCCESS) {
        rp_forgive(env);
        return APR_NOTFOUND;
    }
    return APR_SUCCESS;
}

apr_status_t rp_logout_token_make(const char **token, rp_env_t *env, const rp_site_t *site,
                                  const rp_session_t *session)
{
    rp_seal_for_t seal_for = token_seal(env, site, session);

    return seal_text(token, env, &seal_for, "");
}

int rp_logout_token_valid(rp_env_t *env, const rp_site_t *site, const rp_session_t *session,
                          const char *text)
{
    rp_seal_for_t seal_for = token_seal(env, site, session);
    const char *kept;
    apr_status_t rv = open_text(&kept, env, &seal_for, text);

    if (rv == RP_FAILED) {
        rp_forgive(env);
    }
    return rv == APR_SUCCESS;
}
