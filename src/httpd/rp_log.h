/* httpd's error log, under this module's name and level. One function for each kind of place that
 * a line can be about; httpd adds time, process and client, and escapes what is in the message. */
#ifndef RP_LOG_H
#define RP_LOG_H

#include <httpd.h>

#include <http_log.h>

/* level as http_log.h has it (APLOG_ERR). status is explained at the end of the line; 0: none. */
void rp_log_request(const request_rec *r, int level, const char *message);
void rp_log_server(const server_rec *server, int level, apr_status_t status, const char *message);

/* The level of a module's log for a request, or a virtual host; a line of a higher number is not
 * written. */
int rp_log_request_level(const request_rec *r, int module_index);
int rp_log_server_level(const server_rec *server, int module_index);

#endif
