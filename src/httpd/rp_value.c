#include "rp_value.h"

#include <httpd.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <http_config.h>
#include <stdint.h>
#include <string.h>

#include "../codec/rp_url.h"
#include "../flow/rp_export.h"

typedef struct {
    const char *unit;
    apr_int64_t factor;
} unit_t;

static const unit_t time_units[] = {
    {"", APR_USEC_PER_SEC},
    {"ms", 1000},
    {"s", APR_USEC_PER_SEC},
    {"m", 60 * APR_USEC_PER_SEC},
    {"h", 3600 * APR_USEC_PER_SEC},
    {"d", 86400 * APR_USEC_PER_SEC},
    {NULL, 0},
};

static const unit_t size_units[] = {
    {"", 1}, {"K", 1024}, {"M", APR_INT64_C(1048576)}, {"G", APR_INT64_C(1073741824)}, {NULL, 0},
};

/* Most decimal digits that a number may have: enough for years in microseconds, too few to pass
 * the end of an apr_int64_t before the factor is looked at. */
#define MAX_DIGITS 12

/* The factor of a unit; 0 when there is none of that name. */
static apr_int64_t find_factor(const char *name, apr_size_t len, const unit_t *units)
{
    for (const unit_t *unit = units; unit->unit; unit++) {
        if (strlen(unit->unit) == len && strncasecmp(unit->unit, name, len) == 0) {
            return unit->factor;
        }
    }
    return 0;
}

/* A decimal number and one of the units; 0 when it is not one. */
static int parse_quantity(apr_int64_t *value, const char *text, apr_size_t len, const unit_t *units)
{
    apr_int64_t number = 0;
    apr_int64_t factor;
    apr_size_t digits = 0;

    while (digits < len && digits < MAX_DIGITS && apr_isdigit(text[digits])) {
        number = number * 10 + (text[digits] - '0');
        digits++;
    }
    factor = find_factor(text + digits, len - digits, units);
    if (digits == 0 || factor == 0 || number > INT64_MAX / factor) {
        return 0;
    }
    *value = number * factor;
    return 1;
}

/* A quantity within "min..max", which is written in the same notation. */
static const char *parse_bounded(apr_int64_t *value, const char *text, const unit_t *units,
                                 const char *bounds, apr_pool_t *pool)
{
    const char *between = strstr(bounds, "..");
    apr_int64_t min = 0;
    apr_int64_t max = INT64_MAX;

    if (!parse_quantity(value, text, strlen(text), units)) {
        return apr_psprintf(pool, "\"%s\" is not %s", text,
                            units == time_units ? "a time; write it like 8h, 30m, 45s or 500ms"
                                                : "a size; write it like 64M, 512K or 1G");
    }
    if (between) {
        parse_quantity(&min, bounds, (apr_size_t)(between - bounds), units);
        parse_quantity(&max, between + 2, strlen(between + 2), units);
    }
    if (*value < min || *value > max) {
        return apr_psprintf(pool, "\"%s\" is out of bounds; it may be %s", text, bounds);
    }
    return NULL;
}

static const char *parse_word(int *index, const char *text, const char *words, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);
    int n = 0;

    for (const char *word = words; *word; n++) {
        const char *end = strchr(word, '|');
        apr_size_t word_len = end ? (apr_size_t)(end - word) : strlen(word);

        if (word_len == len && strncasecmp(word, text, len) == 0) {
            *index = n;
            return NULL;
        }
        word += end ? word_len + 1 : word_len;
    }
    return apr_psprintf(pool, "\"%s\" is not one of %s", text, words);
}

static const char *parse_url(rp_url_t *url, const char *text, apr_pool_t *pool)
{
    if (rp_url_parse(url, text, pool) != APR_SUCCESS) {
        return apr_psprintf(pool,
                            "\"%s\" is not an absolute URL like https://login.example.com/path "
                            "(no user name, no fragment, ASCII only)",
                            text);
    }
    return NULL;
}

static const char *parse_secure_url(const char **slot, int with_query, const char *text,
                                    apr_pool_t *pool)
{
    rp_url_t url;
    const char *why = parse_url(&url, text, pool);

    if (why) {
        return why;
    }
    if (strcmp(url.scheme, "https") != 0 && !rp_url_is_loopback(&url)) {
        return apr_psprintf(pool,
                            "OA-1006: \"%s\" is not protected; use https (plain http is accepted "
                            "for loopback addresses only)",
                            text);
    }
    if (url.query && !with_query) {
        return apr_psprintf(pool, "\"%s\" has a query, which an issuer cannot have", text);
    }
    *slot = apr_pstrdup(pool, text);
    return NULL;
}

static const char *parse_proxy(const char **slot, const char *text, apr_pool_t *pool)
{
    rp_url_t url;
    const char *why = parse_url(&url, text, pool);

    if (why) {
        return why;
    }
    *slot = apr_pstrdup(pool, text);
    return NULL;
}

static const char *parse_origin(const char **slot, const char *text, apr_pool_t *pool)
{
    rp_url_t url;

    if (rp_url_parse(&url, text, pool) != APR_SUCCESS || strcmp(url.path, "/") != 0 || url.query) {
        return apr_psprintf(pool,
                            "\"%s\" is not an origin: scheme, name and port only, like "
                            "https://www.example.com",
                            text);
    }
    *slot = url.origin;
    return NULL;
}

/* RFC 3986 2.3, and '/'. */
static int is_path_char(char c)
{
    return apr_isalnum(c) || strchr("-._~/", c) != NULL;
}

static const char *parse_path(const char **slot, const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);
    int good = len > 1 && text[0] == '/' && text[len - 1] != '/' && !strstr(text, "//") &&
               !strstr(text, "/.");

    for (const char *c = text; good && *c; c++) {
        good = is_path_char(*c);
    }
    if (!good) {
        return apr_psprintf(pool,
                            "\"%s\" is not a path like /oauth: it begins with a slash, does not "
                            "end in one, and has letters, digits and -._~ only",
                            text);
    }
    *slot = apr_pstrdup(pool, text);
    return NULL;
}

static const char *parse_dir(const char **slot, const char *text, apr_pool_t *pool)
{
    const char *name = ap_server_root_relative(pool, text);

    if (!name) {
        return apr_psprintf(pool, "\"%s\" is not a file name", text);
    }
    *slot = name;
    return NULL;
}

static const char *parse_file(const char **slot, const char *text, apr_pool_t *pool)
{
    const char *name = NULL;
    const char *why = parse_dir(&name, text, pool);
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;

    if (why) {
        return why;
    }
    rv = apr_file_open(&file, name, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_TYPE, file);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS) {
        char text_of_error[120];

        return apr_psprintf(pool, "\"%s\" cannot be read: %s", name,
                            apr_strerror(rv, text_of_error, sizeof(text_of_error)));
    }
    if (info.filetype != APR_REG) {
        return apr_psprintf(pool, "\"%s\" is not a regular file", name);
    }
    *slot = name;
    return NULL;
}

/* RFC 9110 5.6.2, without what hop-by-hop handling and framing are made of. */
static const char *parse_header(const char **slot, const char *name, apr_pool_t *pool)
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
    *slot = apr_pstrdup(pool, name);
    return NULL;
}

static const char *parse_metadata(const char **slot, const char *text, apr_pool_t *pool)
{
    const char *file = NULL;
    const char *why;

    if (strcasecmp(text, "none") == 0) {
        *slot = "none";
        return NULL;
    }
    if (strncmp(text, "file:", 5) != 0) {
        return parse_secure_url(slot, 1, text, pool);
    }
    why = parse_file(&file, text + 5, pool);
    if (!why) {
        *slot = apr_pstrcat(pool, "file:", file, NULL);
    }
    return why;
}

/* RFC 6749 3.3: scope-token. */
static int is_scope(const char *text, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++) {
        if (!apr_isgraph(text[i]) || (unsigned char)text[i] > 126 || text[i] == '"' ||
            text[i] == '\\') {
            return 0;
        }
    }
    return len > 0;
}

static const char *parse_scope(const char **slot, const char *text, apr_pool_t *pool)
{
    if (!is_scope(text, strlen(text))) {
        return apr_psprintf(pool, "\"%s\" is not a scope: no spaces, quotes or backslashes", text);
    }
    *slot = apr_pstrdup(pool, text);
    return NULL;
}

static const char *parse_scopes(const char **slot, const char *text, apr_pool_t *pool)
{
    for (const char *word = text; word;) {
        const char *space = strchr(word, ' ');

        if (!is_scope(word, space ? (apr_size_t)(space - word) : strlen(word))) {
            return apr_psprintf(pool, "\"%s\" is not a list of scopes separated by single spaces",
                                text);
        }
        word = space ? space + 1 : NULL;
    }
    *slot = apr_pstrdup(pool, text);
    return NULL;
}

/* RFC 8707 2: an absolute URI without a fragment; of any scheme. */
static int is_resource(const char *text)
{
    const char *c = text;

    if (!apr_isalpha(*c)) {
        return 0;
    }
    while (apr_isalnum(*c) || *c == '+' || *c == '-' || *c == '.') {
        c++;
    }
    if (*c != ':' || c[1] == '\0') {
        return 0;
    }
    for (; *c; c++) {
        if (!apr_isgraph(*c) || *c == '#' || (unsigned char)*c > 126) {
            return 0;
        }
    }
    return 1;
}

static const char *parse_resource(const char **slot, const char *text, apr_pool_t *pool)
{
    if (!is_resource(text)) {
        return apr_psprintf(pool, "\"%s\" is not an absolute URI without fragment", text);
    }
    *slot = apr_pstrdup(pool, text);
    return NULL;
}

static const char *parse_number(void *slot, const rp_value_type_t *type, const char *text,
                                apr_pool_t *pool)
{
    const unit_t *units = type->kind == RP_VALUE_SIZE ? size_units : time_units;
    apr_int64_t value = 0;
    const char *why = parse_bounded(&value, text, units, type->bounds, pool);

    if (why) {
        return why;
    }
    if (type->kind == RP_VALUE_SECONDS) {
        *(int *)slot = (int)apr_time_sec(value);
    } else if (type->kind == RP_VALUE_SIZE) {
        *(apr_size_t *)slot = (apr_size_t)value;
    } else {
        *(apr_interval_time_t *)slot = value;
    }
    return NULL;
}

const char *rp_value_parse(void *slot, const rp_value_type_t *type, const char *text,
                           apr_pool_t *pool)
{
    const char **string = slot;

    if (!*text) {
        return "the value is empty";
    }
    switch (type->kind) {
    case RP_VALUE_TEXT:
        *string = apr_pstrdup(pool, text);
        return NULL;
    case RP_VALUE_WORD:
        return parse_word(slot, text, type->bounds, pool);
    case RP_VALUE_SECONDS:
    case RP_VALUE_DURATION:
    case RP_VALUE_SIZE:
        return parse_number(slot, type, text, pool);
    case RP_VALUE_URL:
        return parse_secure_url(string, 1, text, pool);
    case RP_VALUE_PROXY:
        return parse_proxy(string, text, pool);
    case RP_VALUE_ISSUER:
        return parse_secure_url(string, 0, text, pool);
    case RP_VALUE_ORIGIN:
        return parse_origin(string, text, pool);
    case RP_VALUE_PATH:
        return parse_path(string, text, pool);
    case RP_VALUE_SCOPE:
        return parse_scope(string, text, pool);
    case RP_VALUE_SCOPES:
        return parse_scopes(string, text, pool);
    case RP_VALUE_RESOURCE:
        return parse_resource(string, text, pool);
    case RP_VALUE_HEADER:
        return parse_header(string, text, pool);
    case RP_VALUE_METADATA:
        return parse_metadata(string, text, pool);
    case RP_VALUE_FILE:
        return parse_file(string, text, pool);
    case RP_VALUE_DIR:
        return parse_dir(string, text, pool);
    }
    return "unknown kind of value";
}

static const char *option_names(const rp_option_table_t *table, apr_pool_t *pool)
{
    const char *names = "";

    for (apr_size_t i = 0; i < table->count; i++) {
        if (*table->rows[i].key) {
            names = apr_pstrcat(pool, names, *names ? ", " : "", table->rows[i].key, "=", NULL);
        }
    }
    return names;
}

static const rp_option_row_t *find_option(const rp_option_table_t *table, const char *key,
                                          apr_size_t len)
{
    for (apr_size_t i = 0; i < table->count; i++) {
        const char *name = table->rows[i].key;

        if (strlen(name) == len && strncasecmp(name, key, len) == 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

/* One argument into the struct at slot. */
static const char *parse_option(void *slot, const rp_option_row_t *row, const char *arg,
                                apr_pool_t *pool)
{
    const char *equals = *row->key ? strchr(arg, '=') : NULL;
    const char *why =
        rp_value_parse((char *)slot + row->offset, &row->type, equals ? equals + 1 : arg, pool);

    return why && *row->key ? apr_pstrcat(pool, row->key, "=: ", why, NULL) : why;
}

const char *rp_value_options(void *slot, const rp_option_table_t *table, int argc,
                             char *const argv[], apr_pool_t *pool)
{
    unsigned int seen = 0;

    for (int i = 0; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        apr_size_t len = equals ? (apr_size_t)(equals - argv[i]) : 0;
        const rp_option_row_t *row = (equals || i == 0) ? find_option(table, argv[i], len) : NULL;
        const char *why;

        if (!row) {
            return apr_psprintf(pool, "\"%s\" is not understood; it takes %s", argv[i],
                                option_names(table, pool));
        }
        if (seen & (1u << (row - table->rows))) {
            return apr_psprintf(pool, "\"%s\" is given twice", argv[i]);
        }
        seen |= 1u << (row - table->rows);
        why = parse_option(slot, row, argv[i], pool);
        if (why) {
            return why;
        }
    }
    return NULL;
}
