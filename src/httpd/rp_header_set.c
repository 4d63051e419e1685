#include "rp_header_set.h"

#include <string.h>

#include "../flow/rp_export.h"

typedef struct {
    unsigned int hash;
    const char *name; /* NULL: free */
} slot_t;

/* A longer name than this shares its bit with others. */
#define LENGTHS 64

struct rp_header_set_t {
    apr_uint64_t lengths[256]; /* of the names that begin with that character, one bit each */
    unsigned int mask;
    slot_t slots[];
};

static apr_uint64_t length_bit(const char *name)
{
    apr_size_t len = strlen(name);

    return (apr_uint64_t)1 << (len < LENGTHS ? len : LENGTHS - 1);
}

/* Every first character that makes the name the same. */
static void note_length(rp_header_set_t *set, const char *name)
{
    for (int c = 1; c < 256; c++) {
        const char first[] = {(char)c, '\0'};
        const char own[] = {name[0], '\0'};

        if (rp_export_same_header(first, own)) {
            set->lengths[c] |= length_bit(name);
        }
    }
}

static void add(rp_header_set_t *set, const char *name)
{
    unsigned int hash = rp_export_header_hash(name);
    unsigned int i = hash & set->mask;

    note_length(set, name);
    while (set->slots[i].name) {
        if (set->slots[i].hash == hash && rp_export_same_header(set->slots[i].name, name)) {
            return;
        }
        i = (i + 1) & set->mask;
    }
    set->slots[i].hash = hash;
    set->slots[i].name = name;
}

const rp_header_set_t *rp_header_set_make(const apr_array_header_t *names, apr_pool_t *pool)
{
    unsigned int size = 16;
    rp_header_set_t *set;

    /* At most a quarter full, so that a name that is not there is known at once. */
    while (size < 4u * (unsigned int)names->nelts) {
        size *= 2;
    }
    set = apr_pcalloc(pool, sizeof(*set) + size * sizeof(slot_t));
    set->mask = size - 1;
    for (int i = 0; i < names->nelts; i++) {
        add(set, APR_ARRAY_IDX(names, i, const char *));
    }
    return set;
}

int rp_header_set_has(const rp_header_set_t *set, const char *name)
{
    unsigned int hash;

    if (!(set->lengths[(unsigned char)name[0]] & length_bit(name))) {
        return 0;
    }
    hash = rp_export_header_hash(name);
    for (unsigned int i = hash & set->mask; set->slots[i].name; i = (i + 1) & set->mask) {
        if (set->slots[i].hash == hash && rp_export_same_header(set->slots[i].name, name)) {
            return 1;
        }
    }
    return 0;
}
