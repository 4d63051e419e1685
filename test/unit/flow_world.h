/* A session of alice's, and a provider that exchanges and refreshes its tokens as a real one does,
 * for the tests of tokens that a session brings for backends.
 *
 * Key idea: the provider rotates refresh tokens, takes each once, and exchanges the newest access
 * token only, so that whoever uses an old one is found out. Tokens are numbered in the order in
 * which they are made: refresh-1 is the login's (whose access token is "access"), then access-2,
 * exchanged-3, part-4 (for a resource)...
 *
 *     world_t *world = *state;
 *     world_want_exchange(world);
 *     assert_string_equal(world_get(world), "exchanged-2");                                     */
#ifndef FLOW_WORLD_H
#define FLOW_WORLD_H

#include "flow_fixture.h"

#define TOKEN_URL FLOW_ISSUER "/token"
#define REVOKE_URL FLOW_ISSUER "/revoke"
#define LIFE 300

#define WITH_REFRESH ",\"refresh_token\":\"refresh-1\",\"expires_in\":300,\"scope\":\"openid a b\""

typedef struct world_t world_t;

/* Alice is signed in; from then on the provider rotates refresh tokens, takes each once, and
 * exchanges the newest access token only. */
struct world_t {
    flow_t *flow;
    rp_env_ops_t ops;
    const char *access;  /* what the provider would exchange */
    const char *refresh; /* what it would take */
    int count;           /* of tokens that it made, the first login's included */
    int exchanges;
    int refreshes;
    int parts;
    const char *form; /* of the last request */
    /* What the provider says instead of what it should; 0 and NULL: nothing. */
    const char *body;
    int status;
    rp_error_id_t error;
    int life;                       /* of what it gives, seconds */
    void (*during)(world_t *world); /* called once, before the provider answers */
};

/* For cmocka; *state is a world_t. The store keeps the session, or the browser does, or it has no
 * refresh token. */
int world_setup(void **state);
int world_setup_in_cookies(void **state);
int world_setup_without_refresh(void **state);
int world_teardown(void **state);

/* tokens: more members of the login's token response, each preceded by a comma. */
world_t *world_make(int in_cookies, const char *tokens);

/* With an empty jar; the place gives the backend no token then. */
void world_sign_in_again(world_t *world);

/* A parameter of the provider's last request. NULL: absent; given twice fails the test. */
const char *world_parameter(const world_t *world, const char *name);

/* What OAuthBackendToken says: exchange audience=billing, user resource=https://api.example/,
 * user. */
void world_want_exchange(world_t *world);
void world_want_resource(world_t *world);
void world_want_own(world_t *world);

/* What the backend gets for one request of the browser's; fails the test when that is nothing. */
const char *world_get(world_t *world);
void world_expect_failure(world_t *world, rp_error_id_t id);

/* What the backend gets after it refused used; NULL: the refusal stands. */
const char *world_replace(world_t *world, const char *used);

/* As another process: nothing but the store is shared. */
void world_change_process(world_t *world);

/* What the provider says from now on; status 0: what it should. */
void world_answers(world_t *world, int status, const char *body);

/* Tokens for backends in the store. */
int world_kept(const world_t *world);

rp_request_t world_request(world_t *world);
rp_session_t *world_load(world_t *world);
void world_log_out(world_t *world);
void world_expect_signed_out(world_t *world);

/* For world->ops.sleep: other threads do what was deferred. */
void world_run_jobs_while_waiting(void *ctx, apr_interval_time_t duration);

/* other: NULL for a list of one. */
apr_array_header_t *world_list(world_t *world, const char *one, const char *other);

#endif
