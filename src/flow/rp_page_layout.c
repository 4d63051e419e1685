#include "rp_page_layout.h"

#include <apr_strings.h>
#include <string.h>

#include "../codec/rp_base64.h"
#include "../codec/rp_html.h"
#include "../jose/rp_crypto.h"

/* System fonts and colours of text that keep a contrast of 4.5 to 1 or more in both schemes. */
static const char style[] =
    ":root{color-scheme:light dark;--page:#f3f4f7;--card:#fff;--edge:#dfe2e8;--text:#1b1f27;"
    "--soft:#545c6b;--accent:#2457c5;--on:#fff;--hover:#1b469f}"
    "@media(prefers-color-scheme:dark){:root{--page:#12151b;--card:#1b2029;--edge:#313847;"
    "--text:#edeff3;--soft:#a7b0bf;--accent:#8db2ff;--on:#0e1626;--hover:#b3cbff}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;"
    "padding:1.25rem;background:var(--page);color:var(--text);"
    "font:1rem/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,"
    "sans-serif}"
    "main{width:100%;max-width:30rem;background:var(--card);border:1px solid var(--edge);"
    "border-radius:.9rem;padding:2.25rem 2.25rem 2rem;box-shadow:0 1px 2px rgba(0,0,0,.05),"
    "0 12px 32px rgba(0,0,0,.06);overflow-wrap:anywhere}"
    "h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;font-weight:650;"
    "letter-spacing:-.01em;text-wrap:balance}"
    "p{margin:0 0 1rem}.soft{color:var(--soft)}"
    "form,.actions{margin:1.5rem 0 0;display:flex;flex-wrap:wrap;gap:.75rem;align-items:center}"
    ".button,button{display:inline-block;padding:.65rem 1.3rem;border:1px solid transparent;"
    "border-radius:.55rem;background:var(--accent);color:var(--on);font:inherit;font-weight:600;"
    "text-decoration:none;cursor:pointer}"
    ".button:hover,button:hover{background:var(--hover)}"
    ".quiet{color:var(--accent);padding:.65rem 0;margin-left:.4rem}form+.actions{margin-top:.5rem}"
    "form+.actions .quiet{margin-left:0}"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:3px}"
    "ul{list-style:none;margin:1.5rem 0 0;padding:0;display:grid;gap:.7rem}"
    "ul a{display:flex;justify-content:space-between;gap:1rem;padding:.9rem 1.1rem;"
    "border:1px solid var(--edge);border-radius:.6rem;color:var(--text);text-decoration:none;"
    "font-weight:600}"
    "ul a::after{content:\"\\2192\"/\"\";color:var(--accent)}"
    "ul a:hover{border-color:var(--accent)}"
    "dl{margin:2rem 0 0;padding:1.1rem 0 0;border-top:1px solid var(--edge);display:grid;"
    "grid-template-columns:auto 1fr;gap:.25rem 1.1rem;font-size:.85rem;color:var(--soft)}"
    "dd{margin:0;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}"
    "@media(max-width:30rem){body{align-items:flex-start;padding:.75rem}"
    "main{padding:1.5rem 1.25rem}.button,button{width:100%;text-align:center}}";

void rp_layout_text(rp_buf_t *buf, const char *text)
{
    rp_buf_puts(buf, rp_html_escape(text, buf->pool));
}

void rp_layout_attribute(rp_buf_t *buf, const char *name, const char *value)
{
    rp_buf_putc(buf, ' ');
    rp_buf_puts(buf, name);
    rp_buf_puts(buf, "=\"");
    rp_layout_text(buf, value);
    rp_buf_putc(buf, '"');
}

static void put_element(rp_buf_t *buf, const char *open, const char *text, const char *close)
{
    if (text) {
        rp_buf_puts(buf, open);
        rp_layout_text(buf, text);
        rp_buf_puts(buf, close);
    }
}

static void put_link(rp_buf_t *buf, const char *class, const char *text, const char *url)
{
    if (text) {
        rp_buf_puts(buf, "<a");
        rp_layout_attribute(buf, "class", class);
        rp_layout_attribute(buf, "href", url);
        put_element(buf, ">", text, "</a>");
    }
}

static void put_head(rp_buf_t *buf, const rp_layout_t *layout)
{
    rp_buf_puts(buf, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_element(buf, "<title>", layout->title, "</title>\n");
    rp_buf_puts(buf, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"robots\" content=\"noindex\">\n");
    if (layout->refresh) {
        rp_buf_puts(buf, "<meta http-equiv=\"refresh\"");
        rp_layout_attribute(buf, "content",
                            apr_pstrcat(buf->pool, "0; url=", layout->refresh, NULL));
        rp_buf_puts(buf, ">\n");
    }
    rp_buf_puts(buf, "<style>");
    rp_buf_puts(buf, style);
    rp_buf_puts(buf, "</style>\n</head>\n");
}

static void put_body(rp_buf_t *buf, const rp_layout_t *layout)
{
    rp_buf_puts(buf, "<body>\n<main>\n");
    put_element(buf, "<h1>", layout->title, "</h1>\n");
    put_element(buf, "<p>", layout->message, "</p>\n");
    put_element(buf, "<p class=\"soft\">", layout->hint, "</p>\n");
    if (layout->markup) {
        rp_buf_puts(buf, layout->markup);
    }
    if (layout->button_text || layout->link_text) {
        rp_buf_puts(buf, "<p class=\"actions\">");
        put_link(buf, "button", layout->button_text, layout->button_url);
        put_link(buf, "quiet", layout->link_text, layout->link_url);
        rp_buf_puts(buf, "</p>\n");
    }
    if (layout->facts) {
        rp_buf_puts(buf, "<dl>");
        rp_buf_puts(buf, layout->facts);
        rp_buf_puts(buf, "</dl>\n");
    }
    rp_buf_puts(buf, "</main>\n</body>\n</html>\n");
}

/* CSP Level 3: the only style that counts is the one with this hash. When it cannot be computed
 * the page is plain, not unprotected. */
static const char *style_source(apr_pool_t *pool)
{
    unsigned char hash[RP_SHA256];

    if (rp_hash(hash, RP_SHA256, style, sizeof(style) - 1) != APR_SUCCESS) {
        return "'none'";
    }
    return apr_pstrcat(pool, "'sha256-", rp_base64_encode(hash, sizeof(hash), pool), "'", NULL);
}

void rp_layout_reply(rp_reply_t *reply, rp_env_t *env, const rp_buf_t *body, const char *csp)
{
    reply->outcome = RP_PAGE;
    reply->content_type = "text/html; charset=utf-8";
    reply->csp = csp;
    reply->body = rp_buf_text(body);
    if (rp_buf_status(body) != APR_SUCCESS) {
        rp_debug(env, "page longer than %" APR_SIZE_T_FMT " bytes", RP_MAX_PAGE);
        reply->body = "<!DOCTYPE html><title>Error</title><p>This page is too long to be shown.";
    }
}

void rp_layout_render(rp_reply_t *reply, rp_env_t *env, const rp_layout_t *layout, int status,
                      const char *form_action)
{
    rp_buf_t buf;

    rp_buf_init(&buf, RP_MAX_PAGE, env->pool);
    put_head(&buf, layout);
    put_body(&buf, layout);
    reply->status = status;
    rp_layout_reply(reply, env, &buf,
                    apr_pstrcat(env->pool, "default-src 'none'; style-src ",
                                style_source(env->pool), "; form-action ", form_action,
                                "; frame-ancestors 'none'; base-uri 'none'", NULL));
}
