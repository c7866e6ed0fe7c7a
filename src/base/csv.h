/* csv.h - RFC 4180: fields with commas, quotes or line ends are quoted, quotes doubled.
 *
 *     struct csv_reader in;
 *     csv_reader_init(&in, text, len, "latency.csv");
 *     while ((n = csv_next(&in, fields, CSV_FIELDS, err)) > 0)
 *         ... fields[0..n-1], in.line ...
 *     csv_reader_release(&in);
 *
 * Lines that prony writes end in \n; the reader takes both kinds of line end. Unlike RFC 4180 it accepts a last line without one. A quote that does not
 * close, or text behind a closing quote, is ERR_INPUT naming the line.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { CSV_FIELDS = 256 };

/* Append one field, without the comma. */
void csv_field(struct buf *out, const char *text);
void csv_field_len(struct buf *out, const char *text, size_t len);
void csv_number(struct buf *out, double x); /* reads back exactly; nothing for one that is not finite */

struct csv_text {
    const char *data; /* NUL-terminated; a NUL inside of it counts in len */
    size_t len;
};

struct csv_reader {
    const char *text, *name; /* borrowed */
    size_t len, at;
    int line;                /* where the record that csv_next gave begins, from 1 */
    /* -- */
    int next_line;
    struct buf fields;
};

void csv_reader_init(struct csv_reader *r, const char *text, size_t len, const char *name);
/* The fields of the next record, borrowed until the next call: how many, 0 at the end, -1. Empty lines are skipped. */
int csv_next(struct csv_reader *r, struct csv_text *fields, size_t max, struct err *err);
void csv_reader_release(struct csv_reader *r);

#endif
