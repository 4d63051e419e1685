/* Claims inside a record: names, texts, values, variables. */
#include "session_groups.h"
#include "test_env.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_json.h"

static int setup(void **state)
{
    *state = test_env_make();
    return 0;
}

static int teardown(void **state)
{
    test_env_destroy(*state);
    return 0;
}

/* An index changes what looking costs, and nothing else. */
static void expect_same_with_index(const rp_record_t *record)
{
    rp_record_t walked = *record;
    apr_size_t position[2] = {0, 0};
    rp_claim_t claim[2];
    rp_claim_t found[2];

    walked.index = NULL;
    walked.index_len = 0;
    while (rp_claim_next(&claim[0], &position[0], record)) {
        assert_int_equal(rp_claim_next(&claim[1], &position[1], &walked), 1);
        assert_memory_equal(&claim[0], &claim[1], sizeof(claim[0]));
        assert_int_equal(rp_claim_find(&found[0], record, claim[0].name), 1);
        assert_int_equal(rp_claim_find(&found[1], &walked, claim[0].name), 1);
        assert_memory_equal(&found[0], &found[1], sizeof(found[0]));
    }
    assert_int_equal(rp_claim_next(&claim[1], &position[1], &walked), 0);
    assert_int_equal(rp_claim_find(&found[0], record, "nobody's"), 0);
    assert_int_equal(rp_claim_find(&found[1], &walked, "nobody's"), 0);
}

void session_encode_claims(rp_record_t *record, test_env_t *test, const char *json)
{
    const char *why = NULL;
    json_t *object;
    int dropped;

    assert_int_equal(
        rp_json_parse(&object, json, strlen(json), RP_MAX_USERINFO, test->env.pool, &why),
        APR_SUCCESS);
    assert_int_equal(
        rp_claims_encode(&record->claims, &record->claims_len, &dropped, object, test->env.pool),
        APR_SUCCESS);
    assert_int_equal(rp_claims_index(record, test->env.pool), APR_SUCCESS);
    expect_same_with_index(record);
}

typedef struct {
    const char *json;
    const char *name;
    const char *value; /* NULL: no such claim */
    rp_claim_kind_t kind;
} claim_row_t;

/* clang-format off */
static const claim_row_t claim_rows[] = {
    {"{\"a\":\"x\"}", "a", "x", RP_CLAIM_STRING},
    {"{\"a\":\"\"}", "a", "", RP_CLAIM_STRING},
    {"{\"a\":\"x\"}", "A", NULL, RP_CLAIM_STRING},
    {"{\"a\":1000000}", "a", "1000000", RP_CLAIM_NUMBER},
    {"{\"a\":9007199254740993}", "a", "9007199254740993", RP_CLAIM_NUMBER},
    {"{\"a\":1.5}", "a", "1.5", RP_CLAIM_NUMBER},
    {"{\"a\":0.1}", "a", "0.1", RP_CLAIM_NUMBER},
    {"{\"a\":true}", "a", "true", RP_CLAIM_BOOLEAN},
    {"{\"a\":false}", "a", "false", RP_CLAIM_BOOLEAN},
    {"{\"a\":null}", "a", NULL, RP_CLAIM_STRING},
    {"{\"a\":[\"x\",\"y\"]}", "a", "x,y", RP_CLAIM_ARRAY},
    {"{\"a\":[]}", "a", "", RP_CLAIM_ARRAY},
    {"{\"a\":[\"x,y\",\"50%\"]}", "a", "x%2Cy,50%25", RP_CLAIM_ARRAY},
    {"{\"a\":[1,true,null,\"\"]}", "a", "1,true", RP_CLAIM_ARRAY},
    {"{\"a\":[\"x\",\"y\\nz\"]}", "a", "x", RP_CLAIM_ARRAY},
    {"{\"a\":{\"b\":{\"c\":\"d\"}}}", "a.b.c", "d", RP_CLAIM_STRING},
    {"{\"a\":{\"b\":\"d\"}}", "a", "{\"b\":\"d\"}", RP_CLAIM_OBJECT},
    {"{\"a\":{\"b\":\"nested\"},\"a.b\":\"top\"}", "a.b", "top", RP_CLAIM_STRING},
    {"{\"a\":\"x\\r\\nX-Evil: 1\"}", "a", NULL, RP_CLAIM_STRING},
    {"{\"a\":\"x\\u007f\"}", "a", NULL, RP_CLAIM_STRING},
    {"{\"a\\n\":\"x\"}", "a\n", NULL, RP_CLAIM_STRING},
    {"{\"\":\"x\"}", "", NULL, RP_CLAIM_STRING},
    {"{\"https://example.com/roles\":[\"r\"]}", "https://example.com/roles", "r", RP_CLAIM_ARRAY},
    {"{\"a\":\"\xC3\xA9\"}", "a", "\xC3\xA9", RP_CLAIM_STRING},
};
/* clang-format on */

static void claims_are_found_with_their_text(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < sizeof(claim_rows) / sizeof(claim_rows[0]); i++) {
        const claim_row_t *row = &claim_rows[i];
        rp_record_t record = {0};
        rp_claim_t claim;

        session_encode_claims(&record, test, row->json);
        if (!row->value) {
            assert_int_equal(rp_claim_find(&claim, &record, row->name), 0);
            continue;
        }
        if (!rp_claim_find(&claim, &record, row->name)) {
            fail_msg("%s has no %s", row->json, row->name);
        }
        assert_string_equal(claim.value, row->value);
        assert_int_equal(claim.kind, row->kind);
    }
}

typedef struct {
    const char *json;
    const char *value;
    int has;
} has_row_t;

/* clang-format off */
static const has_row_t has_rows[] = {
    {"{\"a\":\"admin\"}", "admin", 1},
    {"{\"a\":\"admins\"}", "admin", 0},
    {"{\"a\":\"x,admin\"}", "admin", 0},
    {"{\"a\":[\"staff\",\"admin\"]}", "admin", 1},
    {"{\"a\":[\"staff\",\"admins\"]}", "admin", 0},
    {"{\"a\":[\"adm\",\"in\"]}", "adm,in", 0},
    {"{\"a\":[\"adm,in\"]}", "adm,in", 1},
    {"{\"a\":[\"adm,in\"]}", "adm", 0},
    {"{\"a\":[\"50%\"]}", "50%", 1},
    {"{\"a\":[\"x%2Cy\"]}", "x,y", 0},
    {"{\"a\":[\"x%2Cy\"]}", "x%2Cy", 1},
    {"{\"a\":[]}", "", 0},
    {"{\"a\":[\"x\"]}", "", 0},
    {"{\"a\":[7]}", "7", 1},
    {"{\"a\":true}", "true", 1},
};
/* clang-format on */

static void a_value_matches_whole_and_arrays_by_membership(void **state)
{
    test_env_t *test = *state;

    for (apr_size_t i = 0; i < sizeof(has_rows) / sizeof(has_rows[0]); i++) {
        rp_record_t record = {0};
        rp_claim_t claim;

        session_encode_claims(&record, test, has_rows[i].json);
        assert_int_equal(rp_claim_find(&claim, &record, "a"), 1);
        if (rp_claim_has(&claim, has_rows[i].value) != has_rows[i].has) {
            fail_msg("%s has %s", has_rows[i].json, has_rows[i].value);
        }
    }
}

static const char *variable(test_env_t *test, const char *json, const char *name)
{
    rp_record_t record = {0};
    rp_claim_t claim;

    session_encode_claims(&record, test, json);
    assert_int_equal(rp_claim_find(&claim, &record, name), 1);
    assert_string_equal(claim.name, name);
    assert_string_equal(claim.value, "v");
    return claim.variable;
}

static void a_claim_has_a_variable_with_a_prefix_that_nothing_else_has(void **state)
{
    test_env_t *test = *state;

    assert_string_equal(variable(test, "{\"email\":\"v\"}", "email"), "OAUTH_CLAIM_email");
    assert_string_equal(variable(test, "{\"https://x/y\":\"v\"}", "https://x/y"),
                        "OAUTH_CLAIM_https___x_y");
    assert_string_equal(variable(test, "{\"PATH=x\":\"v\"}", "PATH=x"), "OAUTH_CLAIM_PATH_x");
    assert_null(variable(test, "{\"a\":{\"b\":\"v\"}}", "a.b"));
}

static void of_two_claims_with_the_same_variable_the_first_has_it(void **state)
{
    static const char json[] = "{\"a-b\":\"v\",\"a_b\":\"v\",\"a.b\":\"v\"}";
    test_env_t *test = *state;

    assert_string_equal(variable(test, json, "a-b"), "OAUTH_CLAIM_a_b");
    assert_null(variable(test, json, "a_b"));
    assert_null(variable(test, json, "a.b"));
}

static void too_many_claims_are_no_session(void **state)
{
    test_env_t *test = *state;
    const unsigned char *claims;
    json_t *object = rp_json_keep(json_object(), test->env.pool);
    apr_size_t len;
    int dropped;

    for (int i = 0; i <= RP_MAX_CLAIMS; i++) {
        json_object_set_new(object, apr_psprintf(test->env.pool, "c%d", i), json_integer(i));
    }
    assert_int_equal(rp_claims_encode(&claims, &len, &dropped, object, test->env.pool), APR_ENOSPC);
}

static void claims_that_do_not_add_up_have_no_index(void **state)
{
    test_env_t *test = *state;
    rp_record_t record = {0};
    rp_claim_t claim;

    assert_int_equal(rp_claims_index(&record, test->env.pool), APR_SUCCESS);
    assert_int_equal(rp_claim_find(&claim, &record, "a"), 0);
    session_encode_claims(&record, test, "{\"a\":\"x\",\"b\":\"y\"}");
    for (apr_size_t len = record.claims_len; len-- > 1;) {
        rp_record_t cut = record;

        cut.claims = apr_pmemdup(test->env.pool, record.claims, len);
        cut.claims_len = len;
        if (len == record.claims_len / 2) {
            continue; /* the first one alone */
        }
        assert_int_equal(rp_claims_index(&cut, test->env.pool), APR_EINVAL);
        assert_null(cut.index);
        assert_int_equal(cut.index_len, 0);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int run_session_claims_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(claims_are_found_with_their_text),
        TEST(a_value_matches_whole_and_arrays_by_membership),
        TEST(a_claim_has_a_variable_with_a_prefix_that_nothing_else_has),
        TEST(of_two_claims_with_the_same_variable_the_first_has_it),
        TEST(too_many_claims_are_no_session),
        TEST(claims_that_do_not_add_up_have_no_index),
    };

    return cmocka_run_group_tests_name("session: claims", tests, NULL, NULL);
}
