/* The common form of JSON, read quickly. Internal to rp_json.c.
 *
 * Key idea: what providers send is mostly long strings without a single escape, which a parser that
 * looks at one character at a time reads slowly. This one walks the structure itself and copies
 * such strings whole; every value of another form (an escape, a fraction, a long number) is cut out
 * and given to jansson, and a text that it does not take is jansson's as a whole. So it decides
 * nothing: it accepts less than jansson does, and builds the same. */
#ifndef RP_JSON_BUILD_H
#define RP_JSON_BUILD_H

#include <apr.h>
#include <jansson.h>

/* The object or array of the whole text, whose nesting the caller has limited; the reference is the
 * caller's. NULL: not of that form, well-formed or not. */
json_t *rp_json_build(const char *text, apr_size_t len);

#endif
