/* csv_table.h - tables as CSV, by base/csv.h. */
#ifndef REPORT_CSV_TABLE_H
#define REPORT_CSV_TABLE_H

#include "base/buf.h"
#include "base/csv.h"
#include "report/document.h"

void csv_table(struct buf *out, const struct report_table *t);

#endif
