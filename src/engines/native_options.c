#include "engines/native_options.h"

#include <stddef.h>
#include <string.h>

#include "base/alias.h"
#include "base/str.h"
#include "transform/load_quantize.h"

enum kind { WORD, CHECKED, FLAG }; /* CHECKED: any word that load_quantize_check lets through */

static const struct row {
    const char *name;
    enum kind kind;
    size_t at;
    const char *words;   /* "a|b|c": the only ones */
    enum alias_kind alias;
    const char *initial; /* in the table of the docs */
    const char *what;
} rows[] = {
    {"math", WORD, offsetof(struct native_options, math), "f32|bf16", ALIAS_TYPE, "f32",
     "what F16 and F32 weights are multiplied in: bf16 trades precision for speed"},
    {"kv", WORD, offsetof(struct native_options, kv), "f32|f16|bf16|q8_0|q4_0", ALIAS_CACHE_TYPE, "f16 (ref: f32)",
     "type of the KV cache"},
    {"quantize", CHECKED, offsetof(struct native_options, quantize), NULL, ALIAS_TYPE, "as in the file",
     "type that the weights get when the model is loaded: int8, nf4, f16, bf16, or one of `prony model quantize`"},
    {"row_invariant", FLAG, offsetof(struct native_options, row_invariant), NULL, ALIAS_TYPE, "false",
     "the same bits for a row whatever is computed beside it"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const char *row_name(const void *table, size_t i)
{
    return ((const struct row *)table)[i].name;
}

static bool among(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *w = words; *w; w += strcspn(w, "|") + (w[strcspn(w, "|")] == '|'))
        if (strcspn(w, "|") == len && memcmp(w, word, len) == 0)
            return true;
    return false;
}

static int read_one(struct native_options *o, const char *key, const json_t *value, struct err *err)
{
    const struct row *r = NULL;
    for (size_t i = 0; i < N_ROWS && !r; i++)
        if (strcmp(rows[i].name, key) == 0)
            r = &rows[i];
    if (!r) {
        const char *near = str_nearest(key, rows, N_ROWS, row_name);
        err_set(err, ERR_USAGE, "options: unknown key '%s'", key);
        return near ? err_hint(err, "did you mean '%s'?", near) : err_hint(err, "docs/ENGINES.md lists those of native");
    }
    char *field = (char *)o + r->at;
    if (r->kind == FLAG) {
        bool on = json_is_true(value);
        if (!json_is_boolean(value))
            return err_set(err, ERR_USAGE, "options.%s: expected true or false", key);
        memcpy(field, &on, sizeof on);
        return 0;
    }
    const char *word = json_is_string(value) ? alias_resolve(r->alias, json_string_value(value)) : NULL;
    if (r->kind == CHECKED && word) {
        if (load_quantize_check(word, err) < 0)
            return err_context(err, "options.%s", key);
        memcpy(field, &word, sizeof word);
        return 0;
    }
    if (!word || !among(r->words, word))
        return err_set(err, ERR_USAGE, "options.%s: %s%s%s expected %s%s", key, word ? "found '" : "", word ? word : "",
                       word ? "'," : "", r->words ? "one of " : "a name", r->words ? r->words : "");
    memcpy(field, &word, sizeof word);
    return 0;
}

int native_options_read(struct native_options *out, const json_t *options, struct err *err)
{
    const char *key;
    json_t *value;
    *out = (struct native_options){0};
    json_object_foreach((json_t *)options, key, value)
        TRY(read_one(out, key, value, err));
    return 0;
}

void native_options_help(struct buf *b)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        buf_printf(b, "| `%s` | `", rows[i].name);
        for (const char *w = rows[i].words ? rows[i].words : rows[i].kind == FLAG ? "true|false" : "TYPE"; *w; w++)
            buf_printf(b, *w == '|' ? "`, `" : "%c", *w);
        buf_printf(b, "` | %s | %s |\n", rows[i].initial, rows[i].what);
    }
}
