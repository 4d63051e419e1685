#include "rp_error.h"

static const rp_error_row_t rows[] = {
#define RP_ERROR(number, name, severity, status, fault, user, admin)                               \
    {RP_E_##name, #name, RP_SEVERITY_##severity, status, RP_FAULT_##fault, user, admin},
#include "rp_error_rows.h"
#undef RP_ERROR
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const rp_error_row_t *find(rp_error_id_t id)
{
    for (apr_size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

const rp_error_row_t *rp_error_row(rp_error_id_t id)
{
    const rp_error_row_t *row = find(id);

    return row ? row : find(RP_E_INTERNAL);
}

const rp_error_row_t *rp_error_rows(apr_size_t *count)
{
    *count = ROW_COUNT;
    return rows;
}

const char *rp_fault_name(rp_fault_t fault)
{
    static const char *const names[] = {
        [RP_FAULT_BROWSER] = "browser",    [RP_FAULT_USER] = "user",
        [RP_FAULT_PROVIDER] = "provider",  [RP_FAULT_ADMIN] = "configuration",
        [RP_FAULT_SERVER] = "this server",
    };

    return names[fault];
}
