/* r_terminal.c - the report for eyes in front of a terminal.
 *
 * Numbers are never cut: when a table is too wide, texts are shortened first, and if that does not do, every row
 * becomes a block of lines. Control characters, escape sequences and reordering marks in texts are shown, not sent:
 * a model's name must not be able to write on the terminal. A missing cell is a dash with the number of a footnote
 * that says why.
 */
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/term_text.h"

#define GAP 2
#define TEXT_LEAST 8 /* columns that a shortened text keeps */

static void bold(struct buf *out, const struct report_style *style, bool on)
{
    if (style->color)
        buf_str(out, on ? "\033[1m" : "\033[0m");
}

/* ---- a table ---- */

struct grid {
    struct arena arena;
    const char **cells; /* n_rows + 1 (the titles) times n_columns */
    size_t *widths;
    const char **whys; /* footnotes */
    size_t n_whys;
    size_t n; /* common n, when all_n */
    bool all_n;
};

static const char *keep(struct grid *g, struct buf *text)
{
    const char *s = buf_check(text, NULL) < 0 ? NULL : arena_strdup(&g->arena, text->data ? text->data : "", NULL);
    buf_clear(text);
    return s;
}

static size_t footnote(struct grid *g, const char *why)
{
    for (size_t i = 0; i < g->n_whys; i++)
        if (strcmp(g->whys[i], why) == 0)
            return i + 1;
    g->whys[g->n_whys++] = why;
    return g->n_whys;
}

static void cell_text(struct buf *text, struct grid *g, const struct report_column *column,
                      const struct report_cell *cell, const struct report_style *style)
{
    char number[FIGURE_TEXT_MAX];
    if (cell->missing) {
        buf_str(text, "-");
        if (cell->why)
            buf_printf(text, " (%zu)", footnote(g, cell->why));
    } else if (column->kind == COLUMN_TEXT) {
        term_visible(text, cell->text, style->unicode);
    } else if (column->kind == COLUMN_COUNT) {
        buf_printf(text, "%lld", (long long)cell->count);
    } else if (column->kind == COLUMN_NUMBER) {
        buf_str(text, plain_number(cell->number, number));
    } else {
        buf_str(text, figure_text(&cell->figure, !g->all_n, number));
    }
}

static int fill(struct grid *g, const struct report_table *t, const struct report_style *style)
{
    struct buf text = BUF_INIT(1 << 20);
    int result = -1;
    g->cells = arena_alloc(&g->arena, (t->n_rows + 1) * t->n_columns, sizeof *g->cells, NULL);
    g->widths = arena_alloc(&g->arena, t->n_columns, sizeof *g->widths, NULL);
    g->whys = arena_alloc(&g->arena, t->n_rows * t->n_columns + 1, sizeof *g->whys, NULL);
    g->all_n = table_common_n(t, &g->n);
    if (!g->cells || !g->widths || !g->whys)
        return -1;
    for (size_t r = 0; r <= t->n_rows; r++)
        for (size_t c = 0; c < t->n_columns; c++) {
            const struct report_column *column = &t->columns[c];
            if (r == 0) {
                char title[FIGURE_TEXT_MAX];
                enum better better = column->metric ? column->metric->better : BETTER_NEITHER;
                term_visible(&text, column_title(column, title), style->unicode);
                if (better == BETTER_LESS)
                    buf_str(&text, style->unicode ? " \xE2\x86\x93" : " v");
                else if (better == BETTER_MORE)
                    buf_str(&text, style->unicode ? " \xE2\x86\x91" : " ^");
            } else {
                cell_text(&text, g, column, &t->rows[r - 1][c], style);
            }
            const char *s = keep(g, &text);
            if (!s)
                goto out;
            g->cells[r * t->n_columns + c] = s;
            if (term_width(s) > g->widths[c])
                g->widths[c] = term_width(s);
        }
    result = 0;
out:
    buf_release(&text);
    return result;
}

static size_t total_width(const struct grid *g, size_t n_columns)
{
    size_t total = (n_columns - 1) * GAP;
    for (size_t c = 0; c < n_columns; c++)
        total += g->widths[c];
    return total;
}

/* Takes columns from the widest texts until the table fits; false if texts alone cannot make it. */
static bool shrink(struct grid *g, const struct report_table *t, size_t width)
{
    while (width > 0 && total_width(g, t->n_columns) > width) {
        size_t widest = t->n_columns;
        for (size_t c = 0; c < t->n_columns; c++)
            if (t->columns[c].kind == COLUMN_TEXT && g->widths[c] > TEXT_LEAST &&
                (widest == t->n_columns || g->widths[c] > g->widths[widest]))
                widest = c;
        if (widest == t->n_columns)
            return false;
        g->widths[widest]--;
    }
    return true;
}

static void draw_rows(struct buf *out, const struct grid *g, const struct report_table *t,
                      const struct report_style *style)
{
    for (size_t r = 0; r <= t->n_rows; r++) {
        bold(out, style, r == 0);
        for (size_t c = 0; c < t->n_columns; c++) {
            bool right = t->columns[c].kind != COLUMN_TEXT, last = c + 1 == t->n_columns;
            const char *s = g->cells[r * t->n_columns + c];
            term_put(out, s, last && !right && term_width(s) < g->widths[c] ? term_width(s) : g->widths[c], right, style);
            if (!last)
                buf_printf(out, "%*s", GAP, "");
        }
        if (r == 0 && style->color)
            bold(out, style, false);
        buf_char(out, '\n');
        if (r > 0)
            continue;
        for (size_t c = 0; c < t->n_columns; c++) {
            for (size_t i = 0; i < g->widths[c]; i++)
                buf_str(out, style->unicode ? "\xE2\x94\x80" : "-");
            if (c + 1 < t->n_columns)
                buf_printf(out, "%*s", GAP, "");
        }
        buf_char(out, '\n');
    }
}

static void draw_blocks(struct buf *out, const struct grid *g, const struct report_table *t,
                        const struct report_style *style)
{
    size_t widest = 0;
    for (size_t c = 0; c < t->n_columns; c++)
        if (term_width(g->cells[c]) > widest)
            widest = term_width(g->cells[c]);
    for (size_t r = 1; r <= t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            buf_str(out, c == 0 ? "* " : "  ");
            term_put(out, g->cells[c], widest, false, style);
            buf_printf(out, "  %s\n", g->cells[r * t->n_columns + c]);
        }
    }
}

static void table(struct buf *out, const struct report_doc *doc, size_t index, const struct report_style *style)
{
    const struct report_table *t = &doc->tables[index];
    struct grid g = {.arena = ARENA_INIT(256u << 20)};
    if (t->detail)
        return;
    bold(out, style, true);
    term_visible(out, t->title, style->unicode);
    bold(out, style, false);
    buf_char(out, '\n');
    if (t->n_rows == 0) {
        buf_str(out, "(no rows)\n\n");
        return;
    }
    if (fill(&g, t, style) < 0) {
        out->failed = true;
    } else {
        if (shrink(&g, t, style->width))
            draw_rows(out, &g, t, style);
        else
            draw_blocks(out, &g, t, style);
        if (g.all_n)
            buf_printf(out, "n = %zu in every cell\n", g.n);
        for (size_t i = 0; i < g.n_whys; i++) {
            buf_printf(out, "(%zu) ", i + 1);
            term_visible(out, g.whys[i], style->unicode);
            buf_char(out, '\n');
        }
        buf_char(out, '\n');
    }
    arena_release(&g.arena);
}

/* ---- around the tables ---- */

static void begin(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    bold(out, style, true);
    term_visible(out, doc->title, style->unicode);
    bold(out, style, false);
    buf_str(out, "\n\n");
    for (size_t i = 0; i < doc->n_findings; i++) {
        static const char *const ascii[] = {"* ", "- ", "  "}, *const unicode[] = {"\xE2\x97\x86 ", "\xE2\x97\x87 ", "  "};
        buf_str(out, (style->unicode ? unicode : ascii)[doc->findings[i].kind]);
        term_visible(out, doc->findings[i].text, style->unicode);
        buf_char(out, '\n');
    }
    if (doc->n_findings)
        buf_char(out, '\n');
}

/* Every metric of the document once, in the order in which it first comes. */
static void definitions(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    bool any = false, intervals = false;
    for (size_t m = 0; m < metric_count; m++) {
        bool used = false;
        for (size_t t = 0; t < doc->n_tables; t++)
            for (size_t c = 0; c < doc->tables[t].n_columns; c++) {
                used |= doc->tables[t].columns[c].metric == &metric_table[m];
                intervals |= doc->tables[t].columns[c].kind == COLUMN_FIGURE;
            }
        if (!used)
            continue;
        if (!any)
            buf_printf(out, "%s less is better, %s more is better\n", style->unicode ? "\xE2\x86\x93" : "v",
                       style->unicode ? "\xE2\x86\x91" : "^");
        any = true;
        buf_printf(out, "%s: %s\n", metric_table[m].title, metric_table[m].definition);
    }
    if (intervals)
        buf_str(out, "figures: median [95 % interval] over n repeats; from six repeats on order statistics of the median, "
                     "below that Student's t of the mean\n");
    if (any || intervals)
        buf_char(out, '\n');
}

static void end(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    definitions(out, doc, style);
    for (size_t i = 0; i < doc->n_notes; i++) {
        buf_str(out, "note: ");
        term_visible(out, doc->notes[i], style->unicode);
        buf_char(out, '\n');
    }
    size_t details = 0;
    for (size_t i = 0; i < doc->n_facts; i++) {
        details += doc->facts[i].detail;
        if (doc->facts[i].detail)
            continue;
        term_visible(out, doc->facts[i].label, style->unicode);
        buf_str(out, ": ");
        term_visible(out, doc->facts[i].text ? doc->facts[i].text : "not known", style->unicode);
        buf_char(out, '\n');
    }
    if (details)
        buf_printf(out, "fingerprint: %zu entries, in the other forms\n", details);
    if (doc->command) {
        buf_str(out, "to repeat: ");
        term_visible(out, doc->command, style->unicode);
        buf_char(out, '\n');
    }
}

const struct report_format report_terminal = {
    .name = "terminal",
    .extension = "txt",
    .summary = "tables for a terminal",
    .begin = begin,
    .table = table,
    .end = end,
};
