/* The types of directives: how arguments become a value. */
#include "rp_directive.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#include "../flow/rp_export.h"
#include "../oauth/rp_authorization.h"
#include "rp_config.h"
#include "rp_value.h"

/* --- one value of a kind --- */

#define SINGLE(name, value_kind, slot_type)                                                        \
    static const char *parse_##name(void *slot, const rp_directive_use_t *use, int argc,           \
                                    char *const argv[])                                            \
    {                                                                                              \
        rp_value_type_t type = {value_kind, use->row->bounds};                                     \
                                                                                                   \
        (void)argc;                                                                                \
        return rp_value_parse(slot, &type, argv[0], use->pool);                                    \
    }                                                                                              \
    const rp_directive_type_t rp_directive_type_##name = {1, 1, sizeof(slot_type), parse_##name,   \
                                                          NULL};

SINGLE(TEXT, RP_VALUE_TEXT, const char *)
SINGLE(ISSUER, RP_VALUE_ISSUER, const char *)
SINGLE(METADATA, RP_VALUE_METADATA, const char *)
SINGLE(WORD, RP_VALUE_WORD, int)
SINGLE(SECONDS, RP_VALUE_SECONDS, int)
SINGLE(PATH, RP_VALUE_PATH, const char *)
SINGLE(ORIGIN, RP_VALUE_ORIGIN, const char *)
SINGLE(DIRECTORY, RP_VALUE_DIR, const char *)

/* --- key=value --- */

#define OPTIONS(name, max, slot_type, ...)                                                         \
    static const rp_option_row_t options_##name[] = {__VA_ARGS__};                                 \
    static const char *parse_##name(void *slot, const rp_directive_use_t *use, int argc,           \
                                    char *const argv[])                                            \
    {                                                                                              \
        rp_option_table_t table = {options_##name,                                                 \
                                   sizeof(options_##name) / sizeof(options_##name[0])};            \
                                                                                                   \
        return parse_options(slot, sizeof(slot_type), &table, use, argc, argv);                    \
    }                                                                                              \
    const rp_directive_type_t rp_directive_type_##name = {1, max, sizeof(slot_type), parse_##name, \
                                                          NULL};

#define OPTION(key, kind, bounds, slot_type, member)                                               \
    {                                                                                              \
        key, {kind, bounds}, offsetof(slot_type, member)                                           \
    }

/* What a line leaves out has its default, whatever an outer section said. */
static void seed_options(void *value, const rp_option_table_t *table, const rp_directive_use_t *use)
{
    const char *standard = use->row->standard;
    char **words;
    int count = 0;

    if (!use->cmd || standard[0] == '\0' || standard[0] == '(' ||
        apr_tokenize_to_argv(standard, &words, use->pool) != APR_SUCCESS) {
        return;
    }
    while (words[count]) {
        count++;
    }
    rp_value_options(value, table, count, words, use->pool);
}

static const char *parse_options(void *slot, apr_size_t size, const rp_option_table_t *table,
                                 const rp_directive_use_t *use, int argc, char *const argv[])
{
    char *value = apr_pcalloc(use->pool, size);
    const char *why;

    seed_options(value, table, use);
    why = rp_value_options(value, table, argc, argv, use->pool);
    if (!why) {
        memcpy(slot, value, size);
    }
    return why;
}

OPTIONS(TLS, 3, rp_tls_options_t, OPTION("ca", RP_VALUE_FILE, "", rp_tls_options_t, ca),
        OPTION("proxy", RP_VALUE_PROXY, "", rp_tls_options_t, proxy),
        OPTION("min", RP_VALUE_WORD, "1.2|1.3", rp_tls_options_t, min))

OPTIONS(TIMEOUT, 2, rp_timeout_options_t,
        OPTION("connect", RP_VALUE_DURATION, "1ms..60s", rp_timeout_options_t, connect),
        OPTION("total", RP_VALUE_DURATION, "1ms..120s", rp_timeout_options_t, total))

OPTIONS(COOKIE, 4, rp_cookie_options_t,
        OPTION("name", RP_VALUE_TEXT, "", rp_cookie_options_t, name),
        OPTION("domain", RP_VALUE_TEXT, "", rp_cookie_options_t, domain),
        OPTION("path", RP_VALUE_TEXT, "", rp_cookie_options_t, path),
        OPTION("samesite", RP_VALUE_WORD, "lax|strict|none", rp_cookie_options_t, samesite))

static const rp_option_row_t options_LIFETIME[] = {
    OPTION("", RP_VALUE_DURATION, "1s..400d", rp_session_limits_t, max),
    OPTION("idle", RP_VALUE_DURATION, "0s..400d", rp_session_limits_t, idle)};

static const char *parse_LIFETIME(void *slot, const rp_directive_use_t *use, int argc,
                                  char *const argv[])
{
    rp_option_table_t table = {options_LIFETIME, 2};
    rp_session_limits_t limits;
    const char *why = parse_options(&limits, sizeof(limits), &table, use, argc, argv);

    if (why) {
        return why;
    }
    if (limits.idle > limits.max && argc > 1) {
        return "idle= is longer than the session may last at all";
    }
    if (limits.idle > limits.max) {
        limits.idle = limits.max;
    }
    *(rp_session_limits_t *)slot = limits;
    return NULL;
}

const rp_directive_type_t rp_directive_type_LIFETIME = {1, 2, sizeof(rp_session_limits_t),
                                                        parse_LIFETIME, NULL};

/* return= may be a path or a URL of any origin, so only its form is looked at here. */
OPTIONS(LOGOUT, 2, rp_logout_options_t,
        OPTION("return", RP_VALUE_TEXT, "", rp_logout_options_t, destination),
        OPTION("revoke", RP_VALUE_WORD, "off|on", rp_logout_options_t, revoke))

static const char *parse_STORE(void *slot, const rp_directive_use_t *use, int argc,
                               char *const argv[])
{
    rp_store_choice_t choice;
    const char *why = rp_store_choice_parse(&choice, argv[0], use->row->bounds, use->pool);

    (void)argc;
    if (!why) {
        *(rp_store_choice_t *)slot = choice;
    }
    return why;
}

const rp_directive_type_t rp_directive_type_STORE = {1, 1, sizeof(rp_store_choice_t), parse_STORE,
                                                     NULL};

/* --- lists --- */

static const char *parse_kinds(void *slot, const rp_directive_use_t *use, rp_value_kind_t kind,
                               int argc, char *const argv[])
{
    apr_array_header_t *list = apr_array_make(use->pool, argc, sizeof(const char *));
    rp_value_type_t type = {kind, ""};

    for (int i = 0; i < argc; i++) {
        const char *why = rp_value_parse(apr_array_push(list), &type, argv[i], use->pool);

        if (why) {
            return why;
        }
    }
    *(const apr_array_header_t **)slot = list;
    return NULL;
}

static const char *parse_LIST(void *slot, const rp_directive_use_t *use, int argc,
                              char *const argv[])
{
    return parse_kinds(slot, use, RP_VALUE_TEXT, argc, argv);
}

static const char *parse_ORIGINS(void *slot, const rp_directive_use_t *use, int argc,
                                 char *const argv[])
{
    return parse_kinds(slot, use, RP_VALUE_ORIGIN, argc, argv);
}

static const char *parse_SCOPES(void *slot, const rp_directive_use_t *use, int argc,
                                char *const argv[])
{
    return parse_kinds(slot, use, RP_VALUE_SCOPE, argc, argv);
}

static const char *parse_RESOURCES(void *slot, const rp_directive_use_t *use, int argc,
                                   char *const argv[])
{
    return parse_kinds(slot, use, RP_VALUE_RESOURCE, argc, argv);
}

static const char *parse_NETWORKS(void *slot, const rp_directive_use_t *use, int argc,
                                  char *const argv[])
{
    apr_array_header_t *list = apr_array_make(use->pool, argc, sizeof(apr_ipsubnet_t *));

    for (int i = 0; i < argc; i++) {
        char *address = apr_pstrdup(use->pool, argv[i]);
        char *mask = strchr(address, '/');
        apr_ipsubnet_t *network;

        if (mask) {
            *mask++ = '\0';
        }
        if (apr_ipsubnet_create(&network, address, mask, use->pool) != APR_SUCCESS) {
            return apr_psprintf(use->pool, "\"%s\" is not an address or network like 10.0.0.0/8",
                                argv[i]);
        }
        APR_ARRAY_PUSH(list, apr_ipsubnet_t *) = network;
    }
    *(const apr_array_header_t **)slot = list;
    return NULL;
}

/* int: a bit for each word of the bounds. */
static const char *parse_WORDS(void *slot, const rp_directive_use_t *use, int argc,
                               char *const argv[])
{
    rp_value_type_t type = {RP_VALUE_WORD, use->row->bounds};
    unsigned int bits = 0;

    for (int i = 0; i < argc; i++) {
        int word = 0;
        const char *why = rp_value_parse(&word, &type, argv[i], use->pool);

        if (why) {
            return why;
        }
        bits |= 1u << word;
    }
    *(int *)slot = (int)bits;
    return NULL;
}

static const char *parse_ALGS(void *slot, const rp_directive_use_t *use, int argc,
                              char *const argv[])
{
    rp_alg_set_t set = 0;

    for (int i = 0; i < argc; i++) {
        rp_alg_t alg;

        if (rp_alg_find(&alg, argv[i]) != APR_SUCCESS) {
            return apr_psprintf(use->pool,
                                "\"%s\" is not a signing algorithm; there are RS, PS, ES and HS "
                                "with 256, 384 and 512 (RS256), and EdDSA",
                                argv[i]);
        }
        set |= 1u << alg;
    }
    *(rp_alg_set_t *)slot = set;
    return NULL;
}

#define LISTED(name, slot_type)                                                                    \
    const rp_directive_type_t rp_directive_type_##name = {1, 0, sizeof(slot_type), parse_##name,   \
                                                          NULL};

LISTED(LIST, const apr_array_header_t *)
LISTED(SCOPES, const apr_array_header_t *)
LISTED(ORIGINS, const apr_array_header_t *)
LISTED(RESOURCES, const apr_array_header_t *)
LISTED(NETWORKS, const apr_array_header_t *)
LISTED(ALGS, rp_alg_set_t)
LISTED(WORDS, int)

/* --- one line for each name: what an inner section says is added to the outer --- */

static const char *parse_ENDPOINT(void *slot, const rp_directive_use_t *use, int argc,
                                  char *const argv[])
{
    const char **endpoints = slot;
    rp_value_type_t type = {RP_VALUE_URL, ""};

    (void)argc;
    for (int i = 0; i < RP_ENDPOINT_COUNT; i++) {
        if (strcasecmp(argv[0], rp_endpoint_name((rp_endpoint_t)i)) == 0) {
            return rp_value_parse(&endpoints[i], &type, argv[1], use->pool);
        }
    }
    return apr_psprintf(use->pool,
                        "\"%s\" is not an endpoint; there are authorization, token, userinfo, "
                        "introspection, revocation, end_session and jwks",
                        argv[0]);
}

static void merge_ENDPOINT(void *slot, const void *base, const void *more, apr_pool_t *pool)
{
    const char **endpoints = slot;
    const char *const *outer = base;
    const char *const *inner = more;

    (void)pool;
    for (int i = 0; i < RP_ENDPOINT_COUNT; i++) {
        endpoints[i] = inner[i] ? inner[i] : outer[i];
    }
}

const rp_directive_type_t rp_directive_type_ENDPOINT = {
    2, 2, sizeof(const char *[RP_ENDPOINT_COUNT]), parse_ENDPOINT, merge_ENDPOINT};

static const char *parse_PARAMETER(void *slot, const rp_directive_use_t *use, int argc,
                                   char *const argv[])
{
    const apr_table_t **parameters = slot;
    apr_table_t *table;

    (void)argc;
    if (!*argv[0] || rp_authorization_is_protocol_parameter(argv[0])) {
        return apr_psprintf(use->pool,
                            "\"%s\" belongs to the protocol, which sets it itself; another "
                            "directive may be meant for it",
                            argv[0]);
    }
    table = *parameters ? apr_table_copy(use->pool, *parameters) : apr_table_make(use->pool, 4);
    apr_table_set(table, argv[0], argv[1]);
    *parameters = table;
    return NULL;
}

static void merge_PARAMETER(void *slot, const void *base, const void *more, apr_pool_t *pool)
{
    const apr_table_t *outer = *(const apr_table_t *const *)base;
    const apr_table_t *inner = *(const apr_table_t *const *)more;
    apr_table_t *both;

    if (!outer) {
        *(const apr_table_t **)slot = inner;
        return;
    }
    both = apr_table_copy(pool, outer);
    apr_table_overlap(both, inner, APR_OVERLAP_TABLES_SET);
    *(const apr_table_t **)slot = both;
}

const rp_directive_type_t rp_directive_type_PARAMETER = {2, 2, sizeof(const apr_table_t *),
                                                         parse_PARAMETER, merge_PARAMETER};

static const char *parse_TEMPLATE(void *slot, const rp_directive_use_t *use, int argc,
                                  char *const argv[])
{
    rp_template_file_t *templates = slot;
    rp_value_type_t word = {RP_VALUE_WORD, use->row->bounds};
    rp_value_type_t file = {RP_VALUE_FILE, ""};
    int kind = 0;
    const char *why = rp_value_parse(&kind, &word, argv[0], use->pool);

    (void)argc;
    if (why) {
        return why;
    }
    why = rp_value_parse(&templates[kind].file, &file, argv[1], use->pool);
    return why ? apr_pstrcat(use->pool, "OA-1012: ", why, NULL) : NULL;
}

static void merge_TEMPLATE(void *slot, const void *base, const void *more, apr_pool_t *pool)
{
    rp_template_file_t *templates = slot;
    const rp_template_file_t *outer = base;
    const rp_template_file_t *inner = more;

    (void)pool;
    for (int i = 0; i < RP_TEMPLATES; i++) {
        templates[i] = inner[i].file ? inner[i] : outer[i];
    }
}

const rp_directive_type_t rp_directive_type_TEMPLATE = {
    2, 2, sizeof(rp_template_file_t[RP_TEMPLATES]), parse_TEMPLATE, merge_TEMPLATE};

/* --- a claim or an expression --- */

/* A claim's name may be nearly anything (a URL, at some providers), but not have "%{" in it. */
static const char *parse_source(rp_source_t *source, const rp_directive_use_t *use,
                                const char *text)
{
    const char *why = NULL;

    source->claim = NULL;
    source->expr = NULL;
    if (!*text) {
        return "the value is empty; give a claim or an expression with %{...} in it";
    }
    if (!use->cmd || !strstr(text, "%{")) {
        source->claim = apr_pstrdup(use->pool, text);
        return NULL;
    }
    source->expr =
        ap_expr_parse_cmd_mi(use->cmd, text, AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY,
                             &why, NULL, auth_oauth_module.module_index);
    return why ? apr_psprintf(use->pool, "the expression \"%s\" is wrong: %s", text, why) : NULL;
}

static const char *parse_SOURCE(void *slot, const rp_directive_use_t *use, int argc,
                                char *const argv[])
{
    (void)argc;
    return parse_source(slot, use, argv[0]);
}

const rp_directive_type_t rp_directive_type_SOURCE = {1, 1, sizeof(rp_source_t), parse_SOURCE,
                                                      NULL};

/* RFC 9110 5.6.2, without what hop-by-hop handling and framing are made of. */
static const char *check_header_name(const char *name, apr_pool_t *pool)
{
    static const char *const taken[] = {
        "Host",    "Connection", "Content-Length", "Transfer-Encoding",
        "Upgrade", "Cookie",     "Trailer",        "Proxy-Connection",
        "TE",      "Expect",     "Range",          NULL,
    };

    for (const char *const *other = taken; *other; other++) {
        if (rp_export_same_header(*other, name)) {
            return apr_psprintf(pool, "\"%s\" has a meaning of its own in HTTP", name);
        }
    }
    for (const char *c = name; *c; c++) {
        if (!apr_isalnum(*c) && !strchr("!#$%&'*+-.^_`|~", *c)) {
            return apr_psprintf(pool, "\"%s\" is not a header name like X-Department", name);
        }
    }
    return *name ? NULL : "the header has no name";
}

static void put_header(apr_array_header_t *rows, const rp_header_row_t *header)
{
    for (int i = 0; i < rows->nelts; i++) {
        rp_header_row_t *row = &APR_ARRAY_IDX(rows, i, rp_header_row_t);

        if (rp_export_same_header(row->name, header->name)) {
            *row = *header;
            return;
        }
    }
    APR_ARRAY_PUSH(rows, rp_header_row_t) = *header;
}

static const char *parse_HEADER(void *slot, const rp_directive_use_t *use, int argc,
                                char *const argv[])
{
    const apr_array_header_t **rows = slot;
    apr_array_header_t *list;
    rp_header_row_t header;
    const char *why = check_header_name(argv[0], use->pool);

    (void)argc;
    header.name = apr_pstrdup(use->pool, argv[0]);
    if (!why) {
        why = parse_source(&header.source, use, argv[1]);
    }
    if (why) {
        return why;
    }
    list = *rows ? apr_array_copy(use->pool, *rows)
                 : apr_array_make(use->pool, 4, sizeof(rp_header_row_t));
    put_header(list, &header);
    *rows = list;
    return NULL;
}

static void merge_HEADER(void *slot, const void *base, const void *more, apr_pool_t *pool)
{
    const apr_array_header_t *outer = *(const apr_array_header_t *const *)base;
    const apr_array_header_t *inner = *(const apr_array_header_t *const *)more;
    apr_array_header_t *both;

    if (!outer) {
        *(const apr_array_header_t **)slot = inner;
        return;
    }
    both = apr_array_copy(pool, outer);
    for (int i = 0; i < inner->nelts; i++) {
        put_header(both, &APR_ARRAY_IDX(inner, i, rp_header_row_t));
    }
    *(const apr_array_header_t **)slot = both;
}

const rp_directive_type_t rp_directive_type_HEADER = {2, 2, sizeof(const apr_array_header_t *),
                                                      parse_HEADER, merge_HEADER};
