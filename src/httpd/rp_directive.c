#include "rp_directive.h"

#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

#include "rp_config.h"
#include "rp_section.h"

#define AT_SERVER(member) ((int)offsetof(rp_server_config_t, member))
#define AT_PROVIDER(member) ((int)offsetof(rp_provider_config_t, member))
#define AT_DIR(member) ((int)offsetof(rp_dir_config_t, member))

#define OFFSET_S(member)                                                                           \
    {                                                                                              \
        AT_SERVER(member), -1, -1                                                                  \
    }
#define OFFSET_SP(member)                                                                          \
    {                                                                                              \
        -1, AT_PROVIDER(member), -1                                                                \
    }
#define OFFSET_SPD(member)                                                                         \
    {                                                                                              \
        -1, AT_PROVIDER(member), AT_DIR(member)                                                    \
    }
#define OFFSET_SD(member)                                                                          \
    {                                                                                              \
        -1, -1, AT_DIR(member)                                                                     \
    }
#define OFFSET_D(member)                                                                           \
    {                                                                                              \
        -1, -1, AT_DIR(member)                                                                     \
    }

#define WHERE_S RSRC_CONF
#define WHERE_SP RSRC_CONF
#define WHERE_SPD (RSRC_CONF | OR_AUTHCFG)
#define WHERE_SD (RSRC_CONF | OR_AUTHCFG)
#define WHERE_D OR_AUTHCFG

#define RP_DIRECTIVE_GROUP(title)
#define RP_DIRECTIVE_SECTION(name, syntax, help)

static const rp_directive_t rows[RP_D_COUNT] = {
#define RP_DIRECTIVE(id, name, contexts, type, member, bounds, standard, syntax, help)             \
    {name, &rp_directive_type_##type, bounds, standard, OFFSET_##contexts(member)},
#include "rp_directive_rows.h"
#undef RP_DIRECTIVE
};

/* httpd drops what comes after the 64th word of a line without saying so. */
#define MAX_ARGS 64

/* Where the value of a directive at this place goes, and what notes that it was given. */
typedef struct {
    char *config; /* NULL: nowhere, with the reason */
    apr_uint64_t *set;
    rp_where_t *given; /* NULL: where it stands is not kept */
    rp_target_t target;
    const char *why;
} place_t;

static place_t provider_place(rp_provider_config_t *provider)
{
    place_t place = {(char *)provider, &provider->set, provider->given, RP_TARGET_PROVIDER, NULL};

    return place;
}

static place_t find_place(const cmd_parms *cmd, const rp_directive_t *row, rp_dir_config_t *dir)
{
    rp_server_config_t *server = rp_server_config(cmd->server);
    rp_provider_config_t *section = rp_section_provider(cmd);
    place_t place = {NULL, NULL, NULL, RP_TARGET_SERVER, NULL};

    if (section) {
        if (row->offset[RP_TARGET_PROVIDER] < 0) {
            place.why = "it cannot stand inside <OAuthProvider>";
            return place;
        }
        return provider_place(section);
    }
    if (row->offset[RP_TARGET_PROVIDER] >= 0 && cmd->path == NULL) {
        if (!server->unnamed->where.file) {
            server->unnamed->where = rp_section_where(cmd);
        }
        return provider_place(server->unnamed);
    }
    if (row->offset[RP_TARGET_DIR] >= 0) {
        place_t in_dir = {(char *)dir, &dir->set, NULL, RP_TARGET_DIR, NULL};

        return in_dir;
    }
    place.config = (char *)server;
    place.set = &server->set;
    place.given = server->given;
    return place;
}

static const char *check_count(const rp_directive_t *row, int argc)
{
    const rp_directive_type_t *type = row->type;

    if (argc < type->min_args) {
        return type->min_args == 2 ? "two arguments are needed" : "an argument is needed";
    }
    if ((type->max_args && argc > type->max_args) || argc >= MAX_ARGS) {
        return "there are too many arguments";
    }
    return NULL;
}

/* The error's id comes first, for whoever searches the README for it. */
static const char *complain(const cmd_parms *cmd, const char *why)
{
    int has_id = strncmp(why, "OA-", 3) == 0 && strlen(why) > 9;
    const char *id = has_id ? apr_pstrndup(cmd->pool, why, 7) : "OA-1001";

    return apr_pstrcat(cmd->pool, id, ": ", cmd->cmd->name, ": ", has_id ? why + 9 : why, NULL);
}

static const char *take(cmd_parms *cmd, void *dir_config, int argc, char *const argv[])
{
    rp_directive_id_t id = (rp_directive_id_t)(cmd->cmd - rp_directive_commands);
    const rp_directive_t *row = &rows[id];
    place_t place = find_place(cmd, row, dir_config);
    rp_directive_use_t use = {row, cmd, cmd->pool};
    const char *why = place.why ? place.why : check_count(row, argc);

    if (!why) {
        why = row->type->parse(place.config + row->offset[place.target], &use, argc, argv);
    }
    if (why) {
        return complain(cmd, why);
    }
    *place.set |= RP_D_BIT(id);
    if (place.given) {
        place.given[id] = rp_section_where(cmd);
    }
    rp_section_note(cmd, id, place.target == RP_TARGET_DIR ? dir_config : NULL);
    return NULL;
}

/* clang-format off */
const command_rec rp_directive_commands[] = {
#define RP_DIRECTIVE(id, name, contexts, type, member, bounds, standard, syntax, help)             \
    AP_INIT_TAKE_ARGV(name, take, NULL, WHERE_##contexts, syntax ": " help),
#include "rp_directive_rows.h"
#undef RP_DIRECTIVE
    AP_INIT_RAW_ARGS("<OAuthProvider", rp_section_provider_open, NULL, RSRC_CONF,
                     "NAME: one more provider, selected with OAuthUse"),
    AP_INIT_RAW_ARGS("AuthType", rp_section_auth_type, NULL, OR_AUTHCFG,
                     "OAuth: sign-in through an OAuth 2.0 or OpenID Connect provider"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */

const rp_directive_t *rp_directive_row(rp_directive_id_t id)
{
    return &rows[id];
}

static void set_default(char *slot, const rp_directive_t *row, apr_pool_t *pool)
{
    rp_directive_use_t use = {row, NULL, pool};
    char **words = NULL;
    int count = 0;

    if (apr_tokenize_to_argv(row->standard, &words, pool) != APR_SUCCESS) {
        return;
    }
    while (words[count]) {
        count++;
    }
    row->type->parse(slot, &use, count, words);
}

void rp_directive_defaults(void *config, rp_target_t target, apr_pool_t *pool)
{
    for (int id = 0; id < RP_D_COUNT; id++) {
        const rp_directive_t *row = &rows[id];

        if (row->offset[target] >= 0 && row->standard[0] != '\0' && row->standard[0] != '(') {
            set_default((char *)config + row->offset[target], row, pool);
        }
    }
}

void rp_directive_merge(void *result, const void *base, const void *more, rp_target_t target,
                        apr_pool_t *pool)
{
    apr_uint64_t set = *(const apr_uint64_t *)more;

    for (int id = 0; id < RP_D_COUNT; id++) {
        const rp_directive_t *row = &rows[id];
        int offset = row->offset[target];

        if (offset < 0 || !(set & RP_D_BIT(id))) {
            continue;
        }
        if (row->type->merge) {
            row->type->merge((char *)result + offset, (const char *)base + offset,
                             (const char *)more + offset, pool);
        } else {
            memcpy((char *)result + offset, (const char *)more + offset, row->type->size);
        }
    }
    *(apr_uint64_t *)result |= set;
}
