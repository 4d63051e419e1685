#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_utf8.h"
#include "rp_page.h"
#include "rp_page_layout.h"

#define OPEN "{{"
#define CLOSE "}}"
#define MARK_LEN 2
#define NAMES_MAX 7

/* What each kind of page knows, and what it cannot do without. */
typedef struct {
    const char *names[NAMES_MAX]; /* NULL-terminated */
    const char *needed;           /* NULL: none */
} kind_t;

static const kind_t kinds[RP_TEMPLATES] = {
    [RP_TEMPLATE_LOGIN] = {{"title", "message", "providers", "return_url", NULL}, "providers"},
    [RP_TEMPLATE_ERROR] = {{"title", "message", "id", "reference", "time", "return_url", NULL},
                           NULL},
    [RP_TEMPLATE_LOGOUT] = {{"title", "message", "form", "return_url", NULL}, "form"},
};

/* The next placeholder: the name between its marks, without blanks. Returns 0 when there is none;
 * *name is NULL for one that is not closed. */
static int next_placeholder(const char **before_end, const char **name, apr_size_t *name_len,
                            const char **rest, const char *text)
{
    const char *open = strstr(text, OPEN);
    const char *close;

    *name = NULL;
    *name_len = 0;
    if (!open) {
        return 0;
    }
    *before_end = open;
    *rest = open + MARK_LEN;
    close = strstr(open, CLOSE);
    if (close) {
        *name = open + MARK_LEN + strspn(open + MARK_LEN, " ");
        *name_len = strcspn(*name, " }");
        *rest = close + MARK_LEN;
    }
    return 1;
}

static int is_name(const char *known, const char *name, apr_size_t len)
{
    return strlen(known) == len && strncmp(known, name, len) == 0;
}

static int knows(const kind_t *kind, const char *name, apr_size_t len)
{
    for (int i = 0; kind->names[i]; i++) {
        if (is_name(kind->names[i], name, len)) {
            return 1;
        }
    }
    return 0;
}

const char *rp_page_template_check(rp_template_t kind, const char *text, apr_pool_t *pool)
{
    const kind_t *rules = &kinds[kind];
    int has_needed = rules->needed == NULL;
    apr_size_t text_len = strlen(text);
    const char *end;
    const char *name;
    apr_size_t len;

    if (text_len > RP_MAX_TEMPLATE) {
        return apr_psprintf(pool, "longer than %d bytes", RP_MAX_TEMPLATE);
    }
    if (!rp_utf8_valid(text, text_len)) {
        return "not UTF-8";
    }
    while (next_placeholder(&end, &name, &len, &text, text)) {
        if (!name) {
            return "a {{ without }}";
        }
        if (!knows(rules, name, len)) {
            return apr_psprintf(pool, "unknown placeholder {{%.*s}}", len > 40 ? 40 : (int)len,
                                name);
        }
        has_needed |= rules->needed && is_name(rules->needed, name, len);
    }
    return has_needed ? NULL : apr_psprintf(pool, "placeholder {{%s}} is missing", rules->needed);
}

static const rp_placeholder_t *find(const rp_placeholder_t *values, const char *name,
                                    apr_size_t len)
{
    while (values->name && !is_name(values->name, name, len)) {
        values++;
    }
    return values;
}

static void put_value(rp_buf_t *buf, const rp_placeholder_t *value)
{
    if (value->value && value->markup) {
        rp_buf_puts(buf, value->value);
    } else if (value->value) {
        rp_layout_text(buf, value->value);
    }
}

void rp_template_render(rp_reply_t *reply, rp_env_t *env, const char *text,
                        const rp_placeholder_t *values, const char *form_action)
{
    const char *end;
    const char *name;
    const char *rest;
    apr_size_t len;
    rp_buf_t buf;

    rp_buf_init(&buf, RP_MAX_PAGE, env->pool);
    while (next_placeholder(&end, &name, &len, &rest, text) && name) {
        rp_buf_put(&buf, text, (apr_size_t)(end - text));
        put_value(&buf, find(values, name, len));
        text = rest;
    }
    rp_buf_puts(&buf, text);
    /* The administrator's own styles and pictures, from this site; still no script. */
    rp_layout_reply(reply, env, &buf,
                    apr_pstrcat(env->pool,
                                "default-src 'none'; style-src 'self' 'unsafe-inline'; "
                                "img-src 'self' data:; font-src 'self'; form-action ",
                                form_action, "; frame-ancestors 'none'; base-uri 'none'", NULL));
}
