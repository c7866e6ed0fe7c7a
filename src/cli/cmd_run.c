#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/defaults.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/run_view.h"
#include "cli/terminal_style.h"
#include "experiments/runner.h"
#include "report/plots.h"
#include "report/report_files.h"
#include "report/rows.h"
#include "store/collate.h"

static volatile sig_atomic_t interrupts;

static void on_signal(int signal_number)
{
    (void)signal_number;
    interrupts++;
}

/* 1: finish the request in flight; 2: at once. */
static int stop(void *arg)
{
    (void)arg;
    return interrupts > 1 ? 2 : (int)interrupts;
}

static const char *const *items(const struct invocation *in, const char *option, size_t *n, struct err *err)
{
    *n = opt_count(in, option);
    const char **out = mem_alloc(*n, sizeof *out, err);
    for (size_t i = 0; out && i < *n; i++)
        out[i] = opt_item(in, option, i);
    return out;
}

static void print_plan(const struct plan *p, bool json)
{
    json_t *cells = json_array();
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct plan_cell *c = &p->cells[i];
        json_array_append_new(
            cells, json_pack("{ss ss ss ss ss sO sI sI ss? ss?}", "target", c->target, "benchmark", c->benchmark, "experiment",
                             c->experiment, "engine", c->engine, "model", c->model, "params", c->params, "launches",
                             (json_int_t)c->launches, "samples", (json_int_t)(c->samples * c->launches), "why",
                             c->why.code ? c->why.text : NULL, "model_looked_for_in", c->model_nowhere));
    }
    if (json) {
        json_t *all = json_pack("{so sI sI sf ss}", "cells", cells, "launches", (json_int_t)p->n_launches, "samples",
                                (json_int_t)p->n_samples, "estimated_s", p->guess_s, "estimate", p->guess_why);
        char *text = json_dumps(all, JSON_INDENT(2));
        printf("%s\n", text ? text : "");
        free(text);
        json_decref(all);
        return;
    }
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct plan_cell *c = &p->cells[i];
        char *params = json_dumps(c->params, JSON_COMPACT | JSON_SORT_KEYS);
        printf("%s  %s  %s  %s  %s\n", c->benchmark, c->experiment, c->engine, c->model, params ? params : "");
        if (c->why.code)
            printf("    not run: %s\n", c->why.text);
        else
            printf("    %zu launches of %" PRIu64 " samples\n", c->launches, c->samples);
        if (c->model_nowhere)
            printf("    no such file or folder here: it was looked for in %s\n", c->model_nowhere);
        free(params);
    }
    for (size_t i = 0; i < p->n_commands; i++)
        printf("first: %s\n", p->commands[i].command);
    printf("%zu cells, %zu launches, %" PRIu64 " samples; about %.0f s (%s)\n", p->n_cells, p->n_launches, p->n_samples,
           p->guess_s, p->guess_why);
    json_decref(cells);
}

static void print_outcome(const struct invocation *in, const struct run_outcome *o, const char *parent)
{
    if (in->json) {
        json_t *json = json_pack("{ss ss si si si si sb}", "run", o->uuid, "folder", o->folder, "cells", (int)o->cells, "failed",
                                 (int)o->failed, "samples", (int)o->samples, "kept", (int)o->kept, "interrupted",
                                 o->interrupted);
        char *text = json_dumps(json, JSON_INDENT(2));
        printf("%s\n", text ? text : "");
        free(text);
        json_decref(json);
    } else {
        printf("run %s: %zu cells, %zu of them not measured, %zu samples", o->uuid, o->cells, o->failed, o->samples);
        if (o->kept)
            printf(" and %zu that were there", o->kept);
        printf("\nfolder: %s\nreport: %s/report.html\n", o->folder, parent);
    }
    if (o->interrupted)
        fprintf(stderr, "prony: stopped; everything measured is kept. To go on:\n  %s%s\n", in->line,
                opt_flag(in, "resume") ? "" : " --resume");
}

static int write_all(const char *folder, const struct report_doc *doc, const struct results *results, struct err *err)
{
    for (size_t i = 0; i < report_format_count(); i++)
        TRY(report_files_write(folder, report_format_at(i), doc, results, err));
    return 0;
}

/* The pictures of a run. A machine that cannot draw has all else: it is told once what to install. */
static int draw(const char *parent, const char *folder, const struct results *results, bool *can, struct err *err)
{
    struct err failed = ERR_INIT;
    size_t written;
    if (!*can || plots_write_run(parent, folder, results, &written, &failed) == 0)
        return 0;
    if (failed.code != ERR_MISSING)
        return err_set(err, failed.code, "%s", failed.text);
    *can = false;
    fprintf(stderr, "prony: no pictures: %s\n  %s\n", failed.text, failed.hint);
    return 0;
}

/* The report of the run in the folder of each target, the page of it beside raw/, and on the terminal. */
static int report(const struct invocation *in, const struct run_outcome *o, const char *parent, struct err *err)
{
    struct results results;
    struct report_doc doc;
    struct report_style style;
    struct buf out = BUF_INIT((size_t)1 << 30);
    bool can_draw = true;
    size_t i;
    json_t *folder;
    char *path = path_join(o->folder, "run.json", err);
    json_t *run = path ? json_read(path, 64u << 20, err) : NULL;
    free(path);
    if (!run)
        return -1;
    if (results_read(&results, o->folder, NULL, err) < 0) {
        json_decref(run);
        return -1;
    }
    report_doc_init(&doc, (size_t)2 << 30);
    terminal_style(&style);
    int rc = rows_document(&doc, &results, err);
    json_array_foreach(json_object_get(run, "folders"), i, folder)
        if (rc == 0)
            rc = write_all(json_string_value(folder), &doc, &results, err) < 0
                     ? -1 : draw(parent, json_string_value(folder), &results, &can_draw, err);
    if (rc == 0)
        rc = report_files_write(parent, report_format_find("html", err), &doc, &results, err);
    if (rc == 0 && !in->json && !in->quiet) {
        rc = report_write(&out, report_format_find("terminal", err), &doc, &style, err);
        if (rc == 0 && out.data)
            fwrite(out.data, 1, out.len, stdout);
    }
    buf_release(&out);
    report_doc_release(&doc);
    results_release(&results);
    json_decref(run);
    return rc;
}

static int run_plan(struct invocation *in, const struct manifest *m, const struct plan *plan, uint64_t seed, struct err *err)
{
    struct run_view view;
    const char *output = json_string_value(json_object_get(manifest_json(m), "output"));
    const char *device = json_string_value(json_object_get(manifest_json(m), "device"));
    struct run_request q = {
        .manifest = m, .plan = plan, .parent = in->out ? in->out : output ? output : ".", .command = in->line, .seed = seed,
        .device = opt_given(in, "device") || !device ? in->device : device,
        .threads = in->threads ? in->threads : (int)json_integer_value(json_object_get(manifest_json(m), "threads")),
        .memory_limit = (uint64_t)in->memory_limit << 20, .silence_s = opt_double(in, "time-limit"),
        .resume = opt_flag(in, "resume"), .stop = stop, .event = run_view_event, .arg = &view, .log = &view.log};
    struct run_outcome o;
    struct sigaction catch = {.sa_handler = on_signal};
    TRY(run_view_begin(&view, in, plan, &interrupts, err));
    interrupts = 0;
    sigaction(SIGINT, &catch, NULL);
    sigaction(SIGTERM, &catch, NULL);
    int rc = run_manifest(&o, &q, err);
    run_view_end(&view);
    TRY(rc);
    if (o.samples + o.kept + o.failed > 0) {
        struct collate_report collated;
        TRY(collate(&collated, &(struct collate_options){.dir = q.parent}, err));
        TRY(report(in, &o, q.parent, err));
    }
    print_outcome(in, &o, q.parent);
    return o.interrupted || o.failed ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct invocation *in, struct err *err)
{
    struct manifest *m = NULL;
    struct plan plan;
    struct plan_choice choice = {.target = opt_string(in, "target")};
    int status = -1;
    choice.models = items(in, "models", &choice.n_models, err);
    choice.engines = items(in, "engines", &choice.n_engines, err);
    if (!choice.models || !choice.engines)
        goto out;
    if (opt_given(in, "num-prompts"))
        choice.num_prompts = (uint64_t)opt_int(in, "num-prompts");
    if (manifest_open(&m, in->args[0], err) < 0) {
        if (m && manifest_errors(m))
            fprintf(stderr, "%s\n", manifest_errors(m));
        goto out;
    }
    choice.seed = opt_given(in, "seed") ? in->seed
                                        : (uint64_t)json_integer_value(json_object_get(manifest_json(m), "seed"));
    if (plan_make(&plan, m, &choice, err) < 0)
        goto out;
    if (opt_flag(in, "dry-run")) {
        print_plan(&plan, in->json);
        status = EXIT_DONE;
    } else {
        status = run_plan(in, m, &plan, choice.seed, err);
    }
    plan_release(&plan);
out:
    manifest_close(m);
    free((void *)(uintptr_t)choice.models);
    free((void *)(uintptr_t)choice.engines);
    return status;
}

static const struct option_row options[] = {
    {.name = "target", .letter = 't', .kind = OPT_STRING, .argument = "T", .help = "only this target of the manifest"},
    {.name = "models", .letter = 'm', .kind = OPT_LIST, .argument = "A,B", .help = "only these models, by key or role"},
    {.name = "engines", .letter = 'e', .kind = OPT_LIST, .argument = "X,Y", .help = "these engines instead of the manifest's",
     .spaced = true},
    {.name = "num-prompts", .letter = 'n', .kind = OPT_INT, .argument = "N", .lo = 1, .hi = 1e9,
     .help = "timed requests of a launch, or prompts, instead of the manifest's"},
    {.name = "resume", .letter = 'r', .kind = OPT_FLAG, .help = "take up the newest run that was broken off"},
    {.name = "dry-run", .kind = OPT_FLAG, .help = "show the cells and the estimated time, run nothing"},
    {.name = "time-limit", .kind = OPT_DOUBLE, .argument = "S", .initial = DEFAULT_RUN_TIME_LIMIT, .lo = 0, .hi = 1e7,
     .help = "seconds without a sample after which a cell is given up; 0: none"},
    {0}};

static const struct example examples[] = {
    {"prony run configs/demo.yaml --dry-run", "what it would do, and for how long"},
    {"prony run configs/demo.yaml --out out", "run it; raw logs, results, plots and artifacts lie below out/, report.html in it"},
    {"prony run configs/demo.yaml --out out --resume", "take it up again after a crash or Ctrl-C"},
    {0},
};

const struct command command_run = {
    .name = "run",
    .summary = "measure all that a manifest asks",
    .synopsis = "MANIFEST",
    .description = "The manifest is checked whole before anything is started. Each launch of a cell is a process of its own; "
                   "a cell that fails is a row with its reason, the run goes on, and the exit status is 1 in the end. Ctrl-C "
                   "finishes the request in flight and keeps everything; a second one ends at once.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_MEASURE,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
