/* The token that a backend gets, and what becomes of its refusal.
 *
 * Key idea: the response of a backend passes a filter that stands before all others. When it is a
 * 401, the token is replaced; a request without a body is then sent once more, and nobody behind
 * the filter ever saw the first response (RFC 6750 3.1). */
#ifndef RP_BACKEND_H
#define RP_BACKEND_H

#include "rp_visit.h"

/* In the fixup: puts the place's token for this request, if there is one, into Authorization. user
 * is the visit that says who the user is; NULL: nobody. OK, DECLINED when the place has none, or
 * the status of a response that was made instead. */
int rp_backend_fixup(request_rec *r, const rp_visit_t *user);

/* Before mod_proxy's handler: runs it, and once more with another token after a refusal. */
int rp_backend_run(request_rec *r);

void rp_backend_register(void);

/* A filter is found by its name with a search that each request would pay for. */
void rp_backend_prepare(server_rec *server);

#endif
