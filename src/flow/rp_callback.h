/* The endpoint `callback`: the authorization response, and what becomes of it.
 *
 * Key idea: first whose it is, then what it says. Until the state is known to be ours, of this
 * browser, in time and used for the first time, nothing that the answer says is acted on; from
 * then on any failure ends the login without a session and without a further call. An answer that
 * comes late, twice, or without the login cookie starts the login again where it was going, a
 * bounded number of times; where a session of that provider is alive already, it simply goes
 * there. */
#ifndef RP_CALLBACK_H
#define RP_CALLBACK_H

#include "rp_request.h"

void rp_callback(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

#endif
