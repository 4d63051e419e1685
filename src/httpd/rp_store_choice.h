/* OAuthSessionStore: which kind of store, and how each kind is opened.
 *
 * Key idea: one row for each word that may come before the first ':'. Reading the directive and
 * opening the store walk the rows; adding a kind is a row in rp_store_choice.c. Whatever is chosen,
 * the server's own shared memory is there too: for what belongs to this machine (io/rp_store.h).
 *
 *     why = rp_store_choice_parse(&choice, "shm:size=64M", bounds, pool);
 *     ... in post_config:
 *     rv = choice.row->open(&store, env, &choice, local, pool); */
#ifndef RP_STORE_CHOICE_H
#define RP_STORE_CHOICE_H

#include "../io/rp_store.h"

struct rp_store_choice_row_t;

/* What the directive says. */
typedef struct {
    const struct rp_store_choice_row_t *row;
    const char *text; /* as it was written; what is written alike is one store */
    apr_size_t size;  /* bytes of the server's shared memory; 0: this choice does not say */
    void *args;       /* the row's own; NULL: none */
} rp_store_choice_t;

typedef struct rp_store_choice_row_t {
    const char *word;
    const char *syntax; /* for the message that lists what is possible */
    /* Reads rest, what follows the word (":size=64M"; "" when nothing does), into *choice, whose
     * row and text are set. NULL, or words that complete "OAuthSessionStore: …". */
    const char *(*parse)(rp_store_choice_t *choice, const char *rest, const char *bounds,
                         apr_pool_t *pool);
    /* In the parent, once for each text. local is the server's shared memory. RP_FAILED with the
     * cause in env->error. */
    apr_status_t (*open)(rp_store_t **store, rp_env_t *env, const rp_store_choice_t *choice,
                         rp_store_t *local, apr_pool_t *pool);
    /* In each child; NULL: nothing to do. */
    apr_status_t (*child)(rp_store_t *store, apr_pool_t *pchild);
    int in_cookies; /* 1: the browser keeps the sessions (session/rp_session.h) */
} rp_store_choice_row_t;

/* bounds: of the size of shared memory, "1M..64G". */
const char *rp_store_choice_parse(rp_store_choice_t *choice, const char *text, const char *bounds,
                                  apr_pool_t *pool);

#endif
