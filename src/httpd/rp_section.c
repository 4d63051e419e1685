#include "rp_section.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "../flow/rp_assertion.h"

#define PROVIDER_SECTION "<OAuthProvider"

rp_provider_config_t *rp_section_provider(const cmd_parms *cmd)
{
    const ap_directive_t *parent = cmd->directive ? cmd->directive->parent : NULL;

    if (parent && strcasecmp(parent->directive, PROVIDER_SECTION) == 0) {
        return parent->data;
    }
    return NULL;
}

rp_where_t rp_section_where(const cmd_parms *cmd)
{
    rp_where_t where = {NULL, 0};

    if (cmd->directive) {
        where.file = cmd->directive->filename;
        where.line = cmd->directive->line_num;
    }
    return where;
}

/* What .htaccess says lives as long as its request and must not reach the server's structs. */
static int in_htaccess(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL;
}

static void push_name(apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(names, const char *) = name;
}

static rp_mention_t *mention(apr_array_header_t *list, const cmd_parms *cmd)
{
    rp_mention_t *one = apr_array_push(list);

    memset(one, 0, sizeof(*one));
    one->section = cmd->path ? cmd->path : "";
    one->where = rp_section_where(cmd);
    one->directive = cmd->cmd->name;
    one->kind = cmd->directive && cmd->directive->parent ? cmd->directive->parent->directive : "";
    return one;
}

/* NULL for no name. */
static const apr_array_header_t *named(const char *name, apr_pool_t *pool)
{
    apr_array_header_t *list = name ? apr_array_make(pool, 1, sizeof(name)) : NULL;

    if (list) {
        APR_ARRAY_PUSH(list, const char *) = name;
    }
    return list;
}

static void note_headers(rp_server_config_t *server, const rp_dir_config_t *dir)
{
    for (int i = 0; i < dir->header_rows->nelts; i++) {
        const rp_header_row_t *row = &APR_ARRAY_IDX(dir->header_rows, i, rp_header_row_t);

        push_name(server->header_names, row->name);
        if (row->source.claim) {
            push_name(server->claims, row->source.claim);
        }
    }
}

/* What the flows read is in the place; what directives write is beside it where a default has to
 * be told from a value. */
static void copy_to_place(rp_dir_config_t *dir)
{
    dir->place.user_claim = dir->user.claim;
    dir->place.scope = dir->scope;
    dir->place.resource = dir->resource;
    dir->place.authorization_parameters = dir->authorization_parameters;
}

/* Where bearer tokens are accepted, and for which audience: compared when everything is read. */
static void note_bearer(const cmd_parms *cmd, rp_directive_id_t id, const rp_dir_config_t *dir)
{
    rp_server_config_t *server = rp_server_config(cmd->server);

    if (id == RP_D_ACCEPT && (dir->place.accept & RP_ACCEPT_BEARER)) {
        mention(server->bearers, cmd)->dir = dir;
    } else if (id == RP_D_AUDIENCE) {
        mention(server->audiences, cmd)->dir = dir;
    }
}

static void note_claims(rp_server_config_t *server, const char *names, apr_pool_t *pool)
{
    while (*names) {
        apr_size_t len = strcspn(names, " ");

        push_name(server->claims, apr_pstrmemdup(pool, names, len));
        names += len;
        names += strspn(names, " ");
    }
}

static void note_backend(rp_server_config_t *server, const cmd_parms *cmd,
                         const rp_dir_config_t *dir)
{
    const rp_backend_token_t *backend = &dir->place.backend;

    if (backend->kind == RP_BACKEND_SERVICE) {
        mention(server->backends, cmd)->use = named(backend->provider, cmd->pool);
    } else if (backend->kind == RP_BACKEND_ASSERTION) {
        mention(server->assertions, cmd)->dir = dir;
        note_claims(server, rp_assertion_claims(backend), cmd->pool);
    }
    if (backend->header) {
        push_name(server->header_names, backend->header);
    }
}

/* A header whose name the virtual host does not know. */
static void note_local(rp_directive_id_t id, rp_dir_config_t *dir)
{
    if (dir && (id == RP_D_HEADER || (id == RP_D_BACKEND_TOKEN && dir->place.backend.header))) {
        dir->local_headers = 1;
    }
}

void rp_section_note(cmd_parms *cmd, rp_directive_id_t id, rp_dir_config_t *dir)
{
    rp_server_config_t *server = rp_server_config(cmd->server);

    if (dir) {
        copy_to_place(dir);
    }
    if (in_htaccess(cmd)) {
        note_local(id, dir);
        return;
    }
    if (!server->first.file) {
        server->first = rp_section_where(cmd);
    }
    if (!dir) {
        return;
    }
    note_bearer(cmd, id, dir);
    if (id == RP_D_USE) {
        mention(server->uses, cmd)->use = dir->place.use;
    } else if (id == RP_D_BACKEND_TOKEN) {
        note_backend(server, cmd, dir);
    } else if (id == RP_D_HEADER) {
        note_headers(server, dir);
    } else if (id == RP_D_USER && dir->user.claim) {
        push_name(server->claims, dir->user.claim);
    } else if (id == RP_D_SESSION_LIFETIME && dir->place.limits.max > server->longest) {
        server->longest = dir->place.limits.max;
    }
}

void rp_section_note_claim(cmd_parms *cmd, const char *claim)
{
    if (!in_htaccess(cmd)) {
        push_name(rp_server_config(cmd->server)->claims, apr_pstrdup(cmd->pool, claim));
    }
}

static const char *check_name(const char *name, const rp_server_config_t *server, apr_pool_t *pool)
{
    if (!*name) {
        return "OA-1001: <OAuthProvider> needs a name, like <OAuthProvider google>";
    }
    for (const char *c = name; *c; c++) {
        if (!apr_isalnum(*c) && !strchr("-_.", *c)) {
            return apr_psprintf(pool,
                                "OA-1001: <OAuthProvider %s>: a name has letters, digits and -_. "
                                "only",
                                name);
        }
    }
    for (int i = 0; i < server->named->nelts; i++) {
        const rp_provider_config_t *other = APR_ARRAY_IDX(server->named, i, rp_provider_config_t *);

        if (strcmp(other->provider.name, name) == 0) {
            return apr_psprintf(pool, "OA-1001: <OAuthProvider %s> is there already (%s:%d)", name,
                                other->where.file, other->where.line);
        }
    }
    return NULL;
}

/* Only a provider's directives have a meaning there; httpd itself would take any. */
static const char *check_children(const ap_directive_t *child, apr_pool_t *pool)
{
    for (; child; child = child->next) {
        int id = 0;

        while (id < RP_D_COUNT &&
               strcasecmp(rp_directive_row((rp_directive_id_t)id)->name, child->directive) != 0) {
            id++;
        }
        if (id == RP_D_COUNT ||
            rp_directive_row((rp_directive_id_t)id)->offset[RP_TARGET_PROVIDER] < 0) {
            return apr_psprintf(pool,
                                "OA-1001: %s cannot stand inside <OAuthProvider>, which is for "
                                "what describes a provider and the client there",
                                child->directive);
        }
    }
    return NULL;
}

const char *rp_section_provider_open(cmd_parms *cmd, void *dir_config, const char *args)
{
    rp_server_config_t *server = rp_server_config(cmd->server);
    const char *end = strrchr(args, '>');
    const char *why = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    rp_provider_config_t *provider;
    const char *inner;
    const char *name;

    (void)dir_config;
    if (why) {
        return why;
    }
    if (!end) {
        return "OA-1001: <OAuthProvider lacks its closing >";
    }
    inner = apr_pstrndup(cmd->temp_pool, args, (apr_size_t)(end - args));
    name = ap_getword_conf(cmd->pool, &inner);
    why = *inner ? "OA-1001: <OAuthProvider> takes one name" : check_name(name, server, cmd->pool);
    if (!why) {
        why = check_children(cmd->directive->first_child, cmd->pool);
    }
    if (why) {
        return why;
    }
    provider = rp_config_provider_create(name, cmd->pool);
    provider->where = rp_section_where(cmd);
    APR_ARRAY_PUSH(server->named, rp_provider_config_t *) = provider;
    if (!server->first.file) {
        server->first = provider->where;
    }
    cmd->directive->data = provider;
    return ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
}

const char *rp_section_auth_type(cmd_parms *cmd, void *dir_config, const char *args)
{
    rp_dir_config_t *dir = dir_config;
    const char *word = ap_getword_conf(cmd->temp_pool, &args);

    dir->auth_type = strcasecmp(word, "OAuth") == 0 ? RP_AUTH_TYPE_OAUTH : RP_AUTH_TYPE_OTHER;
    if (dir->auth_type == RP_AUTH_TYPE_OAUTH && !in_htaccess(cmd)) {
        mention(rp_server_config(cmd->server)->protected, cmd)->dir = dir;
    }
    return NULL;
}
