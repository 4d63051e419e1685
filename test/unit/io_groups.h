/* The groups of io_test.c. Each returns the number of failed tests. */
#ifndef IO_GROUPS_H
#define IO_GROUPS_H

int run_io_http_tests(void);
int run_io_secret_tests(void);
int run_io_store_tests(void);
int run_io_store_cache_tests(void);
int run_io_store_shm_tests(void);
int run_io_store_file_tests(void);
int run_io_store_damage_tests(void);
int run_io_store_kill_tests(void);
int run_io_store_redis_address_tests(void);
int run_io_store_redis_tests(void);
int run_io_store_redis_life_tests(void);
int run_io_store_redis_liar_tests(void);
int run_io_store_redis_sentinel_tests(void);
int run_io_store_redis_tls_tests(void);

#endif
