#include "experiments/schema.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { PATH_SIZE = 512, SHOWN = 60, ERRORS_MAX = 200 };

void schema_complain(struct schema_report *r, const struct yaml_node *at, const char *path, const char *fmt, ...)
{
    va_list ap;
    if (r->n_errors++ >= ERRORS_MAX)
        return;
    buf_printf(&r->text, "%s%s:%d:%d: %s%s", r->text.len ? "\n" : "", r->file, at->line, at->col, path,
               *path ? ": " : "");
    va_start(ap, fmt);
    buf_vprintf(&r->text, fmt, ap);
    va_end(ap);
}

/* "'text'", "a list", ... : what was found, for messages. */
static const char *found(const struct yaml_node *n, char text[SHOWN + 16])
{
    if (n->kind == YAML_MAP)
        return "a mapping";
    if (n->kind == YAML_LIST)
        return "a list";
    if (yaml_is_null(n))
        return "nothing";
    size_t len = strlen(n->text), shown = len > SHOWN ? utf8_whole(n->text, SHOWN) : len;
    snprintf(text, SHOWN + 16, "'%.*s'%s", (int)shown, n->text, shown < len ? "..." : "");
    return text;
}

static bool scalar(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && !yaml_is_null(n);
}

/* ---- one value -------------------------------------------------------------------------------------------------- */

static json_t *wrong(const struct yaml_node *n, const char *path, struct schema_report *r, const char *expected)
{
    char text[SHOWN + 16];
    schema_complain(r, n, path, "found %s, expected %s%s", found(n, text), expected,
                    n->kind == YAML_SCALAR && n->quoted && !str_starts(expected, "a text") ? " (without quotes)" : "");
    return NULL;
}

static json_t *check_text(const struct yaml_node *n, const char *path, struct schema_report *r)
{
    if (!scalar(n) || !*n->text)
        return wrong(n, path, r, "a text");
    return json_string(n->text);
}

static json_t *check_bool(const struct yaml_node *n, const char *path, struct schema_report *r)
{
    if (scalar(n) && !n->quoted && (str_eq(n->text, "true") || str_eq(n->text, "True")))
        return json_true();
    if (scalar(n) && !n->quoted && (str_eq(n->text, "false") || str_eq(n->text, "False")))
        return json_false();
    return wrong(n, path, r, "true or false");
}

static json_t *check_number(const struct schema_row *row, bool whole, const struct yaml_node *n, const char *path,
                            struct schema_report *r)
{
    char expected[96], *end = NULL;
    double x = NAN;
    long long integer = 0;
    if (row->hi > row->lo && whole)
        snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)row->lo, (long long)row->hi);
    else if (row->hi > row->lo)
        snprintf(expected, sizeof expected, "a number from %.15g to %.15g", row->lo, row->hi);
    else
        snprintf(expected, sizeof expected, "%s", whole ? "an integer" : "a number");
    if (!scalar(n) || n->quoted || strspn(n->text, "0123456789+-.eE") != strlen(n->text))
        return wrong(n, path, r, expected);
    errno = 0;
    if (whole)
        x = (double)(integer = strtoll(n->text, &end, 10));
    else
        x = strtod(n->text, &end);
    if (errno || !end || end == n->text || *end || !isfinite(x) || (row->hi > row->lo && (x < row->lo || x > row->hi)))
        return wrong(n, path, r, expected);
    return whole ? json_integer(integer) : json_real(x);
}

static json_t *check_word(const struct schema_row *row, const struct yaml_node *n, const char *path,
                          struct schema_report *r)
{
    char expected[256], text[SHOWN + 16];
    const char *words[32];
    char copy[256];
    size_t count = 0;
    snprintf(expected, sizeof expected, "one of %s", row->words);
    if (!scalar(n))
        return wrong(n, path, r, expected);
    const char *word = row->has_alias ? alias_resolve(row->alias, n->text) : n->text;
    snprintf(copy, sizeof copy, "%s", row->words);
    for (char *state, *w = strtok_r(copy, "|", &state); w && count < 32; w = strtok_r(NULL, "|", &state)) {
        if (strcmp(w, word) == 0)
            return json_string(w);
        words[count++] = w;
    }
    const char *near = str_nearest_of(word, words, count);
    schema_complain(r, n, path, "found %s, expected %s%s%s%s", found(n, text), expected,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

static json_t *check_value(const struct schema_row *row, enum schema_type type, const struct yaml_node *n,
                           const char *path, struct schema_report *r);

static json_t *check_list(const struct schema_row *row, const struct yaml_node *n, const char *path,
                          struct schema_report *r)
{
    char item_path[PATH_SIZE];
    if (n->kind != YAML_LIST)
        return wrong(n, path, r, "a list");
    if (n->n == 0 && !row->may_be_empty)
        schema_complain(r, n, path, "the list is empty, expected at least one item");
    json_t *out = json_array();
    for (size_t i = 0; i < n->n; i++) {
        snprintf(item_path, sizeof item_path, "%s[%zu]", path, i);
        json_t *item = check_value(row, row->item, n->items[i], item_path, r);
        json_array_append_new(out, item ? item : json_null());
    }
    return out;
}

static json_t *check_table(const struct schema_row *row, const struct yaml_node *n, const char *path,
                           struct schema_report *r)
{
    char item_path[PATH_SIZE];
    if (n->kind != YAML_MAP)
        return wrong(n, path, r, "a mapping");
    json_t *out = json_object();
    for (size_t i = 0; i < n->n; i++) {
        snprintf(item_path, sizeof item_path, "%s%s%s", path, *path ? "." : "", n->keys[i]->text);
        json_t *item = check_value(row, SCHEMA_MAP, n->items[i], item_path, r);
        if (item)
            json_object_set_new(out, n->keys[i]->text, item);
    }
    return out;
}

static json_t *check_map(const struct schema_row *row, const struct yaml_node *n, const char *path,
                         struct schema_report *r)
{
    if (!row->short_key || !scalar(n))
        return schema_check(n, row->rows, NULL, path, r);
    json_t *out = json_object(), *value = check_text(n, path, r);
    if (value)
        json_object_set_new(out, row->short_key, value);
    return out;
}

static json_t *check_value(const struct schema_row *row, enum schema_type type, const struct yaml_node *n,
                           const char *path, struct schema_report *r)
{
    json_t *out = NULL;
    switch (type) {
    case SCHEMA_TEXT: out = check_text(n, path, r); break;
    case SCHEMA_BOOL: out = check_bool(n, path, r); break;
    case SCHEMA_INT: out = check_number(row, true, n, path, r); break;
    case SCHEMA_NUMBER: out = check_number(row, false, n, path, r); break;
    case SCHEMA_WORD: out = check_word(row, n, path, r); break;
    case SCHEMA_LIST: return check_list(row, n, path, r); /* its items have been checked further */
    case SCHEMA_TABLE: return check_table(row, n, path, r);
    case SCHEMA_ANY: out = schema_any(n); break;
    case SCHEMA_MAP: out = check_map(row, n, path, r); break;
    }
    if (out && row->check)
        row->check(out, n, path, r);
    return out;
}

/* ---- a mapping -------------------------------------------------------------------------------------------------- */

static const char *row_key(const void *rows, size_t i)
{
    return ((const struct schema_row *)rows)[i].key;
}

static size_t row_count(const struct schema_row *rows)
{
    size_t n = 0;
    while (rows[n].key)
        n++;
    return n;
}

/* The default as it would be written, in the little YAML that a default needs. */
static json_t *initial(const struct schema_row *row)
{
    const char *s = row->initial;
    if (row->type == SCHEMA_LIST) {
        json_t *list = json_array();
        char copy[128];
        snprintf(copy, sizeof copy, "%s", s);
        for (char *state, *w = strtok_r(copy, "[], ", &state); w; w = strtok_r(NULL, "[], ", &state))
            json_array_append_new(list, row->item == SCHEMA_INT ? json_integer(strtoll(w, NULL, 10)) : json_string(w));
        return list;
    }
    if (row->type == SCHEMA_INT)
        return json_integer(strtoll(s, NULL, 10));
    if (row->type == SCHEMA_NUMBER)
        return json_real(strtod(s, NULL));
    if (row->type == SCHEMA_BOOL)
        return json_boolean(str_eq(s, "true"));
    return json_string(s);
}

static const struct schema_row *row_of(const struct schema_row *rows, const char *key)
{
    for (size_t i = 0; rows[i].key; i++)
        if (strcmp(rows[i].key, key) == 0)
            return &rows[i];
    return NULL;
}

json_t *schema_check(const struct yaml_node *map, const struct schema_row *rows, const char *extra, const char *path,
                     struct schema_report *report)
{
    char child[PATH_SIZE];
    if (map->kind != YAML_MAP)
        return wrong(map, path, report, "a mapping");
    json_t *out = json_object();
    for (size_t i = 0; out && i < map->n; i++) {
        const char *key = map->keys[i]->text;
        const struct schema_row *row = row_of(rows, key);
        if (!row && extra && strcmp(key, extra) == 0)
            continue;
        if (!row) {
            const char *near = str_nearest(key, rows, row_count(rows), row_key);
            schema_complain(report, map->keys[i], path, "unknown key '%.*s'%s%s%s", SHOWN, key,
                            near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
            continue;
        }
        snprintf(child, sizeof child, "%s%s%s", path, *path ? "." : "", key);
        json_t *value = check_value(row, row->type, map->items[i], child, report);
        if (value)
            json_object_set_new(out, key, value);
    }
    for (size_t i = 0; out && rows[i].key; i++) {
        if (yaml_get(map, rows[i].key))
            continue;
        if (rows[i].required)
            schema_complain(report, map, path, "the key '%s' is missing: %s", rows[i].key, rows[i].help);
        else if (rows[i].initial)
            json_object_set_new(out, rows[i].key, initial(&rows[i]));
    }
    return out;
}

/* ---- what is not looked into ------------------------------------------------------------------------------------ */

static json_t *guess_scalar(const struct yaml_node *n)
{
    char *end;
    if (yaml_is_null(n))
        return json_null();
    if (n->quoted)
        return json_string(n->text);
    if (str_eq(n->text, "true") || str_eq(n->text, "false"))
        return json_boolean(str_eq(n->text, "true"));
    if (*n->text && strspn(n->text, "0123456789+-.eE") == strlen(n->text) && strpbrk(n->text, "0123456789")) {
        errno = 0;
        long long whole = strtoll(n->text, &end, 10);
        if (!errno && !*end)
            return json_integer(whole);
        errno = 0;
        double x = strtod(n->text, &end);
        if (!errno && !*end && isfinite(x))
            return json_real(x);
    }
    return json_string(n->text);
}

json_t *schema_any(const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR)
        return guess_scalar(n);
    json_t *out = n->kind == YAML_LIST ? json_array() : json_object();
    for (size_t i = 0; out && i < n->n; i++) {
        if (n->kind == YAML_LIST)
            json_array_append_new(out, schema_any(n->items[i]));
        else
            json_object_set_new(out, n->keys[i]->text, schema_any(n->items[i]));
    }
    return out;
}

/* ---- for the documentation -------------------------------------------------------------------------------------- */

static void markdown_type(struct buf *b, const struct schema_row *r, enum schema_type type)
{
    static const char *const names[] = {"text", "true or false", "integer", "number", "word", "list", "mapping",
                                        "mapping of mappings", "anything"};
    if (type == SCHEMA_WORD) {
        for (const char *w = r->words; *w;) {
            size_t n = strcspn(w, "|");
            buf_printf(b, "%s`%.*s`", w == r->words ? "" : ", ", (int)n, w);
            w += n + (w[n] == '|');
        }
        return;
    }
    buf_str(b, names[type]);
    if (type == SCHEMA_LIST) {
        buf_str(b, " of ");
        markdown_type(b, r, r->item);
    } else if ((type == SCHEMA_INT || type == SCHEMA_NUMBER) && r->hi > r->lo) {
        buf_printf(b, " %.15g–%.15g", r->lo, r->hi);
    }
}

void schema_markdown(struct buf *b, const struct schema_row *rows)
{
    buf_str(b, "| key | type | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; rows[i].key; i++) {
        buf_printf(b, "| `%s` | ", rows[i].key);
        markdown_type(b, &rows[i], rows[i].type);
        buf_printf(b, " | %s%s%s | %s |\n", rows[i].initial ? "`" : "",
                   rows[i].initial ? rows[i].initial : rows[i].required ? "required" : "", rows[i].initial ? "`" : "",
                   rows[i].help);
    }
}
