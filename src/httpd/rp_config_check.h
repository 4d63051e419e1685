/* The check of a complete configuration: every mistake that can be seen without the network, each
 * with its id, the directive, the place, and what would be right. Reads secrets and templates, and
 * completes what the flows get. Runs in `apachectl -t` and at every start. */
#ifndef RP_CONFIG_CHECK_H
#define RP_CONFIG_CHECK_H

#include "rp_config.h"

/* Where messages go, and how many there were. */
typedef struct {
    server_rec *server;
    server_rec *main_server;
    apr_pool_t *pool;  /* of the configuration */
    apr_pool_t *ptemp; /* for the check only */
    int errors;
} rp_check_t;

/* Logs one mistake: id, message, place, advice. */
void rp_check_error(rp_check_t *check, rp_error_id_t id, const rp_where_t *where,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Looks at one provider (rp_config_check_provider.c). */
void rp_check_provider(rp_check_t *check, rp_provider_config_t *config);

/* Looks at the keys of all virtual hosts together (rp_config_check_keys.c). */
void rp_check_keys(rp_check_t *check);

/* Whom, beside root and whoever starts httpd, a file with a secret may belong to: the user of the
 * child processes, which then can follow it. (apr_uid_t)-1: nobody. */
apr_uid_t rp_check_user(void);

/* Reads a secret; 0 after a message. directive is for the message. */
int rp_check_secret(rp_check_t *check, rp_secret_t *secret, const char *source,
                    const char *directive, const rp_where_t *where);

/* The hook: OK, or not. */
int rp_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *main_server);

#endif
