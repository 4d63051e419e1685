/* The groups of flow_test.c, one file each. Each returns the number of failed tests. */
#ifndef FLOW_GROUPS_H
#define FLOW_GROUPS_H

int run_flow_access_tests(void);
int run_flow_bearer_kept_tests(void);
int run_flow_bearer_tests(void);
int run_flow_callback_tests(void);
int run_flow_exchange_tests(void);
int run_flow_export_tests(void);
int run_flow_fault_tests(void);
int run_flow_jwks_tests(void);
int run_flow_login_tests(void);
int run_flow_logout_tests(void);
int run_flow_page_tests(void);
int run_flow_preserve_tests(void);
int run_flow_request_tests(void);
int run_flow_service_tests(void);
int run_flow_session_tests(void);
int run_flow_state_tests(void);
int run_flow_user_token_tests(void);

#endif
