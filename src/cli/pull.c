#include "cli/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "cli/interrupt.h"
#include "formats/hub.h"
#include "formats/model_type.h"
#include "formats/resolve.h"

struct show {
    const struct invocation *in;
    struct progress_style style;
    struct progress progress;
    char label[160];
    bool running;
};

static void on_file(void *arg, const char *name, size_t i, size_t n, uint64_t bytes, int there)
{
    struct show *s = arg;
    if (s->running)
        progress_finish(&s->progress);
    s->running = !there;
    snprintf(s->label, sizeof s->label, "%zu/%zu %s", i + 1, n, name);
    if (there && s->in->verbose)
        fprintf(stderr, "prony: %s is there already\n", s->label);
    if (!there)
        progress_start(&s->progress, stderr, &s->style, s->label, "bytes", bytes);
}

static void on_bytes(void *arg, uint64_t done)
{
    progress_at(&((struct show *)arg)->progress, done);
}

int pull_model(char **path, const struct invocation *in, const char *repo, const char *file, const char *revision,
               struct err *err)
{
    struct show show = {.in = in, .style = progress_style_of(stderr, in->quiet, in->verbose)};
    struct hub_pull p = {.repo = repo, .file = file, .revision = revision, .on_file = on_file, .on_bytes = on_bytes,
                         .arg = &show, .interrupted = &interrupted};
    interrupt_catch();
    int rc = hub_pull(path, &p, err);
    if (show.running)
        progress_finish(&show.progress);
    if (rc < 0 && err->code == ERR_INTERRUPTED)
        err_hint(err, "what came so far is kept: the same command goes on with it");
    return rc;
}

static bool agrees(const char *text, const char *repo)
{
    char line[16];
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "'%s' is not here. Download %s? [y/N] ", text, repo);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int prepare(const struct invocation *in, const char *model, struct err *err)
{
    char *repo, *file, *path = NULL;
    int missing = model_missing(&repo, &file, model, err), rc = missing < 0 ? -1 : 0;
    if (missing > 0 && (in->download || agrees(model, repo)))
        rc = pull_model(&path, in, repo, file, NULL, err);
    if (missing > 0) {
        free(repo);
        free(file);
    }
    free(path);
    if (rc == 0 && in->model_type)
        rc = model_type_check(model, in->model_type, err);
    return rc;
}

int models_prepare(const struct invocation *in, struct err *err)
{
    for (size_t i = 0; i < in->n_args && i < in->command->models; i++)
        TRY(prepare(in, in->args[i], err));
    return 0;
}
