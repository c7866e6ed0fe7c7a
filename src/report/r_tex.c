/* r_tex.c - tables for a paper: tables.tex, to be \input into a document that uses booktabs.
 *
 * Where exactly two contenders met, a table has a line a metric: both medians, the factor between them and a mark for the
 * corrected p of verdict.c; the better one is bold where that was shown. Otherwise it has a line a row and a column a metric.
 * A character that pdflatex has no glyph for is written as its code point; LuaLaTeX and XeLaTeX show it itself.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/format.h"

#define METRICS_MOST 3 /* columns of one table: more do not fit on a page, and make another table */
#define LINES_MOST 28   /* of a table that stands on one page; a longer one goes on on the next */
#define TEXT_WIDE 14    /* letters; a longer column is broken into lines */

/* ---- text ---- */

static void plain_char(struct buf *out, char c)
{
    static const struct {
        char c;
        const char *tex;
    } words[] = {{'\\', "\\textbackslash{}"}, {'{', "\\{"}, {'}', "\\}"}, {'#', "\\#"}, {'$', "\\$"}, {'%', "\\%"}, {'&', "\\&"},
                 {'_', "\\_"}, {'^', "\\textasciicircum{}"}, {'~', "\\textasciitilde{}"}, {'<', "$<$"}, {'>', "$>$"}, {'|', "$|$"},
                 {'"', "{\\char34}"}, {'\'', "\\textquotesingle{}"}, {'`', "\\textasciigrave{}"}, {'-', "{-}"}, {'\n', "\\textbackslash{}n"},
                 {'\r', "\\textbackslash{}r"}, {'\t', "\\textbackslash{}t"}, {'?', "{?}"}, {'!', "{!}"}, {',', "{,}"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].c == c) { /* a long name may be broken there */
            buf_printf(out, "%s\\allowbreak{}", words[i].tex);
            return;
        }
    if ((unsigned char)c < 0x20 || c == 0x7f)
        buf_printf(out, "\\pronychar{%04X}{?}", (unsigned char)c);
    else
        buf_char(out, c);
}

/* Letters with accents that every font encoding of LaTeX makes. */
static bool is_common(uint32_t cp)
{
    return cp >= 0xc0 && cp <= 0xff && cp != 0xd0 && cp != 0xd7 && cp != 0xde && cp != 0xf0 && cp != 0xf7 && cp != 0xfe;
}

static void tex_text(struct buf *out, const char *s)
{
    for (size_t len = strlen(s); len > 0;) {
        uint32_t cp = 0xfffd;
        size_t n = utf8_decode(s, len, &cp);
        if (n == 1)
            plain_char(out, *s);
        else if (cp == 0xd7 || cp == 0xb5 || cp == 0x2264 || cp == 0x2265)
            buf_str(out, cp == 0xd7 ? "$\\times$" : cp == 0xb5 ? "$\\mu$" : cp == 0x2264 ? "$\\leq$" : "$\\geq$");
        else if (is_common(cp))
            buf_add(out, s, n);
        else
            buf_printf(out, "\\pronychar{%04X}{%.*s}", (unsigned)cp, n ? (int)n : 1, n ? s : "?");
        s += n ? n : 1;
        len -= n ? n : 1;
    }
}

static void metric_head(struct buf *out, const struct report_column *column)
{
    const struct metric *m = column->metric;
    enum better better = m ? m->better : BETTER_NEITHER;
    tex_text(out, m ? m->title : column->name);
    if (m && *m->unit) {
        buf_str(out, " (");
        tex_text(out, m->unit);
        buf_char(out, ')');
    }
    buf_str(out, better == BETTER_LESS ? " $\\downarrow$" : better == BETTER_MORE ? " $\\uparrow$" : "");
}

static void figure_tex(struct buf *out, const struct report_cell *cell, bool bold)
{
    char median[FIGURE_TEXT_MAX], lo[FIGURE_TEXT_MAX], hi[FIGURE_TEXT_MAX];
    const struct figure *f = &cell->figure;
    if (cell->missing) {
        buf_str(out, "--");
        return;
    }
    buf_printf(out, "\\pronyfigure{%s%s%s}", bold ? "\\textbf{" : "", figure_number(f, f->median, median), bold ? "}" : "");
    if (isfinite(f->lo) && isfinite(f->hi))
        buf_printf(out, "{[%s, %s]}", figure_number(f, f->lo, lo), figure_number(f, f->hi, hi));
    else
        buf_str(out, "{}");
}

static bool is_measured(const struct report_column *column)
{
    return column->kind == COLUMN_FIGURE || column->kind == COLUMN_NUMBER;
}

static size_t column_named(const struct report_table *t, const char *name)
{
    size_t c = 0;
    while (c < t->n_columns && strcmp(t->columns[c].name, name) != 0)
        c++;
    return c;
}

/* " Checked against: native: real 0.1; vllm: double only.": the word that follows an engine's numbers everywhere. */
static void checked(struct buf *out, const struct report_table *t)
{
    size_t engine = column_named(t, "engine"), by = column_named(t, "checked_against"), n = 0;
    if (engine == t->n_columns || by == t->n_columns)
        return;
    for (size_t r = 0; r < t->n_rows; r++) {
        const char *name = t->rows[r][engine].text, *what = t->rows[r][by].text;
        bool seen = !name || !what;
        for (size_t e = 0; e < r && !seen; e++)
            seen = str_eq(t->rows[e][engine].text, name) && str_eq(t->rows[e][by].text, what);
        if (seen)
            continue;
        buf_str(out, n++ ? "; " : " Checked against: ");
        tex_text(out, name);
        buf_str(out, ": ");
        tex_text(out, what);
    }
    buf_str(out, n ? "." : "");
}

/* A table that stands on one page, or one that goes on on the next; `columns` as LaTeX has them. */
static void open_table(struct buf *out, const struct report_table *t, const char *columns, bool longer, const char *more, size_t number)
{
    size_t n;
    if (longer)
        buf_printf(out, "{\\footnotesize\\setlength{\\tabcolsep}{4pt}\n\\begin{longtable}{%s}\n\\caption{", columns);
    else
        buf_str(out, "\\begin{table}[htbp]\n\\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}\\setlength{\\belowcaptionskip}{4pt}\n\\caption{");
    tex_text(out, t->title);
    buf_str(out, ": medians with 95\\,\\% intervals");
    if (table_common_n(t, &n))
        buf_printf(out, ", $n = %zu$", n);
    buf_printf(out, ".%s", more);
    checked(out, t);
    buf_str(out, "}\n\\label{tab:");
    for (const char *s = t->name; *s; s++)
        buf_char(out, (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ? *s : '-');
    buf_printf(out, "-%zu}", number);
    if (longer)
        buf_str(out, "\\\\\n\\toprule\n");
    else
        buf_printf(out, "\n\\begin{tabular}{%s}\n\\toprule\n", columns);
}

static void close_table(struct buf *out, bool longer)
{
    buf_printf(out, "\\bottomrule\n%s\n\n", longer ? "\\end{longtable}}" : "\\end{tabular}\n\\end{table}");
}

/* ---- two contenders ---- */

/* True when there are exactly two, each once in every setting. */
static bool is_pair(const struct report_table *t, const char *names[2])
{
    size_t n = 0;
    for (size_t r = 0; t->contenders && r < t->n_rows; r++) {
        size_t k = 0;
        while (k < n && strcmp(names[k], t->contenders[r]) != 0)
            k++;
        if (k == n && n == 2)
            return false;
        if (k == n)
            names[n++] = t->contenders[r];
        for (size_t e = 0; e < r; e++)
            if (strcmp(t->contenders[e], t->contenders[r]) == 0 && strcmp(t->settings[e], t->settings[r]) == 0)
                return false;
    }
    return n == 2;
}

/* The row of `verdicts` for this metric and setting; NULL: it was not ranked. */
static const struct report_cell *verdict_of(const struct report_doc *doc, const struct report_table *t, const struct metric *m,
                                            const char *setting)
{
    const struct report_table *v = doc->n_tables ? &doc->tables[doc->n_tables - 1] : NULL;
    for (size_t r = 0; v && strcmp(v->name, "verdicts") == 0 && r < v->n_rows; r++)
        if (strcmp(v->rows[r][0].text, t->title) == 0 && strcmp(v->rows[r][1].text, m->title) == 0 &&
            strcmp(v->rows[r][2].text, *setting ? setting : "all") == 0)
            return v->rows[r];
    return NULL;
}

static const struct report_cell *row_of(const struct report_table *t, const char *contender, const char *setting)
{
    for (size_t r = 0; r < t->n_rows; r++)
        if (strcmp(t->contenders[r], contender) == 0 && strcmp(t->settings[r], setting) == 0)
            return t->rows[r];
    return NULL;
}

static void pair_line(struct buf *out, const struct report_doc *doc, const struct report_table *t, size_t column,
                      const char *const names[2], const char *setting)
{
    static const struct report_cell none = {.missing = true};
    const struct report_cell *verdict = verdict_of(doc, t, t->columns[column].metric, setting), *cells[2];
    double medians[2];
    bool shown = verdict && strcmp(verdict[4].text, "best") == 0;
    for (int k = 0; k < 2; k++) {
        const struct report_cell *row = row_of(t, names[k], setting);
        cells[k] = row ? &row[column] : &none;
        medians[k] = cells[k]->missing ? NAN : cells[k]->figure.median;
    }
    if (cells[0]->missing && cells[1]->missing)
        return;
    metric_head(out, &t->columns[column]);
    for (int k = 0; k < 2; k++) {
        buf_str(out, " & ");
        figure_tex(out, cells[k], shown && strcmp(verdict[3].text, names[k]) == 0);
    }
    double factor = medians[1] / medians[0];
    if (isfinite(factor) && factor > 0) {
        double p = verdict ? verdict[9].number : 1;
        buf_printf(out, " & %.2f$\\times$%s", factor < 1 ? 1 / factor : factor,
                   p <= 0.001 ? "$^{***}$" : p <= 0.01 ? "$^{**}$" : p <= 0.05 ? "$^{*}$" : "");
    } else {
        buf_str(out, " & --");
    }
    buf_str(out, " \\\\\n");
}

static bool first_of_setting(const struct report_table *t, size_t row)
{
    for (size_t e = 0; e < row; e++)
        if (strcmp(t->settings[e], t->settings[row]) == 0)
            return false;
    return true;
}

static void pair_table(struct buf *out, const struct report_doc *doc, const struct report_table *t, const char *const names[2])
{
    size_t metrics = 0, settings = 0;
    for (size_t c = 0; c < t->n_columns; c++)
        metrics += t->columns[c].kind == COLUMN_FIGURE;
    for (size_t r = 0; r < t->n_rows; r++)
        settings += first_of_setting(t, r);
    bool longer = settings * (2 * metrics + 1) > LINES_MOST;
    open_table(out, t, "lrrr", longer, " Change: the larger median over the smaller; $^{*}$, $^{**}$, $^{***}$: corrected $p$ at most 0.05, "
                                       "0.01, 0.001; bold: shown to be the better one.", 1);
    buf_str(out, "\\textbf{Metric}");
    for (int k = 0; k < 2; k++) {
        buf_str(out, " & \\multicolumn{1}{p{26mm}}{\\raggedleft\\textbf{");
        tex_text(out, names[k]);
        buf_str(out, "}}");
    }
    buf_printf(out, " & \\textbf{Change} \\\\\n%s", longer ? "\\midrule\n\\endhead\n" : "");
    for (size_t r = 0; r < t->n_rows; r++) {
        if (!first_of_setting(t, r))
            continue;
        buf_str(out, longer && r == 0 ? "" : "\\midrule\n");
        if (*t->settings[r]) {
            buf_str(out, "\\multicolumn{4}{l}{\\emph{");
            tex_text(out, t->settings[r]);
            buf_str(out, "}} \\\\\n");
        }
        for (size_t c = 0; c < t->n_columns; c++)
            if (t->columns[c].kind == COLUMN_FIGURE && t->columns[c].metric)
                pair_line(out, doc, t, c, names, t->settings[r]);
    }
    close_table(out, longer);
}

/* ---- any table ---- */

/* The first column, and texts and counts that differ between rows; the others would only take room. */
static bool tells(const struct report_table *t, size_t c)
{
    if (c == 0)
        return true;
    if (is_measured(&t->columns[c]) || strcmp(t->columns[c].name, "checked_against") == 0)
        return false;
    for (size_t r = 1; r < t->n_rows; r++)
        if (t->columns[c].kind == COLUMN_COUNT ? t->rows[r][c].count != t->rows[0][c].count
                                               : !str_eq(t->rows[r][c].text, t->rows[0][c].text))
            return true;
    return false;
}

static bool is_wide(const struct report_table *t, size_t c)
{
    size_t longest = 0;
    for (size_t r = 0; r < t->n_rows; r++)
        if (t->rows[r][c].text && strlen(t->rows[r][c].text) > longest)
            longest = strlen(t->rows[r][c].text);
    return longest > TEXT_WIDE;
}

static void cell_tex(struct buf *out, enum column_kind kind, const struct report_cell *cell, bool wide)
{
    char number[FIGURE_TEXT_MAX];
    if (kind == COLUMN_FIGURE) {
        figure_tex(out, cell, false);
    } else if (cell->missing) {
        buf_str(out, "--");
    } else if (kind == COLUMN_TEXT) {
        buf_str(out, wide ? "{\\raggedright\\hspace{0pt}" : "");
        tex_text(out, cell->text);
        buf_str(out, wide ? "\\par}" : "");
    } else if (kind == COLUMN_COUNT) {
        buf_printf(out, "%lld", (long long)cell->count);
    } else {
        buf_str(out, plain_number(cell->number, number));
    }
}

/* What tells the rows apart, and of the columns that are measured those with the numbers [from, to). */
static void wide_part(struct buf *out, const struct report_table *t, size_t from, size_t to, size_t number)
{
    struct buf layout = BUF_INIT(1 << 12);
    size_t shown[64], n = 0, at = 0;
    bool longer = 2 * t->n_rows > LINES_MOST;
    for (size_t c = 0; c < t->n_columns && n < 64; c++) {
        bool measured = is_measured(&t->columns[c]);
        if (measured ? at >= from && at < to : tells(t, c))
            shown[n++] = c;
        at += measured;
    }
    for (size_t i = 0; i < n; i++)
        buf_str(&layout, t->columns[shown[i]].kind != COLUMN_TEXT ? "r" : is_wide(t, shown[i]) ? "p{24mm}" : "l");
    open_table(out, t, layout.data ? layout.data : "l", longer, "", number);
    buf_release(&layout);
    for (size_t i = 0; i < n; i++) {
        bool measured = is_measured(&t->columns[shown[i]]);
        buf_printf(out, "%s%s\\textbf{", i ? " & " : "", measured ? "\\multicolumn{1}{p{17mm}}{\\raggedleft" : "");
        metric_head(out, &t->columns[shown[i]]);
        buf_str(out, measured ? "}}" : "}");
    }
    buf_printf(out, " \\\\\n\\midrule\n%s", longer ? "\\endhead\n" : "");
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t i = 0; i < n; i++) {
            const struct report_column *column = &t->columns[shown[i]];
            buf_str(out, i ? " & " : "");
            cell_tex(out, column->kind, &t->rows[r][shown[i]], column->kind == COLUMN_TEXT && is_wide(t, shown[i]));
        }
        buf_str(out, " \\\\\n");
    }
    close_table(out, longer);
}

static void table(struct buf *out, const struct report_doc *doc, size_t index, const struct report_style *style)
{
    const struct report_table *t = &doc->tables[index];
    const char *names[2];
    size_t measured = 0;
    (void)style;
    if (t->n_rows == 0 || t->detail)
        return;
    if (is_pair(t, names)) {
        pair_table(out, doc, t, names);
        return;
    }
    for (size_t c = 0; c < t->n_columns; c++)
        measured += is_measured(&t->columns[c]);
    for (size_t from = 0; from == 0 || from < measured; from += METRICS_MOST)
        wide_part(out, t, from, from + METRICS_MOST, from / METRICS_MOST + 1);
}

static void begin(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    (void)style;
    buf_str(out, "% ");
    for (const char *s = doc->title; *s; s++)
        buf_char(out, *s == '\n' || *s == '\r' ? ' ' : *s);
    buf_str(out, "\n% To be \\input into a document with \\usepackage{booktabs,longtable}.\n"
                 "\\ifdefined\\Umathcode\\providecommand{\\pronychar}[2]{#2}\\else\\providecommand{\\pronychar}[2]{\\texttt{U+#1}\\allowbreak}\\fi\n"
                 "\\providecommand{\\pronyfigure}[2]{\\begin{tabular}[t]{@{}r@{}}#1\\\\[-2pt]{\\tiny #2}\\end{tabular}}\n\n");
}

const struct report_format report_tex = {
    .name = "tex",
    .extension = "tex",
    .file = "tables",
    .summary = "LaTeX tables (booktabs)",
    .begin = begin,
    .table = table,
};
