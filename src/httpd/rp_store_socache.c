#include "rp_store_socache.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_global_mutex.h>
#include <apr_strings.h>
#include <http_main.h>
#include <string.h>
#include <util_mutex.h>

#include "../io/rp_store_cache.h"
#include "rp_signals.h"

/* At most 14 characters: providers make file names and keys from it. */
#define NAME "auth_oauth"
#define MUTEX_KEY "mod_auth_oauth: mutex of the caches"

/* How long a request waits for the mutex: longer than any call of a provider that still answers,
 * so that it ends with 503 when the holder hangs. */
#define LOCK_WAIT apr_time_from_sec(5)

/* Of an entry: a session has some KB, and what points to it is small. shmcb divides its memory by
 * it, and has room for no more entries than that. */
#define USUAL_SIZE 1024
#define SWEEP apr_time_from_sec(60)

/* What one has to know of a provider that its interface does not tell. */
typedef struct {
    const char *name;  /* NULL: any other */
    apr_size_t part;   /* rp_cache_t's */
    int vague;         /* rp_cache_t's */
    apr_status_t none; /* what else it answers when there is no entry */
    int one_server;    /* 1: ARGS may be a list of servers, of which we take one */
} trait_t;

/* dbm keeps less than 950 bytes of id and data together, and has a word for what expired only. The
 * clients for memcached and Redis send
 * an entry with one system call; more than what a fresh connection's buffer takes would be cut.
 * While their server is down they answer "not found". With several servers they take the next one
 * then, and when the first is back, so are the sessions that ended meanwhile. */
/* clang-format off */
static const trait_t traits[] = {
    {"shmcb",        0, 0, APR_NOTFOUND, 0},
    {"dbm",        917, 1, APR_EGENERAL, 0},
    {"memcache", 16384, 1, APR_NOTFOUND, 1},
    {"redis",    16384, 1, APR_NOTFOUND, 1},
    {NULL,       16384, 1, APR_NOTFOUND, 0},
};
/* clang-format on */

typedef struct {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
} args_t;

typedef struct {
    rp_cache_t cache; /* first: what the store sees */
    const ap_socache_provider_t *provider;
    const trait_t *trait;
    ap_socache_instance_t *instance;
    server_rec *server; /* for the provider's own log lines */
    apr_global_mutex_t *mutex;
    sigset_t held; /* signals as they were; the holder's of the mutex */
} socache_t;

/* --- the directive --- */

static const char *loaded(apr_pool_t *pool)
{
    const apr_array_header_t *names =
        ap_list_provider_names(pool, AP_SOCACHE_PROVIDER_GROUP, AP_SOCACHE_PROVIDER_VERSION);
    const char *all = NULL;

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name;

        if (strcmp(name, AP_SOCACHE_DEFAULT_PROVIDER) != 0) {
            all = all ? apr_pstrcat(pool, all, ", ", name, NULL) : name;
        }
    }
    return all ? apr_pstrcat(pool, "loaded: ", all, NULL) : "none is loaded";
}

static const trait_t *trait_of(const ap_socache_provider_t *provider)
{
    const trait_t *trait = traits;

    while (trait->name && strcmp(trait->name, provider->name) != 0) {
        trait++;
    }
    return trait;
}

static const char *create(args_t *args, const rp_store_choice_t *choice, const char *rest,
                          apr_pool_t *pool)
{
    const char *why;

    if (trait_of(args->provider)->one_server && rest && strchr(rest, ',')) {
        return apr_psprintf(pool,
                            "\"%s\": one server only. With several, one that was down and comes "
                            "back would bring back sessions that ended meanwhile",
                            choice->text);
    }
    why = args->provider->create(&args->instance, rest, pool, pool);
    return why ? apr_psprintf(pool, "\"%s\": the provider %s says: %s", choice->text,
                              args->provider->name, why)
               : NULL;
}

const char *rp_store_socache_parse(rp_store_choice_t *choice, const char *rest, const char *bounds,
                                   apr_pool_t *pool)
{
    args_t *args = apr_pcalloc(pool, sizeof(*args));
    const char *name;
    apr_size_t len;

    (void)bounds;
    rest += *rest == ':';
    len = strcspn(rest, ":");
    name = apr_pstrmemdup(pool, rest, len);
    rest = rest[len] ? rest + len + 1 : NULL;
    if (!*name) {
        return apr_psprintf(pool, "\"%s\": after socache: there is the name of a provider (%s)",
                            choice->text, loaded(pool));
    }
    args->provider =
        ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name, AP_SOCACHE_PROVIDER_VERSION);
    if (!args->provider) {
        return apr_psprintf(pool,
                            "\"%s\": there is no cache provider %s (%s); LoadModule "
                            "socache_%s_module brings it, if httpd has it",
                            choice->text, name, loaded(pool), name);
    }
    choice->args = args;
    return create(args, choice, rest, pool);
}

/* --- the cache --- */

static apr_status_t socache_store(rp_cache_t *cache, const unsigned char *id, const void *data,
                                  apr_size_t len, apr_interval_time_t ttl, apr_pool_t *scratch)
{
    const socache_t *own = (const socache_t *)cache;
    /* The interface lacks the const; no provider writes there. */
    union {
        const void *given;
        unsigned char *taken;
    } bytes = {data};

    return own->provider->store(own->instance, own->server, id, RP_CACHE_ID, apr_time_now() + ttl,
                                bytes.taken, (unsigned int)len, scratch);
}

static apr_status_t socache_retrieve(rp_cache_t *cache, const unsigned char *id,
                                     unsigned char *data, apr_size_t *len, apr_pool_t *scratch)
{
    const socache_t *own = (const socache_t *)cache;
    unsigned int bytes = (unsigned int)*len;
    apr_status_t rv =
        own->provider->retrieve(own->instance, own->server, id, RP_CACHE_ID, data, &bytes, scratch);

    *len = rv == APR_SUCCESS ? bytes : 0;
    return rv == own->trait->none ? APR_NOTFOUND : rv;
}

static apr_status_t socache_remove(rp_cache_t *cache, const unsigned char *id, apr_pool_t *scratch)
{
    const socache_t *own = (const socache_t *)cache;

    return own->provider->remove(own->instance, own->server, id, RP_CACHE_ID, scratch);
}

/* A child that is told to end waits until it has given the mutex back. */
static apr_status_t socache_lock(rp_cache_t *cache)
{
    socache_t *own = (socache_t *)cache;
    sigset_t saved;
    apr_status_t rv;

    rp_signals_hold(&saved);
#if APR_VERSION_AT_LEAST(1, 7, 0)
    rv = apr_global_mutex_timedlock(own->mutex, LOCK_WAIT);
#else
    rv = apr_global_mutex_lock(own->mutex);
#endif
    if (rv == APR_SUCCESS) {
        own->held = saved;
    } else {
        rp_signals_release(&saved);
    }
    return rv;
}

static void socache_unlock(rp_cache_t *cache)
{
    socache_t *own = (socache_t *)cache;
    const sigset_t saved = own->held;

    apr_global_mutex_unlock(own->mutex);
    rp_signals_release(&saved);
}

static const rp_cache_ops_t ops = {socache_store, socache_retrieve, socache_remove, socache_lock,
                                   socache_unlock};

/* --- the mutex --- */

int rp_store_socache_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    return ap_mutex_register(pconf, NAME, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

/* The server's one mutex, made when it is first needed. */
static apr_status_t get_mutex(apr_global_mutex_t **mutex, rp_env_t *env)
{
    server_rec *server = ap_server_conf;
    apr_pool_t *pool = server->process->pool;
    void *there = NULL;

    apr_pool_userdata_get(&there, MUTEX_KEY, pool);
    *mutex = there;
    if (*mutex) {
        return APR_SUCCESS;
    }
    if (ap_global_mutex_create(mutex, NULL, NAME, NULL, server, pool, 0) != APR_SUCCESS ||
        !*mutex) {
        return rp_fail(env, RP_E_STORE, "its mutex cannot be made; see Mutex ... " NAME);
    }
    if (strcmp(apr_global_mutex_name(*mutex), "posixsem") == 0) {
        apr_global_mutex_destroy(*mutex);
        return rp_fail(
            env, RP_E_STORE,
            "a posixsem mutex stays locked when its holder dies; write Mutex pthread " NAME
            " (or sysvsem, or fcntl)");
    }
    /* With a copy of the key: at a restart the module's own text is unloaded. */
    return apr_pool_userdata_set(*mutex, MUTEX_KEY, NULL, pool);
}

/* --- the row --- */

apr_status_t rp_store_socache_open(rp_store_t **store, rp_env_t *env,
                                   const rp_store_choice_t *choice, rp_store_t *local,
                                   apr_pool_t *pool)
{
    static const struct ap_socache_hints hints = {RP_CACHE_ID, USUAL_SIZE, SWEEP};
    const args_t *args = choice->args;
    socache_t *own = apr_pcalloc(pool, sizeof(*own));
    apr_status_t rv;

    own->cache.ops = &ops;
    own->trait = trait_of(args->provider);
    own->cache.part = own->trait->part;
    own->cache.vague = own->trait->vague;
    own->cache.unsafe = (args->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0;
    own->provider = args->provider;
    own->instance = args->instance;
    own->server = ap_server_conf;
    rv = get_mutex(&own->mutex, env);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = own->provider->init(own->instance, NAME, &hints, own->server, pool);
    if (rv != APR_SUCCESS) {
        char why[120];

        return rp_fail(env, RP_E_STORE, "%s: the provider %s could not be started: %s",
                       choice->text, own->provider->name, apr_strerror(rv, why, sizeof(why)));
    }
    *store = rp_store_cache_make(&own->cache, local, pool);
    return APR_SUCCESS;
}

apr_status_t rp_store_socache_child(rp_store_t *store, apr_pool_t *pchild)
{
    socache_t *own = (socache_t *)rp_store_cache_of(store);

    return apr_global_mutex_child_init(&own->mutex, apr_global_mutex_lockfile(own->mutex), pchild);
}
