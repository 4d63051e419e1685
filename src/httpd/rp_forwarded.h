/* The site behind a proxy that is believed (OAuthTrustedProxy).
 *
 * Key idea: a virtual host has one base URL, from its configuration. Only where none is set, and
 * the peer that sent the request is a trusted one, the origin that it forwards takes its place for
 * that request (D40, D41). */
#ifndef RP_FORWARDED_H
#define RP_FORWARDED_H

#include "rp_config.h"

/* The virtual host's site, or a copy of it in r->pool with the forwarded origin. Never NULL. */
const rp_site_t *rp_forwarded_site(request_rec *r);

#endif
