#include "rp_header_set.h"

#include "../flow/rp_export.h"

typedef struct {
    unsigned int hash;
    const char *name; /* NULL: free */
} slot_t;

struct rp_header_set_t {
    unsigned int mask;
    slot_t slots[];
};

static void add(rp_header_set_t *set, const char *name)
{
    unsigned int hash = rp_export_header_hash(name);
    unsigned int i = hash & set->mask;

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
    unsigned int hash = rp_export_header_hash(name);

    for (unsigned int i = hash & set->mask; set->slots[i].name; i = (i + 1) & set->mask) {
        if (set->slots[i].hash == hash && rp_export_same_header(set->slots[i].name, name)) {
            return 1;
        }
    }
    return 0;
}
