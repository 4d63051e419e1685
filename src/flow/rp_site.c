#include "rp_site.h"

#include <string.h>

/* The value of a percent sequence at text, or -1. */
static int percent_value(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const char *high;
    const char *low;

    if (text[0] != '%' || !text[1] || !text[2]) {
        return -1;
    }
    high = strchr(digits, text[1] | 0x20);
    low = strchr(digits, text[2] | 0x20);
    return high && low ? (int)(high - digits) * 16 + (int)(low - digits) : -1;
}

/* Whether path, decoded as httpd does (percent sequences once, several slashes are one), is below
 * prefix. Runs along both without a copy. */
static int is_below(const char *path, const char *prefix)
{
    int last = '\0';

    while (*prefix) {
        int value = percent_value(path);
        int c = value < 0 ? (unsigned char)*path : value;

        path += value < 0 ? 1 : 3;
        if (c == '/' && last == '/') {
            continue;
        }
        if (c != (unsigned char)*prefix) {
            return 0;
        }
        prefix++;
        last = c;
    }
    return *path == '/' || percent_value(path) == '/';
}

apr_status_t rp_site_return_url(rp_return_url_t **url, rp_env_t *env, const rp_site_t *site,
                                const char *text)
{
    rp_return_url_t *found;
    apr_status_t rv = rp_return_url_check(&found, text, site->base_url, site->return_to, env->pool);

    *url = NULL;
    if (rv == APR_ENOSPC) {
        return rp_fail(env, RP_E_RETURN_URL_TOO_LONG, "%" APR_SIZE_T_FMT " characters",
                       strlen(text));
    }
    if (rv != APR_SUCCESS) {
        return rp_fail(env, RP_E_RETURN_URL, "%" APR_SIZE_T_FMT " characters, not acceptable",
                       strlen(text));
    }
    if (is_below(rp_return_url_short(found), site->path)) {
        return rp_fail(env, RP_E_RETURN_URL, "an address below %s itself", site->path);
    }
    *url = found;
    return APR_SUCCESS;
}

const rp_provider_t *rp_site_provider(const rp_site_t *site, const char *name)
{
    for (rp_provider_t *const *p = site->providers; *p; p++) {
        if (strcmp((*p)->name, name) == 0) {
            return *p;
        }
    }
    return NULL;
}

const rp_provider_t **rp_site_place_providers(const rp_site_t *site, const rp_place_t *place,
                                              apr_pool_t *pool)
{
    apr_size_t count = place->use ? (apr_size_t)place->use->nelts : 1;
    const rp_provider_t **found = apr_pcalloc(pool, (count + 1) * sizeof(void *));
    const rp_provider_t **next = found;

    for (apr_size_t i = 0; i < count; i++) {
        const char *name = place->use ? APR_ARRAY_IDX(place->use, (int)i, const char *) : "";
        const rp_provider_t *provider = rp_site_provider(site, name);

        if (provider) {
            *next++ = provider;
        }
    }
    return found;
}

int rp_is_same_list(const apr_array_header_t *one, const apr_array_header_t *other)
{
    if (!one || !other || one->nelts != other->nelts) {
        return one == other;
    }
    for (int i = 0; i < one->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(one, i, const char *), APR_ARRAY_IDX(other, i, const char *)) !=
            0) {
            return 0;
        }
    }
    return 1;
}
