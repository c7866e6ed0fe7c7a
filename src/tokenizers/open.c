/* open.c - from a path to a tokenizer: which file decides, and which loader reads it. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/resolve.h"
#include "tokenizers/parts.h"

enum { SETTINGS_MAX = 64 << 20 };

static struct tokenizer *fresh(struct err *err)
{
    struct tokenizer *t = mem_zalloc(1, sizeof *t, err);
    if (!t)
        return NULL;
    t->vocab = (struct vocab)VOCAB_INIT;
    t->arena = (struct arena)ARENA_INIT((size_t)1 << 30);
    t->bos = t->eos = -1;
    return t;
}

static int finish(struct tokenizer **out, struct tokenizer *t, int rc)
{
    if (rc < 0) {
        tokenizer_close(t);
        return rc;
    }
    if (!t->is_unigram)
        bpe_find_cut(&t->bpe);
    *out = t;
    return rc;
}

#define VOCABULARY(name) extern const struct vocabulary vocabulary_##name;
#include "tokenizers/list.h"
#undef VOCABULARY

static const struct vocabulary *const kinds[] = {
#define VOCABULARY(name) &vocabulary_##name,
#include "tokenizers/list.h"
#undef VOCABULARY
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

int tokenizer_open_bytes(struct tokenizer **out, const char *kind, const char *bytes, size_t len, struct err *err)
{
    size_t i = 0;
    while (i < N_KINDS && strcmp(kinds[i]->name, kind) != 0)
        i++;
    if (i == N_KINDS)
        return err_set(err, ERR_BUG, "no kind of tokenizer file is named '%s'", kind);
    struct tokenizer *t = fresh(err);
    return t ? finish(out, t, kinds[i]->load(t, bytes, len, kind, err)) : -1;
}

/* ---- settings beside tokenizer.json ----------------------------------------------------------------------------- */

/* The object in DIR/NAME, or NULL (without an error) when there is no such file. */
static int read_object(json_t **out, const char *dir, const char *name, struct err *err)
{
    struct buf text = BUF_INIT(SETTINGS_MAX);
    json_error_t why;
    int rc = 0;
    *out = NULL;
    char *path = path_join(dir, name, err);
    if (!path)
        return -1;
    if (file_exists(path)) {
        rc = file_read(&text, path, SETTINGS_MAX, err);
        if (rc == 0 && !(*out = json_loadb(text.data ? text.data : "", text.len, JSON_ALLOW_NUL, &why)))
            rc = json_error_code(&why) == json_error_out_of_memory
                     ? err_set(err, ERR_MEMORY, "'%s': out of memory", path)
                     : err_set(err, ERR_INPUT, "'%s':%d:%d: %s", path, why.line, why.column, why.text);
    }
    buf_release(&text);
    free(path);
    return rc;
}

/* "bos_token": "x" or {"content": "x"}: its id, or -1. */
static int32_t named_token(const struct tokenizer *t, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (json_is_object(v))
        v = json_object_get(v, "content");
    return json_is_string(v) ? vocab_find(&t->vocab, json_string_value(v), json_string_length(v)) : -1;
}

/* "eos_token_id": 2 or [2, 3]: the first, or -1. */
static int32_t numbered_token(const struct tokenizer *t, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (json_is_array(v))
        v = json_array_get(v, 0);
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < (json_int_t)t->vocab.n
               ? (int32_t)json_integer_value(v)
               : -1;
}

/* A string, or a list of named templates of which "default" counts. */
static const char *template_of(const json_t *config)
{
    const json_t *v = json_object_get(config, "chat_template");
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *o = json_array_get(v, i);
        const char *name = json_string_value(json_object_get(o, "name"));
        if (name && strcmp(name, "default") == 0)
            return json_string_value(json_object_get(o, "template"));
    }
    return json_string_value(v);
}

static int read_template_file(struct tokenizer *t, const char *dir, struct err *err)
{
    struct buf text = BUF_INIT(SETTINGS_MAX);
    char *path = path_join(dir, "chat_template.jinja", err);
    if (!path)
        return -1;
    int rc = 0;
    if (file_exists(path)) {
        rc = file_read(&text, path, SETTINGS_MAX, err);
        if (rc == 0 && !(t->chat_template = arena_strndup(&t->arena, text.data ? text.data : "", text.len, err)))
            rc = -1;
    }
    buf_release(&text);
    free(path);
    return rc;
}

int load_folder_settings(struct tokenizer *t, const char *dir, struct err *err)
{
    static const char *const files[] = {"tokenizer_config.json", "special_tokens_map.json", "generation_config.json",
                                        "config.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        json_t *o;
        int rc = 0;
        TRY(read_object(&o, dir, files[i], err));
        if (t->bos < 0 && (t->bos = named_token(t, o, "bos_token")) < 0)
            t->bos = numbered_token(t, o, "bos_token_id");
        if (t->eos < 0 && (t->eos = named_token(t, o, "eos_token")) < 0)
            t->eos = numbered_token(t, o, "eos_token_id");
        const char *template = i == 0 ? template_of(o) : NULL;
        if (template && !(t->chat_template = arena_strdup(&t->arena, template, err)))
            rc = -1;
        json_decref(o);
        TRY(rc);
    }
    return t->chat_template ? 0 : read_template_file(t, dir, err);
}

/* ---- files and folders ------------------------------------------------------------------------------------------ */

static int open_file(struct tokenizer **out, const char *path, struct err *err)
{
    struct tokenizer *t = fresh(err);
    if (!t)
        return -1;
    int rc = file_map(&t->map, path, err);
    if (rc < 0)
        return finish(out, t, rc);
    const char *bytes = t->map.data ? (const char *)t->map.data : "";
    size_t i = 0;
    while (i + 1 < N_KINDS && !kinds[i]->probe(path, bytes, t->map.size))
        i++;
    rc = kinds[i]->load(t, bytes, t->map.size, path, err);
    char *dir = rc == 0 ? mem_strndup(path, (size_t)(path_base(path) - path), err) : NULL;
    if (rc == 0 && !dir)
        rc = -1;
    if (rc == 0 && kinds[i]->has_settings)
        rc = load_folder_settings(t, *dir ? dir : ".", err);
    free(dir);
    return finish(out, t, rc);
}

/* DIR/tokenizer.json or DIR/tokenizer.model: 1 and the tokenizer, 0 when there is neither. */
static int open_in_folder(struct tokenizer **out, const char *dir, struct err *err)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.model"};
    for (size_t i = 0; i < 2; i++) {
        char *path = path_join(dir, names[i], err);
        if (!path)
            return -1;
        int rc = file_exists(path) ? open_file(out, path, err) < 0 ? -1 : 1 : 0;
        free(path);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool has_vocabulary(const struct model_file *f)
{
    return model_file_meta(f, "tokenizer.ggml.tokens") != NULL;
}

static int no_tokenizer(const char *path, struct err *err)
{
    err_set(err, ERR_MISSING, "'%s' has no tokenizer", path);
    return err_hint(err, "expected tokenizer.json or tokenizer.model in the folder, or a GGUF with its vocabulary");
}

static int open_gguf(struct tokenizer **out, struct model_file *owned, const struct model_file *f, struct err *err)
{
    struct tokenizer *t = fresh(err);
    if (!t) {
        model_file_close(owned);
        return -1;
    }
    t->file = owned;
    return finish(out, t, load_gguf_vocabulary(t, f, err));
}

/* The tokenizer that belongs to a llama2.c checkpoint lies beside it. */
static int open_llama2c(struct tokenizer **out, const struct model_file *f, struct err *err)
{
    const json_t *config = model_file_config(f);
    char own[48];
    snprintf(own, sizeof own, "tok%lld.bin", (long long)json_integer_value(json_object_get(config, "vocab_size")));
    const char *names[] = {own, "tokenizer.bin"};
    for (size_t i = 0; i < 2; i++) {
        char *path = path_join(model_file_dir(f), names[i], err);
        if (!path)
            return -1;
        bool there = file_exists(path);
        int rc = there ? open_file(out, path, err) : 0;
        free(path);
        if (there)
            return rc;
    }
    return no_tokenizer(model_file_path(f), err);
}

int tokenizer_open_from(struct tokenizer **out, const struct model_file *f, struct err *err)
{
    if (has_vocabulary(f))
        return open_gguf(out, NULL, f, err);
    int rc = open_in_folder(out, model_file_dir(f), err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (strcmp(model_file_format(f), "llama2c") == 0)
        return open_llama2c(out, f, err);
    return no_tokenizer(model_file_path(f), err);
}

/* Files that hold a tokenizer and no model; what else a path may be is formats/ to say. */
static bool is_tokenizer_name(const char *name)
{
    return (str_ends(name, ".json") && !str_ends(name, "config.json") && !str_ends(name, ".index.json")) ||
           str_ends(name, ".model") || (str_starts(name, "tok") && str_ends(name, ".bin"));
}

int tokenizer_open(struct tokenizer **out, const char *path, struct err *err)
{
    if (file_is_dir(path)) {
        int rc = open_in_folder(out, path, err);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
    } else if (file_exists(path) && is_tokenizer_name(path_base(path))) {
        return open_file(out, path, err);
    }
    struct model_file *f;
    TRY(model_file_open(&f, path, err));
    if (has_vocabulary(f))
        return open_gguf(out, f, f, err);
    int rc = tokenizer_open_from(out, f, err);
    model_file_close(f);
    return rc;
}
