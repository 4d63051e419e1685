#include "rp_store_choice.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <string.h>

#include "../io/rp_store_redis.h"
#include "rp_signals.h"
#include "rp_store_socache.h"
#include "rp_value.h"

/* --- shm and cookie --- */

static const char *parse_size(rp_store_choice_t *choice, const char *rest, const char *bounds,
                              apr_pool_t *pool)
{
    rp_value_type_t type = {RP_VALUE_SIZE, bounds};

    if (!*rest) {
        return NULL;
    }
    if (strncasecmp(rest, ":size=", 6) != 0) {
        return apr_psprintf(pool, "\"%s\": after %s there may be :size=SIZE", choice->text,
                            choice->row->word);
    }
    return rp_value_parse(&choice->size, &type, rest + 6, pool);
}

static apr_status_t open_local(rp_store_t **store, rp_env_t *env, const rp_store_choice_t *choice,
                               rp_store_t *local, apr_pool_t *pool)
{
    (void)env;
    (void)choice;
    (void)pool;
    *store = local;
    return APR_SUCCESS;
}

/* --- Redis --- */

static const char *parse_redis(rp_store_choice_t *choice, const char *rest, const char *bounds,
                               apr_pool_t *pool)
{
    rp_redis_address_t *address;
    const char *why = rp_store_redis_parse(&address, choice->text, pool);

    (void)rest;
    (void)bounds;
    choice->args = address;
    return why ? why : rp_store_redis_missing(address);
}

static apr_status_t open_redis(rp_store_t **store, rp_env_t *env, const rp_store_choice_t *choice,
                               rp_store_t *local, apr_pool_t *pool)
{
    apr_status_t rv = rp_store_redis_open(store, env, choice->args, pool);
    int threaded = AP_MPMQ_NOT_SUPPORTED;

    (void)local;
    /* Threads that serve requests get no signals anyway. */
    if (rv == APR_SUCCESS && (ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded) != APR_SUCCESS ||
                              threaded == AP_MPMQ_NOT_SUPPORTED)) {
        *store = rp_signals_guard_store(*store, pool);
    }
    return rv;
}

/* --- the table --- */

/* clang-format off */
static const rp_store_choice_row_t rows[] = {
    {"shm", "shm[:size=SIZE]", parse_size, open_local, NULL, 0},
    {"cookie", "cookie[:size=SIZE]", parse_size, open_local, NULL, 1},
    {"redis", "redis://[USER:PASSWORD@]HOST[:PORT][/DB]", parse_redis, open_redis, NULL, 0},
    {"rediss", "rediss://HOST", parse_redis, open_redis, NULL, 0},
    {"redis+sentinel", "redis+sentinel://HOST[:PORT],HOST/MASTER", parse_redis, open_redis, NULL, 0},
    {"unix", "unix:/PATH", parse_redis, open_redis, NULL, 0},
    {"socache", "socache:PROVIDER[:ARGS]", rp_store_socache_parse, rp_store_socache_open, rp_store_socache_child, 0},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *what_may_be(apr_pool_t *pool)
{
    const char *all = rows[0].syntax;

    for (apr_size_t i = 1; i < ROWS; i++) {
        all = apr_pstrcat(pool, all, i + 1 < ROWS ? ", " : " or ", rows[i].syntax, NULL);
    }
    return all;
}

const char *rp_store_choice_parse(rp_store_choice_t *choice, const char *text, const char *bounds,
                                  apr_pool_t *pool)
{
    apr_size_t len = strcspn(text, ":");

    for (apr_size_t i = 0; i < ROWS; i++) {
        if (strlen(rows[i].word) == len && strncasecmp(rows[i].word, text, len) == 0) {
            memset(choice, 0, sizeof(*choice));
            choice->row = &rows[i];
            choice->text = text;
            return rows[i].parse(choice, text + len, bounds, pool);
        }
    }
    return apr_psprintf(pool, "\"%.*s\" is not a store; it may be %s", (int)len, text,
                        what_may_be(pool));
}
