#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/html_series.h"
#include "report/plot_palette.h"
#include "stats/quantile.h"

/* ---- series ---- */

size_t html_column(const struct report_table *t, const char *name)
{
    for (size_t c = 0; c < t->n_columns; c++)
        if (strcmp(t->columns[c].name, name) == 0)
            return c;
    return SIZE_MAX;
}

static void gather(struct html_series *s, const struct report_doc *doc)
{
    s->n = 0;
    for (size_t i = 0; i < doc->n_tables; i++) {
        const struct report_table *t = &doc->tables[i];
        size_t by = html_column(t, s->by);
        for (size_t r = 0; by < t->n_columns && r < t->n_rows; r++) {
            const char *name = t->rows[r][by].text;
            bool seen = !name || s->n == HTML_SERIES_MAX;
            for (size_t k = 0; k < s->n && !seen; k++)
                seen = strcmp(s->names[k], name) == 0;
            if (!seen)
                s->names[s->n++] = name;
        }
    }
}

void html_series_find(struct html_series *out, const struct report_doc *doc)
{
    *out = (struct html_series){.by = "engine"};
    gather(out, doc);
    if (out->n >= 2)
        return;
    struct html_series models = {.by = "model"};
    gather(&models, doc);
    if (models.n >= 2)
        *out = models;
}

size_t html_series_at(const struct html_series *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->names[i], name) == 0)
            return i;
    return 0;
}

/* Models have the colours of the list in its order; an engine its own, and its variants shades of it. */
static const struct engine_color *color_of(const struct html_series *s, size_t at, size_t *shade)
{
    *shade = 0;
    if (strcmp(s->by, "engine") != 0)
        return &engine_colors[at % engine_color_count];
    const struct engine_color *color = engine_color_find(s->names[at]);
    for (size_t i = 0; i < at; i++)
        *shade += engine_color_find(s->names[i]) == color;
    return color;
}

static void put_colors(struct buf *out, const struct html_series *s, bool dark)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t shade;
        const struct engine_color *color = color_of(s, i, &shade);
        struct rgb c = rgb_shade(rgb_of(dark ? color->dark : color->light), shade, theme_of(dark));
        buf_printf(out, " --s%zu: #%02x%02x%02x;", i, (unsigned)lround(c.r * 255), (unsigned)lround(c.g * 255), (unsigned)lround(c.b * 255));
    }
}

void html_series_css(struct buf *out, const struct html_series *s)
{
    buf_str(out, ":root {");
    put_colors(out, s, false);
    buf_str(out, " }\n@media screen and (prefers-color-scheme: dark) { :root:not([data-theme=\"light\"]) {");
    put_colors(out, s, true);
    buf_str(out, " } }\n@media screen { :root[data-theme=\"dark\"] {");
    put_colors(out, s, true);
    buf_str(out, " } }");
}

void html_series_json(struct json_out *j, const struct html_series *s)
{
    json_out_open(j, '{');
    json_out_key(j, "by");
    json_out_text(j, s->by);
    json_out_key(j, "names");
    json_out_open(j, '[');
    for (size_t i = 0; i < s->n; i++)
        json_out_text(j, s->names[i]);
    json_out_close(j);
    json_out_key(j, "markers");
    json_out_open(j, '[');
    for (size_t i = 0; i < s->n; i++) {
        size_t shade;
        const struct engine_color *color = color_of(s, i, &shade);
        json_out_int(j, (int)(color->marker + shade) % MARKERS);
    }
    json_out_close(j);
    json_out_close(j);
}

/* ---- tables ---- */

bool html_embeds(const struct report_doc *doc, size_t table)
{
    size_t used = 0;
    for (size_t i = 0; i <= table; i++) {
        size_t n = doc->tables[i].raw.n_rows;
        bool fits = n > 0 && used + n <= HTML_RAW_MAX;
        if (i == table)
            return fits;
        used += fits ? n : 0;
    }
    return false;
}

static void put_columns(struct json_out *j, const struct report_table *t)
{
    static const char *const kinds[] = {[COLUMN_TEXT] = "text", [COLUMN_COUNT] = "count", [COLUMN_NUMBER] = "number", [COLUMN_FIGURE] = "figure"};
    json_out_open(j, '[');
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct metric *m = t->columns[c].metric;
        json_out_open(j, '{');
        json_out_key(j, "name");
        json_out_text(j, t->columns[c].name);
        json_out_key(j, "title");
        json_out_text(j, m ? m->title : t->columns[c].name);
        json_out_key(j, "unit");
        json_out_text(j, m ? m->unit : "");
        json_out_key(j, "kind");
        json_out_text(j, kinds[t->columns[c].kind]);
        json_out_key(j, "better");
        json_out_text(j, m ? better_name(m->better) : NULL);
        json_out_key(j, "ranks");
        json_out_bool(j, m && metric_ranks(m));
        json_out_close(j);
    }
    json_out_close(j);
}

static void put_cell(struct json_out *j, enum column_kind kind, const struct report_cell *cell)
{
    if (cell->missing)
        json_out_null(j);
    else if (kind == COLUMN_TEXT)
        json_out_text(j, cell->text);
    else if (kind == COLUMN_COUNT)
        json_out_int(j, cell->count);
    else if (kind == COLUMN_NUMBER)
        json_out_number(j, cell->number);
    else {
        json_out_open(j, '[');
        json_out_number(j, cell->figure.median);
        json_out_number(j, cell->figure.lo);
        json_out_number(j, cell->figure.hi);
        json_out_int(j, (int64_t)cell->figure.n);
        json_out_close(j);
    }
}

static void put_raw(struct json_out *j, const struct report_raw *raw)
{
    json_out_open(j, '{');
    json_out_key(j, "names");
    json_out_open(j, '[');
    for (size_t c = 0; c < raw->n_columns; c++)
        json_out_text(j, raw->names[c]);
    json_out_close(j);
    json_out_key(j, "row");
    json_out_open(j, '[');
    for (size_t i = 0; i < raw->n_rows; i++)
        json_out_int(j, raw->row[i]);
    json_out_close(j);
    json_out_key(j, "columns");
    json_out_open(j, '[');
    for (size_t c = 0; c < raw->n_columns; c++) {
        json_out_open(j, '[');
        for (size_t i = 0; i < raw->n_rows; i++)
            json_out_number(j, raw->columns[c][i]);
        json_out_close(j);
    }
    json_out_close(j);
    json_out_close(j);
}

static int ascending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* 101 quantiles of n observations, or all of them where there are fewer. */
static void put_quantiles(struct json_out *j, const double *column, size_t n, double *sorted)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(column[i]))
            sorted[known++] = column[i];
    qsort(sorted, known, sizeof *sorted, ascending);
    json_out_open(j, '[');
    for (size_t q = 0; q < (known < 101 ? known : 101); q++)
        json_out_number(j, known < 101 ? sorted[q] : quantile_sorted(sorted, known, (double)q / 100));
    json_out_close(j);
}

/* Of each metric in each row. The observations of a row lie together. */
static void put_spread(struct json_out *j, const struct report_table *t)
{
    const struct report_raw *raw = &t->raw;
    double *sorted = mem_alloc(raw->n_rows, sizeof *sorted, NULL);
    if (!sorted) {
        j->out->failed = true;
        return;
    }
    json_out_open(j, '{');
    for (size_t c = 2; c < raw->n_columns; c++) {
        json_out_key(j, raw->names[c]);
        json_out_open(j, '[');
        for (size_t r = 0, from = 0, to; r < t->n_rows; r++, from = to) {
            for (to = from; to < raw->n_rows && raw->row[to] == r;)
                to++;
            put_quantiles(j, raw->columns[c] + from, to - from, sorted);
        }
        json_out_close(j);
    }
    json_out_close(j);
    free(sorted);
}

static void put_table(struct json_out *j, const struct report_doc *doc, size_t index)
{
    const struct report_table *t = &doc->tables[index];
    json_out_open(j, '{');
    json_out_key(j, "name");
    json_out_text(j, t->name);
    json_out_key(j, "title");
    json_out_text(j, t->title);
    json_out_key(j, "columns");
    put_columns(j, t);
    json_out_key(j, "rows");
    json_out_open(j, '[');
    for (size_t r = 0; r < t->n_rows; r++) {
        json_out_open(j, '[');
        for (size_t c = 0; c < t->n_columns; c++)
            put_cell(j, t->columns[c].kind, &t->rows[r][c]);
        json_out_close(j);
    }
    json_out_close(j);
    if (html_embeds(doc, index)) {
        json_out_key(j, "raw");
        put_raw(j, &t->raw);
    } else if (t->raw.n_rows) {
        json_out_key(j, "spread");
        put_spread(j, t);
    }
    json_out_close(j);
}

/* Nothing in it may end the <script> that it stands in: JSON says `<` in another way. */
static void put_safe(struct buf *out, const struct buf *json)
{
    for (const char *s = json->data, *end = s + json->len; s < end;) {
        const char *stop = memchr(s, '<', (size_t)(end - s));
        buf_add(out, s, (size_t)((stop ? stop : end) - s));
        if (stop)
            buf_str(out, "\\u003c");
        s = stop ? stop + 1 : end;
    }
}

void html_data(struct buf *out, const struct report_doc *doc, const struct html_series *s)
{
    struct buf text = BUF_INIT(out->max);
    struct json_out j = JSON_OUT_INIT(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "series");
    html_series_json(&j, s);
    json_out_key(&j, "tables");
    json_out_open(&j, '[');
    for (size_t i = 0; i < doc->n_tables; i++)
        put_table(&j, doc, i);
    json_out_close(&j);
    json_out_close(&j);
    if (buf_check(&text, NULL) < 0)
        out->failed = true;
    else
        put_safe(out, &text);
    buf_release(&text);
}
