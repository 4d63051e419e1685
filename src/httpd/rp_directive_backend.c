/* OAuthBackendToken: a kind, and options of which each kind has its own. */
#include "rp_directive.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#include "rp_config.h"
#include "rp_value.h"

typedef struct {
    rp_option_row_t row;
    unsigned int kinds; /* bits 1 << rp_backend_kind_t that have it */
} option_t;

#define FOR(kind) (1u << RP_BACKEND_##kind)
#define AT(member) offsetof(rp_backend_token_t, member)

/* clang-format off */
static const option_t options[] = {
    {{"provider", {RP_VALUE_TEXT, ""},     AT(provider)}, FOR(SERVICE)},
    {{"scope",    {RP_VALUE_SCOPES, ""},   AT(scope)},    FOR(SERVICE) | FOR(EXCHANGE)},
    {{"audience", {RP_VALUE_TEXT, ""},     AT(audience)}, FOR(SERVICE) | FOR(EXCHANGE)},
    {{"resource", {RP_VALUE_RESOURCE, ""}, AT(resource)}, FOR(USER) | FOR(SERVICE) | FOR(EXCHANGE)},
};
/* clang-format on */

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* The options of one kind. */
static rp_option_table_t table_of(rp_backend_kind_t kind, apr_pool_t *pool)
{
    rp_option_row_t *rows = apr_pcalloc(pool, sizeof(*rows) * OPTION_COUNT);
    rp_option_table_t table = {rows, 0};

    for (apr_size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].kinds & (1u << kind)) {
            rows[table.count++] = options[i].row;
        }
    }
    return table;
}

/* Takes the quotation mark at the end off; 0 when there is none. */
static int close_quote(char *text)
{
    apr_size_t len = strlen(text);

    if (len == 0 || text[len - 1] != '"') {
        return 0;
    }
    text[len - 1] = '\0';
    return 1;
}

/* httpd takes key="two words" apart at the space; this puts it together again, without the quotes.
 * NULL when there is no closing one. */
static char **join_quoted(int *argc, char *const argv[], apr_pool_t *pool)
{
    char **joined = apr_pcalloc(pool, sizeof(char *) * (apr_size_t)(*argc + 1));
    int open = 0;
    int count = 0;

    for (int i = 0; i < *argc; i++) {
        char *quote = open ? NULL : strstr(argv[i], "=\"");

        if (open) {
            joined[count - 1] = apr_pstrcat(pool, joined[count - 1], " ", argv[i], NULL);
        } else if (quote) {
            apr_size_t len = (apr_size_t)(quote + 1 - argv[i]);

            joined[count++] =
                apr_pstrcat(pool, apr_pstrmemdup(pool, argv[i], len), quote + 2, NULL);
        } else {
            joined[count++] = apr_pstrdup(pool, argv[i]);
        }
        open = (open || quote) && !close_quote(joined[count - 1]);
    }
    *argc = count;
    return open ? NULL : joined;
}

static const char *parse_BACKEND(void *slot, const rp_directive_use_t *use, int argc,
                                 char *const argv[])
{
    rp_value_type_t word = {RP_VALUE_WORD, use->row->bounds};
    rp_backend_token_t value;
    rp_option_table_t table;
    char **args;
    const char *why;
    int kind = 0;

    memset(&value, 0, sizeof(value));
    why = rp_value_parse(&kind, &word, argv[0], use->pool);
    if (why) {
        return why;
    }
    value.kind = (rp_backend_kind_t)kind;
    argc--;
    args = join_quoted(&argc, argv + 1, use->pool);
    if (!args) {
        return "a quotation mark is missing at the end";
    }
    table = table_of(value.kind, use->pool);
    if (argc > 0 && table.count == 0) {
        return apr_psprintf(use->pool, "%s takes no options", argv[0]);
    }
    why = rp_value_options(&value, &table, argc, args, use->pool);
    if (!why) {
        *(rp_backend_token_t *)slot = value;
    }
    return why;
}

const rp_directive_type_t rp_directive_type_BACKEND = {1, 0, sizeof(rp_backend_token_t),
                                                       parse_BACKEND, NULL};
