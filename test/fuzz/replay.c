/* Gives a fuzz target the files that it is called with, without a fuzzer: what was once found stays
 * found. replay.sh builds and runs it. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_env.h"

static int replay(const char *name)
{
    FILE *file = fopen(name, "rb");
    uint8_t *data = NULL;
    long size = -1;
    int done = 0;

    if (file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0) {
        rewind(file);
        /* Not a byte more than there is, so that a sanitizer sees who reads on. */
        data = malloc((size_t)size);
        done = (data || size == 0) && fread(data, 1, (size_t)size, file) == (size_t)size;
    }
    if (done) {
        LLVMFuzzerTestOneInput(data, (size_t)size);
    } else {
        perror(name);
    }
    free(data);
    if (file) {
        fclose(file);
    }
    return done;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!replay(argv[i])) {
            return 1;
        }
    }
    printf("%d files\n", argc - 1);
    return argc < 2;
}
