/* The ID Token (OpenID Connect Core 2, 3.1.3.7, 12.2). An rp_id_token_t exists only after every
 * check of rp_id_token_check, whichever path the token came by. */
#ifndef RP_ID_TOKEN_H
#define RP_ID_TOKEN_H

#include <jansson.h>

#include "rp_metadata.h"

typedef struct rp_id_token_t rp_id_token_t;

/* What a refreshed ID Token has to continue (12.2). */
typedef struct {
    const char *issuer;
    const char *sub;
    apr_int64_t auth_time; /* seconds; -1: the first one had none */
    const char *id_token;  /* the one that is kept, for its nonce; NULL: not compared */
} rp_id_token_previous_t;

typedef struct {
    const char *nonce;                      /* of this login; NULL for a refreshed one */
    const char *access_token;               /* for at_hash; NULL: not compared */
    const rp_id_token_previous_t *previous; /* NULL at a login */
} rp_id_token_expect_t;

/* Verifies signature (fetching keys again once for an unknown kid), typ, iss, aud, azp, exp, iat,
 * nbf, nonce, at_hash, sub, and that a refreshed one continues the session. RP_FAILED with 14xx,
 * with RP_E_REFRESH_ID_TOKEN when it does not continue, or with what kept the keys from being had
 * (11xx). text may be NULL (RP_E_ID_TOKEN_MISSING). Result in env->pool. */
apr_status_t rp_id_token_check(rp_id_token_t **id_token, rp_env_t *env,
                               const rp_metadata_t *metadata, const char *text,
                               const rp_id_token_expect_t *expect);

const char *rp_id_token_text(const rp_id_token_t *id_token);
const char *rp_id_token_sub(const rp_id_token_t *id_token);
const char *rp_id_token_sid(const rp_id_token_t *id_token); /* NULL: none */
const char *rp_id_token_acr(const rp_id_token_t *id_token); /* NULL: none */
/* Seconds; -1: none. 0 counts as none: a provider sends it always (P05). */
apr_int64_t rp_id_token_auth_time(const rp_id_token_t *id_token);
const json_t *rp_id_token_claims(const rp_id_token_t *id_token);

#endif
