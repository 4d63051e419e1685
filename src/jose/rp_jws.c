#include "rp_jws.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "rp_crypto.h"

#define PARTS 3
#define TYP_PREFIX "application/"

/* The parts of BASE64URL(header).BASE64URL(payload).BASE64URL(signature) in the token. */
typedef struct {
    const char *text[PARTS];
    apr_size_t len[PARTS];
} parts_t;

enum { HEADER, PAYLOAD, SIGNATURE };

static int is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* One part up to the next dot, or to the end for the last one. Returns its length. */
static apr_size_t part_len(const char *text, apr_size_t len)
{
    apr_size_t i = 0;

    while (i < len && is_base64url(text[i])) {
        i++;
    }
    return i;
}

/* Looks at every character before anything is decoded (draft-ietf-oauth-rfc8725bis 3.13). An
 * empty signature is left for the algorithm to refuse. */
static int split(parts_t *parts, const char *token, apr_size_t len)
{
    const char *end = token + len;

    if (len > RP_MAX_JWT) {
        return 0;
    }
    for (int part = HEADER; part < PARTS; part++) {
        parts->text[part] = token;
        parts->len[part] = part_len(token, (apr_size_t)(end - token));
        token += parts->len[part];
        if (part < SIGNATURE && (!parts->len[part] || token == end || *token++ != '.')) {
            return 0;
        }
    }
    return token == end;
}

static apr_status_t decode_object(json_t **object, const parts_t *parts, int part, apr_pool_t *pool)
{
    unsigned char *data;
    apr_size_t len;
    const char *why;
    apr_status_t rv = rp_base64url_decode(&data, &len, parts->text[part], parts->len[part], pool);

    return rv != APR_SUCCESS
               ? rv
               : rp_json_parse(object, (const char *)data, len, RP_MAX_JWT, pool, &why);
}

/* RFC 7515 4.1.9: a media type, without case, "application/" being left out as a rule. */
static const char *short_typ(const char *typ)
{
    const apr_size_t len = sizeof(TYP_PREFIX) - 1;

    return apr_cstr_casecmpn(typ, TYP_PREFIX, len) ? typ : typ + len;
}

static int typ_is_accepted(const json_t *header, const rp_jws_expect_t *expect)
{
    const char *typ;
    apr_status_t rv = rp_json_string(&typ, header, "typ");

    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND && expect->typ_optional;
    }
    for (const char *const *accepted = expect->typ; accepted && *accepted; accepted++) {
        if (!apr_cstr_casecmp(short_typ(typ), short_typ(*accepted))) {
            return 1;
        }
    }
    return 0;
}

/* RFC 7797 3: "false" would make the payload something else than base64url. */
static int payload_is_encoded(const json_t *header)
{
    int encoded;
    apr_status_t rv = rp_json_bool(&encoded, header, "b64");

    return rv == APR_NOTFOUND || (rv == APR_SUCCESS && encoded);
}

static rp_jws_result_t check_header(rp_jws_t *jws, const rp_jws_expect_t *expect)
{
    const char *name;
    apr_status_t rv;

    if (json_object_get(jws->header, "crit")) {
        return RP_JWS_CRIT;
    }
    if (!payload_is_encoded(jws->header)) {
        return RP_JWS_MALFORMED;
    }
    if (rp_json_string(&name, jws->header, "alg") != APR_SUCCESS ||
        rp_alg_find(&jws->alg, name) != APR_SUCCESS || !(expect->algs & (1u << jws->alg))) {
        return RP_JWS_ALG;
    }
    rv = rp_json_string(&jws->kid, jws->header, "kid");
    if (rv == APR_EINVAL || (jws->kid && strlen(jws->kid) > RP_MAX_KID)) {
        return RP_JWS_MALFORMED;
    }
    return typ_is_accepted(jws->header, expect) ? RP_JWS_OK : RP_JWS_TYP;
}

/* The signing input (RFC 7515 5.1) is the token up to the second dot, as it came. */
static apr_size_t input_len(const parts_t *parts)
{
    return parts->len[HEADER] + 1 + parts->len[PAYLOAD];
}

static rp_jws_result_t check_mac(const parts_t *parts, const rp_jws_t *jws,
                                 const rp_jws_expect_t *expect)
{
    const rp_hash_t hash = rp_alg_row(jws->alg)->hash;
    unsigned char made[RP_HASH_MAX];
    unsigned char given[RP_HASH_MAX];
    int ok;

    /* RFC 7518 3.2: a key of the size of the hash or longer. */
    if (!expect->secret || expect->secret_len < (apr_size_t)hash) {
        return RP_JWS_KEY_UNKNOWN;
    }
    ok = rp_base64url_decode_into(given, hash, parts->text[SIGNATURE], parts->len[SIGNATURE]) ==
             APR_SUCCESS &&
         rp_hmac(made, hash, expect->secret, expect->secret_len, parts->text[HEADER],
                 input_len(parts)) == APR_SUCCESS &&
         rp_equal(made, given, hash);
    rp_wipe(made, sizeof(made));
    return ok ? RP_JWS_OK : RP_JWS_SIGNATURE;
}

/* Several keys may fit: none of them named in the token, or one kid used twice. */
static rp_jws_result_t check_signature(const parts_t *parts, const rp_jws_t *jws,
                                       const rp_jws_expect_t *expect, apr_pool_t *pool)
{
    unsigned char *signature;
    apr_size_t len;
    const rp_jwk_t *key;
    int n = 0;

    if (rp_base64url_decode(&signature, &len, parts->text[SIGNATURE], parts->len[SIGNATURE],
                            pool) != APR_SUCCESS) {
        return RP_JWS_MALFORMED;
    }
    while (expect->keys && (key = rp_jwks_select(expect->keys, jws->alg, jws->kid, n)) != NULL) {
        if (rp_jwk_verify(key, jws->alg, parts->text[HEADER], input_len(parts), signature, len) ==
            APR_SUCCESS) {
            return RP_JWS_OK;
        }
        n++;
    }
    return n ? RP_JWS_SIGNATURE : RP_JWS_KEY_UNKNOWN;
}

rp_jws_result_t rp_jws_verify(rp_jws_t **out, const char *token, apr_size_t len,
                              const rp_jws_expect_t *expect, apr_pool_t *pool)
{
    rp_jws_t *jws = apr_pcalloc(pool, sizeof(*jws));
    rp_jws_result_t result;
    parts_t parts;

    *out = NULL;
    if (!split(&parts, token, len) ||
        decode_object(&jws->header, &parts, HEADER, pool) != APR_SUCCESS) {
        return RP_JWS_MALFORMED;
    }
    result = check_header(jws, expect);
    if (result != RP_JWS_OK) {
        return result;
    }
    result = rp_alg_row(jws->alg)->family == RP_ALG_FAMILY_HMAC
                 ? check_mac(&parts, jws, expect)
                 : check_signature(&parts, jws, expect, pool);
    if (result != RP_JWS_OK) {
        return result;
    }
    /* Nothing of the payload is parsed before its signature is known to be good. */
    if (decode_object(&jws->payload, &parts, PAYLOAD, pool) != APR_SUCCESS) {
        return RP_JWS_MALFORMED;
    }
    *out = jws;
    return RP_JWS_OK;
}

const char *rp_jws_result_text(rp_jws_result_t result)
{
    static const char *const texts[RP_JWS_RESULTS] = {
        [RP_JWS_OK] = "verified",
        [RP_JWS_MALFORMED] = "not a well-formed signed JWT in compact form",
        [RP_JWS_ALG] = "signature algorithm missing or not accepted",
        [RP_JWS_TYP] = "typ not accepted",
        [RP_JWS_CRIT] = "critical header parameters, none of which is understood",
        [RP_JWS_KEY_UNKNOWN] = "no key fits algorithm and kid",
        [RP_JWS_SIGNATURE] = "wrong signature",
    };

    return (unsigned)result < RP_JWS_RESULTS ? texts[result] : "unknown result";
}

const char *rp_jws_half_hash(rp_alg_t alg, const char *text, apr_pool_t *pool)
{
    const rp_hash_t hash = rp_alg_row(alg)->hash;
    unsigned char digest[RP_HASH_MAX];

    if (rp_hash(digest, hash, text, strlen(text)) != APR_SUCCESS) {
        return NULL;
    }
    return rp_base64url_encode(digest, hash / 2, pool);
}
