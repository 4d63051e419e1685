#include "rp_authz.h"

#include <httpd.h>

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_request.h>
#include <mod_auth.h>

#include "../flow/rp_require.h"
#include "rp_section.h"
#include "rp_visit.h"

static void *compile(apr_pool_t *pool, const char *pattern)
{
    return ap_pregcomp(pool, pattern, AP_REG_EXTENDED | AP_REG_NOSUB);
}

static int match(const void *regex, const char *text)
{
    return ap_regexec(regex, text, 0, NULL, 0) == 0;
}

static const rp_require_regex_t regex_functions = {compile, match};

/* What httpd keeps of a Require. */
typedef struct {
    const rp_require_t *require;
    const char
        *scope; /* what a bearer token lacks when this is not met; NULL: that cannot be said */
} rule_t;

/* httpd gives the words after "Require " as one text and the first of them as the directive's
 * first argument. */
static const char *parse(cmd_parms *cmd, const char *line, const void **parsed)
{
    const char *all = cmd->directive->args;
    const char *word = ap_getword_conf(cmd->temp_pool, &all);
    rule_t *rule = apr_pcalloc(cmd->pool, sizeof(*rule));
    int negated = strcasecmp(word, "not") == 0;
    apr_array_header_t *args = apr_array_make(cmd->pool, 4, sizeof(const char *));
    const char *why = NULL;
    const char *arg;

    if (negated) {
        word = ap_getword_conf(cmd->temp_pool, &all);
    }
    while (*line) {
        arg = ap_getword_conf(cmd->pool, &line);
        APR_ARRAY_PUSH(args, const char *) = arg;
    }
    rule->require = rp_require_parse(word, args, &regex_functions, cmd->pool, &why);
    *parsed = rule;
    if (!rule->require) {
        *parsed = NULL;
        return apr_psprintf(cmd->pool, "OA-1001: Require %s: %s", cmd->directive->args,
                            why ? why : "the arguments are wrong");
    }
    rule->scope = negated ? NULL : rp_require_scope(rule->require);
    if (strcasecmp(word, "oauth-claim") == 0) {
        rp_section_note_claim(cmd, APR_ARRAY_IDX(args, 0, const char *));
    }
    return NULL;
}

static authz_status check(request_rec *r, const char *line, const void *parsed)
{
    const rule_t *rule = parsed;
    rp_visit_t *visit = rp_visit_find(r);

    (void)line;
    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    /* Somebody who came another way (AuthType Basic), or nobody, has no claims. */
    if (!visit || !visit->place) {
        visit = rp_visit_identity(r);
    }
    if (!visit || !visit->reply.session) {
        return AUTHZ_DENIED;
    }
    if (rp_require_check(rule->require, rp_visit_env(visit, r), visit->reply.session)) {
        return AUTHZ_GRANTED;
    }
    if (rule->scope && visit->reply.session->bearer && !visit->scope_wanted) {
        visit->scope_wanted = rule->scope;
    }
    return AUTHZ_DENIED;
}

static const authz_provider provider = {check, parse};

void rp_authz_register(apr_pool_t *pool)
{
    for (apr_size_t i = 0; i < rp_require_count(); i++) {
        ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, rp_require_row(i)->word,
                                  AUTHZ_PROVIDER_VERSION, &provider, AP_AUTH_INTERNAL_PER_CONF);
    }
}
