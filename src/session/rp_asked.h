/* What this process knows of tokens that only their provider can judge, so that nobody makes it ask
 * more than is reasonable.
 *
 * Key idea: the provider is asked about a token by one request at a time, and a token that it
 * refused is refused without asking for a while. The room for what was refused is also the budget
 * for asking: when it is full (a flood of invented tokens), nothing unknown is asked about until
 * some of it has lapsed; tokens that were good lately still are. Bounded; nothing of it is shared,
 * for what anyone can cause to be written would push out sessions.
 *
 *     switch (rp_asked_begin(env->asked, id, now, give_up)) {
 *     case RP_ASK: ... ask ... rp_asked_end(env->asked, id, RP_ASK_REFUSED, until);
 *     case RP_ASK_BUSY: ... another request asks: wait, look for what it found ...
 *
 * Ids are hashes. Any thread may call. A table of NULL lets everybody ask. */
#ifndef RP_ASKED_H
#define RP_ASKED_H

#include <apr_pools.h>
#include <apr_time.h>

#include "../jose/rp_crypto.h"

typedef struct rp_asked_t rp_asked_t;

typedef enum {
    RP_ASK,         /* the caller asks, and says how it ended */
    RP_ASK_BUSY,    /* another request asks */
    RP_ASK_GOOD,    /* for rp_asked_end: the token is good */
    RP_ASK_REFUSED, /* it was refused lately */
    RP_ASK_FAILED,  /* the provider did not answer a moment ago */
    RP_ASK_FULL     /* too many unknown tokens: not asked */
} rp_ask_t;

/* NULL when there is no memory. Lives in pool. */
rp_asked_t *rp_asked_make(apr_pool_t *pool);

/* Never RP_ASK_GOOD. Who does not come back to say how it ended is taken for gone at give_up. */
rp_ask_t rp_asked_begin(rp_asked_t *asked, const unsigned char id[RP_SHA256], apr_time_t now,
                        apr_time_t give_up);

/* how: RP_ASK_GOOD, RP_ASK_REFUSED or RP_ASK_FAILED, which is known until then. */
void rp_asked_end(rp_asked_t *asked, const unsigned char id[RP_SHA256], rp_ask_t how,
                  apr_time_t until);

#endif
