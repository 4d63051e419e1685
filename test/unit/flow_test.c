/* The program of src/flow. */
#include "flow_groups.h"

int main(void)
{
    int failed = 0;

    failed += run_flow_request_tests();
    failed += run_flow_state_tests();
    failed += run_flow_login_tests();
    failed += run_flow_callback_tests();
    failed += run_flow_logout_tests();
    failed += run_flow_jwks_tests();
    failed += run_flow_session_tests();
    failed += run_flow_preserve_tests();
    failed += run_flow_page_tests();
    failed += run_flow_access_tests();
    failed += run_flow_service_tests();
    failed += run_flow_bearer_tests();
    failed += run_flow_bearer_kept_tests();
    failed += run_flow_exchange_tests();
    failed += run_flow_user_token_tests();
    failed += run_flow_export_tests();
    failed += run_flow_fault_tests();
    return failed ? 1 : 0;
}
