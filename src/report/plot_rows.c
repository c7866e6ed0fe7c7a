#include "report/plot_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/results_build.h"
#include "report/rows.h"
#include "stats/quantile.h"
#include "store/record.h"

/* ---- metrics of token steps ---- */

/* What step k of a request did, k from 1: the first one is the prefill. NaN: unknown. */
static double step_metric(const struct result_request *q, size_t k, const char *metric)
{
    double seconds = q->step_ms[k] / 1000;
    if (!(seconds > 0))
        return NAN;
    if (strcmp(metric, "total_latency_ms") == 0)
        return q->step_ms[k];
    if (strcmp(metric, "param_throughput_gb_s") == 0)
        return q->step_parameters == RECORD_UNKNOWN ? NAN : (double)q->step_parameters / 1e9 / seconds;
    if (q->step_bytes == RECORD_UNKNOWN || q->position_bytes == RECORD_UNKNOWN || q->prompt_positions == RECORD_UNKNOWN)
        return NAN;
    double positions = (double)q->prompt_positions + (double)q->batch * (double)k;
    return ((double)q->step_bytes + (double)q->position_bytes * positions) / 1e9 / seconds;
}

static bool is_step_metric(const char *metric)
{
    return strcmp(metric, "total_latency_ms") == 0 || strcmp(metric, "memory_throughput_gb_s") == 0 ||
           strcmp(metric, "param_throughput_gb_s") == 0;
}

/* Each launch's median over all of its steps; with one launch, each request's. */
static const double *step_samples(struct scene *s, const struct result_cell *cell, const char *metric, size_t *n, bool *launches,
                                  struct err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < cell->n_requests; i++)
        most += cell->requests[i].n_steps;
    double *steps = scene_alloc(s, most, sizeof *steps), *out = scene_alloc(s, cell->n_requests, sizeof *out);
    *n = 0;
    if (!steps || !out)
        return NULL;
    *launches = cell->n_requests > 0 && cell->requests[0].launch != cell->requests[cell->n_requests - 1].launch;
    for (size_t i = 0, taken = 0; i < cell->n_requests; i++) {
        const struct result_request *q = &cell->requests[i];
        for (size_t k = 1; k < q->n_steps; k++) {
            double x = step_metric(q, k, metric);
            if (isfinite(x))
                steps[taken++] = x;
        }
        bool last = i + 1 == cell->n_requests || !*launches || cell->requests[i + 1].launch != q->launch;
        if (last && taken) {
            if (median_of(&out[*n], steps, taken, err) < 0)
                return NULL;
            *n += 1;
            taken = 0;
        }
    }
    return out;
}

const double *plot_samples(struct scene *s, const struct result_cell *cell, const char *metric, size_t *n, bool *launches,
                           struct err *err)
{
    double *x;
    if (is_step_metric(metric))
        return step_samples(s, cell, metric, n, launches, err);
    if (rows_samples(&x, n, launches, cell, metric, err) < 0)
        return NULL;
    double *copy = scene_alloc(s, *n, sizeof *copy);
    if (copy && *n)
        memcpy(copy, x, *n * sizeof *copy);
    free(x);
    return copy;
}

/* ---- cells ---- */

double plot_cell_param(const struct result_cell *cell, const char *name)
{
    const json_t *v = json_object_get(cell->params, name);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* Looks at no more than it must: this is asked of every cell for every plot. */
static bool has_metric(const struct result_cell *cell, const char *metric)
{
    struct result_cell probe = *cell; /* a request tells whether requests have it */
    double *x;
    size_t n = 0;
    bool launches;
    for (size_t i = 0; is_step_metric(metric) && i < cell->n_requests; i++)
        for (size_t k = 1; k < cell->requests[i].n_steps; k++)
            if (isfinite(step_metric(&cell->requests[i], k, metric)))
                return true;
    for (size_t i = 0; i < cell->n_values; i++)
        if (isfinite(cell->values[i].x) && strcmp(cell->values[i].name, metric) == 0)
            return true;
    probe.n_requests = cell->n_requests > 0;
    probe.n_values = 0;
    if (is_step_metric(metric) || rows_samples(&x, &n, &launches, &probe, metric, NULL) < 0)
        return false;
    free(x);
    return n > 0;
}

bool plot_cell_has(const struct result_cell *cell, const char *column)
{
    return json_object_get(cell->params, column) || has_metric(cell, column);
}

const char *plot_cell_reason(const struct result_cell *cell)
{
    for (size_t i = cell ? cell->n_launches : 0; i-- > 0;)
        if (cell->launches[i].reason)
            return cell->launches[i].reason;
    return !cell || (cell->n_requests == 0 && cell->n_values == 0) ? NULL : "this engine does not tell";
}

const char *plot_quantize_of(const struct result_cell *cell)
{
    const char *asked = json_string_value(json_object_get(cell->params, "quantize"));
    return asked ? asked : cell->quantize ? cell->quantize : "";
}

/* ---- words for what differs ---- */

static size_t index_of(const char **names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    names[*n] = name;
    return (*n)++;
}

const char *plot_engine_name(struct scene *s, const struct results *r, const struct result_cell *cell)
{
    char engine[128], run[64];
    if (!cell->engine || !*cell->engine)
        return "(no name)";
    rows_engine(engine, cell);
    if (r->n_runs < 2)
        return scene_printf(s, "%s", engine);
    rows_run_label(run, r, cell->run);
    return scene_printf(s, "%s (%s)", engine, run);
}

static const char *param_word(const char *key)
{
    static const char *const words[][2] = {
        {"prompt_len", "prompt"}, {"gen_len", "new"}, {"batch_size", "batch"}, {"seq_len", "length"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], key) == 0)
            return words[i][1];
    return key;
}

static bool param_differs(const struct plot_rows *rows, const char *key)
{
    for (size_t i = 1; i < rows->n; i++)
        if (!json_equal(json_object_get(rows->cells[i]->params, key), json_object_get(rows->cells[0]->params, key)))
            return true;
    return false;
}

static void add_word(struct buf *b, const char *word)
{
    if (word && *word) {
        buf_str(b, b->len ? " · " : "");
        buf_str(b, word);
    }
}

static void add_param(struct buf *b, const char *key, const json_t *v)
{
    char text[64], words[160];
    if (!rows_param_text(text, v))
        return;
    if (json_is_string(v))
        snprintf(words, sizeof words, "%s", text);
    else if (json_is_boolean(v))
        snprintf(words, sizeof words, "%s%.120s", json_is_true(v) ? "" : "no ", param_word(key));
    else
        snprintf(words, sizeof words, "%.80s %s", param_word(key), text);
    add_word(b, words);
}

/* What tells this cell from the others, as far as `depth` goes: the model and the parameters; then what is said only if
 * two cells of one engine would have the same words. */
enum { DEPTH_PARAMS, DEPTH_QUANTIZE, DEPTH_DEVICE, DEPTH_BENCHMARK, DEPTH_RUN, DEPTHS };

static const char *condition_of(const struct plot_rows *rows, const struct result_cell *cell, const char *without, int depth)
{
    const char *keys[RESULTS_KEYS_MAX];
    struct buf b = BUF_INIT(1 << 16);
    size_t n = results_keys(cell->params, keys);
    bool models = false;
    for (size_t i = 1; i < rows->n; i++)
        models |= !str_eq(rows->cells[i]->model, rows->cells[0]->model);
    if (models)
        add_word(&b, cell->model);
    for (size_t i = 0; i < n; i++)
        if ((!without || strcmp(keys[i], without) != 0) && param_differs(rows, keys[i]))
            add_param(&b, keys[i], json_object_get(cell->params, keys[i]));
    if (depth >= DEPTH_QUANTIZE)
        add_word(&b, cell->quantize);
    if (depth >= DEPTH_DEVICE)
        add_word(&b, cell->device);
    if (depth >= DEPTH_BENCHMARK) {
        add_word(&b, cell->target);
        add_word(&b, cell->benchmark);
    }
    if (depth >= DEPTH_RUN)
        add_word(&b, cell->run);
    if (!b.len)
        add_word(&b, cell->model ? cell->model : cell->experiment);
    const char *out = scene_printf(rows->s, "%s", b.data ? b.data : "");
    buf_release(&b);
    return out;
}

/* Two cells of one engine and condition that are not two places on the axis `without`. */
static bool clash(const struct plot_rows *rows, const char *without)
{
    for (size_t i = 0; i < rows->n; i++)
        for (size_t k = 0; k < i; k++)
            if (rows->engine_of[i] == rows->engine_of[k] && rows->condition_of[i] == rows->condition_of[k] &&
                (!without || plot_cell_param(rows->cells[i], without) == plot_cell_param(rows->cells[k], without)))
                return true;
    return false;
}

/* In the order of the palette, variants by name: the same engines stand in the same order in every plot. */
static void sort_engines(struct plot_rows *rows)
{
    for (size_t i = 1; i < rows->n_engines; i++)
        for (size_t k = i; k > 0; k--) {
            const struct engine_color *a = engine_color_find(rows->engines[k - 1]), *b = engine_color_find(rows->engines[k]);
            if (a < b || (a == b && strcmp(rows->engines[k - 1], rows->engines[k]) <= 0))
                break;
            const char *swap = rows->engines[k];
            rows->engines[k] = rows->engines[k - 1];
            rows->engines[k - 1] = swap;
        }
}

static const char *best_experiment(struct scene *s, const struct results *r, const char *metric)
{
    bool *has = scene_alloc(s, r->n_cells, sizeof *has);
    const char *best = NULL;
    size_t most = 0;
    for (size_t i = 0; has && i < r->n_cells; i++)
        has[i] = r->cells[i].experiment && has_metric(&r->cells[i], metric);
    for (size_t i = 0; has && i < r->n_cells; i++) {
        size_t n = 0;
        for (size_t k = i; has[i] && k < r->n_cells; k++)
            n += has[k] && str_eq(r->cells[k].experiment, r->cells[i].experiment);
        if (n > most) {
            most = n;
            best = r->cells[i].experiment;
        }
    }
    return best;
}

int plot_rows_select(struct plot_rows *rows, struct scene *s, const struct results *r, const char *metric, const char *without,
                     struct err *err)
{
    size_t most = r->n_cells;
    *rows = (struct plot_rows){.s = s, .r = r, .experiment = best_experiment(s, r, metric)};
    rows->cells = scene_alloc(s, most, sizeof *rows->cells);
    rows->engines = scene_alloc(s, most, sizeof *rows->engines);
    rows->conditions = scene_alloc(s, most, sizeof *rows->conditions);
    rows->engine_of = scene_alloc(s, most, sizeof *rows->engine_of);
    rows->condition_of = scene_alloc(s, most, sizeof *rows->condition_of);
    if (s->failed)
        return err_set(err, s->err.code, "%s", s->err.text);
    for (size_t i = 0; i < most; i++)
        if (rows->experiment && str_eq(r->cells[i].experiment, rows->experiment))
            rows->cells[rows->n++] = &r->cells[i];
    for (size_t i = 0; i < rows->n; i++)
        index_of(rows->engines, &rows->n_engines, plot_engine_name(s, r, rows->cells[i]));
    sort_engines(rows);
    for (size_t i = 0; i < rows->n; i++)
        rows->engine_of[i] = index_of(rows->engines, &rows->n_engines, plot_engine_name(s, r, rows->cells[i]));
    for (int depth = 0; depth < DEPTHS; depth++) {
        rows->n_conditions = 0;
        for (size_t i = 0; i < rows->n; i++)
            rows->condition_of[i] =
                index_of(rows->conditions, &rows->n_conditions, condition_of(rows, rows->cells[i], without, depth));
        if (!clash(rows, without))
            break;
    }
    return s->failed ? err_set(err, s->err.code, "%s", s->err.text) : 0;
}

const struct result_cell *plot_rows_cell(const struct plot_rows *rows, size_t engine, size_t condition)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->engine_of[i] == engine && rows->condition_of[i] == condition)
            return rows->cells[i];
    return NULL;
}

/* ---- looks ---- */

struct rgb plot_engine_color(const struct plot_rows *rows, size_t engine)
{
    const struct engine_color *row = engine_color_find(rows->engines[engine]);
    size_t nth = 0; /* among the variants of its engine */
    for (size_t i = 0; i < engine; i++)
        nth += engine_color_find(rows->engines[i]) == row;
    return rgb_shade(rgb_of(rows->s->theme->dark ? row->dark : row->light), nth, rows->s->theme);
}

enum marker plot_engine_marker(const struct plot_rows *rows, size_t engine)
{
    return engine_color_find(rows->engines[engine])->marker;
}

double plot_dash(size_t condition)
{
    static const double dashes[] = {0, 5, 2, 8};
    return dashes[condition % 4];
}

const struct legend_entry *plot_engine_legend(const struct plot_rows *rows, enum legend_look look)
{
    struct legend_entry *legend = scene_alloc(rows->s, rows->n_engines, sizeof *legend);
    for (size_t i = 0; legend && i < rows->n_engines; i++)
        legend[i] = (struct legend_entry){.name = rows->engines[i], .color = plot_engine_color(rows, i),
                                          .look = look, .marked = look == LEGEND_LINE,
                                          .marker = plot_engine_marker(rows, i)};
    return legend;
}

struct plot_axis plot_metric_axis(const char *name)
{
    const struct metric *metric = metric_find(name);
    return (struct plot_axis){.title = metric ? metric->title : name, .unit = metric ? metric->unit : ""};
}
