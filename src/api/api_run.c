/* api_run.c - what prony.h says of running a manifest, over experiments/. */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_error.h"
#include "base/file.h"
#include "base/mem.h"
#include "experiments/runner.h"
#include "prony.h"

/* Cells run in a fresh process of the program `prony`. The caller's program is not that, so it is looked for beside this
 * library: PREFIX/lib[/TRIPLET]/libprony.so goes with PREFIX/bin/prony, and in a build tree both lie in one folder. */
static int find_program(struct err *err)
{
    static const char *const places[] = {"prony", "../bin/prony", "../../bin/prony"};
    const char *set = getenv("PRONY_CELL_PROGRAM");
    Dl_info info;
    char library[PATH_MAX], program[PATH_MAX + 32];
    if (set && *set)
        return 0;
    if (dladdr((void *)prony_run, &info) && info.dli_fname && realpath(info.dli_fname, library)) {
        *strrchr(library, '/') = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            snprintf(program, sizeof program, "%s/%s", library, places[i]);
            if (access(program, X_OK) == 0 && !file_is_dir(program)) {
                if (setenv("PRONY_CELL_PROGRAM", program, 1) < 0)
                    return err_set(err, ERR_MEMORY, "out of memory");
                return 0;
            }
        }
    }
    err_set(err, ERR_MISSING, "the program 'prony', in which cells run, was not found beside the library");
    return err_hint(err, "set PRONY_CELL_PROGRAM to its path");
}

int prony_run(const char *manifest, const struct prony_run_options *options, struct prony_run_outcome *outcome,
              struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct prony_run_options o = PRONY_RUN_OPTIONS_INIT;
    struct prony_run_outcome result = {.run = ""};
    struct manifest *m = NULL;
    struct plan plan = {.cells = NULL};
    struct run_outcome done;
    bool planned = false;
    int rc = -1;
    if (api_options(&o, sizeof o, options, "prony_run_options", &err) < 0 || find_program(&err) < 0)
        goto out;
    if (!manifest || !o.out) {
        err_set(&err, ERR_USAGE, "a run needs a manifest and a folder to write to");
        goto out;
    }
    if (manifest_open(&m, manifest, &err) < 0)
        goto out;
    const json_t *seed = json_object_get(manifest_json(m), "seed");
    struct plan_choice choice = {.target = o.target, .seed = o.seed ? o.seed : (uint64_t)json_integer_value(seed)};
    if (plan_make(&plan, m, &choice, &err) < 0)
        goto out;
    planned = true;
    struct run_request q = {
        .manifest = m, .plan = &plan, .parent = o.out, .seed = choice.seed, .device = o.device ? o.device : "cpu",
        .threads = o.threads, .memory_limit = (uint64_t)o.memory_limit_mb << 20, .silence_s = o.time_limit_s,
        .resume = o.resume != 0,
    };
    if (run_manifest(&done, &q, &err) < 0)
        goto out;
    snprintf(result.run, sizeof result.run, "%s", done.uuid);
    snprintf(result.folder, sizeof result.folder, "%s", done.folder);
    result.cells = done.cells;
    result.failed = done.failed;
    result.samples = done.samples;
    result.kept = done.kept;
    if (outcome)
        *outcome = result;
    rc = 0;
out:
    if (planned)
        plan_release(&plan);
    manifest_close(m);
    return rc < 0 ? api_fail(error, &err) : 0;
}
