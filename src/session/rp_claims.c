/* Claims inside a record. Each is
 *
 *     kind (1) | flags (1) | name length (2) | value length (4) | text | NUL | value | NUL
 *
 * with little-endian numbers. The text is the name; for a claim that is exported, its environment
 * variable ("OAUTH_CLAIM_email"), whose end is the name, unless the name has other characters than
 * a variable can have: then name and NUL follow the variable. So a request that exports twenty
 * claims makes no text and looks for no collision. The encoder is the only writer; the walker
 * believes nothing. */
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rp_buf.h"
#include "../base/rp_limits.h"
#include "rp_record.h"

#define HEAD 8

/* Flags. */
#define NESTED 1u
#define EXPORTED 2u /* the text begins with the variable */
#define APART 4u    /* the name stands apart from it */

#define PREFIX "OAUTH_CLAIM_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

typedef struct {
    rp_buf_t out;
    const json_t *root;
    apr_hash_t *variables; /* those that are taken */
    int count;
    int dropped;
    apr_pool_t *pool;
} encoder_t;

static void encode_member(encoder_t *encoder, const char *name, const json_t *value, int nested);

static int has_control(const char *text, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == 0x7F) {
            return 1;
        }
    }
    return 0;
}

/* Text of a value that has no elements; NULL when it has none that could be exported (D09, D10). */
static const char *scalar_text(const json_t *value, apr_pool_t *pool)
{
    char *dump;
    const char *text;

    switch (json_typeof(value)) {
    case JSON_STRING:
        text = json_string_value(value);
        return has_control(text, json_string_length(value)) ? NULL : text;
    case JSON_INTEGER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return NULL;
    default:
        dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
        if (!dump) {
            return NULL;
        }
        text = apr_pstrdup(pool, dump);
        free(dump);
        return text;
    }
}

static void put_element(rp_buf_t *buf, const char *text)
{
    for (; *text; text++) {
        if (*text == ',') {
            rp_buf_puts(buf, "%2C");
        } else if (*text == '%') {
            rp_buf_puts(buf, "%25");
        } else {
            rp_buf_putc(buf, *text);
        }
    }
}

static const char *array_text(encoder_t *encoder, const json_t *array)
{
    rp_buf_t buf;
    apr_size_t i;
    json_t *element;

    rp_buf_init(&buf, RP_MAX_CLAIM_VALUE, encoder->pool);
    json_array_foreach(array, i, element)
    {
        const char *text = scalar_text(element, encoder->pool);

        if (!text || !*text) {
            encoder->dropped += !json_is_null(element);
            continue;
        }
        if (buf.len) {
            rp_buf_putc(&buf, ',');
        }
        put_element(&buf, text);
    }
    return rp_buf_status(&buf) == APR_SUCCESS ? rp_buf_text(&buf) : NULL;
}

static rp_claim_kind_t kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_INTEGER:
    case JSON_REAL:
        return RP_CLAIM_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return RP_CLAIM_BOOLEAN;
    case JSON_ARRAY:
        return RP_CLAIM_ARRAY;
    case JSON_OBJECT:
        return RP_CLAIM_OBJECT;
    default:
        return RP_CLAIM_STRING;
    }
}

/* The variable of a claim that has one: not of a member of an object, and of two claims whose
 * variables are the same only the first (D13). */
static const char *variable_of(encoder_t *encoder, const rp_claim_t *claim)
{
    char *variable;

    if (claim->nested) {
        return NULL;
    }
    variable = apr_pstrcat(encoder->pool, PREFIX, claim->name, NULL);
    for (char *at = variable + PREFIX_LEN; *at; at++) {
        *at = apr_isalnum(*at) ? *at : '_';
    }
    if (apr_hash_get(encoder->variables, variable, APR_HASH_KEY_STRING)) {
        return NULL;
    }
    apr_hash_set(encoder->variables, variable, APR_HASH_KEY_STRING, variable);
    return variable;
}

static void put_claim(encoder_t *encoder, const rp_claim_t *claim)
{
    const char *variable = variable_of(encoder, claim);
    int apart = variable && strcmp(variable + PREFIX_LEN, claim->name) != 0;
    const unsigned char head[HEAD] = {
        (unsigned char)claim->kind,
        (unsigned char)((claim->nested ? NESTED : 0) | (variable ? EXPORTED : 0) |
                        (apart ? APART : 0)),
        (unsigned char)(claim->name_len & 0xFF),
        (unsigned char)(claim->name_len >> 8),
        (unsigned char)(claim->value_len & 0xFF),
        (unsigned char)((claim->value_len >> 8) & 0xFF),
        (unsigned char)((claim->value_len >> 16) & 0xFF),
        (unsigned char)((claim->value_len >> 24) & 0xFF),
    };

    rp_buf_put(&encoder->out, head, HEAD);
    if (variable) {
        rp_buf_put(&encoder->out, variable, PREFIX_LEN + claim->name_len + 1);
    }
    if (!variable || apart) {
        rp_buf_put(&encoder->out, claim->name, claim->name_len + 1);
    }
    rp_buf_put(&encoder->out, claim->value, claim->value_len + 1);
    encoder->count++;
}

static void encode_members(encoder_t *encoder, const char *prefix, const json_t *object)
{
    const char *name;
    json_t *value;

    /* jansson's iteration macro takes no const object, although it changes nothing. */
    json_object_foreach((json_t *)(apr_uintptr_t)object, name, value)
    {
        const char *dotted = apr_pstrcat(encoder->pool, prefix, ".", name, NULL);

        /* A claim of the top level that is called the same is what was meant. */
        if (!json_object_get(encoder->root, dotted)) {
            encode_member(encoder, dotted, value, 1);
        }
    }
}

/* Recursion ends with the depth that parsing allowed. */
static void encode_member(encoder_t *encoder, const char *name, const json_t *value, int nested)
{
    rp_claim_t claim = {.name = name, .name_len = strlen(name), .nested = nested};

    claim.kind = kind_of(value);
    claim.value =
        json_is_array(value) ? array_text(encoder, value) : scalar_text(value, encoder->pool);
    claim.value_len = claim.value ? strlen(claim.value) : 0;
    if (claim.name_len < 1 || claim.name_len > RP_MAX_CLAIM_NAME ||
        has_control(name, claim.name_len)) {
        encoder->dropped++;
        return;
    }
    if (!claim.value || claim.value_len > RP_MAX_CLAIM_VALUE) {
        encoder->dropped += !json_is_null(value);
    } else {
        put_claim(encoder, &claim);
    }
    if (json_is_object(value) && encoder->count < RP_MAX_CLAIMS) {
        encode_members(encoder, name, value);
    }
}

apr_status_t rp_claims_encode(const unsigned char **claims, apr_size_t *len, int *dropped,
                              const json_t *object, apr_pool_t *pool)
{
    encoder_t encoder = {.root = object, .variables = apr_hash_make(pool), .pool = pool};
    const char *name;
    json_t *value;

    *claims = NULL;
    *len = 0;
    rp_buf_init(&encoder.out, RP_MAX_SESSION_RECORD, pool);
    json_object_foreach((json_t *)(apr_uintptr_t)object, name, value)
    {
        encode_member(&encoder, name, value, 0);
    }
    *dropped = encoder.dropped;
    if (rp_buf_status(&encoder.out) != APR_SUCCESS || encoder.count > RP_MAX_CLAIMS) {
        return APR_ENOSPC;
    }
    *claims = (const unsigned char *)rp_buf_text(&encoder.out);
    *len = encoder.out.len;
    return APR_SUCCESS;
}

/* What the head of a claim says: where its name begins and the next claim would. */
typedef struct {
    apr_size_t name_at;
    apr_size_t name_len;
    apr_size_t value_len;
    apr_size_t next;
} span_t;

static inline span_t span_of(const unsigned char *at)
{
    span_t span;
    unsigned int flags = at[1];

    span.name_len = (apr_size_t)at[2] | ((apr_size_t)at[3] << 8);
    span.value_len = (apr_uint32_t)at[4] | ((apr_uint32_t)at[5] << 8) |
                     ((apr_uint32_t)at[6] << 16) | ((apr_uint32_t)at[7] << 24);
    span.name_at =
        HEAD + (flags & EXPORTED ? PREFIX_LEN : 0) + (flags & APART ? span.name_len + 1 : 0);
    span.next = span.name_at + span.name_len + span.value_len + 2;
    return span;
}

/* 0 when the claim at that place does not add up. */
static int fill(rp_claim_t *claim, const unsigned char *at, const span_t *span)
{
    if (at[span->name_at + span->name_len] != '\0' || at[span->next - 1] != '\0') {
        return 0;
    }
    claim->kind = (rp_claim_kind_t)at[0];
    claim->nested = (at[1] & NESTED) != 0;
    claim->variable = at[1] & EXPORTED ? (const char *)at + HEAD : NULL;
    claim->name = (const char *)at + span->name_at;
    claim->name_len = span->name_len;
    claim->value = claim->name + span->name_len + 1;
    claim->value_len = span->value_len;
    return 1;
}

/* The claim at position, which it moves on; 0 at the end, or when it does not add up. */
static int walk(rp_claim_t *claim, apr_size_t *position, const rp_record_t *record)
{
    const unsigned char *at = record->claims + *position;
    apr_size_t left = record->claims_len - *position;
    span_t span;

    if (left < HEAD) {
        return 0;
    }
    span = span_of(at);
    if (span.next > left || !fill(claim, at, &span)) {
        return 0;
    }
    *position += span.next;
    return 1;
}

/* What one claim takes at least: two texts of one and no characters, each with its NUL. */
#define CLAIM_MIN (HEAD + 3)

apr_status_t rp_claims_index(rp_record_t *record, apr_pool_t *pool)
{
    apr_size_t most = record->claims_len / CLAIM_MIN;
    rp_claim_place_t *index = NULL;
    apr_size_t position = 0;
    apr_size_t count = 0;
    rp_claim_t claim;

    record->index = NULL;
    record->index_len = 0;
    if (most > RP_MAX_CLAIMS) {
        most = RP_MAX_CLAIMS;
    }
    index = apr_palloc(pool, (most + 1) * sizeof(*index));
    while (count < most && walk(&claim, &position, record)) {
        index[count].name_at = (apr_uint32_t)((const unsigned char *)claim.name - record->claims);
        index[count].name_len = (apr_uint16_t)claim.name_len;
        index[count].value_len = (apr_uint32_t)claim.value_len;
        index[count].kind = (unsigned char)claim.kind;
        index[count].nested = claim.nested != 0;
        index[count].variable_at =
            claim.variable ? (apr_uint32_t)((const unsigned char *)claim.variable - record->claims)
                           : RP_CLAIM_NO_VARIABLE;
        count++;
    }
    if (position != record->claims_len) {
        return APR_EINVAL;
    }
    record->index = index;
    record->index_len = count;
    return APR_SUCCESS;
}

static inline void point(rp_claim_t *claim, const rp_record_t *record,
                         const rp_claim_place_t *place)
{
    const char *claims = (const char *)record->claims;

    claim->name = claims + place->name_at;
    claim->name_len = place->name_len;
    claim->value = claim->name + place->name_len + 1;
    claim->value_len = place->value_len;
    claim->kind = (rp_claim_kind_t)place->kind;
    claim->nested = place->nested;
    claim->variable =
        place->variable_at == RP_CLAIM_NO_VARIABLE ? NULL : claims + place->variable_at;
}

int rp_claim_next(rp_claim_t *claim, apr_size_t *position, const rp_record_t *record)
{
    if (!record->index) {
        return walk(claim, position, record);
    }
    if (*position >= record->index_len) {
        return 0;
    }
    point(claim, record, &record->index[(*position)++]);
    return 1;
}

static int is_named(const rp_claim_t *claim, const char *name, apr_size_t len)
{
    return claim->name_len == len && memcmp(claim->name, name, len) == 0;
}

/* On the hot path several times: with an index, looks at no more of the others than a length. */
int rp_claim_find(rp_claim_t *claim, const rp_record_t *record, const char *name)
{
    const char *claims = (const char *)record->claims;
    apr_size_t len = strlen(name);
    apr_size_t position = 0;

    for (apr_size_t i = 0; i < record->index_len; i++) {
        if (record->index[i].name_len == len &&
            memcmp(claims + record->index[i].name_at, name, len) == 0) {
            point(claim, record, &record->index[i]);
            return 1;
        }
    }
    while (!record->index && walk(claim, &position, record)) {
        if (is_named(claim, name, len)) {
            return 1;
        }
    }
    memset(claim, 0, sizeof(*claim));
    return 0;
}

/* One decoded character of an element, advancing *at; the encoder wrote only these two. */
static char element_char(const char **at)
{
    const char *text = *at;

    if (strncmp(text, "%2C", 3) == 0) {
        *at += 3;
        return ',';
    }
    if (strncmp(text, "%25", 3) == 0) {
        *at += 3;
        return '%';
    }
    *at += 1;
    return *text;
}

/* Compares the element at *at with value and moves *at behind it. */
static int element_equals(const char **at, const char *value)
{
    int equal = 1;

    while (**at && **at != ',') {
        char c = element_char(at);

        if (equal && *value == c) {
            value++;
        } else {
            equal = 0;
        }
    }
    return equal && *value == '\0';
}

int rp_claim_has(const rp_claim_t *claim, const char *value)
{
    const char *at = claim->value;

    if (claim->kind != RP_CLAIM_ARRAY) {
        return strcmp(claim->value, value) == 0;
    }
    while (*at) {
        if (element_equals(&at, value)) {
            return 1;
        }
        at += *at == ',';
    }
    return 0;
}

int rp_claim_each(const rp_claim_t *claim, int (*visit)(void *ctx, const char *text), void *ctx,
                  apr_pool_t *pool)
{
    const char *at = claim->value;
    char *text;
    char *end;
    int stop = 0;

    if (claim->kind != RP_CLAIM_ARRAY) {
        return visit(ctx, claim->value);
    }
    text = apr_palloc(pool, claim->value_len + 1);
    while (!stop && *at) {
        end = text;
        while (*at && *at != ',') {
            *end++ = element_char(&at);
        }
        *end = '\0';
        at += *at == ',';
        stop = visit(ctx, text);
    }
    return stop;
}
