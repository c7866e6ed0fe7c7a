/* document.h - a report before it has a form: tables of typed cells with what each number means.
 *
 *     struct report_doc doc;
 *     report_doc_init(&doc, "latency");
 *     struct report_table *t = report_table_add(&doc, "latency", "Latency", &err);
 *     report_column_add(&doc, t, COLUMN_TEXT, "engine", &err);
 *     report_column_add(&doc, t, COLUMN_FIGURE, "ttft_ms", &err);
 *     struct report_cell *row = report_row_add(&doc, t, &err);
 *     TRY(report_set_text(&doc, &row[0], "native", &err));
 *     TRY(report_set_samples(&doc, &row[1], ms, n, &err));
 *     ... report_write(report_format_find("md"), &doc, &style, &out, &err) ...
 *     report_doc_release(&doc);
 *
 * Invariants: a document owns all its texts (they are copied) and has no pointer to where they came from; a cell that
 * nothing was set in is missing, and shows why if that was said; nothing in it depends on the clock, the locale or the
 * terminal, so that the same document written twice has the same bytes.
 */
#ifndef REPORT_DOCUMENT_H
#define REPORT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "report/metric.h"
#include "stats/figure.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_COUNT,  /* an exact integer: a length, a number of tokens */
    COLUMN_NUMBER, /* a single number without an interval: a ratio someone else computed, a share of a limit */
    COLUMN_FIGURE, /* repeated measurements */
};

struct report_column {
    enum column_kind kind;
    const char *name;            /* key in CSV and JSON */
    const struct metric *metric; /* title, unit, which way is better, definition; NULL for names that are no metric */
};

struct report_cell {
    bool missing;
    const char *why;  /* why it is missing; NULL: not said */
    const char *text;
    int64_t count;
    double number;
    struct figure figure;
    const double *samples; /* figure.n of them, in the order measured */
};

/* The single observations behind a table, kept by columns so that a million of them is a few megabytes: which row of the
 * table each belongs to (those of a row lie together, in the order of rows), and its numbers; NaN: not measured. */
struct report_raw {
    const char **names; /* "launch", "index", then the metrics */
    size_t n_columns;
    double **columns;   /* n_columns of n_rows each */
    uint32_t *row;      /* ascending */
    size_t n_rows;
};

struct report_table {
    const char *name, *title; /* name: key in JSON, file name of its CSV */
    struct report_column *columns;
    size_t n_columns, cap_columns;
    struct report_cell **rows; /* each of n_columns cells */
    size_t n_rows, cap_rows;
    struct report_raw raw;     /* n_rows 0: none */
    const char **contenders, **settings; /* of each row: who is compared, and in what; NULL: the rows are not compared */
    bool detail;               /* what stands behind the findings: a terminal leaves it out */
};

/* What can be said of the numbers, in words, before any number is shown. */
enum finding_kind {
    FINDING_SHOWN, /* a difference that would be rare between equals */
    FINDING_OPEN,  /* none was shown, or nothing could be compared */
    FINDING_NOTE,  /* how the others are meant: a footnote */
};

struct report_finding {
    enum finding_kind kind;
    const char *text;
};

struct report_pair {
    const char *label, *text; /* text NULL: not known */
    bool detail;              /* one of many: a terminal leaves it out */
};

struct report_doc {
    struct arena arena;
    const char *title;
    struct report_pair *facts; /* run, seed, machine, build: what the numbers were measured with */
    size_t n_facts, cap_facts;
    const char *command;       /* repeats it; several of several runs have a line each; NULL: not known */
    struct report_finding *findings;
    size_t n_findings, cap_findings;
    const char **notes;        /* what a reader must know: cells that failed, disturbances */
    size_t n_notes, cap_notes;
    struct report_table *tables;
    size_t n_tables, cap_tables;
};

void report_doc_init(struct report_doc *doc, size_t max_bytes);
void report_doc_release(struct report_doc *doc);

int report_set_title(struct report_doc *doc, const char *title, struct err *err);
int report_set_command(struct report_doc *doc, const char *command, struct err *err);
int report_fact_add(struct report_doc *doc, const char *label, const char *text, struct err *err);
int report_detail_add(struct report_doc *doc, const char *label, const char *text, struct err *err);
int report_note_add(struct report_doc *doc, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int report_finding_add(struct report_doc *doc, enum finding_kind kind, const char *text, struct err *err);

/* The table lives as long as the document; the pointer until the next report_table_add. NULL and err on failure. */
struct report_table *report_table_add(struct report_doc *doc, const char *name, const char *title, struct err *err);
/* All columns come before the first row. A name in the list of metrics brings its title, unit and definition. */
int report_column_add(struct report_doc *doc, struct report_table *t, enum column_kind kind, const char *name,
                      struct err *err);
/* A row of n_columns cells, all missing. It lives as long as the document. NULL and err on failure. */
struct report_cell *report_row_add(struct report_doc *doc, struct report_table *t, struct err *err);

/* Room for `n_rows` observations of `n_columns` numbers each, all NaN; the names are copied. */
int report_raw_begin(struct report_doc *doc, struct report_raw *raw, const char *const *names, size_t n_columns, size_t n_rows,
                     struct err *err);

int report_set_text(struct report_doc *doc, struct report_cell *cell, const char *text, struct err *err);
void report_set_count(struct report_cell *cell, int64_t count);
void report_set_number(struct report_cell *cell, double number); /* not finite: missing */
/* Copies the samples and computes the figure; none at all, or one that is not finite: missing, with why. */
int report_set_samples(struct report_doc *doc, struct report_cell *cell, const double *x, size_t n, struct err *err);
int report_set_why(struct report_doc *doc, struct report_cell *cell, const char *why, struct err *err);

#endif
