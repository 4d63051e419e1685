/* The groups of oauth_test.c, one file each, and what they share. Each run_ function returns the
 * number of failed tests. */
#ifndef OAUTH_GROUPS_H
#define OAUTH_GROUPS_H

#include <jansson.h>

#include "../../src/oauth/rp_metadata.h"
#include "test_env.h"
#include "test_http.h"
#include "test_sign.h"

#define ISSUER "https://op.example"
#define CLIENT "client"
#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WELL_KNOWN "https://op.example/.well-known/openid-configuration"
#define WELL_KNOWN_OAUTH "https://op.example/.well-known/oauth-authorization-server"
#define JWKS "https://op.example/jwks"
#define TOKEN "https://op.example/token"
#define USERINFO "https://op.example/userinfo"
#define REVOCATION "https://op.example/revoke"
#define ACCESS_TOKEN "an-access-token"
#define NONCE "a-nonce-that-nobody-guesses"
#define NOW 1767225600

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A provider, what it answers, and an environment to ask it from. */
typedef struct {
    test_env_t *test;
    rp_env_t *env;
    test_http_t *http;
    rp_provider_t provider;
    const test_key_t *key; /* RS256, kid "k1" */
} oauth_t;

int run_oauth_access_token_tests(void);
int run_oauth_authorization_tests(void);
int run_oauth_client_auth_tests(void);
int run_oauth_credentials_tests(void);
int run_oauth_discovery_tests(void);
int run_oauth_document_tests(void);
int run_oauth_id_token_tests(void);
int run_oauth_introspection_tests(void);
int run_oauth_keys_tests(void);
int run_oauth_metadata_tests(void);
int run_oauth_token_tests(void);
int run_oauth_userinfo_tests(void);

int oauth_setup(void **state);
int oauth_teardown(void **state);

/* The text of a JSON object with the members of another (text, NULL: none) put in its place; null
 * takes a member away. */
const char *oauth_patch(const char *text, const char *patch, apr_pool_t *pool);

/* The provider's metadata document, changed. */
const char *oauth_document(const oauth_t *oauth, const char *patch);

/* The same, parsed without being fetched. */
const rp_metadata_t *oauth_metadata(oauth_t *oauth, const char *patch);

/* The same provider as another process has it: with a cache of its own. */
rp_provider_t *oauth_another_process(oauth_t *oauth);

/* Queues the document; the answer may be changed until it is taken. */
rp_http_response_t *oauth_answer(oauth_t *oauth, const char *patch);

/* rp_metadata_get, which must succeed, or fail with this cause. */
const rp_metadata_t *oauth_get(oauth_t *oauth, const rp_provider_t *provider);
void oauth_get_fails(oauth_t *oauth, const rp_provider_t *provider, rp_error_id_t id);

/* Fails the test unless so many calls were made. */
void oauth_calls(oauth_t *oauth, int count);

const char *oauth_token_endpoint(const rp_metadata_t *metadata);

/* An OAuthClientKey for one algorithm, as an array for the provider. kid NULL: the thumbprint. */
const apr_array_header_t *oauth_client_keys(oauth_t *oauth, const char *alg, const char *kid);

/* An ID Token of the provider's, with changed claims; header NULL: as the key has it. */
const char *oauth_id_token(const oauth_t *oauth, const test_key_t *key, const char *header,
                           const char *patch);

/* Fails the test, naming the row of its table, unless the cause is id (and forgets it). */
void oauth_expect(oauth_t *oauth, const char *row, rp_error_id_t id);

/* What an endpoint may answer, and the cause that is given for it. */
typedef struct {
    const char *row;
    int status;
    const char *type;
    const char *body;
    rp_error_id_t id;
} oauth_answer_t;

/* Lets ask meet each of the answers at url, and expects the cause. */
void oauth_each_answer(oauth_t *oauth, const char *url, const oauth_answer_t *rows, size_t count,
                       void (*ask)(oauth_t *oauth));

/* The parameter of a query or form; NULL: absent. Given twice fails the test. */
const char *oauth_parameter(const char *form, const char *name, apr_pool_t *pool);

#endif
