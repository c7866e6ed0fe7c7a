#include "report/plot.h"

#include <math.h>
#include <string.h>

#define MARGIN 16.0
#define GAP 20.0

const double plot_tick_size = 9.5, plot_label_size = 10.5;

struct text_style plot_text(const struct scene *s, double size, bool muted)
{
    return (struct text_style){.size = size, .color = muted ? s->theme->muted : s->theme->ink};
}

/* ---- the page ---- */

static double put_lines(struct scene *s, const char *text, struct text_style style, double y, double leading, size_t most)
{
    const char *lines[12];
    size_t n = text ? scene_wrap(s, lines, most, text, style, s->width - 2 * MARGIN) : 0;
    for (size_t i = 0; i < n; i++)
        scene_text(s, MARGIN, y + leading * (double)(i + 1), lines[i], style);
    return y + leading * (double)n;
}

static double put_legend(struct scene *s, const struct plot *plot, double y)
{
    struct text_style style = plot_text(s, plot_label_size, false);
    double x = MARGIN, most = (s->width - 2 * MARGIN) / 2 - 40;
    if (!plot->n_legend)
        return y;
    y += 18;
    for (size_t i = 0; i < plot->n_legend; i++) {
        const struct legend_entry *e = &plot->legend[i];
        const char *name = scene_fit(s, e->name, style, most);
        double sign = e->look == LEGEND_LINE ? 22 : 11, width = sign + 5 + scene_width(s, name, style);
        if (x > MARGIN && x + width > s->width - MARGIN) {
            x = MARGIN;
            y += 16;
        }
        if (e->look == LEGEND_SWATCH)
            scene_rect(s, (struct box){x, y - 8.5, 10, 10}, (struct ink){.fill = e->color});
        if (e->look == LEGEND_LINE)
            scene_line(s, x, y - 3.7, x + 22, y - 3.7, e->color, 1.8, e->dash);
        if (e->look == LEGEND_MARKER || e->marked)
            scene_marker(s, e->marker, x + sign / 2, y - 3.7, 3.6, e->color);
        scene_text(s, x + sign + 5, y, name, style);
        x += width + 16;
    }
    return y + 4;
}

static double panel_title_height(const struct plot *plot)
{
    for (size_t i = 0; i < plot->n_panels; i++)
        if (plot->panels[i]->title)
            return 20;
    return 0;
}

static double put_panels(struct scene *s, const struct plot *plot, double y)
{
    size_t across = plot->across ? plot->across : 1;
    double width = (s->width - 2 * MARGIN - plot->lead - GAP * (double)(across - 1)) / (double)across;
    double head = panel_title_height(plot);
    struct text_style style = plot_text(s, plot_label_size + 0.5, false);
    style.bold = true;
    for (size_t from = 0; from < plot->n_panels; from += across) {
        size_t to = from + across < plot->n_panels ? from + across : plot->n_panels;
        double tallest = 0;
        for (size_t i = from; i < to; i++)
            tallest = fmax(tallest, plot->panels[i]->kind->height(s, plot->panels[i], width + (i == from ? plot->lead : 0)));
        for (size_t i = from; i < to; i++) {
            double data = MARGIN + plot->lead + (width + GAP) * (double)(i - from), x = i == from ? MARGIN : data;
            if (plot->panels[i]->title)
                scene_text(s, data, y + 12, scene_fit(s, plot->panels[i]->title, style, width), style);
            plot->panels[i]->kind->draw(s, plot->panels[i], (struct box){x, y + head, data + width - x, tallest});
        }
        y += head + tallest + (to < plot->n_panels ? 16 : 0);
    }
    return y;
}

void plot_layout(struct scene *s, const struct plot *plot)
{
    struct text_style title = plot_text(s, 15, false), small = plot_text(s, plot_label_size, true), caption = plot_text(s, 9, true);
    title.bold = true;
    s->width = plot->width > 0 ? plot->width : PLOT_WIDTH;
    s->title = plot->title ? scene_printf(s, "%s", plot->title) : NULL;
    double y = put_lines(s, plot->title, title, 10, 19, 2);
    y = put_lines(s, plot->subtitle, small, y + 1, 15, 3);
    y = put_legend(s, plot, y) + 14;
    y = put_panels(s, plot, y);
    if (plot->caption)
        y = put_lines(s, plot->caption, caption, y + 8, 12.5, 12);
    s->height = ceil(y + 12);
}

/* ---- for the panels ---- */

double plot_axis_below(const struct plot_axis *axis)
{
    return !axis->untitled && (axis->title || (axis->unit && *axis->unit)) ? 34 : 18;
}

void plot_axis_x(struct scene *s, const struct scale *scale, const struct plot_axis *axis, struct box box)
{
    char text[128], label[SCALE_TEXT_MAX];
    double bottom = box.y + box.h, last = -INFINITY;
    struct text_style style = plot_text(s, plot_tick_size, true);
    style.anchor = ANCHOR_MIDDLE;
    for (size_t i = 0; i < scale->n_ticks; i++) {
        double x = scale_at(scale, scale->ticks[i] / scale->factor);
        double width = scene_width(s, scale_label(scale, i, label), style);
        scene_line(s, x, box.y, x, bottom, s->theme->grid, 0.8, 0);
        if (x - width / 2 < last + 6) /* labels that would touch: the later one is left out */
            continue;
        scene_text(s, x, bottom + 13, label, style);
        last = x + width / 2;
    }
    scene_line(s, box.x, bottom, box.x + box.w, bottom, s->theme->axis, 0.9, 0);
    style.size = plot_label_size;
    style.color = s->theme->ink;
    scene_text(s, box.x + box.w / 2, bottom + 29, scene_fit(s, scale_title(scale, axis, text), style, box.w), style);
}

void plot_axis_reach(struct plot_axis *axis, double value)
{
    if (isfinite(value) && value > axis->hi)
        axis->hi = value;
}

double plot_names_width(struct scene *s, const char *const *names, size_t n, double width)
{
    struct text_style style = plot_text(s, plot_label_size, false);
    double widest = 0;
    for (size_t i = 0; i < n; i++)
        widest = fmax(widest, scene_width(s, names[i], style));
    return fmin(widest, width * 0.34) + 8;
}

void plot_name(struct scene *s, const char *name, double x, double y, double width, double height)
{
    const char *lines[3];
    struct text_style style = plot_text(s, plot_label_size, false);
    size_t most = height >= 38 ? 3 : height >= 26 ? 2 : 1;
    double leading = 12.5;
    size_t n = most == 1 ? 1 : scene_wrap(s, lines, most, name, style, width - 8);
    if (n == 1)
        lines[0] = scene_fit(s, name, style, width - 8);
    style.anchor = ANCHOR_END;
    for (size_t i = 0; i < n; i++)
        scene_text(s, x - 8, y + 3.8 + leading * ((double)i - (double)(n - 1) / 2), lines[i], style);
}

void plot_missing(struct scene *s, double x, double y, double width, const char *why)
{
    struct text_style style = plot_text(s, plot_tick_size, true);
    style.italic = true;
    const char *text = scene_printf(s, why ? "not measured: %s" : "not measured", why);
    scene_text(s, x, y + 3.4, scene_fit(s, text, style, width), style);
}

void plot_mark_line(struct scene *s, double x0, double y0, double x1, double y1)
{
    scene_line(s, x0, y0, x1, y1, s->theme->muted, 1, 4);
}
