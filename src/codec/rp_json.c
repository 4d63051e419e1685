#include "rp_json.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "rp_json_build.h"

/* The largest number up to which a double holds every integer: 2^53. */
#define SECONDS_MAX APR_INT64_C(9007199254740992)

/* What is open at the point that the scan has reached. */
typedef struct {
    int depth;                         /* of objects and arrays */
    int commas[RP_MAX_JSON_DEPTH + 1]; /* so far in each that is open */
    int values;                        /* in the whole text, not counting too many */
} scan_t;

/* Sets *pos, where a string's first quote stands, to its last one, or to len. */
static const char *scan_string(apr_size_t *pos, const char *text, apr_size_t len)
{
    apr_size_t start = *pos + 1;
    apr_size_t end = start;

    while (end < len && text[end] != '"') {
        end += text[end] == '\\' ? 2 : 1;
    }
    *pos = end < len ? end : len;
    return *pos - start > RP_MAX_JSON_STRING ? "a string is too long" : NULL;
}

static const char *scan_structure(scan_t *scan, char c)
{
    switch (c) {
    case '{':
    case '[':
        if (scan->depth == RP_MAX_JSON_DEPTH) {
            return "nested too deeply";
        }
        scan->commas[++scan->depth] = 0;
        scan->values++;
        break;
    case '}':
    case ']':
        if (scan->depth == 0) {
            return "not well-formed";
        }
        scan->depth--;
        break;
    case ',':
        scan->values++;
        if (++scan->commas[scan->depth] >= RP_MAX_JSON_MEMBERS) {
            return "too many members";
        }
        break;
    default:
        break;
    }
    return scan->values > RP_MAX_JSON_VALUES ? "too many values" : NULL;
}

/* Looks at quotes and brackets alone, before anything is allocated for the text; the grammar is
 * the parser's business. Returns NULL, or what is wrong. */
static const char *scan_limits(const char *text, apr_size_t len)
{
    scan_t scan = {.depth = 0};
    const char *why = NULL;

    for (apr_size_t pos = 0; pos < len && !why; pos++) {
        why = text[pos] == '"' ? scan_string(&pos, text, len) : scan_structure(&scan, text[pos]);
    }
    return why;
}

/* The parser's own words quote the text, which may hold tokens. */
static const char *parser_words(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "a member appears twice";
    case json_error_invalid_utf8:
        return "not valid UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string contains NUL";
    case json_error_numeric_overflow:
        return "a number is too large";
    case json_error_premature_end_of_input:
        return "ends too early";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_out_of_memory:
        return "out of memory";
    default:
        return "not well-formed";
    }
}

static apr_status_t release(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

json_t *rp_json_keep(json_t *json, apr_pool_t *pool)
{
    apr_pool_cleanup_register(pool, json, release, apr_pool_cleanup_null);
    return json;
}

apr_status_t rp_json_parse(json_t **object, const char *text, apr_size_t len, apr_size_t max,
                           apr_pool_t *pool, const char **why)
{
    json_error_t error;
    json_t *json;

    *object = NULL;
    *why = len > max ? "too long" : scan_limits(text, len);
    if (*why) {
        return APR_EINVAL;
    }
    json = rp_json_build(text, len);
    if (!json) {
        json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    }
    if (!json) {
        *why = apr_psprintf(pool, "%s, at byte %d of %" APR_SIZE_T_FMT, parser_words(&error),
                            error.position, len);
        return APR_EINVAL;
    }
    rp_json_keep(json, pool);
    if (!json_is_object(json)) {
        *why = "not an object";
        return APR_EINVAL;
    }
    *object = json;
    return APR_SUCCESS;
}

/* The member, when it has the type. */
static apr_status_t get(json_t **member, const json_t *object, const char *name, json_type type)
{
    json_t *found = json_object_get(object, name);

    *member = NULL;
    if (!json_is_object(object)) {
        return APR_EINVAL;
    }
    if (!found) {
        return APR_NOTFOUND;
    }
    if (json_typeof(found) != type) {
        return APR_EINVAL;
    }
    *member = found;
    return APR_SUCCESS;
}

apr_status_t rp_json_string(const char **value, const json_t *object, const char *name)
{
    json_t *member;
    apr_status_t rv = get(&member, object, name, JSON_STRING);

    *value = rv == APR_SUCCESS ? json_string_value(member) : NULL;
    return rv;
}

apr_status_t rp_json_bool(int *value, const json_t *object, const char *name)
{
    json_t *member;
    apr_status_t rv = get(&member, object, name, JSON_TRUE);

    *value = rv == APR_SUCCESS;
    return rv == APR_EINVAL ? get(&member, object, name, JSON_FALSE) : rv;
}

apr_status_t rp_json_object(json_t **value, const json_t *object, const char *name)
{
    return get(value, object, name, JSON_OBJECT);
}

apr_status_t rp_json_array(json_t **value, const json_t *object, const char *name)
{
    return get(value, object, name, JSON_ARRAY);
}

static apr_status_t push_string(apr_array_header_t *values, const json_t *element)
{
    if (!json_is_string(element)) {
        return APR_EINVAL;
    }
    APR_ARRAY_PUSH(values, const char *) = json_string_value(element);
    return APR_SUCCESS;
}

apr_status_t rp_json_strings(apr_array_header_t **values, const json_t *object, const char *name,
                             int single, apr_pool_t *pool)
{
    apr_array_header_t *made;
    json_t *member;
    apr_status_t rv = get(&member, object, name, JSON_ARRAY);

    *values = NULL;
    if (rv == APR_EINVAL && single) {
        rv = get(&member, object, name, JSON_STRING);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    made = apr_array_make(pool, (int)json_array_size(member) + 1, sizeof(const char *));
    if (json_is_string(member)) {
        rv = push_string(made, member);
    }
    for (apr_size_t i = 0; rv == APR_SUCCESS && i < json_array_size(member); i++) {
        rv = push_string(made, json_array_get(member, i));
    }
    *values = rv == APR_SUCCESS ? made : NULL;
    return rv;
}

apr_status_t rp_json_seconds(apr_int64_t *value, const json_t *object, const char *name)
{
    json_t *member;
    apr_status_t rv = get(&member, object, name, JSON_INTEGER);
    apr_int64_t integer = json_integer_value(member);

    *value = 0;
    if (rv == APR_EINVAL) {
        double real;

        rv = get(&member, object, name, JSON_REAL);
        real = json_real_value(member);
        /* Compared before it is converted: converting what does not fit is undefined. */
        if (rv == APR_SUCCESS && !(real >= 0 && real <= (double)SECONDS_MAX)) {
            return APR_EINVAL;
        }
        integer = (apr_int64_t)real;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (integer < 0 || integer > SECONDS_MAX) {
        return APR_EINVAL;
    }
    *value = integer;
    return APR_SUCCESS;
}

const char *rp_json_text(const json_t *json, apr_pool_t *pool)
{
    const apr_size_t flags = JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY;
    apr_size_t len = json_dumpb(json, NULL, 0, flags);
    char *text = apr_palloc(pool, len + 1);

    json_dumpb(json, text, len, flags);
    text[len] = '\0';
    return text;
}
