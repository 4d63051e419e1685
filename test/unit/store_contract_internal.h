/* What the files of the contract suite know of each other; nobody else includes this. */
#ifndef STORE_CONTRACT_INTERNAL_H
#define STORE_CONTRACT_INTERNAL_H

#include "store_contract.h"

#define MINUTE apr_time_from_sec(60)

/* What each test gets. */
typedef struct {
    test_env_t *test;
    rp_env_t *env;
    const store_contract_t *kind;
} fixture_t;

/* store_contract_processes.c: several processes at one store. */
void no_update_is_lost_between_processes(void **state);
void one_process_alone_gets_each_lease(void **state);
void one_process_alone_deletes_each_entry(void **state);

#endif
