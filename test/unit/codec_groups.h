/* The groups of codec_test.c, one file each. Each returns the number of failed tests. */
#ifndef CODEC_GROUPS_H
#define CODEC_GROUPS_H

#include "test_env.h"

/* Fails the running test, naming the row of its table. */
static inline void fail_row(const char *row)
{
    fail_msg("row: %s", row);
}

int run_codec_base64_tests(void);
int run_codec_cookie_tests(void);
int run_codec_form_tests(void);
int run_codec_html_tests(void);
int run_codec_json_tests(void);
int run_codec_return_url_tests(void);
int run_codec_url_tests(void);

#endif
