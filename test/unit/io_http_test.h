/* The groups of the HTTP client's tests, and what they share. */
#ifndef IO_HTTP_TEST_H
#define IO_HTTP_TEST_H

#include "../../src/io/rp_http.h"
#include "../../src/io/rp_http_turn.h"
#include "test_env.h"
#include "test_server.h"

/* A client of its own, and the time limits of the tests: 300 ms to connect, 600 ms in all. */
typedef struct {
    test_env_t *test;
    rp_http_policy_t policy;
    rp_http_request_t request; /* GET, at most 1,000 bytes of answer */
    rp_seats_t seats;
    rp_http_breaker_t breaker;
} http_client_t;

/* calls: how many may be under way to one origin; eight may wait for them. */
http_client_t *http_client_make(int calls);
void http_client_destroy(http_client_t *client);

/* Asks the server at scheme://127.0.0.1:port/path?query=secret-query. */
apr_status_t http_client_ask(rp_http_response_t **response, http_client_t *client,
                             const char *scheme, int port);

/* Every group of the HTTP client; the sum of the failures. */
int run_io_http_tests(void);

int run_io_http_field_tests(void);
int run_io_http_load_tests(void);
int run_io_http_breaker_tests(void);
int run_io_http_turn_tests(void);
int run_io_http_tls_tests(void);

#endif
