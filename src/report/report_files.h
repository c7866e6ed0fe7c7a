/* report_files.h - a report as files in a folder. */
#ifndef REPORT_REPORT_FILES_H
#define REPORT_REPORT_FILES_H

#include "report/format.h"
#include "report/results.h"

/* Writes the report of `doc` in one form into the folder, which is made if need be: report.EXTENSION (tables.tex); for csv one file a
 * table instead, TABLE.csv, and for a latency experiment latency.csv with the header that scripts rely on (its long form
 * is latency_figures.csv then), and TABLE_samples.csv with the raw rows. Each file is replaced in one step. */
int report_files_write(const char *dir, const struct report_format *format, const struct report_doc *doc,
                       const struct results *r, struct err *err);

#endif
