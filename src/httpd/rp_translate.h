/* Between httpd's request_rec and the flows: the only place that turns one into the other.
 *
 * rp_translate_request fills rp_request_t; rp_translate_reply makes a response of rp_reply_t. Text
 * that came from outside reaches a header or a page only through the flows, which escape it. */
#ifndef RP_TRANSLATE_H
#define RP_TRANSLATE_H

#include "rp_visit.h"

/* Fills visit->request for this place. No body yet. */
void rp_translate_request(rp_visit_t *visit, request_rec *r, const rp_place_t *place);

/* Reads a form body into visit->request, when the request has one. RP_FAILED with
 * RP_E_ENDPOINT_PARAMETERS when it is larger than RP_MAX_FORM_BODY or does not arrive whole. */
apr_status_t rp_translate_body(rp_visit_t *visit, request_rec *r);

/* Whether the caller is the content handler, which has filters in place already. */
typedef enum { RP_FROM_HOOK, RP_FROM_HANDLER } rp_from_t;

/* Answers with anything but PASS; logs the failure, if there is one. Returns what the hook has to
 * return. In a subrequest it only refuses. */
int rp_translate_reply(request_rec *r, const rp_visit_t *visit, const rp_reply_t *reply,
                       rp_from_t from);

/* The one log line of a failure. */
void rp_translate_log(request_rec *r, const rp_reply_t *reply);

/* Adds the reply's Set-Cookie headers, whatever the response becomes. */
void rp_translate_cookies(request_rec *r, const rp_reply_t *reply);

#endif
