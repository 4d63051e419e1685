/* Authentication and what becomes of Require: the hooks of a protected place. */
#ifndef RP_AUTHN_H
#define RP_AUTHN_H

#include "rp_visit.h"

/* check_authn: for AuthType OAuth, asks the flows and sets r->user. */
int rp_authn_check(request_rec *r);

/* check_access_ex: endpoints need nobody's leave; an expression that asks for a claim needs the
 * user first. */
int rp_authn_access(request_rec *r);

/* force_authn: the second half of the latter; and a place that lets everybody pass
 * (OAuthUnauthenticated pass) learns who it is even where Require asks for nobody. */
int rp_authn_force(request_rec *r);

/* map_to_storage: httpd answers TRACE for its own files before it asks who may see them, and would
 * show that a protected place is there and what was sent to it. */
int rp_authn_trace(request_rec *r);

/* check_authz: lets httpd look at Require and turns its refusal into the right answer: 403 for who
 * is signed in, a login for who is not. */
int rp_authn_authz(request_rec *r);

#endif
