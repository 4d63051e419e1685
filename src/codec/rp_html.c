#include "rp_html.h"

#include <string.h>

/* The longest of what one character becomes, "&quot;" or "&#x7F;", or four bytes as \xHH. */
#define PIECE_MAX 16

/* What the next character of the input becomes. */
typedef struct {
    char text[PIECE_MAX];
    apr_size_t len;
    apr_size_t taken; /* bytes of the input */
} piece_t;

static const char digits[] = "0123456789ABCDEF";

static int is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7F;
}

static void add(piece_t *piece, const char *text, apr_size_t len)
{
    memcpy(piece->text + piece->len, text, len);
    piece->len += len;
}

static void add_hex(piece_t *piece, unsigned char c)
{
    const char hex[2] = {digits[c >> 4], digits[c & 0x0F]};

    add(piece, hex, sizeof(hex));
}

static const char *html_name(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void html_piece(piece_t *piece, const char *text, apr_size_t len)
{
    apr_size_t step = rp_utf8_length(text, len);
    const char *name = html_name(*text);

    piece->len = 0;
    piece->taken = step ? step : 1;
    if (!step) {
        add(piece, "\xEF\xBF\xBD", 3);
    } else if (name) {
        add(piece, name, strlen(name));
    } else if (is_control((unsigned char)*text)) {
        add(piece, "&#x", 3);
        add_hex(piece, (unsigned char)*text);
        add(piece, ";", 1);
    } else {
        add(piece, text, step);
    }
}

/* U+0080 to U+009F: some terminals obey them as they obey the escape character. */
static int is_c1(const char *text, apr_size_t step)
{
    return step == 2 && (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] < 0xA0;
}

static void log_piece(piece_t *piece, const char *text, apr_size_t len)
{
    apr_size_t step = rp_utf8_length(text, len);

    piece->len = 0;
    piece->taken = step ? step : 1;
    if (step && !is_c1(text, step) && !is_control((unsigned char)*text) &&
        !strchr("\"'\\", *text)) {
        add(piece, text, step);
        return;
    }
    for (apr_size_t i = 0; i < piece->taken; i++) {
        add(piece, "\\x", 2);
        add_hex(piece, (unsigned char)text[i]);
    }
}

/* Writes to out unless it is NULL; returns the length. Called twice, so that what is allocated is
 * what is needed. */
static apr_size_t html_write(char *out, const char *text, apr_size_t len)
{
    apr_size_t total = 0;
    piece_t piece;

    for (apr_size_t pos = 0; pos < len; pos += piece.taken) {
        html_piece(&piece, text + pos, len - pos);
        if (out) {
            memcpy(out + total, piece.text, piece.len);
        }
        total += piece.len;
    }
    return total;
}

const char *rp_html_escape(const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);
    apr_size_t total = html_write(NULL, text, len);
    char *out = apr_palloc(pool, total + 1);

    html_write(out, text, len);
    out[total] = '\0';
    return out;
}

/* As html_write, but stops before max would be passed. *end receives where in text. */
static apr_size_t log_write(char *out, apr_size_t *end, const char *text, apr_size_t len,
                            apr_size_t max)
{
    apr_size_t total = 0;
    apr_size_t pos = 0;
    piece_t piece;

    while (pos < len) {
        log_piece(&piece, text + pos, len - pos);
        if (piece.len > max - total) {
            break;
        }
        if (out) {
            memcpy(out + total, piece.text, piece.len);
        }
        total += piece.len;
        pos += piece.taken;
    }
    *end = pos;
    return total;
}

const char *rp_log_escape(const char *text, apr_size_t max, apr_pool_t *pool)
{
    static const char more[] = "...";
    apr_size_t len = strlen(text);
    apr_size_t end;
    apr_size_t total = log_write(NULL, &end, text, len, max);
    char *out = apr_palloc(pool, total + sizeof(more));

    log_write(out, &end, text, len, max);
    memcpy(out + total, end < len ? more : "", end < len ? sizeof(more) : 1);
    return out;
}
