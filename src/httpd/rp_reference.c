#include "rp_reference.h"

#include <string.h>

#include "../base/rp_error.h"

typedef enum { GROUP, SECTION, DIRECTIVE } row_kind_t;

typedef struct {
    row_kind_t kind;
    const char *name; /* of a group: its title */
    const char *contexts;
    const char *bounds;
    const char *standard;
    const char *syntax;
    const char *help;
} row_t;

#define RP_DIRECTIVE_GROUP(title) {GROUP, title, "", "", "", "", ""},
#define RP_DIRECTIVE_SECTION(name, syntax, help) {SECTION, name, "S", "", "", syntax, help},
#define RP_DIRECTIVE(id, name, contexts, type, member, bounds, standard, syntax, help)             \
    {DIRECTIVE, name, #contexts, bounds, standard, syntax, help},

static const row_t rows[] = {
#include "rp_directive_rows.h"
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Columns of a comment line. */
#define WIDTH 96

/* Prints text in comment lines that break between words. */
static void print_comment(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column == 0 || column + 1 + len > WIDTH) {
            column = (size_t)fprintf(out, "%s# %.*s", column ? "\n" : "", (int)len, text) -
                     (column ? 1 : 0);
        } else {
            column += (size_t)fprintf(out, " %.*s", (int)len, text);
        }
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static const char *contexts_in_words(const char *contexts)
{
    static const char *const words[][2] = {
        {"S", "server, virtual host"},
        {"SP", "server, virtual host, <OAuthProvider>"},
        {"SPD", "server, virtual host, <OAuthProvider>, directory, .htaccess"},
        {"SD", "server, virtual host, directory, .htaccess"},
        {"D", "directory, .htaccess"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i][0], contexts) == 0) {
            return words[i][1];
        }
    }
    return contexts;
}

static int is_note(const char *standard)
{
    return standard[0] == '(';
}

/* The directive as it would stand there: with its default, or with its syntax. */
static void print_conf_line(FILE *out, const row_t *row)
{
    int has_value = row->standard[0] != '\0' && !is_note(row->standard);

    fprintf(out, "#%s %s\n\n", row->name, has_value ? row->standard : row->syntax);
}

static void print_conf_row(FILE *out, const row_t *row)
{
    print_comment(out, row->help);
    if (row->kind == SECTION) {
        fprintf(out, "#<OAuthProvider %s>\n#</OAuthProvider>\n\n", row->syntax);
        return;
    }
    fprintf(out, "# Syntax: %s %s\n", row->name, row->syntax);
    fprintf(out, "# Context: %s\n", contexts_in_words(row->contexts));
    if (is_note(row->standard)) {
        fprintf(out, "# Default: %s\n", row->standard);
    }
    print_conf_line(out, row);
}

void rp_reference_conf(FILE *out)
{
    fputs("# Every directive of mod_auth_oauth. Lines that show a value show the default.\n"
          "# Made by `make reference` from src/httpd/rp_directive_rows.h; do not edit.\n",
          out);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].kind == GROUP) {
            fprintf(out, "\n# === %s ===\n\n", rows[i].name);
        } else {
            print_conf_row(out, &rows[i]);
        }
    }
}

/* A cell: what would end it, or begin a tag, is escaped. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            fputs("\\|", out);
        } else if (*text == '<') {
            fputs("&lt;", out);
        } else if (*text == '>') {
            fputs("&gt;", out);
        } else {
            fputc(*text, out);
        }
    }
}

/* Code in a cell: Markdown leaves < and > alone there. */
static void print_code(FILE *out, const char *text)
{
    if (!*text) {
        return;
    }
    fputc('`', out);
    for (; *text; text++) {
        fputs(*text == '|' ? "\\|" : "", out);
        if (*text != '|') {
            fputc(*text, out);
        }
    }
    fputc('`', out);
}

static void print_default(FILE *out, const char *standard)
{
    if (!is_note(standard)) {
        print_code(out, standard);
        return;
    }
    for (standard++; *standard && (standard[0] != ')' || standard[1] != '\0'); standard++) {
        fputc(*standard, out);
    }
}

static void print_markdown_row(FILE *out, const row_t *row)
{
    char name[160];

    if (row->kind == SECTION) {
        snprintf(name, sizeof(name), "<OAuthProvider %s>", row->syntax);
    } else {
        snprintf(name, sizeof(name), "%s %s", row->name, row->syntax);
    }
    fputs("| ", out);
    print_code(out, name);
    fprintf(out, " | %s | ", row->contexts);
    print_default(out, row->standard);
    fputs(" | ", out);
    print_cell(out, row->help);
    fputs(" |\n", out);
}

void rp_reference_markdown(FILE *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].kind == GROUP) {
            fprintf(out,
                    "%s### %s\n\n| directive | context | default | meaning |\n|---|---|---|---|\n",
                    i ? "\n" : "", rows[i].name);
        } else {
            print_markdown_row(out, &rows[i]);
        }
    }
}

void rp_reference_errors(FILE *out)
{
    apr_size_t count;
    const rp_error_row_t *errors = rp_error_rows(&count);

    fputs("| id | name | status | whose fault | what to do |\n|---|---|---|---|---|\n", out);
    for (apr_size_t i = 0; i < count; i++) {
        fprintf(out, "| OA-%d | %s | ", (int)errors[i].id, errors[i].name);
        if (errors[i].status) {
            fprintf(out, "%d", errors[i].status);
        } else {
            fputs(errors[i].severity == RP_SEVERITY_ERROR ? "httpd does not start" : "–", out);
        }
        fprintf(out, " | %s | ", rp_fault_name(errors[i].fault));
        print_cell(out, errors[i].admin);
        fputs(" |\n", out);
    }
}
