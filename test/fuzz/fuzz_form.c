/* Forms: what is read can be written and read again; nothing bad survives decoding. */
#include "fuzz_env.h"

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_form.h"
#include "../../src/codec/rp_html.h"

static void check_value(const char *name, const char *value, apr_pool_t *pool)
{
    rp_buf_t buf;
    rp_form_t *form;
    const char *again;

    fuzz_check(rp_utf8_valid(value, strlen(value)));
    for (const char *c = value; *c; c++) {
        fuzz_check((unsigned char)*c >= 0x20 && *c != 0x7F);
    }
    rp_buf_init(&buf, RP_MAX_FORM_BODY, pool);
    rp_form_append(&buf, name, value);
    if (rp_buf_status(&buf) != APR_SUCCESS) {
        return;
    }
    fuzz_check(rp_form_parse(&form, rp_buf_text(&buf), buf.len, pool) == APR_SUCCESS);
    fuzz_check(rp_form_get(&again, form, name) == APR_SUCCESS && strcmp(again, value) == 0);
}

static void check_field(const rp_form_t *form, const char *name, apr_pool_t *pool)
{
    const char *value;
    apr_status_t rv = rp_form_get(&value, form, name);

    fuzz_check((rv == APR_SUCCESS) == (value != NULL));
    if (rv == APR_SUCCESS) {
        check_value(name, value, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"code", "state", "iss", "error", "", NULL};
    apr_pool_t *pool = fuzz_pool();
    char *text = fuzz_string(data, size);
    rp_form_t *form;

    /* The form itself with its NULs and without one behind it. */
    if (rp_form_parse(&form, (const char *)data, size, pool) == APR_SUCCESS) {
        for (int i = 0; names[i]; i++) {
            check_field(form, names[i], pool);
        }
    } else {
        fuzz_check(!form);
    }
    rp_url_add_query(text, text, pool);
    rp_html_escape(text, pool);
    fuzz_check(strlen(rp_log_escape(text, 40, pool)) <= 43);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
