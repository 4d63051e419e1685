#include "codec_groups.h"

int main(void)
{
    int failed = run_codec_base64_tests();

    failed += run_codec_cookie_tests();
    failed += run_codec_form_tests();
    failed += run_codec_html_tests();
    failed += run_codec_json_tests();
    failed += run_codec_return_url_tests();
    failed += run_codec_url_tests();
    return failed ? 1 : 0;
}
