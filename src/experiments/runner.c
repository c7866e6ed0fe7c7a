#include "experiments/runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "experiments/launch.h"
#include "experiments/limits.h"
#include "experiments/run_log.h"

struct runner {
    const struct run_request *q;
    struct run_outcome *o;
    struct run_log *log;
    struct err *failed;              /* of each cell: why it is not launched any more */
    const struct plan_launch *now;
    uint64_t *left;                  /* of each cell: samples that are not there yet */
    struct run_progress so_far;
    bool storage_failed;             /* not the cell's fault: the run cannot go on */
    json_t *limits;                  /* of the machine, of limits_threads threads */
    int64_t limits_ns;               /* when that was */
    int limits_threads;
};

/* Of the launch at hand, unless `e` names a cell of its own. */
static void tell(const struct runner *r, struct run_event e)
{
    if (!r->q->event)
        return;
    e.so_far = &r->so_far;
    if (!e.cell && r->now) {
        e.launch = r->now;
        e.cell = &r->q->plan->cells[r->now->cell];
    }
    r->q->event(r->q->arg, &e);
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
    const struct plan_cell *c = &r->q->plan->cells[cell];
    r->failed[cell] = *why;
    r->o->failed++;
    r->so_far.cells_failed++;
    r->so_far.samples -= r->left[cell];
    r->left[cell] = 0;
    log_warn(r->q->log, "a cell was not measured", LOG_TEXT("experiment", c->experiment), LOG_TEXT("engine", c->engine),
             LOG_TEXT("model", c->model), LOG_TEXT("reason", why->text));
    tell(r, (struct run_event){.kind = RUN_CELL_FAILED, .cell = c, .why = why});
}

/* A cell without a launch is a row too: launch 0 of it, with its reason. */
static int log_unrun(struct runner *r, size_t cell, const struct err *why, struct err *err)
{
    struct plan_launch first = {.cell = cell};
    fail_cell(r, cell, why);
    return run_log_ended(r->log, &first) ? 0 : run_log_end(r->log, &first, why, 0, 0, err);
}

/* ---- commands --------------------------------------------------------------------------------------------------- */

/* What a manifest's `runs` want done first, in the user's shell, with the user's terminal; what it prints is no result.
 * Ctrl-C is its alone while it runs (system() sees to that), and stops the run then. */
static int execute(const struct plan_command *c, struct err *why)
{
    char *line = mem_printf(why, "exec 1>&2\n%s", c->command);
    if (!line)
        return -1;
    fflush(NULL);
    int status = system(line); /* the manifest's author asked for a shell */
    free(line);
    if (status == -1)
        return err_set(why, ERR_IO, "run '%s': no shell could be started", c->id);
    if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) || WEXITSTATUS(status) == 128 + SIGINT)
        return err_set(why, ERR_INTERRUPTED, "run '%s': its command was stopped", c->id);
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
        if (why.code == ERR_INTERRUPTED || why.code == ERR_MEMORY) {
            *err = why;
            return -1;
        }
        for (size_t c = 0; c < p->n_cells; c++)
            if (strcmp(p->cells[c].target, p->commands[i].target) == 0)
                TRY(log_unrun(r, c, &why, err));
    }
    return 0;
}

/* ---- launches --------------------------------------------------------------------------------------------------- */

static int on_hashed(void *arg, uint64_t done, uint64_t total, struct err *err)
{
    (void)err; /* Ctrl-C lets it end: a log without the digest would be one for good */
    tell(arg, (struct run_event){.kind = RUN_HASHING, .done = done, .total = total});
    return 0;
}

static int on_ready(void *arg, const json_t *ready, struct err *err)
{
    struct runner *r = arg;
    int rc = run_log_ready(r->log, r->now, ready, on_hashed, r, err);
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
    r->so_far.samples_done++;
    if (r->left[r->now->cell] > 0)
        r->left[r->now->cell]--;
    tell(r, (struct run_event){.kind = RUN_REQUEST_DONE, .record = line, .len = len});
    return 0;
}

static int on_note(void *arg, const char *line, size_t len, struct err *err)
{
    struct runner *r = arg;
    int rc = run_log_sample(r->log, line, len, err);
    r->storage_failed |= rc < 0;
    return rc;
}

static int on_wait(void *arg)
{
    tell(arg, (struct run_event){.kind = RUN_WAITING});
    return wish(arg);
}

/* The parameters of a cell that are options of its engine, on top of those that the manifest gives. */
static json_t *options_of(const struct plan_cell *c)
{
    static const char *const keys[] = {"math", "quantize", "row_invariant"};
    json_t *options = c->options ? json_copy((json_t *)c->options) : json_object();
    for (size_t i = 0; options && i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(c->params, keys[i]);
        if (value)
            json_object_set(options, keys[i], value);
    }
    return options;
}

static int threads_of(const struct runner *r, const struct plan_cell *c)
{
    json_int_t own = json_integer_value(json_object_get(c->params, "threads"));
    return own > 0 ? (int)own : r->q->threads;
}

enum { LIMITS_FRESH_S = 3 };

/* The machine's limits of just now, for cells that take no longer than measuring them: borrowed; NULL: not wanted, or not
 * to be had. */
static json_t *limits_for(struct runner *r, const struct plan_cell *c)
{
    int threads = threads_of(r, c);
    if (!c->what->with_limits)
        return NULL;
    if (!r->limits || threads != r->limits_threads || clock_ns() - r->limits_ns > LIMITS_FRESH_S * INT64_C(1000000000)) {
        json_decref(r->limits);
        r->limits = limits_measure(threads);
        r->limits_threads = threads;
        r->limits_ns = clock_ns();
    }
    return r->limits;
}

static json_t *spec_of(struct runner *r, size_t at, struct err *err)
{
    const struct plan_launch *l = &r->q->plan->launches[at];
    const struct plan_cell *c = &r->q->plan->cells[l->cell];
    const json_t *have = run_log_have(r->log, l);
    const char *kv = json_string_value(json_object_get(c->params, "cache_kind"));
    uint64_t requests;
    size_t prompt, new_tokens, batch;
    c->what->load(c->params, &requests, &prompt, &new_tokens, &batch);
    json_t *spec = json_pack(
        "{ss sI ss ss ss? sO so ss? ss? si sI sI sI sI sO? sO?}", "cell", run_log_key(r->log, l->cell), "repeat",
        (json_int_t)run_log_launch(r->log, l), "experiment", c->experiment, "engine", c->engine, "model",
        c->model_path ? c->model_path : c->model, "params", c->params, "options", options_of(c), "device", r->q->device, "kv",
        kv, "threads", threads_of(r, c), "context", (json_int_t)(prompt + new_tokens), "batch", (json_int_t)batch, "seed",
        (json_int_t)l->seed, "launch", (json_int_t)at, "have", have, "limits", limits_for(r, c));
    if (!spec)
        err_set(err, ERR_MEMORY, "out of memory for a cell");
    return spec;
}

/* A model that no engine found under its name, and that was no file either. */
static void say_where(const struct plan_cell *c, struct err *why)
{
    struct err told = ERR_INIT;
    if (!c->model_nowhere || (why->code != ERR_IO && why->code != ERR_MISSING))
        return;
    err_set(&told, why->code, "%s (looked for in %s)", why->text, c->model_nowhere);
    *why = told;
}

/* 0: go on with the next; -1: the run itself cannot go on (the disk, or the user). */
static int run_launch(struct runner *r, size_t at, struct err *err)
{
    struct err why = ERR_INIT;
    const struct plan_cell *c = &r->q->plan->cells[r->now->cell];
    json_t *spec = spec_of(r, at, err);
    if (!spec)
        return -1;
    struct launch l = {.spec = spec, .silence_s = r->q->silence_s, .memory_limit = r->q->memory_limit, .stop = on_wait,
                       .on_ready = on_ready, .on_sample = on_sample, .on_note = on_note, .arg = r,
                       .log = r->q->log};
    log_info(r->q->log, "a launch begins", LOG_TEXT("cell", c->key), LOG_INT("repeat", (int64_t)r->now->repeat),
             LOG_INT("launch", (int64_t)at + 1), LOG_INT("of", (int64_t)r->so_far.launches));
    tell(r, (struct run_event){.kind = RUN_LAUNCH_BEGUN});
    int rc = launch_run(&l, &why);
    json_decref(spec);
    if (rc < 0 && l.n_samples == 0)
        say_where(c, &why);
    log_info(r->q->log, "a launch ended", LOG_TEXT("cell", c->key), LOG_INT("samples", (int64_t)l.n_samples),
             LOG_NUMBER("peak_mb", (double)l.peak_bytes / 1048576), LOG_TEXT("status", rc < 0 ? err_code_name(why.code) : "ok"));
    tell(r, (struct run_event){.kind = RUN_LAUNCH_ENDED, .peak_bytes = l.peak_bytes, .why = &why});
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
    const char *ended = run_log_ended(r->log, l);
    if (ended && strcmp(ended, "ok") != 0) {
        struct err why = ERR_INIT;
        err_set(&why, ERR_ENGINE, "it failed before the run was taken up again (%s)", ended);
        fail_cell(r, l->cell, &why);
    }
    return ended || json_array_size(run_log_have(r->log, l)) >= r->q->plan->cells[l->cell].samples;
}

/* What is planned, and what of it is stored already. */
static void count(struct runner *r)
{
    const struct plan *p = r->q->plan;
    r->so_far = (struct run_progress){.launches = p->n_launches, .samples = p->n_samples};
    for (size_t i = 0; i < p->n_cells; i++)
        r->left[i] = p->cells[i].launches * p->cells[i].samples;
    for (size_t i = 0; i < p->n_launches; i++) {
        uint64_t *left = &r->left[p->launches[i].cell], have = json_array_size(run_log_have(r->log, &p->launches[i]));
        r->so_far.samples_kept += have;
        *left -= have < *left ? have : *left;
    }
    r->so_far.samples_done = r->so_far.samples_kept;
    r->o->kept = r->so_far.samples_kept;
}

static int run_all(struct runner *r, struct err *err)
{
    const struct plan *p = r->q->plan;
    count(r);
    tell(r, (struct run_event){.kind = RUN_BEGUN});
    for (size_t i = 0; i < p->n_cells; i++)
        if (p->cells[i].why.code)
            TRY(log_unrun(r, i, &p->cells[i].why, err));
    TRY(run_commands(r, err));
    for (size_t i = 0; i < p->n_launches; i++, r->so_far.launches_done++) {
        r->now = &p->launches[i];
        if (wish(r) != 0)
            return err_set(err, ERR_INTERRUPTED, "stopped");
        if (!complete(r, r->now) && !r->failed[r->now->cell].code)
            TRY(run_launch(r, i, err));
    }
    return 0;
}

static int run_opened(struct runner *r, struct err *why)
{
    snprintf(r->o->uuid, sizeof r->o->uuid, "%s", run_log_uuid(r->log));
    snprintf(r->o->folder, sizeof r->o->folder, "%s", run_log_folder(r->log));
    log_info(r->q->log, "the run begins", LOG_TEXT("run", r->o->uuid), LOG_TEXT("folder", r->o->folder),
             LOG_INT("launches", (int64_t)r->q->plan->n_launches), LOG_INT("samples", (int64_t)r->q->plan->n_samples));
    int rc = run_all(r, why);
    r->now = NULL;
    tell(r, (struct run_event){.kind = RUN_ENDED});
    log_info(r->q->log, "the run ended", LOG_TEXT("run", r->o->uuid), LOG_INT("samples", (int64_t)r->o->samples),
             LOG_INT("cells_failed", (int64_t)r->o->failed), LOG_TEXT("status", rc < 0 ? err_code_name(why->code) : "ok"));
    return rc;
}

int run_manifest(struct run_outcome *out, const struct run_request *q, struct err *err)
{
    struct runner r = {.q = q, .o = out};
    struct err why = ERR_INIT;
    *out = (struct run_outcome){.cells = q->plan->n_cells};
    r.failed = mem_zalloc(q->plan->n_cells, sizeof *r.failed, err);
    r.left = mem_zalloc(q->plan->n_cells, sizeof *r.left, err);
    if (!r.failed || !r.left) {
        free(r.failed);
        free(r.left);
        return -1;
    }
    bool opened = run_log_open(&r.log, q, &why) == 0;
    int rc = opened ? run_opened(&r, &why) : -1;
    out->interrupted = rc < 0 && why.code == ERR_INTERRUPTED;
    const char *status = !opened ? NULL : rc == 0 ? "done" : out->interrupted ? "interrupted" : "failed";
    if (run_log_close(r.log, status, rc == 0 ? &why : NULL) < 0)
        rc = -1;
    free(r.failed);
    free(r.left);
    json_decref(r.limits);
    if (rc < 0 && !out->interrupted) {
        if (err && err->code == ERR_NONE)
            *err = why;
        return -1;
    }
    return 0;
}
