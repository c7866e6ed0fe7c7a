#include "experiments/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/str.h"
#include "experiments/launch.h"
#include "experiments/run_log.h"

struct runner {
    const struct run_request *q;
    struct run_outcome *o;
    struct run_log *log;
    struct err *failed;              /* of each cell: why it is not launched any more */
    const struct plan_launch *now;
    struct run_progress progress;
    bool storage_failed;             /* not the cell's fault: the run cannot go on */
};

static void warn(const struct runner *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void warn(const struct runner *r, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    if (!r->q->warn)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->q->warn(r->q->arg, text);
}

static void show(struct runner *r)
{
    if (r->q->progress)
        r->q->progress(r->q->arg, &r->progress);
}

static int wish(const struct runner *r)
{
    return r->q->stop ? r->q->stop(r->q->arg) : 0;
}

/* ---- cells that fail -------------------------------------------------------------------------------------------- */

static void fail_cell(struct runner *r, size_t cell, const struct err *why)
{
    if (r->failed[cell].code)
        return;
    r->failed[cell] = *why;
    r->o->failed++;
    r->progress.cells_failed++;
    warn(r, "%s on %s with model '%s': %s", r->q->plan->cells[cell].experiment, r->q->plan->cells[cell].engine,
         r->q->plan->cells[cell].model, why->text);
}

/* A cell without a launch is a row too: launch 0 of it, with its reason. */
static int log_unrun(struct runner *r, size_t cell, const struct err *why, struct err *err)
{
    struct plan_launch first = {.cell = cell};
    fail_cell(r, cell, why);
    return run_log_ended(r->log, &first) ? 0 : run_log_end(r->log, &first, why, 0, 0, err);
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

/* What a manifest's `runs` want done first, in the user's shell, with the user's terminal. */
static int execute(const struct plan_command *c, struct err *why)
{
    fflush(NULL);
    int status = system(c->command); /* the manifest's author asked for a shell */
    if (status == -1)
        return err_set(why, ERR_IO, "run '%s': no shell could be started", c->id);
    if (WIFSIGNALED(status))
        return err_set(why, ERR_ENGINE, "run '%s': its command was killed by signal %d", c->id, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return err_set(why, ERR_ENGINE, "run '%s': its command ended with status %d", c->id, WEXITSTATUS(status));
    return 0;
}

static int run_commands(struct runner *r, struct err *err)
{
    const struct plan *p = r->q->plan;
    for (size_t i = 0; i < p->n_commands && wish(r) == 0; i++) {
        struct err why = ERR_INIT;
        if (run_log_command_done(r->log, i))
            continue;
        if (execute(&p->commands[i], &why) == 0) {
            TRY(run_log_command(r->log, i, err));
            continue;
        }
        for (size_t c = 0; c < p->n_cells; c++)
            if (strcmp(p->cells[c].target, p->commands[i].target) == 0)
                TRY(log_unrun(r, c, &why, err));
    }
    return 0;
}

/* ---- launches --------------------------------------------------------------------------------------------------- */

static int on_ready(void *arg, const json_t *ready, struct err *err)
{
    struct runner *r = arg;
    int rc = run_log_ready(r->log, r->now, ready, err);
    r->storage_failed |= rc < 0;
    return rc;
}

static int on_sample(void *arg, const char *line, size_t len, struct err *err)
{
    struct runner *r = arg;
    if (run_log_sample(r->log, line, len, err) < 0) {
        r->storage_failed = true;
        return -1;
    }
    r->o->samples++;
    r->progress.samples_done++;
    show(r);
    return 0;
}

static int on_stop(void *arg)
{
    return wish(arg);
}

static json_t *spec_of(const struct runner *r, size_t at, struct err *err)
{
    const struct plan_launch *l = &r->q->plan->launches[at];
    const struct plan_cell *c = &r->q->plan->cells[l->cell];
    const json_t *have = run_log_have(r->log, l);
    const char *kv = json_string_value(json_object_get(c->params, "cache_kind"));
    uint64_t requests;
    size_t prompt, new_tokens, batch;
    c->what->load(c->params, &requests, &prompt, &new_tokens, &batch);
    json_t *spec = json_pack(
        "{ss sI ss ss ss? sO sO ss? ss? si sI sI sI sI sO?}", "cell", run_log_key(r->log, l->cell), "repeat",
        (json_int_t)run_log_launch(r->log, l), "experiment", c->experiment, "engine", c->engine, "model",
        c->model_path ? c->model_path : c->model, "params", c->params, "options", c->options, "device", r->q->device, "kv",
        kv, "threads", r->q->threads, "context", (json_int_t)(prompt + new_tokens), "batch", (json_int_t)batch, "seed",
        (json_int_t)l->seed, "launch", (json_int_t)at, "have", have);
    if (!spec)
        err_set(err, ERR_MEMORY, "out of memory for a cell");
    return spec;
}

/* 0: go on with the next; -1: the run itself cannot go on (the disk, or the user). */
static int run_launch(struct runner *r, size_t at, struct err *err)
{
    struct err why = ERR_INIT;
    r->now = &r->q->plan->launches[at];
    json_t *spec = spec_of(r, at, err);
    if (!spec)
        return -1;
    struct launch l = {.spec = spec, .silence_s = r->q->silence_s, .memory_limit = r->q->memory_limit, .stop = on_stop,
                       .on_ready = on_ready, .on_sample = on_sample, .arg = r};
    int rc = launch_run(&l, &why);
    json_decref(spec);
    if (rc < 0 && (why.code == ERR_INTERRUPTED || r->storage_failed)) {
        *err = why;
        return -1;
    }
    const json_t *have = run_log_have(r->log, r->now);
    if (rc < 0)
        fail_cell(r, r->now->cell, &why);
    return run_log_end(r->log, r->now, &why, json_array_size(have) + l.n_samples, l.peak_bytes, err);
}

static bool complete(struct runner *r, const struct plan_launch *l)
{
    const struct plan_cell *c = &r->q->plan->cells[l->cell];
    size_t have = json_array_size(run_log_have(r->log, l));
    const char *ended = run_log_ended(r->log, l);
    r->o->kept += have;
    r->progress.samples_done += have;
    if (ended && strcmp(ended, "ok") != 0) {
        struct err why = ERR_INIT;
        err_set(&why, ERR_ENGINE, "it failed before the run was taken up again (%s)", ended);
        fail_cell(r, l->cell, &why);
    }
    return ended || have >= c->samples;
}

static int run_all(struct runner *r, struct err *err)
{
    const struct plan *p = r->q->plan;
    for (size_t i = 0; i < p->n_cells; i++)
        if (p->cells[i].why.code)
            TRY(log_unrun(r, i, &p->cells[i].why, err));
    TRY(run_commands(r, err));
    for (size_t i = 0; i < p->n_launches; i++, r->progress.launches_done++) {
        const struct plan_launch *l = &p->launches[i];
        if (wish(r) != 0)
            return err_set(err, ERR_INTERRUPTED, "stopped");
        if (complete(r, l) || r->failed[l->cell].code)
            continue;
        r->progress.cell = p->cells[l->cell].key;
        show(r);
        TRY(run_launch(r, i, err));
    }
    return 0;
}

int run_manifest(struct run_outcome *out, const struct run_request *q, struct err *err)
{
    struct runner r = {.q = q, .o = out, .progress = {.launches = q->plan->n_launches, .samples = q->plan->n_samples}};
    struct err why = ERR_INIT;
    *out = (struct run_outcome){.cells = q->plan->n_cells};
    r.failed = mem_zalloc(q->plan->n_cells, sizeof *r.failed, err);
    if (!r.failed)
        return -1;
    bool opened = run_log_open(&r.log, q, &why) == 0;
    int rc = opened ? 0 : -1;
    if (opened) {
        snprintf(out->uuid, sizeof out->uuid, "%s", run_log_uuid(r.log));
        snprintf(out->folder, sizeof out->folder, "%s", run_log_folder(r.log));
        rc = run_all(&r, &why);
        r.progress.cell = NULL;
        show(&r);
    }
    out->interrupted = rc < 0 && why.code == ERR_INTERRUPTED;
    const char *status = !opened ? NULL : rc == 0 ? "done" : out->interrupted ? "interrupted" : "failed";
    if (run_log_close(r.log, status, rc == 0 ? &why : NULL) < 0)
        rc = -1;
    free(r.failed);
    if (rc < 0 && !out->interrupted) {
        if (err && err->code == ERR_NONE)
            *err = why;
        return -1;
    }
    return 0;
}
