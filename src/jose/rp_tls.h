/* TLS for a client that is not libcurl: whom it trusts, and with whom it speaks.
 *
 * Key idea: verification has no switch. The certificate has to come from a known authority and to
 * be valid for the very name or address that was asked for. */
#ifndef RP_TLS_H
#define RP_TLS_H

#include <apr_pools.h>

struct ssl_ctx_st;
struct ssl_st;

/* TLS 1.2 or later, with the authorities in the file ca; NULL: the system's. The context may serve
 * all threads, and processes forked later, and goes with pool. NULL when the file cannot be used.
 */
struct ssl_ctx_st *rp_tls_context(const char *ca, apr_pool_t *pool);

/* A session with host, a name or an address; whoever gets it frees it with SSL_free. NULL when
 * there is no memory, or host can be no name. */
struct ssl_st *rp_tls_session(struct ssl_ctx_st *context, const char *host);
void rp_tls_session_free(struct ssl_st *session);

/* 1: what it did last has to wait until something can be read; otherwise, until it can write. */
int rp_tls_wants_read(const struct ssl_st *session);

/* 1: the certificate of the other side was refused. */
int rp_tls_refused(const struct ssl_st *session);

#endif
