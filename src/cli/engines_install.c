#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/data_path.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cli/command.h"
#include "cli/engines_smoke.h"
#include "engines/python_engine.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static int take_away(const char *name, struct err *err)
{
    char *home = engine_home(name, err);
    if (!home)
        return -1;
    int rc = 0;
    if (!file_is_dir(home))
        printf("%s: is not installed\n", name);
    else if (nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
        rc = err_set(err, ERR_IO, "'%s' could not be removed whole", home);
    else
        printf("%s: '%s' is gone\n", name, home);
    free(home);
    return rc;
}

/* engines/NAME/install.sh, its output on ours. */
static int run_recipe(const char *name, const char *home, struct err *err)
{
    char relative[96];
    snprintf(relative, sizeof relative, "engines/%s/install.sh", name);
    char *script = data_path(relative, err), *variable = script ? mem_printf(err, "PRONY_ENGINE_HOME=%s", home) : NULL;
    int rc = variable ? file_mkdirs(home, err) : -1;
    if (rc == 0) {
        const char *argv[] = {"sh", script, NULL}, *env[] = {variable, NULL};
        struct proc_options o = {.argv = argv, .env = env, .out = PROC_INHERIT, .err = PROC_INHERIT};
        struct proc p;
        fflush(stdout);
        rc = proc_start(&p, &o, err);
        if (rc == 0) {
            while (!proc_wait(&p, 3600))
                ;
            proc_end(&p, 2);
            rc = proc_check(&p, name, err);
            if (rc < 0)
                err_hint(err, "what it printed says why; the same command goes on where it ended");
        }
    }
    free(script);
    free(variable);
    return rc;
}

static int install(const char *name, struct err *err)
{
    char *home = engine_home(name, err);
    int rc = home ? run_recipe(name, home, err) : -1;
    free(home);
    TRY(rc);
    printf("%s: installed; a smoke generation:\n", name);
    return engine_smoke(name, err);
}

/* Whether there is anything to install: the built-in engines and servers elsewhere have no recipe. */
static bool has_recipe(const char *name)
{
    char relative[96];
    snprintf(relative, sizeof relative, "engines/%s/install.sh", name);
    char *path = data_path(relative, NULL);
    free(path);
    return path != NULL;
}

static int each(const char *name, bool undo, struct err *err)
{
    struct engine_name parsed;
    TRY(engine_name_parse(&parsed, name, err));
    if (!has_recipe(parsed.class->name))
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' has nothing to install: it is part of prony, or a server that is started elsewhere",
                       parsed.class->name);
    return undo ? take_away(parsed.class->name, err) : install(parsed.class->name, err);
}

static int run(struct invocation *in, struct err *err)
{
    bool undo = opt_flag(in, "undo"), all = opt_flag(in, "all");
    int failed = 0;
    if (all == (in->n_args > 0))
        return err_set(err, ERR_USAGE, all ? "--all and names of engines: one of the two" : "which engine? Name it, or --all");
    for (size_t i = 0; i < in->n_args; i++)
        TRY(each(in->args[i], undo, err));
    for (size_t i = 0; all && engine_class_at(i); i++) {
        struct err why = ERR_INIT;
        const char *name = engine_class_at(i)->name;
        if (has_recipe(name) && each(name, undo, &why) < 0) {
            printf("%s: skipped: %s\n", name, why.text);
            failed++;
        }
    }
    return failed ? EXIT_FAILED : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "all", .kind = OPT_FLAG, .help = "every engine that has a recipe; what cannot run here is skipped, with the reason"},
    {.name = "undo", .kind = OPT_FLAG, .help = "take the installation away"},
    {0},
};

static const struct example examples[] = {
    {"prony engines install transformers", "into ~/.cache/prony/engines/transformers, pinned versions"},
    {"prony engines install --undo pytorch", "take it away again"},
    {0},
};

const struct command engines_install = {
    .name = "install",
    .summary = "install an engine and try it",
    .synopsis = "[NAME...]",
    .description = "Runs engines/NAME/install.sh, which installs pinned versions by package name into a folder of its own below "
                   "the cache folder (PRONY_CACHE_DIR, XDG_CACHE_HOME/prony, ~/.cache/prony), and ends with a smoke generation. Run again, "
                   "it installs nothing.",
    .options = options,
    .examples = examples,
    .min_args = 0,
    .max_args = ARGS_MAX,
    .run = run,
};
