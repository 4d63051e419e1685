/* What the tests of bearer tokens share: a place for them, their provider, its tokens. */
#ifndef FLOW_BEARER_H
#define FLOW_BEARER_H

#include "flow_fixture.h"

#define API "https://api.example"
#define INTROSPECTION FLOW_ISSUER "/introspect"

/* For cmocka: a flow_t whose place accepts bearer tokens for API, and whose requests are a
 * program's. The provider offers introspection, where the client authenticates with a secret. */
int bearer_setup(void **state);

/* A JWT of the provider's for alice, as RFC 9068 has it; claims: a JSON object of more members, or
 * others; or "". */
const char *bearer_jwt(flow_t *flow, const char *claims);

/* What introspection answers, to any number of questions; members: more of them. */
void bearer_answers(flow_t *flow, const char *members);
void bearer_answers_inactive(flow_t *flow);

/* A GET with Authorization: Bearer. */
rp_reply_t bearer_get(flow_t *flow, const char *token);

/* A GET with this Authorization header; NULL: none. */
rp_reply_t bearer_get_with(flow_t *flow, const char *authorization);

/* Fails the test unless it passed as that user. */
void bearer_expect_user(const rp_reply_t *reply, const char *user);

/* As another process: nothing but the store is shared. */
void bearer_change_process(flow_t *flow);

#endif
