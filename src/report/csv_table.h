/* csv_table.h - fields and tables as CSV: RFC 4180 quoting, numbers that read back exactly, lines that end in \n. */
#ifndef REPORT_CSV_TABLE_H
#define REPORT_CSV_TABLE_H

#include "base/buf.h"
#include "report/document.h"

void csv_field(struct buf *out, const char *text);
void csv_number(struct buf *out, double x); /* nothing for one that is not finite */
void csv_table(struct buf *out, const struct report_table *t);

#endif
