#include "rp_assertion.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../jose/rp_jws_sign.h"
#include "../oauth/rp_credentials.h"
#include "../session/rp_token_cache.h"
#include "rp_export.h"

#define STANDARD_CLAIMS "email preferred_username groups name"

static const char *const reserved[] = {"iss", "sub", "aud", "exp", "nbf",
                                       "iat", "jti", "idp", NULL};

int rp_assertion_is_reserved(const char *claim)
{
    for (const char *const *name = reserved; *name; name++) {
        if (strcmp(*name, claim) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *rp_assertion_claims(const rp_backend_token_t *backend)
{
    return backend->claims ? backend->claims : STANDARD_CLAIMS;
}

/* --- what is signed --- */

static apr_status_t add_claim(json_t *payload, rp_env_t *env, const rp_session_t *session,
                              const char *name)
{
    const char *text;
    rp_claim_t claim;
    apr_status_t rv = rp_export_claim(&text, env, session, name);

    if (rv == APR_SUCCESS && rp_claim_find(&claim, &session->record, name)) {
        json_object_set_new(payload, name, rp_export_json(&claim, env->pool));
    }
    return rv == APR_NOTFOUND ? APR_SUCCESS : rv;
}

static apr_status_t add_claims(json_t *payload, rp_env_t *env, const rp_session_t *session,
                               const char *names)
{
    apr_status_t rv = APR_SUCCESS;

    while (*names && rv == APR_SUCCESS) {
        apr_size_t len = strcspn(names, " ");

        rv = add_claim(payload, env, session, apr_pstrmemdup(env->pool, names, len));
        names += len;
        names += strspn(names, " ");
    }
    return rv;
}

static apr_status_t make_payload(json_t **payload, rp_env_t *env, const rp_request_t *request,
                                 const rp_session_t *session)
{
    const rp_backend_token_t *backend = &request->place->backend;
    const rp_record_t *record = &session->record;
    const char *issuer = request->site->base_url;
    apr_status_t rv =
        rp_jws_claims(payload, env, issuer, record->subject,
                      backend->audience ? backend->audience : issuer, RP_ASSERTION_SECONDS);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (record->issuer) {
        json_object_set_new(*payload, "idp", json_string(record->issuer));
    }
    return add_claims(*payload, env, session, rp_assertion_claims(backend));
}

static apr_status_t make(const char **token, rp_env_t *env, const rp_request_t *request,
                         const rp_session_t *session, const rp_private_key_t *key)
{
    rp_jws_signer_t signer = {
        .alg = rp_private_key_alg(key, RP_ALGS_ASYMMETRIC), .key = key, .typ = "JWT"};
    json_t *payload;
    apr_status_t rv = make_payload(&payload, env, request, session);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rp_jws_sign(token, &signer, payload, env->pool) != APR_SUCCESS) {
        return rp_fail(env, RP_E_CRYPTO, "an assertion could not be signed");
    }
    if (strlen(*token) > RP_MAX_EXPORT_VALUE) {
        return rp_fail(env, RP_E_EXPORT_LIMIT, "the assertion has %" APR_SIZE_T_FMT " bytes",
                       strlen(*token));
    }
    return APR_SUCCESS;
}

/* --- what is kept --- */

/* All that tells one assertion from another; the claims of a session stay as they are. */
static apr_size_t pack_wish(const char **wish, rp_env_t *env, const rp_request_t *request,
                            const rp_session_t *session, const char *kid)
{
    const rp_backend_token_t *backend = &request->place->backend;
    const char *words = apr_pstrcat(env->pool, request->site->base_url, "\n", kid, "\n",
                                    backend->audience ? backend->audience : "", "\n",
                                    rp_assertion_claims(backend), NULL);
    apr_size_t len = strlen(words) + 1;
    char *packed = apr_palloc(env->pool, sizeof(session->id) + len);

    memcpy(packed, session->id, sizeof(session->id));
    memcpy(packed + sizeof(session->id), words, len);
    *wish = packed;
    return sizeof(session->id) + len;
}

static const char *find_kept(rp_env_t *env, const char *wish, apr_size_t wish_len)
{
    apr_time_t now = rp_now(env);
    rp_shared_token_t kept;

    if (rp_token_cache_get(&kept, env->assertions, wish, wish_len, env->pool) != APR_SUCCESS ||
        now < kept.issued || now >= kept.expires) {
        return NULL;
    }
    return kept.value;
}

static void keep(rp_env_t *env, const char *wish, apr_size_t wish_len, const char *token)
{
    rp_shared_token_t kept = {.value = token, .issued = rp_now(env)};

    kept.expires = kept.issued + apr_time_from_sec(RP_ASSERTION_KEPT_SECONDS);
    rp_token_cache_put(env->assertions, wish, wish_len, &kept, 1);
}

apr_status_t rp_assertion(const char **token, rp_env_t *env, const rp_request_t *request,
                          const rp_session_t *session)
{
    const rp_provider_t *provider = rp_site_provider(request->site, session->record.provider);
    const rp_private_key_t *key = provider ? rp_credentials_key(env, provider, 0) : NULL;
    const char *wish = NULL;
    apr_size_t wish_len = 0;
    apr_status_t rv;

    *token = NULL;
    if (!key) {
        return rp_fail(env, RP_E_ASSERTION, "the session's provider '%s' has no OAuthClientKey",
                       session->record.provider);
    }
    /* A bearer token has no id that could name it. */
    if (!session->bearer) {
        wish_len = pack_wish(&wish, env, request, session, rp_private_key_kid(key));
        *token = find_kept(env, wish, wish_len);
    }
    if (*token) {
        return APR_SUCCESS;
    }
    rv = make(token, env, request, session, key);
    if (rv == APR_SUCCESS && wish) {
        keep(env, wish, wish_len, *token);
    }
    return rv;
}
