/* p_bars.c - the plots that are one metric as bars: a row a condition, a bar an engine. */
#include <math.h>

#include "report/plot_rows.h"
#include "report/plots.h"

/* More engines than colours can be kept in mind: a panel a condition, with the engines' names beside their bars. */
enum { GROUPED_MOST = 5 };

static void as_groups(struct plot *plot, const struct plot_rows *rows, const struct bars_panel *common)
{
    struct bars_panel *panel = scene_alloc(rows->s, 1, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(rows->s, 1, sizeof *panels);
    if (!panel || !panels)
        return;
    *panel = *common;
    panel->rows = rows->conditions;
    panel->n_rows = rows->n_conditions;
    panel->n_series = rows->n_engines;
    panels[0] = &panel->panel;
    plot->panels = panels;
    plot->n_panels = 1;
    plot->legend = plot_engine_legend(rows, LEGEND_SWATCH);
    plot->n_legend = rows->n_engines;
}

static void as_panels(struct plot *plot, const struct plot_rows *rows, const struct bars_panel *common)
{
    struct bars_panel *panel = scene_alloc(rows->s, rows->n_conditions, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(rows->s, rows->n_conditions, sizeof *panels);
    struct rgb *colors = scene_alloc(rows->s, rows->n_engines, sizeof *colors);
    if (!panel || !panels || !colors)
        return;
    for (size_t e = 0; e < rows->n_engines; e++)
        colors[e] = common->series[e].color;
    for (size_t c = 0; c < rows->n_conditions; c++) {
        panel[c] = *common;
        panel[c].panel.title = rows->conditions[c];
        panel[c].rows = rows->engines;
        panel[c].n_rows = rows->n_engines;
        panel[c].n_series = 1;
        panel[c].bars = common->bars + c * rows->n_engines;
        panel[c].row_colors = colors;
        panel[c].x.untitled = c + 1 < rows->n_conditions;
        panels[c] = &panel[c].panel;
    }
    plot->panels = panels;
    plot->n_panels = rows->n_conditions;
}

static int bars(struct scene *s, const struct results *r, const char *metric, const char *title, struct err *err)
{
    struct plot_rows rows;
    struct plot_caption caption = {0};
    TRY(plot_rows_select(&rows, s, r, metric, NULL, err));
    size_t n = rows.n_conditions * rows.n_engines;
    struct bar *values = scene_alloc(s, n, sizeof *values);
    struct bars_series *series = scene_alloc(s, rows.n_engines, sizeof *series);
    struct bars_panel common = {.panel.kind = &panel_bars, .x = plot_metric_axis(metric), .series = series, .bars = values};
    if (!values || !series)
        return 0;
    common.x.zero = true;
    for (size_t i = 0; i < n; i++) {
        const struct result_cell *cell = plot_rows_cell(&rows, i % rows.n_engines, i / rows.n_engines);
        TRY(plot_bar_of(&values[i], s, cell, metric, &caption, err));
        plot_axis_reach(&common.x, isfinite(values[i].hi) ? values[i].hi : values[i].x); /* panels are drawn to one scale */
    }
    for (size_t e = 0; e < rows.n_engines; e++)
        series[e] = (struct bars_series){plot_engine_color(&rows, e)};
    struct plot plot = {.title = title, .caption = plot_caption_text(s, r, &caption, metric, NULL)};
    (rows.n_engines > GROUPED_MOST ? as_panels : as_groups)(&plot, &rows, &common);
    plot_layout(s, &plot);
    return 0;
}

static int draw_backends(struct scene *s, const struct results *r, struct err *err)
{
    return bars(s, r, "tokens_per_sec", "Decode speed of engines", err);
}

static int draw_memory_rate(struct scene *s, const struct results *r, struct err *err)
{
    return bars(s, r, "memory_throughput_gb_s", "Memory throughput while decoding", err);
}

static int draw_parameter_rate(struct scene *s, const struct results *r, struct err *err)
{
    return bars(s, r, "param_throughput_gb_s", "Parameter throughput while decoding", err);
}

static const char *const speed[] = {"tokens_per_sec", NULL}, *const memory_rate[] = {"memory_throughput_gb_s", NULL},
                         *const parameter_rate[] = {"param_throughput_gb_s", NULL};

const struct plot_kind plot_backend_comparison = {"backend_comparison", "plots", "decode speed of engines, under each condition",
                                                  speed, draw_backends};
const struct plot_kind plot_memory_throughput = {
    "memory_throughput", "plots", "bytes of weights and KV cache that decoding reads a second", memory_rate, draw_memory_rate};
const struct plot_kind plot_param_throughput = {"param_throughput", "plots", "parameters that decoding uses a second",
                                                parameter_rate, draw_parameter_rate};
