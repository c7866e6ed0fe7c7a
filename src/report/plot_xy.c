/* plot_xy.c - lines with bands, steps, points with names: whatever has two numeric axes. */
#include <math.h>

#include "report/plot.h"

#define HEIGHT 250.0
#define HEAD 18.0 /* the title of the vertical axis stands above it, where it reads without turning the head */

static const struct xy_panel *xy_of(const struct plot_panel *panel)
{
    return (const struct xy_panel *)panel;
}

static double wanted_height(struct scene *s, const struct plot_panel *panel, double width)
{
    const struct xy_panel *xy = xy_of(panel);
    (void)s, (void)width;
    return HEAD + (xy->height > 0 ? xy->height : HEIGHT) + plot_axis_below(&xy->x);
}

static bool shown(const struct xy_point *p)
{
    return isfinite(p->x) && isfinite(p->y);
}

static void widen(double *lo, double *hi, double v)
{
    if (isfinite(v)) {
        *lo = fmin(*lo, v);
        *hi = fmax(*hi, v);
    }
}

struct frame {
    struct scene *s;
    struct scale x, y;
    struct box box;
};

static void make_scales(struct frame *f, const struct xy_panel *xy)
{
    double x_lo = INFINITY, x_hi = -INFINITY, y_lo = INFINITY, y_hi = -INFINITY;
    for (size_t i = 0; i < xy->n; i++)
        for (size_t k = 0; k < xy->series[i].n; k++) {
            const struct xy_point *p = &xy->series[i].points[k];
            if (!shown(p))
                continue;
            widen(&x_lo, &x_hi, p->x);
            widen(&y_lo, &y_hi, p->y);
            if (p->lo > 0 || !xy->y.log) /* a logarithmic axis cannot reach there: the interval ends at its foot */
                widen(&y_lo, &y_hi, p->lo);
            widen(&y_lo, &y_hi, p->hi);
        }
    if (xy->mark_y != 0)
        widen(&y_lo, &y_hi, xy->mark_y);
    scale_make(&f->x, &xy->x, x_lo, x_hi, f->box.w, 62);
    scale_make(&f->y, &xy->y, y_lo, y_hi, f->box.h, 34);
    f->x.from = f->box.x;
    f->x.to = f->box.x + f->box.w;
    f->y.from = f->box.y + f->box.h;
    f->y.to = f->box.y;
}

static void draw_y_axis(struct frame *f, const struct xy_panel *xy, double left)
{
    char label[SCALE_TEXT_MAX], title[128];
    struct text_style style = plot_text(f->s, plot_tick_size, true);
    style.anchor = ANCHOR_END;
    for (size_t i = 0; i < f->y.n_ticks; i++) {
        double y = scale_at(&f->y, f->y.ticks[i] / f->y.factor);
        scene_line(f->s, f->box.x, y, f->box.x + f->box.w, y, f->s->theme->grid, 0.8, 0);
        scene_text(f->s, f->box.x - 6, y + 3.4, scale_label(&f->y, i, label), style);
    }
    style = plot_text(f->s, plot_label_size, false);
    scene_text(f->s, left, f->box.y - 8, scene_fit(f->s, scale_title(&f->y, &xy->y, title), style, f->box.x + f->box.w - left), style);
}

/* Runs of points without a gap, as one path each. */
static void draw_line(struct frame *f, const struct xy_series *series)
{
    struct ink ink = {.stroke = series->color, .width = series->width > 0 ? series->width : 1.6, .dash = series->dash};
    struct point *path = scene_alloc(f->s, 2 * series->n, sizeof *path);
    size_t n = 0;
    for (size_t k = 0; path && k <= series->n; k++) {
        bool there = k < series->n && shown(&series->points[k]);
        if (there) {
            struct point p = {scale_at(&f->x, series->points[k].x), scale_at(&f->y, series->points[k].y)};
            if (series->step && n > 0) {
                path[n] = (struct point){p.x, path[n - 1].y};
                n++;
            }
            path[n++] = p;
        } else {
            if (n > 1)
                scene_path(f->s, path, n, false, ink);
            n = 0;
        }
    }
}

static void draw_band(struct frame *f, const struct xy_series *series)
{
    struct ink ink = {.fill = rgb_alpha(series->color, f->s->theme->dark ? 0.24 : 0.16)};
    struct point *up = scene_alloc(f->s, 4 * series->n, sizeof *up), *area = scene_alloc(f->s, 4 * series->n, sizeof *area);
    size_t n = 0;
    for (size_t k = 0; up && area && k <= series->n; k++) {
        const struct xy_point *p = k < series->n ? &series->points[k] : NULL;
        if (p && shown(p) && isfinite(p->lo) && isfinite(p->hi)) {
            double x = scale_at(&f->x, p->x);
            if (series->step && n > 0) {
                area[n] = (struct point){x, area[n - 1].y};
                up[n] = (struct point){x, up[n - 1].y};
                n++;
            }
            area[n] = (struct point){x, scale_at(&f->y, p->lo)};
            up[n++] = (struct point){x, scale_at(&f->y, p->hi)};
        } else {
            for (size_t i = 0; i < n; i++)
                area[n + i] = up[n - 1 - i];
            if (n > 1)
                scene_path(f->s, area, 2 * n, true, ink);
            n = 0;
        }
    }
}

static void draw_bars(struct frame *f, const struct xy_series *series)
{
    for (size_t k = 0; k < series->n; k++) {
        const struct xy_point *p = &series->points[k];
        if (!shown(p) || !isfinite(p->lo) || !isfinite(p->hi))
            continue;
        double x = scale_at(&f->x, p->x), lo = scale_at(&f->y, p->lo), hi = scale_at(&f->y, p->hi);
        scene_line(f->s, x, lo, x, hi, series->color, 1.1, 0);
        scene_line(f->s, x - 3, lo, x + 3, lo, series->color, 1.1, 0);
        scene_line(f->s, x - 3, hi, x + 3, hi, series->color, 1.1, 0);
    }
}

/* ---- names beside points ---- */

static bool apart(struct box a, struct box b)
{
    return a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
}

struct taken {
    struct box *boxes;
    size_t n;
};

static bool is_free(const struct taken *taken, struct box box, struct box within)
{
    if (box.x < within.x || box.y < within.y || box.x + box.w > within.x + within.w || box.y + box.h > within.y + within.h)
        return false;
    for (size_t i = 0; i < taken->n; i++)
        if (!apart(taken->boxes[i], box))
            return false;
    return true;
}

/* The nearest free place about the point, with a thin line to it when it is not beside it; without room none: the
 * legend, or the row in the table, names the point then. */
static void draw_label(struct frame *f, struct taken *taken, const struct xy_point *p, struct rgb color)
{
    static const struct point ways[] = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};
    struct text_style style = plot_text(f->s, plot_tick_size, false);
    const char *text = scene_fit(f->s, p->label, style, f->box.w * 0.4);
    double x = scale_at(&f->x, p->x), y = scale_at(&f->y, p->y), w = scene_width(f->s, text, style), h = style.size;
    for (double reach = 7; reach < 120; reach += reach < 10 ? 6 : 12)
        for (size_t i = 0; i < 8; i++) {
            double cx = x + ways[i].x * (reach + w / 2), cy = y + ways[i].y * (reach + h / 2 - (ways[i].x != 0 ? h / 2 : 0));
            struct box box = {cx - w / 2 - 1, cy - h / 2 - 1, w + 2, h + 2};
            if (!is_free(taken, box, f->box))
                continue;
            if (reach > 13)
                scene_line(f->s, x + ways[i].x * 4, y + ways[i].y * 4, cx - ways[i].x * w / 2, cy - (ways[i].x == 0 ? ways[i].y * h / 2 : 0),
                           color, 0.6, 0);
            scene_text(f->s, cx - w / 2, cy + h * 0.36, text, style);
            taken->boxes[taken->n++] = box;
            return;
        }
}

enum { ALONG = 48 };

static bool any_label(const struct xy_panel *xy)
{
    for (size_t i = 0; i < xy->n; i++)
        for (size_t k = 0; k < xy->series[i].n; k++)
            if (xy->series[i].points[k].label)
                return true;
    return false;
}

static void draw_labels(struct frame *f, const struct xy_panel *xy)
{
    size_t n = 0;
    for (size_t i = 0; i < xy->n; i++)
        n += xy->series[i].n;
    struct taken taken = {.boxes = scene_alloc(f->s, 3 * n + ALONG * n, sizeof *taken.boxes)};
    if (!taken.boxes || !any_label(xy))
        return;
    for (size_t i = 0; i < xy->n; i++)
        for (size_t k = 0; k < xy->series[i].n; k++) {
            const struct xy_point *p = &xy->series[i].points[k];
            if (!shown(p))
                continue;
            double x = scale_at(&f->x, p->x), y = scale_at(&f->y, p->y);
            if (xy->series[i].marked)
                taken.boxes[taken.n++] = (struct box){x - 4, y - 4, 8, 8};
            if (!xy->series[i].band && isfinite(p->lo) && isfinite(p->hi))
                taken.boxes[taken.n++] = (struct box){x - 3, scale_at(&f->y, p->hi), 6, scale_at(&f->y, p->lo) - scale_at(&f->y, p->hi)};
            if (xy->series[i].line && k > 0 && shown(p - 1)) { /* a line as a row of dots */
                double from_x = scale_at(&f->x, p[-1].x), from_y = scale_at(&f->y, p[-1].y);
                for (int d = 1; d < ALONG; d++)
                    taken.boxes[taken.n++] = (struct box){from_x + (x - from_x) * d / ALONG - 1, from_y + (y - from_y) * d / ALONG - 1, 2, 2};
            }
        }
    for (size_t i = 0; i < xy->n; i++)
        for (size_t k = 0; k < xy->series[i].n; k++)
            if (xy->series[i].points[k].label && shown(&xy->series[i].points[k]))
                draw_label(f, &taken, &xy->series[i].points[k], xy->series[i].color);
}

static void draw(struct scene *s, const struct plot_panel *panel, struct box whole)
{
    const struct xy_panel *xy = xy_of(panel);
    struct frame f = {.s = s, .box = {whole.x, whole.y + HEAD, whole.w - 8, whole.h - HEAD - plot_axis_below(&xy->x)}};
    char label[SCALE_TEXT_MAX];
    double widest = 0;
    make_scales(&f, xy); /* once for the labels, again for the room that they leave */
    for (size_t i = 0; i < f.y.n_ticks; i++)
        widest = fmax(widest, scene_width(s, scale_label(&f.y, i, label), plot_text(s, plot_tick_size, true)));
    f.box.x += widest + 8;
    f.box.w -= widest + 8;
    make_scales(&f, xy);
    draw_y_axis(&f, xy, whole.x);
    plot_axis_x(s, &f.x, &xy->x, f.box);
    if (xy->mark_y != 0 && isfinite(xy->mark_y) && f.y.n_ticks)
        plot_mark_line(s, f.box.x, scale_at(&f.y, xy->mark_y), f.box.x + f.box.w, scale_at(&f.y, xy->mark_y));
    for (size_t i = 0; i < xy->n; i++)
        if (xy->series[i].band)
            draw_band(&f, &xy->series[i]);
    for (size_t i = 0; i < xy->n; i++) {
        const struct xy_series *series = &xy->series[i];
        if (series->line)
            draw_line(&f, series);
        if (!series->band)
            draw_bars(&f, series);
    }
    for (size_t i = 0; i < xy->n; i++)
        for (size_t k = 0; xy->series[i].marked && k < xy->series[i].n; k++)
            if (shown(&xy->series[i].points[k]))
                scene_marker(s, xy->series[i].marker, scale_at(&f.x, xy->series[i].points[k].x),
                             scale_at(&f.y, xy->series[i].points[k].y), 3.4, xy->series[i].color);
    draw_labels(&f, xy);
}

const struct panel_kind panel_xy = {wanted_height, draw};
