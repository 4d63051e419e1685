/* The store in shared memory with many sessions, for scale.mjs. Prints JSON.
 *
 *     bench_scale fill FILE COUNT             makes the file and COUNT entries of the size of a
 * session bench_scale attach FILE COUNT           attaches to it as httpd does at its start
 *     bench_scale hold FILE COUNT             stays attached until its input ends
 *     bench_scale lookup FILE COUNT LOOKUPS   reads so many of them, for callgrind
 *
 * The number of an entry is all that its key is made of, so any of them can be found again. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/io/rp_store_shm.h"
#include "../../src/jose/rp_crypto.h"

#define VALUE_BYTES 5120
/* Of arena for each entry: sessions fall on its parts unevenly, and other kinds have room of their
 * own. */
#define ROOM_BYTES 7000
#define ROOM_LEAST ((apr_size_t)64 * 1024 * 1024)
#define HOURS_8 apr_time_from_sec(8 * 3600)

typedef struct {
    rp_env_t env;
    const char *path;
    apr_uint64_t count;
    rp_store_shm_attached_t attached;
    double seconds; /* to attach */
} bench_t;

static apr_time_t now(void *ctx)
{
    (void)ctx;
    return apr_time_now();
}

static apr_status_t random_bytes(void *ctx, unsigned char *out, apr_size_t len)
{
    (void)ctx;
    return rp_crypto_random(out, len);
}

static const rp_env_ops_t ops = {.now = now, .random = random_bytes};

static void check(const bench_t *bench, apr_status_t rv, const char *what)
{
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s: %s\n", what, bench->env.error.detail ? bench->env.error.detail : "-");
        exit(1);
    }
}

static void attach(bench_t *bench)
{
    apr_size_t size = (apr_size_t)bench->count * ROOM_BYTES;
    rp_store_shm_config_t config = {bench->path, size > ROOM_LEAST ? size : ROOM_LEAST,
                                    (apr_uid_t)-1};
    apr_time_t began = apr_time_now();

    check(bench,
          rp_store_shm_open(&bench->env.store, &bench->attached, &bench->env, &config,
                            bench->env.pool),
          "open");
    bench->seconds = (double)(apr_time_now() - began) / APR_USEC_PER_SEC;
}

static void name(unsigned char hash[RP_SHA256], apr_uint64_t number)
{
    rp_hash(hash, RP_SHA256, &number, sizeof(number));
}

static void fill(bench_t *bench)
{
    static unsigned char value[VALUE_BYTES];
    unsigned char hash[RP_SHA256];
    rp_store_key_t key = {RP_KIND_SESSION, hash, sizeof(hash)};
    rp_store_shm_stats_t stats;

    attach(bench);
    for (apr_uint64_t i = 0; i < bench->count; i++) {
        name(hash, i);
        memcpy(value, hash, sizeof(hash));
        check(bench, rp_store_add(&bench->env, &key, value, sizeof(value), HOURS_8), "add");
    }
    rp_store_shm_stats(&stats, bench->env.store);
    printf("{\"entries\": %" APR_UINT64_T_FMT ", \"bytes\": %" APR_UINT64_T_FMT
           ", \"evicted\": %" APR_UINT64_T_FMT "}\n",
           stats.entries, stats.bytes_used, stats.evicted);
}

/* What callgrind counts: nothing but lookups, which is why the names are made before. */
__attribute__((noinline)) static void lookups(bench_t *bench, const unsigned char *hashes,
                                              apr_uint64_t how_many)
{
    for (apr_uint64_t i = 0; i < how_many; i++) {
        rp_store_key_t key = {RP_KIND_SESSION, hashes + i * RP_SHA256, RP_SHA256};
        rp_store_value_t value;

        check(bench, rp_store_get(&value, &bench->env, &key), "get");
    }
}

static void look_up(bench_t *bench, apr_uint64_t how_many)
{
    unsigned char *hashes = apr_palloc(bench->env.pool, (apr_size_t)how_many * RP_SHA256);

    attach(bench);
    for (apr_uint64_t i = 0; i < how_many; i++) {
        name(hashes + i * RP_SHA256, i * 7919 % bench->count);
    }
    lookups(bench, hashes, how_many);
}

static int run(bench_t *bench, const char *what, const char *more)
{
    if (strcmp(what, "fill") == 0) {
        fill(bench);
    } else if (strcmp(what, "attach") == 0) {
        attach(bench);
        printf("{\"kept\": %" APR_UINT64_T_FMT ", \"seconds\": %.6f}\n", bench->attached.kept,
               bench->seconds);
    } else if (strcmp(what, "hold") == 0) {
        attach(bench);
        printf("{}\n");
        fflush(stdout);
        while (getchar() != EOF) {
        }
    } else if (strcmp(what, "lookup") == 0 && more) {
        look_up(bench, (apr_uint64_t)apr_strtoi64(more, NULL, 10));
    } else {
        return 2;
    }
    return 0;
}

int main(int argc, const char *const *argv, const char *const *environ_given)
{
    bench_t bench;
    int rc = 2;

    if (argc < 4 || apr_app_initialize(&argc, &argv, &environ_given) != APR_SUCCESS) {
        fprintf(stderr, "usage: bench_scale fill|attach|hold|lookup FILE COUNT [LOOKUPS]\n");
        return rc;
    }
    memset(&bench, 0, sizeof(bench));
    bench.env.ops = &ops;
    bench.path = argv[2];
    bench.count = (apr_uint64_t)apr_strtoi64(argv[3], NULL, 10);
    apr_pool_create(&bench.env.pool, NULL);
    if (bench.count > 0 && rp_crypto_init() == APR_SUCCESS) {
        rc = run(&bench, argv[1], argc > 4 ? argv[4] : NULL);
    }
    apr_terminate();
    return rc;
}
