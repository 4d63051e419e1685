/* A virtual host, a browser and a provider for the tests of the flows.
 *
 * Key idea: the browser keeps cookies and sends them back, the provider checks what a real one
 * checks (PKCE, the redirect URI, a code once) and can be told what to say; a test only does what
 * a user does, and looks at the replies.
 *
 *     flow_t *flow = flow_make();
 *     reply = flow_open(flow, "/app");               sent to the provider
 *     reply = flow_come_back(flow, reply.location);  signed in, sent to /app
 *     reply = flow_open(flow, "/app");               let through                             */
#ifndef FLOW_FIXTURE_H
#define FLOW_FIXTURE_H

#include "../../src/flow/rp_request.h"
#include "test_env.h"
#include "test_http.h"
#include "test_sign.h"

#define FLOW_BASE "https://www.example"
#define FLOW_ISSUER "https://op.example"
#define FLOW_AUTHORIZE FLOW_ISSUER "/authorize"
#define FLOW_SESSION_COOKIE "__Host-oauth"
#define FLOW_LOGIN_COOKIE "__Host-oauth-login"

typedef struct {
    test_env_t *test;
    test_http_t *http;
    test_key_t *key;
    rp_provider_t provider; /* unnamed, FLOW_ISSUER */
    rp_provider_t second;   /* "second", added by flow_add_second */
    rp_provider_t *providers[3];
    rp_site_t site;
    rp_place_t place;     /* the protected one */
    rp_place_t own_place; /* what endpoints run with */
    apr_table_t *headers; /* of the next requests; a navigation of the user's at first */
    apr_table_t *jar;
    /* What the provider says. */
    const char *nonce;       /* of the last authorization request */
    const char *challenge;   /* of the last authorization request */
    const char *subject;     /* alice */
    const char *claims;      /* more members of the ID Token, each preceded by a comma */
    const char *tokens;      /* more members of the token answer, likewise */
    const char *no_id_token; /* not NULL: none is issued */
    const char *userinfo;
    int codes_redeemed;
} flow_t;

flow_t *flow_make(void);

/* For cmocka: *state is a flow_t. */
int flow_setup(void **state);
int flow_teardown(void **state);

/* Makes a ring of secrets of which each is made of one letter, the first sealing. */
void flow_set_secrets(flow_t *flow, const char *letters);

/* A second provider, named "second", at https://second.example; it answers nothing but metadata. */
void flow_add_second(flow_t *flow);

/* One more OAuthClientKey of a provider of the fixture's, the number-th key of the algorithm
 * (test_sign.h). kid NULL: the thumbprint. */
void flow_add_key(flow_t *flow, rp_provider_t *provider, const char *alg, int number,
                  const char *kid);

/* Takes the end_session and revocation endpoints into the metadata; before the first request. */
void flow_offer_logout(flow_t *flow);

/* One request of the browser: to an endpoint, else to the protected place. Cookies are sent and
 * kept; the cause of a failure is in the reply only. */
rp_reply_t flow_request(flow_t *flow, const char *method, const char *target, const char *body);
rp_reply_t flow_open(flow_t *flow, const char *target);

/* The user signs in at the provider: what it was asked is remembered and checked. Returns the
 * target of the callback. */
const char *flow_authorize(flow_t *flow, const char *location);
rp_reply_t flow_come_back(flow_t *flow, const char *location);

/* A whole login; fails the test unless it works. */
void flow_sign_in(flow_t *flow);

/* A parameter of a URL, decoded; NULL when absent. */
const char *flow_parameter(flow_t *flow, const char *url, const char *name);

/* The first Set-Cookie of that name; NULL: none. */
const char *flow_set_cookie(const rp_reply_t *reply, const char *name);

/* Each fails the test unless the reply is that. */
void flow_expect_provider(const rp_reply_t *reply);
void flow_expect_redirect(const rp_reply_t *reply, const char *location);
void flow_expect_error(const rp_reply_t *reply, rp_error_id_t id);

/* 1 when the browser holds the cookie of a live session. */
int flow_is_signed_in(flow_t *flow);

#endif
