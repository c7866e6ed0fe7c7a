#include "report/rows.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/csv_table.h"
#include "report/results_build.h"
#include "report/verdict.h"
#include "stats/quantile.h"
#include "store/record.h"

/* ---- a table ---- */

/* The cells [from, to) of one experiment, target and benchmark. */
struct group {
    const struct results *r;
    size_t from, to;
};

#define COLUMNS_MAX 64

struct columns {
    const struct results *r;
    const char *params[COLUMNS_MAX];  /* keys of the parameters that differ between cells, or are lengths */
    bool counts[COLUMNS_MAX];         /* all of them integers */
    size_t n_params;
    const char *metrics[COLUMNS_MAX];
    size_t n_metrics;
    bool several_quantizes, several_runs;
};

static bool has(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool rows_is_setting(const char *key)
{
    static const char *const efforts[] = {"warmup_runs", "timed_runs"};
    return !has(efforts, sizeof efforts / sizeof efforts[0], key);
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
            bool wanted = has(always, sizeof always / sizeof always[0], keys[k]) || (rows_is_setting(keys[k]) && differs(g, keys[k]));
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
            if (!g->r->cells[i].values[k].text && !has(c->metrics, c->n_metrics, g->r->cells[i].values[k].name) && c->n_metrics < COLUMNS_MAX - 2)
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
    c->several_runs = g->r->n_runs > 1;
    TRY(report_column_add(doc, t, COLUMN_TEXT, "engine", err));
    TRY(report_column_add(doc, t, COLUMN_TEXT, "model", err));
    if (c->several_runs)
        TRY(report_column_add(doc, t, COLUMN_TEXT, "run", err));
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

bool rows_param_text(char out[64], const json_t *v)
{
    char number[32];
    if (!json_is_string(v) && !json_is_boolean(v) && !json_is_number(v))
        return false;
    snprintf(out, 64, "%s", json_is_string(v) ? json_string_value(v) : json_is_boolean(v) ? json_is_true(v) ? "true" : "false"
                            : number_shortest(json_number_value(v), number));
    return true;
}

static int set_param(struct report_doc *doc, struct report_cell *cell, const json_t *v, bool count, struct err *err)
{
    char text[64];
    if (count && v) {
        report_set_count(cell, json_integer_value(v));
        return 0;
    }
    if (json_is_string(v))
        return report_set_text(doc, cell, json_string_value(v), err);
    return rows_param_text(text, v) ? report_set_text(doc, cell, text, err) : 0;
}

/* True when the runs have this text, and no two the same. */
static bool tells_apart(const struct results *r, size_t offset)
{
    for (size_t i = 0; i < r->n_runs; i++) {
        const char *a, *b;
        memcpy(&a, (const char *)&r->runs[i] + offset, sizeof a);
        for (size_t k = 0; k < i && a; k++) {
            memcpy(&b, (const char *)&r->runs[k] + offset, sizeof b);
            if (str_eq(a, b))
                return false;
        }
        if (!a)
            return false;
    }
    return true;
}

void rows_run_label(char out[64], const struct results *r, const char *run)
{
    bool hosts = tells_apart(r, offsetof(struct result_run, host)), starts = tells_apart(r, offsetof(struct result_run, started));
    snprintf(out, 64, "%s", run);
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->runs[i].id, run) == 0 && (hosts || starts))
            snprintf(out, 64, "%s", hosts ? r->runs[i].host : r->runs[i].started);
}

int rows_engine(char out[128], const struct result_cell *cell)
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
    rows_engine(engine, cell);
    TRY(report_set_text(doc, at++, engine, err));
    TRY(report_set_text(doc, at++, cell->model ? cell->model : "", err));
    if (c->several_runs) {
        char run[64];
        rows_run_label(run, c->r, cell->run);
        TRY(report_set_text(doc, at++, run, err));
    }
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
    struct columns columns = {.r = g->r};
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
    return rows_raw(doc, &t->raw, &g->r->cells[g->from], g->to - g->from, columns.metrics, columns.n_metrics, err);
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

/* A line for each command that some run was made by; a command line is one line, so what breaks it is shown. */
static int add_command(struct report_doc *doc, const char *command, struct err *err)
{
    struct buf text = BUF_INIT(1 << 20);
    bool known = false;
    if (doc->command)
        buf_printf(&text, "%s\n", doc->command);
    size_t before = text.len;
    for (const char *s = command; *s; s++)
        if (*s == '\n')
            buf_str(&text, "\\n");
        else
            buf_char(&text, *s);
    if (buf_check(&text, err) == 0 && text.data && doc->command) {
        struct buf lines = BUF_INIT(1 << 20);
        buf_printf(&lines, "\n%s", doc->command);
        char *line = mem_printf(err, "\n%s\n", text.data + before);
        buf_char(&lines, '\n');
        known = line && lines.data && strstr(lines.data, line);
        free(line);
        buf_release(&lines);
    }
    int result = text.failed || known ? (text.failed ? -1 : 0) : report_set_command(doc, text.data ? text.data : "", err);
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
        TRY(report_fact_add(doc, "seed", run->seed == RECORD_UNKNOWN ? NULL : seed, err));
        TRY(report_fact_add(doc, "host", run->host, err));
        if (run->fingerprint)
            TRY(add_leaves(doc, "", run->fingerprint, 0, err));
        if (!run->status)
            TRY(report_note_add(doc, err, "run %s was cut off: what it logged before is here", run->id));
        else if (strcmp(run->status, "done") != 0)
            TRY(report_note_add(doc, err, "run %s ended as '%s'%s%s", run->id, run->status, run->reason ? ": " : "",
                                run->reason ? run->reason : ""));
        if (run->command)
            TRY(add_command(doc, run->command, err));
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
        rows_engine(engine, cell);
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

bool rows_together(const struct result_cell *a, const struct result_cell *b)
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
        while (to < r->n_cells && rows_together(&r->cells[from], &r->cells[to]))
            to++;
        TRY(add_table(doc, &(struct group){.r = r, .from = from, .to = to}, err));
        from = to;
    }
    TRY(verdict_add(doc, r, err));
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
        rows_engine(label, cell);
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
