/* Signals kept away from code that they must not interrupt.
 *
 * Key idea: a child of the prefork MPM ends in its signal handler: pools are destroyed and exit
 * functions run on whatever thread the signal met, in the middle of whatever it did. A call to a
 * provider or a store elsewhere, the set-up of libraries, and threads of ours would not survive
 * that, so the signal waits until they are done. Threads inherit what is held when they are made.
 */
#ifndef RP_SIGNALS_H
#define RP_SIGNALS_H

#include <signal.h>

#include "../io/rp_http.h"
#include "../io/rp_store.h"

/* Holds all signals back from this thread, and lets those through again that came before. */
void rp_signals_hold(sigset_t *saved);
void rp_signals_release(const sigset_t *saved);

/* The same client, whose calls are not interrupted; in pool. */
rp_http_t *rp_signals_guard_http(rp_http_t *http, apr_pool_t *pool);
rp_store_t *rp_signals_guard_store(rp_store_t *store, apr_pool_t *pool);

#endif
