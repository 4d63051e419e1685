#include "rp_url.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

/* RFC 1035 2.3.4 */
#define HOST_MAX 253
#define LABEL_MAX 63

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"

/* RFC 3986 3.3, without the percent sequences. */
static const char path_chars[] = LETTERS DIGITS "-._~!$&'()*+,;=:@/";
static const char query_chars[] = LETTERS DIGITS "-._~!$&'()*+,;=:@/?";

/* Each take_ function is a rule of the grammar: it reads from text, keeps what it read in url, and
 * returns where the next rule starts, or NULL when the text does not follow the rule. */

static const char *take_scheme(rp_url_t *url, const char *text)
{
    if (apr_cstr_casecmpn(text, "https://", 8) == 0) {
        url->scheme = "https";
        url->port = 443;
        return text + 8;
    }
    if (apr_cstr_casecmpn(text, "http://", 7) == 0) {
        url->scheme = "http";
        url->port = 80;
        return text + 7;
    }
    return NULL;
}

static int is_ipv4(const char *host)
{
    struct in_addr address;

    return inet_pton(AF_INET, host, &address) == 1;
}

/* Only the one text that RFC 5952 gives an address; address is without brackets. */
static int is_ipv6(const char *address)
{
    struct in6_addr binary;
    char canonical[INET6_ADDRSTRLEN];

    return inet_pton(AF_INET6, address, &binary) == 1 &&
           inet_ntop(AF_INET6, &binary, canonical, sizeof(canonical)) &&
           strcmp(canonical, address) == 0;
}

/* A name of non-empty labels. Browsers take every host whose last label is a number, in whatever
 * notation, for an IPv4 address; the dotted decimal one is the only notation accepted. */
static int is_host(const char *host)
{
    const char *label = host;

    for (;;) {
        apr_size_t len = strcspn(label, ".");

        if (!len || len > LABEL_MAX) {
            return 0;
        }
        if (!label[len]) {
            break;
        }
        label += len + 1;
    }
    if (strspn(label, DIGITS) == strlen(label) ||
        (strncmp(label, "0x", 2) == 0 && strspn(label + 2, HEX_DIGITS) == strlen(label + 2))) {
        return is_ipv4(host);
    }
    return 1;
}

static char *lower(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *copy = apr_pstrmemdup(pool, text, len);

    for (char *p = copy; *p; p++) {
        if (*p >= 'A' && *p <= 'Z') {
            *p = (char)(*p - 'A' + 'a');
        }
    }
    return copy;
}

static const char *take_host(rp_url_t *url, const char *text, apr_pool_t *pool)
{
    apr_size_t len;
    char *host;

    if (*text == '[') {
        len = strspn(text + 1, HEX_DIGITS ":.");
        if (len >= INET6_ADDRSTRLEN || text[len + 1] != ']') {
            return NULL;
        }
        host = lower(text + 1, len, pool);
        url->host = apr_pstrcat(pool, "[", host, "]", NULL);
        return is_ipv6(host) ? text + len + 2 : NULL;
    }
    len = strspn(text, LETTERS DIGITS "-._");
    if (len > HOST_MAX) {
        return NULL;
    }
    host = lower(text, len, pool);
    url->host = host;
    return is_host(host) ? text + len : NULL;
}

static const char *take_port(rp_url_t *url, const char *text)
{
    apr_size_t len;
    int port = 0;

    if (*text != ':') {
        return text;
    }
    text++;
    len = strspn(text, DIGITS);
    if (!len || len > 5 || *text == '0') {
        return NULL;
    }
    for (apr_size_t i = 0; i < len; i++) {
        port = port * 10 + (text[i] - '0');
    }
    url->port = port;
    return port <= 65535 ? text + len : NULL;
}

/* Behind the characters of set and whole percent sequences. */
static const char *skip(const char *text, const char *set)
{
    for (;;) {
        text += strspn(text, set);
        if (*text != '%' || !apr_isxdigit(text[1]) || !apr_isxdigit(text[2])) {
            return text;
        }
        text += 3;
    }
}

static const char *take_path(rp_url_t *url, const char *text, apr_pool_t *pool)
{
    const char *end;

    if (*text != '/') {
        url->path = "/";
        return text;
    }
    end = skip(text, path_chars);
    url->path = apr_pstrmemdup(pool, text, (apr_size_t)(end - text));
    return end;
}

static const char *take_query(rp_url_t *url, const char *text, apr_pool_t *pool)
{
    const char *end;

    if (*text != '?') {
        return text;
    }
    end = skip(text + 1, query_chars);
    url->query = apr_pstrmemdup(pool, text + 1, (apr_size_t)(end - text - 1));
    return end;
}

static const char *make_origin(const rp_url_t *url, apr_pool_t *pool)
{
    int own = strcmp(url->scheme, "https") == 0 ? 443 : 80;

    if (url->port == own) {
        return apr_pstrcat(pool, url->scheme, "://", url->host, NULL);
    }
    return apr_psprintf(pool, "%s://%s:%d", url->scheme, url->host, url->port);
}

static const char *take_all(rp_url_t *url, const char *text, apr_pool_t *pool)
{
    text = take_scheme(url, text);
    text = text ? take_host(url, text, pool) : NULL;
    text = text ? take_port(url, text) : NULL;
    text = text ? take_path(url, text, pool) : NULL;
    return text ? take_query(url, text, pool) : NULL;
}

apr_status_t rp_url_parse(rp_url_t *url, const char *text, apr_pool_t *pool)
{
    const char *end;

    memset(url, 0, sizeof(*url));
    end = take_all(url, text, pool);
    if (!end || *end) {
        memset(url, 0, sizeof(*url));
        return APR_EINVAL;
    }
    url->origin = make_origin(url, pool);
    return APR_SUCCESS;
}

int rp_url_is_loopback(const rp_url_t *url)
{
    return strcmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0 ||
           (strncmp(url->host, "127.", 4) == 0 && is_ipv4(url->host));
}
