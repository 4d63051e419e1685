/* A token for backends that all processes share: got once however many requests want it.
 *
 * Key idea: the caller says what makes its token different from every other (the wish) and how one
 * is got (the kind); everything else is the same for all: sealed in the store, one holder of a
 * lease who asks the provider, renewal by another thread while the old one is good, a pause that
 * grows after failures, a copy in each process (rp_token_cache.h).
 *
 * A token of a user's is one whose words hold the tag of a session (rp_session.h): nobody else can
 * name it, and when the session has ended, nobody at all.
 *
 *     rp_token_wish_t wish = {.kind = &kind, .provider = provider, .words = {scope, audience}};
 *     rv = rp_shared_token_get(&token, env, &wish);
 *     ... the backend answers 401 ...
 *     rv = rp_shared_token_replace(&token, env, &wish, token);                               */
#ifndef RP_SHARED_TOKEN_H
#define RP_SHARED_TOKEN_H

#include "../base/rp_env.h"
#include "../oauth/rp_token.h"

#define RP_TOKEN_WORDS 6

struct rp_token_wish_t;

/* A kind of token. A constant. */
typedef struct {
    /* Asks the provider. wish is the caller's, or a copy of it on another thread. APR_NOTFOUND:
     * nobody may have the token (any more); RP_FAILED. */
    apr_status_t (*fetch)(rp_token_response_t **response, rp_env_t *env,
                          const struct rp_token_wish_t *wish);
    /* For a fetch that needs more than the words: wish->subject as bytes, in env->pool, and on
     * another thread made again, where a failure means that nothing is fetched. NULL: the words
     * are enough. */
    apr_status_t (*pack)(unsigned char **data, apr_size_t *len, rp_env_t *env,
                         const struct rp_token_wish_t *wish);
    apr_status_t (*unpack)(struct rp_token_wish_t *wish, rp_env_t *env, const void *data,
                           apr_size_t len);
    int calls; /* that a fetch makes one after the other, at most: how long it may take */
    /* What a request fails with when the provider does not give a token, and when it is down. The
     * fault of this server, RP_E_BACKEND_TOKEN and RP_E_EXCHANGE_REFUSED speak for themselves. */
    rp_error_id_t failed;
    rp_error_id_t unavailable;
} rp_token_kind_t;

typedef struct rp_token_wish_t {
    const rp_token_kind_t *kind;
    const rp_provider_t *provider; /* configuration, which outlives every job */
    /* What tells this token from others of this provider; NULL counts as "". */
    const char *words[RP_TOKEN_WORDS];
    void *subject;    /* for the kind, without a say in which token it is; fetch may change it */
    apr_time_t until; /* it is not used longer than that; 0: as long as it lives */
} rp_token_wish_t;

/* *token in env->pool. Waits for a token only when there is none that is good. RP_FAILED with the
 * kind's errors, for what happened now or for the last failure a moment ago, or with this server's
 * own. APR_NOTFOUND: as fetch says; the cause, if there is one, is in env->error. */
apr_status_t rp_shared_token_get(const char **token, rp_env_t *env, const rp_token_wish_t *wish);

/* After a backend refused used: the token that is there by now, or a new one, in *token. Without
 * one the refused token is forgotten. APR_NOTFOUND: a new one was refused within
 * RP_TOKEN_REFUSED_SECONDS, so it is not the token's fault, and it stays; or there is none to be
 * had, as above. RP_FAILED as above. */
apr_status_t rp_shared_token_replace(const char **token, rp_env_t *env, const rp_token_wish_t *wish,
                                     const char *used);

/* Renews what this process uses and what is due, for a thread that is called every second or so. */
void rp_shared_token_tend(rp_env_t *env);

#endif
