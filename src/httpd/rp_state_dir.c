#include "rp_state_dir.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <unistd.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../io/rp_file.h"
#include "../jose/rp_crypto.h"
#include "rp_directive.h"

#define SECRET_BYTES 32

/* configure can name a directory that outlives a reboot, which httpd's runtime directory does not
 * everywhere. */
#ifndef RP_STATE_DIR_DEFAULT
#define RP_STATE_DIR_DEFAULT NULL
#endif

const char *rp_state_dir_name(const server_rec *main_server, apr_pool_t *pool)
{
    static const char *const compiled_in = RP_STATE_DIR_DEFAULT;

    for (const server_rec *server = main_server; server; server = server->next) {
        const rp_server_config_t *config = rp_server_config(server);

        if (config->set & RP_D_BIT(RP_D_STATE_DIR)) {
            return config->state_dir;
        }
    }
    return compiled_in ? compiled_in : ap_runtime_dir_relative(pool, "auth_oauth");
}

/* Writes the secret beside its place and links it there, which fails when it is there already and
 * never leaves half of one. */
static apr_status_t make_secret(const char *path, apr_pool_t *pool)
{
    unsigned char bytes[SECRET_BYTES];
    char text[RP_BASE64URL_LEN(SECRET_BYTES) + 1];
    char *beside = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    apr_file_t *file;
    apr_status_t rv = rp_crypto_random(bytes, sizeof(bytes));

    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* mkstemp(3) makes it with mode 0600 and never through a link. */
    rv = apr_file_mktemp(&file, beside, APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_EXCL, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rp_base64url_encode_into(text, bytes, sizeof(bytes));
    rv = apr_file_write_full(file, text, sizeof(text) - 1, NULL);
    if (rv == APR_SUCCESS) {
        rv = apr_file_sync(file);
    }
    apr_file_close(file);
    if (rv == APR_SUCCESS && link(beside, path) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    apr_file_remove(beside, pool);
    rp_wipe(bytes, sizeof(bytes));
    rp_wipe(text, sizeof(text));
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

apr_status_t rp_state_dir_secret(rp_secret_t *secret, const char *dir, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, dir, "/secret", NULL);
    char *data = NULL;
    apr_status_t rv = rp_file_read(&data, &secret->len, path, RP_MAX_SECRET, pool);

    if (rv == APR_NOTFOUND) {
        rv = make_secret(path, pool);
        if (rv == APR_SUCCESS) {
            rv = rp_file_read(&data, &secret->len, path, RP_MAX_SECRET, pool);
        }
    }
    secret->data = (unsigned char *)data;
    secret->literal = 0;
    return rv;
}
