/* bench_table.h - the rows of `prony bench`: one a cell, in the order asked for, every figure with its samples.
 *
 * The names of the columns are a promise to other programs (docs/BENCH.md). Two tables of the same rows: `all` has every
 * column, for programs; the short one has what a person compares, and of the parameters those that differ.
 */
#ifndef REPORT_BENCH_TABLE_H
#define REPORT_BENCH_TABLE_H

#include "base/buf.h"
#include "report/document.h"
#include "report/results.h"

/* What was asked for. Texts are borrowed for the call. */
struct bench_cell {
    const char *key;       /* of store/record.h */
    const char *engine, *variant, *model, *device;
    const json_t *params;
    const char *why;       /* it could not be run; NULL: it could */
};

/* Adds the table "bench" to a document that was initialised. */
int bench_table(struct report_doc *doc, bool all, const struct bench_cell *cells, size_t n, const struct results *r,
                struct err *err);

/* The forms that are one's own of these rows: an array of objects, one object a line, and SQL that makes and fills a table.
 * A figure is an object as in every JSON of prony; in SQL it is NAME (its median), NAME_lo, NAME_hi and NAME_n. */
void bench_json(struct buf *out, const struct report_table *t, bool lines);
void bench_sql(struct buf *out, const struct report_table *t);

#endif
