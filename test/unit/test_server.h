/* A small TCP server on loopback for the tests of the HTTP client: it answers as a script says,
 * well or badly. Each connection has a thread of its own. */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <openssl/ssl.h>
#include <stddef.h>

typedef enum {
    TEST_SERVER_CLOSE,   /* reads a request, sends the answer, closes */
    TEST_SERVER_KEEP,    /* the same, again and again on one connection */
    TEST_SERVER_HANG,    /* reads a request, sends the answer, then nothing until the test ends */
    TEST_SERVER_SILENT,  /* does not even read */
    TEST_SERVER_ENDLESS, /* reads a request, sends the answer, then `more` without end */
    TEST_SERVER_DRIP     /* the same, slowly */
} test_server_kind_t;

typedef struct {
    test_server_kind_t kind;
    const char *answer;
    size_t answer_len; /* 0: strlen(answer) */
    const char *more;
    int delay_ms; /* before the answer */
    SSL_CTX *tls; /* NULL: plain; the caller's */
} test_server_script_t;

typedef struct test_server_t test_server_t;

/* script must live until test_server_stop. */
test_server_t *test_server_start(const test_server_script_t *script);

/* Joins all threads. */
void test_server_stop(test_server_t *server);

int test_server_port(const test_server_t *server);

/* Connections accepted and requests read so far. */
int test_server_connections(test_server_t *server);
int test_server_requests(test_server_t *server);

/* The last request as it came, valid until the next comes. */
const char *test_server_request(test_server_t *server);

#endif
