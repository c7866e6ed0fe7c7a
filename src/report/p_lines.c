/* p_lines.c - the plots that show metrics against a parameter: a line an engine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/plot_rows.h"
#include "report/plots.h"

enum { PANELS_MAX = 4, ONE_PANEL_MOST = 8, LOG_FROM = 50 };

struct lines {
    const char *title, *param, *param_title, *param_unit, *metrics[PANELS_MAX];
    size_t across;
    bool log_x, zero;
};

static int compare_points(const void *a, const void *b)
{
    double x = ((const struct xy_point *)a)->x, y = ((const struct xy_point *)b)->x;
    return (x > y) - (x < y);
}

/* One engine under one condition, along the parameter. */
static int one_line(struct xy_series *out, const struct plot_rows *rows, size_t engine, size_t condition, const struct lines *how,
                    const char *metric, bool dashed, struct plot_caption *caption, struct err *err)
{
    struct xy_point *points = scene_alloc(rows->s, rows->n, sizeof *points);
    size_t n = 0;
    for (size_t i = 0; points && i < rows->n; i++) {
        struct figure f;
        if (rows->engine_of[i] != engine || rows->condition_of[i] != condition)
            continue;
        TRY(plot_figure_of(&f, rows->s, rows->cells[i], metric, caption, err));
        points[n++] = (struct xy_point){.x = plot_cell_param(rows->cells[i], how->param), .y = f.median, .lo = f.lo, .hi = f.hi};
    }
    if (points)
        qsort(points, n, sizeof *points, compare_points);
    *out = (struct xy_series){.color = plot_engine_color(rows, engine), .marker = plot_engine_marker(rows, engine), .line = true,
                              .marked = true, .band = n > 1, .dash = dashed ? plot_dash(condition) : 0, .points = points, .n = n};
    return 0;
}

/* The values that the parameter takes, in order: the axis has its ticks there as long as they are few. */
static void ticks_at(struct plot_axis *axis, const struct plot_rows *rows, const char *param)
{
    double *at = scene_alloc(rows->s, rows->n, sizeof *at);
    size_t n = 0;
    for (size_t i = 0; at && i < rows->n; i++) {
        double x = plot_cell_param(rows->cells[i], param);
        size_t k = 0;
        while (k < n && at[k] < x)
            k++;
        if (!isfinite(x) || (k < n && at[k] == x))
            continue;
        memmove(at + k + 1, at + k, (n - k) * sizeof *at);
        at[k] = x;
        n++;
    }
    if (at && n >= 1 && n <= 10) {
        axis->at = at;
        axis->n_at = n;
    }
}

static int one_panel(struct xy_panel *out, const struct plot_rows *rows, size_t from, size_t to, const struct lines *how,
                     const char *metric, struct plot_caption *caption, struct err *err)
{
    struct xy_series *series = scene_alloc(rows->s, rows->n_engines * (to - from), sizeof *series);
    size_t n = 0;
    for (size_t c = from; series && c < to; c++)
        for (size_t e = 0; e < rows->n_engines; e++)
            TRY(one_line(&series[n++], rows, e, c, how, metric, to - from > 1, caption, err));
    *out = (struct xy_panel){.panel = {.kind = &panel_xy}, .x = {.title = how->param_title, .unit = how->param_unit, .log = how->log_x, .whole = true},
                             .y = plot_metric_axis(metric), .series = series, .n = n, .height = how->across > 1 ? 170 : 0};
    double lo = INFINITY, hi = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < series[i].n; k++)
            if (isfinite(series[i].points[k].y)) {
                lo = fmin(lo, series[i].points[k].y);
                hi = fmax(hi, series[i].points[k].y);
            }
    out->y.log = lo > 0 && hi / lo > LOG_FROM; /* else the slower half of the engines would lie on the axis */
    out->y.zero = how->zero && !out->y.log;
    ticks_at(&out->x, rows, how->param);
    return 0;
}

/* Which engine has which colour, and with several conditions in a panel which of them has which dashes. */
static void put_legend(struct plot *plot, const struct plot_rows *rows, bool dashed)
{
    const struct legend_entry *engines = plot_engine_legend(rows, LEGEND_LINE);
    size_t n = rows->n_engines + (dashed ? rows->n_conditions : 0);
    struct legend_entry *legend = scene_alloc(rows->s, n, sizeof *legend);
    for (size_t i = 0; engines && legend && i < n; i++)
        legend[i] = i < rows->n_engines
                        ? engines[i]
                        : (struct legend_entry){.name = rows->conditions[i - rows->n_engines], .color = rows->s->theme->muted,
                                                .look = LEGEND_LINE, .dash = plot_dash(i - rows->n_engines)};
    plot->legend = legend;
    plot->n_legend = legend ? n : 0;
}

static int draw_lines(struct scene *s, const struct results *r, const struct lines *how, struct err *err)
{
    struct plot_rows rows;
    struct plot_caption caption = {0};
    size_t n_metrics = 0, n_panels = 0;
    while (n_metrics < PANELS_MAX && how->metrics[n_metrics])
        n_metrics++;
    TRY(plot_rows_select(&rows, s, r, how->metrics[0], how->param, err));
    bool apart = rows.n_conditions > 4 || rows.n_engines * rows.n_conditions > ONE_PANEL_MOST;
    size_t groups = apart ? rows.n_conditions : 1;
    struct xy_panel *panel = scene_alloc(s, groups * n_metrics, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(s, groups * n_metrics, sizeof *panels);
    if (!panel || !panels || !rows.n)
        return 1;
    for (size_t g = 0; g < groups; g++)
        for (size_t m = 0; m < n_metrics; m++) {
            bool there = false;
            for (size_t i = 0; i < rows.n && !there; i++)
                there = plot_cell_has(rows.cells[i], how->metrics[m]);
            if (!there)
                continue;
            TRY(one_panel(&panel[n_panels], &rows, apart ? g : 0, apart ? g + 1 : rows.n_conditions, how, how->metrics[m], &caption, err));
            panel[n_panels].panel.title = apart ? rows.conditions[g] : NULL;
            panels[n_panels] = &panel[n_panels].panel;
            n_panels++;
        }
    struct plot plot = {.title = how->title, .panels = panels, .n_panels = n_panels, .across = how->across,
                        .caption = plot_caption_text(s, r, &caption, n_metrics == 1 ? how->metrics[0] : NULL, NULL)};
    put_legend(&plot, &rows, !apart && rows.n_conditions > 1);
    plot_layout(s, &plot);
    return 0;
}

static int draw_context(struct scene *s, const struct results *r, struct err *err)
{
    return draw_lines(s, r, &(struct lines){.title = "Decode speed against prompt length", .param = "prompt_len", .param_title = "prompt",
                                            .param_unit = "tokens", .metrics = {"tokens_per_sec"}, .log_x = true, .zero = true}, err);
}

static int draw_memory(struct scene *s, const struct results *r, struct err *err)
{
    return draw_lines(s, r, &(struct lines){.title = "Memory against sequence length", .param = "seq_len", .param_title = "sequence",
                                            .param_unit = "tokens", .metrics = {"peak_mb", "kvcache_mb"}, .across = 2, .zero = true}, err);
}

static int draw_k(struct scene *s, const struct results *r, struct err *err)
{
    return draw_lines(s, r, &(struct lines){.title = "Speculation: what K does", .param = "K", .param_title = "K", .param_unit = "tokens",
                                            .metrics = {"latency_ms", "tokens_per_sec", "acceptance_rate", "peak_mb"}, .across = 2,
                                            .zero = true}, err);
}

static const char *const context[] = {"prompt_len", "tokens_per_sec", NULL}, *const memory[] = {"seq_len", "peak_mb", NULL},
                         *const k[] = {"K", "latency_ms", NULL};

const struct plot_kind plot_latency_vs_context = {"latency_vs_context", "", "decode speed against the length of the prompt", context,
                                                  draw_context};
const struct plot_kind plot_memory_scaling = {"memory_scaling", "", "memory against the length of the sequence", memory, draw_memory};
const struct plot_kind plot_k_sweep = {"k_sweep", "plots", "latency, throughput, acceptance and memory against the draft's length K",
                                       k, draw_k};
