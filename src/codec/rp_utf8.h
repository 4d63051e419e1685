/* UTF-8 as RFC 3629 4 draws it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef RP_UTF8_H
#define RP_UTF8_H

#include <apr.h>

/* The bytes, 1 to 4, of the character that text begins with; 0 when the len bytes begin with none
 * (also for a len of 0). */
apr_size_t rp_utf8_length(const char *text, apr_size_t len);

/* Returns 1 when the len bytes are valid UTF-8, else 0. */
int rp_utf8_valid(const char *text, apr_size_t len);

#endif
