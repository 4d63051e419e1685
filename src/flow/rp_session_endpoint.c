#include "rp_session_endpoint.h"

#include <string.h>

#include "../codec/rp_json.h"
#include "rp_access_session.h"
#include "rp_export.h"

static json_t *all_claims(const rp_record_t *record, apr_pool_t *pool)
{
    json_t *claims = json_object();
    apr_size_t position = 0;
    rp_claim_t claim;

    while (rp_claim_next(&claim, &position, record)) {
        if (!claim.nested) {
            json_object_set_new(claims, claim.name, rp_export_json(&claim, pool));
        }
    }
    return claims;
}

static void set_seconds(json_t *object, const char *name, apr_time_t time)
{
    json_object_set_new(object, name, json_integer(apr_time_sec(time)));
}

static json_t *describe(rp_env_t *env, const rp_request_t *request, const rp_session_t *session)
{
    const rp_session_limits_t *limits = &request->place->limits;
    const rp_record_t *record = &session->record;
    json_t *object = rp_json_keep(json_object(), env->pool);
    const char *user;

    if (request->place->user_claim &&
        rp_export_user(&user, env, session, request->place->user_claim) == APR_SUCCESS) {
        json_object_set_new(object, "user", json_string(user));
    }
    rp_forgive(env);
    json_object_set_new(object, "provider", json_string(record->provider));
    json_object_set_new(object, "issuer", json_string(record->issuer));
    json_object_set_new(object, "subject", json_string(record->subject));
    json_object_set_new(object, "claims", all_claims(record, env->pool));
    set_seconds(object, "created", record->created);
    set_seconds(object, "expires", record->created + limits->max);
    if (limits->idle) {
        set_seconds(object, "idle_expires", record->last_used + limits->idle);
    }
    return object;
}

void rp_session_endpoint(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    rp_session_t *session;
    apr_status_t rv = rp_access_session(&session, env, request);

    if (rv == RP_FAILED) {
        rp_reply_fail(reply, env, request);
        return;
    }
    reply->outcome = RP_JSON;
    reply->content_type = "application/json";
    reply->status = rv == APR_SUCCESS ? 200 : 401;
    reply->body = rv == APR_SUCCESS ? rp_json_text(describe(env, request, session), env->pool)
                                    : "{\"error\":\"login_required\"}";
}
