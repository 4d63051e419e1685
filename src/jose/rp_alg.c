#include "rp_alg.h"

#include <string.h>

/* clang-format off */
static const rp_alg_row_t rows[RP_ALG_COUNT] = {
    [RP_ALG_RS256] = {"RS256", RP_ALG_FAMILY_RSA_PKCS1, RP_SHA256},
    [RP_ALG_RS384] = {"RS384", RP_ALG_FAMILY_RSA_PKCS1, RP_SHA384},
    [RP_ALG_RS512] = {"RS512", RP_ALG_FAMILY_RSA_PKCS1, RP_SHA512},
    [RP_ALG_PS256] = {"PS256", RP_ALG_FAMILY_RSA_PSS,   RP_SHA256},
    [RP_ALG_PS384] = {"PS384", RP_ALG_FAMILY_RSA_PSS,   RP_SHA384},
    [RP_ALG_PS512] = {"PS512", RP_ALG_FAMILY_RSA_PSS,   RP_SHA512},
    [RP_ALG_ES256] = {"ES256", RP_ALG_FAMILY_ECDSA,     RP_SHA256},
    [RP_ALG_ES384] = {"ES384", RP_ALG_FAMILY_ECDSA,     RP_SHA384},
    [RP_ALG_ES512] = {"ES512", RP_ALG_FAMILY_ECDSA,     RP_SHA512},
    [RP_ALG_EDDSA] = {"EdDSA", RP_ALG_FAMILY_EDDSA,     RP_SHA512},
    [RP_ALG_HS256] = {"HS256", RP_ALG_FAMILY_HMAC,      RP_SHA256},
    [RP_ALG_HS384] = {"HS384", RP_ALG_FAMILY_HMAC,      RP_SHA384},
    [RP_ALG_HS512] = {"HS512", RP_ALG_FAMILY_HMAC,      RP_SHA512},
};
/* clang-format on */

apr_status_t rp_alg_find(rp_alg_t *alg, const char *name)
{
    for (int i = 0; i < RP_ALG_COUNT; i++) {
        if (!strcmp(rows[i].name, name)) {
            *alg = (rp_alg_t)i;
            return APR_SUCCESS;
        }
    }
    *alg = RP_ALG_COUNT;
    return APR_NOTFOUND;
}

const char *rp_alg_name(rp_alg_t alg)
{
    return rp_alg_row(alg)->name;
}

const rp_alg_row_t *rp_alg_row(rp_alg_t alg)
{
    static const rp_alg_row_t unknown = {"", RP_ALG_FAMILY_HMAC, RP_SHA256};

    return (unsigned)alg < RP_ALG_COUNT ? &rows[alg] : &unknown;
}
