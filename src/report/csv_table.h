/* csv_table.h - tables as CSV, by base/csv.h. */
#ifndef REPORT_CSV_TABLE_H
#define REPORT_CSV_TABLE_H

#include "base/buf.h"
#include "base/csv.h"
#include "report/document.h"

void csv_table(struct buf *out, const struct report_table *t);
/* Its raw rows [from, to): the texts and counts of the row that each belongs to, then launch, index and the metrics. */
void csv_samples_titles(struct buf *out, const struct report_table *t);
void csv_samples(struct buf *out, const struct report_table *t, size_t from, size_t to);
/* Which of the tables of its name it is, from 1; and what follows that name in the name of its file: "_samples.csv", or
 * "_samples_2.csv" for the second, so that none overwrites another. */
size_t csv_table_number(const struct report_doc *doc, size_t table);
void csv_table_file(char *out, size_t size, const struct report_doc *doc, size_t table, const char *what);

#endif
