/* The catalogue of failures.
 *
 * Key idea: whatever goes wrong has one row in rp_error_rows.h, with an id that never changes
 * meaning. The row says how loud the log is, which HTTP status is sent, whose fault it usually is,
 * what the user may read and what the administrator should do. Nothing that came with the request
 * is ever part of what the user reads.
 *
 * Functions of the core return apr_status_t with three outcomes: APR_SUCCESS, APR_NOTFOUND (there
 * is none, which is no failure), and RP_FAILED with the cause in the environment's error object. */
#ifndef RP_ERROR_H
#define RP_ERROR_H

#include <apr_errno.h>

/* Failed or refused; the cause is in env->error. */
#define RP_FAILED (APR_OS_START_USERERR + 1)
/* A compare-and-set found another version (io/rp_store.h). No cause is recorded. */
#define RP_CONFLICT (APR_OS_START_USERERR + 2)

typedef enum {
    RP_FAULT_BROWSER,  /* what the browser sent */
    RP_FAULT_USER,     /* what the user decided, or is not allowed */
    RP_FAULT_PROVIDER, /* what the provider answered */
    RP_FAULT_ADMIN,    /* how this server is configured */
    RP_FAULT_SERVER    /* this machine: memory, disk, clock */
} rp_fault_t;

typedef enum { RP_SEVERITY_ERROR, RP_SEVERITY_WARNING, RP_SEVERITY_INFO } rp_severity_t;

typedef enum {
    RP_E_NONE = 0,
#define RP_ERROR(number, name, severity, status, fault, user, admin) RP_E_##name = (number),
#include "rp_error_rows.h"
#undef RP_ERROR
    RP_E_LAST
} rp_error_id_t;

typedef struct {
    rp_error_id_t id;       /* shown as OA-<id> */
    const char *name;       /* for tests and the README */
    rp_severity_t severity; /* how loud the one log line is */
    int status;             /* HTTP status; 0 for a configuration error, which stops the start */
    rp_fault_t fault;
    const char *user;  /* plain text for the page */
    const char *admin; /* what to do about it, for the log and the README */
} rp_error_row_t;

/* The first cause of a failure. id is RP_E_NONE when nothing failed. */
typedef struct {
    rp_error_id_t id;
    const char *detail; /* for the log; NULL or text in the environment's pool */
} rp_error_t;

/* The row of an id; for an unknown id the row of RP_E_INTERNAL. Never NULL. */
const rp_error_row_t *rp_error_row(rp_error_id_t id);

/* All rows, in ascending order of id; *count receives their number. */
const rp_error_row_t *rp_error_rows(apr_size_t *count);

const char *rp_fault_name(rp_fault_t fault);

#endif
