/* URLs and return URLs: what is accepted is canonical, stays accepted, and leads to an origin that
 * is allowed. */
#include "fuzz_env.h"

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_url.h"

#define OWN "https://own.example"
#define FRIEND "http://friend.example:8080"

static int begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void check_url(const char *text, apr_pool_t *pool)
{
    rp_url_t url;
    rp_url_t again;
    const char *written;

    if (rp_url_parse(&url, text, pool) != APR_SUCCESS) {
        fuzz_check(!url.origin && !url.host);
        return;
    }
    fuzz_check(url.port > 0 && url.port < 65536 && *url.host && url.path[0] == '/');
    fuzz_check(!strpbrk(url.host, "@/\\?#% "));
    written = apr_pstrcat(pool, url.origin, url.path, url.query ? "?" : NULL, url.query, NULL);
    fuzz_check(rp_url_parse(&again, written, pool) == APR_SUCCESS);
    fuzz_check(strcmp(again.origin, url.origin) == 0 && strcmp(again.path, url.path) == 0);
    rp_url_is_loopback(&url);
}

static void check_return_url(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *allowed = apr_array_make(pool, 1, sizeof(const char *));
    rp_return_url_t *url;
    rp_return_url_t *again;
    const char *absolute;
    const char *path;

    APR_ARRAY_PUSH(allowed, const char *) = FRIEND;
    if (rp_return_url_check(&url, text, OWN, allowed, pool) != APR_SUCCESS) {
        fuzz_check(!url);
        return;
    }
    absolute = rp_return_url_text(url);
    fuzz_check(begins(absolute, OWN "/") || begins(absolute, FRIEND "/"));
    path = strchr(absolute + strlen("https://"), '/');
    fuzz_check(path && path[1] != '/' && path[1] != '\\');
    for (const char *c = absolute; *c; c++) {
        fuzz_check(*c > ' ' && *c <= '~' && !strchr("\\\"<>#", *c));
    }
    fuzz_check(rp_return_url_check(&again, rp_return_url_short(url), OWN, allowed, pool) ==
               APR_SUCCESS);
    fuzz_check(strcmp(rp_return_url_text(again), absolute) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *text = fuzz_string(data, size);
    const char *encoded = rp_url_encode_target(text, pool);

    check_url(text, pool);
    check_return_url(text, pool);
    check_return_url(encoded, pool);
    fuzz_check(strcmp(rp_url_encode_target(encoded, pool), encoded) == 0);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
