#include "rp_jwk_key.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"
#include "../codec/rp_base64.h"
#include "../codec/rp_json.h"
#include "rp_crypto.h"

#define BIT(alg) (1u << (alg))
#define RSA_ALGS                                                                                   \
    (BIT(RP_ALG_RS256) | BIT(RP_ALG_RS384) | BIT(RP_ALG_RS512) | BIT(RP_ALG_PS256) |               \
     BIT(RP_ALG_PS384) | BIT(RP_ALG_PS512))

#define OCTETS_MAX 66 /* of a P-521 coordinate */

typedef struct shape_t shape_t;

/* Fills in what depends on kty and crv: pkey, signature_len, canonical. */
typedef apr_status_t make_fn(rp_jwk_t *key, const json_t *object, const shape_t *shape,
                             apr_pool_t *pool);

/* A kind of key that can verify something here. */
struct shape_t {
    const char *kty;
    const char *crv;   /* NULL: kty has none */
    apr_size_t octets; /* of each coordinate (RFC 7518 6.2.1.2, RFC 8037 2) */
    const char *group; /* OpenSSL's name of the curve */
    rp_alg_set_t algs;
    make_fn *make;
};

/* Of private and symmetric keys (RFC 7518 6.2.2, 6.3.2, 6.4.1): published, it is no secret. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k", NULL};

static apr_status_t make_rsa(rp_jwk_t *key, const json_t *object, const shape_t *shape,
                             apr_pool_t *pool)
{
    const char *n;
    const char *e;
    unsigned char *n_data;
    unsigned char *e_data;
    apr_size_t n_len;
    apr_size_t e_len;

    if (rp_json_string(&n, object, "n") != APR_SUCCESS ||
        rp_json_string(&e, object, "e") != APR_SUCCESS ||
        rp_base64url_decode(&n_data, &n_len, n, strlen(n), pool) != APR_SUCCESS ||
        rp_base64url_decode(&e_data, &e_len, e, strlen(e), pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    key->pkey = rp_jwk_pkey_rsa(n_data, n_len, e_data, e_len);
    key->signature_len = n_len;
    key->canonical = apr_pstrcat(pool, "{\"e\":\"", e, "\",\"kty\":\"", shape->kty, "\",\"n\":\"",
                                 n, "\"}", NULL);
    return key->pkey ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t coordinate(const char **text, unsigned char *out, const json_t *object,
                               const char *name, apr_size_t octets)
{
    apr_status_t rv = rp_json_string(text, object, name);

    return rv != APR_SUCCESS ? APR_EINVAL
                             : rp_base64url_decode_into(out, octets, *text, strlen(*text));
}

static apr_status_t make_ec(rp_jwk_t *key, const json_t *object, const shape_t *shape,
                            apr_pool_t *pool)
{
    unsigned char x[OCTETS_MAX];
    unsigned char y[OCTETS_MAX];
    const char *x_text;
    const char *y_text;

    if (coordinate(&x_text, x, object, "x", shape->octets) != APR_SUCCESS ||
        coordinate(&y_text, y, object, "y", shape->octets) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    key->pkey = rp_jwk_pkey_ec(shape->group, x, y, shape->octets);
    key->signature_len = 2 * shape->octets;
    key->canonical = apr_pstrcat(pool, "{\"crv\":\"", shape->crv, "\",\"kty\":\"", shape->kty,
                                 "\",\"x\":\"", x_text, "\",\"y\":\"", y_text, "\"}", NULL);
    return key->pkey ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t make_okp(rp_jwk_t *key, const json_t *object, const shape_t *shape,
                             apr_pool_t *pool)
{
    unsigned char x[OCTETS_MAX];
    const char *x_text;

    if (coordinate(&x_text, x, object, "x", shape->octets) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    key->pkey = rp_jwk_pkey_ed25519(x);
    key->signature_len = 2 * shape->octets;
    key->canonical = apr_pstrcat(pool, "{\"crv\":\"", shape->crv, "\",\"kty\":\"", shape->kty,
                                 "\",\"x\":\"", x_text, "\"}", NULL);
    return key->pkey ? APR_SUCCESS : APR_EINVAL;
}

/* clang-format off */
static const shape_t shapes[] = {
    {"RSA", NULL,      0,  NULL,    RSA_ALGS,          make_rsa},
    {"EC",  "P-256",   32, "P-256", BIT(RP_ALG_ES256), make_ec},
    {"EC",  "P-384",   48, "P-384", BIT(RP_ALG_ES384), make_ec},
    {"EC",  "P-521",   66, "P-521", BIT(RP_ALG_ES512), make_ec},
    {"OKP", "Ed25519", 32, NULL,    BIT(RP_ALG_EDDSA), make_okp},
    {NULL,  NULL,      0,  NULL,    0,                 NULL},
};
/* clang-format on */

static const shape_t *find_shape(const json_t *object)
{
    const char *kty;
    const char *crv;

    if (rp_json_string(&kty, object, "kty") != APR_SUCCESS) {
        return NULL;
    }
    for (const shape_t *shape = shapes; shape->kty; shape++) {
        if (strcmp(shape->kty, kty) != 0) {
            continue;
        }
        if (!shape->crv ||
            (rp_json_string(&crv, object, "crv") == APR_SUCCESS && !strcmp(shape->crv, crv))) {
            return shape;
        }
    }
    return NULL;
}

/* RFC 7517 4.2, 4.3: "use" and "key_ops", where they are, must be for signatures. */
static int is_for_signatures(const json_t *object, apr_pool_t *pool)
{
    apr_array_header_t *ops;
    const char *use;
    apr_status_t rv = rp_json_string(&use, object, "use");

    if (rv == APR_EINVAL || (rv == APR_SUCCESS && strcmp(use, "sig") != 0)) {
        return 0;
    }
    rv = rp_json_strings(&ops, object, "key_ops", 0, pool);
    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND;
    }
    for (int i = 0; i < ops->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(ops, i, const char *), "verify")) {
            return 1;
        }
    }
    return 0;
}

/* RFC 7517 4.4: "alg", where it is, leaves one of what the type could do (one key, one
 * algorithm). */
static rp_alg_set_t algs_of(const json_t *object, const shape_t *shape)
{
    const char *name;
    rp_alg_t alg;
    apr_status_t rv = rp_json_string(&name, object, "alg");

    if (rv == APR_NOTFOUND) {
        return shape->algs;
    }
    if (rv != APR_SUCCESS || rp_alg_find(&alg, name) != APR_SUCCESS) {
        return 0;
    }
    return shape->algs & BIT(alg);
}

static int is_private(const json_t *object)
{
    for (const char *const *name = private_members; *name; name++) {
        if (json_object_get(object, *name)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t release(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

apr_status_t rp_jwk_parse(rp_jwk_t *key, const json_t *object, apr_pool_t *pool)
{
    const shape_t *shape = find_shape(object);
    const char *kid;
    apr_status_t rv;

    if (!shape || is_private(object) || !is_for_signatures(object, pool)) {
        return APR_EINVAL;
    }
    rv = rp_json_string(&kid, object, "kid");
    if (rv == APR_EINVAL || (kid && strlen(kid) > RP_MAX_KID)) {
        return APR_EINVAL;
    }
    key->kid = kid ? apr_pstrdup(pool, kid) : NULL;
    key->algs = algs_of(object, shape);
    if (!key->algs || shape->make(key, object, shape, pool) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    apr_pool_cleanup_register(pool, key->pkey, release, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

const char *rp_jwk_thumbprint(const rp_jwk_t *key, apr_pool_t *pool)
{
    return rp_sha256_text(key->canonical, pool);
}
