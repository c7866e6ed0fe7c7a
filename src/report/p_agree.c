/* p_agree.c - the plots of agreement between engines. A cell of the experiments `distribution` and `greedy` is an engine
 * against another one: its parameter `against` is the other's label, `reference` that of the run's reference; its values are
 * one a prompt. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "report/plot_rows.h"
#include "report/plots.h"
#include "stats/survival.h"

static const char *text_param(const struct result_cell *cell, const char *name)
{
    const char *text = json_string_value(json_object_get(cell->params, name));
    return text ? text : "";
}

static bool is_to_reference(const struct result_cell *cell)
{
    return *text_param(cell, "reference") && str_eq(text_param(cell, "against"), text_param(cell, "reference"));
}

static int mean_of(struct figure *out, struct scene *s, const struct result_cell *cell, const char *metric, struct err *err)
{
    size_t n = 0;
    bool launches;
    const double *x = plot_samples(s, cell, metric, &n, &launches, err);
    *out = (struct figure){.mean = NAN, .lo = NAN, .hi = NAN};
    if (!x)
        return -1;
    return n ? figure_of(out, x, n, &(struct figure_opts){.about = FIGURE_MEAN}, err) : 0;
}

static void count(size_t *least, size_t *most, size_t n)
{
    if (n) {
        *least = *most == 0 || n < *least ? n : *least;
        *most = n > *most ? n : *most;
    }
}

/* ---- fig1: against the reference ---- */

static int draw_metrics(struct scene *s, const struct results *r, struct err *err)
{
    static const char *const metrics[] = {"kl", "top10_overlap", "spearman"};
    static const struct plot_axis axes[] = {{.title = "KL divergence", .unit = "nats", .zero = true},
                                            {.title = "top-10 overlap", .percent = true, .zero = true},
                                            {.title = "Spearman ρ", .zero = true}};
    struct plot_rows rows;
    struct bars_panel panel[3];
    const struct plot_panel *panels[3];
    struct bars_series series = {{0, 0, 0, 1}};
    size_t n = 0, least = 0, most = 0;
    TRY(plot_rows_select(&rows, s, r, "kl", "against", err)); /* `against` is the reference in all that are shown */
    const struct result_cell **cells = scene_alloc(s, rows.n, sizeof *cells);
    const char **names = scene_alloc(s, rows.n, sizeof *names), *reference = "the reference";
    struct rgb *colors = scene_alloc(s, rows.n, sizeof *colors);
    if (!cells || !names || !colors)
        return 0;
    for (size_t e = 0; e < rows.n_engines; e++)
        for (size_t c = 0; c < rows.n_conditions; c++)
            for (size_t i = 0; i < rows.n; i++)
                if (rows.engine_of[i] == e && rows.condition_of[i] == c && is_to_reference(rows.cells[i])) {
                    bool several = rows.n_conditions > 1;
                    cells[n] = rows.cells[i];
                    names[n] = scene_printf(s, "%s%s%s", rows.engines[e], several ? " · " : "", several ? rows.conditions[c] : "");
                    colors[n] = rgb_mix(plot_engine_color(&rows, e), s->theme->paper, c % 3 == 0 ? 0 : c % 3 == 1 ? 0.35 : 0.6);
                    reference = text_param(rows.cells[i], "reference");
                    n++;
                }
    double lead = plot_names_width(s, names, n, PLOT_WIDTH);
    for (size_t m = 0; m < 3 && n; m++) {
        struct bar *bars = scene_alloc(s, n, sizeof *bars);
        for (size_t i = 0; bars && i < n; i++) {
            struct figure f;
            TRY(mean_of(&f, s, cells[i], metrics[m], err));
            count(&least, &most, f.n);
            bars[i] = (struct bar){.x = f.mean, .lo = f.lo, .hi = f.hi, .why = plot_cell_reason(cells[i])};
        }
        panel[m] = (struct bars_panel){.panel = {&panel_bars, NULL}, .x = axes[m], .rows = names, .n_rows = n, .series = &series,
                                       .n_series = 1, .bars = bars, .bare = m > 0, .names = lead, .row_colors = colors};
        panels[m] = &panel[m].panel;
    }
    struct plot plot = {.title = scene_printf(s, "Next-token distributions against %s", reference), .panels = panels, .n_panels = 3, .across = 3,
                        .lead = lead, .width = fmax(PLOT_WIDTH, lead + 690),
                        .caption = plot_caption_counted(s, r, least, most, "prompts", "Mean over prompts, 95 % interval: t of the mean.")};
    if (n)
        plot_layout(s, &plot);
    return n ? 0 : 1;
}

/* ---- fig2 to fig4: all pairs ---- */

struct pairs {
    const char *metric, *title;
    struct plot_axis scale;
};

/* A matrix for each condition: rows are engines, columns what they are held against. */
static int draw_pairs(struct scene *s, const struct results *r, const struct pairs *how, struct err *err)
{
    struct plot_rows rows;
    size_t n_names = 0, least = 0, most = 0;
    TRY(plot_rows_select(&rows, s, r, how->metric, "against", err));
    const char **names = scene_alloc(s, rows.n_engines + rows.n, sizeof *names);
    struct heatmap_panel *panel = scene_alloc(s, rows.n_conditions, sizeof *panel);
    const struct plot_panel **panels = scene_alloc(s, rows.n_conditions, sizeof *panels);
    if (!names || !panel || !panels)
        return 0;
    for (size_t e = 0; e < rows.n_engines; e++)
        names[n_names++] = rows.engines[e];
    for (size_t i = 0; i < rows.n; i++) { /* the reference may never be measured against another */
        bool known = !*text_param(rows.cells[i], "against");
        for (size_t k = 0; k < n_names && !known; k++)
            known = str_eq(names[k], text_param(rows.cells[i], "against"));
        if (!known)
            names[n_names++] = text_param(rows.cells[i], "against");
    }
    if (n_names < 2)
        return 1;
    for (size_t c = 0; c < rows.n_conditions; c++) {
        double *values = scene_alloc(s, n_names * n_names, sizeof *values);
        for (size_t i = 0; values && i < n_names * n_names; i++)
            values[i] = NAN;
        for (size_t i = 0; values && i < rows.n; i++)
            for (size_t k = 0; rows.condition_of[i] == c && k < n_names; k++)
                if (str_eq(names[k], text_param(rows.cells[i], "against"))) {
                    struct figure f;
                    TRY(mean_of(&f, s, rows.cells[i], how->metric, err));
                    count(&least, &most, f.n);
                    values[rows.engine_of[i] * n_names + k] = f.mean;
                }
        panel[c] = (struct heatmap_panel){.panel = {&panel_heatmap, rows.n_conditions > 1 ? rows.conditions[c] : NULL}, .rows = names,
                                          .columns = names, .n_rows = n_names, .n_columns = n_names, .values = values,
                                          .row_title = "engine", .column_title = "against", .scale = how->scale};
        panels[c] = &panel[c].panel;
    }
    struct plot plot = {.title = how->title, .panels = panels, .n_panels = rows.n_conditions,
                        .caption = plot_caption_counted(s, r, least, most, "prompts", "Mean over prompts; –: not measured.")};
    plot_layout(s, &plot);
    return 0;
}

static int draw_kl(struct scene *s, const struct results *r, struct err *err)
{
    return draw_pairs(s, r, &(struct pairs){"kl", "KL divergence of all pairs (nats)", {.title = "KL divergence", .unit = "nats", .log = true}}, err);
}

static int draw_exact(struct scene *s, const struct results *r, struct err *err)
{
    return draw_pairs(s, r, &(struct pairs){"exact_match", "Greedy texts that are exactly the same (%)", {.title = "exact match", .percent = true, .lo = 0, .hi = 1}}, err);
}

static int draw_lcp(struct scene *s, const struct results *r, struct err *err)
{
    return draw_pairs(s, r, &(struct pairs){"lcp", "Longest common prefix of greedy texts (tokens)", {.title = "longest common prefix", .zero = true}}, err);
}

/* ---- how long do texts stay together ---- */

struct fate {
    double *t;
    bool *event;
    size_t n;
};

/* Prompts come as pairs of values under the same numbers: how far both went together, and whether they parted there. */
static void fates_of(struct fate *out, struct scene *s, const struct result_cell *cell)
{
    *out = (struct fate){scene_alloc(s, cell->n_values, sizeof(double)), scene_alloc(s, cell->n_values, sizeof(bool)), 0};
    for (size_t i = 0; out->t && out->event && i < cell->n_values; i++)
        for (size_t k = 0; k < cell->n_values; k++) {
            const struct result_value *a = &cell->values[i], *b = &cell->values[k];
            if (strcmp(a->name, "lcp") || strcmp(b->name, "diverged") || a->launch != b->launch || a->index != b->index ||
                !isfinite(a->x) || !isfinite(b->x))
                continue;
            out->t[out->n] = a->x;
            out->event[out->n++] = b->x != 0;
        }
}

static int survival_line(struct xy_series *out, struct scene *s, const struct fate *fate, struct err *err)
{
    struct kaplan_meier km = {0};
    double last = 0;
    TRY(kaplan_meier(&km, fate->t, fate->event, fate->n, 0.95, err));
    struct xy_point *points = scene_alloc(s, km.count + 2, sizeof *points);
    size_t n = 0;
    if (points) {
        points[n++] = (struct xy_point){.x = 0, .y = 1, .lo = 1, .hi = 1};
        for (size_t i = 0; i < km.count; i++)
            points[n++] = (struct xy_point){.x = km.steps[i].t, .y = km.steps[i].share, .lo = km.steps[i].ci.lo, .hi = km.steps[i].ci.hi};
        for (size_t i = 0; i < fate->n; i++)
            last = fmax(last, fate->t[i]);
        points[n] = points[n - 1];
        points[n++].x = last;
    }
    out->line = out->step = out->band = true;
    out->points = points;
    out->n = n;
    kaplan_meier_release(&km);
    return 0;
}

static int draw_survival(struct scene *s, const struct results *r, struct err *err)
{
    struct plot_rows rows;
    size_t n = 0, least = 0, most = 0;
    TRY(plot_rows_select(&rows, s, r, "lcp", "against", err));
    struct xy_series *series = scene_alloc(s, rows.n, sizeof *series);
    struct legend_entry *legend = scene_alloc(s, rows.n, sizeof *legend);
    const char *reference = "the reference";
    for (size_t at = 0; series && legend && at < rows.n * rows.n_engines; at++) { /* engine by engine, as everywhere */
        struct fate fate;
        size_t i = at % rows.n;
        if (rows.engine_of[i] != at / rows.n || !is_to_reference(rows.cells[i]))
            continue;
        fates_of(&fate, s, rows.cells[i]);
        if (!fate.n)
            continue;
        bool several = rows.n_conditions > 1;
        series[n] = (struct xy_series){.color = plot_engine_color(&rows, rows.engine_of[i]), .dash = plot_dash(rows.condition_of[i])};
        TRY(survival_line(&series[n], s, &fate, err));
        count(&least, &most, fate.n);
        legend[n] = (struct legend_entry){.name = scene_printf(s, "%s%s%s", rows.engines[rows.engine_of[i]], several ? " · " : "",
                                                               several ? rows.conditions[rows.condition_of[i]] : ""),
                                          .color = series[n].color, .look = LEGEND_LINE, .dash = series[n].dash};
        reference = text_param(rows.cells[i], "reference");
        n++;
    }
    struct xy_panel panel = {.panel.kind = &panel_xy, .x = {.title = "position", .unit = "tokens", .whole = true, .zero = true},
                             .y = {.title = "texts still the same", .percent = true, .zero = true, .lo = 0, .hi = 1}, .series = series, .n = n};
    const struct plot_panel *panels[] = {&panel.panel};
    struct plot plot = {.title = scene_printf(s, "How long greedy texts stay with %s", reference), .panels = panels, .n_panels = 1,
                        .legend = legend, .n_legend = n,
                        .caption = plot_caption_counted(s, r, least, most, "prompts", "Kaplan-Meier estimate, 95 % band (log-log); texts that agree up to the limit are censored there.")};
    if (n)
        plot_layout(s, &plot);
    return n ? 0 : 1;
}

static const char *const distribution[] = {"against", "kl", "top10_overlap", "spearman", NULL}, *const kl[] = {"against", "kl", NULL},
                         *const exact[] = {"against", "exact_match", NULL}, *const lcp[] = {"against", "lcp", NULL},
                         *const fates[] = {"against", "lcp", "diverged", NULL};

const struct plot_kind plot_fig1_distribution_metrics = {
    "fig1_distribution_metrics", "results/plots", "KL divergence, top-10 overlap and Spearman against the reference", distribution, draw_metrics};
const struct plot_kind plot_fig2_kl_heatmap = {"fig2_kl_heatmap", "results/plots", "KL divergence of all pairs of engines", kl, draw_kl};
const struct plot_kind plot_fig3_greedy_heatmap = {"fig3_greedy_heatmap", "results/plots", "greedy texts that are exactly the same, of all pairs",
                                                   exact, draw_exact};
const struct plot_kind plot_fig4_lcp_heatmap = {"fig4_lcp_heatmap", "results/plots", "longest common prefix of greedy texts, of all pairs", lcp,
                                                draw_lcp};
const struct plot_kind plot_divergence_survival = {"divergence_survival", "plots", "share of greedy texts that are still those of the reference",
                                                   fates, draw_survival};
