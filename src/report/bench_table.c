#include "report/bench_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/rows.h"

/* ---- where a column's value comes from -------------------------------------------------------------------------- */

enum source {
    ASKED_TEXT,  /* a text of struct bench_cell */
    PARAM,       /* a parameter of the cell */
    TOLD,        /* a text that the launch told */
    QUANTIZE,    /* of the log: what the weights are stored as */
    CHECKED,     /* what the engine was checked against */
    MEASURED,    /* rows_samples */
    FASTEST,     /* the largest of them */
    OVERHEAD,    /* peak less model and KV cache, by launch */
};

struct column {
    const char *name;
    enum column_kind kind;
    enum source source;
    const char *from;  /* NULL: the column's own name */
    bool brief;        /* also in the short table */
    bool only_if_differs; /* in the short table: where not all rows have the same */
    size_t at;         /* ASKED_TEXT: offset of the text */
};

#define AT(field) offsetof(struct bench_cell, field)

static const struct column columns[] = {
    {"engine", COLUMN_TEXT, ASKED_TEXT, NULL, true, false, AT(engine)},
    {"variant", COLUMN_TEXT, ASKED_TEXT, NULL, true, false, AT(variant)},
    {"model", COLUMN_TEXT, ASKED_TEXT, NULL, true, false, AT(model)},
    {"quantize", COLUMN_TEXT, QUANTIZE, NULL, true, false, 0},
    {"precision", COLUMN_TEXT, TOLD, NULL, true, false, 0},
    {"device", COLUMN_TEXT, ASKED_TEXT, NULL, true, true, AT(device)},
    {"threads", COLUMN_COUNT, TOLD, "threads_used", true, true, 0},
    {"batch", COLUMN_COUNT, PARAM, "batch_size", true, true, 0},
    {"depth", COLUMN_COUNT, PARAM, NULL, true, true, 0},
    {"kv", COLUMN_TEXT, TOLD, NULL, true, true, 0},
    {"prompt_len", COLUMN_COUNT, PARAM, NULL, true, false, 0},
    {"gen_len", COLUMN_COUNT, PARAM, NULL, true, false, 0},
    {"load_s", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"cold_start_ms", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"ttft_ms", COLUMN_FIGURE, MEASURED, "prefill_ms", false, false, 0},
    {"prefill_ms", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"prefill_tps", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"decode_ms", COLUMN_FIGURE, MEASURED, NULL, false, false, 0},
    {"decode_tps", COLUMN_FIGURE, MEASURED, "tokens_per_sec", true, false, 0},
    {"avg_tps", COLUMN_FIGURE, MEASURED, NULL, false, false, 0},
    {"peak_tps", COLUMN_FIGURE, FASTEST, "avg_tps", false, false, 0},
    {"total_s", COLUMN_FIGURE, MEASURED, NULL, false, false, 0},
    {"steady_ms_per_token", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"min_ms_per_token", COLUMN_FIGURE, MEASURED, NULL, false, false, 0},
    {"max_ms_per_token", COLUMN_FIGURE, MEASURED, NULL, false, false, 0},
    {"model_mb", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"kv_mb", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"peak_mb", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"overhead_mb", COLUMN_FIGURE, OVERHEAD, NULL, false, false, 0},
    {"share_of_bandwidth", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"share_of_arithmetic", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"machine_read_gb_s", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"machine_gops", COLUMN_FIGURE, MEASURED, NULL, true, false, 0},
    {"row_invariant", COLUMN_TEXT, PARAM, NULL, true, true, 0},
    {"checked_against", COLUMN_TEXT, CHECKED, NULL, true, false, 0},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

struct bench_row {
    const struct bench_cell *asked;
    const struct result_cell *found; /* NULL: no log knows it */
};

static const char *told(const struct result_cell *cell, const char *name)
{
    for (size_t i = 0; cell && i < cell->n_values; i++)
        if (cell->values[i].text && strcmp(cell->values[i].name, name) == 0)
            return cell->values[i].text;
    return NULL;
}

/* A column's text or number as text, in `number` where it must be written; NULL: there is none. */
static const char *text_of(const struct column *c, const struct bench_row *row, char number[32])
{
    const char *text;
    const json_t *v;
    switch (c->source) {
    case ASKED_TEXT:
        memcpy(&text, (const char *)row->asked + c->at, sizeof text);
        return text;
    case PARAM:
        v = json_object_get(row->asked->params, c->from ? c->from : c->name);
        if (json_is_boolean(v))
            return json_is_true(v) ? "true" : "false";
        return json_is_number(v) ? number_shortest(json_number_value(v), number) : json_string_value(v);
    case TOLD:
        return told(row->found, c->from ? c->from : c->name);
    case QUANTIZE:
        return row->found ? row->found->quantize : NULL;
    case CHECKED:
        return row->found ? row->found->checked_against : NULL;
    default:
        return NULL;
    }
}

static const char *reason(const struct bench_row *row)
{
    if (row->asked->why)
        return row->asked->why;
    for (size_t i = row->found ? row->found->n_launches : 0; i-- > 0;)
        if (row->found->launches[i].reason)
            return row->found->launches[i].reason;
    if (!row->found || row->found->n_requests == 0)
        return "not measured";
    return json_integer_value(json_object_get(row->asked->params, "gen_len")) == 0 ? "no token was to be decoded"
                                                                                   : "this engine does not tell";
}

static double first_value(const struct result_cell *cell, const char *name)
{
    for (size_t i = 0; i < cell->n_values; i++)
        if (strcmp(cell->values[i].name, name) == 0)
            return cell->values[i].x;
    return NAN;
}

/* The samples of a figure, to free(); none is no error. */
static int samples_of(double **x, size_t *n, const struct column *c, const struct bench_row *row, struct err *err)
{
    const char *metric = c->source == OVERHEAD ? "peak_mb" : c->from ? c->from : c->name;
    bool launches;
    *x = NULL;
    *n = 0;
    if (!row->found)
        return 0;
    TRY(rows_samples(x, n, &launches, row->found, metric, err));
    for (size_t i = 1; c->source == FASTEST && i < *n; i++)
        if ((*x)[i] > (*x)[0])
            (*x)[0] = (*x)[i];
    if (c->source == FASTEST && *n > 0)
        *n = 1;
    double known = c->source == OVERHEAD ? first_value(row->found, "model_mb") + first_value(row->found, "kv_mb") : 0;
    for (size_t i = 0; i < *n; i++)
        (*x)[i] -= known;
    if (!isfinite(known))
        *n = 0;
    return 0;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static bool differs(const struct column *c, const struct bench_row *rows, size_t n)
{
    char first[32], other[32];
    for (size_t i = 1; i < n; i++)
        if (!str_eq(text_of(c, &rows[0], first), text_of(c, &rows[i], other)))
            return true;
    return false;
}

static bool any_samples(const struct column *c, const struct bench_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *x;
        size_t count;
        if (samples_of(&x, &count, c, &rows[i], NULL) < 0)
            return true; /* it is tried again, with an error, when the rows are made */
        free(x);
        if (count > 0)
            return true;
    }
    return false;
}

static bool wanted(const struct column *c, bool all, const struct bench_row *rows, size_t n)
{
    if (all)
        return true;
    if (!c->brief)
        return false;
    return c->kind == COLUMN_FIGURE ? any_samples(c, rows, n) : !c->only_if_differs || differs(c, rows, n);
}

static int set_cell(struct report_doc *doc, struct report_cell *cell, const struct column *c, const struct bench_row *row,
                    struct err *err)
{
    char number[32];
    double *x;
    size_t n;
    const char *text = text_of(c, row, number);
    if (c->kind == COLUMN_COUNT && text)
        report_set_count(cell, atoll(text));
    if (c->kind == COLUMN_TEXT && text)
        return report_set_text(doc, cell, text, err);
    if (c->kind != COLUMN_FIGURE)
        return text ? 0 : report_set_why(doc, cell, reason(row), err);
    TRY(samples_of(&x, &n, c, row, err));
    int rc = n > 0 ? report_set_samples(doc, cell, x, n, err) : report_set_why(doc, cell, reason(row), err);
    free(x);
    return rc;
}

static int fill(struct report_doc *doc, bool all, const struct bench_row *rows, size_t n, struct err *err)
{
    bool in[N_COLUMNS];
    struct report_table *t = report_table_add(doc, "bench", "Speed", err);
    if (!t)
        return -1;
    for (size_t c = 0; c < N_COLUMNS; c++) {
        in[c] = wanted(&columns[c], all, rows, n);
        if (in[c])
            TRY(report_column_add(doc, t, columns[c].kind, columns[c].name, err));
    }
    for (size_t i = 0; i < n; i++) {
        struct report_cell *cell = report_row_add(doc, t, err);
        if (!cell)
            return -1;
        for (size_t c = 0; c < N_COLUMNS; c++)
            if (in[c])
                TRY(set_cell(doc, cell++, &columns[c], &rows[i], err));
    }
    return 0;
}

int bench_table(struct report_doc *doc, bool all, const struct bench_cell *cells, size_t n, const struct results *r,
                struct err *err)
{
    struct bench_row *rows = mem_zalloc(n, sizeof *rows, err);
    if (!rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        rows[i].asked = &cells[i];
        for (size_t k = 0; k < r->n_cells && !rows[i].found; k++)
            if (strcmp(r->cells[k].key, cells[i].key) == 0)
                rows[i].found = &r->cells[k];
    }
    int rc = fill(doc, all, rows, n, err);
    free(rows);
    return rc;
}
