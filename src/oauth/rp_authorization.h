/* The authorization request and its response (RFC 6749 4.1.1 and 4.1.2, OpenID Connect Core
 * 3.1.2, RFC 7636, RFC 9207). */
#ifndef RP_AUTHORIZATION_H
#define RP_AUTHORIZATION_H

#include "../codec/rp_form.h"
#include "rp_metadata.h"

typedef struct {
    const char *redirect_uri;
    const char *state;
    const char *nonce;                  /* sent when the profile is openid */
    const char *code_verifier;          /* its S256 challenge is sent */
    const apr_array_header_t *scope;    /* NULL: the provider's, else the default */
    const apr_array_header_t *resource; /* NULL: the provider's */
    const apr_table_t *parameters;      /* NULL: none beside the provider's */
} rp_authorization_request_t;

/* The URL to send the browser to. openid is always in the scope of an openid profile (A60). */
apr_status_t rp_authorization_url(const char **url, rp_env_t *env, const rp_metadata_t *metadata,
                                  const rp_authorization_request_t *request);

/* 1 when name is a parameter that OAuthAuthorizationParameter may not replace. */
int rp_authorization_is_protocol_parameter(const char *name);

typedef struct {
    const char *code;  /* NULL: none */
    const char *state; /* NULL: none */
    const char *iss;   /* NULL: none */
    const char *error; /* NULL: none */
} rp_authorization_response_t;

/* Reads the parameters that count. RP_FAILED with RP_E_CALLBACK_PARAMETERS: one is repeated or too
 * long (C30). Unknown ones are ignored. */
apr_status_t rp_authorization_response_read(rp_authorization_response_t *response, rp_env_t *env,
                                            const rp_form_t *form);

/* Judges a response whose state was found good: iss first (also of an error), then error (also
 * beside a code, C32), then that there is a code. RP_FAILED with 12xx. The error code reaches the
 * log only when it is one that RFC 6749 or OpenID Connect registers. */
apr_status_t rp_authorization_response_check(rp_env_t *env,
                                             const rp_authorization_response_t *response,
                                             const rp_metadata_t *metadata);

#endif
