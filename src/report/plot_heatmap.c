/* plot_heatmap.c - a matrix: a colour and a number a cell. */
#include <math.h>

#include "report/plot.h"

#define KEY 58.0 /* the column of the colour key, with its labels */
#define TITLE 18.0

static const struct heatmap_panel *heatmap_of(const struct plot_panel *panel)
{
    return (const struct heatmap_panel *)panel;
}

/* Where all is; the same for measuring and for drawing. */
struct grid {
    double left, top, cell_w, cell_h, angle, names;
};

static struct grid grid_of(struct scene *s, const struct heatmap_panel *p, double width)
{
    struct grid g = {.names = plot_names_width(s, p->rows, p->n_rows, width)};
    struct text_style style = plot_text(s, plot_label_size, false);
    double widest = 0, columns = (double)p->n_columns;
    g.left = g.names + (p->row_title ? TITLE : 0);
    g.cell_w = fmin((width - g.left - KEY - 10) / columns, 92);
    g.cell_h = fmin(fmax(g.cell_w * 0.62, 24), 40);
    for (size_t i = 0; i < p->n_columns; i++)
        widest = fmax(widest, scene_width(s, p->columns[i], style));
    g.angle = widest + 6 <= g.cell_w ? 0 : 45;
    g.top = (p->column_title ? TITLE : 0) + (g.angle == 0 ? 18 : fmin(widest, 120) * 0.7072 + 14);
    return g;
}

static double wanted_height(struct scene *s, const struct plot_panel *panel, double width)
{
    const struct heatmap_panel *p = heatmap_of(panel);
    struct grid g = grid_of(s, p, width);
    return g.top + g.cell_h * (double)p->n_rows + 6;
}

static void draw_names(struct scene *s, const struct heatmap_panel *p, const struct grid *g, struct box whole)
{
    struct text_style style = plot_text(s, plot_label_size, false), title = plot_text(s, plot_label_size, true);
    double x0 = whole.x + g->left, y0 = whole.y + g->top;
    for (size_t r = 0; r < p->n_rows; r++)
        plot_name(s, p->rows[r], x0, y0 + g->cell_h * ((double)r + 0.5), g->names, g->cell_h);
    for (size_t c = 0; c < p->n_columns; c++) {
        double x = x0 + g->cell_w * ((double)c + 0.5);
        if (g->angle == 0) {
            style.anchor = ANCHOR_MIDDLE;
            scene_text(s, x, y0 - 7, p->columns[c], style);
        } else { /* a turned name reaches over the cells at its right; the last ones get only what the page has */
            double room = fmin(120, (s->width - 8 - x) / 0.7072);
            style.angle = -g->angle;
            scene_text(s, x + 3, y0 - 6, scene_fit(s, p->columns[c], style, room), style);
        }
    }
    title.anchor = ANCHOR_MIDDLE;
    if (p->column_title)
        scene_text(s, x0 + g->cell_w * (double)p->n_columns / 2, whole.y + 10,
                   scene_fit(s, p->column_title, title, g->cell_w * (double)p->n_columns), title);
    title.angle = -90;
    if (p->row_title)
        scene_text(s, whole.x + 8, y0 + g->cell_h * (double)p->n_rows / 2,
                   scene_fit(s, p->row_title, title, fmax(g->cell_h * (double)p->n_rows, 60)), title);
}

/* The scale as a column of colours with its ticks at the right. */
static void draw_key(struct scene *s, const struct scale *scale, double x, double y, double height)
{
    char label[SCALE_TEXT_MAX];
    struct scale key = *scale;
    struct text_style style = plot_text(s, plot_tick_size - 0.5, true);
    enum { STEPS = 48 };
    key.from = y + height;
    key.to = y;
    for (int i = 0; i < STEPS; i++) /* a hair longer each, so that no seam shows */
        scene_rect(s, (struct box){x, y + height * i / STEPS, 9, height / STEPS + (i + 1 < STEPS ? 0.6 : 0)},
                   (struct ink){.fill = ramp_color(1 - (i + 0.5) / STEPS, s->theme)});
    for (size_t i = 0; i < key.n_ticks; i++) {
        double at = scale_at(&key, key.ticks[i] / key.factor);
        scene_line(s, x + 9, at, x + 12, at, s->theme->axis, 0.8, 0);
        scene_text(s, x + 14, at + 3.1, scene_fit(s, scale_label(&key, i, label), style, KEY - 14), style);
    }
}

static void draw(struct scene *s, const struct plot_panel *panel, struct box whole)
{
    const struct heatmap_panel *p = heatmap_of(panel);
    struct grid g = grid_of(s, p, whole.w);
    struct scale scale;
    double lo = INFINITY, hi = -INFINITY, x0 = whole.x + g.left, y0 = whole.y + g.top;
    char text[SCALE_TEXT_MAX];
    for (size_t i = 0; i < p->n_rows * p->n_columns; i++)
        if (isfinite(p->values[i]) && (p->values[i] > 0 || !p->scale.log)) { /* on a log scale 0 is the lowest colour */
            lo = fmin(lo, p->values[i]);
            hi = fmax(hi, p->values[i]);
        }
    scale_make(&scale, &p->scale, lo, hi, g.cell_h * (double)p->n_rows, 26);
    scale.from = 0;
    scale.to = 1;
    draw_names(s, p, &g, whole);
    for (size_t r = 0; r < p->n_rows; r++)
        for (size_t c = 0; c < p->n_columns; c++) {
            double v = p->values[r * p->n_columns + c], x = x0 + g.cell_w * (double)c, y = y0 + g.cell_h * (double)r;
            bool there = isfinite(v);
            struct rgb color = there ? ramp_color(scale_at(&scale, v), s->theme) : s->theme->missing;
            struct text_style style = {.size = 9.5, .color = there ? rgb_on(color) : s->theme->muted, .anchor = ANCHOR_MIDDLE};
            scene_rect(s, (struct box){x, y, g.cell_w, g.cell_h}, (struct ink){.fill = color, .stroke = s->theme->paper, .width = 1.2});
            plot_number(v * scale.factor, 3, text);
            while (style.size > 6 && scene_width(s, text, style) > g.cell_w - 4)
                style.size -= 0.5;
            if (scene_width(s, text, style) <= g.cell_w - 2)
                scene_text(s, x + g.cell_w / 2, y + g.cell_h / 2 + style.size * 0.36, text, style);
        }
    if (scale.n_ticks)
        draw_key(s, &scale, x0 + g.cell_w * (double)p->n_columns + 10, y0, g.cell_h * (double)p->n_rows);
}

const struct panel_kind panel_heatmap = {wanted_height, draw};
