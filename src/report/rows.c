#include "report/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/csv_table.h"
#include "report/results_build.h"
#include "stats/quantile.h"
#include "store/record.h"

#define MB (1024.0 * 1024.0)

/* ---- samples of a metric ---- */

static double request_metric(const struct result_request *q, const char *metric)
{
    if (strcmp(metric, "prefill_ms") == 0)
        return q->prefill_ms;
    if (strcmp(metric, "decode_ms") == 0)
        return q->decode_ms;
    if (strcmp(metric, "total_s") == 0)
        return q->total_ms / 1000;
    if (strcmp(metric, "tokens_per_sec") == 0) /* a clock that stands still has no rate */
        return q->decode_ms > 0 && q->decode_tokens > 0 ? (double)q->decode_tokens * 1000 / q->decode_ms : NAN;
    if (strcmp(metric, "avg_tps") == 0)
        return q->total_ms > 0 ? (double)q->tokens * 1000 / q->total_ms : NAN;
    return NAN;
}

static double launch_metric(const struct result_launch *l, const char *metric)
{
    if (strcmp(metric, "peak_mb") == 0)
        return l->peak_bytes == RECORD_UNKNOWN ? NAN : (double)l->peak_bytes / MB;
    if (strcmp(metric, "load_s") == 0)
        return l->load_ns == RECORD_UNKNOWN ? NAN : (double)l->load_ns / 1e9;
    return NAN;
}

struct observed {
    int64_t launch;
    double x;
};

/* All values of a metric, in the order of launches. */
static size_t observe(struct observed *out, const struct result_cell *cell, const char *metric)
{
    size_t n = 0;
    for (size_t i = 0; i < cell->n_requests; i++)
        out[n++] = (struct observed){cell->requests[i].launch, request_metric(&cell->requests[i], metric)};
    if (n == 0 || isnan(out[0].x)) {
        n = 0;
        for (size_t i = 0; i < cell->n_launches; i++)
            out[n++] = (struct observed){cell->launches[i].launch, launch_metric(&cell->launches[i], metric)};
    }
    if (n == 0 || isnan(out[0].x)) {
        n = 0;
        for (size_t i = 0; i < cell->n_values; i++)
            if (strcmp(cell->values[i].name, metric) == 0)
                out[n++] = (struct observed){cell->values[i].launch, cell->values[i].x};
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(out[i].x))
            out[kept++] = out[i];
    return kept;
}

int rows_samples(double **x, size_t *n, bool *launches, const struct result_cell *cell, const char *metric,
                 struct err *err)
{
    size_t most = cell->n_requests + cell->n_launches + cell->n_values, groups = 0;
    struct observed *all = mem_alloc(most, sizeof *all, err);
    double *out = mem_alloc(most, sizeof *out, err);
    *x = NULL;
    *n = 0;
    *launches = false;
    if (!all || !out)
        goto fail;
    size_t total = observe(all, cell, metric);
    for (size_t i = 0; i < total; i++)
        groups += i == 0 || all[i].launch != all[i - 1].launch;
    *launches = groups >= 2;
    for (size_t i = 0; i < total;) {
        size_t to = i + 1;
        if (*launches) {
            while (to < total && all[to].launch == all[i].launch)
                to++;
            for (size_t k = i; k < to; k++) /* the launch's values lie together: they are reduced where they go */
                out[*n + k - i] = all[k].x;
            if (median_of(&out[*n], out + *n, to - i, err) < 0)
                goto fail;
            *n += 1;
        } else {
            out[(*n)++] = all[i].x;
        }
        i = to;
    }
    free(all);
    *x = out;
    return 0;
fail:
    free(all);
    free(out);
    return -1;
}

/* ---- a table ---- */

/* The cells [from, to) of one experiment, target and benchmark. */
struct group {
    const struct results *r;
    size_t from, to;
};

#define COLUMNS_MAX 64

struct columns {
    const char *params[COLUMNS_MAX];  /* keys of the parameters that differ between cells, or are lengths */
    bool counts[COLUMNS_MAX];         /* all of them integers */
    size_t n_params;
    const char *metrics[COLUMNS_MAX];
    size_t n_metrics;
    bool several_benchmarks, several_quantizes;
};

static bool has(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool differs(const struct group *g, const char *key)
{
    const json_t *first = json_object_get(g->r->cells[g->from].params, key);
    for (size_t i = g->from + 1; i < g->to; i++) {
        const json_t *other = json_object_get(g->r->cells[i].params, key);
        if (first ? !json_equal(first, other) : other != NULL)
            return true;
    }
    return false;
}

static void find_params(struct columns *c, const struct group *g)
{
    static const char *const always[] = {"prompt_len", "gen_len", "batch_size"};
    const char *keys[RESULTS_KEYS_MAX];
    for (size_t i = g->from; i < g->to; i++) {
        size_t n = results_keys(g->r->cells[i].params, keys);
        for (size_t k = 0; k < n; k++) {
            const json_t *v = json_object_get(g->r->cells[i].params, keys[k]);
            bool wanted = has(always, sizeof always / sizeof always[0], keys[k]) || differs(g, keys[k]);
            if (!wanted || json_is_object(v) || json_is_array(v) || has(c->params, c->n_params, keys[k]) ||
                c->n_params == COLUMNS_MAX)
                continue;
            c->params[c->n_params] = keys[k];
            c->counts[c->n_params] = true;
            for (size_t m = g->from; m < g->to; m++) {
                const json_t *value = json_object_get(g->r->cells[m].params, keys[k]);
                if (value && !json_is_integer(value))
                    c->counts[c->n_params] = false;
            }
            c->n_params++;
        }
    }
}

static void find_metrics(struct columns *c, const struct group *g)
{
    static const char *const requests[] = {"prefill_ms", "decode_ms", "tokens_per_sec", "total_s"};
    static const char *const launches[] = {"load_s", "peak_mb"};
    bool any_request = false, any_value = false;
    for (size_t i = g->from; i < g->to; i++) {
        any_request |= g->r->cells[i].n_requests > 0;
        any_value |= g->r->cells[i].n_values > 0;
    }
    if (any_request || !any_value)
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
            c->metrics[c->n_metrics++] = requests[i];
    for (size_t i = g->from; i < g->to; i++)
        for (size_t k = 0; k < g->r->cells[i].n_values; k++)
            if (!has(c->metrics, c->n_metrics, g->r->cells[i].values[k].name) && c->n_metrics < COLUMNS_MAX - 2)
                c->metrics[c->n_metrics++] = g->r->cells[i].values[k].name;
    for (size_t i = 0; i < sizeof launches / sizeof launches[0]; i++)
        c->metrics[c->n_metrics++] = launches[i];
}

static bool same(const char *a, const char *b)
{
    return str_eq(a, b);
}

static int add_columns(struct report_doc *doc, struct report_table *t, struct columns *c, const struct group *g,
                       struct err *err)
{
    find_params(c, g);
    find_metrics(c, g);
    for (size_t i = g->from + 1; i < g->to; i++)
        c->several_quantizes |= !same(g->r->cells[i].quantize, g->r->cells[g->from].quantize);
    TRY(report_column_add(doc, t, COLUMN_TEXT, "engine", err));
    TRY(report_column_add(doc, t, COLUMN_TEXT, "model", err));
    if (c->several_quantizes)
        TRY(report_column_add(doc, t, COLUMN_TEXT, "quantize", err));
    for (size_t i = 0; i < c->n_params; i++)
        TRY(report_column_add(doc, t, c->counts[i] ? COLUMN_COUNT : COLUMN_TEXT, c->params[i], err));
    for (size_t i = 0; i < c->n_metrics; i++)
        TRY(report_column_add(doc, t, COLUMN_FIGURE, c->metrics[i], err));
    TRY(report_column_add(doc, t, COLUMN_TEXT, "unit", err));
    return report_column_add(doc, t, COLUMN_TEXT, "checked_against", err);
}

/* Why a cell has no samples: what its last launch that failed said. */
static const char *cell_reason(const struct result_cell *cell)
{
    for (size_t i = cell->n_launches; i-- > 0;)
        if (cell->launches[i].reason)
            return cell->launches[i].reason;
    return cell->experiment ? "not measured" : "cut off before it ended";
}

static int set_param(struct report_doc *doc, struct report_cell *cell, const json_t *v, bool count, struct err *err)
{
    char number[32];
    if (!v || json_is_null(v))
        return 0;
    if (count) {
        report_set_count(cell, json_integer_value(v));
        return 0;
    }
    if (json_is_string(v))
        return report_set_text(doc, cell, json_string_value(v), err);
    if (json_is_boolean(v))
        return report_set_text(doc, cell, json_is_true(v) ? "true" : "false", err);
    return report_set_text(doc, cell, number_shortest(json_number_value(v), number), err);
}

static int engine_label(char out[128], const struct result_cell *cell)
{
    bool variant = cell->variant && *cell->variant;
    return snprintf(out, 128, "%s%s%s", cell->engine, variant ? ":" : "", variant ? cell->variant : "");
}

static int add_row(struct report_doc *doc, struct report_table *t, const struct columns *c,
                   const struct result_cell *cell, struct err *err)
{
    struct report_cell *row = report_row_add(doc, t, err), *at = row;
    char engine[128];
    bool by_launch = false, any = false;
    if (!row)
        return -1;
    engine_label(engine, cell);
    TRY(report_set_text(doc, at++, engine, err));
    TRY(report_set_text(doc, at++, cell->model ? cell->model : "", err));
    if (c->several_quantizes)
        TRY(report_set_text(doc, at++, cell->quantize, err));
    for (size_t i = 0; i < c->n_params; i++)
        TRY(set_param(doc, at++, json_object_get(cell->params, c->params[i]), c->counts[i], err));
    for (size_t i = 0; i < c->n_metrics; i++, at++) {
        double *x;
        size_t n;
        bool launches;
        TRY(rows_samples(&x, &n, &launches, cell, c->metrics[i], err));
        int result = n > 0                   ? report_set_samples(doc, at, x, n, err)
                     : cell->n_requests == 0 ? report_set_why(doc, at, cell_reason(cell), err)
                                             : report_set_why(doc, at, "this engine does not tell", err);
        free(x);
        if (result < 0)
            return -1;
        by_launch |= launches;
        any |= n > 0;
    }
    TRY(report_set_text(doc, at++, !any ? NULL : by_launch ? "launches" : "requests of one launch", err));
    return report_set_text(doc, at, cell->checked_against, err);
}

static int add_table(struct report_doc *doc, const struct group *g, struct err *err)
{
    const struct result_cell *first = &g->r->cells[g->from];
    const char *name = first->experiment ? first->experiment : "unfinished";
    struct columns columns = {.n_params = 0};
    char title[512];
    snprintf(title, sizeof title, "%s%s%s%s%s", first->target ? first->target : "", first->target ? ": " : "",
             first->benchmark ? first->benchmark : name, first->benchmark && !same(first->benchmark, name) ? ", " : "",
             first->benchmark && !same(first->benchmark, name) ? name : "");
    struct report_table *t = report_table_add(doc, name, title, err);
    if (!t)
        return -1;
    TRY(add_columns(doc, t, &columns, g, err));
    for (size_t i = g->from; i < g->to; i++)
        TRY(add_row(doc, t, &columns, &g->r->cells[i], err));
    return 0;
}

/* ---- around the tables ---- */

/* Every leaf of the fingerprint is a fact; the JSON path is its label. */
static int add_leaves(struct report_doc *doc, const char *path, const json_t *v, int depth, struct err *err)
{
    const char *keys[RESULTS_KEYS_MAX];
    json_t *child;
    char label[256], number[32];
    if (json_is_object(v) && depth < 8) {
        size_t n = results_keys(v, keys);
        for (size_t k = 0; k < n; k++) {
            snprintf(label, sizeof label, "%s%s%s", path, *path ? "." : "", keys[k]);
            TRY(add_leaves(doc, label, json_object_get(v, keys[k]), depth + 1, err));
        }
        return 0;
    }
    if (json_is_string(v))
        return report_detail_add(doc, path, json_string_value(v), err);
    if (json_is_number(v))
        return report_detail_add(doc, path, number_shortest(json_number_value(v), number), err);
    if (json_is_boolean(v))
        return report_detail_add(doc, path, json_is_true(v) ? "true" : "false", err);
    if (json_is_null(v))
        return report_detail_add(doc, path, NULL, err);
    struct buf text = BUF_INIT(1 << 20); /* a list: its texts, with spaces between */
    size_t i;
    json_array_foreach((json_t *)v, i, child) {
        if (i > 0)
            buf_char(&text, ' ');
        if (json_is_string(child))
            buf_str(&text, json_string_value(child));
        else if (json_is_number(child))
            buf_str(&text, number_shortest(json_number_value(child), number));
    }
    int result = buf_check(&text, err) < 0 ? -1 : report_detail_add(doc, path, text.data ? text.data : "", err);
    buf_release(&text);
    return result;
}

static int add_facts(struct report_doc *doc, const struct results *r, struct err *err)
{
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct result_run *run = &r->runs[i];
        char seed[32];
        snprintf(seed, sizeof seed, "%lld", (long long)run->seed);
        TRY(report_fact_add(doc, "run", run->id, err));
        TRY(report_fact_add(doc, "started", run->started, err));
        TRY(report_fact_add(doc, "ended", run->ended, err));
        TRY(report_fact_add(doc, "seed", seed, err));
        TRY(report_fact_add(doc, "host", run->host, err));
        if (run->fingerprint)
            TRY(add_leaves(doc, "", run->fingerprint, 0, err));
        if (!run->status)
            TRY(report_note_add(doc, err, "run %s was cut off: what it logged before is here", run->id));
        else if (strcmp(run->status, "done") != 0)
            TRY(report_note_add(doc, err, "run %s ended as '%s'%s%s", run->id, run->status, run->reason ? ": " : "",
                                run->reason ? run->reason : ""));
        if (run->command && !doc->command)
            TRY(report_set_command(doc, run->command, err));
    }
    return 0;
}

/* Times of a clock that is not the machine's are said to be so, once an engine. */
static int add_clocks(struct report_doc *doc, const struct results *r, struct err *err)
{
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct result_cell *cell = &r->cells[i];
        bool said = !cell->clock || strcmp(cell->clock, "monotonic") == 0;
        for (size_t k = 0; k < i && !said; k++)
            said = same(r->cells[k].engine, cell->engine) && same(r->cells[k].clock, cell->clock);
        if (!said)
            TRY(report_note_add(doc, err, "times of engine '%s' are of its own clock ('%s'), not of this machine", cell->engine,
                                cell->clock));
    }
    return 0;
}

static int add_notes(struct report_doc *doc, const struct results *r, struct err *err)
{
    TRY(add_clocks(doc, r, err));
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct result_cell *cell = &r->cells[i];
        char engine[128];
        engine_label(engine, cell);
        for (size_t k = 0; k < cell->n_launches; k++)
            if (cell->n_requests > 0 && cell->launches[k].reason)
                TRY(report_note_add(doc, err, "%s: launch %lld of %s on %s failed: %s", cell->experiment,
                                    (long long)cell->launches[k].launch, engine, cell->model ? cell->model : "no model",
                                    cell->launches[k].reason));
    }
    if (r->n_other_runs)
        TRY(report_note_add(doc, err, "%zu other runs lie in this folder: --run ID shows one, --run all shows all",
                            r->n_other_runs));
    if (r->n_damaged)
        TRY(report_note_add(doc, err, "%zu damaged lines of the logs were skipped", r->n_damaged));
    if (r->n_torn)
        TRY(report_note_add(doc, err, "%zu logs end in a torn line: the request in flight when the run was cut off",
                            r->n_torn));
    return 0;
}

static bool one_group(const struct result_cell *a, const struct result_cell *b)
{
    return same(a->experiment, b->experiment) && same(a->target, b->target) && same(a->benchmark, b->benchmark);
}

int rows_document(struct report_doc *doc, const struct results *r, struct err *err)
{
    char title[160];
    if (r->n_runs == 1)
        snprintf(title, sizeof title, "prony run %s", r->runs[0].id);
    else
        snprintf(title, sizeof title, "prony: %zu runs", r->n_runs);
    TRY(report_set_title(doc, title, err));
    for (size_t from = 0; from < r->n_cells;) {
        size_t to = from + 1;
        while (to < r->n_cells && one_group(&r->cells[from], &r->cells[to]))
            to++;
        TRY(add_table(doc, &(struct group){.r = r, .from = from, .to = to}, err));
        from = to;
    }
    TRY(add_notes(doc, r, err));
    return add_facts(doc, r, err);
}

/* ---- latency.csv ---- */

static int put_median(struct buf *out, const struct result_cell *cell, const char *metric, struct err *err)
{
    double *x, median = NAN;
    size_t n;
    bool launches;
    TRY(rows_samples(&x, &n, &launches, cell, metric, err));
    int result = n > 0 ? median_of(&median, x, n, err) : 0;
    free(x);
    buf_char(out, ',');
    csv_number(out, median);
    return result;
}

int rows_latency_csv(struct buf *out, const struct results *r, struct err *err)
{
    static const char *const params[] = {"prompt_len", "gen_len", "batch_size"};
    static const char *const metrics[] = {"tokens_per_sec", "prefill_ms", "decode_ms"};
    const char *engine = NULL;
    bool several = false;
    for (size_t i = 0; i < r->n_cells; i++) {
        several |= engine && strcmp(engine, r->cells[i].engine) != 0;
        engine = r->cells[i].engine;
    }
    buf_str(out, "model,prompt_len,gen_len,batch_size,tokens_per_sec,prefill_ms,decode_ms\n");
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct result_cell *cell = &r->cells[i];
        char label[128];
        if (!same(cell->experiment, "latency") || cell->n_requests == 0)
            continue;
        struct buf name = BUF_INIT(1 << 16);
        engine_label(label, cell);
        buf_printf(&name, "%s%s%s", several ? label : "", several && cell->model ? ":" : "", cell->model ? cell->model : "");
        if (!name.len)
            buf_str(&name, label);
        if (buf_check(&name, err) == 0)
            csv_field(out, name.data);
        buf_release(&name);
        for (size_t k = 0; k < 3; k++)
            buf_printf(out, ",%lld", (long long)json_integer_value(json_object_get(cell->params, params[k])));
        for (size_t k = 0; k < 3; k++)
            TRY(put_median(out, cell, metrics[k], err));
        buf_char(out, '\n');
    }
    return buf_check(out, err);
}
