#include "report/results.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/results_build.h"
#include "store/rawlog.h"
#include "store/record.h"

#define RUN_JSON_MAX (64u << 20)

/* ---- gathering ---- */

struct reading {
    struct results *r;
    const char *run;    /* of the log being read */
    const char *engine, *variant, *model, *quantize, *device;
    struct arena scratch;
};

static struct result_cell *cell_of(struct reading *at, const char *key, struct err *err)
{
    size_t before = at->r->n_cells;
    struct result_cell *cell = results_cell(at->r, at->run, key, err);
    if (cell && at->r->n_cells > before) { /* until it says so itself, it is of the engine and model of its log */
        cell->engine = at->engine;
        cell->variant = at->variant;
        cell->model = at->model;
        cell->quantize = at->quantize;
        cell->device = at->device;
    }
    return cell;
}

static int take_open(struct reading *at, const json_t *line, struct err *err)
{
    struct record_open open;
    struct results *r = at->r;
    TRY(record_open_read(&open, line, err));
    struct result_run *run = results_run(r, open.run, err);
    if (!run)
        return -1;
    at->run = run->id;
    at->engine = at->variant = at->model = at->quantize = at->device = NULL;
    TRY(results_text(r, &at->engine, open.engine, err));
    TRY(results_text(r, &at->variant, open.variant, err));
    TRY(results_text(r, &at->model, open.model, err));
    TRY(results_text(r, &at->quantize, open.quantize, err));
    TRY(results_text(r, &at->device, open.device, err));
    TRY(results_text(r, &run->started, open.started, err));
    TRY(results_text(r, &run->command, open.command, err));
    TRY(results_text(r, &run->host, open.host, err));
    run->seed = (int64_t)open.seed;
    return results_object(r, &run->fingerprint, open.fingerprint, err);
}

static int take_ready(struct reading *at, const json_t *line, struct err *err)
{
    struct record_ready ready;
    TRY(record_ready_read(&ready, line, err));
    struct result_cell *cell = cell_of(at, ready.cell, err);
    struct result_launch *launch = cell ? results_launch(at->r, cell, ready.launch, err) : NULL;
    if (!launch)
        return -1;
    launch->load_ns = ready.load_ns;
    TRY(results_text(at->r, &cell->version, ready.version, err));
    return results_text(at->r, &cell->checked_against, ready.checked_against, err);
}

static int take_request(struct reading *at, const json_t *line, struct err *err)
{
    struct sample_request q;
    struct results *r = at->r;
    arena_release(&at->scratch);
    TRY(record_request_read(&q, line, &at->scratch, err));
    if (strcmp(q.phase, "timed") != 0)
        return 0;
    struct result_cell *cell = cell_of(at, q.cell, err);
    if (!cell || results_grow(r, &cell->requests, &cell->cap_requests, cell->n_requests, sizeof *cell->requests, err) < 0)
        return -1;
    struct result_request *out = &cell->requests[cell->n_requests++];
    *out = (struct result_request){.launch = q.launch, .index = q.index, .prefill_ms = results_ms(q.prefill_ns),
                                   .decode_ms = results_ms(q.decode_ns), .total_ms = results_ms(q.total_ns),
                                    .batch = (int64_t)q.n_replies, .step_bytes = q.step_bytes,
                                    .position_bytes = q.position_bytes, .step_parameters = q.step_parameters};
    TRY(results_text(r, &cell->clock, q.clock, err));
    size_t shortest = q.n_replies ? q.replies[0].n_steps : 0;
    for (size_t i = 0; i < q.n_replies; i++) {
        bool known = out->prompt_positions != RECORD_UNKNOWN && q.replies[i].prompt_len != RECORD_UNKNOWN;
        out->prompt_positions = known ? out->prompt_positions + q.replies[i].prompt_len : RECORD_UNKNOWN;
        out->tokens += (int64_t)q.replies[i].n_steps;
        if (q.replies[i].n_steps < shortest)
            shortest = q.replies[i].n_steps;
    }
    /* the first token of each prompt comes out of the prefill; all are taken to be as long as the shortest */
    out->decode_tokens = shortest > 0 ? (int64_t)((shortest - 1) * q.n_replies) : 0;
    double *ms = arena_alloc(&r->arena, shortest, sizeof *ms, err);
    if (!ms)
        return -1;
    for (size_t i = 0; i < shortest; i++)
        ms[i] = results_ms(q.replies[0].steps[i].total_ns);
    out->step_ms = ms;
    out->n_steps = shortest;
    return 0;
}

static int take_value(struct reading *at, const json_t *line, struct err *err)
{
    struct sample_value value;
    struct results *r = at->r;
    const char *name;
    json_t *v;
    TRY(record_value_read(&value, line, err));
    struct result_cell *cell = cell_of(at, value.cell, err);
    if (!cell)
        return -1;
    json_object_foreach((json_t *)value.values, name, v) {
        if (!json_is_number(v) && !json_is_string(v))
            continue;
        TRY(results_grow(r, &cell->values, &cell->cap_values, cell->n_values, sizeof *cell->values, err));
        struct result_value *out = &cell->values[cell->n_values];
        *out = (struct result_value){.launch = value.launch, .index = value.index,
                                     .x = json_is_number(v) ? json_number_value(v) : NAN};
        TRY(results_text(r, &out->text, json_string_value(v), err));
        TRY(results_text(r, &out->name, name, err));
        cell->n_values++;
    }
    return 0;
}

static int take_cell(struct reading *at, const json_t *line, struct err *err)
{
    struct cell_record ended;
    struct results *r = at->r;
    TRY(record_cell_read(&ended, line, err));
    struct result_cell *cell = cell_of(at, ended.key, err);
    struct result_launch *launch = cell ? results_launch(r, cell, ended.launch, err) : NULL;
    if (!launch)
        return -1;
    launch->status = launch->reason = NULL; /* a launch that was tried again ended as its last try did */
    launch->peak_bytes = ended.peak_bytes;
    TRY(results_text(r, &launch->status, ended.status, err));
    TRY(results_text(r, &launch->reason, ended.reason, err));
    TRY(results_text(r, &cell->experiment, ended.experiment, err));
    cell->engine = cell->variant = cell->model = NULL; /* its own words count before those of the log */
    TRY(results_text(r, &cell->engine, ended.engine, err));
    TRY(results_text(r, &cell->variant, ended.variant, err));
    TRY(results_text(r, &cell->model, ended.model, err));
    TRY(results_text(r, &cell->checked_against, ended.checked_against, err));
    TRY(results_text(r, &cell->benchmark, ended.benchmark, err));
    TRY(results_text(r, &cell->target, ended.target, err));
    return results_object(r, &cell->params, ended.params, err);
}

static int take_close(struct reading *at, const json_t *line, struct err *err)
{
    struct record_close closed;
    struct results *r = at->r;
    TRY(record_close_read(&closed, line, err));
    struct result_run *run = results_run(r, at->run, err);
    if (!run)
        return -1;
    run->ended = run->status = run->reason = NULL; /* the last one counts: a resumed run closes again */
    TRY(results_text(r, &run->ended, closed.ended, err));
    TRY(results_text(r, &run->status, closed.status, err));
    return results_text(r, &run->reason, closed.reason, err);
}

static int take(void *arg, enum record_kind kind, const json_t *line, uint64_t offset, struct err *err)
{
    struct reading *at = arg;
    (void)offset;
    if (kind == RECORD_OPEN)
        return take_open(at, line, err);
    if (!at->run)
        return err_set(err, ERR_INPUT, "the first record is not the one that opens a log");
    switch (kind) {
    case RECORD_READY:
        return take_ready(at, line, err);
    case RECORD_REQUEST:
        return take_request(at, line, err);
    case RECORD_VALUE:
        return take_value(at, line, err);
    case RECORD_CELL:
        return take_cell(at, line, err);
    case RECORD_CLOSE:
        return take_close(at, line, err);
    default:
        return 0;
    }
}

static void damaged(void *arg, uint64_t offset, size_t len, bool torn, const char *why)
{
    struct reading *at = arg;
    (void)offset, (void)len, (void)why;
    if (torn)
        at->r->n_torn++;
    else
        at->r->n_damaged++;
}

/* ---- files ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible_name(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* Calls for each name in the folder, in the order of their bytes. */
static int each_name(const char *dir, int (*fn)(struct reading *at, const char *path, struct err *err),
                     struct reading *at, struct err *err)
{
    struct dirent **names;
    int n = scandir(dir, &names, visible_name, by_name), result = 0;
    if (n < 0)
        return err_set_errno(err, errno, "'%s'", dir);
    for (int i = 0; i < n; i++) {
        char *path = result == 0 ? path_join(dir, names[i]->d_name, err) : NULL;
        if (result == 0)
            result = path ? fn(at, path, err) : -1;
        free(path);
        free(names[i]);
    }
    free(names);
    return result;
}

static int read_log(struct reading *at, const char *path, struct err *err)
{
    struct rawlog_events events = {.record = take, .damaged = damaged, .arg = at};
    if (!str_ends(path, ".txt"))
        return 0;
    at->run = NULL;
    at->r->n_logs++;
    if (rawlog_read(path, 0, NULL, &events, err) < 0)
        return err_context(err, "'%s'", path);
    return 0;
}

static int read_engine(struct reading *at, const char *path, struct err *err)
{
    return file_is_dir(path) ? each_name(path, read_log, at, err) : 0;
}

/* A run's own folder, PARENT/artifacts/NAME, has run.json with the id of the run: then *parent and *run are set, both to
 * free(); else they stay NULL. */
static int own_folder(const char *path, char **parent, char **run, struct err *err)
{
    const char *id;
    char *file = path_join(path, "run.json", err);
    if (!file)
        return -1;
    json_t *root = NULL;
    int result = 0;
    if (file_exists(file)) {
        root = json_read(file, RUN_JSON_MAX, err);
        result = root ? json_get_text(&id, root, "run", file, err) : -1;
        if (result == 0 && !(*run = mem_strdup(id, err)))
            result = -1;
        if (result == 0 && !(*parent = path_join(path, "../..", err)))
            result = -1;
    }
    json_decref(root);
    free(file);
    return result;
}

static int read_folder(struct results *r, const char *path, const char *run, struct err *err)
{
    struct reading at = {.r = r, .scratch = ARENA_INIT(RECORD_LINE_MAX * (size_t)4)};
    char *raw = NULL, *parent = NULL, *own = NULL;
    int result = -1;
    if (own_folder(path, &parent, &own, err) < 0)
        goto out;
    raw = path_join(parent ? parent : path, "raw", err);
    if (!raw)
        goto out;
    if (!file_is_dir(raw)) {
        err_set(err, ERR_INPUT, "'%s': not the folder of a run: it has no folder 'raw'", path);
        err_hint(err, "name the folder that 'prony run' wrote to");
        goto out;
    }
    if (each_name(raw, read_engine, &at, err) < 0)
        goto out;
    if (r->n_runs == 0) {
        err_set(err, ERR_INPUT, "'%s': no log was found in it", raw);
        goto out;
    }
    result = results_finish(r, run ? run : own, err);
out:
    free(raw);
    free(parent);
    free(own);
    arena_release(&at.scratch);
    return result;
}

/* What is no database is taken for JSON: that reader knows best what is wrong with it. */
static bool is_database(const char *path)
{
    static const char magic[] = "SQLite format 3";
    char begin[sizeof magic] = "";
    FILE *f = fopen(path, "rb");
    bool is = f && fread(begin, 1, sizeof begin, f) == sizeof begin && memcmp(begin, magic, sizeof magic) == 0;
    if (f)
        fclose(f);
    return is || str_ends(path, ".db");
}

static int read_file(struct results *r, const char *path, const char *run, struct err *err)
{
    TRY(is_database(path) ? results_read_database(r, path, err) : results_read_llama_bench(r, path, err));
    return results_finish(r, run, err);
}

int results_read(struct results *r, const char *path, const char *run, struct err *err)
{
    int result = results_begin(r, err);
    if (result == 0)
        result = file_is_dir(path) || !file_exists(path) ? read_folder(r, path, run, err) : read_file(r, path, run, err);
    if (result < 0)
        results_release(r);
    return result;
}

static bool has_run(const struct results *r, const char *id)
{
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->runs[i].id, id) == 0)
            return true;
    return false;
}

/* Takes over the runs of a part that are not there yet, with their cells. */
static int join(struct results *r, const struct results *part, struct err *err)
{
    size_t before = r->n_runs;
    for (size_t i = 0; i < part->n_runs; i++) {
        if (has_run(r, part->runs[i].id))
            continue;
        TRY(results_grow(r, &r->runs, &r->cap_runs, r->n_runs, sizeof *r->runs, err));
        r->runs[r->n_runs++] = part->runs[i];
    }
    struct results fresh = {.runs = r->runs + before, .n_runs = r->n_runs - before};
    for (size_t i = 0; i < part->n_cells; i++) {
        if (!has_run(&fresh, part->cells[i].run))
            continue;
        TRY(results_grow(r, &r->cells, &r->cap_cells, r->n_cells, sizeof *r->cells, err));
        r->cells[r->n_cells++] = part->cells[i];
    }
    r->n_logs += part->n_logs;
    r->n_damaged += part->n_damaged;
    r->n_torn += part->n_torn;
    r->n_other_runs += part->n_other_runs;
    return 0;
}

int results_read_all(struct results *r, const char *const *paths, size_t n, const char *run, struct err *err)
{
    if (n == 1)
        return results_read(r, paths[0], run, err);
    TRY(results_begin(r, err));
    r->parts = mem_zalloc(n, sizeof *r->parts, err);
    int result = r->parts ? 0 : -1;
    for (size_t i = 0; result == 0 && i < n; i++) {
        result = results_read(&r->parts[i], paths[i], run, err);
        r->n_parts += result == 0;
        if (result == 0)
            result = join(r, &r->parts[i], err);
    }
    if (result < 0)
        results_release(r);
    else
        results_order_cells(r);
    return result;
}
