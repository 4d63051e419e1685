#include "rp_json_build.h"

#include <string.h>

#include "rp_utf8.h"

/* So many digits fit 64 bits whatever they are. */
#define DIGITS_MAX 18
/* Of a member that is read quickly. */
#define NAME_MAX_LEN 255

typedef struct {
    const char *at;
    const char *end;
} cursor_t;

static json_t *build_value(cursor_t *cursor);

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(cursor_t *cursor)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at)) {
        cursor->at++;
    }
}

/* Takes the character c, with the blanks around it; 0 when another stands there. */
static int take(cursor_t *cursor, char c)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != c) {
        return 0;
    }
    cursor->at++;
    skip_blanks(cursor);
    return 1;
}

/* What jansson makes of a piece that is a value by itself. */
static json_t *delegate(const char *text, const char *end)
{
    json_error_t error;

    return json_loadb(text, (size_t)(end - text), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
}

/* The characters between the quotes; the cursor, at the first quote, goes behind the last one. NULL
 * without an end. plain: they are what they stand for. */
static const char *take_string(cursor_t *cursor, apr_size_t *len, int *plain)
{
    const char *start = cursor->at + 1;
    const char *at = start;
    unsigned char high = 0;

    *plain = 1;
    while (at < cursor->end && *at != '"') {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c == '\\') {
            *plain = 0;
            at += c == '\\';
        }
        high |= c;
        at++;
    }
    if (at >= cursor->end) {
        return NULL;
    }
    *len = (apr_size_t)(at - start);
    if (high >= 0x80 && *plain) {
        *plain = rp_utf8_valid(start, *len);
    }
    cursor->at = at + 1;
    return start;
}

static json_t *build_string(cursor_t *cursor)
{
    const char *quote = cursor->at;
    apr_size_t len;
    int plain;
    const char *text = take_string(cursor, &len, &plain);

    if (!text) {
        return NULL;
    }
    return plain ? json_stringn_nocheck(text, len) : delegate(quote, cursor->at);
}

static int is_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static json_t *build_number(cursor_t *cursor)
{
    const char *start = cursor->at;
    json_int_t value = 0;
    int simple = 1;

    for (; cursor->at < cursor->end && is_number(*cursor->at); cursor->at++) {
        simple =
            simple && *cursor->at >= '0' && *cursor->at <= '9' && cursor->at - start < DIGITS_MAX;
        value = simple ? value * 10 + (*cursor->at - '0') : 0;
    }
    if (!simple || (*start == '0' && cursor->at - start > 1)) {
        return delegate(start, cursor->at);
    }
    return json_integer(value);
}

static json_t *build_word(cursor_t *cursor)
{
    static const struct {
        const char *word;
        apr_size_t len;
        json_t *(*make)(void);
    } words[] = {{"true", 4, json_true}, {"false", 5, json_false}, {"null", 4, json_null}};

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if ((apr_size_t)(cursor->end - cursor->at) >= words[i].len &&
            memcmp(cursor->at, words[i].word, words[i].len) == 0) {
            cursor->at += words[i].len;
            return words[i].make();
        }
    }
    return NULL;
}

/* One member into object. 0: not of the form, or there already. */
static int add_member(cursor_t *cursor, json_t *object)
{
    char name[NAME_MAX_LEN + 1];
    const char *text = NULL;
    apr_size_t len = 0;
    int plain = 0;
    json_t *value;

    if (cursor->at < cursor->end && *cursor->at == '"') {
        text = take_string(cursor, &len, &plain);
    }
    if (!text || !plain || len > NAME_MAX_LEN || !take(cursor, ':')) {
        return 0;
    }
    memcpy(name, text, len);
    name[len] = '\0';
    if (json_object_get(object, name)) {
        return 0;
    }
    value = build_value(cursor);
    return value && json_object_set_new_nocheck(object, name, value) == 0;
}

static int add_element(cursor_t *cursor, json_t *array)
{
    json_t *value = build_value(cursor);

    return value && json_array_append_new(array, value) == 0;
}

/* What stands between brackets, of which the first is at the cursor. Takes over made. */
static json_t *build_all(cursor_t *cursor, json_t *made, char close,
                         int (*add)(cursor_t *cursor, json_t *made))
{
    cursor->at++;
    if (take(cursor, close)) {
        return made;
    }
    do {
        if (!made || !add(cursor, made)) {
            json_decref(made);
            return NULL;
        }
    } while (take(cursor, ','));
    if (!take(cursor, close)) {
        json_decref(made);
        return NULL;
    }
    return made;
}

/* Recursion ends with the depth that the caller allowed. */
static json_t *build_value(cursor_t *cursor)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end) {
        return NULL;
    }
    switch (*cursor->at) {
    case '{':
        return build_all(cursor, json_object(), '}', add_member);
    case '[':
        return build_all(cursor, json_array(), ']', add_element);
    case '"':
        return build_string(cursor);
    case 't':
    case 'f':
    case 'n':
        return build_word(cursor);
    default:
        return is_number(*cursor->at) ? build_number(cursor) : NULL;
    }
}

json_t *rp_json_build(const char *text, apr_size_t len)
{
    cursor_t cursor = {text, text + len};
    json_t *value;

    /* As for jansson, a value that has no parts is no text. */
    skip_blanks(&cursor);
    if (cursor.at == cursor.end || (*cursor.at != '{' && *cursor.at != '[')) {
        return NULL;
    }
    value = build_value(&cursor);
    skip_blanks(&cursor);
    if (value && cursor.at != cursor.end) {
        json_decref(value);
        return NULL;
    }
    return value;
}
