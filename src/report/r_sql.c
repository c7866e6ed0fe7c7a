/* r_sql.c - tables as SQL that SQLite, PostgreSQL and DuckDB read: each is made and filled. A figure becomes the columns
 * that it has in CSV; what was not measured is NULL, and its _why says why. The findings are the table `findings`, what the
 * numbers were measured with `facts`. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_out.h"
#include "base/str.h"
#include "report/csv_table.h"
#include "report/format.h"

static void text(struct buf *out, const char *s)
{
    if (!s) {
        buf_str(out, "NULL");
        return;
    }
    buf_char(out, '\'');
    for (size_t len = strlen(s); len > 0;) {
        size_t n = utf8_decode(s, len, NULL);
        if (n == 0)
            buf_str(out, "\xEF\xBF\xBD");
        else if (*s == '\'')
            buf_str(out, "''");
        else
            buf_add(out, s, n);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
    buf_char(out, '\'');
}

static void name(struct buf *out, const char *s, const char *tail)
{
    buf_char(out, '"');
    for (; *s; s++)
        buf_str(out, *s == '"' ? "\"\"" : (char[]){*s, '\0'});
    buf_printf(out, "%s\"", tail);
}

static void number(struct buf *out, double x)
{
    char shortest[32];
    buf_str(out, isfinite(x) ? number_shortest(x, shortest) : "NULL");
}

static const char *const parts[] = {"", "_mean", "_sd", "_lo", "_hi"};
#define N_PARTS (sizeof parts / sizeof parts[0])

static void columns(struct buf *out, const struct report_table *t)
{
    static const char *const types[] = {[COLUMN_TEXT] = "TEXT", [COLUMN_COUNT] = "BIGINT", [COLUMN_NUMBER] = "DOUBLE PRECISION"};
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct report_column *column = &t->columns[c];
        buf_str(out, c ? ",\n    " : "    ");
        if (column->kind != COLUMN_FIGURE) {
            name(out, column->name, "");
            buf_printf(out, " %s", types[column->kind]);
        }
        for (size_t p = 0; column->kind == COLUMN_FIGURE && p < N_PARTS; p++) {
            name(out, column->name, parts[p]);
            buf_str(out, " DOUBLE PRECISION, ");
        }
        if (column->kind == COLUMN_FIGURE) {
            name(out, column->name, "_n");
            buf_str(out, " BIGINT, ");
            name(out, column->name, "_interval");
            buf_str(out, " TEXT");
        }
        if (column->kind == COLUMN_FIGURE || column->kind == COLUMN_NUMBER) {
            buf_str(out, ", ");
            name(out, column->name, "_why");
            buf_str(out, " TEXT");
        }
    }
}

static void figure(struct buf *out, const struct report_cell *cell)
{
    const struct figure *f = &cell->figure;
    const double values[N_PARTS] = {f->median, f->mean, f->sd, f->lo, f->hi};
    char how[FIGURE_HOW_MAX];
    for (size_t p = 0; p < N_PARTS; p++) {
        number(out, cell->missing ? NAN : values[p]);
        buf_str(out, ", ");
    }
    if (cell->missing) {
        buf_str(out, "NULL, NULL");
        return;
    }
    buf_printf(out, "%zu, ", f->n);
    text(out, figure_how(f, how));
}

static void row(struct buf *out, const struct report_table *t, const struct report_cell *cells)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct report_cell *cell = &cells[c];
        buf_str(out, c ? ", " : "");
        if (t->columns[c].kind == COLUMN_FIGURE)
            figure(out, cell);
        else if (cell->missing)
            buf_str(out, "NULL");
        else if (t->columns[c].kind == COLUMN_TEXT)
            text(out, cell->text);
        else if (t->columns[c].kind == COLUMN_COUNT)
            buf_printf(out, "%lld", (long long)cell->count);
        else
            number(out, cell->number);
        if (t->columns[c].kind == COLUMN_FIGURE || t->columns[c].kind == COLUMN_NUMBER) {
            buf_str(out, ", ");
            text(out, cell->missing ? cell->why : NULL);
        }
    }
}

static void table(struct buf *out, const struct report_doc *doc, size_t index, const struct report_style *style)
{
    const struct report_table *t = &doc->tables[index];
    char tail[32] = "";
    (void)style;
    if (csv_table_number(doc, index) > 1)
        snprintf(tail, sizeof tail, "_%zu", csv_table_number(doc, index));
    buf_str(out, "CREATE TABLE ");
    name(out, t->name, tail);
    buf_str(out, " (\n");
    columns(out, t);
    buf_str(out, "\n);\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        buf_str(out, "INSERT INTO ");
        name(out, t->name, tail);
        buf_str(out, " VALUES (");
        row(out, t, t->rows[r]);
        buf_str(out, ");\n");
    }
}

static void begin(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    (void)doc;
    (void)style;
    buf_str(out, "BEGIN;\n");
}

static void end(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    static const char *const kinds[] = {"shown", "open", "note"};
    (void)style;
    buf_str(out, "CREATE TABLE \"findings\" (\"kind\" TEXT, \"text\" TEXT);\n");
    for (size_t i = 0; i < doc->n_findings; i++) {
        buf_printf(out, "INSERT INTO \"findings\" VALUES ('%s', ", kinds[doc->findings[i].kind]);
        text(out, doc->findings[i].text);
        buf_str(out, ");\n");
    }
    buf_str(out, "CREATE TABLE \"facts\" (\"label\" TEXT, \"text\" TEXT);\n");
    for (size_t i = 0; i < doc->n_facts; i++) {
        buf_str(out, "INSERT INTO \"facts\" VALUES (");
        text(out, doc->facts[i].label);
        buf_str(out, ", ");
        text(out, doc->facts[i].text);
        buf_str(out, ");\n");
    }
    buf_str(out, "COMMIT;\n");
}

const struct report_format report_sql = {
    .name = "sql",
    .extension = "sql",
    .summary = "SQL that makes and fills the tables",
    .begin = begin,
    .table = table,
    .end = end,
};
