/* Every cap on what comes from outside, in one place, so that a reader can judge them together.
 * Sizes are bytes, times are seconds, unless a name says otherwise. A buffer that is fed from a
 * browser, a provider or a backend has its cap here. */
#ifndef RP_LIMITS_H
#define RP_LIMITS_H

/* Cookies. A browser accepts at least 4,096 bytes per cookie (RFC 6265bis 5.6). */
#define RP_MAX_COOKIE 4096
#define RP_MAX_COOKIE_HEADER 65536
/* Cookies that one session may take when the browser keeps it. */
#define RP_MAX_SESSION_COOKIES 8

/* What a browser sends to an endpoint. */
#define RP_MAX_FORM_BODY 65536
#define RP_MAX_FORM_FIELDS 64
#define RP_MAX_QUERY 65536
#define RP_MAX_CODE 4096
#define RP_MAX_STATE 4096

/* A URL that survives a login; httpd's own request line ends at 8,190. */
#define RP_MAX_RETURN_URL 8190
/* Longer return URLs go to the store, so that the authorization request stays short enough for
 * every provider and its answer short enough for LimitRequestLine. */
#define RP_MAX_INLINE_RETURN_URL 512

/* What a provider sends. */
#define RP_MAX_HTTP_HEADER 32768
#define RP_MAX_METADATA 262144
#define RP_MAX_JWKS 262144
#define RP_MAX_TOKEN_RESPONSE 262144
#define RP_MAX_USERINFO 262144
#define RP_MAX_JWT 65536
#define RP_MAX_TOKEN 32768
#define RP_MAX_KID 512
#define RP_MAX_JWKS_KEYS 64
/* RSA keys of a provider: below 2,048 bits is weak (RFC 7518 3.3), far above only costs time. */
#define RP_MIN_RSA_BITS 2048
#define RP_MAX_RSA_BITS 8192
#define RP_MAX_SUB 255

/* JSON of any origin: nesting; members of one object or elements of one array; values in the
 * whole text. */
#define RP_MAX_JSON_DEPTH 32
#define RP_MAX_JSON_MEMBERS 1024
#define RP_MAX_JSON_VALUES 8192
#define RP_MAX_JSON_STRING 65536

/* The session record. */
#define RP_MAX_CLAIMS 512
#define RP_MAX_CLAIM_NAME 256
#define RP_MAX_CLAIM_VALUE 16384
#define RP_MAX_SESSION_RECORD 262144

/* What a backend is told: one value, and all header values of a request together. */
#define RP_MAX_EXPORT_VALUE 7168
#define RP_MAX_EXPORT_TOTAL 24576

/* Store. */
#define RP_MAX_STORE_KEY 64
#define RP_MAX_STORE_VALUE 1048576

/* Redis, in milliseconds: a connection that is not made by then has lost a packet, and the next
 * attempt is sooner than the system's own; an answer takes far less than a second even from a busy
 * server; one operation with all that belongs to it (sentinels, signing in, one repetition). After
 * a failure nobody asks for the pause; with the time to connect it is less than the second in which
 * a server that came back has to be noticed. */
#define RP_REDIS_CONNECT_MS 500
#define RP_REDIS_ANSWER_MS 1000
#define RP_REDIS_OPERATION_MS 2000
#define RP_REDIS_PAUSE_MS 250
/* After this much more without a question the failure is forgotten. */
#define RP_REDIS_QUIET_MS 500
/* A connection that was idle longer is closed rather than used: firewalls forget it silently. */
#define RP_REDIS_IDLE_SECONDS 60
/* Redis forgets an entry that much after its time, which the environment's clock decides, and in
 * a century at the latest: it refuses times to live that its own clock cannot hold. */
#define RP_REDIS_GRACE_SECONDS 60
#define RP_REDIS_TTL_SECONDS (100LL * 366 * 86400)
#define RP_MAX_REDIS_SENTINELS 16
#define RP_MAX_REDIS_DB 65535
/* Elements of a list that Redis answers with; ROLE has one for each replica, four levels down. */
#define RP_MAX_REDIS_ELEMENTS 64

/* Secrets, keys (an RSA key of RP_MAX_RSA_BITS has some seven thousand characters) and templates on
 * disk. */
#define RP_MAX_SECRET 4096
#define RP_MAX_KEY_FILE 32768
#define RP_MAX_TEMPLATE 262144

/* Files that a running process follows: how often it looks, how long a file has to be left alone
 * before what it holds is final, and how long all processes together say nothing more about one
 * that was refused. */
#define RP_FOLLOW_SECONDS 1
#define RP_FOLLOW_SETTLE_SECONDS 2
#define RP_FOLLOW_REPORT_SECONDS 86400

/* Login: how long a browser has for the visit at the provider, and how often a login that came
 * back unusable is started again before the user is told. */
#define RP_LOGIN_SECONDS 600
#define RP_LOGIN_ATTEMPTS 3

/* Calls to providers. One request, with all its calls and waiting, spends at most this many times
 * what OAuthTimeout allows for one call; a call waits this long for another to end when there is no
 * room. A provider that did not answer so many calls in a row is not called for a pause of one
 * second, then two, four, and so on; a failure is forgotten after a minute without another. */
#define RP_CALLS_IN_ALL 2
#define RP_MAX_CALLS_PER_ORIGIN 64
#define RP_ROOM_SECONDS 1
#define RP_BREAKER_ORIGINS 32
#define RP_BREAKER_FAILURES 3
#define RP_BREAKER_PAUSE_MAX_SECONDS 30
#define RP_BREAKER_QUIET_SECONDS 60
/* Waiting for another request's call: this long it costs no seat (rp_seats.h), unless waiting led
 * to nothing within the time that follows. */
#define RP_WAIT_FREE_SECONDS 1
#define RP_WAIT_WARY_SECONDS 30

/* Metadata and keys: bounds for what Cache-Control: max-age says, the least time between two
 * fetches of keys because of an unknown kid, and how long the last good copy may serve. */
#define RP_METADATA_MIN_SECONDS 300
#define RP_METADATA_DEFAULT_SECONDS 3600
#define RP_METADATA_MAX_SECONDS 86400
#define RP_JWKS_REFETCH_SECONDS 30
#define RP_METADATA_KEEP_SECONDS (30 * 86400)
/* For so long after its end metadata is used while somebody renews it: a sign-in that begins need
 * not wait for that. Keys are not: one that was withdrawn must not serve a server that was quiet.
 */
#define RP_METADATA_STALE_SECONDS 86400
/* A fetch that failed is not repeated, by any process, for this long: with a last good copy to live
 * on, and without one, when every login fails. */
#define RP_METADATA_PAUSE_SECONDS 10
#define RP_METADATA_RETRY_SECONDS 2

/* A JWT about the user for a backend: how long it is good for, and how long one process sends the
 * same, which leaves the rest for the way to the backend. */
#define RP_ASSERTION_SECONDS 60
#define RP_ASSERTION_KEPT_SECONDS 45

/* How long a client assertion is good for: enough for clocks that differ a little, and as long as a
 * provider has to remember that it was used. */
#define RP_CLIENT_ASSERTION_SECONDS 60

/* The published keys (jwks.json) may be kept so long by whoever reads them: a new key has to be
 * published that much before it signs. */
#define RP_JWKS_MAX_AGE_SECONDS 300

/* ID Token: issued longer ago than this, it is not the answer to a login of now. */
#define RP_ID_TOKEN_AGE_SECONDS 86400

/* Refresh: an access token is renewed this long before it expires (or at four fifths of its life,
 * whichever is later), and a failed attempt is not repeated sooner than the pause. */
#define RP_REFRESH_AHEAD_SECONDS 60
#define RP_REFRESH_PAUSE_SECONDS 10

/* Tokens for backends that processes share: how long one without expires_in is used, how long a
 * backend that refused a new one has to wait for the next, how often a process looks whether its
 * copy is still the one in the store, and the longest pause after a failure (the first is a
 * second, each further one twice as long). */
#define RP_TOKEN_DEFAULT_SECONDS 300
#define RP_TOKEN_REFUSED_SECONDS 60
#define RP_TOKEN_LOOK_SECONDS 1
#define RP_TOKEN_PAUSE_MAX_SECONDS 60
#define RP_TOKEN_FAILURES_SECONDS 600
/* Copies that one process keeps; sixteen times a power of two. */
#define RP_MAX_KEPT_TOKENS 1024

/* Bearer tokens: how long a verdict counts at most, a refusal by the provider, and its silence; how
 * long a token that was good may be asked about although there is a flood; how many tokens a
 * process remembers for that, and how many of them may be unknown ones (rp_asked.h). */
#define RP_BEARER_KEPT_SECONDS 60
#define RP_BEARER_REFUSED_SECONDS 10
#define RP_BEARER_FAILED_SECONDS 2
#define RP_BEARER_KNOWN_SECONDS 600
#define RP_MAX_ASKED 512
#define RP_MAX_ASKED_UNKNOWN 128

/* A session's last use is written at most this often. */
#define RP_TOUCH_SECONDS 60

#endif
