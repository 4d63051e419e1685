/* The groups of session_test.c, and what they share. */
#ifndef SESSION_GROUPS_H
#define SESSION_GROUPS_H

#include "../../src/session/rp_record.h"
#include "test_env.h"

/* Each returns the number of failed tests. */
int run_session_bearer_tests(void);
int run_session_claims_tests(void);
int run_session_cookie_tests(void);
int run_session_cache_tests(void);

/* Sets the record's claims to those of a JSON object. */
void session_encode_claims(rp_record_t *record, test_env_t *test, const char *json);

#endif
