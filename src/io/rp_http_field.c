#include "rp_http_field.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <string.h>

/* RFC 9111 1.2.2: a larger number of seconds counts as this. */
#define MAX_SECONDS APR_INT64_C(2147483648)

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 5.6.2 */
static int is_token_char(char c)
{
    return apr_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static apr_size_t token_len(const char *text)
{
    apr_size_t len = 0;

    while (is_token_char(text[len])) {
        len++;
    }
    return len;
}

const char *rp_http_media_type(const char *value, apr_pool_t *pool)
{
    apr_size_t type;
    apr_size_t subtype;
    char *text;

    if (!value) {
        return "";
    }
    while (is_space(*value)) {
        value++;
    }
    type = token_len(value);
    if (!type || value[type] != '/') {
        return "";
    }
    subtype = token_len(value + type + 1);
    text = apr_pstrmemdup(pool, value, type + 1 + subtype);
    value += type + 1 + subtype;
    while (is_space(*value)) {
        value++;
    }
    if (!subtype || (*value && *value != ';')) {
        return "";
    }
    for (char *c = text; *c; c++) {
        *c = (char)apr_tolower(*c);
    }
    return text;
}

/* Reads digits up to a character that is none; -1 when there is no digit. */
static apr_int64_t read_seconds(const char **end, const char *text)
{
    apr_int64_t seconds = -1;

    for (; apr_isdigit(*text); text++) {
        seconds = (seconds < 0 ? 0 : seconds * 10) + (*text - '0');
        if (seconds > MAX_SECONDS) {
            seconds = MAX_SECONDS;
        }
    }
    *end = text;
    return seconds;
}

/* The end of a directive: the next comma outside a quoted string. */
static const char *skip_directive(const char *text)
{
    int quoted = 0;

    for (; *text && (quoted || *text != ','); text++) {
        if (*text == '"') {
            quoted = !quoted;
        } else if (quoted && *text == '\\' && text[1]) {
            text++;
        }
    }
    return text;
}

/* The seconds of one directive; -1: it says nothing about them. */
static apr_int64_t directive_seconds(const char *name)
{
    apr_size_t len = token_len(name);
    const char *value = name + len;
    const char *end;

    if ((len == 8 && strncasecmp(name, "no-store", 8) == 0) ||
        (len == 8 && strncasecmp(name, "no-cache", 8) == 0)) {
        return 0;
    }
    if (len != 7 || strncasecmp(name, "max-age", 7) != 0 || *value != '=') {
        return -1;
    }
    value++;
    /* RFC 9111 5.2: both forms of an argument have to be understood. */
    if (*value == '"') {
        value++;
    }
    return read_seconds(&end, value);
}

void rp_http_cache_control(apr_int64_t *max_age, const char *value)
{
    while (value && *value) {
        apr_int64_t seconds;

        while (is_space(*value) || *value == ',') {
            value++;
        }
        seconds = directive_seconds(value);
        if (seconds >= 0 && (*max_age < 0 || seconds < *max_age)) {
            *max_age = seconds;
        }
        value = skip_directive(value);
    }
}

apr_int64_t rp_http_retry_after(const char *value, apr_time_t now)
{
    apr_int64_t seconds;
    const char *end;
    time_t date;

    if (!value) {
        return -1;
    }
    seconds = read_seconds(&end, value);
    if (seconds >= 0 && !*end) {
        return seconds;
    }
    /* RFC 9110 5.6.7: a date begins with the name of its day. */
    if (!apr_isalpha(*value)) {
        return -1;
    }
    date = curl_getdate(value, NULL);
    if (date < 0) {
        return -1;
    }
    seconds = (apr_int64_t)date - apr_time_sec(now);
    if (seconds < 0) {
        return 0;
    }
    return seconds > MAX_SECONDS ? MAX_SECONDS : seconds;
}
