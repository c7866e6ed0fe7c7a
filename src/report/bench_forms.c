#include <math.h>

#include "base/json_out.h"
#include "report/bench_table.h"
#include "report/figure_json.h"

static void object(struct json_out *j, const struct report_table *t, const struct report_cell *row)
{
    const char *why = NULL;
    json_out_open(j, '{');
    for (size_t c = 0; c < t->n_columns; c++) {
        json_out_key(j, t->columns[c].name);
        if (row[c].missing)
            json_out_null(j);
        else if (t->columns[c].kind == COLUMN_TEXT)
            json_out_text(j, row[c].text);
        else if (t->columns[c].kind == COLUMN_COUNT)
            json_out_int(j, row[c].count);
        else
            figure_json(j, &row[c].figure, row[c].samples);
        if (row[c].missing && row[c].why)
            why = row[c].why;
    }
    if (why) {
        json_out_key(j, "why");
        json_out_open(j, '{');
        for (size_t c = 0; c < t->n_columns; c++)
            if (row[c].missing && row[c].why) {
                json_out_key(j, t->columns[c].name);
                json_out_text(j, row[c].why);
            }
        json_out_close(j);
    }
    json_out_close(j);
}

void bench_json(struct buf *out, const struct report_table *t, bool lines)
{
    if (lines) {
        for (size_t r = 0; r < t->n_rows; r++) {
            struct json_out j = JSON_OUT_INIT(out);
            object(&j, t, t->rows[r]);
            buf_char(out, '\n');
        }
        return;
    }
    struct json_out j = JSON_OUT_PRETTY(out);
    json_out_open(&j, '[');
    for (size_t r = 0; r < t->n_rows; r++)
        object(&j, t, t->rows[r]);
    json_out_close(&j);
    buf_char(out, '\n');
}

static void sql_text(struct buf *out, const char *s)
{
    buf_char(out, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_char(out, '\'');
        buf_char(out, *s);
    }
    buf_char(out, '\'');
}

static void sql_number(struct buf *out, double x)
{
    char text[32];
    buf_str(out, isfinite(x) ? number_shortest(x, text) : "NULL");
}

static void sql_cell(struct buf *out, enum column_kind kind, const struct report_cell *c)
{
    if (kind != COLUMN_FIGURE) {
        if (c->missing)
            buf_str(out, "NULL");
        else if (kind == COLUMN_COUNT)
            buf_printf(out, "%lld", (long long)c->count);
        else
            sql_text(out, c->text);
        return;
    }
    if (c->missing) {
        buf_str(out, "NULL, NULL, NULL, 0");
        return;
    }
    sql_number(out, c->figure.median);
    buf_str(out, ", ");
    sql_number(out, c->figure.lo);
    buf_str(out, ", ");
    sql_number(out, c->figure.hi);
    buf_printf(out, ", %zu", c->figure.n);
}

void bench_sql(struct buf *out, const struct report_table *t)
{
    buf_printf(out, "CREATE TABLE IF NOT EXISTS %s (\n", t->name);
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *name = t->columns[c].name, *end = c + 1 < t->n_columns ? "," : "";
        if (t->columns[c].kind == COLUMN_FIGURE)
            buf_printf(out, "    %s REAL, %s_lo REAL, %s_hi REAL, %s_n INTEGER%s\n", name, name, name, name, end);
        else
            buf_printf(out, "    %s %s%s\n", name, t->columns[c].kind == COLUMN_COUNT ? "INTEGER" : "TEXT", end);
    }
    buf_str(out, ");\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        buf_printf(out, "INSERT INTO %s VALUES (", t->name);
        for (size_t c = 0; c < t->n_columns; c++) {
            buf_str(out, c ? ", " : "");
            sql_cell(out, t->columns[c].kind, &t->rows[r][c]);
        }
        buf_str(out, ");\n");
    }
}
