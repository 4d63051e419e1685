/* Directives: httpd's command table made from the rows, and what walks them.
 *
 * Key idea: one function takes every directive. It finds the row, asks the row's type to parse the
 * arguments into the member that the row names, and notes in the struct's `set` that this was
 * given. Merging copies what the inner section gave; defaults are parsed from the same text that
 * the reference prints. */
#ifndef RP_DIRECTIVE_H
#define RP_DIRECTIVE_H

#include <httpd.h>

#include <http_config.h>

typedef enum {
#define RP_DIRECTIVE_GROUP(title)
#define RP_DIRECTIVE_SECTION(name, syntax, help)
#define RP_DIRECTIVE(id, name, contexts, type, member, bounds, standard, syntax, help) RP_D_##id,
#include "rp_directive_rows.h"
#undef RP_DIRECTIVE_GROUP
#undef RP_DIRECTIVE_SECTION
#undef RP_DIRECTIVE
    RP_D_COUNT
} rp_directive_id_t;

#define RP_D_BIT(id) (APR_UINT64_C(1) << (id))

/* The structs of rp_config.h that a value can live in. */
typedef enum { RP_TARGET_SERVER, RP_TARGET_PROVIDER, RP_TARGET_DIR, RP_TARGETS } rp_target_t;

struct rp_directive_type_t;

typedef struct {
    const char *name;
    const struct rp_directive_type_t *type;
    const char *bounds;
    const char *standard;   /* the default as text, see rp_directive_rows.h */
    int offset[RP_TARGETS]; /* of the member in each struct; -1: not there */
} rp_directive_t;

/* What a type gets beside the arguments. cmd is NULL for a default. */
typedef struct {
    const rp_directive_t *row;
    const cmd_parms *cmd;
    apr_pool_t *pool;
} rp_directive_use_t;

/* How the arguments of a directive become a value. */
typedef struct rp_directive_type_t {
    int min_args;
    int max_args; /* 0: any number */
    apr_size_t size;
    /* NULL, or words that complete "OAuthDirective: …". */
    const char *(*parse)(void *slot, const rp_directive_use_t *use, int argc, char *const argv[]);
    /* Lays more over base into slot; NULL: more replaces it. */
    void (*merge)(void *slot, const void *base, const void *more, apr_pool_t *pool);
} rp_directive_type_t;

/* clang-format off */
#define RP_DIRECTIVE_TYPES(X)                                                                      \
    X(TEXT) X(ISSUER) X(METADATA) X(ENDPOINT) X(WORD) X(LIST) X(SCOPES) X(RESOURCES) X(PARAMETER)  \
    X(ALGS) X(SECONDS) X(TLS) X(TIMEOUT) X(PATH) X(ORIGIN) X(NETWORKS) X(DIRECTORY) X(STORE)       \
    X(LIFETIME) X(COOKIE) X(ORIGINS) X(TEMPLATE) X(LOGOUT) X(SOURCE) X(HEADER) X(BACKEND)          \
    X(CLIENT_AUTH) X(CLIENT_KEY) X(WORDS)
/* clang-format on */

#define RP_DIRECTIVE_TYPE_DECLARE(name) extern const rp_directive_type_t rp_directive_type_##name;
RP_DIRECTIVE_TYPES(RP_DIRECTIVE_TYPE_DECLARE)

/* For module's struct: ends with a row of NULLs. */
extern const command_rec rp_directive_commands[];

const rp_directive_t *rp_directive_row(rp_directive_id_t id);

/* Gives every member that lives in target its default. */
void rp_directive_defaults(void *config, rp_target_t target, apr_pool_t *pool);

/* result is a copy of base; lays over it what more has set. */
void rp_directive_merge(void *result, const void *base, const void *more, rp_target_t target,
                        apr_pool_t *pool);

#endif
