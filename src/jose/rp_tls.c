#include "rp_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static apr_status_t free_context(void *context)
{
    SSL_CTX_free(context);
    return APR_SUCCESS;
}

SSL_CTX *rp_tls_context(const char *ca, apr_pool_t *pool)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
        !(ca ? SSL_CTX_load_verify_file(context, ca) : SSL_CTX_set_default_verify_paths(context))) {
        SSL_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    apr_pool_cleanup_register(pool, context, free_context, apr_pool_cleanup_null);
    return context;
}

SSL *rp_tls_session(SSL_CTX *context, const char *host)
{
    SSL *session = SSL_new(context);
    X509_VERIFY_PARAM *param = session ? SSL_get0_param(session) : NULL;

    /* An address is looked for among the certificate's addresses, and is no name for SNI. */
    if (param && (X509_VERIFY_PARAM_set1_ip_asc(param, host) ||
                  /* NOLINTNEXTLINE(clang-diagnostic-cast-qual): OpenSSL's macro casts. */
                  (SSL_set1_host(session, host) && SSL_set_tlsext_host_name(session, host)))) {
        ERR_clear_error();
        return session;
    }
    SSL_free(session);
    ERR_clear_error();
    return NULL;
}

void rp_tls_session_free(SSL *session)
{
    SSL_free(session);
}

int rp_tls_wants_read(const SSL *session)
{
    return SSL_want(session) == SSL_READING;
}

int rp_tls_refused(const SSL *session)
{
    return SSL_get_verify_result(session) != X509_V_OK;
}
