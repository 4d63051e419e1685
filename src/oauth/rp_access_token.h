/* An access token that somebody brought as a bearer token: a JWT (RFC 9068), or one that its
 * provider was asked about (RFC 7662, rp_introspection.h).
 *
 * Key idea: an rp_access_token_t exists only after one list of checks, which both kinds go through.
 * What a JWT has to say is optional in an answer about a token, except who it is about and who it
 * is for: a token that does not say that it is for this server is for somebody else, and one
 * without a subject is nobody's.
 *
 *     rv = rp_access_token_issuer(&issuer, env, text);       whose is it, so far unproven?
 *     ... find the provider with that issuer, and its metadata ...
 *     rv = rp_access_token_check(&token, env, metadata, text, audience);                        */
#ifndef RP_ACCESS_TOKEN_H
#define RP_ACCESS_TOKEN_H

#include <jansson.h>

#include "rp_metadata.h"

typedef struct rp_access_token_t rp_access_token_t;

/* The iss that a JWT claims to have, in env->pool: for choosing who may verify it, and for nothing
 * else. APR_NOTFOUND: it is no JWT, or one without iss. */
apr_status_t rp_access_token_issuer(const char **issuer, rp_env_t *env, const char *text);

/* Checks a JWT as RFC 9068 4 says: typ is at+jwt, so that no ID Token and no logout token passes;
 * signed with an asymmetric algorithm of OAuthSigningAlgs and a key of this issuer (fetched again
 * once for an unknown kid); iss, exp, iat, nbf; aud has one of audience (of const char *); sub,
 * client_id and jti are there. One with cnf, which is bound to its sender, is no bearer token.
 * RP_FAILED with RP_E_BEARER_TOKEN, or with what kept the keys from being had (11xx). */
apr_status_t rp_access_token_check(rp_access_token_t **token, rp_env_t *env,
                                   const rp_metadata_t *metadata, const char *text,
                                   const apr_array_header_t *audience);

/* For rp_introspection.c: the same with what the provider answered about an active token, where
 * only aud and sub have to be there, and token_type, if it is, says Bearer. RP_FAILED with
 * RP_E_BEARER_TOKEN, or with RP_E_INTROSPECTION for an answer that no provider should give. */
apr_status_t rp_access_token_introspected(rp_access_token_t **token, rp_env_t *env,
                                          const rp_metadata_t *metadata, json_t *answer,
                                          const apr_array_header_t *audience);

const char *rp_access_token_sub(const rp_access_token_t *token);
const char *rp_access_token_scope(const rp_access_token_t *token); /* NULL: not said */
const char *rp_access_token_acr(const rp_access_token_t *token);   /* NULL: not said */
/* Seconds; -1: not said. */
apr_int64_t rp_access_token_auth_time(const rp_access_token_t *token);
apr_int64_t rp_access_token_exp(const rp_access_token_t *token);
/* All of them, as they came. */
const json_t *rp_access_token_claims(const rp_access_token_t *token);

#endif
