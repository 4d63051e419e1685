#include "rp_export.h"

#include <apr_lib.h>
#include <string.h>

#include "../base/rp_limits.h"

/* clang-format off */
static const rp_export_row_t rows[] = {
    {"X-Forwarded-User",               NULL},
    {"X-Forwarded-Email",              "email"},
    {"X-Forwarded-Preferred-Username", "preferred_username"},
    {"X-Forwarded-Groups",             "groups"},
};
/* clang-format on */

const rp_export_row_t *rp_export_rows(apr_size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

/* The provider says in so many words that the address is not the user's, or does not say. */
typedef enum { EMAIL_VERIFIED, EMAIL_UNSAID, EMAIL_UNVERIFIED } email_state_t;

static email_state_t email_state(const rp_session_t *session)
{
    rp_claim_t verified;

    if (!rp_claim_find(&verified, &session->record, "email_verified")) {
        return EMAIL_UNSAID;
    }
    return verified.kind == RP_CLAIM_BOOLEAN && strcmp(verified.value, "true") == 0
               ? EMAIL_VERIFIED
               : EMAIL_UNVERIFIED;
}

apr_status_t rp_export_claim(const char **value, rp_env_t *env, const rp_session_t *session,
                             const char *claim)
{
    rp_claim_t found;

    *value = NULL;
    if (!rp_claim_find(&found, &session->record, claim) || found.value_len == 0) {
        return APR_NOTFOUND;
    }
    if (strcmp(claim, "email") == 0 && email_state(session) == EMAIL_UNVERIFIED) {
        return APR_NOTFOUND;
    }
    if (found.value_len > RP_MAX_EXPORT_VALUE) {
        return rp_fail(env, RP_E_EXPORT_LIMIT, "claim %s has %" APR_SIZE_T_FMT " bytes", claim,
                       found.value_len);
    }
    *value = found.value;
    return APR_SUCCESS;
}

static int add_element(void *ctx, const char *text)
{
    json_array_append_new(ctx, json_string(text));
    return 0;
}

json_t *rp_export_json(const rp_claim_t *claim, apr_pool_t *pool)
{
    json_t *value = NULL;

    switch (claim->kind) {
    case RP_CLAIM_BOOLEAN:
        return json_boolean(strcmp(claim->value, "true") == 0);
    case RP_CLAIM_NUMBER:
    case RP_CLAIM_OBJECT:
        value = json_loadb(claim->value, claim->value_len, JSON_DECODE_ANY, NULL);
        break;
    case RP_CLAIM_ARRAY:
        value = json_array();
        rp_claim_each(claim, add_element, value, pool);
        break;
    default:
        break;
    }
    return value ? value : json_stringn(claim->value, claim->value_len);
}

apr_status_t rp_export_user(const char **user, rp_env_t *env, const rp_session_t *session,
                            const char *claim)
{
    rp_claim_t found;

    *user = NULL;
    if (strcmp(claim, "sub") == 0) {
        *user = session->record.subject;
        return APR_SUCCESS;
    }
    if (!rp_claim_find(&found, &session->record, claim) || found.value_len == 0) {
        return rp_fail(env, RP_E_USER_CLAIM, "the session has no claim %s", claim);
    }
    if (found.kind != RP_CLAIM_STRING && found.kind != RP_CLAIM_NUMBER) {
        return rp_fail(env, RP_E_USER_CLAIM, "claim %s is neither a string nor a number", claim);
    }
    if (found.value_len > RP_MAX_EXPORT_VALUE) {
        return rp_fail(env, RP_E_USER_CLAIM, "claim %s has %" APR_SIZE_T_FMT " bytes", claim,
                       found.value_len);
    }
    /* An address that anybody may have typed in must not become an identity (D06). */
    if (strcmp(claim, "email") == 0 && email_state(session) != EMAIL_VERIFIED) {
        return rp_fail(env, RP_E_EMAIL_UNVERIFIED, "email_verified is not true");
    }
    *user = found.value;
    return APR_SUCCESS;
}

/* What some backend takes the character for: CGI and its heirs fold '-' and '_' and more. */
static unsigned char folded(char c)
{
    return apr_isalnum(c) ? (unsigned char)apr_tolower(c) : '-';
}

int rp_export_same_header(const char *a, const char *b)
{
    while (*a && folded(*a) == folded(*b)) {
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

unsigned int rp_export_header_hash(const char *name)
{
    unsigned int hash = 5381;

    for (; *name; name++) {
        hash = hash * 33 + folded(*name);
    }
    return hash;
}
