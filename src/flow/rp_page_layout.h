/* The frame that all pages of ours share, and the filling of templates. For rp_page*.c only. */
#ifndef RP_PAGE_LAYOUT_H
#define RP_PAGE_LAYOUT_H

#include "../base/rp_buf.h"
#include "rp_request.h"

/* What stands on a page. Texts are plain and are escaped here; markup is ours and is not. NULL:
 * left out. */
typedef struct {
    const char *title;
    const char *message;
    const char *hint;
    const char *button_text; /* a link that looks like a button */
    const char *button_url;
    const char *link_text; /* a second, quieter one */
    const char *link_url;
    const char *markup;  /* form or list, after the texts */
    const char *facts;   /* markup of a <dl>'s content */
    const char *refresh; /* URL to go on to by itself */
} rp_layout_t;

/* Markup from inside a form is longer than what it came from. */
#define RP_MAX_PAGE ((apr_size_t)2 * 1024 * 1024)

/* Renders into reply. form_action: what the policy allows forms to lead to, besides nothing;
 * "'none'" when the page has no form. */
void rp_layout_render(rp_reply_t *reply, rp_env_t *env, const rp_layout_t *layout, int status,
                      const char *form_action);

/* Appends text for element content or a quoted attribute value. */
void rp_layout_text(rp_buf_t *buf, const char *text);

/* Appends name="value" with a blank before it. */
void rp_layout_attribute(rp_buf_t *buf, const char *name, const char *value);

/* What a template's placeholders stand for. */
typedef struct {
    const char *name;  /* "title"; the table ends with NULL */
    const char *value; /* NULL: nothing */
    int markup;        /* 1: ours, stands as it is; 0: text, is escaped */
} rp_placeholder_t;

/* Renders a template that rp_page_template_check has accepted. */
void rp_template_render(rp_reply_t *reply, rp_env_t *env, const char *text,
                        const rp_placeholder_t *values, const char *form_action);

/* The reply of a page; body has to be complete. */
void rp_layout_reply(rp_reply_t *reply, rp_env_t *env, const rp_buf_t *body, const char *csp);

#endif
