#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define REPORT(name) extern const struct report_format report_##name;
#include "report/list.h"
#undef REPORT

static const struct report_format *const formats[] = {
#define REPORT(name) &report_##name,
#include "report/list.h"
#undef REPORT
};

#define N_FORMATS (sizeof formats / sizeof formats[0])

size_t report_format_count(void)
{
    return N_FORMATS;
}

const struct report_format *report_format_at(size_t i)
{
    return formats[i];
}

const struct report_format *report_format_find(const char *name, struct err *err)
{
    const char *names[N_FORMATS];
    char list[128] = "";
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
        names[i] = formats[i]->name;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *nearest = str_nearest_of(name, names, N_FORMATS);
    err_set(err, ERR_USAGE, "'%s' is not a form of report", name);
    if (nearest)
        err_hint(err, "did you mean '%s'?", nearest);
    else
        err_hint(err, "this build writes %s", list);
    return NULL;
}

int report_write(struct buf *out, const struct report_format *format, const struct report_doc *doc,
                 const struct report_style *style, struct err *err)
{
    if (format->begin)
        format->begin(out, doc, style);
    for (size_t i = 0; format->table && i < doc->n_tables; i++)
        format->table(out, doc, i, style);
    if (format->end)
        format->end(out, doc, style);
    return buf_check(out, err);
}

/* Digits after the point such that the last shown is a tenth of the interval's leading one; none is shown that the
 * interval does not bear, and not more than six digits in all. */
static int decimals(double scale, double magnitude)
{
    int places = scale > 0 ? 1 - (int)floor(log10(scale)) : 3;
    int most = magnitude > 0 ? 5 - (int)floor(log10(magnitude)) : 6;
    if (places > most)
        places = most;
    return places < 0 ? 0 : places > 12 ? 12 : places;
}

char *figure_number(const struct figure *f, double x, char text[FIGURE_TEXT_MAX])
{
    double size = fmax(fabs(f->median), fmax(fabs(f->lo), fabs(f->hi))); /* fmax leaves NaN aside */
    double width = f->hi - f->lo;
    if (!(width > 0) && size > 0)
        width = size / 100; /* no interval: four digits */
    if (fabs(x) >= 1e15 || (size > 0 && size < 1e-6))
        snprintf(text, FIGURE_TEXT_MAX, "%.3e", x);
    else
        snprintf(text, FIGURE_TEXT_MAX, "%.*f", decimals(width, size), x);
    return text;
}

char *figure_text(const struct figure *f, bool with_n, char text[FIGURE_TEXT_MAX])
{
    char median[FIGURE_TEXT_MAX], lo[FIGURE_TEXT_MAX], hi[FIGURE_TEXT_MAX], interval[56] = "", n[24] = "";
    figure_number(f, f->median, median);
    if (isfinite(f->lo) && isfinite(f->hi))
        snprintf(interval, sizeof interval, " [%.24s, %.24s]", figure_number(f, f->lo, lo), figure_number(f, f->hi, hi));
    if (with_n)
        snprintf(n, sizeof n, " n=%zu", f->n);
    snprintf(text, FIGURE_TEXT_MAX, "%.16s%.54s%s", median, interval, n);
    return text;
}

char *plain_number(double x, char text[FIGURE_TEXT_MAX])
{
    if (x == floor(x) && fabs(x) < 1e9)
        snprintf(text, FIGURE_TEXT_MAX, "%.0f", x);
    else if (fabs(x) >= 1e9 || fabs(x) < 1e-4)
        snprintf(text, FIGURE_TEXT_MAX, "%.3e", x);
    else
        snprintf(text, FIGURE_TEXT_MAX, "%.*f", decimals(fabs(x) / 100, fabs(x)), x);
    return text;
}

bool table_common_n(const struct report_table *t, size_t *n)
{
    bool any = false;
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t c = 0; c < t->n_columns; c++) {
            const struct report_cell *cell = &t->rows[r][c];
            if (t->columns[c].kind != COLUMN_FIGURE || cell->missing)
                continue;
            if (any && cell->figure.n != *n)
                return false;
            *n = cell->figure.n;
            any = true;
        }
    return any;
}

char *column_title(const struct report_column *column, char text[FIGURE_TEXT_MAX])
{
    const struct metric *m = column->metric;
    if (!m)
        snprintf(text, FIGURE_TEXT_MAX, "%s", column->name);
    else
        snprintf(text, FIGURE_TEXT_MAX, "%s%s%s%s", m->title, *m->unit ? " (" : "", m->unit, *m->unit ? ")" : "");
    return text;
}
