#include "report/results.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/rawlog.h"

#define RESULTS_MAX ((size_t)4 << 30)
#define RUN_JSON_MAX (64u << 20)

/* ---- gathering ---- */

struct reading {
    struct results *r;
    const char *run;    /* of the log being read */
    const char *engine, *variant, *model, *quantize;
    struct arena scratch;
};

static int grow(struct results *r, void *items, size_t *cap, size_t n, size_t size, struct err *err)
{
    void *old;
    if (n < *cap)
        return 0;
    size_t bigger = *cap ? *cap * 2 : 16;
    void *fresh = arena_alloc(&r->arena, bigger, size, err);
    if (!fresh)
        return -1;
    memcpy(&old, items, sizeof old);
    if (n)
        memcpy(fresh, old, n * size);
    memcpy(items, &fresh, sizeof fresh);
    *cap = bigger;
    return 0;
}

static int keep_text(struct results *r, const char **out, const char *text, struct err *err)
{
    if (!text || *out)
        return 0;
    *out = arena_strdup(&r->arena, text, err);
    return *out ? 0 : -1;
}

static int keep_json(struct results *r, const json_t **out, const json_t *v, struct err *err)
{
    if (!json_is_object(v) || *out)
        return 0;
    if (json_array_append(r->kept, (json_t *)v) < 0)
        return err_set(err, ERR_MEMORY, "out of memory for the results");
    *out = v;
    return 0;
}

static struct result_run *run_of(struct results *r, const char *id, struct err *err)
{
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->runs[i].id, id) == 0)
            return &r->runs[i];
    if (grow(r, &r->runs, &r->cap_runs, r->n_runs, sizeof *r->runs, err) < 0)
        return NULL;
    struct result_run *run = &r->runs[r->n_runs];
    *run = (struct result_run){0};
    if (keep_text(r, &run->id, id, err) < 0)
        return NULL;
    r->n_runs++;
    return run;
}

static struct result_cell *cell_of(struct reading *at, const char *key, struct err *err)
{
    struct results *r = at->r;
    for (size_t i = r->n_cells; i-- > 0;) /* the newest first: records of a cell follow each other */
        if (strcmp(r->cells[i].key, key) == 0 && r->cells[i].run == at->run)
            return &r->cells[i];
    if (grow(r, &r->cells, &r->cap_cells, r->n_cells, sizeof *r->cells, err) < 0)
        return NULL;
    struct result_cell *cell = &r->cells[r->n_cells];
    *cell = (struct result_cell){.run = at->run, .engine = at->engine, .variant = at->variant, .model = at->model,
                                 .quantize = at->quantize};
    if (keep_text(r, &cell->key, key, err) < 0)
        return NULL;
    r->n_cells++;
    return cell;
}

static struct result_launch *launch_of(struct results *r, struct result_cell *cell, int64_t number, struct err *err)
{
    for (size_t i = 0; i < cell->n_launches; i++)
        if (cell->launches[i].launch == number)
            return &cell->launches[i];
    if (grow(r, &cell->launches, &cell->cap_launches, cell->n_launches, sizeof *cell->launches, err) < 0)
        return NULL;
    struct result_launch *launch = &cell->launches[cell->n_launches++];
    *launch = (struct result_launch){.launch = number, .peak_bytes = RECORD_UNKNOWN, .load_ns = RECORD_UNKNOWN};
    return launch;
}

static int take_open(struct reading *at, const json_t *line, struct err *err)
{
    struct record_open open;
    struct results *r = at->r;
    TRY(record_open_read(&open, line, err));
    struct result_run *run = run_of(r, open.run, err);
    if (!run)
        return -1;
    at->run = run->id;
    at->engine = at->variant = at->model = at->quantize = NULL;
    TRY(keep_text(r, &at->engine, open.engine, err));
    TRY(keep_text(r, &at->variant, open.variant, err));
    TRY(keep_text(r, &at->model, open.model, err));
    TRY(keep_text(r, &at->quantize, open.quantize, err));
    TRY(keep_text(r, &run->started, open.started, err));
    TRY(keep_text(r, &run->command, open.command, err));
    TRY(keep_text(r, &run->host, open.host, err));
    run->seed = (int64_t)open.seed;
    return keep_json(r, &run->fingerprint, open.fingerprint, err);
}

static int take_ready(struct reading *at, const json_t *line, struct err *err)
{
    struct record_ready ready;
    TRY(record_ready_read(&ready, line, err));
    struct result_cell *cell = cell_of(at, ready.cell, err);
    struct result_launch *launch = cell ? launch_of(at->r, cell, ready.launch, err) : NULL;
    if (!launch)
        return -1;
    launch->load_ns = ready.load_ns;
    TRY(keep_text(at->r, &cell->version, ready.version, err));
    return keep_text(at->r, &cell->checked_against, ready.checked_against, err);
}

static double ms(int64_t ns)
{
    return ns == RECORD_UNKNOWN ? NAN : (double)ns / 1e6;
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
    if (!cell || grow(r, &cell->requests, &cell->cap_requests, cell->n_requests, sizeof *cell->requests, err) < 0)
        return -1;
    struct result_request *out = &cell->requests[cell->n_requests++];
    *out = (struct result_request){.launch = q.launch, .index = q.index, .prefill_ms = ms(q.prefill_ns),
                                   .decode_ms = ms(q.decode_ns), .total_ms = ms(q.total_ns)};
    size_t shortest = q.n_replies ? q.replies[0].n_steps : 0;
    for (size_t i = 0; i < q.n_replies; i++) {
        out->tokens += (int64_t)q.replies[i].n_steps;
        if (q.replies[i].n_steps < shortest)
            shortest = q.replies[i].n_steps;
    }
    /* the first token of each prompt comes out of the prefill; all are taken to be as long as the shortest */
    out->decode_tokens = shortest > 0 ? (int64_t)((shortest - 1) * q.n_replies) : 0;
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
        if (!json_is_number(v))
            continue;
        TRY(grow(r, &cell->values, &cell->cap_values, cell->n_values, sizeof *cell->values, err));
        struct result_value *out = &cell->values[cell->n_values];
        *out = (struct result_value){.launch = value.launch, .index = value.index, .x = json_number_value(v)};
        TRY(keep_text(r, &out->name, name, err));
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
    struct result_launch *launch = cell ? launch_of(r, cell, ended.launch, err) : NULL;
    if (!launch)
        return -1;
    launch->status = launch->reason = NULL; /* a launch that was tried again ended as its last try did */
    launch->peak_bytes = ended.peak_bytes;
    TRY(keep_text(r, &launch->status, ended.status, err));
    TRY(keep_text(r, &launch->reason, ended.reason, err));
    TRY(keep_text(r, &cell->experiment, ended.experiment, err));
    cell->engine = cell->variant = cell->model = NULL; /* its own words count before those of the log */
    TRY(keep_text(r, &cell->engine, ended.engine, err));
    TRY(keep_text(r, &cell->variant, ended.variant, err));
    TRY(keep_text(r, &cell->model, ended.model, err));
    TRY(keep_text(r, &cell->checked_against, ended.checked_against, err));
    TRY(keep_text(r, &cell->benchmark, ended.benchmark, err));
    TRY(keep_text(r, &cell->target, ended.target, err));
    return keep_json(r, &cell->params, ended.params, err);
}

static int take_close(struct reading *at, const json_t *line, struct err *err)
{
    struct record_close closed;
    struct results *r = at->r;
    TRY(record_close_read(&closed, line, err));
    struct result_run *run = run_of(r, at->run, err);
    if (!run)
        return -1;
    run->ended = run->status = run->reason = NULL; /* the last one counts: a resumed run closes again */
    TRY(keep_text(r, &run->ended, closed.ended, err));
    TRY(keep_text(r, &run->status, closed.status, err));
    return keep_text(r, &run->reason, closed.reason, err);
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

/* ---- order ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Parameters as a person sorts them: numbers by value, key by key in the order of the first. */
static int compare_params(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *x;
    json_object_foreach((json_t *)a, key, x) {
        const json_t *y = json_object_get(b, key);
        if (json_is_number(x) && json_is_number(y)) {
            double dx = json_number_value(x), dy = json_number_value(y);
            if (dx != dy)
                return dx < dy ? -1 : 1;
        } else if (json_is_string(x) && json_is_string(y)) {
            int order = strcmp(json_string_value(x), json_string_value(y));
            if (order)
                return order;
        }
    }
    return 0;
}

static int compare_cells(const void *x, const void *y)
{
    const struct result_cell *a = x, *b = y;
    int order = compare_text(a->target, b->target);
    if (!order)
        order = compare_text(a->experiment, b->experiment);
    if (!order)
        order = compare_text(a->benchmark, b->benchmark);
    if (!order)
        order = compare_text(a->model, b->model);
    if (!order)
        order = compare_params(a->params, b->params);
    if (!order)
        order = compare_text(a->engine, b->engine);
    if (!order)
        order = compare_text(a->variant, b->variant);
    if (!order)
        order = compare_text(a->run, b->run);
    return order ? order : strcmp(a->key, b->key);
}

static int compare_numbers(int64_t a_launch, int64_t a_index, int64_t b_launch, int64_t b_index)
{
    if (a_launch != b_launch)
        return a_launch < b_launch ? -1 : 1;
    return a_index < b_index ? -1 : a_index > b_index;
}

static int compare_requests(const void *x, const void *y)
{
    const struct result_request *a = x, *b = y;
    return compare_numbers(a->launch, a->index, b->launch, b->index);
}

/* Sorts n items by merging, so that equals keep their order: the first one logged comes first. */
static int sort_stable(struct results *r, void *items, size_t n, size_t size, int (*compare)(const void *, const void *),
                       struct err *err)
{
    char *from = items, *to = arena_alloc(&r->arena, n ? n : 1, size, err);
    if (!to)
        return -1;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t mid = low + width < n ? low + width : n, high = mid + width < n ? mid + width : n, i = low, j = mid;
            for (size_t k = low; k < high; k++) {
                bool left = i < mid && (j >= high || compare(from + i * size, from + j * size) <= 0);
                memcpy(to + k * size, from + (left ? i++ : j++) * size, size);
            }
        }
        char *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * size);
    return 0;
}

static int compare_values(const void *x, const void *y)
{
    const struct result_value *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    return order ? order : compare_numbers(a->launch, a->index, b->launch, b->index);
}

static int compare_launches(const void *x, const void *y)
{
    const struct result_launch *a = x, *b = y;
    return compare_numbers(a->launch, 0, b->launch, 0);
}

static int put_in_order(struct results *r, struct err *err)
{
    if (r->n_cells)
        qsort(r->cells, r->n_cells, sizeof *r->cells, compare_cells);
    for (size_t c = 0; c < r->n_cells; c++) {
        struct result_cell *cell = &r->cells[c];
        size_t n = 0;
        TRY(sort_stable(r, cell->requests, cell->n_requests, sizeof *cell->requests, compare_requests, err));
        for (size_t i = 0; i < cell->n_requests; i++)
            if (n == 0 || compare_requests(&cell->requests[n - 1], &cell->requests[i]) != 0)
                cell->requests[n++] = cell->requests[i];
        cell->n_requests = n;
        TRY(sort_stable(r, cell->launches, cell->n_launches, sizeof *cell->launches, compare_launches, err));
        n = 0;
        TRY(sort_stable(r, cell->values, cell->n_values, sizeof *cell->values, compare_values, err));
        for (size_t i = 0; i < cell->n_values; i++)
            if (n == 0 || compare_values(&cell->values[n - 1], &cell->values[i]) != 0)
                cell->values[n++] = cell->values[i];
        cell->n_values = n;
    }
    return 0;
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

/* Leaves only the run of that id; false if there is none. */
static bool keep_run(struct results *r, const char *id)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->runs[i].id, id) == 0) {
            struct result_run wanted = r->runs[i];
            r->n_other_runs = r->n_runs - 1;
            r->runs[0] = wanted;
            r->n_runs = 1;
            for (size_t c = 0; c < r->n_cells; c++)
                if (strcmp(r->cells[c].run, wanted.id) == 0)
                    r->cells[n++] = r->cells[c];
            r->n_cells = n;
            return true;
        }
    return false;
}

static int compare_runs(const void *x, const void *y)
{
    const struct result_run *a = x, *b = y;
    int order = compare_text(a->started, b->started);
    return order ? order : strcmp(a->id, b->id);
}

static int choose_run(struct results *r, const char *run, struct err *err)
{
    qsort(r->runs, r->n_runs, sizeof *r->runs, compare_runs);
    if (run && strcmp(run, "all") == 0)
        return 0;
    const char *wanted = run ? run : r->runs[r->n_runs - 1].id;
    if (keep_run(r, wanted))
        return 0;
    err_set(err, ERR_INPUT, "no log of run '%s' is among the %zu runs there", wanted, r->n_runs);
    return err_hint(err, "the run that began last is '%s'", r->runs[r->n_runs - 1].id);
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

int results_read(struct results *r, const char *path, const char *run, struct err *err)
{
    struct reading at = {.r = r, .scratch = ARENA_INIT(RECORD_LINE_MAX * (size_t)4)};
    char *raw = NULL, *parent = NULL, *own = NULL;
    int result = -1;
    *r = (struct results){.arena = ARENA_INIT(RESULTS_MAX), .kept = json_array()};
    if (!r->kept) {
        err_set(err, ERR_MEMORY, "out of memory for the results");
        goto out;
    }
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
    if (choose_run(r, run ? run : own, err) < 0)
        goto out;
    result = put_in_order(r, err);
out:
    free(raw);
    free(parent);
    free(own);
    arena_release(&at.scratch);
    if (result < 0)
        results_release(r);
    return result;
}

void results_release(struct results *r)
{
    json_decref(r->kept);
    arena_release(&r->arena);
    *r = (struct results){.kept = NULL};
}
