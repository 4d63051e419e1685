/* OAuthClientAuth and OAuthClientKey: how the client proves who it is. */
#include "rp_directive.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#include "rp_config.h"
#include "rp_value.h"

static const char *parse_CLIENT_AUTH(void *slot, const rp_directive_use_t *use, int argc,
                                     char *const argv[])
{
    const rp_option_row_t rows[] = {
        {"", {RP_VALUE_WORD, use->row->bounds}, offsetof(rp_client_auth_options_t, method)},
        {"aud",
         {RP_VALUE_WORD, "issuer|token_endpoint"},
         offsetof(rp_client_auth_options_t, audience)},
    };
    const rp_option_table_t table = {rows, 2};
    rp_client_auth_options_t value = {RP_CLIENT_AUTH_AUTO, RP_AUDIENCE_ISSUER};
    const char *why = rp_value_options(&value, &table, argc, argv, use->pool);

    if (!why) {
        *(rp_client_auth_options_t *)slot = value;
    }
    return why;
}

const rp_directive_type_t rp_directive_type_CLIENT_AUTH = {1, 2, sizeof(rp_client_auth_options_t),
                                                           parse_CLIENT_AUTH, NULL};

static const rp_option_row_t key_options[] = {
    {"kid", {RP_VALUE_TEXT, ""}, offsetof(rp_client_key_t, options.kid)},
    {"alg", {RP_VALUE_TEXT, ""}, offsetof(rp_client_key_t, options.alg)},
};

/* One more line for the same provider; the file is read when all of the configuration is known. */
static const char *parse_CLIENT_KEY(void *slot, const rp_directive_use_t *use, int argc,
                                    char *const argv[])
{
    const apr_array_header_t **keys = slot;
    const rp_value_type_t file = {RP_VALUE_DIR, ""};
    const rp_option_table_t table = {key_options, 2};
    rp_client_key_t *line = apr_pcalloc(use->pool, sizeof(*line));
    apr_array_header_t *list;
    const char *why = rp_value_parse(&line->file, &file, argv[0], use->pool);

    if (!why) {
        why = rp_value_options(line, &table, argc - 1, argv + 1, use->pool);
    }
    if (why) {
        return why;
    }
    list = *keys ? apr_array_copy(use->pool, *keys)
                 : apr_array_make(use->pool, 2, sizeof(rp_client_key_t *));
    APR_ARRAY_PUSH(list, rp_client_key_t *) = line;
    *keys = list;
    return NULL;
}

const rp_directive_type_t rp_directive_type_CLIENT_KEY = {1, 3, sizeof(const apr_array_header_t *),
                                                          parse_CLIENT_KEY, NULL};
