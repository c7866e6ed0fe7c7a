/* plot_rows.h - stored cells as plots want them: engines beside each other under conditions, each with its figure.
 *
 *     struct plot_rows rows;
 *     TRY(plot_rows_select(&rows, s, r, "tokens_per_sec", err));
 *     for each engine e, condition c:  bars[...] = plot_rows_bar(&rows, e, c, "tokens_per_sec", &cap)
 *
 * Invariants: an engine is its label ("native:ref"), with its machine when the rows are of several; a condition is all
 * else in which cells differ, in words, so that a pair of both is one cell. All memory is the scene's.
 */
#ifndef REPORT_PLOT_ROWS_H
#define REPORT_PLOT_ROWS_H

#include "report/metric.h"
#include "report/plot.h"
#include "report/results.h"
#include "stats/figure.h"

struct plot_rows {
    struct scene *s;
    const struct results *r;
    const struct result_cell **cells;
    size_t n;
    const char **engines, **conditions;
    size_t n_engines, n_conditions;
    size_t *engine_of, *condition_of; /* of each cell */
    const char *experiment;           /* that all cells are of */
};

/* Does the cell have this parameter, or samples of this metric? */
bool plot_cell_has(const struct result_cell *cell, const char *column);
/* The quantization that was asked for, else the model's own; "" if that is unknown. */
const char *plot_quantize_of(const struct result_cell *cell);
/* A parameter as a number; NaN. */
double plot_cell_param(const struct result_cell *cell, const char *name);

/* The cells of the experiment that has most samples of the metric; those of its cells that have none are among them, so
 * that what failed is seen. `without`: a parameter that is an axis and no condition; NULL: none. */
int plot_rows_select(struct plot_rows *rows, struct scene *s, const struct results *r, const char *metric, const char *without,
                     struct err *err);
/* "native:ref"; in a report of several runs with what tells its run from the others. */
const char *plot_engine_name(struct scene *s, const struct results *r, const struct result_cell *cell);
/* NULL: there is none. */
const struct result_cell *plot_rows_cell(const struct plot_rows *rows, size_t engine, size_t condition);

struct rgb plot_engine_color(const struct plot_rows *rows, size_t engine);
enum marker plot_engine_marker(const struct plot_rows *rows, size_t engine);
double plot_dash(size_t condition);
/* One entry an engine. */
const struct legend_entry *plot_engine_legend(const struct plot_rows *rows, enum legend_look look);

/* ---- figures, and what a caption says of them ---- */

struct plot_caption {
    size_t n_min, n_max; /* samples of the figures taken; 0: none yet */
    bool launches, requests;
    struct figure last;  /* for the kind of its interval */
    bool any_interval, mixed;
};

/* The samples of a metric, in memory of the scene; *n 0: none. Metrics of steps included. */
const double *plot_samples(struct scene *s, const struct result_cell *cell, const char *metric, size_t *n, bool *launches,
                           struct err *err);
/* The figure of one cell as a bar; missing with its reason. */
int plot_bar_of(struct bar *out, struct scene *s, const struct result_cell *cell, const char *metric, struct plot_caption *caption,
                struct err *err);
int plot_figure_of(struct figure *out, struct scene *s, const struct result_cell *cell, const char *metric,
                   struct plot_caption *caption, struct err *err);
/* Why a cell has no samples. */
const char *plot_cell_reason(const struct result_cell *cell);

/* "Decode speed: tokens ... Median of 6 launches; whiskers: 95 % interval (order statistics of the median). Run ... on HOST." */
const char *plot_caption_text(struct scene *s, const struct results *r, const struct plot_caption *caption, const char *metric,
                              const char *extra);
/* The same for figures that are no medians of launches: `what` they are, then how many `units` they stand on. */
const char *plot_caption_counted(struct scene *s, const struct results *r, size_t n_min, size_t n_max, const char *units,
                                 const char *what);
/* The title and unit of a metric as an axis. */
struct plot_axis plot_metric_axis(const char *metric);

#endif
