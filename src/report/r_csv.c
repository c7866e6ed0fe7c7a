/* r_csv.c - tables as CSV (RFC 4180, lines end in \n). A figure becomes eight columns: NAME (its median), NAME_mean,
 * _sd, _lo, _hi, _n, _interval and _why; a missing cell is empty and its _why says why. Several tables follow each
 * other with an empty line between them; --out writes each into a file of its own. */

#include <stdio.h>
#include <string.h>

#include "report/csv_table.h"
#include "report/format.h"

static void titles(struct buf *out, const struct report_table *t)
{
    static const char *const parts[] = {"_mean", "_sd", "_lo", "_hi", "_n", "_interval"};
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *name = t->columns[c].name;
        if (c > 0)
            buf_char(out, ',');
        csv_field(out, name);
        for (size_t p = 0; t->columns[c].kind == COLUMN_FIGURE && p < sizeof parts / sizeof parts[0]; p++)
            buf_printf(out, ",%s%s", name, parts[p]);
        if (t->columns[c].kind != COLUMN_TEXT && t->columns[c].kind != COLUMN_COUNT)
            buf_printf(out, ",%s_why", name);
    }
    buf_char(out, '\n');
}

static void figure(struct buf *out, const struct report_cell *cell)
{
    const double values[] = {cell->figure.median, cell->figure.mean, cell->figure.sd, cell->figure.lo, cell->figure.hi};
    if (cell->missing) {
        buf_str(out, ",,,,,,");
        return;
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        csv_number(out, values[i]);
        buf_char(out, ',');
    }
    char how[FIGURE_HOW_MAX];
    buf_printf(out, "%zu,", cell->figure.n);
    csv_field(out, figure_how(&cell->figure, how));
}

void csv_table(struct buf *out, const struct report_table *t)
{
    titles(out, t);
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            const struct report_cell *cell = &t->rows[r][c];
            if (c > 0)
                buf_char(out, ',');
            switch (t->columns[c].kind) {
            case COLUMN_TEXT:
                csv_field(out, cell->missing ? "" : cell->text);
                continue;
            case COLUMN_COUNT:
                if (!cell->missing)
                    buf_printf(out, "%lld", (long long)cell->count);
                continue;
            case COLUMN_NUMBER:
                if (!cell->missing)
                    csv_number(out, cell->number);
                break;
            case COLUMN_FIGURE:
                figure(out, cell);
                break;
            }
            buf_char(out, ',');
            csv_field(out, cell->missing && cell->why ? cell->why : "");
        }
        buf_char(out, '\n');
    }
}

void csv_samples_titles(struct buf *out, const struct report_table *t)
{
    bool first = true;
    for (size_t c = 0; c < t->n_columns; c++)
        if (t->columns[c].kind == COLUMN_TEXT || t->columns[c].kind == COLUMN_COUNT) {
            buf_str(out, first ? "" : ",");
            csv_field(out, t->columns[c].name);
            first = false;
        }
    for (size_t c = 0; c < t->raw.n_columns; c++) {
        buf_char(out, ',');
        csv_field(out, t->raw.names[c]);
    }
    buf_char(out, '\n');
}

void csv_samples(struct buf *out, const struct report_table *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct report_cell *row = t->rows[t->raw.row[i]];
        bool first = true;
        for (size_t c = 0; c < t->n_columns; c++) {
            if (t->columns[c].kind != COLUMN_TEXT && t->columns[c].kind != COLUMN_COUNT)
                continue;
            buf_str(out, first ? "" : ",");
            first = false;
            if (t->columns[c].kind == COLUMN_TEXT)
                csv_field(out, row[c].missing ? "" : row[c].text);
            else if (!row[c].missing)
                buf_printf(out, "%lld", (long long)row[c].count);
        }
        for (size_t c = 0; c < t->raw.n_columns; c++) {
            buf_char(out, ',');
            csv_number(out, t->raw.columns[c][i]);
        }
        buf_char(out, '\n');
    }
}

size_t csv_table_number(const struct report_doc *doc, size_t table)
{
    size_t n = 1;
    for (size_t i = 0; i < table; i++)
        n += strcmp(doc->tables[i].name, doc->tables[table].name) == 0;
    return n;
}

void csv_table_file(char *out, size_t size, const struct report_doc *doc, size_t table, const char *what)
{
    size_t number = csv_table_number(doc, table);
    if (number > 1)
        snprintf(out, size, "%s_%zu.csv", what, number);
    else
        snprintf(out, size, "%s.csv", what);
}

static void table(struct buf *out, const struct report_doc *doc, size_t index, const struct report_style *style)
{
    (void)style;
    if (index > 0)
        buf_char(out, '\n');
    csv_table(out, &doc->tables[index]);
}

const struct report_format report_csv = {
    .name = "csv",
    .extension = "csv",
    .summary = "comma-separated tables",
    .table = table,
};
