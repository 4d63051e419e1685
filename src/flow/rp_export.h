/* What the backend is told: values of claims for headers and environment. Pure functions. */
#ifndef RP_EXPORT_H
#define RP_EXPORT_H

#include "rp_request.h"

/* The standard headers of OAuthHeaders, one row each. */
typedef struct {
    const char *header; /* "X-Forwarded-Email" */
    const char *claim;  /* NULL: the user */
} rp_export_row_t;

const rp_export_row_t *rp_export_rows(apr_size_t *count);

/* A claim's text as a header value: valid, without controls, at most RP_MAX_EXPORT_VALUE bytes.
 * APR_NOTFOUND: no such claim, or an email that the provider says is not verified; RP_FAILED with
 * RP_E_EXPORT_LIMIT: too large (never cut). */
apr_status_t rp_export_claim(const char **value, rp_env_t *env, const rp_session_t *session,
                             const char *claim);

/* A claim as the provider gave it, as text where it cannot be had otherwise. The reference is the
 * caller's. */
json_t *rp_export_json(const rp_claim_t *claim, apr_pool_t *pool);

/* The user of a session by OAuthUser's claim: RP_FAILED with RP_E_USER_CLAIM or
 * RP_E_EMAIL_UNVERIFIED. */
apr_status_t rp_export_user(const char **user, rp_env_t *env, const rp_session_t *session,
                            const char *claim);

/* 1 when two header names are the same to some backend: letter case ignored, every character that
 * is no letter or digit taken for '-'. */
int rp_export_same_header(const char *a, const char *b);

/* A hash that is equal for names that are the same in that sense. */
unsigned int rp_export_header_hash(const char *name);

#endif
