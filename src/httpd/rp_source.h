/* The value of a claim or an expression, and the expression function oauth_claim. */
#ifndef RP_SOURCE_H
#define RP_SOURCE_H

#include "rp_visit.h"

/* For a header: APR_NOTFOUND when there is no value; RP_FAILED with RP_E_EXPORT_LIMIT when it is
 * too large, RP_E_INTERNAL when the expression fails. Never with a control character. */
apr_status_t rp_source_value(const char **value, request_rec *r, rp_visit_t *visit,
                             const rp_source_t *source);

/* For REMOTE_USER, of a session that passed: RP_FAILED with RP_E_USER_CLAIM when the expression
 * gives none. */
apr_status_t rp_source_user(const char **user, request_rec *r, rp_visit_t *visit,
                            const rp_source_t *source);

/* 1 when some expression of the configuration, or of a .htaccess of this request, asks for a claim.
 */
int rp_source_in_use(request_rec *r);

/* Notes for rp_source_in_use what the configuration has, when all of it is read. */
void rp_source_prepare(server_rec *server);

/* The hook that lets expressions know oauth_claim('name') and %{oauth_claim:name}. */
int rp_source_lookup(ap_expr_lookup_parms *parms);

#endif
