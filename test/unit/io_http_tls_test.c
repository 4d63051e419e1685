#include "io_http_test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* A certificate that signs itself, and how a server uses it. */
typedef struct {
    const char *name;
    const char *subject; /* subjectAltName */
    long valid_for;      /* seconds from now */
    int max_version;     /* of TLS, at the server */
    int trusted;         /* the client has it as its authority */
    int tls_min;         /* of the client */
    int answered;
} row_t;

static const row_t rows[] = {
    {"trusted", "IP:127.0.0.1", 3600, TLS1_3_VERSION, 1, 12, 1},
    {"trusted, TLS 1.2", "IP:127.0.0.1", 3600, TLS1_2_VERSION, 1, 12, 1},
    {"trusted, TLS 1.3 demanded", "IP:127.0.0.1", 3600, TLS1_3_VERSION, 1, 13, 1},
    {"unknown authority", "IP:127.0.0.1", 3600, TLS1_3_VERSION, 0, 12, 0},
    {"other address", "IP:127.0.0.2", 3600, TLS1_3_VERSION, 1, 12, 0},
    {"name instead of the address", "DNS:op.example", 3600, TLS1_3_VERSION, 1, 12, 0},
    {"expired", "IP:127.0.0.1", -60, TLS1_3_VERSION, 1, 12, 0},
    {"TLS 1.1", "IP:127.0.0.1", 3600, TLS1_1_VERSION, 1, 12, 0},
    {"TLS 1.2 where 1.3 is demanded", "IP:127.0.0.1", 3600, TLS1_2_VERSION, 1, 13, 0},
};

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const row_t *row)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), row->valid_for);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, NID_subject_alt_name, row->subject);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static SSL_CTX *make_context(const row_t *row, const char *ca_file)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key, row);
    FILE *file = fopen(ca_file, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    assert_int_equal(fclose(file), 0);
    /* TLS 1.1 has no cipher at OpenSSL's usual level. */
    assert_int_equal(SSL_CTX_set_cipher_list(tls, "DEFAULT:@SECLEVEL=0"), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(tls, row->max_version), 1);
    assert_int_equal(SSL_CTX_use_certificate(tls, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    return tls;
}

static void check_row(const row_t *row)
{
    char ca_file[] = "/tmp/io_http_tls_test.XXXXXX";
    int fd = mkstemp(ca_file);
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;
    test_server_script_t script = {.answer = OK};
    test_server_t *server;
    apr_status_t rv;

    assert_true(fd >= 0);
    close(fd);
    script.tls = make_context(row, ca_file);
    server = test_server_start(&script);
    /* A slow machine's handshake under a sanitizer is no concern of this test. */
    client->policy.connect_timeout = apr_time_from_sec(10);
    client->policy.total_timeout = apr_time_from_sec(20);
    client->policy.tls_min = row->tls_min;
    client->policy.ca_file = row->trusted ? ca_file : NULL;
    rv = http_client_ask(&response, client, "https", test_server_port(server));
    if (rv != (row->answered ? APR_SUCCESS : RP_FAILED)) {
        fail_msg("%s: %s", row->name, rv ? client->test->env.error.detail : "answered");
    }
    if (!row->answered) {
        test_env_expect_error(client->test, RP_E_PROVIDER_TLS);
        assert_int_equal(test_server_requests(server), 0);
    }
    http_client_destroy(client);
    test_server_stop(server);
    SSL_CTX_free(script.tls);
    unlink(ca_file);
}

static void speaks_tls_only_with_whom_it_trusts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row(&rows[i]);
    }
}

static void does_not_take_a_connection_that_another_policy_made(void **state)
{
    char ca_file[] = "/tmp/io_http_tls_test.XXXXXX";
    int fd = mkstemp(ca_file);
    http_client_t *client = http_client_make(1);
    rp_http_response_t *response;
    test_server_script_t script = {.kind = TEST_SERVER_KEEP, .answer = OK};
    test_server_t *server;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    script.tls = make_context(&rows[0], ca_file);
    server = test_server_start(&script);
    client->policy.connect_timeout = apr_time_from_sec(10);
    client->policy.total_timeout = apr_time_from_sec(20);
    client->policy.ca_file = ca_file;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(http_client_ask(&response, client, "https", test_server_port(server)),
                         APR_SUCCESS);
    }
    assert_int_equal(test_server_connections(server), 1);
    client->policy.ca_file = NULL;
    assert_int_equal(http_client_ask(&response, client, "https", test_server_port(server)),
                     RP_FAILED);
    test_env_expect_error(client->test, RP_E_PROVIDER_TLS);
    http_client_destroy(client);
    test_server_stop(server);
    SSL_CTX_free(script.tls);
    unlink(ca_file);
}

static void names_an_authority_file_that_does_not_exist(void **state)
{
    static const test_server_script_t script = {.answer = OK};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;

    (void)state;
    client->policy.ca_file = "/nonexistent/ca.pem";
    assert_int_equal(http_client_ask(&response, client, "https", test_server_port(server)),
                     RP_FAILED);
    assert_non_null(strstr(client->test->env.error.detail, "/nonexistent/ca.pem"));
    test_env_expect_error(client->test, RP_E_PROVIDER_TLS);
    http_client_destroy(client);
    test_server_stop(server);
}

static void does_not_fall_back_to_plain_http(void **state)
{
    static const test_server_script_t script = {
        .kind = TEST_SERVER_ENDLESS, .answer = "", .more = OK};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;

    (void)state;
    assert_int_equal(http_client_ask(&response, client, "https", test_server_port(server)),
                     RP_FAILED);
    assert_int_not_equal(client->test->env.error.id, RP_E_NONE);
    http_client_destroy(client);
    test_server_stop(server);
}

static void gives_up_when_the_handshake_hangs(void **state)
{
    static const test_server_script_t script = {.kind = TEST_SERVER_SILENT, .answer = ""};
    http_client_t *client = http_client_make(1);
    test_server_t *server = test_server_start(&script);
    rp_http_response_t *response;
    apr_time_t begin = apr_time_now();

    (void)state;
    client->policy.total_timeout = apr_time_from_sec(30);
    assert_int_equal(http_client_ask(&response, client, "https", test_server_port(server)),
                     RP_FAILED);
    test_env_expect_error(client->test, RP_E_PROVIDER_TIMEOUT);
    assert_true(apr_time_now() - begin < apr_time_from_sec(15));
    http_client_destroy(client);
    test_server_stop(server);
}

int run_io_http_tls_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speaks_tls_only_with_whom_it_trusts),
        cmocka_unit_test(does_not_take_a_connection_that_another_policy_made),
        cmocka_unit_test(names_an_authority_file_that_does_not_exist),
        cmocka_unit_test(does_not_fall_back_to_plain_http),
        cmocka_unit_test(gives_up_when_the_handshake_hangs),
    };

    return cmocka_run_group_tests_name("io: HTTP over TLS", tests, NULL, NULL);
}
