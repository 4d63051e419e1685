#include "rp_require.h"

#include <apr_strings.h>
#include <string.h>

#include "../base/rp_limits.h"

typedef struct word_t word_t;

struct rp_require_t {
    const word_t *word;
    const char *name;                 /* oauth-claim: the claim */
    const apr_array_header_t *values; /* of const char * */
    const char *scope;                /* oauth-scope: the values, separated by spaces */
    void *regex;                      /* oauth-claim NAME ~ REGEX; NULL otherwise */
    int (*match)(const void *regex, const char *text);
    apr_interval_time_t fresh;
};

struct word_t {
    rp_require_row_t row;
    const char *(*parse)(rp_require_t *require, const apr_array_header_t *args,
                         const rp_require_regex_t *regex, apr_pool_t *pool);
    int (*check)(const rp_require_t *require, rp_env_t *env, const rp_session_t *session);
};

static const char *argument(const apr_array_header_t *args, int i)
{
    return APR_ARRAY_IDX(args, i, const char *);
}

static apr_array_header_t *rest(const apr_array_header_t *args, int from, apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, args->nelts, sizeof(const char *));

    for (int i = from; i < args->nelts; i++) {
        APR_ARRAY_PUSH(values, const char *) = apr_pstrdup(pool, argument(args, i));
    }
    return values;
}

static const char *parse_values(rp_require_t *require, const apr_array_header_t *args,
                                const rp_require_regex_t *regex, apr_pool_t *pool)
{
    (void)regex;
    if (args->nelts < 1) {
        return "a value is missing";
    }
    require->values = rest(args, 0, pool);
    return NULL;
}

static const char *parse_scope(rp_require_t *require, const apr_array_header_t *args,
                               const rp_require_regex_t *regex, apr_pool_t *pool)
{
    const char *why = parse_values(require, args, regex, pool);

    require->scope = why ? NULL : apr_array_pstrcat(pool, require->values, ' ');
    return why;
}

static const char *parse_claim(rp_require_t *require, const apr_array_header_t *args,
                               const rp_require_regex_t *regex, apr_pool_t *pool)
{
    if (args->nelts < 2) {
        return "the name of a claim and at least one value are needed";
    }
    require->name = apr_pstrdup(pool, argument(args, 0));
    if (strcmp(argument(args, 1), "~") != 0) {
        require->values = rest(args, 1, pool);
        return NULL;
    }
    if (args->nelts != 3) {
        return "after ~ comes one regular expression";
    }
    require->regex = regex->compile(pool, argument(args, 2));
    require->match = regex->match;
    return require->regex ? NULL : "the regular expression cannot be compiled";
}

/* Seconds of "300", "45s", "30m", "8h" or "2d"; 0 for anything else. */
static apr_int64_t seconds_of(const char *text)
{
    static const struct {
        const char *unit;
        apr_int64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    apr_int64_t number = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
        if (number > 1000000000) {
            return 0;
        }
    }
    for (apr_size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text, units[i].unit) == 0) {
            return number * units[i].seconds;
        }
    }
    return 0;
}

static const char *parse_fresh(rp_require_t *require, const apr_array_header_t *args,
                               const rp_require_regex_t *regex, apr_pool_t *pool)
{
    apr_int64_t seconds = args->nelts == 1 ? seconds_of(argument(args, 0)) : 0;

    (void)regex;
    (void)pool;
    if (seconds <= 0) {
        return "one time is needed, like 300, 45s, 30m or 8h";
    }
    require->fresh = apr_time_from_sec(seconds);
    return NULL;
}

static int visit_match(void *ctx, const char *text)
{
    const rp_require_t *require = ctx;

    return require->match(require->regex, text);
}

static int check_claim(const rp_require_t *require, rp_env_t *env, const rp_session_t *session)
{
    rp_require_t visitor = *require;
    rp_claim_t claim;

    if (!rp_claim_find(&claim, &session->record, require->name)) {
        return 0;
    }
    if (require->regex) {
        return rp_claim_each(&claim, visit_match, &visitor, env->pool);
    }
    for (int i = 0; i < require->values->nelts; i++) {
        if (rp_claim_has(&claim, argument(require->values, i))) {
            return 1;
        }
    }
    return 0;
}

/* Whether word stands in a list separated by single spaces (RFC 6749 3.3). */
static int list_has(const char *list, const char *word)
{
    apr_size_t len = strlen(word);

    while (list && *list) {
        apr_size_t item = strcspn(list, " ");

        if (item == len && memcmp(list, word, len) == 0) {
            return 1;
        }
        list += item;
        list += *list == ' ';
    }
    return 0;
}

static int check_scope(const rp_require_t *require, rp_env_t *env, const rp_session_t *session)
{
    (void)env;
    for (int i = 0; i < require->values->nelts; i++) {
        if (!list_has(session->record.scope, argument(require->values, i))) {
            return 0;
        }
    }
    return 1;
}

static int is_one_of(const rp_require_t *require, const char *text)
{
    for (int i = 0; text && i < require->values->nelts; i++) {
        if (strcmp(text, argument(require->values, i)) == 0) {
            return 1;
        }
    }
    return 0;
}

static int check_acr(const rp_require_t *require, rp_env_t *env, const rp_session_t *session)
{
    (void)env;
    return is_one_of(require, session->record.acr);
}

static int check_provider(const rp_require_t *require, rp_env_t *env, const rp_session_t *session)
{
    (void)env;
    return is_one_of(require, session->record.provider);
}

static int check_fresh(const rp_require_t *require, rp_env_t *env, const rp_session_t *session)
{
    apr_time_t age = rp_now(env) - session->record.authenticated;

    return age <= require->fresh;
}

/* clang-format off */
static const word_t words[] = {
    {{"oauth-claim",    "NAME VALUE… or NAME ~ REGEX"}, parse_claim,  check_claim},
    {{"oauth-scope",    "SCOPE…"},                      parse_scope,  check_scope},
    {{"oauth-acr",      "VALUE…"},                      parse_values, check_acr},
    {{"oauth-fresh",    "TIME"},                        parse_fresh,  check_fresh},
    {{"oauth-provider", "NAME…"},                       parse_values, check_provider},
};
/* clang-format on */

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

apr_size_t rp_require_count(void)
{
    return WORD_COUNT;
}

const rp_require_row_t *rp_require_row(apr_size_t index)
{
    return &words[index].row;
}

static const word_t *find_word(const char *name)
{
    for (apr_size_t i = 0; i < WORD_COUNT; i++) {
        if (strcmp(words[i].row.word, name) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

rp_require_t *rp_require_parse(const char *word, const apr_array_header_t *args,
                               const rp_require_regex_t *regex, apr_pool_t *pool, const char **why)
{
    rp_require_t *require = apr_pcalloc(pool, sizeof(*require));

    require->word = find_word(word);
    if (!require->word) {
        *why = "no such word";
        return NULL;
    }
    *why = require->word->parse(require, args, regex, pool);
    return *why ? NULL : require;
}

const char *rp_require_scope(const rp_require_t *require)
{
    return require->scope;
}

int rp_require_check(const rp_require_t *require, rp_env_t *env, const rp_session_t *session)
{
    return require->word->check(require, env, session);
}
