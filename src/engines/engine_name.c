/* Names of engines: parsing, and the table of those that are built in. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alias.h"
#include "base/str.h"
#include "engines/engine.h"

#define ENGINE(name) extern const struct engine_class engine_##name;
#include "engines/list.h"
#undef ENGINE

static const struct engine_class *const classes[] = {
#define ENGINE(name) &engine_##name,
#include "engines/list.h"
#undef ENGINE
};
enum { N_CLASSES = sizeof classes / sizeof classes[0] };

/* Every name that prony speaks of. One that has no class above is valid, but cannot be run yet. */
static const char *const names[] = {
    "native", "fake", "transformers", "pytorch", "tinygrad", "llamacpp", "lemonade",
    "vllm", "sglang", "ollama", "mlc", "tensorrt", "onnxruntime", "openai",
};
enum { N_NAMES = sizeof names / sizeof names[0] };

const struct engine_class *engine_class_at(size_t i)
{
    return i < N_CLASSES ? classes[i] : NULL;
}

static const char *known_name(const char *name)
{
    for (size_t i = 0; i < N_NAMES; i++)
        if (strcasecmp(names[i], name) == 0)
            return names[i];
    return NULL;
}

static int find_class(const struct engine_class **out, const char *word, struct err *err)
{
    const char *name = alias_resolve(ALIAS_ENGINE, word);
    for (size_t i = 0; i < N_CLASSES; i++)
        if (strcasecmp(classes[i]->name, name) == 0) {
            *out = classes[i];
            return 0;
        }
    if (known_name(name))
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' is not built into this prony yet", known_name(name));
    err_set(err, ERR_USAGE, "'%s' is not an engine", word);
    const char *near = str_nearest_of(name, names, N_NAMES);
    return near ? err_hint(err, "did you mean '%s'?", near) : err_hint(err, "'prony engines list' names them");
}

static int find_variant(struct engine_name *out, const char *variant, struct err *err)
{
    const char *const *rows = out->class->variants;
    size_t n = 0;
    for (; rows && rows[n]; n++)
        if (strcmp(rows[n], variant) == 0) {
            snprintf(out->variant, sizeof out->variant, "%s", variant);
            return 0;
        }
    if (n == 0)
        return err_set(err, ERR_USAGE, "engine '%s' has no variants; found '%s'", out->class->name, variant);
    err_set(err, ERR_USAGE, "'%s' is not a variant of engine '%s'", variant, out->class->name);
    const char *near = str_nearest_of(variant, rows, n);
    return err_hint(err, "did you mean '%s:%s'?", out->class->name, near ? near : rows[0]);
}

static int set_url(struct engine_name *out, const char *url, struct err *err)
{
    if (!out->class->takes_url)
        return err_set(err, ERR_USAGE, "engine '%s' is no server: it takes no URL; found '%s'", out->class->name, url);
    if (!str_starts(url, "http://") && !str_starts(url, "https://"))
        return err_set(err, ERR_USAGE, "engine '%s': '%s' is not a URL, expected http://HOST:PORT", out->class->name,
                       url);
    if (strlen(url) >= sizeof out->url)
        return err_set(err, ERR_USAGE, "engine '%s': a URL of %zu bytes, at most %d are taken", out->class->name,
                       strlen(url), ENGINE_URL_MAX - 1);
    snprintf(out->url, sizeof out->url, "%s", url);
    return 0;
}

int engine_name_parse(struct engine_name *out, const char *text, struct err *err)
{
    char word[64];
    size_t n_word = strcspn(text, ":@");
    const char *rest = text + n_word;
    struct engine_name name = {0};
    if (n_word == 0 || n_word >= sizeof word)
        return err_set(err, ERR_USAGE, "'%.200s' is not an engine: expected NAME[:VARIANT][@URL]", text);
    memcpy(word, text, n_word);
    word[n_word] = '\0';
    TRY(find_class(&name.class, word, err));
    if (*rest == ':') {
        char variant[ENGINE_VARIANT_MAX];
        size_t n = strcspn(rest + 1, "@");
        if (n == 0 || n >= sizeof variant)
            return err_set(err, ERR_USAGE, "'%.200s': expected the name of a variant after ':'", text);
        memcpy(variant, rest + 1, n);
        variant[n] = '\0';
        TRY(find_variant(&name, variant, err));
        rest += 1 + n;
    }
    if (*rest == '@')
        TRY(set_url(&name, rest + 1, err));
    *out = name;
    return 0;
}

const char *engine_name_label(const struct engine_name *name, char text[ENGINE_LABEL_MAX])
{
    snprintf(text, ENGINE_LABEL_MAX, "%s%s%s", name->class->name, *name->variant ? ":" : "", name->variant);
    return text;
}

const char *engine_status_name(enum engine_status s)
{
    static const char *const words[] = {"installed", "reachable", "missing", "unsupported"};
    return words[s];
}

const char *engine_finish_name(enum engine_finish f)
{
    static const char *const words[] = {"length", "eos", "stop", "caller"};
    return words[f];
}
