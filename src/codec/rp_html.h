/* Escaping for where a value stands. Every function returns text in pool. */
#ifndef RP_HTML_H
#define RP_HTML_H

#include <apr_pools.h>

#include "rp_utf8.h"

/* For element content and for attribute values in either kind of quotes: & < > " ' and every
 * control character below U+0080 become references. Each byte that is not part of valid UTF-8
 * becomes U+FFFD. */
const char *rp_html_escape(const char *text, apr_pool_t *pool);

/* For a log line: controls (C0, DEL, C1), both kinds of quotes, backslashes and bytes that are not
 * part of valid UTF-8 as \xHH. The result has at most max bytes and, when something had to be left
 * out, "..." after them; neither an escape nor a character is cut in two. */
const char *rp_log_escape(const char *text, apr_size_t max, apr_pool_t *pool);

#endif
