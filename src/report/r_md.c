/* r_md.c - the report as Markdown (tables as GitHub and pandoc read them). Every character of a text that means
 * something to Markdown or HTML is escaped, so that a name can neither break a table nor become a tag. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/format.h"

static void escaped(struct buf *out, const char *s)
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
        else if (cp == '\n')
            buf_str(out, "<br>");
        else if (cp < 0x20 || cp == 0x7f)
            buf_printf(out, "&#x%x;", cp == 0 ? 0xfffdu : (unsigned)cp);
        else if (cp < 0x80 && strchr("\\`*_{}[]()#+-!|~$\"'", (int)cp))
            buf_printf(out, "\\%c", (char)cp);
        else
            buf_add(out, s, n);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
}

static void begin(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    (void)style;
    buf_str(out, "# ");
    escaped(out, doc->title);
    buf_str(out, "\n\n");
    for (size_t i = 0; i < doc->n_findings; i++) {
        buf_str(out, doc->findings[i].kind == FINDING_NOTE ? "    * " : "* ");
        escaped(out, doc->findings[i].text);
        buf_char(out, '\n');
    }
    if (doc->n_findings)
        buf_char(out, '\n');
}

static void cell(struct buf *out, const struct report_column *column, const struct report_cell *c)
{
    char number[FIGURE_TEXT_MAX];
    if (c->missing) {
        buf_str(out, "\xE2\x80\x93");
        if (c->why) {
            buf_char(out, ' ');
            escaped(out, c->why);
        }
    } else if (column->kind == COLUMN_TEXT) {
        escaped(out, c->text);
    } else if (column->kind == COLUMN_COUNT) {
        buf_printf(out, "%lld", (long long)c->count);
    } else if (column->kind == COLUMN_NUMBER) {
        buf_str(out, plain_number(c->number, number));
    } else {
        buf_str(out, figure_text(&c->figure, true, number));
    }
}

static void table(struct buf *out, const struct report_doc *doc, size_t index, const struct report_style *style)
{
    const struct report_table *t = &doc->tables[index];
    (void)style;
    buf_str(out, "## ");
    escaped(out, t->title);
    buf_str(out, "\n\n");
    if (t->n_columns == 0)
        return;
    for (size_t c = 0; c < t->n_columns; c++) {
        char title[FIGURE_TEXT_MAX];
        enum better better = t->columns[c].metric ? t->columns[c].metric->better : BETTER_NEITHER;
        buf_str(out, "| ");
        escaped(out, column_title(&t->columns[c], title));
        buf_str(out, better == BETTER_LESS ? " \xE2\x86\x93 " : better == BETTER_MORE ? " \xE2\x86\x91 " : " ");
    }
    buf_str(out, "|\n");
    for (size_t c = 0; c < t->n_columns; c++)
        buf_str(out, t->columns[c].kind == COLUMN_TEXT ? "|:---" : "|---:");
    buf_str(out, "|\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            buf_str(out, "| ");
            cell(out, &t->columns[c], &t->rows[r][c]);
            buf_char(out, ' ');
        }
        buf_str(out, "|\n");
    }
    buf_char(out, '\n');
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct metric *m = t->columns[c].metric;
        if (!m)
            continue;
        buf_str(out, "* ");
        escaped(out, m->title);
        buf_str(out, ": ");
        escaped(out, m->definition);
        buf_str(out, m->better == BETTER_LESS ? " (less is better)\n" : m->better == BETTER_MORE ? " (more is better)\n" : "\n");
    }
    buf_str(out, "\nFigures: median \\[95 % interval\\], n repeats; from six repeats on order statistics of the median, "
                 "below that Student's t of the mean.\n\n");
}

static void end(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    (void)style;
    if (doc->n_notes)
        buf_str(out, "## Notes\n\n");
    for (size_t i = 0; i < doc->n_notes; i++) {
        buf_str(out, "* ");
        escaped(out, doc->notes[i]);
        buf_char(out, '\n');
    }
    if (doc->n_facts || doc->command)
        buf_printf(out, "%s## Measured with\n\n| | |\n|:---|:---|\n", doc->n_notes ? "\n" : "");
    for (size_t i = 0; i < doc->n_facts; i++) {
        buf_str(out, "| ");
        escaped(out, doc->facts[i].label);
        buf_str(out, " | ");
        escaped(out, doc->facts[i].text ? doc->facts[i].text : "not known");
        buf_str(out, " |\n");
    }
    if (doc->command) {
        buf_str(out, "| to repeat | ");
        escaped(out, doc->command);
        buf_str(out, " |\n");
    }
}

const struct report_format report_md = {
    .name = "md",
    .extension = "md",
    .summary = "Markdown",
    .begin = begin,
    .table = table,
    .end = end,
};
