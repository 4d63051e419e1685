#include "rp_quiet.h"

#include "rp_log.h"

static struct ap_logconf *without_refusals(const struct ap_logconf *log, const module *authz,
                                           apr_pool_t *pool)
{
    struct ap_logconf *quiet = ap_new_log_config(pool, log);

    ap_set_module_loglevel(pool, quiet, authz->module_index, APLOG_CRIT);
    return quiet;
}

void rp_quiet_prepare(server_rec *server, apr_pool_t *pool)
{
    rp_server_config_t *config = rp_server_config(server);

    config->authz_core = ap_find_linked_module("mod_authz_core.c");
    if (config->authz_core) {
        config->quiet_log = without_refusals(&server->log, config->authz_core, pool);
    }
}

const struct ap_logconf *rp_quiet_log(request_rec *r)
{
    const rp_server_config_t *config = rp_server_config(r->server);

    if (!config->authz_core ||
        rp_log_request_level(r, config->authz_core->module_index) >= APLOG_DEBUG) {
        return r->log;
    }
    if (!r->log && !r->connection->log) {
        return config->quiet_log;
    }
    return without_refusals(r->log ? r->log : r->connection->log, config->authz_core, r->pool);
}
