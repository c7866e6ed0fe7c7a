/* rows_samples.c - the observations of a metric, out of whichever records of a cell hold it: its requests, its launches, or
 * its named values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/rows.h"
#include "stats/quantile.h"
#include "store/record.h"

#define MB (1024.0 * 1024.0)

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

int rows_observe(struct observed **out, size_t *n, const struct result_cell *cell, const char *metric, struct err *err)
{
    *n = 0;
    *out = mem_alloc(cell->n_requests + cell->n_launches + cell->n_values, sizeof **out, err);
    if (!*out)
        return -1;
    *n = observe(*out, cell, metric);
    return 0;
}

int rows_samples(double **x, size_t *n, bool *launches, const struct result_cell *cell, const char *metric,
                 struct err *err)
{
    struct observed *all;
    size_t total, groups = 0;
    *x = NULL;
    *n = 0;
    *launches = false;
    TRY(rows_observe(&all, &total, cell, metric, err));
    double *out = mem_alloc(total, sizeof *out, err);
    if (!out)
        goto fail;
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

/* ---- the single observations, as they were taken ---- */

struct place {
    int64_t launch, index;
};

static int compare_places(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    if (a->launch != b->launch)
        return a->launch < b->launch ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* Where the cell has observations: each launch and index once, in order. To free(). */
static struct place *places_of(const struct result_cell *cell, size_t *n, struct err *err)
{
    struct place *out = mem_alloc(cell->n_requests + cell->n_values, sizeof *out, err);
    size_t total = 0;
    *n = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < cell->n_requests; i++)
        out[total++] = (struct place){cell->requests[i].launch, cell->requests[i].index};
    for (size_t i = 0; i < cell->n_values; i++)
        out[total++] = (struct place){cell->values[i].launch, cell->values[i].index};
    if (cell->n_values) /* requests alone are in order */
        qsort(out, total, sizeof *out, compare_places);
    for (size_t i = 0; i < total; i++)
        if (*n == 0 || compare_places(&out[*n - 1], &out[i]) != 0)
            out[(*n)++] = out[i];
    return out;
}

static void fill_metric(double *out, const struct place *places, size_t n, const struct result_cell *cell, const char *metric)
{
    for (size_t i = 0, at = 0; i < cell->n_requests; i++) { /* both in the same order */
        struct place p = {cell->requests[i].launch, cell->requests[i].index};
        while (at < n && compare_places(&places[at], &p) < 0)
            at++;
        out[at] = request_metric(&cell->requests[i], metric);
    }
    for (size_t i = 0; i < cell->n_values; i++) {
        struct place p = {cell->values[i].launch, cell->values[i].index}, *at;
        if (strcmp(cell->values[i].name, metric) == 0 && (at = bsearch(&p, places, n, sizeof *places, compare_places)))
            out[at - places] = cell->values[i].x;
    }
}

int rows_raw(struct report_doc *doc, struct report_raw *raw, const struct result_cell *cells, size_t n_cells,
             const char *const *metrics, size_t n_metrics, struct err *err)
{
    const char **names = mem_alloc(n_metrics + 2, sizeof *names, err);
    size_t total = 0, n_names = 2, at = 0;
    int result = -1;
    if (!names)
        return -1;
    names[0] = "launch";
    names[1] = "index";
    for (size_t m = 0; m < n_metrics; m++)
        if (strcmp(metrics[m], "load_s") != 0 && strcmp(metrics[m], "peak_mb") != 0) /* of a launch, not of a request */
            names[n_names++] = metrics[m];
    for (size_t c = 0; c < n_cells; c++)
        total += cells[c].n_requests + cells[c].n_values;
    if (total && report_raw_begin(doc, raw, names, n_names, total, err) < 0)
        goto out;
    for (size_t c = 0; total && c < n_cells; c++) {
        size_t n;
        struct place *places = places_of(&cells[c], &n, err);
        if (!places)
            goto out;
        for (size_t i = 0; i < n; i++) {
            raw->row[at + i] = (uint32_t)c;
            raw->columns[0][at + i] = (double)places[i].launch;
            raw->columns[1][at + i] = (double)places[i].index;
        }
        for (size_t m = 2; m < n_names; m++)
            fill_metric(raw->columns[m] + at, places, n, &cells[c], names[m]);
        free(places);
        at += n;
    }
    if (total)
        raw->n_rows = at;
    result = 0;
out:
    free(names);
    return result;
}
