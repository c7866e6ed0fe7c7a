/* p_layers.c - where in the model two engines part: error of attention outputs and hidden states, layer by layer. A value's
 * number is its layer, its launch the prompt. */
#include <math.h>
#include <string.h>

#include "report/plot_rows.h"
#include "report/plots.h"

static int layer_points(struct xy_series *out, struct scene *s, const struct result_cell *cell, const char *metric,
                        size_t *least, size_t *most, struct err *err)
{
    double *x = scene_alloc(s, cell->n_values, sizeof *x);
    int64_t layers = 0;
    for (size_t i = 0; i < cell->n_values; i++)
        if (strcmp(cell->values[i].name, metric) == 0 && cell->values[i].index >= layers && cell->values[i].index < 100000)
            layers = cell->values[i].index + 1;
    struct xy_point *points = scene_alloc(s, (size_t)layers, sizeof *points);
    for (int64_t layer = 0; x && points && layer < layers; layer++) {
        struct figure f = {.median = NAN, .lo = NAN, .hi = NAN};
        size_t n = 0;
        for (size_t i = 0; i < cell->n_values; i++)
            if (cell->values[i].index == layer && strcmp(cell->values[i].name, metric) == 0 && isfinite(cell->values[i].x))
                x[n++] = cell->values[i].x;
        if (n)
            TRY(figure_of(&f, x, n, NULL, err));
        if (n) {
            *least = *most == 0 || n < *least ? n : *least;
            *most = n > *most ? n : *most;
        }
        points[layer] = (struct xy_point){.x = (double)layer, .y = f.median, .lo = f.lo, .hi = f.hi};
    }
    out->points = points;
    out->n = points ? (size_t)layers : 0;
    return 0;
}

static int draw(struct scene *s, const struct results *r, struct err *err)
{
    static const char *const metrics[] = {"attention_error", "hidden_error"}, *const titles[] = {"Attention outputs", "Hidden states"};
    struct plot_rows rows;
    size_t least = 0, most = 0;
    struct xy_panel panel[2];
    const struct plot_panel *panels[2];
    TRY(plot_rows_select(&rows, s, r, "hidden_error", NULL, err));
    struct legend_entry *legend = scene_alloc(s, rows.n, sizeof *legend);
    for (size_t m = 0; m < 2; m++) {
        struct xy_series *series = scene_alloc(s, rows.n, sizeof *series);
        size_t n = 0;
        for (size_t at = 0; series && legend && at < rows.n * rows.n_engines; at++) { /* engine by engine, as everywhere */
            size_t i = at % rows.n;
            if (rows.engine_of[i] != at / rows.n)
                continue;
            bool several = rows.n_conditions > 1;
            series[n] = (struct xy_series){.color = plot_engine_color(&rows, rows.engine_of[i]), .marker = plot_engine_marker(&rows, rows.engine_of[i]),
                                           .line = true, .marked = true, .band = true, .dash = plot_dash(rows.condition_of[i])};
            TRY(layer_points(&series[n], s, rows.cells[i], metrics[m], &least, &most, err));
            legend[n] = (struct legend_entry){.name = scene_printf(s, "%s%s%s", rows.engines[rows.engine_of[i]], several ? " · " : "",
                                                                   several ? rows.conditions[rows.condition_of[i]] : ""),
                                              .color = series[n].color, .look = LEGEND_LINE, .marked = true, .marker = series[n].marker,
                                              .dash = series[n].dash};
            n++;
        }
        panel[m] = (struct xy_panel){.panel = {&panel_xy, titles[m]}, .x = {.title = "layer", .whole = true},
                                     .y = {.title = "relative error", .log = true}, .series = series, .n = series ? rows.n : 0, .height = 200};
        panels[m] = &panel[m].panel;
    }
    struct plot plot = {.title = "Where engines part from the reference", .legend = legend, .n_legend = legend ? rows.n : 0, .panels = panels,
                        .n_panels = 2, .across = 2, .width = 760,
                        .caption = plot_caption_counted(s, r, least, most, "prompts",
                            "Root mean square of the difference over that of the reference: median of prompts, 95 % interval as a band.")};
    plot_layout(s, &plot);
    return 0;
}

static const char *const columns[] = {"attention_error", "hidden_error", NULL};

const struct plot_kind plot_layer_agreement = {"layer_agreement", "plots", "error of attention outputs and hidden states by layer", columns, draw};
