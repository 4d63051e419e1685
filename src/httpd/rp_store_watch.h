/* Says when shared memory is too small.
 *
 * Key idea: shared memory counts what it pushes out; nobody who reads or writes it does anything
 * about that. The parent process looks at the count each time the MPM's monitor hook comes by,
 * every ten seconds or so, without a lock, and writes at most one line a minute. There is one
 * parent, so that there is one line. */
#ifndef RP_STORE_WATCH_H
#define RP_STORE_WATCH_H

#include <httpd.h>

#include "../io/rp_store.h"

typedef struct rp_store_watch_t rp_store_watch_t;

/* In pool. local is a store of rp_store_shm_open; what it pushed out before is not reported. */
rp_store_watch_t *rp_store_watch_make(const rp_store_t *local, apr_pool_t *pool);

void rp_store_watch_look(rp_store_watch_t *watch, const server_rec *server, apr_time_t now);

#endif
