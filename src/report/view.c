#include "report/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/plot_palette.h"
#include "report/term_text.h"

#define WIDTH_LEAST 60
#define NAME_MOST 28

struct view {
    struct buf *out;
    const struct report_table *t;
    const struct report_column *column;
    size_t c;       /* its index */
    size_t raw;     /* its index among the raw columns; raw.n_columns: not there */
    const struct report_style *style;
    size_t width, name, room; /* of a line, of the names in it, of what is drawn between name and numbers */
};

enum view_kind view_kind_find(const char *name)
{
    static const char *const names[] = {"bars", "histogram", "spark", "heatmap"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return (enum view_kind)(1 << i);
    return 0;
}

/* ---- marks ---- */

static void ink(struct view *v, size_t row, bool on)
{
    unsigned c = engine_color_find(v->t->rows[row][0].text ? v->t->rows[row][0].text : "")->dark;
    if (v->style->color && on)
        buf_printf(v->out, "\033[38;2;%u;%u;%um", c >> 16, c >> 8 & 255, c & 255);
    else if (v->style->color)
        buf_str(v->out, "\033[0m");
}

/* One of nine heights or shades, 0 the lowest. */
static void level(struct view *v, double share)
{
    static const char *const blocks[] = {" ", "\xE2\x96\x81", "\xE2\x96\x82", "\xE2\x96\x83", "\xE2\x96\x84", "\xE2\x96\x85",
                                         "\xE2\x96\x86", "\xE2\x96\x87", "\xE2\x96\x88"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    int i = (int)lround(fmin(fmax(share, 0), 1) * 8);
    buf_str(v->out, (v->style->unicode ? blocks : ascii)[i]);
}

/* A line of text that is no wider than `most`. */
static void clipped(struct view *v, const char *text, size_t most)
{
    struct buf shown = BUF_INIT(1 << 16);
    term_visible(&shown, text, v->style->unicode);
    const char *s = shown.data ? shown.data : "";
    term_put(v->out, s, term_width(s) < most ? term_width(s) : most, false, v->style);
    buf_char(v->out, '\n');
    buf_release(&shown);
}

static void title(struct view *v, const char *what)
{
    char head[FIGURE_TEXT_MAX];
    struct buf text = BUF_INIT(1 << 14);
    enum better better = v->column->metric ? v->column->metric->better : BETTER_NEITHER;
    buf_str(&text, column_title(v->column, head));
    if (better != BETTER_NEITHER)
        buf_str(&text, !v->style->unicode ? better == BETTER_LESS ? " v" : " ^" : better == BETTER_LESS ? " \xE2\x86\x93" : " \xE2\x86\x91");
    buf_printf(&text, ", %s", what);
    buf_str(v->out, v->style->color ? "\033[1m" : "");
    clipped(v, text.data ? text.data : "", v->width);
    buf_str(v->out, v->style->color ? "\033[0m" : "");
    buf_release(&text);
}

/* The names of a row: whom it is of, and where two of a setting have the same name, of which model. */
static void row_name(struct view *v, size_t row)
{
    const struct report_table *t = v->t;
    struct buf raw = BUF_INIT(1 << 12), shown = BUF_INIT(1 << 14);
    bool twice = false;
    for (size_t r = 0; r < t->n_rows; r++)
        twice |= r != row && strcmp(t->contenders[r], t->contenders[row]) == 0 && strcmp(t->settings[r], t->settings[row]) == 0;
    buf_str(&raw, t->contenders[row]);
    if (twice && t->n_columns > 1 && t->rows[row][1].text)
        buf_printf(&raw, " %s", t->rows[row][1].text);
    term_visible(&shown, raw.data ? raw.data : "", v->style->unicode);
    buf_str(v->out, "  ");
    term_put(v->out, shown.data ? shown.data : "", v->name, false, v->style);
    buf_str(v->out, "  ");
    buf_release(&raw);
    buf_release(&shown);
}

static bool first_of_setting(const struct report_table *t, size_t row)
{
    for (size_t r = 0; r < row; r++)
        if (strcmp(t->settings[r], t->settings[row]) == 0)
            return false;
    return true;
}

static bool has(const struct view *v, size_t row)
{
    return !v->t->rows[row][v->c].missing;
}

/* Calls for each row of each setting, under the setting's name. */
static void each_row(struct view *v, void (*draw)(struct view *v, size_t row, double low, double high), bool from_zero,
                     void (*range)(const struct view *v, size_t row, double *low, double *high))
{
    for (size_t first = 0; first < v->t->n_rows; first++) {
        double low = INFINITY, high = -INFINITY;
        if (!first_of_setting(v->t, first))
            continue;
        for (size_t r = first; r < v->t->n_rows; r++)
            if (strcmp(v->t->settings[r], v->t->settings[first]) == 0 && has(v, r))
                range(v, r, &low, &high);
        if (!(high >= low))
            continue;
        if (from_zero && low > 0)
            low = 0;
        if (*v->t->settings[first])
            clipped(v, v->t->settings[first], v->width);
        for (size_t r = first; r < v->t->n_rows; r++)
            if (strcmp(v->t->settings[r], v->t->settings[first]) == 0 && has(v, r))
                draw(v, r, low, high > low ? high : low + 1);
    }
}

/* ---- bars ---- */

static void figure_range(const struct view *v, size_t row, double *low, double *high)
{
    const struct figure *f = &v->t->rows[row][v->c].figure;
    *low = fmin(*low, fmin(f->median, f->lo)); /* fmin and fmax leave NaN aside */
    *high = fmax(*high, fmax(f->median, f->hi));
}

static void bar(struct view *v, size_t row, double low, double high)
{
    const struct figure *f = &v->t->rows[row][v->c].figure;
    char text[FIGURE_TEXT_MAX];
    double scale = (double)v->room / (high - low);
    size_t end = (size_t)lround(fmax(0, (f->median - low) * scale));
    size_t from = isfinite(f->lo) ? (size_t)fmax(0, floor((f->lo - low) * scale)) : SIZE_MAX;
    size_t to = isfinite(f->hi) ? (size_t)fmin((double)v->room - 1, floor((f->hi - low) * scale)) : 0;
    row_name(v, row);
    ink(v, row, true);
    for (size_t i = 0; i < v->room; i++) {
        bool within = from != SIZE_MAX && i >= from && i <= to;
        if (i < end)
            buf_str(v->out, !v->style->unicode ? within ? "=" : "#" : within ? "\xE2\x96\x93" : "\xE2\x96\x88");
        else
            buf_str(v->out, within ? v->style->unicode ? "\xE2\x94\x80" : "-" : " ");
    }
    ink(v, row, false);
    buf_printf(v->out, "  %s\n", figure_text(f, false, text));
}

/* ---- of single observations ---- */

/* The finite observations of a row, in the order they were taken; *n of them, to free(). */
static double *observations(const struct view *v, size_t row, size_t *n)
{
    const struct report_raw *raw = &v->t->raw;
    double *x = mem_alloc(raw->n_rows, sizeof *x, NULL);
    *n = 0;
    for (size_t i = 0; x && i < raw->n_rows; i++)
        if (raw->row[i] == row && isfinite(raw->columns[v->raw][i]))
            x[(*n)++] = raw->columns[v->raw][i];
    return x;
}

static void raw_range(const struct view *v, size_t row, double *low, double *high)
{
    size_t n;
    double *x = observations(v, row, &n);
    for (size_t i = 0; i < n; i++) {
        *low = fmin(*low, x[i]);
        *high = fmax(*high, x[i]);
    }
    free(x);
}

static void range_text(struct view *v, double low, double high, size_t n)
{
    char a[FIGURE_TEXT_MAX], b[FIGURE_TEXT_MAX];
    buf_printf(v->out, "  %s to %s, n=%zu\n", plain_number(low, a), plain_number(high, b), n);
}

static void histogram(struct view *v, size_t row, double low, double high)
{
    size_t n, *counts = mem_zalloc(v->room, sizeof *counts, NULL), most = 1;
    double *x = observations(v, row, &n), own_low = INFINITY, own_high = -INFINITY;
    if (!x || !counts)
        v->out->failed = true;
    for (size_t i = 0; counts && i < n; i++) {
        size_t bin = (size_t)((x[i] - low) / (high - low) * (double)v->room);
        bin = bin < v->room ? bin : v->room - 1;
        if (++counts[bin] > most)
            most = counts[bin];
    }
    raw_range(v, row, &own_low, &own_high);
    row_name(v, row);
    ink(v, row, true);
    for (size_t i = 0; counts && i < v->room; i++) /* what is there at all is seen */
        level(v, counts[i] ? fmax((double)counts[i] / (double)most, 0.125) : 0);
    ink(v, row, false);
    range_text(v, own_low, own_high, n);
    free(counts);
    free(x);
}

static void spark(struct view *v, size_t row, double low, double high)
{
    size_t n, columns;
    double *x = observations(v, row, &n), own_low = INFINITY, own_high = -INFINITY;
    if (!x)
        v->out->failed = true;
    raw_range(v, row, &own_low, &own_high);
    row_name(v, row);
    ink(v, row, true);
    columns = n < v->room ? n : v->room;
    for (size_t i = 0; i < columns; i++) { /* of many that fall on one column, their mean */
        size_t from = i * n / columns, to = (i + 1) * n / columns;
        double sum = 0;
        for (size_t k = from; k < to; k++)
            sum += x[k];
        level(v, 0.125 + 0.875 * (sum / (double)(to - from) - low) / (high - low));
    }
    ink(v, row, false);
    buf_printf(v->out, "%*s", (int)(v->room - columns), "");
    range_text(v, own_low, own_high, n);
    free(x);
}

/* ---- heatmap ---- */

/* How much more than the best of its setting: 1 is the best. */
static double cost(const struct view *v, size_t row)
{
    double best = NAN, own = v->t->rows[row][v->c].figure.median;
    bool less = !v->column->metric || v->column->metric->better != BETTER_MORE;
    for (size_t r = 0; r < v->t->n_rows; r++)
        if (has(v, r) && strcmp(v->t->settings[r], v->t->settings[row]) == 0) {
            double x = v->t->rows[r][v->c].figure.median;
            best = less ? fmin(best, x) : fmax(best, x);
        }
    return less ? own / best : best / own;
}

/* A line an engine, a column a setting; the settings are numbered, because their names are long. */
static void heatmap(struct view *v)
{
    const struct report_table *t = v->t;
    const size_t cell = 9;
    size_t most = (v->width - v->name - 4) / cell, n = 0;
    title(v, "times the best of the setting");
    buf_printf(v->out, "%*s", (int)v->name + 4, "");
    for (size_t s = 0; s < t->n_rows; s++)
        if (first_of_setting(t, s) && n++ < most)
            buf_printf(v->out, "%*zu", (int)cell - 1, n), buf_char(v->out, ' ');
    buf_char(v->out, '\n');
    for (size_t e = 0; e < t->n_rows; e++) {
        bool seen = false;
        for (size_t r = 0; r < e; r++)
            seen |= strcmp(t->contenders[r], t->contenders[e]) == 0;
        if (seen)
            continue;
        row_name(v, e);
        size_t at = 0;
        for (size_t s = 0; s < t->n_rows; s++) {
            size_t r = 0;
            if (!first_of_setting(t, s) || at++ >= most)
                continue;
            while (r < t->n_rows && (strcmp(t->settings[r], t->settings[s]) != 0 || strcmp(t->contenders[r], t->contenders[e]) != 0))
                r++;
            double times = r < t->n_rows && has(v, r) ? cost(v, r) : NAN;
            ink(v, e, true);
            if (isfinite(times))
                level(v, log2(times) / 2); /* four times the best is full */
            else
                buf_char(v->out, ' ');
            ink(v, e, false);
            if (isfinite(times))
                buf_printf(v->out, "%*.*f ", (int)cell - 2, times < 100 ? 2 : 0, times);
            else
                buf_printf(v->out, "%*s ", (int)cell - 2, "-");
        }
        buf_char(v->out, '\n');
    }
    n = 0;
    for (size_t s = 0; s < t->n_rows; s++)
        if (first_of_setting(t, s) && n++ < most) {
            buf_printf(v->out, "  %zu: ", n);
            clipped(v, *t->settings[s] ? t->settings[s] : "all", v->width - 8);
        }
    buf_char(v->out, '\n');
}

/* ---- all of it ---- */

static void measure(struct view *v)
{
    size_t numbers = 0, names = 4;
    for (size_t r = 0; r < v->t->n_rows; r++) {
        char text[FIGURE_TEXT_MAX];
        size_t len = has(v, r) ? strlen(figure_text(&v->t->rows[r][v->c].figure, false, text)) : 0;
        numbers = len > numbers ? len : numbers;
        size_t name = term_width(v->t->contenders[r]);
        names = name > names ? name : names;
    }
    if (numbers < 24) /* "1234 to 5678, n=1000000" */
        numbers = 24;
    v->width = v->style->width ? v->style->width : 80;
    if (v->width < WIDTH_LEAST)
        v->width = WIDTH_LEAST;
    v->name = names < NAME_MOST ? names : NAME_MOST;
    if (v->name > v->width / 4)
        v->name = v->width / 4;
    size_t used = v->name + 4 + 2 + numbers;
    v->room = used + 8 < v->width ? v->width - used : 8;
}

int view_table(struct buf *out, const struct report_table *t, size_t column, unsigned kinds, const struct report_style *style,
               struct err *err)
{
    struct view v = {.out = out, .t = t, .column = &t->columns[column], .c = column, .style = style};
    size_t rows = 0, settings = 0, contenders = 0;
    for (size_t r = 0; r < t->n_rows; r++) {
        bool seen = false;
        for (size_t e = 0; e < r; e++)
            seen |= strcmp(t->contenders[e], t->contenders[r]) == 0;
        rows += has(&v, r);
        settings += first_of_setting(t, r);
        contenders += !seen;
    }
    if (rows == 0)
        return buf_check(out, err);
    measure(&v);
    while (v.raw < t->raw.n_columns && strcmp(t->raw.names[v.raw], v.column->name) != 0)
        v.raw++;
    bool raw = v.raw < t->raw.n_columns;
    if (kinds & VIEW_BARS) {
        title(&v, style->unicode ? "medians and 95 % intervals (\xE2\x96\x93\xE2\x94\x80)" : "medians and 95 % intervals (=-)");
        each_row(&v, bar, true, figure_range);
        buf_char(out, '\n');
    }
    if (raw && kinds & VIEW_HISTOGRAM) {
        title(&v, "how often each value");
        each_row(&v, histogram, false, raw_range);
        buf_char(out, '\n');
    }
    if (raw && kinds & VIEW_SPARK) {
        title(&v, "in the order taken");
        each_row(&v, spark, false, raw_range);
        buf_char(out, '\n');
    }
    if (kinds & VIEW_HEATMAP && settings > 1 && contenders > 1)
        heatmap(&v);
    return buf_check(out, err);
}
