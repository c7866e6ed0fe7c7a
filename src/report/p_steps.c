/* p_steps.c - the plots of single token steps: how their times spread, and when each token came. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot_rows.h"
#include "report/plots.h"

/* All decode steps of a cell: each step once, whatever launch it is of. */
static size_t all_steps(double **out, struct scene *s, const struct result_cell *cell)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; cell && i < cell->n_requests; i++)
        most += cell->requests[i].n_steps;
    *out = scene_alloc(s, most, sizeof **out);
    for (size_t i = 0; *out && cell && i < cell->n_requests; i++)
        for (size_t k = 1; k < cell->requests[i].n_steps; k++)
            if (isfinite(cell->requests[i].step_ms[k]))
                (*out)[n++] = cell->requests[i].step_ms[k];
    return n;
}

/* A spread over more than this needs a logarithmic axis to show where most of it lies. */
enum { LOG_FROM = 12 };

static int draw_spread(struct scene *s, const struct results *r, struct err *err)
{
    struct plot_rows rows;
    double lo = INFINITY, hi = 0;
    size_t least = SIZE_MAX, most = 0;
    TRY(plot_rows_select(&rows, s, r, "total_latency_ms", NULL, err));
    struct spread *spreads = scene_alloc(s, rows.n_conditions * rows.n_engines, sizeof *spreads);
    struct spread_panel *panel = scene_alloc(s, rows.n_conditions, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(s, rows.n_conditions, sizeof *panels);
    if (!spreads || !panel || !panels)
        return 0;
    for (size_t i = 0; i < rows.n_conditions * rows.n_engines; i++) {
        const struct result_cell *cell = plot_rows_cell(&rows, i % rows.n_engines, i / rows.n_engines);
        double *x;
        size_t n = all_steps(&x, s, cell);
        spreads[i] = (struct spread){.name = rows.engines[i % rows.n_engines], .color = plot_engine_color(&rows, i % rows.n_engines),
                                     .x = x, .n = n, .why = plot_cell_reason(cell)};
        for (size_t k = 0; k < n; k++) {
            lo = fmin(lo, x[k]);
            hi = fmax(hi, x[k]);
        }
        if (n) {
            least = n < least ? n : least;
            most = n > most ? n : most;
        }
    }
    for (size_t c = 0; c < rows.n_conditions; c++) {
        panel[c] = (struct spread_panel){.panel = {&panel_spread, rows.n_conditions > 1 ? rows.conditions[c] : NULL},
                                         .x = {.title = "time of a token step", .unit = "ms", .log = lo > 0 && hi / lo > LOG_FROM, .lo = lo, .hi = hi},
                                         .rows = spreads + c * rows.n_engines, .n_rows = rows.n_engines};
        panel[c].x.untitled = c + 1 < rows.n_conditions;
        panels[c] = &panel[c].panel;
    }
    struct plot_caption none = {0};
    struct plot plot = {.title = "How the times of token steps spread", .panels = panels, .n_panels = rows.n_conditions,
                        .caption = plot_caption_text(s, r, &none, NULL, scene_printf(s,
                            "Time from a token to the next, of all timed requests: n = %zu%s%s steps a row. Outline: density; bar: middle half; "
                            "circle: median.", least, most > least ? " to " : "", most > least ? scene_printf(s, "%zu", most) : ""))};
    plot_layout(s, &plot);
    return 0;
}

/* The request whose whole time is the median of its cell's. */
static const struct result_request *typical(const struct result_cell *cell)
{
    const struct result_request *best = NULL;
    size_t wanted = cell ? cell->n_requests / 2 : 0;
    for (size_t i = 0; cell && i < cell->n_requests && !best; i++) {
        size_t below = 0;
        for (size_t k = 0; k < cell->n_requests; k++)
            below += cell->requests[k].total_ms < cell->requests[i].total_ms ||
                     (cell->requests[k].total_ms == cell->requests[i].total_ms && k < i);
        if (below == wanted)
            best = &cell->requests[i];
    }
    return best;
}

/* When each token came, from the times of its steps; NULL when one of them is unknown. */
static double *arrivals(struct scene *s, const struct result_request *q)
{
    double *at = q ? scene_alloc(s, q->n_steps, sizeof *at) : NULL, t = 0;
    for (size_t k = 0; at && k < q->n_steps; k++) {
        t += q->step_ms[k];
        at[k] = t;
    }
    return at && isfinite(t) ? at : NULL;
}

static int draw_timeline(struct scene *s, const struct results *r, struct err *err)
{
    struct plot_rows rows;
    bool any = false;
    double last = 0;
    TRY(plot_rows_select(&rows, s, r, "total_latency_ms", NULL, err));
    struct lane *lanes = scene_alloc(s, rows.n_conditions * rows.n_engines, sizeof *lanes);
    struct lanes_panel *panel = scene_alloc(s, rows.n_conditions, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(s, rows.n_conditions, sizeof *panels);
    if (!lanes || !panel || !panels)
        return 0;
    for (size_t i = 0; i < rows.n_conditions * rows.n_engines; i++) {
        const struct result_cell *cell = plot_rows_cell(&rows, i % rows.n_engines, i / rows.n_engines);
        const struct result_request *q = typical(cell);
        double *at = arrivals(s, q);
        lanes[i] = (struct lane){.name = rows.engines[i % rows.n_engines], .color = plot_engine_color(&rows, i % rows.n_engines),
                                 .start = at && q->n_steps ? at[0] : NAN, .ticks = at, .n = at ? q->n_steps : 0,
                                 .why = q ? "the time of a step is unknown" : plot_cell_reason(cell)};
        any |= lanes[i].n > 0;
        last = lanes[i].n ? fmax(last, at[lanes[i].n - 1]) : last;
    }
    for (size_t c = 0; c < rows.n_conditions; c++) {
        panel[c] = (struct lanes_panel){.panel = {&panel_lanes, rows.n_conditions > 1 ? rows.conditions[c] : NULL},
                                        .x = {.title = "since the request", .unit = "ms", .zero = true, .hi = last}, .lanes = lanes + c * rows.n_engines,
                                        .n_lanes = rows.n_engines};
        panel[c].x.untitled = c + 1 < rows.n_conditions;
        panels[c] = &panel[c].panel;
    }
    struct plot_caption none = {0};
    struct plot plot = {.title = "When each token came", .panels = panels, .n_panels = rows.n_conditions,
                        .caption = plot_caption_text(s, r, &none, NULL, "n = 1 request a row, the one whose whole time is the median of its cell. "
                                                     "Bar: prefill; each tick: a token.")};
    if (any)
        plot_layout(s, &plot);
    return any ? 0 : 1;
}

static const char *const columns[] = {"total_latency_ms", NULL};

const struct plot_kind plot_latency_distribution = {"latency_distribution", "plots", "how the times of token steps spread", columns,
                                                    draw_spread};
const struct plot_kind plot_token_timeline = {"token_timeline", "plots", "when each token of a typical request came", columns,
                                              draw_timeline};
