#include "formats/model_type.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "formats/facts.h"
#include "formats/resolve.h"

static const struct {
    const char *begins, *type;
} architectures[] = {
    {"gpt", "gpt"}, {"opt", "gpt"}, {"starcoder", "gpt"}, {"llama", "llama"}, {"mistral", "llama"}, {"mixtral", "llama"},
    {"qwen", "llama"}, {"phi3", "llama"}, {"gemma", "llama"},
};

static const struct {
    const char *begins, *ends, *type;
} files[] = {
    {"vocab.bpe", "", "gpt"},       {"encoder.json", "", "gpt"},         {"tokenizer.model", "", "llama"},
    {"consolidated", "", "llama"},  {"model.safetensors", "", "llama"},  {"", ".gguf", "llama"},
    {"pytorch_model", "", "gpt"},
};

static const char *by_configuration(const char *path)
{
    struct model_file *f;
    struct file_facts facts;
    const char *type = NULL;
    if (model_file_open(&f, path, NULL) < 0)
        return NULL;
    if (file_facts(&facts, f, NULL) == 0)
        for (size_t i = 0; i < sizeof architectures / sizeof *architectures && !type; i++)
            if (str_starts(facts.architecture, architectures[i].begins))
                type = architectures[i].type;
    if (!type && strcmp(model_file_format(f), "llama2c") == 0)
        type = "llama";
    file_facts_release(&facts);
    model_file_close(f);
    return type;
}

static const char *by_file_name(const char *name)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (str_starts(name, files[i].begins) && str_ends(name, files[i].ends))
            return files[i].type;
    return NULL;
}

static const char *by_files(const char *path)
{
    if (!file_is_dir(path))
        return by_file_name(path_base(path));
    struct arena arena = ARENA_INIT(16 << 20);
    const char **names = NULL, *type = NULL;
    size_t n = 0;
    if (list_folder(&names, &n, path, &arena, NULL) == 0)
        for (size_t k = 0; k < sizeof files / sizeof *files && !type; k++) /* the first row that any file has decides */
            for (size_t i = 0; i < n && !type; i++)
                if (str_starts(names[i], files[k].begins) && str_ends(names[i], files[k].ends))
                    type = files[k].type;
    free(names);
    arena_release(&arena);
    return type;
}

static const char *by_name(const char *path)
{
    char lower[PATH_MAX];
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/')
        n--;
    size_t from = n;
    while (from > 0 && path[from - 1] != '/')
        from--;
    snprintf(lower, sizeof lower, "%.*s", (int)(n - from), path + from);
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return strstr(lower, "llama") ? "llama" : strstr(lower, "gpt") ? "gpt" : NULL;
}

const char *model_type_detect(const char *path)
{
    const char *type = by_configuration(path);
    if (!type)
        type = by_files(path);
    if (!type)
        type = by_name(path);
    return type ? type : "unknown";
}

int model_type_check(const char *path, const char *expected, struct err *err)
{
    char *found = NULL;
    bool folder;
    if (!file_exists(path) && !file_is_dir(path) && model_resolve(&found, &folder, path, NULL) < 0)
        return 0;
    const char *detected = model_type_detect(found ? found : path);
    if (found && strcmp(detected, "unknown") == 0)
        detected = model_type_detect(path); /* a snapshot's folder is named after its commit: the repository's own name */
    free(found);
    if (strcmp(detected, expected) == 0)
        return 0;
    return err_set(err, ERR_USAGE, "Model type mismatch: expected '%s' but detected '%s'", expected, detected);
}
