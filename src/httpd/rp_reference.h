/* The reference, printed from the rows of the directives and of the errors, so that it cannot say
 * anything else than what the module does. Knows nothing of httpd. */
#ifndef RP_REFERENCE_H
#define RP_REFERENCE_H

#include <stdio.h>

/* A commented httpd configuration: every directive with its default. */
void rp_reference_conf(FILE *out);

/* Markdown tables: directives by group; errors by id. */
void rp_reference_markdown(FILE *out);
void rp_reference_errors(FILE *out);

#endif
