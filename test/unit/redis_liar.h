/* A server that is no Redis: to whatever it is asked it answers what a script says, good or bad. */
#ifndef REDIS_LIAR_H
#define REDIS_LIAR_H

#include <apr_pools.h>

typedef struct {
    const char *answer; /* NULL: none, only the pause */
    apr_size_t len;     /* 0: strlen(answer) */
    int repeat;         /* how often more the answer is sent to one question */
    int pause_ms;       /* before each time */
    int closes;         /* 1: and then closes the connection */
} redis_liar_script_t;

typedef struct redis_liar_t redis_liar_t;

/* Answers according to script, which may be changed between two questions; ends with pool. */
redis_liar_t *redis_liar_start(const redis_liar_script_t *script, apr_pool_t *pool);

int redis_liar_port(const redis_liar_t *liar);

/* Connections accepted and questions read so far. */
int redis_liar_connections(redis_liar_t *liar);
int redis_liar_questions(redis_liar_t *liar);

#endif
