/* Prints the reference: --conf, --markdown or --errors. Used by `make reference`; not installed. */
#include <string.h>

#include "rp_reference.h"

int main(int argc, char *argv[])
{
    static const struct {
        const char *option;
        void (*print)(FILE *out);
    } modes[] = {
        {"--conf", rp_reference_conf},
        {"--markdown", rp_reference_markdown},
        {"--errors", rp_reference_errors},
    };

    for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].option) == 0) {
            modes[i].print(stdout);
            return ferror(stdout) || fflush(stdout) ? 1 : 0;
        }
    }
    fprintf(stderr, "usage: %s --conf|--markdown|--errors\n", argv[0]);
    return 2;
}
