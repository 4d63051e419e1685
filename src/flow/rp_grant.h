/* From an authorization code to a session record: token endpoint, ID Token, userinfo. */
#ifndef RP_GRANT_H
#define RP_GRANT_H

#include "../oauth/rp_metadata.h"
#include "rp_login_state.h"

typedef struct {
    const rp_metadata_t *metadata;
    const char *code;
    const rp_login_secrets_t *secrets;
    const char *scope; /* as requested, for a provider that does not say; NULL: not known */
} rp_grant_t;

/* Redeems the code and fills *record (claims included; created and last_used are left to
 * rp_session_create). Nothing is believed before the ID Token is (C05). RP_FAILED with 13xx, 14xx,
 * 15xx, 11xx or RP_E_SESSION_LIMIT. */
apr_status_t rp_grant_redeem(rp_record_t *record, rp_env_t *env, const rp_site_t *site,
                             const rp_grant_t *grant);

/* What a record's issuer is: the provider's, or for one without an issuer the origin of where it
 * asks users to sign in (else of its token endpoint). Lives as long as metadata and env->pool.
 * RP_FAILED with RP_E_METADATA_INVALID. */
apr_status_t rp_grant_issuer(const char **issuer, rp_env_t *env, const rp_metadata_t *metadata);

/* A record's claims: those of the caller's object, from which the names in without
 * (NULL-terminated: what belongs to the protocol, not to the user) are taken out. RP_FAILED with
 * RP_E_SESSION_LIMIT. */
apr_status_t rp_grant_claims(rp_record_t *record, rp_env_t *env, json_t *claims,
                             const char *const *without);

#endif
