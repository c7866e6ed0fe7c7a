#include "report/html_text.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "report/format.h"
#include "report/html_series.h"

void html_text(struct buf *out, const char *s)
{
    for (size_t len = strlen(s); len > 0;) {
        uint32_t cp = 0;
        size_t n = utf8_decode(s, len, &cp);
        if (n == 0)
            buf_str(out, "\xEF\xBF\xBD");
        else if (cp == '&')
            buf_str(out, "&amp;");
        else if (cp == '<')
            buf_str(out, "&lt;");
        else if (cp == '>')
            buf_str(out, "&gt;");
        else if (cp == '"')
            buf_str(out, "&quot;");
        else if (cp == '\'')
            buf_str(out, "&#39;");
        else if (cp == 0x7f)
            buf_str(out, "&#x2421;");
        else if (cp < 0x20 && cp != '\n' && cp != '\t')
            buf_printf(out, "&#x%x;", 0x2400u + (unsigned)cp);
        else if (cp >= 0x80 && cp < 0xa0)
            buf_str(out, "\xEF\xBF\xBD");
        else
            buf_add(out, s, n);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
}

void html_isolated(struct buf *out, const char *s)
{
    buf_str(out, "<bdi>");
    html_text(out, s);
    buf_str(out, "</bdi>");
}

static const char *better_words(enum better better)
{
    return better == BETTER_LESS ? " Less is better." : better == BETTER_MORE ? " More is better." : "";
}

void html_definitions(struct buf *out, const struct report_table *t)
{
    bool any = false;
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct metric *m = t->columns[c].metric;
        if (!m)
            continue;
        buf_str(out, any ? "" : "<dl class=\"defs\">\n");
        any = true;
        buf_str(out, "<div><dt>");
        html_text(out, m->title);
        buf_str(out, "</dt><dd>");
        html_text(out, m->definition);
        buf_printf(out, ".%s</dd></div>\n", better_words(m->better));
    }
    buf_str(out, any ? "</dl>\n" : "");
}

/* ---- a table ---- */

static void head(struct buf *out, const struct report_table *t)
{
    buf_str(out, "<thead><tr>");
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct report_column *column = &t->columns[c];
        char title[FIGURE_TEXT_MAX];
        bool text = column->kind == COLUMN_TEXT, choose = text || column->kind == COLUMN_COUNT;
        buf_printf(out, "<th scope=\"col\" class=\"%s\" data-kind=\"%s\"%s", text ? "t" : "n", text ? "text" : "number",
                   choose ? " data-choose=\"yes\"" : "");
        if (column->metric) {
            buf_str(out, " title=\"");
            html_text(out, column->metric->definition);
            buf_str(out, "\"");
        }
        buf_char(out, '>');
        html_text(out, column_title(column, title));
        if (column->metric)
            buf_str(out, column->metric->better == BETTER_LESS ? " \xE2\x86\x93" : column->metric->better == BETTER_MORE ? " \xE2\x86\x91" : "");
        buf_str(out, "</th>");
    }
    buf_str(out, "</tr></thead>\n");
}

/* The largest median of a column: its bar is the longest. */
static double largest(const struct report_table *t, size_t column)
{
    double most = 0;
    for (size_t r = 0; r < t->n_rows; r++)
        if (!t->rows[r][column].missing)
            most = fmax(most, t->rows[r][column].figure.median);
    return most;
}

static void missing(struct buf *out, const struct report_cell *cell)
{
    buf_str(out, "<td>\xE2\x80\x93");
    if (cell->why) {
        buf_str(out, " <span class=\"why\">");
        html_text(out, cell->why);
        buf_str(out, "</span>");
    }
    buf_str(out, "</td>");
}

static void figure(struct buf *out, const struct figure *f, double most, bool with_n, size_t color)
{
    char number[FIGURE_TEXT_MAX], lo[FIGURE_TEXT_MAX], hi[FIGURE_TEXT_MAX], exact[32];
    buf_printf(out, "<td data-v=\"%s\">%s", number_shortest(f->median, exact), figure_number(f, f->median, number));
    if (with_n)
        buf_printf(out, " <span class=\"muted\">n=%zu</span>", f->n);
    if (isfinite(f->lo) && isfinite(f->hi))
        buf_printf(out, "<span class=\"i\">[%s, %s]</span>", figure_number(f, f->lo, lo), figure_number(f, f->hi, hi));
    if (most > 0 && f->median > 0)
        buf_printf(out, "<span class=\"b\" style=\"width:%.1f%%;--c:var(--s%zu)\"></span>", 100 * f->median / most, color);
    buf_str(out, "</td>");
}

static void text(struct buf *out, const struct report_cell *cell, bool dot, size_t color)
{
    buf_printf(out, "<td class=\"t%s\" data-v=\"", strlen(cell->text) > 26 ? " l" : "");
    html_text(out, cell->text);
    buf_str(out, "\">");
    if (dot)
        buf_printf(out, "<span class=\"dot\" style=\"--c:var(--s%zu)\"></span>", color);
    html_isolated(out, cell->text);
    buf_str(out, "</td>");
}

void html_table(struct buf *out, const struct report_table *t, const struct html_series *s)
{
    size_t n = 0, by = html_column(t, s->by);
    bool all_n = table_common_n(t, &n), figures = false;
    for (size_t c = 0; c < t->n_columns; c++)
        figures |= t->columns[c].kind == COLUMN_FIGURE;
    buf_str(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table: ");
    html_text(out, t->title);
    buf_str(out, "\"><table class=\"sortable\">\n<caption>");
    html_isolated(out, t->title);
    if (figures)
        buf_str(out, ": medians with 95 % intervals");
    if (figures && all_n)
        buf_printf(out, ", n = %zu in every cell", n);
    buf_str(out, "</caption>\n");
    head(out, t);
    buf_str(out, "<tbody>\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        const struct report_cell *row = t->rows[r];
        size_t color = by < t->n_columns && row[by].text ? html_series_at(s, row[by].text) : 0;
        char number[FIGURE_TEXT_MAX], exact[32];
        buf_str(out, "<tr>");
        for (size_t c = 0; c < t->n_columns; c++) {
            if (row[c].missing)
                missing(out, &row[c]);
            else if (t->columns[c].kind == COLUMN_TEXT)
                text(out, &row[c], c == by, color);
            else if (t->columns[c].kind == COLUMN_COUNT)
                buf_printf(out, "<td data-v=\"%lld\">%lld</td>", (long long)row[c].count, (long long)row[c].count);
            else if (t->columns[c].kind == COLUMN_NUMBER)
                buf_printf(out, "<td data-v=\"%s\">%s</td>", number_shortest(row[c].number, exact), plain_number(row[c].number, number));
            else
                figure(out, &row[c].figure, largest(t, c), !all_n, color);
        }
        buf_str(out, "</tr>\n");
    }
    buf_str(out, "</tbody></table></div>\n");
}
