/* The grammar of an address, read from left to right. No message repeats any part of it: where an
 * address is wrong, what looks like a host may be half a password. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#include "../base/rp_limits.h"
#include "rp_store_redis.h"

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

#define HOST_CHARS                                                                                 \
    "abcdefghijklmnopqrstuvwxyz"                                                                   \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

/* The forms an address has; each is what a message shows. */
typedef struct {
    const char *scheme; /* with what has to follow it */
    rp_redis_kind_t kind;
    const char *form;
} form_t;

/* clang-format off */
static const form_t forms[] = {
    {"redis://",          RP_REDIS_TCP,      "redis://[USER:PASSWORD@]HOST[:PORT][/DB]"},
    {"rediss://",         RP_REDIS_TLS,      "rediss://[USER:PASSWORD@]HOST[:PORT][/DB][?ca=FILE]"},
    {"redis+sentinel://", RP_REDIS_SENTINEL, "redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/MASTER[/DB]"},
    {"unix:",             RP_REDIS_UNIX,     "unix:/PATH[?db=DB&user=USER&password=PASSWORD]"},
};
/* clang-format on */

#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* --- pieces --- */

static int hex(char c)
{
    const char *digits = "0123456789abcdefABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    int value = at ? (int)(at - digits) : -1;

    return value < 16 ? value : value - 6;
}

/* The byte that %XX stands for, of which two characters follow the percent sign; 0 for none, and
 * for NUL, which no text has. */
static int byte_of(const char *text, apr_size_t left)
{
    int high = left >= 2 ? hex(text[0]) : -1;
    int low = high >= 0 ? hex(text[1]) : -1;

    return low >= 0 ? high * 16 + low : 0;
}

/* RFC 3986 2.1; NULL for a broken sequence, a NUL, or a character no address can have. */
static const char *decode(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, len + 1);
    apr_size_t at = 0;

    for (apr_size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c <= ' ' || c == '\x7f') {
            return NULL;
        }
        if (c == '%') {
            c = (char)byte_of(text + i + 1, len - i - 1);
            i += 2;
        }
        if (!c) {
            return NULL;
        }
        out[at++] = c;
    }
    out[at] = '\0';
    return out;
}

/* Decimal without sign or leading zeros; -1 when it is not, or above max. */
static int number(const char *text, apr_size_t len, int max)
{
    int value = 0;

    if (len < 1 || len > 5 || (len > 1 && text[0] == '0')) {
        return -1;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value <= max ? value : -1;
}

static const char *set_db(rp_redis_address_t *address, const char *text, apr_size_t len)
{
    address->db = number(text, len, RP_MAX_REDIS_DB);
    return address->db >= 0 ? NULL : "the number of the database is 0 or above, without a sign";
}

/* --- what follows a question mark --- */

static const char *set_db_option(rp_redis_address_t *address, const char *value)
{
    return set_db(address, value, strlen(value));
}

static const char *set_user(rp_redis_address_t *address, const char *value)
{
    address->user = *value ? value : NULL;
    return NULL;
}

static const char *set_password(rp_redis_address_t *address, const char *value)
{
    address->password = value;
    return NULL;
}

static const char *set_sentinel_user(rp_redis_address_t *address, const char *value)
{
    address->sentinel_user = *value ? value : NULL;
    return NULL;
}

static const char *set_sentinel_password(rp_redis_address_t *address, const char *value)
{
    address->sentinel_password = value;
    return NULL;
}

static const char *set_ca(rp_redis_address_t *address, const char *value)
{
    address->ca = value;
    return *value == '/' && access(value, R_OK) == 0
               ? NULL
               : "ca= is the absolute name of a file that can be read";
}

/* clang-format off */
static const struct {
    const char *key;
    int kinds; /* of addresses that take it */
    const char *(*set)(rp_redis_address_t *address, const char *value);
} options[] = {
    {"db",                RP_REDIS_UNIX,     set_db_option},
    {"user",              RP_REDIS_UNIX,     set_user},
    {"password",          RP_REDIS_UNIX,     set_password},
    {"ca",                RP_REDIS_TLS,      set_ca},
    {"sentinel_user",     RP_REDIS_SENTINEL, set_sentinel_user},
    {"sentinel_password", RP_REDIS_SENTINEL, set_sentinel_password},
};
/* clang-format on */

#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* Reads key=value, len characters. given has a bit for each option that was there. */
static const char *read_option(rp_redis_address_t *address, unsigned *given, const char *text,
                               apr_size_t len, apr_pool_t *pool)
{
    const char *equals = memchr(text, '=', len);
    apr_size_t key_len = equals ? (apr_size_t)(equals - text) : len;
    const char *value;

    for (unsigned i = 0; equals && i < OPTIONS; i++) {
        if (!(options[i].kinds & (int)address->kind) || strlen(options[i].key) != key_len ||
            strncmp(options[i].key, text, key_len) != 0) {
            continue;
        }
        if (*given & (1U << i)) {
            return apr_pstrcat(pool, options[i].key, "= is there twice", NULL);
        }
        *given |= 1U << i;
        value = decode(equals + 1, len - key_len - 1, pool);
        return value ? options[i].set(address, value)
                     : "after ? a percent sign begins %XX, and is itself written %25";
    }
    return "after ? there is something that is no option of such an address";
}

static const char *read_options(rp_redis_address_t *address, const char *text, apr_pool_t *pool)
{
    const char *why = NULL;
    unsigned given = 0;

    while (!why && *text) {
        apr_size_t len = strcspn(text, "&");

        why = read_option(address, &given, text, len, pool);
        text += len;
        text += *text == '&';
    }
    if (!why && address->user && !address->password) {
        why = "a user needs a password";
    }
    if (!why && address->sentinel_user && !address->sentinel_password) {
        why = "sentinel_user needs sentinel_password";
    }
    return why;
}

/* --- hosts --- */

static const char *read_host(rp_redis_peer_t *peer, const char *text, apr_size_t len,
                             apr_pool_t *pool)
{
    unsigned char binary[sizeof(struct in6_addr)];

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        peer->host = apr_pstrmemdup(pool, text + 1, len - 2);
        peer->name = apr_psprintf(pool, "[%s]:%d", peer->host, peer->port);
        return inet_pton(AF_INET6, peer->host, binary) == 1
                   ? NULL
                   : "what is in brackets is an IPv6 address";
    }
    peer->host = apr_pstrmemdup(pool, text, len);
    peer->name = apr_psprintf(pool, "%s:%d", peer->host, peer->port);
    return len > 0 && len == strspn(peer->host, HOST_CHARS)
               ? NULL
               : "a host is a name, an IPv4 address, or an IPv6 address in brackets; in a user or "
                 "password @ / ? # , and % are written as %XX";
}

/* HOST[:PORT] */
static const char *read_peer(rp_redis_peer_t *peer, const char *text, apr_size_t len,
                             int default_port, apr_pool_t *pool)
{
    const char *from = len > 0 && text[0] == '[' ? memchr(text, ']', len) : text;
    const char *colon = from ? memchr(from, ':', len - (apr_size_t)(from - text)) : NULL;

    peer->port = default_port;
    if (colon) {
        apr_size_t host_len = (apr_size_t)(colon - text);

        peer->port = number(colon + 1, len - host_len - 1, 65535);
        len = host_len;
    }
    if (peer->port < 1) {
        return "after the colon of a host comes its port, 1 to 65535";
    }
    return read_host(peer, text, len, pool);
}

static const char *read_peers(rp_redis_address_t *address, const char *text, apr_size_t len,
                              apr_pool_t *pool)
{
    int several = address->kind == RP_REDIS_SENTINEL;
    const char *end = text + len;
    const char *why = NULL;

    address->peers = apr_pcalloc(pool, sizeof(*address->peers) * RP_MAX_REDIS_SENTINELS);
    while (!why) {
        const char *comma = several ? memchr(text, ',', (apr_size_t)(end - text)) : NULL;
        const char *stop = comma ? comma : end;

        if (address->peer_count == RP_MAX_REDIS_SENTINELS) {
            return "these are more sentinels than are needed";
        }
        why = read_peer(&address->peers[address->peer_count++], text, (apr_size_t)(stop - text),
                        several ? SENTINEL_PORT : REDIS_PORT, pool);
        if (!comma) {
            break;
        }
        text = comma + 1;
    }
    return why;
}

/* USER:PASSWORD, and either may be empty. */
static const char *read_user(rp_redis_address_t *address, const char *text, apr_size_t len,
                             apr_pool_t *pool)
{
    const char *colon = memchr(text, ':', len);
    apr_size_t user_len = colon ? (apr_size_t)(colon - text) : len;

    if (!colon) {
        return "before @ comes USER:PASSWORD, or :PASSWORD for the default user";
    }
    address->user = decode(text, user_len, pool);
    address->password = decode(colon + 1, len - user_len - 1, pool);
    if (!address->user || !address->password) {
        return "in a user or password a percent sign begins %XX, and is itself written %25";
    }
    if (!*address->user) {
        address->user = NULL;
    }
    return NULL;
}

/* [USER:PASSWORD@]HOST[:PORT] */
static const char *read_authority(rp_redis_address_t *address, const char *text, apr_size_t len,
                                  apr_pool_t *pool)
{
    const char *at = memchr(text, '@', len);
    const char *why = NULL;

    if (at) {
        apr_size_t user_len = (apr_size_t)(at - text);

        why = read_user(address, text, user_len, pool);
        text = at + 1;
        len -= user_len + 1;
    }
    return why ? why : read_peers(address, text, len, pool);
}

/* --- the whole --- */

/* /MASTER[/DB] */
static const char *read_master(rp_redis_address_t *address, const char *text, apr_size_t len,
                               apr_pool_t *pool)
{
    const char *slash = len > 1 ? memchr(text + 1, '/', len - 1) : NULL;
    apr_size_t name_len = slash ? (apr_size_t)(slash - text) - 1 : len - (len > 0);

    if (name_len < 1) {
        return "after the sentinels comes /MASTER, the name under which they know it";
    }
    address->master = apr_pstrmemdup(pool, text + 1, name_len);
    if (strspn(address->master, HOST_CHARS) != name_len) {
        return "the name of a master has letters, digits, dots, hyphens and underscores";
    }
    return slash ? set_db(address, slash + 1, len - name_len - 2) : NULL;
}

static const char *name_of(const rp_redis_address_t *address, apr_pool_t *pool)
{
    const char *name = address->peers[0].name;

    for (int i = 1; i < address->peer_count; i++) {
        name = apr_pstrcat(pool, name, ",", address->peers[i].name, NULL);
    }
    return address->master ? apr_psprintf(pool, "%s of the sentinels %s", address->master, name)
                           : name;
}

static const char *read_net(rp_redis_address_t *address, const char *text, apr_pool_t *pool)
{
    apr_size_t len = strcspn(text, "/?#");
    const char *path = text + len;
    apr_size_t path_len = strcspn(path, "?#");
    const char *query = path + path_len;
    const char *why = read_authority(address, text, len, pool);

    if (!why && address->kind == RP_REDIS_SENTINEL) {
        why = read_master(address, path, path_len, pool);
    } else if (!why && path_len > 1) {
        why = set_db(address, path + 1, path_len - 1);
    }
    if (!why && *query) {
        why = *query == '?' ? read_options(address, query + 1, pool) : "# is written as %23";
    }
    return why;
}

static const char *read_unix(rp_redis_address_t *address, const char *text, apr_pool_t *pool)
{
    apr_size_t len = strcspn(text, "?");
    rp_redis_peer_t *peer = apr_pcalloc(pool, sizeof(*peer));

    peer->path = apr_pstrmemdup(pool, text, len);
    peer->name = apr_pstrcat(pool, "unix:", peer->path, NULL);
    address->peers = peer;
    address->peer_count = 1;
    if (*text != '/') {
        return "after unix: comes the absolute path of a socket";
    }
    if (len >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        return "the path is longer than that of a socket can be";
    }
    return text[len] == '?' ? read_options(address, text + len + 1, pool) : NULL;
}

const char *rp_store_redis_parse(rp_redis_address_t **address, const char *text, apr_pool_t *pool)
{
    rp_redis_address_t *made = apr_pcalloc(pool, sizeof(*made));
    const char *why;

    *address = NULL;
    for (apr_size_t i = 0; i < FORMS; i++) {
        apr_size_t len = strlen(forms[i].scheme);

        if (strncasecmp(text, forms[i].scheme, len) != 0) {
            continue;
        }
        made->kind = forms[i].kind;
        why = made->kind == RP_REDIS_UNIX ? read_unix(made, text + len, pool)
                                          : read_net(made, text + len, pool);
        if (why) {
            return apr_psprintf(pool, "%s; it is %s", why, forms[i].form);
        }
        made->name = name_of(made, pool);
        *address = made;
        return NULL;
    }
    return apr_psprintf(pool, "after redis, rediss and redis+sentinel comes ://, as in %s",
                        forms[0].form);
}
