/* plot_bars.c - bars and grouped bars with error bars and their values. */
#include <math.h>

#include "report/plot.h"

#define IN_GROUP 10.5
#define BETWEEN 9.0 /* rows */
enum { MANY = 8 };  /* bars that are thinner, so that a page holds them */

static const struct bars_panel *bars_of(const struct plot_panel *panel)
{
    return (const struct bars_panel *)panel;
}

static double bar_height(const struct bars_panel *p)
{
    return p->n_series > 1 ? IN_GROUP : p->n_rows > MANY ? 11 : 15;
}

static double row_height(const struct bars_panel *p)
{
    return bar_height(p) * (double)p->n_series + (p->n_series == 1 && p->n_rows > MANY ? 5 : BETWEEN);
}

static double wanted_height(struct scene *s, const struct plot_panel *panel, double width)
{
    const struct bars_panel *p = bars_of(panel);
    (void)s, (void)width;
    return row_height(p) * (double)p->n_rows + plot_axis_below(&p->x);
}

/* As many digits as the interval bears, of three without one. */
static const char *value_text(const struct bar *bar, double factor, char text[SCALE_TEXT_MAX])
{
    double half = (bar->hi - bar->lo) / 2;
    int digits = 3;
    if (isfinite(half) && half > 0 && bar->x != 0)
        digits = (int)fmin(fmax(ceil(log10(fabs(bar->x) / half)) + 1, 2), 4);
    return plot_number(bar->x * factor, digits, text);
}

static double farthest(const struct bar *bar)
{
    return isfinite(bar->hi) ? fmax(bar->x, bar->hi) : bar->x;
}

static void draw_bar(struct scene *s, const struct scale *scale, const struct bar *bar, double y, double height, struct rgb color,
                     double right)
{
    double zero = scale_at(scale, scale->lo / scale->factor < 0 ? 0 : scale->lo / scale->factor), x = scale_at(scale, bar->x);
    struct text_style style = plot_text(s, plot_tick_size - 0.5, false);
    char text[SCALE_TEXT_MAX];
    scene_rect(s, (struct box){fmin(zero, x), y, fmax(fabs(x - zero), 0.6), height - 1}, (struct ink){.fill = color});
    double middle = y + (height - 1) / 2, end = fmax(x, zero);
    if (isfinite(bar->lo) && isfinite(bar->hi)) {
        double lo = scale_at(scale, bar->lo), hi = scale_at(scale, bar->hi);
        /* a line of ink with a rim of paper reads on the bar and beside it */
        scene_line(s, lo, middle, hi, middle, rgb_alpha(s->theme->paper, 0.8), 2.6, 0);
        scene_line(s, lo, middle, hi, middle, s->theme->ink, 1, 0);
        scene_line(s, lo, middle - 2.5, lo, middle + 2.5, s->theme->ink, 1, 0);
        scene_line(s, hi, middle - 2.5, hi, middle + 2.5, s->theme->ink, 1, 0);
        end = fmax(end, hi);
    }
    const char *value = scene_fit(s, value_text(bar, scale->factor, text), style, fmax(right - end - 4, 20));
    scene_text(s, end + 5, middle + 3.2, value, style);
}

static void draw(struct scene *s, const struct plot_panel *panel, struct box whole)
{
    const struct bars_panel *p = bars_of(panel);
    double names = p->bare ? 0 : p->names > 0 ? p->names : plot_names_width(s, p->rows, p->n_rows, whole.w), lo = INFINITY, hi = -INFINITY, widest = 0;
    double step = bar_height(p), row = row_height(p), between = row - step * (double)p->n_series;
    struct scale scale;
    char text[SCALE_TEXT_MAX];
    struct box box = {whole.x + names, whole.y, whole.w - names, row * (double)p->n_rows};
    for (size_t i = 0; i < p->n_rows * p->n_series; i++) {
        const struct bar *bar = &p->bars[i];
        if (!isfinite(bar->x))
            continue;
        lo = fmin(lo, isfinite(bar->lo) ? fmin(bar->x, bar->lo) : bar->x);
        hi = fmax(hi, farthest(bar));
    }
    if (p->mark_x != 0 && isfinite(p->mark_x) && lo <= hi) {
        lo = fmin(lo, p->mark_x);
        hi = fmax(hi, p->mark_x);
    }
    scale_make(&scale, &p->x, lo, hi, box.w, 58);
    for (size_t i = 0; i < p->n_rows * p->n_series; i++)
        if (isfinite(p->bars[i].x))
            widest = fmax(widest, scene_width(s, value_text(&p->bars[i], scale.factor, text),
                                              plot_text(s, plot_tick_size - 0.5, false)));
    box.w -= widest + 8; /* values stand behind the bars, inside of the picture */
    scale_make(&scale, &p->x, lo, hi, box.w, 58);
    scale.from = box.x;
    scale.to = box.x + box.w;
    plot_axis_x(s, &scale, &p->x, box);
    for (size_t r = 0; r < p->n_rows; r++) {
        double top = box.y + row * (double)r + between / 2;
        if (!p->bare)
            plot_name(s, p->rows[r], box.x, top + (row - between) / 2 - 0.5, names, row);
        for (size_t k = 0; k < p->n_series; k++) {
            const struct bar *bar = &p->bars[r * p->n_series + k];
            double y = top + step * (double)k;
            struct rgb color = p->n_series == 1 && p->row_colors ? p->row_colors[r] : p->series[k].color;
            if (isfinite(bar->x))
                draw_bar(s, &scale, bar, y, step, color, whole.x + whole.w);
            else if (bar->unasked)
                scene_text(s, box.x + 5, y + step / 2 + 3, "–", plot_text(s, plot_tick_size, true));
            else
                plot_missing(s, box.x + 5, y + step / 2 - 0.5, whole.x + whole.w - box.x - 5, bar->why);
        }
    }
    if (p->mark_x != 0 && isfinite(p->mark_x) && scale.n_ticks)
        plot_mark_line(s, scale_at(&scale, p->mark_x), box.y, scale_at(&scale, p->mark_x), box.y + box.h);
    scene_line(s, box.x, box.y, box.x, box.y + box.h, s->theme->axis, 0.9, 0);
}

const struct panel_kind panel_bars = {wanted_height, draw};
