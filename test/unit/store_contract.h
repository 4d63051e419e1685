/* What every kind of store has to do, as one suite of tests that each kind runs through. */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H

#include "../../src/io/rp_store.h"
#include "test_env.h"

typedef struct {
    const char *name; /* of the group that cmocka prints */
    /* Makes an empty store with room for several values of RP_MAX_STORE_VALUE, in the pool of
     * test->env; it goes with that pool. */
    rp_store_t *(*make)(test_env_t *test);
    /* The same with room for about a megabyte; NULL: this kind never gets full. */
    rp_store_t *(*make_small)(test_env_t *test);
    int shared; /* 1: processes that are forked see one store */
    /* In each of them first; NULL: nothing to do. */
    void (*child)(test_env_t *test);
    /* The largest value; larger ones are refused. 0: RP_MAX_STORE_VALUE. */
    apr_size_t largest;
    /* Makes the store that make() made last fail, and puts it right again; NULL: nobody can. What
     * it held before may be gone then. */
    void (*spoil)(test_env_t *test);
    void (*repair)(test_env_t *test);
} store_contract_t;

/* Runs the suite; returns the number of failed tests. */
int run_store_contract(const store_contract_t *kind);

#endif
