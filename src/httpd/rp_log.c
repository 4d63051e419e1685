#include "rp_log.h"

APLOG_USE_MODULE(auth_oauth);

/* The functions behind httpd's macros, which look at the level themselves. */

void rp_log_request(const request_rec *r, int level, const char *message)
{
    ap_log_rerror_(APLOG_MARK, level, 0, r, "%s", message);
}

void rp_log_server(const server_rec *server, int level, apr_status_t status, const char *message)
{
    ap_log_error_(APLOG_MARK, level, status, server, "%s", message);
}

static int level_of(const struct ap_logconf *log, int module_index)
{
    int level = log->module_levels ? log->module_levels[module_index] : -1;

    return level >= 0 ? level : log->level;
}

int rp_log_request_level(const request_rec *r, int module_index)
{
    const struct ap_logconf *log = r->log ? r->log : r->connection->log;

    return level_of(log ? log : &r->server->log, module_index);
}

int rp_log_server_level(const server_rec *server, int module_index)
{
    return level_of(&server->log, module_index);
}
