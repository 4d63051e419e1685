#include "rp_store_watch.h"

#include <apr_strings.h>
#include <http_log.h>

#include "../base/rp_error.h"
#include "../io/rp_store_shm.h"
#include "rp_log.h"

#define PAUSE apr_time_from_sec(60)

struct rp_store_watch_t {
    const rp_store_t *local;
    rp_store_shm_evicted_t told; /* what was reported, or was there before */
    apr_time_t since;            /* the last line */
};

rp_store_watch_t *rp_store_watch_make(const rp_store_t *local, apr_pool_t *pool)
{
    rp_store_watch_t *watch = apr_pcalloc(pool, sizeof(*watch));

    watch->local = local;
    rp_store_shm_evicted(&watch->told, local);
    return watch;
}

void rp_store_watch_look(rp_store_watch_t *watch, const server_rec *server, apr_time_t now)
{
    const rp_error_row_t *row = rp_error_row(RP_E_STORE_FULL);
    const rp_store_shm_evicted_t before = watch->told;
    rp_store_shm_evicted_t sum;
    char line[600];

    rp_store_shm_evicted(&sum, watch->local);
    if (now - watch->since < PAUSE || (sum.sessions == before.sessions &&
                                       sum.logins == before.logins && sum.ended == before.ended)) {
        return;
    }
    watch->told = sum;
    watch->since = now;
    /* The pool of the hook is that of the configuration, and would grow. */
    apr_snprintf(line, sizeof(line),
                 "OA-%d %s: shared memory is full; since the last such line or the start it pushed "
                 "out, before their time: %" APR_UINT64_T_FMT " of sessions, %" APR_UINT64_T_FMT
                 " of pending logins, %" APR_UINT64_T_FMT " of ended sessions. %s",
                 (int)row->id, row->name, sum.sessions - before.sessions,
                 sum.logins - before.logins, sum.ended - before.ended, row->admin);
    rp_log_server(server, APLOG_WARNING, 0, line);
}
