/* Values as administrators write them, one parser for each kind.
 *
 * Key idea: a parser says what would be right, not only that something is wrong. Each returns NULL
 * and sets *slot, or returns words that complete the sentence "OAuthDirective: …", in pool, and
 * leaves *slot alone. Relative file names are below ServerRoot. */
#ifndef RP_VALUE_H
#define RP_VALUE_H

#include <apr_pools.h>

typedef enum {
    RP_VALUE_TEXT,     /* const char *: anything but empty */
    RP_VALUE_WORD,     /* int: the index of the word in the bounds, letter case ignored */
    RP_VALUE_SECONDS,  /* int: seconds, as a number or as a time */
    RP_VALUE_DURATION, /* apr_interval_time_t: 8h, 30m, 45s, 500ms, 2d or seconds */
    RP_VALUE_SIZE,     /* apr_size_t: bytes, 64M, 512K, 2G */
    RP_VALUE_URL,      /* const char *: https, or http to loopback */
    RP_VALUE_PROXY,    /* const char *: http or https URL of a proxy */
    RP_VALUE_ISSUER,   /* const char *: such a URL without query, kept as it was written */
    RP_VALUE_ORIGIN,   /* const char *: scheme://host[:port] in canonical form */
    RP_VALUE_PATH,     /* const char *: URL path of unreserved characters, no slash at its end */
    RP_VALUE_SCOPE,    /* const char *: one scope */
    RP_VALUE_SCOPES,   /* const char *: scopes, separated by single spaces */
    RP_VALUE_RESOURCE, /* const char *: an absolute URI without a fragment */
    RP_VALUE_HEADER,   /* const char *: a header that a backend may be sent */
    RP_VALUE_METADATA, /* const char *: URL, file:PATH (made absolute) or none */
    RP_VALUE_FILE,     /* const char *: absolute name of a readable file */
    RP_VALUE_DIR       /* const char *: absolute name */
} rp_value_kind_t;

/* bounds: "min..max" in the value's own notation, or the words; "" for none. */
typedef struct {
    rp_value_kind_t kind;
    const char *bounds;
} rp_value_type_t;

const char *rp_value_parse(void *slot, const rp_value_type_t *type, const char *text,
                           apr_pool_t *pool);

/* "key=value": one row for each key that an option directive takes. A row whose key is "" is for
 * the one argument that may come first without a key. offset is that of the member in the
 * directive's value. */
typedef struct {
    const char *key;
    rp_value_type_t type;
    apr_size_t offset;
} rp_option_row_t;

typedef struct {
    const rp_option_row_t *rows;
    apr_size_t count;
} rp_option_table_t;

/* Reads argc arguments into the struct at slot. A key may come once. */
const char *rp_value_options(void *slot, const rp_option_table_t *table, int argc,
                             char *const argv[], apr_pool_t *pool);

#endif
