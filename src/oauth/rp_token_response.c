#include "rp_token_response.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_json.h"
#include "rp_discovery.h"

/* Longer lives are cut to this: ten years. */
#define LIFE_MAX APR_INT64_C(315360000)

/* What an error code is about. */
typedef enum { ABOUT_CLIENT, ABOUT_GRANT, ABOUT_REQUEST, ABOUT_NOTHING } about_t;

typedef struct {
    const char *code;
    about_t about;
} code_row_t;

/* RFC 6749 5.2, RFC 8707 2, RFC 9449 5, RFC 6749 4.1.2.1 (which some send here too), and GitHub's
 * own. */
static const code_row_t codes[] = {
    {"invalid_client", ABOUT_CLIENT},
    {"unauthorized_client", ABOUT_CLIENT},
    {"invalid_grant", ABOUT_GRANT},
    {"invalid_request", ABOUT_REQUEST},
    {"unsupported_grant_type", ABOUT_NOTHING},
    {"invalid_scope", ABOUT_REQUEST},
    {"invalid_target", ABOUT_REQUEST},
    {"use_dpop_nonce", ABOUT_NOTHING},
    {"invalid_dpop_proof", ABOUT_NOTHING},
    {"access_denied", ABOUT_REQUEST},
    {"server_error", ABOUT_NOTHING},
    {"temporarily_unavailable", ABOUT_NOTHING},
    {"incorrect_client_credentials", ABOUT_CLIENT},
    {"bad_verification_code", ABOUT_GRANT},
    {"bad_refresh_token", ABOUT_GRANT},
    {"redirect_uri_mismatch", ABOUT_NOTHING},
};

static const code_row_t *find_code(const char *code)
{
    for (apr_size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(codes[i].code, code) == 0) {
            return &codes[i];
        }
    }
    return NULL;
}

/* The object in the answer, NULL with *why when there is none. */
static json_t *parse(rp_env_t *env, const rp_http_response_t *answer, const char **why)
{
    json_t *object;

    *why = "not application/json";
    if (!rp_discovery_is_json(answer->content_type) ||
        rp_json_parse(&object, answer->body, answer->body_len, RP_MAX_TOKEN_RESPONSE, env->pool,
                      why) != APR_SUCCESS) {
        return NULL;
    }
    return object;
}

static const char *error_of(rp_env_t *env, const rp_http_response_t *answer)
{
    const char *why;
    const char *error = NULL;
    json_t *object = parse(env, answer, &why);

    if (object) {
        rp_json_string(&error, object, "error");
    }
    return error;
}

static const char *describe(rp_env_t *env, const rp_http_response_t *answer, const char *error)
{
    if (!error) {
        return apr_psprintf(env->pool, "status %d without an error code", answer->status);
    }
    if (!find_code(error)) {
        return apr_psprintf(
            env->pool, "status %d with an unknown error code of %" APR_SIZE_T_FMT " characters",
            answer->status, strlen(error));
    }
    return apr_psprintf(env->pool, "status %d, %s", answer->status, error);
}

const char *rp_token_response_problem(rp_env_t *env, const rp_http_response_t *answer)
{
    return describe(env, answer, error_of(env, answer));
}

static apr_status_t refuse(rp_env_t *env, const rp_http_response_t *answer, const char *error,
                           const rp_token_refusal_t *refusal)
{
    const rp_error_id_t ids[] = {[ABOUT_CLIENT] = RP_E_TOKEN_CLIENT,
                                 [ABOUT_GRANT] = refusal->grant,
                                 [ABOUT_REQUEST] = refusal->request,
                                 [ABOUT_NOTHING] = RP_E_TOKEN_ERROR};
    const code_row_t *row = error ? find_code(error) : NULL;
    /* A server in trouble may say anything; that it does not know a grant is believed of a client
     * error alone, for it ends a session. */
    about_t about = row && answer->status < 500 ? row->about : ABOUT_NOTHING;

    return rp_fail(env, ids[about], "%s", describe(env, answer, error));
}

static apr_status_t refuse_member(rp_env_t *env, const char *name, const char *how)
{
    return rp_fail(env, RP_E_TOKEN_RESPONSE, "%s %s", name, how);
}

/* RFC 6749 appendix A.12, A.17: printable ASCII, which is also all that a header can carry. */
static int is_token(const char *text, apr_size_t max)
{
    apr_size_t len = strlen(text);

    if (len < 1 || len > max) {
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] < '!' || text[i] > '~') {
            return 0;
        }
    }
    return 1;
}

/* *value stays NULL when there is none. */
static apr_status_t take_token(const char **value, rp_env_t *env, const json_t *object,
                               const char *name, apr_size_t max)
{
    apr_status_t rv = rp_json_string(value, object, name);

    if (rv == APR_EINVAL) {
        return refuse_member(env, name, "is no string");
    }
    if (rv == APR_SUCCESS && !is_token(*value, max)) {
        return refuse_member(env, name, "is empty, too long, or has characters that no token has");
    }
    return APR_SUCCESS;
}

static apr_status_t take_type(rp_env_t *env, const json_t *object)
{
    const char *type;
    apr_status_t rv = rp_json_string(&type, object, "token_type");

    if (rv != APR_SUCCESS) {
        return refuse_member(env, "token_type", rv == APR_NOTFOUND ? "is missing" : "is no string");
    }
    if (apr_cstr_casecmp(type, "Bearer") != 0) {
        return rp_fail(env, RP_E_TOKEN_TYPE,
                       "token_type of %" APR_SIZE_T_FMT " characters is not "
                       "Bearer",
                       strlen(type));
    }
    return APR_SUCCESS;
}

/* Some send the number as a string. -1 for anything that is no number. */
static apr_int64_t digits(const char *text)
{
    apr_int64_t value = 0;

    if (!*text) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        value = value > LIFE_MAX ? value : value * 10 + (*text - '0');
    }
    return value;
}

static apr_status_t take_life(apr_int64_t *seconds, rp_env_t *env, const json_t *object)
{
    const json_t *member = json_object_get(object, "expires_in");
    double real;

    *seconds = -1;
    if (!member) {
        return APR_SUCCESS;
    }
    if (json_is_integer(member)) {
        *seconds = json_integer_value(member);
    } else if (json_is_string(member)) {
        *seconds = digits(json_string_value(member));
    } else if (json_is_real(member)) {
        real = json_real_value(member);
        *seconds = real > (double)LIFE_MAX ? LIFE_MAX : -1;
        if (real >= 0 && real <= (double)LIFE_MAX) {
            *seconds = (apr_int64_t)real;
        }
    }
    if (*seconds < 0) {
        return refuse_member(env, "expires_in", "is not a number of seconds");
    }
    *seconds = *seconds > LIFE_MAX ? LIFE_MAX : *seconds;
    return APR_SUCCESS;
}

/* RFC 6749 3.3; an empty one (GitHub: nothing was granted) is as good as a list of none. */
static apr_status_t take_scope(const char **scope, rp_env_t *env, const json_t *object)
{
    apr_status_t rv = rp_json_string(scope, object, "scope");

    if (rv == APR_EINVAL) {
        return refuse_member(env, "scope", "is no string");
    }
    if (rv != APR_SUCCESS) {
        return APR_SUCCESS;
    }
    for (const char *c = *scope; *c; c++) {
        if (*c < ' ' || *c > '~' || c - *scope >= RP_MAX_TOKEN) {
            return refuse_member(env, "scope", "is too long, or has characters that no scope has");
        }
    }
    return APR_SUCCESS;
}

/* Only some answers have to have it, so nothing of it is wrong by itself. */
static void take_issued_type(rp_token_response_t *made, const json_t *object)
{
    if (rp_json_string(&made->issued_token_type, object, "issued_token_type") != APR_SUCCESS) {
        made->issued_token_type = NULL;
    }
}

static apr_status_t read_success(rp_token_response_t *made, rp_env_t *env, const json_t *object)
{
    apr_status_t rv;

    if ((rv = take_token(&made->access_token, env, object, "access_token", RP_MAX_TOKEN)) !=
        APR_SUCCESS) {
        return rv;
    }
    if (!made->access_token) {
        return refuse_member(env, "access_token", "is missing");
    }
    if ((rv = take_type(env, object)) != APR_SUCCESS ||
        (rv = take_token(&made->refresh_token, env, object, "refresh_token", RP_MAX_TOKEN)) !=
            APR_SUCCESS ||
        (rv = take_token(&made->id_token, env, object, "id_token", RP_MAX_JWT)) != APR_SUCCESS ||
        (rv = take_life(&made->expires_in, env, object)) != APR_SUCCESS) {
        return rv;
    }
    take_issued_type(made, object);
    return take_scope(&made->scope, env, object);
}

apr_status_t rp_token_response_read(rp_token_response_t **response, rp_env_t *env,
                                    const rp_http_response_t *answer,
                                    const rp_token_refusal_t *refusal)
{
    rp_token_response_t *made;
    const char *error;
    const char *why;
    json_t *object;
    apr_status_t rv;

    *response = NULL;
    if (answer->status != 200) {
        return refuse(env, answer, error_of(env, answer), refusal);
    }
    object = parse(env, answer, &why);
    if (!object) {
        return rp_fail(env, RP_E_TOKEN_RESPONSE, "%s", why);
    }
    rv = rp_json_string(&error, object, "error");
    if (rv != APR_NOTFOUND) {
        return rv == APR_SUCCESS ? refuse(env, answer, error, refusal)
                                 : refuse_member(env, "error", "is no string");
    }
    made = apr_pcalloc(env->pool, sizeof(*made));
    rv = read_success(made, env, object);
    if (rv == APR_SUCCESS) {
        *response = made;
    }
    return rv;
}
