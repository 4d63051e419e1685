/* The pages: error, sign-in choice, logout (confirmation and done), resume (a preserved POST),
 * continue (after a login, where cookies are SameSite=Strict).
 *
 * Key idea: one layout, no script, no external resource, both colour schemes, a phone's width, a
 * Content-Security-Policy that allows the inline style by its hash and nothing else. A template of
 * the administrator's replaces a page: {{placeholders}} are escaped for where HTML text and
 * attribute values stand.
 *
 *   login   title message providers return_url
 *   error   title message id reference time return_url
 *   logout  title message form return_url
 *
 * {{providers}} is a list of links and {{form}} a form (empty on the page after the logout): both
 * are markup and have to stand where a paragraph can. {{return_url}} fits an href. */
#ifndef RP_PAGE_H
#define RP_PAGE_H

#include "rp_request.h"

/* Each renders into reply (outcome PAGE, status, body, content_type, csp). */

/* For reply->error, with reply->reference; leads on to reply->retry. */
void rp_page_error(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* Links to the login endpoint, one for each provider. */
typedef struct {
    const rp_provider_t *const *providers; /* NULL-terminated */
    const char *return_url;                /* short form */
    const char *preserved;                 /* id of a preserved POST; NULL: none */
} rp_page_choice_t;
void rp_page_choice(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                    const rp_page_choice_t *choice);

/* Asks before a logout that another site started. */
typedef struct {
    const char *return_url; /* sent along as return_to; NULL: none */
    const char *token;      /* rp_logout_token_make; NULL: none */
    /* Origins that the form's answer may lead to, besides the own one: a browser applies
     * form-action to the redirect after a form too. NULL: none. */
    const char *provider_origin;
    const char *return_origin;
} rp_page_logout_t;
void rp_page_logout_confirm(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                            const rp_page_logout_t *logout);

void rp_page_logged_out(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request);

/* A form that sends a preserved POST again when the user says so. */
typedef struct {
    const char *name;
    const char *value;
} rp_page_field_t;

typedef struct {
    const char *action;
    const apr_array_header_t *fields; /* of rp_page_field_t, in their order */
} rp_page_resume_t;
void rp_page_resume(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                    const rp_page_resume_t *resume);

/* Goes on to an absolute URL by itself: a navigation that starts at this origin carries cookies
 * that a redirect from the provider would not. */
void rp_page_continue(rp_reply_t *reply, rp_env_t *env, const char *url);

/* Checks a template when the configuration is read: NULL, or what is wrong with it (an unknown
 * placeholder, one missing that the page cannot do without, not UTF-8, too long). */
const char *rp_page_template_check(rp_template_t kind, const char *text, apr_pool_t *pool);

#endif
