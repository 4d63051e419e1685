/* The Require words, one row each: oauth-claim, oauth-scope, oauth-acr, oauth-fresh,
 * oauth-provider. Parsed when the configuration is read, evaluated without allocation. */
#ifndef RP_REQUIRE_H
#define RP_REQUIRE_H

#include "rp_request.h"

typedef struct rp_require_t rp_require_t;

typedef struct {
    const char *word;   /* "oauth-claim" */
    const char *syntax; /* "NAME VALUE…", for messages */
} rp_require_row_t;

/* The rows: how many, and the one of that index. */
apr_size_t rp_require_count(void);
const rp_require_row_t *rp_require_row(apr_size_t index);

/* Parses the arguments (words, quotes already removed) after the word. NULL and *why in words when
 * they are wrong. Regular expressions are compiled here (PCRE through APR is not available to the
 * core: the caller gives compile and match functions). */
typedef struct {
    void *(*compile)(apr_pool_t *pool, const char *pattern); /* NULL: not valid */
    int (*match)(const void *regex, const char *text);       /* 1 or 0 */
} rp_require_regex_t;

rp_require_t *rp_require_parse(const char *word, const apr_array_header_t *args,
                               const rp_require_regex_t *regex, apr_pool_t *pool, const char **why);

/* The scopes that oauth-scope asks for, separated by spaces; NULL for another word. */
const char *rp_require_scope(const rp_require_t *require);

/* 1: granted; 0: not. */
int rp_require_check(const rp_require_t *require, rp_env_t *env, const rp_session_t *session);

#endif
