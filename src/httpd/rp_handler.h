/* The endpoints below OAuthPath, as httpd sees them: claimed before anything else could map their
 * path away, and answered before any other handler. */
#ifndef RP_HANDLER_H
#define RP_HANDLER_H

#include "rp_visit.h"

/* post_read_request: the request's site, and the cleaning of its headers. */
int rp_handler_begin(request_rec *r);

/* pre_translate_name, translate_name, map_to_storage: OK for an endpoint. */
int rp_handler_claim(request_rec *r);
int rp_handler_translate(request_rec *r);
int rp_handler_storage(request_rec *r);

int rp_handler_run(request_rec *r);

#endif
