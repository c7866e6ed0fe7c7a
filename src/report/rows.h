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

/* `latency.csv` with exactly the header that scripts rely on; figures are medians over the samples of rows_samples, and
 * a cell without samples has no row. `model` is the model's name, with "ENGINE:" before it when the run has several. */
int rows_latency_csv(struct buf *out, const struct results *r, struct err *err);

#endif
