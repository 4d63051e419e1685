/* The groups of secrets and files, and the directory they work in. */
#ifndef IO_SECRET_TEST_H
#define IO_SECRET_TEST_H

#include <sys/types.h>

#include "test_env.h"

/* A new directory of mode 0700, and its removal with all that is in it. */
const char *scratch_make(test_env_t *test);
void scratch_destroy(const char *dir);

/* dir/name, after a file of that content and mode was made there. */
const char *scratch_file(test_env_t *test, const char *dir, const char *name, const char *content,
                         size_t len, mode_t mode);

/* Both groups; the sum of the failures. */
int run_io_secret_tests(void);

int run_io_file_tests(void);

#endif
