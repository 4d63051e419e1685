/* The pages and their templates: rp_page, rp_page_layout, rp_page_template. */
#include "flow_fixture.h"
#include "flow_groups.h"

#include <apr_strings.h>
#include <string.h>

#include "../../src/base/rp_limits.h"
#include "../../src/codec/rp_base64.h"
#include "../../src/flow/rp_page.h"
#include "../../src/jose/rp_crypto.h"

static rp_request_t request_of(flow_t *flow)
{
    rp_request_t request = {.site = &flow->site, .place = &flow->own_place, .method = "GET"};

    return request;
}

static void expect_whole_page(flow_t *flow, const rp_reply_t *reply)
{
    const char *style = strstr(reply->body, "<style>");
    const char *end = strstr(reply->body, "</style>");
    unsigned char hash[RP_SHA256];

    assert_int_equal(reply->outcome, RP_PAGE);
    assert_string_equal(reply->content_type, "text/html; charset=utf-8");
    assert_ptr_equal(strstr(reply->body, "<!DOCTYPE html>\n<html lang=\"en\">"), reply->body);
    assert_non_null(strstr(reply->body, "<main>"));
    assert_non_null(strstr(reply->body, "<h1>"));
    assert_non_null(strstr(reply->body, "prefers-color-scheme:dark"));
    assert_non_null(strstr(reply->body, "name=\"viewport\""));
    assert_null(strstr(reply->body, "<script"));
    assert_null(strstr(reply->body, " style=\""));
    assert_non_null(style);
    style += strlen("<style>");
    rp_hash(hash, RP_SHA256, style, (apr_size_t)(end - style));
    assert_non_null(
        strstr(reply->csp,
               apr_pstrcat(flow->test->env.pool, "style-src 'sha256-",
                           rp_base64_encode(hash, RP_SHA256, flow->test->env.pool), "';", NULL)));
    assert_ptr_equal(strstr(reply->csp, "default-src 'none'; "), reply->csp);
    assert_non_null(strstr(reply->csp, "frame-ancestors 'none'"));
    assert_non_null(strstr(reply->csp, "base-uri 'none'"));
}

static void explains_every_error_with_its_id_and_the_reference(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    apr_size_t count;
    const rp_error_row_t *rows = rp_error_rows(&count);

    for (apr_size_t i = 0; i < count; i++) {
        rp_reply_t reply = {.error = {.id = rows[i].id, .detail = "SECRET DETAIL"},
                            .status = rows[i].status,
                            .reference = "0123-4567-89ab-cdef"};

        rp_page_error(&reply, &flow->test->env, &request);
        expect_whole_page(flow, &reply);
        assert_non_null(
            strstr(reply.body, apr_psprintf(flow->test->env.pool, "OA-%d<", (int)rows[i].id)));
        assert_non_null(strstr(reply.body, "0123-4567-89ab-cdef"));
        assert_non_null(strstr(reply.body, "2026-01-01 00:00:00 UTC"));
        assert_null(strstr(reply.body, "SECRET DETAIL"));
        assert_non_null(strstr(reply.csp, "form-action 'none'"));
    }
}

static void leads_on_from_an_error_to_where_the_user_was_going(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    rp_reply_t reply = {
        .error = {.id = RP_E_STATE_EXPIRED}, .reference = "r", .retry = "/app?a=1&b='\"<x>"};

    rp_page_error(&reply, &flow->test->env, &request);
    assert_non_null(
        strstr(reply.body, "href=\"/app?a=1&amp;b=&#39;&quot;&lt;x&gt;\">Try again</a>"));
    assert_non_null(strstr(reply.body, "href=\"/\">Go to the start page</a>"));
    reply.retry = NULL;
    rp_page_error(&reply, &flow->test->env, &request);
    assert_non_null(strstr(reply.body, "href=\"/\">Try again</a>"));
}

static void offers_another_account_to_somebody_who_is_not_allowed(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    rp_reply_t reply = {.error = {.id = RP_E_FORBIDDEN}, .status = 403, .reference = "r"};

    rp_page_error(&reply, &flow->test->env, &request);
    assert_int_equal(reply.status, 403);
    assert_non_null(strstr(reply.body, "href=\"/oauth/logout\">Sign out</a>"));
    assert_null(strstr(reply.body, "Try again"));
}

static void escapes_the_names_of_providers(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    const rp_provider_t *providers[] = {&flow->provider, NULL};
    rp_page_choice_t choice = {.providers = providers, .return_url = "/a&b"};
    rp_reply_t reply = {0};

    flow->provider.display_name = "<b>\"Bank\" & Co</b>";
    flow->provider.name = "a&b=c";
    rp_page_choice(&reply, &flow->test->env, &request, &choice);
    expect_whole_page(flow, &reply);
    assert_non_null(strstr(reply.body, "&lt;b&gt;&quot;Bank&quot; &amp; Co&lt;/b&gt;"));
    assert_non_null(strstr(reply.body, "provider=a%26b%3Dc&amp;return_to=%2Fa%26b\""));
}

static void allows_the_forms_of_a_logout_to_lead_to_the_provider(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    rp_page_logout_t logout = {.token = "t",
                               .provider_origin = "https://op.example",
                               .return_origin = "https://other.example"};
    rp_reply_t reply = {0};

    rp_page_logout_confirm(&reply, &flow->test->env, &request, &logout);
    expect_whole_page(flow, &reply);
    assert_non_null(
        strstr(reply.csp, "form-action 'self' https://op.example https://other.example;"));
    assert_non_null(strstr(reply.body, "<form method=\"post\" action=\"/oauth/logout\">"));
}

/* clang-format off */
static const struct {
    rp_template_t kind;
    const char *text;
    const char *wrong; /* NULL: good */
} templates[] = {
    {RP_TEMPLATE_ERROR, "", NULL},
    {RP_TEMPLATE_ERROR, "{{title}} {{ message }}{{id}}{{reference}}{{time}}{{return_url}}", NULL},
    {RP_TEMPLATE_ERROR, "a { b } c }} d", NULL},
    {RP_TEMPLATE_ERROR, "{{form}}", "unknown placeholder {{form}}"},
    {RP_TEMPLATE_ERROR, "{{Title}}", "unknown placeholder {{Title}}"},
    {RP_TEMPLATE_ERROR, "{{}}", "unknown placeholder {{}}"},
    {RP_TEMPLATE_ERROR, "x {{title", "a {{ without }}"},
    {RP_TEMPLATE_ERROR, "\xC3(", "not UTF-8"},
    {RP_TEMPLATE_LOGIN, "<ul>{{providers}}</ul>", NULL},
    {RP_TEMPLATE_LOGIN, "{{title}}", "placeholder {{providers}} is missing"},
    {RP_TEMPLATE_LOGOUT, "{{form}}{{return_url}}", NULL},
    {RP_TEMPLATE_LOGOUT, "{{title}}", "placeholder {{form}} is missing"},
    {RP_TEMPLATE_LOGOUT, "{{form}}{{id}}", "unknown placeholder {{id}}"},
};
/* clang-format on */

static void checks_a_template_when_it_is_configured(void **state)
{
    flow_t *flow = *state;
    char *text = apr_palloc(flow->test->env.pool, RP_MAX_TEMPLATE + 2);

    for (apr_size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        const char *wrong =
            rp_page_template_check(templates[i].kind, templates[i].text, flow->test->env.pool);

        if (templates[i].wrong) {
            assert_non_null(wrong);
            assert_string_equal(wrong, templates[i].wrong);
        } else if (wrong) {
            fail_msg("row: %s: %s", templates[i].text, wrong);
        }
    }
    memset(text, 'x', RP_MAX_TEMPLATE + 1);
    text[RP_MAX_TEMPLATE + 1] = '\0';
    assert_string_equal(rp_page_template_check(RP_TEMPLATE_ERROR, text, flow->test->env.pool),
                        "longer than 262144 bytes");
}

static void fills_a_template_and_escapes_what_is_text(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    rp_reply_t reply = {.error = {.id = RP_E_STATE_EXPIRED},
                        .status = 400,
                        .reference = "ref",
                        .retry = "/a?b=\"<"};

    flow->site.templates[RP_TEMPLATE_ERROR] = "<h1>{{ title }}</h1>{{id}}|{{reference}}|{{time}}|"
                                              "<a href=\"{{return_url}}\">{{message}}</a>}}{";
    rp_page_error(&reply, &flow->test->env, &request);
    assert_string_equal(reply.body,
                        apr_pstrcat(flow->test->env.pool,
                                    "<h1>Sign-in did not work</h1>OA-1204|ref|"
                                    "2026-01-01 00:00:00 UTC|<a href=\"/a?b=&quot;&lt;\">",
                                    rp_error_row(RP_E_STATE_EXPIRED)->user, "</a>}}{", NULL));
    assert_int_equal(reply.status, 400);
    assert_null(strstr(reply.csp, "script"));
    assert_non_null(strstr(reply.csp, "default-src 'none'"));
    assert_non_null(strstr(reply.csp, "frame-ancestors 'none'"));
}

static void fills_templates_of_choice_and_logout_with_their_markup(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    const rp_provider_t *providers[] = {&flow->provider, NULL};
    rp_page_choice_t choice = {.providers = providers, .return_url = "/a"};
    rp_page_logout_t logout = {.token = "t"};
    rp_reply_t reply = {0};

    flow->site.templates[RP_TEMPLATE_LOGIN] = "<nav>{{providers}}</nav>";
    rp_page_choice(&reply, &flow->test->env, &request, &choice);
    assert_int_equal(reply.status, 200);
    assert_ptr_equal(strstr(reply.body, "<nav><ul>\n<li><a href=\"/oauth/login?provider=&amp;"),
                     reply.body);
    flow->site.templates[RP_TEMPLATE_LOGOUT] = "{{title}}:{{form}}";
    rp_page_logout_confirm(&reply, &flow->test->env, &request, &logout);
    assert_ptr_equal(strstr(reply.body, "Sign out?:<form method=\"post\""), reply.body);
    assert_non_null(strstr(reply.csp, "form-action 'self';"));
    rp_page_logged_out(&reply, &flow->test->env, &request);
    assert_string_equal(reply.body, "You are signed out:");
}

static void shows_a_form_as_large_as_it_may_be(void **state)
{
    flow_t *flow = *state;
    rp_request_t request = request_of(flow);
    apr_array_header_t *fields = apr_array_make(flow->test->env.pool, 1, sizeof(rp_page_field_t));
    char *text = apr_palloc(flow->test->env.pool, RP_MAX_FORM_BODY + 1);
    rp_page_field_t field = {.name = "n", .value = text};
    rp_page_resume_t resume = {.action = "/app", .fields = fields};
    rp_reply_t reply = {0};

    memset(text, '"', RP_MAX_FORM_BODY);
    text[RP_MAX_FORM_BODY] = '\0';
    APR_ARRAY_PUSH(fields, rp_page_field_t) = field;
    rp_page_resume(&reply, &flow->test->env, &request, &resume);
    expect_whole_page(flow, &reply);
    assert_true(strlen(reply.body) > 6 * RP_MAX_FORM_BODY);
    assert_non_null(strstr(reply.body, "</html>"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

int run_flow_page_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(explains_every_error_with_its_id_and_the_reference),
        TEST(leads_on_from_an_error_to_where_the_user_was_going),
        TEST(offers_another_account_to_somebody_who_is_not_allowed),
        TEST(escapes_the_names_of_providers),
        TEST(allows_the_forms_of_a_logout_to_lead_to_the_provider),
        TEST(checks_a_template_when_it_is_configured),
        TEST(fills_a_template_and_escapes_what_is_text),
        TEST(fills_templates_of_choice_and_logout_with_their_markup),
        TEST(shows_a_form_as_large_as_it_may_be),
    };

    return cmocka_run_group_tests_name("flow: pages", tests, NULL, NULL);
}
