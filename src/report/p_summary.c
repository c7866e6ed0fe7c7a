/* p_summary.c - the plots that put several metrics of the same subjects beside each other: a row an engine with its model,
 * a panel a metric. The metrics may be of different experiments; of cells with several lengths the longest prompt is shown,
 * and the caption says so. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "report/plot_rows.h"
#include "report/plots.h"

enum { METRICS_MAX = 4 };

/* What must take more than one value, among the rows of an engine and model, for there to be something to compare. */
enum compared { BY_ANYTHING, BY_QUANTIZE, BY_DEVICE };

struct summary {
    const char *title, *metrics[METRICS_MAX];
    enum compared compared;
    size_t across;
};

struct subject {
    const struct result_cell *first; /* that it was found at */
    const char *engine, *model, *quantize, *device;
    const char *name;
    bool shown;
};

struct subjects {
    struct scene *s;
    const struct results *r;
    const char **engines; /* the label of each cell's */
    struct subject *at;
    size_t n;
    bool models, quantizes, devices;
};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool is_of(const struct subject *a, const struct subjects *all, size_t i)
{
    const struct result_cell *cell = &all->r->cells[i];
    return str_eq(a->engine, all->engines[i]) && str_eq(a->model, or_empty(cell->model)) &&
           str_eq(a->quantize, plot_quantize_of(cell)) && str_eq(a->device, or_empty(cell->device));
}

static bool has_any(const struct summary *sum, const struct result_cell *cell)
{
    for (size_t m = 0; m < METRICS_MAX && sum->metrics[m]; m++)
        if (plot_cell_has(cell, sum->metrics[m]))
            return true;
    return false;
}

static bool same_but(const struct subject *a, const struct subject *b, enum compared compared)
{
    return str_eq(a->engine, b->engine) && str_eq(a->model, b->model) &&
           (compared == BY_QUANTIZE || str_eq(a->quantize, b->quantize)) &&
           (compared == BY_DEVICE || str_eq(a->device, b->device));
}

/* Subjects with nothing to compare them with are left out of a comparison. */
static size_t choose(struct subjects *all, enum compared compared)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        all->at[i].shown = compared == BY_ANYTHING;
        for (size_t k = 0; k < all->n && !all->at[i].shown; k++)
            all->at[i].shown = i != k && same_but(&all->at[i], &all->at[k], compared);
        if (all->at[i].shown)
            all->at[n++] = all->at[i];
    }
    return all->n = n;
}

static void sort_subjects(struct subjects *all)
{
    for (size_t i = 1; i < all->n; i++)
        for (size_t k = i; k > 0; k--) {
            const struct subject *a = &all->at[k - 1], *b = &all->at[k];
            int order = strcmp(a->model, b->model);
            ptrdiff_t engines = engine_color_find(a->engine) - engine_color_find(b->engine);
            order = order ? order : engines ? (engines > 0 ? 1 : -1) : strcmp(a->engine, b->engine);
            order = order ? order : strcmp(a->device, b->device);
            order = order ? order : strcmp(a->quantize, b->quantize);
            if (order <= 0)
                break;
            struct subject swap = all->at[k];
            all->at[k] = all->at[k - 1];
            all->at[k - 1] = swap;
        }
}

static void name_subjects(struct subjects *all)
{
    for (size_t i = 1; i < all->n; i++) {
        all->models |= !str_eq(all->at[i].model, all->at[0].model);
        all->devices |= !str_eq(all->at[i].device, all->at[0].device);
        for (size_t k = 0; k < i; k++)
            all->quantizes |= same_but(&all->at[i], &all->at[k], BY_QUANTIZE);
    }
    for (size_t i = 0; i < all->n; i++) {
        const struct subject *a = &all->at[i];
        all->at[i].name = scene_printf(all->s, "%s%s%s%s%s%s%s", a->engine, all->models ? " · " : "", all->models ? a->model : "",
                                       all->quantizes && *a->quantize ? " · " : "", all->quantizes ? a->quantize : "",
                                       all->devices && *a->device ? " · " : "", all->devices ? a->device : "");
    }
}

static void find_subjects(struct subjects *all, const struct summary *sum)
{
    all->at = scene_alloc(all->s, all->r->n_cells, sizeof *all->at);
    all->engines = scene_alloc(all->s, all->r->n_cells, sizeof *all->engines);
    for (size_t i = 0; all->engines && i < all->r->n_cells; i++)
        all->engines[i] = plot_engine_name(all->s, all->r, &all->r->cells[i]);
    for (size_t i = 0; all->at && all->engines && i < all->r->n_cells; i++) {
        const struct result_cell *cell = &all->r->cells[i];
        bool known = !has_any(sum, cell);
        for (size_t k = 0; k < all->n && !known; k++)
            known = is_of(&all->at[k], all, i);
        if (!known)
            all->at[all->n++] = (struct subject){.first = cell, .engine = all->engines[i],
                                                 .model = or_empty(cell->model), .quantize = plot_quantize_of(cell),
                                                 .device = or_empty(cell->device)};
    }
    choose(all, sum->compared);
    sort_subjects(all);
    name_subjects(all);
}

/* The cell that stands for the subject: with the longest prompt, then the most new tokens, then the smallest batch. */
static const struct result_cell *cell_for(const struct subjects *all, const struct subject *subject, const char *metric, bool *several)
{
    const struct result_cell *best = NULL;
    for (size_t i = 0; i < all->r->n_cells; i++) {
        const struct result_cell *cell = &all->r->cells[i];
        if (!is_of(subject, all, i) || !plot_cell_has(cell, metric))
            continue;
        if (best) {
            static const struct {
                const char *name;
                double sign;
            } order[] = {{"prompt_len", 1}, {"seq_len", 1}, {"gen_len", 1}, {"batch_size", -1}};
            double better = 0;
            *several = true;
            for (size_t k = 0; k < 4 && better == 0; k++) {
                double here = plot_cell_param(cell, order[k].name), there = plot_cell_param(best, order[k].name);
                better = isnan(here) || isnan(there) ? (double)(isnan(there) - isnan(here)) : order[k].sign * (here - there);
            }
            if (better <= 0)
                continue;
        }
        best = cell;
    }
    return best;
}

static struct rgb color_of(const struct subjects *all, size_t i)
{
    const struct engine_color *row = engine_color_find(all->at[i].engine);
    const char *seen[16];
    size_t n = 0;
    for (size_t k = 0; k < i; k++) { /* the shades of its engine tell models and quantizations apart */
        bool new = engine_color_find(all->at[k].engine) == row && n < 16;
        for (size_t j = 0; j < n && new; j++)
            new = !str_eq(seen[j], all->at[k].name);
        if (new)
            seen[n++] = all->at[k].name;
    }
    return rgb_shade(rgb_of(all->s->theme->dark ? row->dark : row->light), n, all->s->theme);
}

static int draw_summary(struct scene *s, const struct results *r, const struct summary *sum, struct err *err)
{
    struct subjects all = {.s = s, .r = r};
    struct plot_caption caption = {0};
    struct bars_panel panel[METRICS_MAX];
    const struct plot_panel *panels[METRICS_MAX];
    struct bars_series series = {{0, 0, 0, 1}};
    size_t n_panels = 0;
    bool several = false;
    find_subjects(&all, sum);
    const char **names = scene_alloc(s, all.n, sizeof *names);
    struct rgb *colors = scene_alloc(s, all.n, sizeof *colors);
    if (!names || !colors || (sum->compared != BY_ANYTHING && all.n < 2))
        return 1;
    for (size_t i = 0; i < all.n; i++) {
        names[i] = all.at[i].name;
        colors[i] = color_of(&all, i);
    }
    double lead = plot_names_width(s, names, all.n, PLOT_WIDTH);
    for (size_t m = 0; m < METRICS_MAX && sum->metrics[m]; m++) {
        struct bar *bars = scene_alloc(s, all.n, sizeof *bars);
        size_t there = 0;
        for (size_t i = 0; bars && i < all.n; i++) {
            const struct result_cell *cell = cell_for(&all, &all.at[i], sum->metrics[m], &several);
            TRY(plot_bar_of(&bars[i], s, cell, sum->metrics[m], &caption, err));
            there += isfinite(bars[i].x);
        }
        if (!there)
            continue;
        panel[n_panels] = (struct bars_panel){.panel = {&panel_bars, NULL}, .x = plot_metric_axis(sum->metrics[m]), .rows = names,
                                              .n_rows = all.n, .series = &series, .n_series = 1, .bars = bars,
                                              .bare = n_panels % sum->across != 0, .names = lead, .row_colors = colors};
        panel[n_panels].x.zero = true;
        panels[n_panels] = &panel[n_panels].panel;
        n_panels++;
    }
    size_t across = sum->across < n_panels ? sum->across : n_panels;
    struct plot plot = {.title = sum->title, .panels = panels, .n_panels = n_panels, .across = across, .lead = lead,
                        .width = lead + 60 + 210 * (double)across,
                        .caption = plot_caption_text(s, r, &caption, NULL, several ? "Of several lengths the longest prompt is shown." : NULL)};
    plot.width = fmax(plot.width, PLOT_WIDTH);
    if (n_panels)
        plot_layout(s, &plot);
    return n_panels ? 0 : 1;
}

/* ---- the plots ---- */

static int draw_three(struct scene *s, const struct results *r, struct err *err)
{
    return draw_summary(s, r, &(struct summary){.title = "Quality, speed and memory", .across = 3,
                                                .metrics = {"perplexity", "tokens_per_sec", "peak_mb"}}, err);
}

static int draw_stats(struct scene *s, const struct results *r, struct err *err)
{
    return draw_summary(s, r, &(struct summary){.title = "Performance summary", .across = 2,
                                                .metrics = {"tokens_per_sec", "prefill_ms", "total_s", "peak_mb"}}, err);
}

static int draw_quantization(struct scene *s, const struct results *r, struct err *err)
{
    return draw_summary(s, r, &(struct summary){.title = "What quantization changes", .across = 3, .compared = BY_QUANTIZE,
                                                .metrics = {"tokens_per_sec", "peak_mb", "perplexity"}}, err);
}

static int draw_devices(struct scene *s, const struct results *r, struct err *err)
{
    return draw_summary(s, r, &(struct summary){.title = "Devices", .across = 3, .compared = BY_DEVICE,
                                                .metrics = {"tokens_per_sec", "prefill_ms", "peak_mb"}}, err);
}

static int draw_cold(struct scene *s, const struct results *r, struct err *err)
{
    return draw_summary(s, r, &(struct summary){.title = "Cold start and steady state", .across = 3,
                                                .metrics = {"cold_start_ms", "prefill_ms", "steady_ms_per_token"}}, err);
}

static const char *const speed[] = {"tokens_per_sec", NULL}, *const cold[] = {"cold_start_ms", "steady_ms_per_token", NULL};

const struct plot_kind plot_summary = {"summary", "", "quality, speed and memory side by side", speed, draw_three};
const struct plot_kind plot_summary_stats = {"summary_stats", "plots", "decode speed, prefill, whole time and memory side by side",
                                             speed, draw_stats};
const struct plot_kind plot_quantization_impact = {
    "quantization_impact", "plots", "speed, memory and quality of one model in several quantizations", speed, draw_quantization};
const struct plot_kind plot_device_comparison = {"device_comparison", "plots", "one engine and model on several devices", speed,
                                                 draw_devices};
const struct plot_kind plot_cold_vs_steady = {"cold_vs_steady", "plots", "from launch to first token, and what follows once warm",
                                              cold, draw_cold};
