#include "io_groups.h"

int main(void)
{
    int failed = run_io_http_tests();

    failed += run_io_secret_tests();
    failed += run_io_store_tests();
    return failed ? 1 : 0;
}
