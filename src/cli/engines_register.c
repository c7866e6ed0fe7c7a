/* prony engines register - the very same file for all: Lemonade's registry points to it, Ollama gets its bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "engines/register.h"

static void say(const struct invocation *in, const char *engine, const char *name, const char *sha256, const char *how)
{
    if (in->json)
        printf("{\"engine\":\"%s\",\"model\":\"%s\",\"sha256\":\"%s\",\"what\":\"%s\"}\n", engine, name, sha256, how);
    else
        printf("%-10s %-24s %s  %s\n", engine, name, sha256, how);
}

static int with_lemonade(const struct invocation *in, const char *name, const char *gguf, const char *sha256, struct err *err)
{
    bool changed = false;
    char *path = opt_string(in, "registry") ? mem_strdup(opt_string(in, "registry"), err) : register_lemonade_path(err);
    int rc = path ? register_lemonade(path, name, gguf, &changed, err) : -1;
    char *seen = rc == 0 ? mem_printf(err, "user.%s", name) : NULL;
    if (seen)
        say(in, "lemonade", seen, sha256, changed ? "written" : "was there");
    free(seen);
    free(path);
    return rc;
}

static int with_ollama(const struct invocation *in, const char *name, const char *gguf, const char *sha256, struct err *err)
{
    bool sent = false;
    TRY(register_ollama(opt_string(in, "ollama-url"), name, gguf, sha256, &sent, err));
    say(in, "ollama", name, sha256, sent ? "sent" : "was there");
    return 0;
}

static int check_name(const char *name, struct err *err)
{
    for (const char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
            return err_set(err, ERR_USAGE, "'%s' cannot name a model: letters, digits and . _ - do", name);
    return *name ? 0 : err_set(err, ERR_USAGE, "a model needs a name");
}

static int run(struct invocation *in, struct err *err)
{
    const char *gguf = in->args[0];
    char sha256[65], *stem = mem_strndup(path_base(gguf), strlen(path_base(gguf)) - strlen(path_ext(gguf)), err);
    if (!stem)
        return -1;
    const char *name = opt_string(in, "name") ? opt_string(in, "name") : stem;
    int rc = check_name(name, err);
    if (rc == 0 && !str_ends(gguf, ".gguf")) {
        err_set(err, ERR_USAGE, "'%s' is not a .gguf file, which both servers need", gguf);
        rc = err_hint(err, "'prony model convert %s model.gguf' makes one", gguf);
    }
    if (rc == 0)
        rc = sha256_file(sha256, gguf, NULL, NULL, err);
    for (size_t i = 0; rc == 0 && i < opt_count(in, "with"); i++)
        rc = strcmp(opt_item(in, "with", i), "ollama") == 0 ? with_ollama(in, name, gguf, sha256, err)
                                                            : with_lemonade(in, name, gguf, sha256, err);
    free(stem);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "with", .kind = OPT_LIST, .argument = "A,B", .help = "which servers", .initial = "lemonade", .choices = "lemonade,ollama"},
    {.name = "name", .kind = OPT_STRING, .argument = "NAME", .help = "the model's name there; default: that of the file"},
    {.name = "registry", .kind = OPT_STRING, .argument = "FILE",
     .help = "Lemonade's; default: user_models.json in $LEMONADE_CACHE_DIR or ~/.cache/lemonade", .files = true},
    {.name = "ollama-url", .kind = OPT_STRING, .argument = "URL", .help = "where Ollama runs", .initial = "http://127.0.0.1:11434"},
    {0}};

static const struct example examples[] = {
    {"prony engines register models/llama3-1b.gguf", "Lemonade will load this very file as user.llama3-1b"},
    {"prony engines register llama.gguf --with lemonade,ollama --name llama", "both, by the same bytes"},
    {0},
};

const struct command engines_register = {
    .name = "register",
    .summary = "make one GGUF file known to Lemonade and Ollama",
    .synopsis = "FILE.gguf",
    .description = "Servers that keep models of their own would fetch or quantize their own copy, and a comparison would compare "
                   "two models. Lemonade's registry is pointed to the file itself; Ollama is sent its bytes under their SHA-256, "
                   "which it checks. Each line names the model as the engine's option 'model' wants it, and the digest: equal "
                   "digests are identical weights. Doing it again is harmless.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
