/* The session record: what is sealed and stored.
 *
 * Key idea: a versioned binary layout whose strings are followed by NUL and whose claims are
 * already split into name and value, so that reading it is pointing into it: no JSON, no copy, no
 * allocation. Drawn at the top of rp_record.c. Everything read is checked against the record's end
 * although it was sealed, because a newer or older version of this module may have written it. */
#ifndef RP_RECORD_H
#define RP_RECORD_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>

typedef enum {
    RP_CLAIM_STRING,
    RP_CLAIM_NUMBER,  /* text as the provider wrote it, never 1e+06 for an integer */
    RP_CLAIM_BOOLEAN, /* "true" or "false" */
    RP_CLAIM_ARRAY,   /* text: elements joined by ',', with ',' and '%' in them as %2C and %25 */
    RP_CLAIM_OBJECT   /* text: JSON; its members follow as claims of their own, dotted */
} rp_claim_kind_t;

typedef struct {
    const char *name; /* "email"; for a member of an object "address.locality" */
    apr_size_t name_len;
    const char *value; /* as text, NUL-terminated, valid UTF-8 without controls */
    apr_size_t value_len;
    rp_claim_kind_t kind;
    int nested; /* 1: a member of an object, for Require only, never exported by itself */
    /* "OAUTH_CLAIM_" and the name with every other character than letters and digits as '_';
     * NULL for a nested claim, and for the second of two that would have the same. */
    const char *variable;
} rp_claim_t;

/* Where a claim is, counted from the first one. */
typedef struct {
    apr_uint32_t name_at;     /* its value follows, behind the NUL */
    apr_uint32_t variable_at; /* RP_CLAIM_NO_VARIABLE: it has none */
    apr_uint32_t value_len;
    apr_uint16_t name_len;
    unsigned char kind; /* rp_claim_kind_t */
    unsigned char nested;
} rp_claim_place_t;

#define RP_CLAIM_NO_VARIABLE 0xFFFFFFFFu

/* Strings that are absent are NULL. Times are microseconds, 0 when absent. */
typedef struct {
    apr_time_t created;            /* login; the absolute lifetime counts from here */
    apr_time_t last_used;          /* to within RP_TOUCH_SECONDS */
    apr_time_t authenticated;      /* auth_time of the ID Token, else created */
    apr_time_t auth_time;          /* as the ID Token said it; 0: not said */
    apr_time_t token_issued;       /* when the access token was got */
    apr_time_t token_expires;      /* 0: not known */
    apr_uint32_t token_generation; /* counts refreshes */
    const char *provider;          /* name in the configuration, "" for the unnamed */
    const char *context;           /* rp_provider_t.context at login */
    const char *issuer;
    const char *subject;
    const char *sid;
    const char *acr;
    const char *scope;
    const char *access_token; /* these three are kept and read apart */
    const char *refresh_token;
    const char *id_token;
    const unsigned char *claims; /* encoded, walked by rp_claim_next */
    apr_size_t claims_len;
    const rp_claim_place_t *index; /* made by rp_claims_index; NULL: claims are walked */
    apr_size_t index_len;          /* claims in it */
} rp_record_t;

/* Encodes claims from JSON (an object) in pool. Names and values beyond the limits, nulls, and
 * strings with controls or NUL are left out and counted in *dropped (D09, D11); a dotted name that
 * equals a claim of the top level is left out too. RP_MAX_CLAIMS passed: APR_ENOSPC. */
apr_status_t rp_claims_encode(const unsigned char **claims, apr_size_t *len, int *dropped,
                              const json_t *object, apr_pool_t *pool);

/* Looks through the claims once, so that finding and walking cost next to nothing afterwards. In
 * pool; it says where things are, not what they are, so it serves a copy of the claims too.
 * APR_EINVAL: they do not add up. */
apr_status_t rp_claims_index(rp_record_t *record, apr_pool_t *pool);

/* Walks: *position starts at 0; returns 0 at the end. */
int rp_claim_next(rp_claim_t *claim, apr_size_t *position, const rp_record_t *record);

/* The claim of that name (top level first, then dotted). Returns 0 when there is none. */
int rp_claim_find(rp_claim_t *claim, const rp_record_t *record, const char *name);

/* Whether a claim has this value: equal text, or an element of an array. elements of arrays are
 * compared decoded. */
int rp_claim_has(const rp_claim_t *claim, const char *value);

/* Calls visit for the value, or for each element of an array, until it returns non-zero; returns
 * that. text is decoded and NUL-terminated, in pool. */
int rp_claim_each(const rp_claim_t *claim, int (*visit)(void *ctx, const char *text), void *ctx,
                  apr_pool_t *pool);

/* All but the tokens. APR_ENOSPC when it would be larger than RP_MAX_SESSION_RECORD. */
apr_status_t rp_record_encode(unsigned char **data, apr_size_t *len, const rp_record_t *record,
                              apr_pool_t *pool);

/* Points *record into data, which must outlive it and be followed by a NUL. APR_EINVAL for another
 * version or anything that does not add up. */
apr_status_t rp_record_decode(rp_record_t *record, const unsigned char *data, apr_size_t len);

/* The same for the tokens alone. Decoding leaves the rest of *record as it is. */
apr_status_t rp_record_encode_tokens(unsigned char **data, apr_size_t *len,
                                     const rp_record_t *record, apr_pool_t *pool);
apr_status_t rp_record_decode_tokens(rp_record_t *record, const unsigned char *data,
                                     apr_size_t len);

#endif
