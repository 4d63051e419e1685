/* Where a provider's metadata is, and getting its text from there (OpenID Connect Discovery 4,
 * RFC 8414 3). */
#ifndef RP_DISCOVERY_H
#define RP_DISCOVERY_H

#include "rp_document_type.h"

#define RP_DISCOVERY_MAX_URLS 2

/* The addresses to ask, in order: the configured one alone, else the two that follow from the
 * issuer (OpenID Connect's first; RFC 8414's first for the oauth2 profile). Returns their number, 0
 * when the issuer is not a URL without query; in pool. */
int rp_discovery_urls(const char *urls[RP_DISCOVERY_MAX_URLS], const rp_provider_t *provider,
                      apr_pool_t *pool);

/* Asks them, the second only when the first answers 4xx. In env->pool. RP_FAILED with the cause:
 * RP_E_METADATA_REDIRECT names where a redirect leads (P02). */
apr_status_t rp_discovery_fetch(rp_document_text_t *text, rp_env_t *env,
                                const rp_provider_t *provider);

/* 1 for application/json and every other media type whose syntax is JSON (RFC 6839 3.1). */
int rp_discovery_is_json(const char *content_type);

#endif
