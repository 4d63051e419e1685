/* The userinfo endpoint (OpenID Connect Core 5.3), and that of plain OAuth 2.0 providers. */
#ifndef RP_USERINFO_H
#define RP_USERINFO_H

#include <jansson.h>

#include "rp_metadata.h"

/* Fetches with the token in the Authorization header. JSON or signed JWT by content type. sub is
 * the ID Token's, which the answer must repeat; NULL for the oauth2 profile, where the answer
 * itself is the identity. RP_FAILED with 15xx or 11xx. Members that the ID Token alone may set
 * (iss, aud, exp, iat, nonce, …) are removed (C85), `_claim_names` and `_claim_sources` too. */
apr_status_t rp_userinfo_fetch(json_t **claims, rp_env_t *env, const rp_metadata_t *metadata,
                               const char *access_token, const char *sub);

/* The subject of an answer without an ID Token: sub when there is one, else id (a string or an
 * integer, as GitHub has it); in env->pool. RP_FAILED with RP_E_USERINFO_SUBJECT. */
apr_status_t rp_userinfo_subject(const char **subject, rp_env_t *env, const json_t *claims);

#endif
