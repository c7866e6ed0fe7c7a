/* p_speedup.c - how many times as fast as the reference each engine decodes, by the comparison that verdicts rest on. */
#include <math.h>
#include <string.h>

#include "report/plot_rows.h"
#include "report/plots.h"
#include "stats/compare.h"

/* What the others are measured against: transformers, prony's own oracle, or the first there is. */
static size_t reference_of(const struct plot_rows *rows)
{
    static const char *const wanted[] = {"transformers", "native:ref", "native"};
    for (size_t w = 0; w < 3; w++)
        for (size_t e = 0; e < rows->n_engines; e++)
            if (strncmp(rows->engines[e], wanted[w], strlen(wanted[w])) == 0)
                return e;
    return 0;
}

static int ratio(struct bar *out, const struct plot_rows *rows, size_t engine, size_t reference, size_t condition,
                 struct plot_caption *caption, struct err *err)
{
    const struct result_cell *cells[2] = {plot_rows_cell(rows, reference, condition), plot_rows_cell(rows, engine, condition)};
    struct compare_metric m = {.name = "tokens_per_sec", .higher_is_better = true};
    struct compare_side *sides[2] = {&m.a, &m.b};
    struct figure f; /* for the caption's n */
    *out = (struct bar){.x = NAN, .lo = NAN, .hi = NAN};
    for (int k = 0; k < 2; k++) {
        bool launches = false;
        if (cells[k])
            TRY(plot_figure_of(&f, rows->s, cells[k], m.name, caption, err));
        sides[k]->value = cells[k] ? plot_samples(rows->s, cells[k], m.name, &sides[k]->n, &launches, err) : NULL;
        if (!sides[k]->n) {
            out->why = k ? plot_cell_reason(cells[k]) : "the reference was not measured here";
            return 0;
        }
    }
    struct comparison c;
    if (m.a.n < 2 || m.b.n < 2) { /* a ratio of two numbers: no interval */
        out->x = m.b.value[0] / m.a.value[0];
        return 0;
    }
    TRY(compare(&c, &m, 1, NULL, err));
    *out = (struct bar){.x = 1 / c.ratio, .lo = 1 / c.ci.hi, .hi = 1 / c.ci.lo};
    return 0;
}

static int draw(struct scene *s, const struct results *r, struct err *err)
{
    struct plot_rows rows;
    struct plot_caption caption = {0};
    TRY(plot_rows_select(&rows, s, r, "tokens_per_sec", NULL, err));
    if (rows.n_engines < 2)
        return 1;
    size_t reference = reference_of(&rows), n = rows.n_engines - 1, at = 0;
    struct bar *bars = scene_alloc(s, rows.n_conditions * n, sizeof *bars);
    const char **names = scene_alloc(s, n, sizeof *names);
    struct rgb *colors = scene_alloc(s, n, sizeof *colors);
    struct bars_panel *panel = scene_alloc(s, rows.n_conditions, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(s, rows.n_conditions, sizeof *panels);
    struct bars_series series = {{0, 0, 0, 1}};
    struct plot_axis axis = {.title = "times as fast", .zero = true};
    if (!bars || !names || !colors || !panel || !panels)
        return 0;
    for (size_t e = 0; e < rows.n_engines; e++)
        if (e != reference) {
            names[at] = rows.engines[e];
            colors[at] = plot_engine_color(&rows, e);
            for (size_t c = 0; c < rows.n_conditions; c++) {
                TRY(ratio(&bars[c * n + at], &rows, e, reference, c, &caption, err));
                plot_axis_reach(&axis, isfinite(bars[c * n + at].hi) ? bars[c * n + at].hi : bars[c * n + at].x);
            }
            at++;
        }
    for (size_t c = 0; c < rows.n_conditions; c++) {
        panel[c] = (struct bars_panel){.panel = {&panel_bars, rows.n_conditions > 1 ? rows.conditions[c] : NULL}, .x = axis, .rows = names,
                                       .n_rows = n, .series = &series, .n_series = 1, .bars = bars + c * n, .mark_x = 1,
                                       .row_colors = colors};
        panel[c].x.untitled = c + 1 < rows.n_conditions;
        panels[c] = &panel[c].panel;
    }
    struct plot plot = {
        .title = scene_printf(s, "Decode speed relative to %s", rows.engines[reference]), .panels = panels, .n_panels = rows.n_conditions,
        .caption = plot_caption_counted(s, r, caption.n_min, caption.n_max, caption.launches ? "launches a side" : "requests a side",
            caption.n_max >= 2 ? "Ratio of decode speeds, 95 % interval: Hodges-Lehmann of the logarithms (t below the counts that ranks need)."
                               : "Ratio of decode speeds, without an interval.")};
    plot_layout(s, &plot);
    return 0;
}

static const char *const columns[] = {"tokens_per_sec", NULL};

const struct plot_kind plot_speedup_comparison = {"speedup_comparison", "plots",
                                                  "decode speed of each engine relative to the reference, with its interval", columns, draw};
