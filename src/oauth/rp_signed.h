/* A JWT that the provider signed, whatever it is about: ID Token, userinfo, access token.
 *
 * Key idea: one place knows which keys may verify (the provider's own, C319, and the client secret
 * for HS*), and when they are fetched anew (C55). What is inside is for the caller to check. */
#ifndef RP_SIGNED_H
#define RP_SIGNED_H

#include "../jose/rp_jws.h"
#include "rp_metadata.h"

typedef struct {
    const char *text;
    rp_alg_set_t algs;
    const char *const *typ; /* accepted, NULL-terminated */
    int typ_required;       /* 0: absence is accepted too */
} rp_signed_t;

/* APR_SUCCESS with *result, and *jws (in env->pool) for RP_JWS_OK; RP_FAILED when the keys cannot
 * be had. Keys are fetched only for a token that needs them, anew once for an unknown kid, and for
 * a wrong signature when the token names none. */
apr_status_t rp_signed_verify(rp_jws_t **jws, rp_jws_result_t *result, rp_env_t *env,
                              const rp_metadata_t *metadata, const rp_signed_t *what);

#endif
