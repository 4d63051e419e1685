#include "rp_page.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <string.h>

#include "../codec/rp_form.h"
#include "rp_page_layout.h"

#define TIME_SIZE 32

static const char *utc_time(rp_env_t *env)
{
    char *text = apr_palloc(env->pool, TIME_SIZE);
    apr_time_exp_t parts;
    apr_size_t len = 0;

    if (apr_time_exp_gmt(&parts, rp_now(env)) != APR_SUCCESS ||
        apr_strftime(text, &len, TIME_SIZE, "%Y-%m-%d %H:%M:%S UTC", &parts) != APR_SUCCESS) {
        return "";
    }
    return text;
}

/* What the page is called: by status where that says it, else by the part that failed. */
static const char *error_title(const rp_error_row_t *row)
{
    switch (row->status) {
    case 401:
        return "Please sign in";
    case 403:
        return row->id == RP_E_FORBIDDEN ? "You cannot open this page" : "That did not work";
    case 404:
        return "Page not found";
    case 410:
        return "No longer available";
    case 503:
        return "Temporarily unavailable";
    default:
        return row->id < 1600 ? "Sign-in did not work" : "Something went wrong";
    }
}

static const char *error_hint(const rp_error_row_t *row)
{
    if (row->id == RP_E_FORBIDDEN) {
        return "If you have another account that may, sign out and sign in with that one. "
               "Otherwise ask the people who run this site.";
    }
    switch (row->fault) {
    case RP_FAULT_BROWSER:
    case RP_FAULT_USER:
        return NULL;
    default:
        return "If this happens again, tell the people who run this site, and give them the "
               "reference below.";
    }
}

static void put_fact(rp_buf_t *buf, const char *name, const char *value)
{
    rp_buf_puts(buf, "<dt>");
    rp_layout_text(buf, name);
    rp_buf_puts(buf, "</dt><dd>");
    rp_layout_text(buf, value);
    rp_buf_puts(buf, "</dd>");
}

static const char *facts(rp_env_t *env, const char *id, const char *reference, const char *time)
{
    rp_buf_t buf;

    rp_buf_init(&buf, RP_MAX_PAGE, env->pool);
    put_fact(&buf, "Error", id);
    put_fact(&buf, "Reference", reference);
    put_fact(&buf, "Time", time);
    return rp_buf_text(&buf);
}

/* Where the page leads on. Trying the same page again is no help to somebody who is signed in but
 * not allowed: he may want to be somebody else. */
static void put_ways_on(rp_layout_t *layout, const rp_site_t *site, const rp_error_row_t *row,
                        const char *retry, apr_pool_t *pool)
{
    if (row->id == RP_E_FORBIDDEN) {
        layout->link_text = "Sign out";
        layout->link_url = apr_pstrcat(pool, site->path, "/logout", NULL);
        layout->button_text = "Go to the start page";
        layout->button_url = "/";
        return;
    }
    layout->button_text = "Try again";
    layout->button_url = retry;
    if (strcmp(retry, "/") != 0) {
        layout->link_text = "Go to the start page";
        layout->link_url = "/";
    }
}

void rp_page_error(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    const rp_error_row_t *row = rp_error_row(reply->error.id);
    const char *template = request->site->templates[RP_TEMPLATE_ERROR];
    const char *id = apr_psprintf(env->pool, "OA-%d", (int)row->id);
    const char *reference = reply->reference ? reply->reference : "";
    const char *retry = reply->retry ? reply->retry : "/";
    const char *time = utc_time(env);
    rp_layout_t layout = {.title = error_title(row), .message = row->user, .hint = error_hint(row)};
    const rp_placeholder_t values[] = {{"title", layout.title, 0},
                                       {"message", layout.message, 0},
                                       {"id", id, 0},
                                       {"reference", reference, 0},
                                       {"time", time, 0},
                                       {"return_url", retry, 0},
                                       {NULL, NULL, 0}};

    if (template) {
        rp_template_render(reply, env, template, values, "'none'");
        return;
    }
    put_ways_on(&layout, request->site, row, retry, env->pool);
    layout.facts = facts(env, id, reference, time);
    rp_layout_render(reply, env, &layout, reply->status, "'none'");
}

static const char *choice_url(const rp_site_t *site, const rp_page_choice_t *choice,
                              const char *provider, apr_pool_t *pool)
{
    rp_buf_t query;

    rp_buf_init(&query, RP_MAX_PAGE, pool);
    rp_form_append(&query, "provider", provider);
    rp_form_append(&query, "return_to", choice->return_url);
    if (choice->preserved) {
        rp_form_append(&query, "preserved", choice->preserved);
    }
    return apr_pstrcat(pool, site->path, "/login?", rp_buf_text(&query), NULL);
}

void rp_page_choice(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                    const rp_page_choice_t *choice)
{
    const char *template = request->site->templates[RP_TEMPLATE_LOGIN];
    rp_layout_t layout = {.title = "Sign in", .message = "Choose how you want to sign in."};
    rp_buf_t list;

    rp_buf_init(&list, RP_MAX_PAGE, env->pool);
    rp_buf_puts(&list, "<ul>\n");
    for (const rp_provider_t *const *provider = choice->providers; *provider; provider++) {
        rp_buf_puts(&list, "<li><a");
        rp_layout_attribute(&list, "href",
                            choice_url(request->site, choice, (*provider)->name, env->pool));
        rp_buf_puts(&list, ">");
        rp_layout_text(&list, rp_provider_label(*provider));
        rp_buf_puts(&list, "</a></li>\n");
    }
    rp_buf_puts(&list, "</ul>\n");
    layout.markup = rp_buf_text(&list);
    if (template) {
        const rp_placeholder_t values[] = {{"title", layout.title, 0},
                                           {"message", layout.message, 0},
                                           {"providers", layout.markup, 1},
                                           {"return_url", choice->return_url, 0},
                                           {NULL, NULL, 0}};

        reply->status = 200;
        rp_template_render(reply, env, template, values, "'none'");
        return;
    }
    rp_layout_render(reply, env, &layout, 200, "'none'");
}

static void logout_page(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                        const rp_layout_t *layout, const char *form_action)
{
    const char *template = request->site->templates[RP_TEMPLATE_LOGOUT];
    const rp_placeholder_t values[] = {
        {"title", layout->title, 0},
        {"message", layout->message, 0},
        {"form", layout->markup, 1},
        {"return_url", layout->button_url ? layout->button_url : "/", 0},
        {NULL, NULL, 0}};

    if (template) {
        reply->status = 200;
        rp_template_render(reply, env, template, values, form_action);
    } else {
        rp_layout_render(reply, env, layout, 200, form_action);
    }
}

static void put_hidden(rp_buf_t *buf, const char *name, const char *value)
{
    rp_buf_puts(buf, "<input type=\"hidden\"");
    rp_layout_attribute(buf, "name", name);
    rp_layout_attribute(buf, "value", value);
    rp_buf_puts(buf, ">\n");
}

static void open_form(rp_buf_t *buf, const char *action, apr_pool_t *pool)
{
    rp_buf_init(buf, RP_MAX_PAGE, pool);
    rp_buf_puts(buf, "<form method=\"post\"");
    rp_layout_attribute(buf, "action", action);
    rp_buf_puts(buf, ">\n");
}

static const char *close_form(rp_buf_t *buf, const char *button)
{
    rp_buf_puts(buf, "<button type=\"submit\">");
    rp_layout_text(buf, button);
    rp_buf_puts(buf, "</button>\n</form>\n");
    return rp_buf_text(buf);
}

void rp_page_logout_confirm(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                            const rp_page_logout_t *logout)
{
    const rp_site_t *site = request->site;
    rp_layout_t layout = {.title = "Sign out?",
                          .message = "A link asked to sign you out of this site. Do you want that?",
                          .link_text = "Stay signed in",
                          .link_url = "/"};
    rp_buf_t form;

    open_form(&form, apr_pstrcat(env->pool, site->path, "/logout", NULL), env->pool);
    if (logout->token) {
        put_hidden(&form, "token", logout->token);
    }
    if (logout->return_url) {
        put_hidden(&form, "return_to", logout->return_url);
    }
    layout.markup = close_form(&form, "Sign out");
    logout_page(reply, env, request, &layout,
                apr_pstrcat(env->pool, "'self'", logout->provider_origin ? " " : "",
                            logout->provider_origin ? logout->provider_origin : "",
                            logout->return_origin ? " " : "",
                            logout->return_origin ? logout->return_origin : "", NULL));
}

void rp_page_logged_out(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request)
{
    const rp_layout_t layout = {.title = "You are signed out",
                                .message = "You have left this site. On a computer that others "
                                           "use too, close all windows of the browser.",
                                .button_text = "Sign in again",
                                .button_url = "/"};

    logout_page(reply, env, request, &layout, "'none'");
}

void rp_page_resume(rp_reply_t *reply, rp_env_t *env, const rp_request_t *request,
                    const rp_page_resume_t *resume)
{
    rp_layout_t layout = {.title = "Continue where you left off",
                          .message = "Your sign-in had ended when you sent a form. It was kept "
                                     "for you and has not been sent yet.",
                          .link_text = "Discard it",
                          .link_url = "/"};
    rp_buf_t form;

    open_form(&form, resume->action, env->pool);
    for (int i = 0; resume->fields && i < resume->fields->nelts; i++) {
        const rp_page_field_t *field = &APR_ARRAY_IDX(resume->fields, i, rp_page_field_t);

        put_hidden(&form, field->name, field->value);
    }
    layout.markup = close_form(&form, "Send it now");
    /* Where the application redirects after the form is its own affair. */
    rp_layout_render(reply, env, &layout, 200,
                     request->site->secure ? "'self' https:" : "'self' http: https:");
}

void rp_page_continue(rp_reply_t *reply, rp_env_t *env, const char *url)
{
    const rp_layout_t layout = {.title = "You are signed in",
                                .message = "The page you asked for opens by itself.",
                                .button_text = "Continue",
                                .button_url = url,
                                .refresh = url};

    rp_layout_render(reply, env, &layout, 200, "'none'");
}
