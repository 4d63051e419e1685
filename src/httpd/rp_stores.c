#include "rp_stores.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

#include "../io/rp_store_shm.h"
#include "rp_config.h"
#include "rp_log.h"

#define DEFAULT_SIZE ((apr_size_t)64 * 1024 * 1024)

/* Of the first virtual host that says one; rp_config_check has seen that all agree. */
static apr_size_t local_size(const server_rec *server)
{
    for (; server; server = server->next) {
        if (rp_server_config(server)->store_choice.size > 0) {
            return rp_server_config(server)->store_choice.size;
        }
    }
    return DEFAULT_SIZE;
}

static apr_status_t open_local(rp_store_t **local, rp_env_t *env, server_rec *main_server,
                               const rp_store_shm_config_t *config, apr_pool_t *pconf)
{
    rp_store_shm_attached_t attached;
    apr_status_t rv = rp_store_shm_open(local, &attached, env, config, pconf);

    if (rv == APR_SUCCESS) {
        rp_log_server(main_server, attached.dropped > 0 ? APLOG_NOTICE : APLOG_DEBUG, 0,
                      apr_psprintf(pconf,
                                   "sessions: %s %s, %" APR_UINT64_T_FMT " entries taken over, "
                                   "%" APR_UINT64_T_FMT " expired or damaged ones dropped",
                                   attached.created ? "made" : "attached", config->path,
                                   attached.kept, attached.dropped));
    }
    return rv;
}

/* The store of an earlier virtual host that says the same; NULL when none does. */
static rp_store_t *opened(const server_rec *main_server, const server_rec *server)
{
    const char *text = rp_server_config(server)->store_choice.text;

    for (const server_rec *other = main_server; other != server; other = other->next) {
        const rp_server_config_t *config = rp_server_config(other);

        if (config->store && strcmp(config->store_choice.text, text) == 0) {
            return config->store;
        }
    }
    return NULL;
}

apr_status_t rp_stores_open(rp_store_t **local, rp_env_t *env, server_rec *main_server,
                            const char *dir, apr_uid_t uid, apr_pool_t *pconf)
{
    rp_store_shm_config_t config = {.path = apr_pstrcat(pconf, dir, "/sessions.shm", NULL),
                                    .size = local_size(main_server),
                                    .uid = uid};
    apr_status_t rv = open_local(local, env, main_server, &config, pconf);

    for (server_rec *server = main_server; rv == APR_SUCCESS && server; server = server->next) {
        rp_server_config_t *its = rp_server_config(server);

        if (its->active && (its->store = opened(main_server, server)) == NULL) {
            rv = its->store_choice.row->open(&its->store, env, &its->store_choice, *local, pconf);
        }
    }
    return rv;
}

apr_status_t rp_stores_child_init(server_rec *main_server, apr_pool_t *pchild)
{
    apr_status_t rv = APR_SUCCESS;

    for (server_rec *server = main_server; rv == APR_SUCCESS && server; server = server->next) {
        const rp_server_config_t *config = rp_server_config(server);

        if (config->store && config->store_choice.row->child &&
            !(server != main_server && opened(main_server, server))) {
            rv = config->store_choice.row->child(config->store, pchild);
        }
    }
    return rv;
}
