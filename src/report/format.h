/* format.h - a form that a report can take, one file and one line of list.h each.
 *
 * To add one: r_NAME.c with `const struct report_format report_NAME`, and REPORT(NAME) in list.h.
 * A writer gets begin, then table for each table in order, then end; it keeps nothing between them. It must escape all
 * text: names of models and generated text hold anything. It must not look at the environment: what it may know of the
 * terminal is in the style.
 */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include "base/buf.h"
#include "report/document.h"

struct report_style {
    size_t width; /* columns of the terminal; 0: any number */
    bool unicode; /* lines and arrows beyond ASCII */
    bool color;
    bool files;   /* it is written into a folder, where the CSV of its raw rows lies beside it */
};

struct report_format {
    const char *name;      /* "csv": as in --format */
    const char *extension; /* "csv" */
    const char *summary;
    const char *file;      /* what its file is called without the extension; NULL: "report" */
    /* Each MAY be NULL: nothing to write there. A failure is one of the buffer's. */
    void (*begin)(struct buf *out, const struct report_doc *doc, const struct report_style *style);
    void (*table)(struct buf *out, const struct report_doc *doc, size_t table, const struct report_style *style);
    void (*end)(struct buf *out, const struct report_doc *doc, const struct report_style *style);
};

size_t report_format_count(void);
const struct report_format *report_format_at(size_t i);
/* NULL and ERR_USAGE, with the nearest name, if there is none. */
const struct report_format *report_format_find(const char *name, struct err *err);

/* Appends the whole report to `out`. */
int report_write(struct buf *out, const struct report_format *format, const struct report_doc *doc,
                 const struct report_style *style, struct err *err);

/* ---- for writers ---- */

/* The figure with as many digits as its interval bears: "12.34". Without an interval, four. Returns `text`. */
#define FIGURE_TEXT_MAX 96
char *figure_number(const struct figure *f, double x, char text[FIGURE_TEXT_MAX]);
/* "12.34 [12.10, 12.61] n=5", without the bracket below two samples; with_n false leaves out the last part. */
char *figure_text(const struct figure *f, bool with_n, char text[FIGURE_TEXT_MAX]);
/* A number without an interval, four digits at least, integers whole. */
char *plain_number(double x, char text[FIGURE_TEXT_MAX]);
/* True when all figures of the table that are there have the same n, which `*n` receives. */
bool table_common_n(const struct report_table *t, size_t *n);
/* The column's title with its unit: "prefill (ms)". Returns `text`. */
char *column_title(const struct report_column *column, char text[FIGURE_TEXT_MAX]);

#endif
