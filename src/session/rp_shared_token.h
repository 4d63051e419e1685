/* A token for backends that all processes share: got once however many requests want it.
 *
 * Key idea: the caller says what makes its token different from every other (the wish) and how one
 * is got (fetch); everything else is the same for all: sealed in the store, one holder of a lease
 * who asks the provider, renewal by another thread while the old one is good, a pause that grows
 * after failures, a copy in each process (rp_token_cache.h).
 *
 *     rp_token_wish_t wish = {.fetch = fetch, .provider = provider, .words = {scope, audience}};
 *     rv = rp_shared_token_get(&token, env, &wish);
 *     ... the backend answers 401 ...
 *     rv = rp_shared_token_replace(&token, env, &wish, token);                               */
#ifndef RP_SHARED_TOKEN_H
#define RP_SHARED_TOKEN_H

#include "../base/rp_env.h"
#include "../oauth/rp_token.h"

#define RP_TOKEN_WORDS 6

struct rp_token_wish_t;

/* Asks the provider. wish is the caller's, or a copy of it on another thread. */
typedef apr_status_t rp_token_fetch_fn(rp_token_response_t **response, rp_env_t *env,
                                       const struct rp_token_wish_t *wish);

typedef struct rp_token_wish_t {
    rp_token_fetch_fn *fetch;
    const rp_provider_t *provider; /* configuration, which outlives every job */
    /* What tells this token from others that fetch gets from this provider; NULL counts as "". */
    const char *words[RP_TOKEN_WORDS];
    const char *subject; /* for fetch, without a say in which token it is; NULL: none */
    apr_time_t until;    /* it is not used longer than that; 0: as long as it lives */
} rp_token_wish_t;

/* *token in env->pool. Waits for a token only when there is none that is good. RP_FAILED with what
 * the provider did (11xx, 13xx), or what it did a moment ago, or RP_E_STORE. */
apr_status_t rp_shared_token_get(const char **token, rp_env_t *env, const rp_token_wish_t *wish);

/* After a backend refused used: the token that is there by now, or a new one, in *token. Without
 * one the refused token is forgotten. APR_NOTFOUND: a new one was refused within
 * RP_TOKEN_REFUSED_SECONDS, so it is not the token's fault, and it stays. RP_FAILED as above. */
apr_status_t rp_shared_token_replace(const char **token, rp_env_t *env, const rp_token_wish_t *wish,
                                     const char *used);

/* Renews what this process uses and what is due, for a thread that is called every second or so. */
void rp_shared_token_tend(rp_env_t *env);

#endif
