#include "report/document.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"

void report_doc_init(struct report_doc *doc, size_t max_bytes)
{
    *doc = (struct report_doc){.arena = ARENA_INIT(max_bytes), .title = ""};
}

void report_doc_release(struct report_doc *doc)
{
    arena_release(&doc->arena);
    *doc = (struct report_doc){.arena = ARENA_INIT(doc->arena.max), .title = ""};
}

/* Room for one more item at the end of an array that lives in the arena. */
static int grow(struct report_doc *doc, void *items, size_t *cap, size_t n, size_t size, struct err *err)
{
    void *old;
    if (n < *cap)
        return 0;
    size_t bigger = *cap ? *cap * 2 : 8;
    void *fresh = arena_alloc(&doc->arena, bigger, size, err);
    if (!fresh)
        return -1;
    memcpy(&old, items, sizeof old);
    if (n)
        memcpy(fresh, old, n * size);
    memcpy(items, &fresh, sizeof fresh);
    *cap = bigger;
    return 0;
}

static int copy(struct report_doc *doc, const char **out, const char *text, struct err *err)
{
    *out = NULL;
    if (!text)
        return 0;
    *out = arena_strdup(&doc->arena, text, err);
    return *out ? 0 : -1;
}

int report_set_title(struct report_doc *doc, const char *title, struct err *err)
{
    return copy(doc, &doc->title, title, err);
}

int report_set_command(struct report_doc *doc, const char *command, struct err *err)
{
    return copy(doc, &doc->command, command, err);
}

int report_fact_add(struct report_doc *doc, const char *label, const char *text, struct err *err)
{
    TRY(grow(doc, &doc->facts, &doc->cap_facts, doc->n_facts, sizeof *doc->facts, err));
    struct report_pair *fact = &doc->facts[doc->n_facts];
    TRY(copy(doc, &fact->label, label, err));
    TRY(copy(doc, &fact->text, text, err));
    fact->detail = false;
    doc->n_facts++;
    return 0;
}

int report_detail_add(struct report_doc *doc, const char *label, const char *text, struct err *err)
{
    TRY(report_fact_add(doc, label, text, err));
    doc->facts[doc->n_facts - 1].detail = true;
    return 0;
}

int report_note_add(struct report_doc *doc, struct err *err, const char *fmt, ...)
{
    struct buf text = BUF_INIT(1 << 16);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    int result = buf_check(&text, err);
    if (result == 0)
        result = grow(doc, &doc->notes, &doc->cap_notes, doc->n_notes, sizeof *doc->notes, err);
    if (result == 0)
        result = copy(doc, &doc->notes[doc->n_notes], text.data ? text.data : "", err);
    if (result == 0)
        doc->n_notes++;
    buf_release(&text);
    return result;
}

int report_finding_add(struct report_doc *doc, enum finding_kind kind, const char *text, struct err *err)
{
    TRY(grow(doc, &doc->findings, &doc->cap_findings, doc->n_findings, sizeof *doc->findings, err));
    TRY(copy(doc, &doc->findings[doc->n_findings].text, text, err));
    doc->findings[doc->n_findings++].kind = kind;
    return 0;
}

struct report_table *report_table_add(struct report_doc *doc, const char *name, const char *title, struct err *err)
{
    if (grow(doc, &doc->tables, &doc->cap_tables, doc->n_tables, sizeof *doc->tables, err) < 0)
        return NULL;
    struct report_table *t = &doc->tables[doc->n_tables];
    *t = (struct report_table){0};
    if (copy(doc, &t->name, name, err) < 0 || copy(doc, &t->title, title, err) < 0)
        return NULL;
    doc->n_tables++;
    return t;
}

int report_column_add(struct report_doc *doc, struct report_table *t, enum column_kind kind, const char *name,
                      struct err *err)
{
    if (t->n_rows > 0)
        return err_set(err, ERR_BUG, "report table '%s': column '%s' comes after a row", t->name, name);
    TRY(grow(doc, &t->columns, &t->cap_columns, t->n_columns, sizeof *t->columns, err));
    struct report_column *column = &t->columns[t->n_columns];
    column->kind = kind;
    column->metric = metric_find(name);
    TRY(copy(doc, &column->name, name, err));
    t->n_columns++;
    return 0;
}

struct report_cell *report_row_add(struct report_doc *doc, struct report_table *t, struct err *err)
{
    struct report_cell *row = arena_alloc(&doc->arena, t->n_columns, sizeof *row, err);
    if (!row || grow(doc, &t->rows, &t->cap_rows, t->n_rows, sizeof *t->rows, err) < 0)
        return NULL;
    for (size_t i = 0; i < t->n_columns; i++)
        row[i].missing = true;
    t->rows[t->n_rows++] = row;
    return row;
}

int report_raw_begin(struct report_doc *doc, struct report_raw *raw, const char *const *names, size_t n_columns, size_t n_rows,
                     struct err *err)
{
    *raw = (struct report_raw){.names = arena_alloc(&doc->arena, n_columns, sizeof *raw->names, err)};
    raw->columns = raw->names ? arena_alloc(&doc->arena, n_columns, sizeof *raw->columns, err) : NULL;
    raw->row = raw->columns ? arena_alloc(&doc->arena, n_rows, sizeof *raw->row, err) : NULL;
    if (!raw->row)
        return -1;
    for (size_t c = 0; c < n_columns; c++) {
        TRY(copy(doc, &raw->names[c], names[c], err));
        raw->columns[c] = arena_alloc(&doc->arena, n_rows, sizeof **raw->columns, err);
        if (!raw->columns[c])
            return -1;
        for (size_t i = 0; i < n_rows; i++)
            raw->columns[c][i] = NAN;
    }
    raw->n_columns = n_columns;
    raw->n_rows = n_rows;
    return 0;
}

int report_set_text(struct report_doc *doc, struct report_cell *cell, const char *text, struct err *err)
{
    TRY(copy(doc, &cell->text, text, err));
    cell->missing = text == NULL;
    return 0;
}

void report_set_count(struct report_cell *cell, int64_t count)
{
    cell->count = count;
    cell->missing = false;
}

void report_set_number(struct report_cell *cell, double number)
{
    cell->number = number;
    cell->missing = !isfinite(number);
}

int report_set_samples(struct report_doc *doc, struct report_cell *cell, const double *x, size_t n, struct err *err)
{
    if (n == 0)
        return report_set_why(doc, cell, "no samples", err);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return report_set_why(doc, cell, "a sample is not a number", err);
    double *samples = arena_alloc(&doc->arena, n, sizeof *samples, err);
    if (!samples)
        return -1;
    memcpy(samples, x, n * sizeof *samples);
    TRY(figure_of(&cell->figure, samples, n, NULL, err));
    cell->samples = samples;
    cell->missing = false;
    return 0;
}

int report_set_why(struct report_doc *doc, struct report_cell *cell, const char *why, struct err *err)
{
    cell->missing = true;
    return copy(doc, &cell->why, why, err);
}
