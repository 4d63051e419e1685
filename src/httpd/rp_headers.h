/* The headers and variables that tell a backend who the user is.
 *
 * Key idea: nobody but this module may set them. What a client sends under such a name, in any
 * spelling that some backend takes for it, goes before anything else sees the request, protected
 * or not (F1 to F3); what was set for one place goes before another place is served in its stead
 * (F4); and they are set last, when Require has spoken. */
#ifndef RP_HEADERS_H
#define RP_HEADERS_H

#include "rp_visit.h"

/* Takes out of a fresh request what clients may not send, and our own cookies. */
void rp_headers_clean(rp_visit_t *visit, request_rec *r);

/* The fixup: removes what an earlier place set, sets what this one wants. OK or DECLINED, or the
 * status of a response that was made instead. */
int rp_headers_fixup(request_rec *r);

#endif
