/* p_limits.c - the plots against what bounds an engine: the machine's roofs, and quality against speed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/plot_rows.h"
#include "report/plots.h"
#include "store/record.h"

static int median(double *out, struct scene *s, const struct result_cell *cell, const char *metric, struct plot_caption *caption,
                  struct err *err)
{
    struct figure f;
    TRY(plot_figure_of(&f, s, cell, metric, caption, err));
    *out = f.median;
    return 0;
}

/* ---- roofline (Williams, Waterman & Patterson 2009) ---- */

struct roof {
    double gb_s, gops; /* of this machine, just before the launch */
};

/* Decode and prefill of a cell: operations a byte, and operations a second in 10^9. Decode does two operations a parameter
 * and sequence while it reads the weights once; what it attains is its share of the bandwidth times that intensity. Prefill
 * reads the same bytes, and its operations are its share of the peak times its time. */
static int cell_points(struct xy_point points[2], struct roof *roof, struct scene *s, const struct result_cell *cell,
                       struct plot_caption *caption, struct err *err)
{
    double of_bandwidth, of_arithmetic, prefill_ms;
    const struct result_request *q = cell->n_requests ? &cell->requests[0] : NULL;
    struct plot_caption aside = {0};
    points[0] = points[1] = (struct xy_point){.x = NAN, .y = NAN, .lo = NAN, .hi = NAN};
    TRY(median(&roof->gb_s, s, cell, "machine_read_gb_s", &aside, err));
    TRY(median(&roof->gops, s, cell, "machine_gops", &aside, err));
    TRY(median(&of_bandwidth, s, cell, "share_of_bandwidth", caption, err));
    TRY(median(&of_arithmetic, s, cell, "share_of_arithmetic", caption, err));
    TRY(median(&prefill_ms, s, cell, "prefill_ms", &aside, err));
    if (!q || q->step_bytes == RECORD_UNKNOWN || q->step_parameters == RECORD_UNKNOWN || q->step_bytes <= 0)
        return 0;
    double positions = q->prompt_positions == RECORD_UNKNOWN || q->position_bytes == RECORD_UNKNOWN
                           ? 0 : (double)q->prompt_positions * (double)q->position_bytes;
    points[0].x = 2.0 * (double)q->step_parameters * (double)q->batch / ((double)q->step_bytes + positions);
    points[0].y = of_bandwidth * roof->gb_s * points[0].x;
    points[1].y = of_arithmetic * roof->gops;
    points[1].x = points[1].y * 1e9 * prefill_ms / 1000 / (double)q->step_bytes;
    return 0;
}

static int draw_roofline(struct scene *s, const struct results *r, struct err *err)
{
    struct plot_rows rows;
    struct plot_caption caption = {0};
    struct roof best = {0, 0};
    double lo = INFINITY, hi = 0;
    size_t n = 0;
    TRY(plot_rows_select(&rows, s, r, "share_of_bandwidth", NULL, err));
    struct xy_series *series = scene_alloc(s, 2 * rows.n + 2, sizeof *series);
    if (!series)
        return 0;
    for (size_t i = 0; i < rows.n; i++) {
        struct xy_point *points = scene_alloc(s, 2, sizeof *points);
        struct roof roof = {NAN, NAN};
        if (!points)
            return 0;
        TRY(cell_points(points, &roof, s, rows.cells[i], &caption, err));
        best.gb_s = fmax(best.gb_s, roof.gb_s); /* fmax: a NaN is passed over */
        best.gops = fmax(best.gops, roof.gops);
        for (int k = 0; k < 2; k++) {
            if (!(points[k].x > 0) || !(points[k].y > 0))
                continue;
            lo = fmin(lo, points[k].x);
            hi = fmax(hi, points[k].x);
            series[n++] = (struct xy_series){.color = plot_engine_color(&rows, rows.engine_of[i]), .marked = true,
                                             .marker = k ? MARKER_UP : MARKER_CIRCLE, .points = &points[k], .n = 1};
        }
    }
    if (!n || !(best.gb_s > 0) || !(best.gops > 0))
        return 1;
    double ridge = best.gops / best.gb_s, from = fmin(lo, ridge) / 2, to = fmax(hi, ridge) * 2;
    struct xy_point roof[] = {{from, from * best.gb_s, NAN, NAN, NULL}, {ridge, best.gops, NAN, NAN, NULL}, {to, best.gops, NAN, NAN, NULL}};
    series[n++] = (struct xy_series){.color = s->theme->muted, .line = true, .points = roof, .n = 3, .width = 1.4};
    struct xy_panel panel = {.panel.kind = &panel_xy, .x = {.title = "operations a byte", .log = true},
                             .y = {.title = "attained", .unit = "GOP/s", .log = true}, .series = series, .n = n, .height = 300};
    const struct legend_entry *engines = plot_engine_legend(&rows, LEGEND_SWATCH);
    struct legend_entry *legend = scene_alloc(s, rows.n_engines + 3, sizeof *legend);
    char text[2][SCALE_TEXT_MAX];
    if (!engines || !legend)
        return 0;
    memcpy(legend, engines, rows.n_engines * sizeof *legend);
    legend[rows.n_engines] = (struct legend_entry){.name = "decode", .color = s->theme->muted, .look = LEGEND_MARKER, .marker = MARKER_CIRCLE};
    legend[rows.n_engines + 1] = (struct legend_entry){.name = "prefill", .color = s->theme->muted, .look = LEGEND_MARKER, .marker = MARKER_UP};
    legend[rows.n_engines + 2] = (struct legend_entry){.name = "this machine's limits", .color = s->theme->muted, .look = LEGEND_LINE};
    const struct plot_panel *panels[] = {&panel.panel};
    struct plot plot = {.title = "How near to the machine's limits", .panels = panels, .n_panels = 1, .legend = legend, .n_legend = rows.n_engines + 3,
                        .caption = plot_caption_text(s, r, &caption, NULL, scene_printf(s,
                            "Roofs: %s GB/s of plain reads and %s GOP/s, the most that was measured beside the launches.",
                            plot_number(best.gb_s, 3, text[0]), plot_number(best.gops, 3, text[1])))};
    plot_layout(s, &plot);
    return 0;
}

/* ---- quantization: speed against quality ---- */

/* The fastest cell of the same engine, model, quantization and device. */
static int speed_of(struct figure *out, struct scene *s, const struct results *r, const struct result_cell *like, struct plot_caption *caption,
                    struct err *err)
{
    *out = (struct figure){.median = NAN, .lo = NAN, .hi = NAN};
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct result_cell *cell = &r->cells[i];
        struct figure f;
        if (!str_eq(cell->engine, like->engine) || !str_eq(cell->variant, like->variant) || !str_eq(cell->model, like->model) ||
            !str_eq(plot_quantize_of(cell), plot_quantize_of(like)) || !str_eq(cell->device, like->device) || !plot_cell_has(cell, "tokens_per_sec"))
            continue;
        TRY(plot_figure_of(&f, s, cell, "tokens_per_sec", caption, err));
        if (!(f.median <= out->median))
            *out = f;
    }
    return 0;
}

static int by_speed(const void *a, const void *b)
{
    double x = ((const struct xy_point *)a)->x, y = ((const struct xy_point *)b)->x;
    return (x < y) - (x > y);
}

/* Points that no other one beats in both, from the fastest to the best. */
static size_t front_of(struct xy_point *front, const struct xy_point *points, size_t n)
{
    struct xy_point *sorted = front + n;
    size_t kept = 0;
    double best = INFINITY;
    memcpy(sorted, points, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_speed);
    for (size_t i = 0; i < n; i++)
        if (isfinite(sorted[i].x) && sorted[i].y < best) {
            best = sorted[i].y;
            front[kept] = sorted[i];
            front[kept].label = NULL;
            front[kept].lo = front[kept].hi = NAN;
            kept++;
        }
    return kept;
}

static int draw_pareto(struct scene *s, const struct results *r, struct err *err)
{
    struct plot_rows rows;
    struct plot_caption caption = {0};
    size_t n = 0, n_types = 0;
    TRY(plot_rows_select(&rows, s, r, "perplexity", NULL, err));
    struct xy_point *points = scene_alloc(s, rows.n, sizeof *points), *front = scene_alloc(s, 2 * rows.n, sizeof *front);
    struct xy_series *series = scene_alloc(s, rows.n + 1, sizeof *series);
    const char *first = NULL;
    bool models = false, devices = false;
    for (size_t i = 1; i < rows.n; i++) {
        models |= !str_eq(rows.cells[i]->model, rows.cells[0]->model);
        devices |= !str_eq(rows.cells[i]->device, rows.cells[0]->device);
    }
    for (size_t i = 0; points && front && series && i < rows.n; i++) {
        struct figure quality, speed;
        TRY(plot_figure_of(&quality, s, rows.cells[i], "perplexity", &caption, err));
        TRY(speed_of(&speed, s, r, rows.cells[i], &caption, err));
        if (!isfinite(quality.median) || !isfinite(speed.median))
            continue;
        n_types += !first || !str_eq(first, plot_quantize_of(rows.cells[i]));
        first = first ? first : plot_quantize_of(rows.cells[i]);
        points[n] = (struct xy_point){.x = speed.median, .y = quality.median, .lo = quality.lo, .hi = quality.hi,
                                      .label = scene_printf(s, "%s%s%s%s%s", models ? rows.cells[i]->model : "", models ? " " : "",
                                                            plot_quantize_of(rows.cells[i]), devices ? " on " : "",
                                                            devices ? rows.cells[i]->device : "")};
        series[n + 1] = (struct xy_series){.color = plot_engine_color(&rows, rows.engine_of[i]), .marked = true,
                                           .marker = plot_engine_marker(&rows, rows.engine_of[i]), .points = &points[n], .n = 1};
        n++;
    }
    if (n < 2 || n_types < 2)
        return 1;
    series[0] = (struct xy_series){.color = s->theme->muted, .line = true, .dash = 4, .width = 1, .points = front, .n = front_of(front, points, n)};
    struct xy_panel panel = {.panel.kind = &panel_xy, .x = plot_metric_axis("tokens_per_sec"), .y = plot_metric_axis("perplexity"), .series = series,
                             .n = n + 1, .height = 300};
    const struct plot_panel *panels[] = {&panel.panel};
    struct plot plot = {.title = "Quantization: quality against speed", .panels = panels, .n_panels = 1, .legend = plot_engine_legend(&rows, LEGEND_MARKER),
                        .n_legend = rows.n_engines,
                        .caption = plot_caption_text(s, r, &caption, NULL, "Right and low is better; dashed: what nothing else beats in both.")};
    plot_layout(s, &plot);
    return 0;
}

static const char *const roofs[] = {"share_of_bandwidth", "share_of_arithmetic", "machine_read_gb_s", "machine_gops", NULL},
                         *const quality[] = {"perplexity", NULL};

const struct plot_kind plot_roofline = {"roofline", "plots", "decode and prefill under the machine's roofs of bandwidth and arithmetic", roofs,
                                        draw_roofline};
const struct plot_kind plot_quantization_pareto = {"quantization_pareto", "plots", "perplexity against decode speed, by quantization", quality,
                                                   draw_pareto};
