/* rows.h - from the results of a run to a document: one table an experiment, one row a cell.
 *
 * The samples of a figure are launches, each reduced to its median, as soon as a cell has two: requests of one process
 * share its luck (docs/STATISTICS.md). With one launch they are its requests, and the column `unit` says so. A cell
 * without samples has a row too, and every figure in it says why.
 */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include "base/buf.h"
#include "report/document.h"
#include "report/results.h"

/* Fills a document that was initialised. */
int rows_document(struct report_doc *doc, const struct results *r, struct err *err);

/* The samples of one metric of a cell: in *x, to free(), *n of them; *launches says that each is a launch. Nothing is
 * not an error: *n is 0 then. */
int rows_samples(double **x, size_t *n, bool *launches, const struct result_cell *cell, const char *metric,
                 struct err *err);

/* As above, before launches are reduced: every observation with the launch it is of. *out to free(). */
struct observed {
    int64_t launch;
    double x;
};
int rows_observe(struct observed **out, size_t *n, const struct result_cell *cell, const char *metric, struct err *err);

/* The observations behind a table whose rows are these cells, as they were taken. */
int rows_raw(struct report_doc *doc, struct report_raw *raw, const struct result_cell *cells, size_t n_cells,
             const char *const *metrics, size_t n_metrics, struct err *err);

/* "pytorch:opt": the engine with its variant, as every form shows it. Returns its length. */
int rows_engine(char out[128], const struct result_cell *cell);
/* Does this parameter say what was measured? Not so those that say how often: n shows that. */
bool rows_is_setting(const char *key);
/* A parameter as text: false for lists and objects, and for what is not set. */
bool rows_param_text(char out[64], const json_t *v);
/* What tells a run from the others of the report: its host, or where those are the same when it began, or its id. */
void rows_run_label(char out[64], const struct results *r, const char *run);
/* Cells of one table: the same experiment, target and benchmark. They lie together. */
bool rows_together(const struct result_cell *a, const struct result_cell *b);

/* `latency.csv` with exactly the header that scripts rely on; figures are medians over the samples of rows_samples, and
 * a cell without samples has no row. `model` is the model's name, with "ENGINE:" before it when the run has several. */
int rows_latency_csv(struct buf *out, const struct results *r, struct err *err);

#endif
